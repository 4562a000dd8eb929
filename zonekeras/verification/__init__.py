"""The truth test: does a sweep find what is there, and nothing else?

`verification_run.verify` sweeps readers whose answers flow through one known zone of
one known layer (`planted_model`, on the questions of `planted_data`). It also checks
the statistics on simulated outcomes with known effects. The command is `zonekeras
verify`.
"""
