"""`finetune`: trains a reader and writes its model directory.

Faults are found before the output directory is touched. A killed run that is started
again continues from its last checkpoint. A finished run is not trained again; where
`keep` asks for its other weights, it writes the model from those.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import keras
import numpy as np

from zonekeras.errors import InputError
from zonekeras.files.run_record import write_run_record
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.model_directory import DESCRIPTION_FILE, read_description
from zonekeras.models.network import KerasNetwork, Network
from zonekeras.models.reader import Reader
from zonekeras.models.weights import (
    encoder_shapes,
    head_shapes,
    random_weights,
    reader_variables,
    reader_weights,
)
from zonekeras.models.zone_model import ZoneModel
from zonekeras.tasks.registry import check_is_span
from zonekeras.tasks.task import Dataset, WindowFeatures
from zonekeras.training.answering import check_length
from zonekeras.training.checkpoints import LAST_FILE
from zonekeras.training.finetune_result import FinetuneResult
from zonekeras.training.history import History
from zonekeras.training.output import RunDirectory, check_run_dir, open_run_dir
from zonekeras.training.progress import Progress
from zonekeras.training.run_results import (
    finished_history,
    restore_results,
    write_results,
)
from zonekeras.training.settling import read_data, settle
from zonekeras.training.training_settings import TrainingSettings
from zonekeras.training.training_task import TrainingTask, training_of

if TYPE_CHECKING:
    import tensorflow as tf

    from zonekeras.distribute.chief import Chief
    from zonekeras.models.classifier_head import ClassifierHead
    from zonekeras.models.span_reader import SpanReader

TRAINING_VERSION = 2
"""Part of a run's name: raise it when equal inputs give other weights.

