import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from tests.builders import VOCABULARY, tiny_tokenizer, tiny_unigram_tokenizer
from tests.labelled_texts import tiny_texts, write_lines
from zonekeras.data.labelled_texts_file import read_labelled_texts
from zonekeras.data.text_features import build_text_features, cut_longest_first
from zonekeras.errors import InputError
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer
from zonekeras.zones import Role

MAX_LENGTH = 19


@pytest.fixture(params=[True, False], ids=["pairs", "single"])
def dataset(request, tmp_path):
    lines = tiny_texts(pairs=request.param, num=23)
    return read_labelled_texts(write_lines(tmp_path / "texts.jsonl", lines))


def expected_window(tokenizer, item, separators, second_segment):
    """A window put together by hand: ids, segments, roles."""
    texts = [item.text] if item.text_pair is None else [item.text, item.text_pair]
    ids = [list(one) for one, _ in tokenizer.encode(texts)]
    num_special = 2 if len(texts) == 1 else 2 + separators
    while sum(map(len, ids)) + num_special > MAX_LENGTH:
        max(ids, key=len).pop()  # one by one; no first text here is the longer one
    roles = [Role.PASSAGE] if len(texts) == 1 else [Role.QUESTION, Role.PASSAGE]
    window = [(tokenizer.cls_id, 0, Role.CLS)]
    for number, (role, tokens) in enumerate(zip(roles, ids, strict=True)):
        segment = second_segment if number == 1 else 0
        window += [(token, segment, role) for token in tokens]
        is_last = number == len(ids) - 1
        window += [(tokenizer.sep_id, segment, Role.SEP)] * (
            1 if is_last else separators
        )
    return np.array(window, np.int32)


def word_pieces(style):
    return ReaderTokenizer.from_wordpiece(VOCABULARY, lowercase=True, style=style)


@pytest.mark.parametrize(
    ("tokenizer", "separators", "second_segment"),
    [
        (tiny_tokenizer(), 1, 1),
        (tiny_unigram_tokenizer(), 2, 0),
        (word_pieces("bert-one-segment"), 1, 0),
        (word_pieces("roberta-two-segments"), 2, 1),
    ],
    ids=["bert", "roberta", "one segment", "two segments"],
)
def test_windows_are_those_put_together_by_hand(
    dataset, tokenizer, separators, second_segment
):
    features = build_text_features(dataset, tokenizer, MAX_LENGTH)
    rows = np.arange(len(dataset.texts))
    arrays = features.arrays(rows, 29)
    cut = 0
    for row, item in enumerate(dataset.texts):
        window = expected_window(tokenizer, item, separators, second_segment)
        length = len(window)
        assert features.lengths[row] == length
        for column, name in enumerate(("token_ids", "segment_ids", "roles")):
            expected = np.zeros(29, np.int32)
            if name == "token_ids":
                expected += tokenizer.pad_id
            expected[:length] = window[:, column]
            np.testing.assert_array_equal(arrays[name][row], expected)
        counts = np.bincount(window[:, 2], minlength=len(Role))
        np.testing.assert_array_equal(features.role_counts[row], counts)
        texts = [item.text, item.text_pair or ""]
        whole = sum(len(ids) for ids, _ in tokenizer.encode(texts))
        cut += int(whole > np.isin(window[:, 2], (3, 4)).sum())
    assert features.num_cut == cut > 0
    np.testing.assert_array_equal(features.item_index, rows)
    picked = features.arrays([7, 2], 29)["token_ids"]
    np.testing.assert_array_equal(picked, arrays["token_ids"][[7, 2]])
    assert features.window_names(np.array([7, 2])) == [("item7", 0), ("item2", 0)]


def test_tokens_stand_where_they_were_cut_from(dataset):
    tokenizer = tiny_tokenizer()
    features = build_text_features(dataset, tokenizer, MAX_LENGTH)
    vocabulary = tokenizer.vocabulary()
    for row in features.example_windows(np.array([3, 22])):
        arrays = features.arrays([row], int(features.lengths[row]))
        texts = features.role_texts(row)
        assert set(texts) == set(arrays["roles"][0].tolist()) - {Role.CLS, Role.SEP}
        for token, role, (start, end) in zip(
            arrays["token_ids"][0],
            arrays["roles"][0],
            features.token_characters(row).tolist(),
            strict=True,
        ):
            if role in (Role.CLS, Role.SEP):
                assert (start, end) == (-1, -1)
            else:
                text = texts[Role(role)][start:end]
                assert text == vocabulary[token].removeprefix("##")


@given(
    first=st.integers(0, 40),
    second=st.integers(0, 40),
    max_length=st.integers(5, 60),
)
def test_cuts_are_those_of_the_tokenizers_library(first, second, max_length):
    library = Tokenizer(WordLevel({"a": 0, "b": 1, "[C]": 2}, unk_token="a"))
    library.pre_tokenizer = Whitespace()
    library.post_processor = TemplateProcessing(
        single="[C] $A [C]", pair="[C] $A [C] $B:1 [C]:1", special_tokens=[("[C]", 2)]
    )
    library.enable_truncation(max_length, strategy="longest_first")
    ids = library.encode("a " * first, "b " * second).ids
    kept = cut_longest_first(np.array([first]), np.array([second]), max_length - 3)
    assert kept.tolist() == [[ids.count(0), ids.count(1)]]


def test_a_length_without_room_is_refused(dataset):
    needed = 5 if dataset.has_pairs else 3
    build_text_features(dataset, tiny_tokenizer(), needed)
    with pytest.raises(
        InputError, match=f"at least {needed}, .* max_seq_length={needed - 1}"
    ):
        build_text_features(dataset, tiny_tokenizer(), needed - 1)


def test_a_batch_has_room_for_its_windows(dataset):
    features = build_text_features(dataset, tiny_tokenizer(), MAX_LENGTH)
    with pytest.raises(ValueError, match=f"{MAX_LENGTH} tokens. Received: length=18"):
        features.arrays([0, 22], 18)
