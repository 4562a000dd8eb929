"""`zonekeras finetune --task classification` as it is used, and bad input."""

import json
from pathlib import Path

import pytest

from cli import finetune, sweep
from tests.backends import only_tensorflow
from tests.builders import LABELS, ONE_LAYER, tiny_classifier, write_hugging_face
from tests.labelled_texts import tiny_texts, write_lines

pytestmark = only_tensorflow

TASK = ["--task=classification", "--max_seq_length=31"]
GOOD = [*TASK, "--model=hf", "--train_file=train.jsonl"]
SHORT = ["--num_train_epochs=1", "--train_batch_size=5", "--learning_rate=5e-3"]


def named(lines):
    """Returns lines whose labels are all names."""
    return [
        line | {"label": label if isinstance(label, str) else LABELS[label]}
        for line in lines
        for label in [line["label"]]
    ]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    directory = tmp_path_factory.mktemp("work")
    write_hugging_face(directory / "hf", **ONE_LAYER)
    tiny_classifier(**ONE_LAYER).save(directory / "own")
    write_lines(directory / "train.jsonl", named(tiny_texts(num=13)))
    write_lines(directory / "dev.jsonl", named(tiny_texts(num=7, seed=1)))
    write_lines(directory / "mixed.jsonl", tiny_texts(num=13))
    write_lines(directory / "single.jsonl", named(tiny_texts(pairs=False, num=5)))
    lines = [*named(tiny_texts(num=5)), {"text": "river", "text_pair": "the"}]
    write_lines(directory / "bad.jsonl", lines)
    return directory


@pytest.fixture
def here(work, monkeypatch):
    monkeypatch.chdir(work)
    monkeypatch.setenv("COLUMNS", "100")
    return work


def test_from_an_encoder_to_a_sweep(here, capsys):
    flags = [*GOOD, *SHORT, "--predict_file=dev.jsonl", "--keep=best"]
    assert finetune.main([*flags, "--output_dir=trained"]) == 0
    scored, last = capsys.readouterr().out.splitlines()
    assert scored.startswith("accuracy ") and ", macro-F1 " in scored
    assert scored.endswith(" (7 pairs)") and last == "model in trained"
    about = json.loads(Path("trained/zonekeras.json").read_text())
    assert about["task"] == "classification" and about["has_head"]
    assert about["head"] == {"labels": sorted(LABELS), "pooling": "mean"}
    swept = ["--model=trained", "--predict_file=dev.jsonl", "--max_seq_length=31"]
    assert sweep.main([*swept, "--output_dir=swept", "--mask_layer=0"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"baseline: {scored}"

    # Again, from what it made, and answering alone.
    assert finetune.main([*flags, "--output_dir=trained"]) == 0
    assert "was finished before" in capsys.readouterr().out
    more = [*TASK, "--model=trained", "--train_file=train.jsonl", *SHORT]
    assert finetune.main([*more, "--output_dir=more"]) == 0
    about = json.loads(Path("more/zonekeras.json").read_text())
    assert about["head"]["labels"] == sorted(LABELS)
    predict = [*TASK, "--model=trained", "--predict_file=dev.jsonl", "--do_train=False"]
    capsys.readouterr()
    assert finetune.main([*predict, "--output_dir=predicted"]) == 0
    assert capsys.readouterr().out == f"{scored}\npredictions in predicted\n"


def test_seeds_draw_the_head_and_nothing_else_anew(here, capsys):
    flags = [*GOOD, "--predict_file=dev.jsonl", "--num_train_epochs=0.01"]
    flags += ["--learning_rate=1e-9", "--weight_decay=0", "--pooling=cls_dense_tanh"]
    assert finetune.main([*flags, "--seeds", "1", "2", "--output_dir=seeds"]) == 0
    assert "2 runs: accuracy " in capsys.readouterr().out
    import zonekeras
    from zonekeras.models.weights import reader_weights

    first, second = (
        reader_weights(zonekeras.load(f"seeds/seed-{seed}").network.reader)
        for seed in (1, 2)
    )
    differ = {name for name in first if abs(first[name] - second[name]).max() > 1e-4}
    assert differ == {"classifier.dense.kernel", "classifier.output.kernel"}


@pytest.mark.parametrize(
    "options",
    [
        ["--from_scratch", "--pooling=cls"],
        ["--precision=mixed_float16"],
        ["--class_weights=balanced", "--label_smoothing=0.1", "--focal_gamma=2"],
        ["--fixed_shapes", "--gradient_accumulation_steps=5"],
    ],
)
@pytest.mark.filterwarnings("ignore:--precision:UserWarning")
def test_ways_to_train(here, options, tmp_path):
    flags = [*GOOD, *SHORT, "--predict_file=dev.jsonl", *options]
    assert finetune.main([*flags, f"--output_dir={tmp_path / 'out'}"]) == 0
    settings = json.loads((tmp_path / "out" / "run.json").read_text())["settings"]
    assert settings["metric"] == "accuracy"


@pytest.mark.filterwarnings("always:bad.jsonl:UserWarning")
def test_a_bad_line_can_be_left_out(here, capsys, tmp_path):
    flags = [*TASK, "--model=hf", "--train_file=bad.jsonl", *SHORT]
    out = f"--output_dir={tmp_path / 'out'}"
    assert finetune.main([*flags, out]) == 2
    assert capsys.readouterr().err == (
        'zonekeras finetune: error: bad.jsonl: line 6: expected a gold "label". '
        "Received: none. Correct the file, or leave bad lines out with --skip_bad.\n"
    )
    assert not (tmp_path / "out").exists()
    assert finetune.main([*flags, out, "--skip_bad"]) == 0
    assert "bad.jsonl: 1 bad lines left out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["--train_file=mixed.jsonl"],
            "Expected two classes or more in mixed.jsonl, all by their names, or all "
            'by numbers from 0 up without a gap. Received: "contradiction", '
            '"entailment", "neutral", 0 and 2 others. Write names as texts, also those '
            "that are numbers.",
        ),
        (
            ["--predict_file=single.jsonl"],
            "Expected pairs of texts in single.jsonl, as in train.jsonl. Received: "
            "single texts. Give files of one kind.",
        ),
        (
            ["--doc_stride=9"],
            "Expected settings of the task classification. Received: doc_stride, which "
            "it does not have. Leave them out.",
        ),
        (
            ["--model=own", "--pooling=mean"],
            "Expected the pooling of the head that own has, cls_dense_tanh. Received: "
            "--pooling=mean. Leave it out.",
        ),
        (
            ["--label_smoothing=1"],
            "Expected other training settings. Received: label_smoothing=1.0 is not a "
            "number from 0 to less than 1.",
        ),
        (
            ["--task=span", "--train_file=train.jsonl", "--pooling=cls"],
            "expected other flags. Received: --pooling is for --task classification; "
            "see 'zonekeras finetune --help'.",
        ),
        (
            ["--focal_gamma=1", "--task=span", "--train_file=squad.json"],
            "Expected settings of the task span. Received: focal_gamma, which it does "
            "not have. Leave them out.",
        ),
        (
            ["--do_train=False", "--predict_file=dev.jsonl"],
            "Expected a model for the task classification. Received: hf, whose head is "
            "for the task span. Give another model, or another task.",
        ),
    ],
)
def test_flags_that_do_not_fit(here, capsys, flags, message):
    from tests.builders import tiny_squad, write_json

    write_json(here / "squad.json", tiny_squad())
    assert finetune.main([*GOOD, *SHORT, "--output_dir=refused", *flags]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line == f"zonekeras finetune: error: {message}"
    assert not (here / "refused").exists()
