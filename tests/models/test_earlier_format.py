"""SavedModels of earlier versions: refused wherever they would run, written again."""

import json
import re
import shlex
import shutil
from dataclasses import replace

import numpy as np
import pytest

from cli import export, finetune, gradients, serve_config, sweep
from cli.running import with_flags
from tests.backends import ON_TENSORFLOW, only_tensorflow
from tests.builders import ONE_LAYER, tiny_model, tiny_squad, write_json
from tests.models.earlier_format import lower_format, write_format_1
from tests.models.test_model_directory import Snapshots
from zonekeras.errors import InputError
from zonekeras.models.loading import load

WHY = (
    "written by an earlier version, whose graph corrupts memory or gives wrong answers "
    "on CPUs with AVX-512 where oneDNN is on."
)
FLAGS = ["--max_seq_length=29", "--doc_stride=7", "--configurations", "layer0:p2"]


LEFT_ASIDE = "or leave it aside with `prefer_saved_model=False`"


def line(directory, *more, way_out=LEFT_ASIDE):
    """Returns what refuses a model directory's SavedModel."""
    place = shlex.quote(str(directory))
    arguments = [f"model={place}", f"output_dir={place}", *more]
    named = " ".join(f"`{argument}`" for argument in arguments)
    return (
        "Expected a SavedModel that this version of zonekeras can run. Received: "
        f"{directory}/1, {WHY} Write it again: zonekeras export {named}; add the "
        "arguments for signatures and limits that it was exported with; "
        f"{way_out}."
    )


def exactly(message):
    return f"^{re.escape(message)}$"


@pytest.fixture(scope="module")
def model():
    model = tiny_model(**ONE_LAYER)
    model.description = replace(model.description, made_by={"command": "tests"})
    return model


@pytest.fixture(scope="module")
def written(model, tmp_path_factory):
    """A model directory of format 1; not to be changed."""
    directory = tmp_path_factory.mktemp("written") / "own"
    write_format_1(model, directory)
    return directory


@pytest.fixture
def directory(written, tmp_path, monkeypatch):
    """A copy of it, in the working directory."""
    monkeypatch.chdir(tmp_path)
    write_json(tmp_path / "dev.json", tiny_squad(num_passages=2))
    return shutil.copytree(written, tmp_path / "own")


@only_tensorflow
def test_load_refuses_it_and_takes_the_keras_model_in_its_place(directory, model):
    with pytest.raises(InputError, match=exactly(line(directory))):
        load(directory)
    for how in ({"prefer_saved_model": False}, {"dtype": "mixed_bfloat16"}):
        loaded = load(directory, **how)
        assert loaded.fingerprint() == model.fingerprint()
        assert loaded.description.made_by == {"command": "tests"}


@only_tensorflow
def test_the_line_has_the_settings_of_a_fine_tuned_model(directory):
    settings = {
        "max_seq_length": 31,
        "version_2_with_negative": True,
        "n_best_size": 20,  # as by default
        "null_score_diff_threshold": None,
        "seed": 5,
    }
    directory = directory.rename(directory.with_name("its own"))
    path = directory / "zonekeras.json"
    content = json.loads(path.read_text())
    content["made_by"] = made_by = {"command": "finetune", "settings": settings}
    path.write_text(json.dumps(content))
    more = ["max_seq_length=31", "version_2_with_negative=True"]
    message = line(directory, *more)
    with pytest.raises(InputError, match=exactly(message)) as caught:
        load(directory)
    told = re.search("Write it again: (.*); add", with_flags(str(caught.value)))[1]
    _, command, *words = shlex.split(told)
    assert command == "export"
    assert export.main(words) == 0
    assert load(directory).description.made_by == made_by


@pytest.mark.both_backends
def test_without_a_saved_model_it_is_a_directory_like_any_other(tmp_path):
    model = tiny_model()
    model.save(tmp_path / "own")
    lower_format(tmp_path / "own")
    assert load(tmp_path / "own").fingerprint() == model.fingerprint()


@pytest.mark.both_backends
@pytest.mark.skipif(ON_TENSORFLOW, reason="this backend runs SavedModels")
def test_where_no_saved_model_runs_the_keras_model_is_loaded(tmp_path):
    model = tiny_model()
    model.save(tmp_path / "own")
    lower_format(tmp_path / "own")
    (tmp_path / "own" / "1").mkdir()
    assert load(tmp_path / "own").fingerprint() == model.fingerprint()


@only_tensorflow
def test_a_saved_model_without_its_version_is_refused_in_any_format(directory, model):
    """A directory of today's format that an old `1/` was copied into."""
    from zonekeras.models.saved_model import load_module

    old = directory.rename(directory.with_name("old"))
    model.save(directory)
    shutil.copytree(old / "1", directory / "1")
    for run in (lambda: load(directory), lambda: load_module(directory / "1")):
        with pytest.raises(InputError, match=exactly(line(directory))):
            run()


@pytest.fixture(params=["missing", "lower"])
def alone(request, written, model, tmp_path, monkeypatch):
    """A SavedModel copied without what lies beside it."""
    from zonekeras.models import saved_model

    path = tmp_path / "alone" / "1"
    if request.param == "missing":
        return shutil.copytree(written / "1", path)
    with monkeypatch.context() as patched:
        patched.setattr(saved_model, "GRAPH_VERSION", 1)
        module = saved_model.ReaderModule(model.network.reader)
    saved_model.write_saved_model(module, path)
    return path


