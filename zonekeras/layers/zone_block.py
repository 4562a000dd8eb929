"""One encoder layer: attention with a zone table, then the feed-forward part.

Axis letters: `B` batch, `T` tokens, `D` width, `R` roles, `t` = 1 (one table for all
examples) or `B`, `n` = 1 (one for all heads) or the number of heads.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import keras
from keras import ops

from zonekeras.layers.devices import runs_on_cpu
from zonekeras.layers.masked_multi_head_attention import MaskedMultiHeadAttention
from zonekeras.layers.normalization import normalized_sum
from zonekeras.layers.products import dense
from zonekeras.layers.scoped_dropout import ScopedDropout
from zonekeras.layers.tensors import Tensor


def activation_function(name: str) -> Any:
    """Returns the activation a checkpoint names.

    Args:
        name: `gelu` (the exact, erf form), `gelu_tanh` (the approximation), or any
            name that `keras.activations.get` knows.
    """
    if name == "gelu":
        return gelu_erf
    if name == "gelu_tanh":
        return gelu_tanh
    return keras.activations.get(name)


@keras.saving.register_keras_serializable(package="zonekeras")
def gelu_erf(x: Any) -> Any:
    """Gaussian error linear unit by the error function."""
    return ops.gelu(x, approximate=False)


@keras.saving.register_keras_serializable(package="zonekeras")
def gelu_tanh(x: Any) -> Any:
    """Gaussian error linear unit by the tanh approximation."""
    return ops.gelu(x, approximate=True)


def activation_in_float32(activation: Any, x: Any) -> Any:
    """Applies an activation in float32, and returns it in the input's dtype.

    For training on CPUs. In inference TensorFlow fuses a product with its activation.
    In training it cannot, since the derivative needs the sum, and unfused GELU takes a
    CPU 2.5 times as long in bfloat16 as in float32.
    """
    return ops.cast(activation(ops.cast(x, "float32")), x.dtype)


@keras.saving.register_keras_serializable(package="zonekeras")
class ZoneBlock(keras.layers.Layer):
    """A transformer encoder layer with normalization after each part.

    The layout of BERT (arXiv:1810.04805), shared by RoBERTa, XLM-R, ELECTRA,
    DistilBERT and ALBERT.

    Hidden states are float32 between the layers whatever the dtype policy: only
    products are computed in its dtype, so that roundings do not add up over layers.

    Args:
        num_heads: Attention heads.
        hidden_dim: Width, D.
        intermediate_dim: Width between the two feed-forward products.
        activation: Name as in `activation_function`.
        layer_norm_epsilon: Added to the variance.
        dropout: Share of units dropped after each part in training.
        attention_dropout: Share of attention weights dropped in training.
        per_head_tables: Whether each head has its own zone table.
        num_tables: How many depths use this block.
        **kwargs: As in `keras.layers.Layer`.
    """

    def __init__(
        self,
        num_heads: int,
        hidden_dim: int,
        intermediate_dim: int,
        activation: str,
        layer_norm_epsilon: float,
        dropout: float,
        attention_dropout: float,
        per_head_tables: bool = False,
        num_tables: int = 1,
        **kwargs: Any,
    ) -> None:
        # Autocasting would round the hidden states on their way in.
        super().__init__(autocast=False, **kwargs)
        self.config = {
            "num_heads": num_heads,
            "hidden_dim": hidden_dim,
            "intermediate_dim": intermediate_dim,
            "activation": activation,
            "layer_norm_epsilon": layer_norm_epsilon,
            "dropout": dropout,
            "attention_dropout": attention_dropout,
            "per_head_tables": per_head_tables,
            "num_tables": num_tables,
        }
        initializer = keras.initializers.TruncatedNormal(stddev=0.02)
        common = {"dtype": self.dtype_policy}
        norm = {"epsilon": layer_norm_epsilon, **common}
        self.attention = MaskedMultiHeadAttention(
            num_heads,
            hidden_dim // num_heads,
            dropout=attention_dropout,
            kernel_initializer=initializer,
            per_head_tables=per_head_tables,
            num_tables=num_tables,
            name="attention",
            **common,
        )
        self.attention_norm = keras.layers.LayerNormalization(
            name="attention_norm", **norm
        )
        self.intermediate = keras.layers.Dense(
            intermediate_dim,
            activation=activation_function(activation),
            kernel_initializer=initializer,
            name="intermediate",
            **common,
        )
        self.output_dense = keras.layers.Dense(
            hidden_dim, kernel_initializer=initializer, name="output_dense", **common
        )
        self.output_norm = keras.layers.LayerNormalization(name="output_norm", **norm)
        self.dropout = ScopedDropout(dropout, **common)

    def build(self, hidden_shape: Any) -> None:
        """Creates the weights, independent of the batch and length."""
        shape = (None, None, self.config["hidden_dim"])
        self.attention.build(shape)
        self.attention_norm.build(shape)
        self.intermediate.build(shape)
        self.output_dense.build((None, None, self.config["intermediate_dim"]))
        self.output_norm.build(shape)

    def call(
        self,
        hidden: Annotated[Tensor, "B T D"],
        roles: Annotated[Tensor, "B T"],
        zone_table: Annotated[Tensor, "t n R R"] | None = None,
        table_index: int = 0,
        training: bool | None = None,
    ) -> Annotated[Tensor, "B T D"]:
        """Runs the layer.

        Args:
            hidden: float32.
            roles: int32.
            zone_table: float32, in place of the variable.
            table_index: Which of the block's tables to read.
            training: Whether dropout is on.

        Returns:
            The next layer's input, float32.
        """
        attended = self.attention(
            hidden,
            roles=roles,
            zone_table=zone_table,
            table_index=table_index,
            training=training,
        )
        return self.finish(hidden, attended, training=training)

    def finish(
        self,
        hidden: Annotated[Tensor, "B T D"],
        attended: Annotated[Tensor, "B T D"],
        training: bool | None = None,
    ) -> Annotated[Tensor, "B T D"]:
        """Runs what follows attention, token by token.

        Args:
            hidden: The layer's input, float32.
            attended: The attention's output.
            training: Whether dropout is on.

        Returns:
            The layer's output, float32.
        """
        attended = self.dropout(attended, training=training)
        hidden = normalized_sum(hidden, attended, self.attention_norm)
        intermediate, output = self.intermediate, self.output_dense
        activation = intermediate.activation
        if training and runs_on_cpu():
            activation = partial(activation_in_float32, activation)
        rounded = ops.cast(hidden, self.compute_dtype)
        widened = dense(rounded, intermediate.kernel, intermediate.bias, activation)
        widened = dense(widened, output.kernel, output.bias)
        widened = self.dropout(widened, training=training)
        return normalized_sum(hidden, widened, self.output_norm)

    def compute_output_shape(self, hidden_shape: Any, **kwargs: Any) -> Any:
        """Returns the input's shape."""
        return hidden_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return super().get_config() | self.config
