"""From strings to answers inside a TensorFlow graph.

What a SavedModel needs to answer by itself, without Python: tokenizing with character
offsets (`wordpiece`, `sentencepiece`), windows (`windowing`), reading masks (`masks`),
decoding spans (`span_decoding`), and the function over all of them (`answering`). Every
module computes what its counterpart in `tokenizing`, `data` or `zones` computes, and is
tested against it.

No operation here raises on data: a row that cannot be answered has a message instead.
`options` and `code_points` are free of TensorFlow; the others need it. This package
knows nothing of models: logits come in as a function.
"""