@only_tensorflow
def test_a_saved_model_alone_is_refused(alone):
    import tensorflow as tf

    from zonekeras.models.saved_model import SavedModelNetwork, load_module

    message = (
        "Expected a SavedModel that this version of zonekeras can run. Received: "
        f"{alone}, {WHY} Write it again from its model: zonekeras export "
        "`model=SOURCE` `output_dir=DIR`; and use the one in DIR."
    )
    for use in (load_module, SavedModelNetwork):
        with pytest.raises(InputError, match=exactly(message)):
            use(alone)
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope(), pytest.raises(InputError, match=exactly(message)):
        load_module(alone)


@only_tensorflow
@pytest.mark.filterwarnings("ignore:mirrored. TensorFlow sees one CPU here")
def test_commands_that_would_run_it_say_so_in_one_line(directory, capsys):
    files = ["--model=own", "--predict_file=dev.json", "--output_dir=out"]
    for more in ([], ["--dry_run"], ["--strategy=mirrored"], ["--shard=1/2"]):
        assert sweep.main([*files, *FLAGS, *more]) == 2
        shown = with_flags(line("own"))
        assert capsys.readouterr().err == f"zonekeras sweep: error: {shown}\n"
    assert not (directory.parent / "out").exists()
    assert sweep.main([*files, *FLAGS, "--prefer_saved_model=False"]) == 0


@only_tensorflow
def test_commands_that_take_the_keras_model_go_on(directory):
    sizes = ["--max_seq_length=29", "--doc_stride=7"]
    files = ["--model=own", "--predict_file=dev.json", *sizes]
    half = ["--precision=bfloat16", "--configurations", "layer0:p2"]
    assert sweep.main([*files, *half, "--output_dir=half"]) == 0
    assert gradients.main([*files, "--exact=0", "--output_dir=gradients"]) == 0
    predict = ["--do_train=False", "--do_predict", "--output_dir=predicted"]
    assert finetune.main([*files, *predict]) == 0
    assert (directory.parent / "predicted" / "predictions.json").exists()


@only_tensorflow
def test_it_is_not_prepared_for_a_server(directory, capsys):
    pytest.importorskip("tensorflow_serving.apis", reason="needs the extra 'serving'")
    before = sorted(directory.rglob("*"))
    assert serve_config.main(["own"]) == 2
    message = line("own", way_out="then it can be served")
    shown = with_flags(message)
    assert capsys.readouterr().err == f"zonekeras serve-config: error: {shown}\n"
    shutil.copytree(directory / "1", "alone/1")
    assert serve_config.main(["alone"]) == 2
    assert f"Received: alone/1, {WHY}" in capsys.readouterr().err
    assert sorted(directory.rglob("*")) == before
    assert export.main(["--model=own", "--output_dir=own", "--noanswer"]) == 0
    assert serve_config.main(["own"]) == 0


@only_tensorflow
def test_the_command_writes_it_again_in_place(directory, model, capsys):
    from zonekeras.models.saved_model import SavedModelNetwork

    (directory / "thesis.txt").write_text("mine")
    before = json.loads((directory / "zonekeras.json").read_text())
    assert before["format"] == 1
    words = ["zonekeras", "export", "--model=own", "--output_dir=own"]
    assert f" Write it again: {' '.join(words)}; add" in with_flags(line("own"))
    tokenizer = (directory / "tokenizer.json").read_bytes()

    assert export.main(words[2:]) == 0
    assert capsys.readouterr().out == (
        "wrote own/1 with the signatures answer, serving_default\n"
    )
    after = json.loads((directory / "zonekeras.json").read_text())
    assert after == before | {"format": 2}
    assert (directory / "tokenizer.json").read_bytes() == tokenizer
    assert (directory / "thesis.txt").read_text() == "mine"
    again = load(directory)
    assert isinstance(again.network, SavedModelNetwork)
    inputs = {name: np.array([[1, 2, 3]]) for name in ("token_ids", "roles")}
    inputs["segment_ids"] = np.array([[0, 0, 1]])
    for configuration in ("baseline", "layer0:p2"):
        with model.masked(configuration), again.masked(configuration):
            np.testing.assert_allclose(
                again.predict_logits(inputs),
                model.predict_logits(inputs),
                rtol=0,
                atol=1e-5,
            )


@only_tensorflow
def test_killed_on_the_way_nothing_is_lost_and_the_old_graph_never_runs(
    directory, model, tmp_path
):
    (directory / "thesis.txt").write_text("mine")
    snapshots = Snapshots()
    snapshots.during(
        lambda: export.main(["--model=own", "--output_dir=own", "--noanswer"]),
        directory,
        tmp_path / "copies",
    )
    formats = []
    for copy in snapshots.copies:
        formats.append(json.loads((copy / "zonekeras.json").read_text())["format"])
        assert (copy / "thesis.txt").read_text() == "mine"
        loaded = load(copy, prefer_saved_model=False)
        assert loaded.fingerprint() == model.fingerprint()
        assert loaded.description == model.description
        assert loaded.tokenizer.fingerprint == model.tokenizer.fingerprint
        if (copy / "1").exists() and formats[-1] == 1:
            with pytest.raises(InputError, match=exactly(line(copy))):
                load(copy)
        else:
            load(copy)
    assert formats == sorted(formats)
    assert set(formats) == {1, 2}
