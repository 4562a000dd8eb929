"""Answering a dev set: what its batches look like changes no answer."""

from dataclasses import replace

import numpy as np

from tests.backends import only_tensorflow
from tests.builders import tiny_squad, write_json
from zonekeras.data.squad import read_squad
from zonekeras.training.settling import settle
from zonekeras.training.training_settings import TrainingSettings

pytestmark = only_tensorflow


def test_one_shape_gives_the_same_answers(reader, tmp_path, monkeypatch):
    from zonekeras.training.answering import answer_dataset, make_windows

    dataset = read_squad(write_json(tmp_path / "dev.json", tiny_squad()))
    settings = TrainingSettings.of(
        {"max_seq_length": 31, "doc_stride": 7, "predict_batch_size": 7}
    )
    settings = settle(settings, None, dataset)
    features = make_windows(reader, dataset, settings)
    assert len(features.lengths) % 7
    shapes, predict_logits = [], reader.predict_logits

    def note(inputs):
        shapes.append(np.shape(inputs["roles"]))
        return predict_logits(inputs)

    monkeypatch.setattr(reader, "predict_logits", note)
    free = answer_dataset(reader, dataset, features, settings)
    assert len({*shapes}) > 1
    shapes.clear()
    fixed = answer_dataset(
        reader, dataset, features, replace(settings, fixed_shapes=True)
    )
    assert {*shapes} == {(7, 31)}
    assert fixed == free
