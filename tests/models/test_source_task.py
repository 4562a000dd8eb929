import json

import pytest

from zonekeras.models.source_task import task_of_source


@pytest.mark.parametrize(
    ("name", "content", "task"),
    [
        ("config.json", {"architectures": ["BertForSequenceClassification"]}, "class"),
        ("config.json", {"architectures": ["BertForQuestionAnswering"]}, "span"),
        ("config.json", {"model_type": "bert"}, "span"),
        ("config.json", [1], "span"),
        ("zonekeras.json", {"task": "classification"}, "class"),
        ("zonekeras.json", {"format": 2}, "span"),
        ("other.json", {}, "span"),
    ],
)
def test_the_task_is_what_the_files_say(tmp_path, name, content, task):
    (tmp_path / name).write_text(json.dumps(content))
    assert task_of_source(tmp_path).startswith(task)


def test_what_cannot_be_read_is_left_to_loading(tmp_path):
    (tmp_path / "config.json").write_text("{")
    assert task_of_source(tmp_path) == "span"
    assert task_of_source("bert_base_en") == "span"