Those of version 1 may be wrong: on CPUs with AVX-512 a product of the masks wrote
outside its buffers.
"""


def finetune(
    model: ZoneModel,
    train: Dataset | str | os.PathLike[str],
    dev: Dataset | str | os.PathLike[str] | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    *,
    strategy: tf.distribute.Strategy | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    command: Mapping[str, Any] | None = None,
    **settings: Any,
) -> FinetuneResult:
    """Fine-tunes a model for its task.

    Args:
        model: Where to start from; it is not changed. Its masks play no part. Its head
            decides the task: `zonekeras.models.fresh_classifier.load_to_classify` gives
            a classifier's to an encoder.
        train: What to train on, or its file.
        dev: What to answer in the end, and score on the way.
        output_dir: Where the model directory, checkpoints and curves go; nothing is
            written if left out. A killed run started again goes on in it, also under
            another strategy.
        strategy: What joins devices or machines, such as
            `zonekeras.distribute.strategies.make_strategy` makes; None for one device.
            Every worker of several calls this function; the chief alone writes.
        on_progress: Called after every step and every batch of the dev set.
        command: What `run.json` says about the caller.
        **settings: Fields of `TrainingSettings`, such as `learning_rate=1e-4`. A TPU
            has `fixed_shapes` in any case.

    Returns:
        The fine-tuned model, its history and its answers.

    Raises:
        InputError: If a setting, the data, the model or `output_dir` cannot be used,
            or a loss is not finite; the weights before that are saved.
        OSError: If a file cannot be written, or another worker is gone; the checkpoint
            before stays.

    Example:
        >>> import zonekeras
        >>> model = zonekeras.load("saved_models/encoder")
        >>> result = zonekeras.finetune(
        ...     model, "train.json", "dev.json", "saved_models/trained",
        ...     max_seq_length=48, num_train_epochs=1,
        ... )
        >>> (result.directory / "model.keras").is_file()
        True
    """
    directory = None if output_dir is None else Path(output_dir)
    run = _prepare(model, train, dev, directory, strategy, settings)
    with run.chief.errors(), ExitStack() as stack:
        run.chief.check_same(run.everybodys())
        output = run.chief.call(lambda: run.begin(directory, stack, command))
        if run.chief.told(run.is_finished(output)):
            return run.finished_result(output)
        return run.train(output, on_progress or _ignore)


def _prepare(
    model: ZoneModel,
    train: Dataset | str | os.PathLike[str],
    dev: Dataset | str | os.PathLike[str] | None,
    directory: Path | None,
    strategy: tf.distribute.Strategy | None,
    settings: Mapping[str, Any],
) -> _Run:
    """Checks everything that can be wrong; writes nothing."""
    chosen = TrainingSettings.of(settings)
    _check_backend()
    from zonekeras.distribute.chief import Chief
    from zonekeras.distribute.strategies import needs_fixed_shapes

    if strategy is not None:
        check_is_span(model.task, "Training on several devices")
    if needs_fixed_shapes(strategy):
        chosen = replace(chosen, fixed_shapes=True)
    chief = Chief(strategy)
    if directory is not None and chief.is_here:
        check_run_dir(directory)
    task = training_of(model.task)
    train_set = read_data(task, train, training=True)
    dev_set = None if dev is None else read_data(task, dev)
    chosen = settle(chosen, train_set, dev_set, model.task)
    run = _Run(task, model, train_set, dev_set, chosen, strategy, chief)
    run.check()
    return run


class _Run:
    """A model, data and settings, and what they run on."""

    def __init__(
        self,
        task: TrainingTask[Any, Any],
        model: ZoneModel,
        train: Dataset,
        dev: Dataset | None,
        settings: TrainingSettings,
        strategy: tf.distribute.Strategy | None,
        chief: Chief,
    ) -> None:
        self.task = task
        self.model = model
        self.train_set = train
        self.dev_set = dev
        self.settings = settings
        self.strategy = strategy
        self.chief = chief

    def check(self) -> None:
        """Checks that the model can be trained on the data with these settings."""
        self._reader(self.model)
        for dataset in (self.train_set, self.dev_set):
            if dataset is not None:
                self.task.check(self.model, dataset)
        self.train_features = self._features(self.train_set)

    def content(self) -> dict[str, Any]:
        """Returns all that decides the run."""
        return {
            "version": TRAINING_VERSION,
            "model": self.model.fingerprint(),
            "tokenizer": self.model.tokenizer.fingerprint,
            "train_file": self.train_set.fingerprint,
            "predict_file": None if self.dev_set is None else self.dev_set.fingerprint,
            "settings": self.settings.content(self.task.NAME),
            **({"labels": list(self.model.labels)} if self.model.labels else {}),
        }

    def everybodys(self) -> dict[str, Any]:
        """Returns what has to be the same on all workers, by name."""
        content = self.content()
        settings = content.pop("settings")
        return content | settings | {"keep": self.settings.keep}

    def record(self) -> dict[str, Any]:
        """Returns what `run.json` and `zonekeras.json` say of the run."""
        return {
            "model": self.model.description.source,
            "train_file": self.train_set.path,
            "predict_file": None if self.dev_set is None else self.dev_set.path,
            "settings": self.settings.values(self.task.NAME),
            "fingerprints": {
                name: value
                for name, value in self.content().items()
                if isinstance(value, str)
            },
        }

    def kept(self, output: RunDirectory) -> str | None:
        """Returns which weights of this run are the model in the directory, if any."""
        path = output.path / DESCRIPTION_FILE
        if not path.exists():
            return None
        made_by = read_description(path)[0].made_by or {}
        if made_by.get("run") != output.run:
            return None
        return str(made_by["settings"]["keep"])

    def begin(
        self,
        directory: Path | None,
        stack: ExitStack,
        command: Mapping[str, Any] | None,
    ) -> RunDirectory | None:
        """Opens the directory, if there is one, and writes what is going to be run.

        Args:
            directory: Where the results go.
            stack: Holds the right to write there.
            command: What `run.json` says of who called.
        """
        if directory is None:
            return None
        output = stack.enter_context(open_run_dir(directory, self.content()))
        if self.is_finished(output):
            return output
        if self.kept(output) is not None:
            output.require(LAST_FILE)  # or all would be trained again
        write_run_record(directory, self.record(), command)
        return output

    def is_finished(self, output: RunDirectory | None) -> bool:
        """Says whether the model that is asked for lies there finished."""
        return output is not None and self.kept(output) == self.settings.keep

    def finished_result(self, output: RunDirectory | None) -> FinetuneResult:
        """Returns what an earlier process finished; writes missing files of it again.

        Workers beside the chief get the model alone.
        """
        result = self.chief.call(
            lambda: None if output is None else self._restored(output)
        )
        own = {} if result is None else reader_weights(self._reader(result.model))
        weights = self.chief.arrays(own)
        if result is not None:
            return result
        model = self._final_model(dict(weights), None)
        return FinetuneResult(model, History(), None, None, was_finished=True)

    def train(
        self, output: RunDirectory | None, on_progress: Callable[[Progress], None]
    ) -> FinetuneResult:
        """Trains, answers the dev set, and writes the model directory."""
        from zonekeras.training.loop import DevSet, TrainingLoop

        settings = self.settings
        if settings.deterministic:
            _make_deterministic()
        dev = None
        if self.dev_set is not None:
            dev = DevSet(self.dev_set, self._features(self.dev_set))
        reader = self._fresh_reader()
        description = replace(
            self.model.description, encoder=reader.config, precision=settings.precision
        )
        loop = TrainingLoop(
            self.task,
            ZoneModel(self._network(reader), self.model.tokenizer, description),
            reader,
            self.train_features,
            settings,
            dev=dev,
            output=output,
            strategy=self.strategy,
            on_progress=on_progress,
        )
        loop.restore()
        loop.run()
        if settings.keep == "best":
            best = loop.best_weights()
            for name, variable in reader_variables(reader).items():
                variable.assign(best[f"weight/{name}"])
        is_as_scored = settings.keep == "last" and settings.precision == "float32"
        model = self._final_model(reader_weights(reader), output)
        answers = loop.answers if is_as_scored else None
        if answers is None and dev is not None:
            answering = self._on_all_devices(model)
            answers = self.task.answer(answering, dev.dataset, dev.features, settings)

        def write() -> None:
            if output is not None:
                write_results(
                    self.task, output.path, model, loop.history, answers, settings
                )

        self.chief.call(write)
        return FinetuneResult(
            model, loop.history, answers, None if output is None else output.path
        )

    def _restored(self, output: RunDirectory) -> FinetuneResult:
        """Reads a finished run, and writes missing files of it again."""
        from zonekeras.models.loading import load

        model = load(output.path, prefer_saved_model=False)
        answers = None
        if self.dev_set is not None:
            features = self._features(self.dev_set)
            answers = self.task.answer(model, self.dev_set, features, self.settings)
        history = finished_history(self.task, output)
        restore_results(self.task, output.path, model, history, answers, self.settings)
        return FinetuneResult(model, history, answers, output.path, was_finished=True)

    def _network(self, reader: Reader) -> Network:
        """Returns what computes a reader's logits on the devices of this process."""
        if self.strategy is None:
            return KerasNetwork(reader)
        from zonekeras.distribute.replicated_network import ReplicatedNetwork
        from zonekeras.models.saved_model import ReaderModule

        with self.strategy.scope():
            module = ReaderModule(cast("SpanReader", reader))  # no other is replicated
        return ReplicatedNetwork(module, self.strategy)

    def _build(
        self, config: EncoderConfig, weights: Any, dtype: str, *, trains: bool = False
    ) -> Reader:
        """Builds a reader on all devices."""
        scope = nullcontext() if self.strategy is None else self.strategy.scope()
        with scope:
            return self.task.build(
                self.model, config, weights, dtype=dtype, trains=trains
            )

    def _on_all_devices(self, model: ZoneModel) -> ZoneModel:
        """Returns a copy of a model that is on all devices, if there are several."""
        if self.strategy is None:
            return model
        weights = reader_weights(self._reader(model))
        reader = self._build(model.description.encoder, weights, "float32")
        return ZoneModel(self._network(reader), model.tokenizer, model.description)

    def _reader(self, model: ZoneModel) -> Reader:
        if not isinstance(model.network, KerasNetwork):
            raise InputError(
                "Expected a Keras model to fine-tune. Received: a loaded SavedModel. "
                "Load the model directory with prefer_saved_model=False."
            )
        return model.network.reader

    def _fresh_reader(self) -> Reader:
        """Returns a reader of its own to train, with the settings' dropout."""
        settings = self.settings
        config = self.model.description.encoder
        if settings.dropout is not None:
            config = replace(
                config, dropout=settings.dropout, attention_dropout=settings.dropout
            )
        weights = reader_weights(self._reader(self.model))
        if settings.from_scratch:
            weights |= random_weights(encoder_shapes(config), settings.seed)
        if settings.from_scratch or not self.model.description.has_head:
            weights |= self._fresh_head(config, weights)
        return self._build(config, weights, settings.precision, trains=True)

    def _fresh_head(
        self, config: EncoderConfig, weights: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Returns a head as the seed draws it, without what the source had of it.

        A classifier's may have a pooler. What loading drew is known by its values.
        """
        head = cast("ClassifierHead | None", self.model.description.head)
        shapes = head_shapes(config, head)
        drawn = random_weights(shapes, self.settings.seed)
        if head is None or self.settings.from_scratch:
            return drawn
        of_loading = random_weights(shapes)
        return {
            name: value
            for name, value in drawn.items()
            if np.array_equal(weights[name], of_loading[name])
        }

    def _final_model(
        self, weights: Mapping[str, Any], output: RunDirectory | None
    ) -> ZoneModel:
        """Returns the trained model in float32, with the dropout that it came with."""
        config = self.model.description.encoder
        made_by = {
            "command": "finetune",
            "run": None if output is None else output.run,
            **self.record(),
        }
        description = replace(
            self.model.description,
            precision="float32",
            has_head=True,
            made_by=made_by,
        )
        final = self.task.build(self.model, config, weights, dtype="float32")
        return ZoneModel(KerasNetwork(final), self.model.tokenizer, description)

    def _features(self, dataset: Dataset) -> WindowFeatures:
        check_length(self.model, self.settings)
        return self.task.windows(self.model, dataset, self.settings)


def _check_backend() -> None:
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise InputError(
            "Expected the TensorFlow backend to fine-tune with. Received: "
            f"{backend}. Set KERAS_BACKEND=tensorflow."
        )


def _make_deterministic() -> None:
    """Makes TensorFlow repeat itself bit for bit, in this process from here on."""
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


def _ignore(progress: Progress) -> None:
    """Ignores progress that nobody asked for."""
