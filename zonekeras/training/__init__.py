"""Fine-tuning a reader.

`finetune` is the entry; `TrainingSettings` what it runs with; `FinetuneResult` what it
returns. `predict` answers a dev set with a model as it is. They are imported when they
are first used, so that settings can be checked before Keras is there. Training needs
the TensorFlow backend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zonekeras.lazy_names import lazy_names

if TYPE_CHECKING:
    from zonekeras.training.answering import DevAnswers as DevAnswers
    from zonekeras.training.finetune_result import FinetuneResult as FinetuneResult
    from zonekeras.training.prediction import predict as predict
    from zonekeras.training.progress import Progress as Progress
    from zonekeras.training.training_run import finetune as finetune
    from zonekeras.training.training_settings import (
        TrainingSettings as TrainingSettings,
    )

__all__ = [
    "DevAnswers",
    "FinetuneResult",
    "Progress",
    "TrainingSettings",
    "finetune",
    "predict",
]

_HOMES = {
    "DevAnswers": "zonekeras.training.answering",
    "FinetuneResult": "zonekeras.training.finetune_result",
    "Progress": "zonekeras.training.progress",
    "TrainingSettings": "zonekeras.training.training_settings",
    "finetune": "zonekeras.training.training_run",
    "predict": "zonekeras.training.prediction",
}

__getattr__ = lazy_names(__name__, _HOMES)
