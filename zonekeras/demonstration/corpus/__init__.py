"""The synthetic corpus: passages and questions made by rule, in SQuAD's form.

It needs no download, a small reader learns it from nothing in minutes, and its answers
depend on the question. The embedded demonstration and many tests run on it. It says
nothing about how well a reader reads real text.
"""

from zonekeras.demonstration.corpus.files import make_corpus, write_corpus
from zonekeras.demonstration.corpus.vocabulary import vocabulary

__all__ = ["make_corpus", "vocabulary", "write_corpus"]
