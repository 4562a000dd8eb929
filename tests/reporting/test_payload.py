"""The data of a report, worked out by hand."""

import json

import pytest

from tests.reporting.stores import DATASET, FOUND, HOSTILE, PASSAGES, write_store
from tests.scores import ACCURACY, GRADED
from zonekeras.reporting.page import build_page
from zonekeras.reporting.payload import build_payload
from zonekeras.store.sweep_store import STORE_FILE, SweepStore
from zonekeras.tasks import span


@pytest.fixture(scope="module")
def payload(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sweep")
    write_store(directory)
    with SweepStore(directory / STORE_FILE) as store:
        return build_payload(store, 1, {"command": "zonekeras sweep"})


def configuration(payload, name):
    [found] = [one for one in payload["configurations"] if one["name"] == name]
    return found


def test_passages_and_questions_are_there_once(payload):
    assert [text for _, text in payload["passages"]] == list(PASSAGES)
    assert payload["questions"]["passage"] == [0, 0, 1, 2]
    assert payload["questions"]["id"] == ["a", "b", "c", "d"]
    assert payload["questions"]["answers"][:3] == [
        [["Ann", 0]],
        [["Rome", 15]],
        [["May", 24]],
    ]


def test_the_baseline_has_every_answer(payload):
    assert payload["baseline"] == {
        "question": [1, 1, 1, 1],
        "start": [0, 15, 15, HOSTILE.index("Ann")],
        "length": [3, 4, 5, 3],
        "f1": [10000, 10000, 0, 10000],
        "exact_match": "1101",
        "text": {},
    } | {"start": [0, 15, PASSAGES[1].index("north"), HOSTILE.index("Ann")]}
    assert payload["scores"] == {"exact_match": 75.0, "f1": 75.0}


def test_a_configuration_has_what_it_changed(payload):
    repaired = configuration(payload, "layer0:q2")["answers"]
    assert repaired == {
        "question": [3],
        "start": [PASSAGES[1].index("May")],
        "length": [3],
        "f1": [10000],
        "exact_match": "1",
        "text": {},
    }
    broken = configuration(payload, "layer1:p2q")["answers"]
    assert broken["question"] == [1, 1, 2]
    assert broken["exact_match"] == "000"
    assert broken["f1"] == [6667, 0, 0]  # "Ann met" shares 1 of 2 words with "Ann"


def test_an_answer_that_is_not_in_the_passage_keeps_its_text(payload):
    found = configuration(payload, "layer0.head1:p2")["answers"]
    assert found["text"] == {"0": "no such words"}
    assert found["start"] == [-1]


def test_statistics(payload):
    cell = configuration(payload, "layer1:p2q")
    assert (cell["layer"], cell["zone"]) == (1, "p2q")
    assert (cell["broken"], cell["repaired"]) == (3, 0)
    assert cell["scores"]["exact_match"]["score"] == 0.0
    assert cell["scores"]["exact_match"]["effect"] == -75.0
    assert cell["scores"]["exact_match"]["detectable"] is None  # infinite
    head = configuration(payload, "layer0.head1:p2")
    assert head["layer"] is None
    assert head["place"] == "layer 1, head 2"
    assert head["zone"] is None


def test_other_zones_have_columns_where_they_were_run(payload, tmp_path):
    assert payload["zones"] == ["all", "q2", "q2p", "p2q", "p2"]
    found = FOUND | {"layer0:q2p-text": FOUND["layer0:q2"]}
    write_store(tmp_path, found, planned=list(found))
    with SweepStore(tmp_path / STORE_FILE) as store:
        more = build_payload(store, 1, {"command": "zonekeras sweep"})
    assert more["zones"] == [*payload["zones"], "q2p-text"]
    assert configuration(more, "layer0:q2p-text")["zone"] == "q2p-text"


def test_groups(payload):
    by_name = {one["name"]: one for one in payload["groups"]}
    assert list(by_name) == [
        "question_type",
        "answer_length",
        "passage_length",
        "overlap",
    ]
    types = by_name["question_type"]
    assert types["labels"] == ["who", "when", "where"]
    assert types["member"] == [0, 2, 1, 0]  # the hostile one has "who" in it
    names = [one["name"] for one in payload["configurations"]]
    effects = types["effects"]["exact_match"][names.index("layer1:p2q")]
    assert [effect for effect, _, _ in effects] == [-100.0, 0.0, -100.0]
    assert effects[1][1:] == [None, None]  # one passage


def test_it_is_json(payload):
    assert json.loads(json.dumps(payload, allow_nan=False))["run"]["record"] == {
        "command": "zonekeras sweep"
    }
    assert len(payload["configurations"]) == len(FOUND) - 1
    assert payload["run"]["content"]["data"] == DATASET.fingerprint


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    """The same sweep, but its scores have names that no task knows."""
    directory = tmp_path_factory.mktemp("made_up")
    write_store(directory)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(span, "SCORES", (ACCURACY, GRADED))
        with SweepStore(directory / STORE_FILE) as store:
            return build_payload(store, 1, {"command": "zonekeras sweep"})


def test_a_payload_has_the_scores_of_its_run(payload, made_up):
    assert payload != made_up
    names = {"exact_match": "accuracy", "f1": "graded"}

    def renamed(value):
        if isinstance(value, dict):
            return {names.get(key, key): renamed(one) for key, one in value.items()}
        return [renamed(one) for one in value] if isinstance(value, list) else value

    assert made_up == renamed(payload)
    # A reader of the file meets the keys in the same order.
    assert json.dumps(made_up) == json.dumps(renamed(payload))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("payload", '{"exact_match":"EM","f1":"F1"}'),
        ("made_up", '{"accuracy":"accuracy","graded":"graded"}'),
    ],
)
def test_the_page_has_the_scores_with_their_labels(request, name, expected):
    page = build_page(request.getfixturevalue(name)).decode()
    assert page.count(f"const SCORES = {expected};") == 1
