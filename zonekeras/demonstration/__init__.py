"""The embedded demonstration: a synthetic corpus, and a small reader trained on it.

`corpus` makes passages and questions by rule, `demo` trains the reader. What commands
without arguments run.
"""
