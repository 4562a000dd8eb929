"""The embedded demonstration: a synthetic corpus, and a small reader trained on it.

`corpus` makes passages and questions by rule, `demo` trains the reader. Commands
without arguments run it.
"""
