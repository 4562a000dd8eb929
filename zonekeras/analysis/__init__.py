"""What reads stores, without a model: answers, scores, tables, files, joins.

`output` chooses the answers of a finished run, returns them as a `SweepResult` and
writes its files. `merge` joins shards, `joining` joins several runs, `sweep_comparison`
compares two of them, `listing` says what a directory holds. No Keras.
"""
