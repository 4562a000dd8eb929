"""How sure a sweep's numbers are: intervals, tests and what they rest on.

Everything starts from the differences between a cell's and the baseline's score of the
same question, in points, and from which passage each question belongs to. Questions of
one passage are not independent, so passages with all their questions are what is
resampled (`bootstrap`), what is flipped (`permutation`) and what standard errors are
computed over (`power`). Source for that rule: Davison and Hinkley, "Bootstrap Methods
and their Application" (1997), section 3.8.

`cells.cell_statistics` is the table of one sweep, `hierarchical.seed_statistics` that
of several fine-tuning seeds, `comparison_statistics.comparison_statistics` that of two
models or groups of seeds, `groups.group_effects` that of kinds of questions, and
`simulation` shows that tests and intervals keep what they promise.

Nothing here imports Keras, reads files or draws.
"""
