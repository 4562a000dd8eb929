"""Data: reading files, featurizing them for a model, batches, and decoding answers."""
