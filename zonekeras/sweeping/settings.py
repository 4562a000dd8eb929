"""What a sweep is run with, and everything in it that decides the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from zonekeras.data.squad import SquadDataset
from zonekeras.errors import InputError
from zonekeras.models.zone_model import ZoneModel
from zonekeras.zones import Semantics


@dataclass(frozen=True)
class SweepSettings:
    """Settings of a sweep.

    Attributes:
        semantics: What the zone `all` means. `published` also pads every window to
            `max_seq_length`, as the protocol's runs did.
        max_seq_length: Tokens in a window, special tokens included.
        doc_stride: Tokens from one window of a long passage to the next.
        max_query_length: Tokens of a question; what is longer is cut.
        n_best_size: Start and end positions paired in a window.
        max_answer_length: Tokens of the longest answer.
        version_2_with_negative: Whether a question may have no answer; None = if the
            data says so.
        null_score_diff_threshold: How far the null score must lead for "no answer".
        batch_size: Windows run at once.
        metric: `auto`, `squad`, `squad_v2` or `cmrc2018`.
    """

    semantics: Semantics = Semantics.STRICT
    max_seq_length: int = 384
    doc_stride: int = 128
    max_query_length: int = 64
    n_best_size: int = 20
    max_answer_length: int = 30
    version_2_with_negative: bool | None = None
    null_score_diff_threshold: float = 0.0
    batch_size: int = 32
    metric: str = "auto"

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> SweepSettings:
        """Returns checked settings from keywords.

        Raises:
            InputError: If a name is unknown or a value cannot be used; all at once.
        """
        names = [field.name for field in fields(cls)]
        faults = [
            f"{name} is not a setting (they are {', '.join(names)})"
            for name in settings
            if name not in names
        ]
        semantics = settings.get("semantics", cls.semantics)
        if semantics not in tuple(Semantics):
            faults.append(f"semantics={semantics!r} is not strict or published")
        for name in (
            "max_seq_length",
            "doc_stride",
            "max_query_length",
            "n_best_size",
            "max_answer_length",
            "batch_size",
        ):
            value = settings.get(name, 1)
            if not isinstance(value, int) or value < 1:
                faults.append(f"{name}={value!r} is not a whole number above 0")
        if faults:
            raise InputError(
                f"Expected other sweep settings. Received: {'; '.join(faults)}."
            )
        return cls(**{**settings, "semantics": Semantics(semantics)})

    def resolved(self, model: ZoneModel, dataset: SquadDataset) -> SweepSettings:
        """Returns the settings with what the model and the data decide filled in.

        Raises:
            InputError: If the windows are longer than the model can read.
        """
        if self.max_seq_length > model.max_sequence_length:
            raise InputError(
                f"Expected max_seq_length of at most {model.max_sequence_length}, "
                f"which is what this model can read. Received: {self.max_seq_length}."
            )
        negative = self.version_2_with_negative
        values = asdict(self) | {
            "version_2_with_negative": (
                dataset.has_impossible if negative is None else negative
            )
        }
        return SweepSettings(**values)

    @property
    def pad_to(self) -> int | None:
        """The one length of every window, or None where batches choose."""
        return self.max_seq_length if self.semantics is Semantics.PUBLISHED else None

    def content(self) -> dict[str, Any]:
        """Returns what decides the answers, as JSON values; the metric does not."""
        values = asdict(self)
        values.pop("metric")
        return values | {"semantics": str(self.semantics)}
