"""What a sweep found: the store, the output directory and the tables made from it.

Nothing here imports Keras: results can be read and compared where no model runs.
"""
