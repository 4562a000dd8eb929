import json
import math
import subprocess
import sys
from types import SimpleNamespace

import pytest

from cli.sweep import build_parser
from tests.builders import tiny_squad, write_json
from tests.labelled_texts import write_lines
from zonekeras.data.squad import read_squad
from zonekeras.errors import InputError
from zonekeras.sweeping import SweepSettings
from zonekeras.tasks import classification, span
from zonekeras.zones import Semantics


def dataset(tmp_path, content):
    return read_squad(write_json(tmp_path / "dev.json", content))


def test_defaults_are_those_of_the_command():
    flags = build_parser().parse_args([])
    settings = SweepSettings.of({})
    assert settings == SweepSettings()
    assert (settings.n_best_size, settings.max_answer_length) == (20, 30)
    content = settings.content(span) | {"metric": settings.metric}
    names = {"batch_size": "predict_batch_size"}
    assert content == {key: getattr(flags, names.get(key, key)) for key in content}


def test_content_is_the_same_for_equal_values_of_other_types():
    one = SweepSettings.of({"semantics": "published", "null_score_diff_threshold": 1})
    other = SweepSettings.of(
        {"semantics": Semantics.PUBLISHED, "null_score_diff_threshold": 1.0}
    )
    assert json.dumps(one.content(span)) == json.dumps(other.content(span))


@pytest.mark.parametrize(
    ("semantics", "expected"), [("strict", None), ("published", 57)]
)
def test_only_published_semantics_pads_to_the_full_length(semantics, expected):
    settings = SweepSettings.of({"semantics": semantics, "max_seq_length": 57})
    assert settings.pad_to == expected


def test_all_faults_are_reported_at_once():
    faults = {
        "doc_strid": 3,
        "semantics": "loose",
        "metric": "bleu",
        "max_seq_length": 0,
        "batch_size": True,
        "fixed_shapes": "no",
        "n_best_size": 2.5,
        "version_2_with_negative": "yes",
        "null_score_diff_threshold": math.nan,
    }
    with pytest.raises(InputError, match="^Expected other sweep settings.") as caught:
        SweepSettings.of(faults)
    assert str(caught.value) == (
        "Expected other sweep settings. Received: doc_strid is not a setting (they are "
        "semantics, max_seq_length, doc_stride, max_query_length, n_best_size, "
        "max_answer_length, version_2_with_negative, null_score_diff_threshold, "
        "token_budget, batch_size, fixed_shapes, metric, controls, "
        "attention_questions); semantics='loose' is not strict or published; "
        "metric='bleu' is not one of auto, squad, squad_v2, cmrc2018, drcd, mlqa-en, "
        "mlqa-es, mlqa-hi, mlqa-vi, mlqa-de, mlqa-ar, mlqa-zh, accuracy; "
        "max_seq_length=0 is not a whole number above 0; n_best_size=2.5 is not a "
        "whole number above 0; batch_size=True is not a whole number above 0; "
        "fixed_shapes='no' is not True or False; "
        "version_2_with_negative='yes' is not True, False or None; "
        "null_score_diff_threshold=nan is not a finite number."
    )


@pytest.mark.parametrize(
    ("with_impossible", "given", "metric", "negative"),
    [
        (False, {}, "squad", False),
        (True, {}, "squad_v2", True),
        (True, {"version_2_with_negative": False}, "squad_v2", False),
        (False, {"version_2_with_negative": True}, "squad", True),
        (False, {"metric": "cmrc2018"}, "cmrc2018", False),
    ],
)
def test_what_the_data_decides(tmp_path, with_impossible, given, metric, negative):
    data = dataset(tmp_path, tiny_squad(with_impossible=with_impossible))
    settings = SweepSettings.of(given).for_data(span, data)
    assert (settings.metric, settings.version_2_with_negative) == (metric, negative)


