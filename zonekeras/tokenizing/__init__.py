"""From strings to token ids with character offsets.

`reader_tokenizer.ReaderTokenizer` is what all else uses. It is read from the files that
publishers of models leave (`tokenizer_files`, `definitions`) or from a SentencePiece
model (`sentencepiece_model`). Windows and roles are in `data`.
"""
