"""Processes with oneDNN switched on, by which TensorFlow computes on most servers.

They fail where oneDNN takes kernels that a product of ours makes write outside of its
buffers: on CPUs with AVX-512. `tests/test_products.py` finds such products on all CPUs.
"""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tests.backends import only_tensorflow
from tests.builders import tiny_squad, write_hugging_face, write_json

pytestmark = only_tensorflow

# Every kind of cell, a single head and several layers at once.
MASKED = ["layer3:p2q", "layer0:all", "layer4.head5:p2"]

ASKING = """
import sys

import tensorflow as tf
import tensorflow_text

loaded = tf.saved_model.load(sys.argv[1])
ids = {
    "token_ids": 5 + tf.reshape(tf.range(8 * 31), [8, 31]) % 40,
    "segment_ids": tf.zeros([8, 31], tf.int32),
    "roles": 1 + tf.reshape(tf.range(8 * 31), [8, 31]) % 4,
}
rows = {
    "question": ["Which city?", "Where went the small boat?", "Which roofs?"] * 3,
    "passage": ["The river flows north past the old town into the sea. " * 9] * 9,
    "mask": ["layer1:p2q", "", "layer2.head1:p2"] * 3,
}
given = {name: tf.constant(texts) for name, texts in rows.items()}
found = set()
for _ in range(50):
    outputs = loaded.signatures["answer"](**given) | loaded.logits(**ids)
    found.add(str([(name, outputs[name].numpy().tolist()) for name in sorted(outputs)]))
print(*sorted(found), sep="\\n")
"""


@pytest.fixture(autouse=True)
def only_onednn(monkeypatch):
    """Leaves nothing set that decides how TensorFlow computes."""
    for name in [*os.environ]:
        if name.startswith(("TF_", "ONEDNN_", "DNNL_")):
            monkeypatch.delenv(name)


@pytest.fixture
def dev(shared_dir, tmp_path):
    """The shortest passage of a real dev set, with all its questions."""
    path = shared_dir / "data" / "xquad_en_heldout.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    passages = [one for article in data["data"] for one in article["paragraphs"]]
    shortest = min(passages, key=lambda one: len(one["context"]))
    chosen = [{"title": "Short", "paragraphs": [shortest]}]
    return write_json(tmp_path / "dev.json", {"version": "1.1", "data": chosen})


def assert_ended(done):
    assert done.returncode == 0, f"{done.returncode}: {done.stderr[-4000:]}"


def answers(directory):
    """The content of every file with answers, by name."""
    found = {path.name: path.read_bytes() for path in directory.glob("*.json")}
    del found["run.json"]
    return found


@pytest.mark.slow
def test_a_sweep_has_one_result(run_cli, shared_dir, dev, tmp_path):
    """To the last byte; without oneDNN, which rounds otherwise, the same answers."""
    model = shared_dir / "models" / "minilm-qa"
    for name, switch in (("first", "1"), ("second", "1"), ("without", "0")):
        flags = [f"--model={model}", f"--predict_file={dev}", f"--output_dir={name}"]
        done = run_cli(
            "sweep",
            *flags,
            *("--configurations", *MASKED),
            TF_ENABLE_ONEDNN_OPTS=switch,
        )
        assert_ended(done)
    first = answers(tmp_path / "first")
    assert len(first) == 1 + len(MASKED)
    assert answers(tmp_path / "second") == first
    assert answers(tmp_path / "without") == first


def test_training_learns(run_cli, tmp_path):
    write_hugging_face(tmp_path / "hf")
    write_json(tmp_path / "train.json", tiny_squad(num_passages=4))
    done = run_cli(
        *("finetune", "--model=hf", "--train_file=train.json", "--output_dir=out"),
        *("--max_seq_length=29", "--doc_stride=7", "--train_batch_size=7"),
        *("--learning_rate=5e-3", "--num_train_epochs=20", "--seed=3"),
        TF_ENABLE_ONEDNN_OPTS="1",
    )
    assert_ended(done)
    losses = pd.read_csv(tmp_path / "out" / "history.csv")["loss"].to_numpy()
    assert np.isfinite(losses).all()
    assert losses[-20:].mean() < losses[:20].mean() - 0.2, losses


def test_an_export_answers_the_same_every_time(exported_reader):
    """By strings, under each row's mask, and by ids under the variables' tables."""
    done = subprocess.run(
        [sys.executable, "-c", ASKING, str(exported_reader / "1")],
        env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert_ended(done)
    (outputs,) = done.stdout.splitlines()
    assert f"('error', {[b''] * 9})" in outputs
