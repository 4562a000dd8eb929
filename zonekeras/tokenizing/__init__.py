"""From strings to token ids with character offsets.

Everything else uses `reader_tokenizer.ReaderTokenizer`. It is read from the files that
come with published models (`tokenizer_files`, `definitions`) or from a SentencePiece
model (`sentencepiece_model`). Windows and roles are in `data`.
"""
