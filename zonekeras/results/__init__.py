"""What a sweep found: files that are never half-written, tables, statistics.

Nothing here imports Keras: results can be read and compared where no model runs.
"""
