"""A loaded reader: predict, mask, answer, save. What `zonekeras.load` returns."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from zonekeras.data.answers import PredictedAnswer, select_answers
from zonekeras.data.batching import make_batches
from zonekeras.data.best_spans import answer_windows
from zonekeras.data.features import encode_pair
from zonekeras.defaults import (
    DOC_STRIDE,
    MAX_SEQ_LENGTH,
    NULL_SCORE_DIFF_THRESHOLD,
    TOKEN_BUDGET,
)
from zonekeras.errors import InputError
from zonekeras.graph.options import ExportOptions
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.model_directory import ModelDescription, check_target
from zonekeras.models.model_writing import write_model
from zonekeras.models.network import INPUT_NAMES, KerasNetwork, Network
from zonekeras.models.reader import Reader
from zonekeras.task_table import TaskName
from zonekeras.tasks.registry import check_is_span
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer
from zonekeras.zones import (
    Configuration,
    Semantics,
    open_tables,
    parse_configuration,
)


class ZoneModel:
    """A loaded model whose attention zones can be switched off.

    Axis letters: `B` batch, `T` tokens, `L` layers, `N` heads, `R` roles.

    Args:
        network: What computes.
        tokenizer: The model's tokenizer.
        description: What the model is.

    Example:
        >>> import zonekeras
        >>> model = zonekeras.load("saved_models/reader")
        >>> passage = "The mill was built by Ada Brook."
        >>> with model.masked("layer2:p2q"):
        ...     answer = model.answer("Who built it?", passage)
        >>> answer.text == passage[answer.start : answer.end]
        True
    """

    def __init__(
        self,
        network: Network,
        tokenizer: ReaderTokenizer,
        description: ModelDescription,
    ) -> None:
        self.network = network
        self.tokenizer = tokenizer
        self.description = description
        self._state = (Configuration(), Semantics.STRICT)
        self._head_tables: np.ndarray | None = None
        self.unmask()

    def __repr__(self) -> str:
        """Says on one line what the model is, and what is masked now."""
        return f"ZoneModel({', '.join(self._about().values())})"

    def _repr_html_(self) -> str:
        """Returns what a notebook shows: what the model is, and what is masked now."""
        rows = [
            f"<tr><th>{name}</th><td>{html.escape(value)}</td></tr>"
            for name, value in self._about().items()
        ]
        return f"<table><tbody>{''.join(rows)}</tbody></table>"

    def _about(self) -> dict[str, str]:
        described = self.description
        encoder = described.encoder
        return {
            "model": described.source,
            "encoder": f"{encoder.family}, {self.num_layers} layers x {self.num_heads} "
            f"heads, {encoder.hidden_dim} wide, {self.max_sequence_length} tokens",
            "task": str(self.task)
            + (f": {', '.join(self.labels)}" * bool(self.labels)),
            "precision": described.precision,
            "masked": f"{self.configuration} ({self.semantics})",
        }

    @property
    def task(self) -> TaskName:
        """What the model's head is for."""
        return self.network.task

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes in the order of the logits; none of spans."""
        return self.network.labels

    @property
    def num_layers(self) -> int:
        """Layers, L."""
        return self.network.num_layers

    @property
    def num_heads(self) -> int:
        """Attention heads of every layer, N."""
        return self.network.num_heads

    @property
    def max_sequence_length(self) -> int:
        """Most tokens that a window can have."""
        return self.description.encoder.max_sequence_length

    @property
    def configuration(self) -> Configuration:
        """What is masked now."""
        return self._state[0]

    @property
    def semantics(self) -> Semantics:
        """What `all` means in the configuration that is masked now."""
        return self._state[1]

    def fingerprint(self) -> str:
        """Returns a SHA-256 of all that decides the logits, except the masks.

        That is the weights and how they are used (activation, epsilon, how a window is
        pooled, …). It is the same for every form of a model: Keras, SavedModel, or its
        first source. Names of classes are not part of it.
        """
        encoder = self.description.encoder.to_dict()
        for name in ("dropout", "attention_dropout", "per_head_tables"):
            del encoder[name]
        text = json.dumps([encoder, self.network.fingerprint()], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def mask(
        self,
        configuration: str | Configuration,
        semantics: str | Semantics = Semantics.STRICT,
    ) -> None:
        """Masks zones until the next `mask` or `unmask`; replaces what was masked.

        Args:
            configuration: Such as `layer3:p2q`, or several clauses joined by `;`.
            semantics: What `all` means.

        Raises:
            InputError: If it is no configuration of this model.
        """
        configuration = _parsed(configuration).resolve(self.num_layers, self.num_heads)
        semantics = _parsed_semantics(semantics)
        tables = configuration.tables(self.num_layers, self.num_heads, semantics)
        same_for_all_heads = bool((tables == tables[:, :1]).all())
        if self.network.table_heads == self.num_heads:
            self.network.assign(tables)
            self._head_tables = None
        else:
            # One table for all heads: a mask of single heads goes in per example,
            # and the variables say that nothing is masked.
            opened = open_tables(self.num_layers)
            self.network.assign(tables[:, :1] if same_for_all_heads else opened)
            self._head_tables = None if same_for_all_heads else tables
        self._state = (configuration, semantics)

    def unmask(self) -> None:
        """Masks nothing."""
        self.mask(Configuration())

    @contextmanager
    def masked(
        self,
        configuration: str | Configuration,
        semantics: str | Semantics = Semantics.STRICT,
    ) -> Iterator[ZoneModel]:
        """Masks zones inside a `with` block, and restores what was masked before."""
        before = self._state
        self.mask(configuration, semantics)
        try:
            yield self
        finally:
            self.mask(*before)

    def predict_logits(self, inputs: Mapping[str, Any]) -> np.ndarray:
        """Returns the head's logits under the current mask.

        Args:
            inputs: Integers [B, T] `token_ids`, `segment_ids` and `roles`, used
                exactly as given: no trimming, no padding.

        Returns:
            float32 [B, T, 2]: start, end; of a classifier [B, K], a number for each
            of `labels`.

        Raises:
            InputError: If an input is missing, of the wrong shape, or holds an id or
                role that does not exist.
        """
        arrays = _checked(inputs, self.description.encoder)
        tables = None
        if self._head_tables is not None:
            batch = len(arrays["roles"])
            tables = np.broadcast_to(
                self._head_tables, (batch, *self._head_tables.shape)
            )
        return self.network.logits(arrays, tables)

    def answer(
        self,
        question: str,
        passage: str,
        *,
        max_seq_length: int = MAX_SEQ_LENGTH,
        doc_stride: int = DOC_STRIDE,
        version_2_with_negative: bool = False,
        null_score_diff_threshold: float = NULL_SCORE_DIFF_THRESHOLD,
    ) -> PredictedAnswer:
        """Answers one question about one passage under the current mask.

        A passage longer than a window is read in windows, the best one answers.

        Args:
            question: The question.
            passage: The passage.
            max_seq_length: Tokens in a window; cut to what the model can take.
            doc_stride: Tokens from one window to the next.
            version_2_with_negative: Whether "no answer" (an empty text) is allowed.
            null_score_diff_threshold: How far the null score must lead for it.

        Returns:
            The answer: `text`, `start` and `end` (characters of `passage`), `score`;
            an empty text and -1 where there is none.

        Raises:
            InputError: If the question or the passage is empty, or the model has
                another task.
        """
        check_is_span(self.task, "answer")
        for name, text in (("question", question), ("passage", passage)):
            if not text.strip():
                raise InputError(f"Expected a {name}. Received: {name}={text!r}.")
        max_seq_length = min(max_seq_length, self.max_sequence_length)
        features = encode_pair(
            question,
            passage,
            self.tokenizer,
            max_seq_length=max_seq_length,
            doc_stride=doc_stride,
        )
        # Published `all` lets tokens see padding, so how much there is matters.
        published = self.semantics is Semantics.PUBLISHED
        batches = make_batches(
            features.lengths,
            token_budget=TOKEN_BUDGET,
            pad_to=max_seq_length if published else None,
            max_length=max_seq_length,
        )
        (answer,) = select_answers(
            features.passages,
            features.question_index,
            answer_windows(
                self.predict_logits, features, batches, padding_competes=published
            ),
            version_2_with_negative=version_2_with_negative,
            null_score_diff_threshold=null_score_diff_threshold,
        )
        return answer if answer.start >= 0 else replace(answer, text="")

    def save(self, directory: str | Path) -> None:
        """Writes a model directory: description, Keras model and tokenizer.

        Nothing is masked in what is written. A model of ours that is in the directory
        is replaced, also another one; its SavedModel is removed, since `load` would
        prefer it.

        Raises:
            InputError: If the model was loaded from a SavedModel, or the directory
                holds something else.
        """
        self._write(Path(directory), None)

    def export(
        self, directory: str | Path, options: ExportOptions | None = None
    ) -> None:
        """Writes a model directory with a SavedModel in it (`1/`); see `saved_model`.

        The SavedModel takes TF Serving's layout: the directory is its base path. A
        model of ours that is in it is replaced, also another one.

        Args:
            directory: Where to; made if missing.
            options: Which signatures it gets; by default `serving_default`, and
                `answer` unless the tokenizer is one that cannot run in a graph (BPE).

        Raises:
            InputError: If the running backend is not TensorFlow, the model was loaded
                from a SavedModel, the directory holds something else, or the options
                do not fit the model.
        """
        import keras

        if keras.backend.backend() != "tensorflow":
            raise InputError(
                "Expected the TensorFlow backend to write a SavedModel. Received: "
                f"{keras.backend.backend()}. Set KERAS_BACKEND=tensorflow, or use save."
            )
        check_is_span(self.task, "A SavedModel")
        options = options or ExportOptions.for_tokenizer(self.tokenizer)
        options.check(self.num_layers, self.tokenizer)
        self._write(Path(directory), options)

    def _write(self, directory: Path, saved_model: ExportOptions | None) -> None:
        check_target(directory)
        with self.masked(Configuration()):
            write_model(
                directory,
                self._reader(),
                self.tokenizer,
                self.description,
                self.fingerprint(),
                saved_model=saved_model,
            )

    def _reader(self) -> Reader:
        if not isinstance(self.network, KerasNetwork):
            raise InputError(
                "Expected a Keras model to save. Received: a loaded SavedModel. Load "
                "the model directory with prefer_saved_model=False."
            )
        return self.network.reader


def _parsed(configuration: str | Configuration) -> Configuration:
    if isinstance(configuration, Configuration):
        return configuration
    return parse_configuration(configuration)


def _parsed_semantics(semantics: str | Semantics) -> Semantics:
    try:
        return Semantics(semantics)
    except ValueError as error:
        raise InputError(
            f"Expected semantics strict or published. Received: {semantics!r}."
        ) from error


def _checked(inputs: Mapping[str, Any], encoder: EncoderConfig) -> dict[str, Any]:
    """Returns the inputs as int32 arrays of one shape [B, T]."""
    missing = [name for name in INPUT_NAMES if name not in inputs]
    if missing:
        raise InputError(
            f"Expected inputs {', '.join(INPUT_NAMES)}. "
            f"Received: {', '.join(inputs)}; {', '.join(missing)} is missing."
        )
    arrays = {name: np.asarray(inputs[name]) for name in INPUT_NAMES}
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) != 1 or len(shapes["roles"]) != 2:
        raise InputError(f"Expected inputs of one shape [B, T]. Received: {shapes}.")
    longest = encoder.max_sequence_length
    if shapes["roles"][1] > longest:
        raise InputError(
            f"Expected at most {longest} tokens, which is what this model "
            f"was made for. Received: {shapes['roles'][1]}."
        )
    for name, array in arrays.items():
        _check_range(name, array, encoder.id_limits.get(name))
    return {name: array.astype(np.int32) for name, array in arrays.items()}


def _check_range(name: str, array: np.ndarray, limit: int | None) -> None:
    """Refuses what a backend would truncate, clip or read as nothing."""
    if array.dtype.kind not in "iu":
        raise InputError(f"Expected integers. Received: {name} of {array.dtype}.")
    if limit is None or array.size == 0:
        return
    lowest, highest = array.min(), array.max()
    if lowest < 0 or highest >= limit:
        raise InputError(
            f"Expected {name} from 0 to {limit - 1}, as this model has them. "
            f"Received: {name} from {lowest} to {highest}."
        )