def test_chinese_passages_are_scored_as_cmrc_2018(tmp_path):
    content = tiny_squad(num_passages=1)
    paragraph = content["data"][0]["paragraphs"][0]
    paragraph["context"] = "尼罗河向北流，经过开罗。"
    for question in paragraph["qas"]:
        question["answers"] = [{"text": "尼罗河", "answer_start": 0}]
    settings = SweepSettings().for_data(span, dataset(tmp_path, content))
    assert settings.metric == "cmrc2018"


@pytest.mark.parametrize("metric", ["auto", "squad", "cmrc2018"])
def test_questions_without_gold_answers_cannot_be_scored(tmp_path, metric):
    content = tiny_squad()
    content["data"][0]["paragraphs"][1]["qas"][0]["answers"] = []
    data = dataset(tmp_path, content)
    with pytest.raises(
        InputError, match="^Expected gold answers in .*dev.json"
    ) as error:
        SweepSettings.of({"metric": metric}).for_data(span, data)
    named = "squad" if metric == "auto" else metric
    assert str(error.value) == (
        f"Expected gold answers in {data.path} to score with (metric {named}). "
        "Received: 1 of 9 questions without one, the first 'passage1-question0'. Give "
        "a dev set that has answers."
    )
    assert SweepSettings.of({"metric": "squad_v2"}).for_data(span, data)


def test_windows_longer_than_the_model_can_read():
    SweepSettings.of({"max_seq_length": 61}).check_length(61)
    with pytest.raises(
        InputError, match="max_seq_length of at most 61, .* Received: 62"
    ):
        SweepSettings.of({"max_seq_length": 62}).check_length(61)


def test_settings_need_no_keras():
    code = (
        "import sys; import zonekeras.sweeping.sweep_settings; "
        "import zonekeras.store.output_directory; "
        "sys.exit(any(name in sys.modules for name in ('keras', 'tensorflow', 'jax')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_settings_of_another_task_are_refused(tmp_path):
    data = dataset(tmp_path, tiny_squad())
    short = SimpleNamespace(**vars(span) | {"NAME": "short", "SETTINGS": ()})
    assert "doc_stride" not in SweepSettings().content(short)
    assert "doc_stride" in SweepSettings().content(span)
    given = SweepSettings.of({"doc_stride": 7, "n_best_size": 3, "batch_size": 2})
    assert given.for_data(span, data)
    with pytest.raises(InputError, match="of the task short.*: doc_stride, n_best_siz"):
        given.for_data(short, data)
    with pytest.raises(InputError, match="semantics='published'.* task span alone"):
        SweepSettings.of({"semantics": "published"}).for_data(short, data)


def test_a_metric_of_another_task_is_refused(tmp_path):
    data = dataset(tmp_path, tiny_squad())
    chosen = SweepSettings.of({"metric": "accuracy"})
    with pytest.raises(InputError, match="^Expected a metric") as caught:
        chosen.for_data(span, data)
    assert str(caught.value) == (
        "Expected a metric of the task span: auto, squad, squad_v2, cmrc2018, drcd, "
        "mlqa-en, mlqa-es, mlqa-hi, mlqa-vi, mlqa-de, mlqa-ar, mlqa-zh. Received: "
        "metric='accuracy'."
    )


def test_classes_are_the_models_to_say(tmp_path):
    lines = [{"text": "one", "label": 1}, {"text": "two", "label": "no"}]
    texts = classification.read(write_lines(tmp_path / "texts.jsonl", lines))
    settings = SweepSettings.of({}).for_model(classification, texts, ("no", "yes"))
    content = settings.content(classification)
    assert (
        content["labels"] == ["no", "yes"] == json.loads(json.dumps(content))["labels"]
    )
    assert "doc_stride" not in content
    assert settings.metric == "accuracy"
    squad = dataset(tmp_path, tiny_squad())
    of_spans = SweepSettings.of({}).for_model(span, squad, ())
    assert "labels" not in of_spans.content(span)
    with pytest.raises(InputError, match="^Expected gold labels .* model: a, b, or an"):
        SweepSettings.of({}).for_model(classification, texts, ("a", "b"))
    with pytest.raises(
        InputError, match=r"labels is not a setting \(they are .*ions\)"
    ):
        SweepSettings.of({"labels": ("no", "yes")})
