"""Data: reading files, windows, features and batches, and decoding answers."""
