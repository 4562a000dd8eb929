import dataclasses
import hashlib
import json
import re

import pytest

from zonekeras.data.labelled_texts import (
    LabelledText,
    LabelledTexts,
    from_json_lines,
    gold_classes,
    label_names,
    to_json_lines,
)
from zonekeras.errors import InputError

PAIRS = LabelledTexts(
    "pairs.jsonl",
    (
        LabelledText("a", "one", "two", "yes"),
        LabelledText("b", "line\u2028break", "ö\n", 0),
        LabelledText("c", "one", "three", "no", "g"),
        LabelledText("d", "four", "one", 2, "g"),
        LabelledText("e", "one", "", "1"),
    ),
    num_skipped=3,
)


def test_what_is_dumped_is_read_back():
    found = from_json_lines(to_json_lines(PAIRS), "pairs.jsonl")
    assert found == dataclasses.replace(PAIRS, num_skipped=0)
    assert found.fingerprint == PAIRS.fingerprint


def test_keys_of_pairs_are_dumped_and_read_back():
    named = dataclasses.replace(PAIRS, keys=("premise", "hypothesis"))
    found = from_json_lines(to_json_lines(named), "pairs.jsonl")
    assert found == dataclasses.replace(named, num_skipped=0)
    assert found.fingerprint == PAIRS.fingerprint


def test_the_fingerprint_is_of_all_but_the_path():
    rows = [
        [item.id, item.text, item.text_pair, item.label, item.group]
        for item in PAIRS.texts
    ]
    expected = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    assert PAIRS.fingerprint == expected
    assert dataclasses.replace(PAIRS, path="other").fingerprint == expected
    first = PAIRS.texts[0]
    for name in ("id", "text", "text_pair", "label", "group"):
        other = dataclasses.replace(first, **{name: "changed"})
        changed = dataclasses.replace(PAIRS, texts=(other, *PAIRS.texts[1:]))
        assert changed.fingerprint != expected


def test_pairs_with_equal_first_texts_are_a_group():
    assert PAIRS.groups().tolist() == [0, 1, 2, 2, 0]


def test_a_single_text_is_a_group_by_itself():
    texts = [LabelledText(name, "one", None, 0) for name in "abc"]
    texts.append(LabelledText("d", "one", None, 0, "a"))
    texts.append(LabelledText("e", "two", None, 0, "a"))
    assert LabelledTexts("x", tuple(texts)).groups().tolist() == [0, 1, 2, 3, 3]


def test_gold_classes_by_name_and_by_index():
    assert gold_classes(PAIRS, ["no", "yes", "perhaps"]).tolist() == [1, 0, 0, 2, 1]
    # A name goes before an index.
    assert gold_classes(PAIRS, ["1", "no", "yes"]).tolist() == [2, 0, 1, 2, 0]


def test_other_labels_are_refused_with_the_names_of_both():
    with pytest.raises(InputError, match="^Expected gold labels") as caught:
        gold_classes(PAIRS, ["true", "false"])
    assert str(caught.value) == (
        "Expected gold labels in pairs.jsonl that are classes of the model: true, "
        'false, or an index from 0 to 1. Received: "yes", "no", 2 in 3 of 5 items, the '
        "first 'a'. Write the model's names into the file, or take the model that "
        "belongs to it."
    )


class TestLabelNames:
    """The classes of a file that a new head is made for."""

    @staticmethod
    def names(*labels):
        texts = tuple(
            LabelledText(str(number), "text", None, label)
            for number, label in enumerate(labels)
        )
        return label_names(LabelledTexts("data.jsonl", texts))

    def test_names_in_order_of_the_alphabet(self):
        assert self.names("no", "yes", "maybe", "no") == ("maybe", "no", "yes")

    def test_numbers_are_indices(self):
        assert self.names(2, 0, 1, 2) == ("0", "1", "2")

    def test_digits_of_a_table_in_order_of_their_numbers(self):
        assert self.names("10", "2", "1") == ("1", "2", "10")

    @pytest.mark.parametrize(
        ("labels", "received"),
        [
            (("no", "no"), '"no"'),
            ((0, 2), "0, 2"),
            ((1, 2), "1, 2"),
            (("no", 1), '"no", 1'),
        ],
    )
    def test_what_are_no_classes(self, labels, received):
        message = (
            "Expected two classes or more in data.jsonl, all by their names, or all by "
            f"numbers from 0 up without a gap. Received: {received}. Write names as "
            "texts, also those that are numbers."
        )
        with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
            self.names(*labels)
