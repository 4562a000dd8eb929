"""`zonekeras gradients`: what it prints, writes and refuses."""

import pytest

from cli.gradients import main
from tests.backends import only_tensorflow
from tests.builders import (
    ONE_LAYER,
    tiny_model,
    tiny_squad,
    write_hugging_face,
    write_json,
)
from zonekeras.graph.options import ExportOptions

HELP = "see 'zonekeras gradients --help'."
WINDOWS = ["--max_seq_length=29", "--doc_stride=7", "--token_budget=150"]


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A directory with a reader and a dev set."""
    path = tmp_path_factory.mktemp("gradients")
    write_hugging_face(path / "reader")
    write_json(path / "dev.json", tiny_squad())
    return path


def flags(here, *others):
    return [
        f"--model={here / 'reader'}",
        f"--predict_file={here / 'dev.json'}",
        f"--output_dir={here / 'out'}",
        *WINDOWS,
        *others,
    ]


# Random weights rank badly.
@pytest.mark.filterwarnings("default:the rank correlation of")
def test_from_flags_to_files(here, capsys):
    assert main(flags(here, "--exact=15", "--exact_heads=3")) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[0].startswith("loss with nothing masked: ")
    assert lines[0].endswith(" windows)")
    table = printed.out[printed.out.index("estimated increase") :]
    assert table.count("(+") + table.count("(-") >= 15  # the exact ones
    [highest] = [line for line in lines if line.startswith("highest single heads: ")]
    assert highest.count(".head") == 5
    ranks = [line for line in lines if line.startswith("rank correlation with the")]
    assert len(ranks) == 6
    assert "exact loss of 15 cells, first order, by the gate: " in ranks[0]
    assert lines[-1] == f"results in {here / 'out'}"
    assert "windows x 19 configurations" in printed.err
    warning = "zonekeras gradients: warning: the rank correlation of 'estimate' with "
    assert f"{warning}the exact loss of 15 cells is " in printed.err
    written = {path.name for path in (here / "out").iterdir()}
    assert written >= {"gradients.csv", "gradients.png", "gradients.json"}
    first = (here / "out" / "gradients.csv").read_text().splitlines()[1]
    assert first.startswith("reader,dev.json,layer0:all,cells,0,0,,all,all,")


@only_tensorflow
def test_a_model_directory_with_a_saved_model_is_used_as_a_keras_model(here, capsys):
    exported = here / "exported"
    tiny_model(**ONE_LAYER).export(exported, ExportOptions(answer=None))
    arguments = [*flags(here, "--exact=0"), f"--model={exported}"]
    assert main([*arguments, f"--output_dir={here / 'of_exported'}"]) == 0
    assert "rank correlation" not in capsys.readouterr().out


BAD = [
    (
        [],
        "expected other flags. Received: --model is missing; --predict_file is "
        f"missing; --output_dir is missing; {HELP}",
    ),
    (["--steps=-1"], "--steps: expected a whole number of at least 0. Received: '-1'."),
    (
        ["--exact=2", "--model=m", "--predict_file={dev}", "--output_dir=o"],
        "Expected other settings of an estimate. Received: exact=2 is not 0 or a whole "
        "number of at least 3.",
    ),
    (["--semantics=strict"], f"unknown flag --semantics; {HELP}"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=lambda value: str(value))
def test_bad_flags_are_one_line(here, capsys, arguments, message):
    given = [argument.format(dev=here / "dev.json") for argument in arguments]
    assert main(given) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == f"zonekeras gradients: error: {message}\n"
