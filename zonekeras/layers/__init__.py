"""Keras layers: attention with zone tables, and the encoder pieces built on it.

They use `keras.ops` only and run on TensorFlow and JAX.
"""

from zonekeras.layers.masked_multi_head_attention import MaskedMultiHeadAttention
from zonekeras.layers.rows import take_rows
from zonekeras.layers.zone_block import ZoneBlock
from zonekeras.layers.zone_embeddings import ZoneEmbeddings

__all__ = ["MaskedMultiHeadAttention", "ZoneBlock", "ZoneEmbeddings", "take_rows"]
