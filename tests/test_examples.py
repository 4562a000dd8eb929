"""Every example in a docstring runs, as a reader who pastes it would run it.

It runs in a folder that has what examples name: small readers, data, and whatever
answers at the addresses of a server and of a bucket.
"""

import doctest
import importlib
from pathlib import Path

import pytest

from tests.backends import ON_TENSORFLOW
from tests.builders import ONE_LAYER, tiny_squad, write_hugging_face, write_json
from tests.remote_bucket import empty_bucket
from tests.serving.rest_stand_in import serve
from tests.serving.toy_reader import ToyReader

pytestmark = pytest.mark.both_backends

REPOSITORY = Path(__file__).resolve().parents[1]
NEEDS_TENSORFLOW = ("zonekeras.distribute.", "zonekeras.graph.", "zonekeras.training.")


def modules_with_examples():
    """Yields the name of every module of the package with an example in it."""
    for path in sorted((REPOSITORY / "zonekeras").rglob("*.py")):
        if ">>> " in path.read_text(encoding="utf-8"):
            parts = path.relative_to(REPOSITORY).with_suffix("").parts
            yield ".".join(parts).removesuffix(".__init__")
    yield "cli.parsing"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What examples read, under the names that they use."""
    folder = tmp_path_factory.mktemp("examples")
    models = folder / "saved_models"
    for seed, name in enumerate(("reader", "encoder", "seed-1", "seed-2")):
        sizes = ONE_LAYER if name == "encoder" else {}  # that one is trained
        write_hugging_face(models / name, seed=seed, **sizes)
    for name in ("dev.json", "train.json"):
        write_json(folder / name, tiny_squad())
    return folder


@pytest.fixture
def addresses(folder):
    """Address in an example -> the one that answers here."""
    with empty_bucket() as bucket, serve(ToyReader()) as server:
        bucket.put_directory("reader", folder / "saved_models" / "reader")
        bucket["dev.json"] = (folder / "dev.json").read_bytes()
        yield {"gs://bucket": bucket.url, "http://localhost:8501": server.url}


@pytest.mark.parametrize("name", list(modules_with_examples()))
def test_examples_run(name, folder, addresses, monkeypatch, capsys):
    if name.startswith(NEEDS_TENSORFLOW) and not ON_TENSORFLOW:
        pytest.skip(f"{name} needs TensorFlow")
    monkeypatch.chdir(folder)
    found = doctest.DocTestFinder(exclude_empty=True).find(
        importlib.import_module(name)
    )
    examples = [example for test in found for example in test.examples]
    assert examples
    for example in examples:
        assert doctest.SKIP not in example.options, "an example that nobody runs"
        for written, here in addresses.items():
            example.source = example.source.replace(written, here)
    runner = doctest.DocTestRunner()
    for test in found:
        runner.run(test)
    assert runner.failures == 0, capsys.readouterr().out
    assert runner.tries == len(examples)
