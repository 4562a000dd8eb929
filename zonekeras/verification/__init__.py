"""The truth test: does a sweep find what is there, and nothing else?

`run.verify` sweeps readers whose answers flow through one known zone of one known layer
(`planted_model`, on the questions of `planted_data`), and checks the statistics on
simulated outcomes with known effects. The command is `zonekeras verify`.
"""
