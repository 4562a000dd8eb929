"""The demonstration; what takes minutes is marked slow."""

import json
import warnings
from pathlib import Path

import pytest

from cli import finetune, sweep
from zonekeras.data.squad import read_squad
from zonekeras.demonstration import demo
from zonekeras.demonstration.corpus import make_corpus


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_data_is_written_and_has_names_of_its_own_for_scoring(here):
    demo.write_corpora()
    first = {path: path.read_bytes() for path in demo.CORPUS_DIR.iterdir()}
    demo.write_corpora()
    assert {path: path.read_bytes() for path in demo.CORPUS_DIR.iterdir()} == first
    dev = read_squad(demo.DEV_FILE)
    train = read_squad(demo.CORPUS_DIR / "train-single.json", training=True)
    assert dev.num_questions == 600
    known = {q.answers[0].text.lower() for q in train.questions()}
    assert not known & {q.answers[0].text.lower() for q in dev.questions()}


def test_the_reader_is_small_and_repeats():
    first, second = demo.untrained_model(), demo.untrained_model()
    assert first.fingerprint() == second.fingerprint()
    assert first.max_sequence_length == demo.MAX_SEQ_LENGTH


def masked(corpus):
    """Puts a mark in place of every word of every question; its length stays."""
    for article in corpus["data"]:
        for question in article["paragraphs"][0]["qas"]:
            question["question"] = " ".join("?" for _ in question["question"].split())
    return corpus


@pytest.mark.slow
def test_a_reader_that_sees_no_question_guesses(here):
    sizes = {"train": 2000, "dev": 100}
    for split, count in sizes.items():
        corpus = make_corpus(part="single", split=split, num_passages=count)
        Path(f"{split}.json").write_text(json.dumps(masked(corpus)), encoding="utf-8")
    from zonekeras.training import finetune as train

    result = train(demo.untrained_model(), "train.json", "dev.json", **demo.SETTINGS)
    # It has learned to tell the ten names from the 65 tokens (log 65 = 4.2).
    assert result.history.mean_loss(50) < 2.6
    assert result.answers.exact_match <= 40


@pytest.mark.slow
def test_the_demonstration_from_the_command_line(here, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert finetune.main([]) == 0
        assert sweep.main([]) == 0
    output = capsys.readouterr().out
    assert "two sentences, never trained on: EM" in output
    lines = Path("runs/demo/results.csv").read_text(encoding="utf-8").split()
    cells = [float(cell) for line in lines[1:] for cell in line.split(",")[1:]]
    assert lines[0] == "layer,all,q2,q2p,p2q,p2"
    baseline = json.loads(demo.SCORES_FILE.read_text())["one sentence"]["exact_match"]
    assert baseline >= 90
    assert min(cells) < baseline - 20
    assert any(abs(cell - baseline) <= 1 for cell in cells)
    assert Path("runs/demo/heatmap.png").exists()
    before = Path("runs/demo/model/zonekeras.json").read_bytes()
    assert finetune.main([]) == 0  # finished: nothing is trained again
    assert Path("runs/demo/model/zonekeras.json").read_bytes() == before
