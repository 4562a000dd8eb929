"""Good inputs of every format, small, made by the tests' own builders."""

import contextlib
import io
import json
import os
from pathlib import Path

from tests.builders import tiny_model, tiny_squad, write_hugging_face, write_json

WINDOWS = [
    "--predict_file=dev.json",
    "--max_seq_length=29",
    "--doc_stride=7",
    "--token_budget=150",
]
SWEEP = [
    *WINDOWS,
    "--configurations",
    "layer0:q2",
    "layer1:p2",
    "layer2:p2q",
]


def make_seeds(directory):
    """Fills a directory; every command of `commands.COMMANDS` ends well in it."""
    from cli import collect, sweep

    directory = Path(directory)
    before = os.getcwd()
    os.chdir(directory)
    try:
        write_json(directory / "dev.json", tiny_squad(with_impossible=True))
        write_hugging_face(directory / "hf")
        tiny_model(seed=1).save("own")
        quiet = [contextlib.redirect_stdout(io.StringIO())]
        quiet.append(contextlib.redirect_stderr(io.StringIO()))
        with quiet[0], quiet[1]:
            for flags in (
                ["--output_dir=swept"],
                ["--output_dir=part1", "--shard=1/2"],
                ["--output_dir=part2", "--shard=2/2"],
            ):
                assert sweep.main(["--model=hf", *SWEEP, *flags]) == 0
            assert (
                sweep.main(["--model", "hf", "own", *SWEEP, "--output_dir=runs"]) == 0
            )
            cells = ["swept", "results.csv", "--predict_file=dev.json"]
            cells += ["--allow_missing"]
            assert collect.main(cells) == 0
    finally:
        os.chdir(before)
    assert json.loads((directory / "runs" / "run.json").read_text())["runs"]
