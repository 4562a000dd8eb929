"""What reads stores, without a model: answers, scores, tables, files, joins.

`output` chooses the answers of a finished run and writes its files, as a `SweepResult`.
`merge` joins what shards left, `joining` shows what several runs show together,
`sweep_comparison` how two of them differ, `listing` what a directory holds. No Keras.
"""
