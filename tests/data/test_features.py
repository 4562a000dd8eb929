import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zonekeras.data.decoding import WindowAnswers
from zonekeras.data.features import build_features, encode_pair
from zonekeras.data.squad import Answer, Passage, Question, SquadDataset, read_squad
from zonekeras.data.two_texts import warn_of_unknown
from zonekeras.data.windows import slide
from zonekeras.errors import InputError
from zonekeras.tokenizing.definitions import ROBERTA_TOKENS
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer
from zonekeras.zones import Role

WORDS = (
    "who saw the sea ? old man ran to it and cafe in a 海 洋 ##s ( - ) 9 ##5".split()
)
P, C, S, Q, X = Role.PAD, Role.CLS, Role.SEP, Role.QUESTION, Role.PASSAGE


def make_tokenizer(style="bert"):
    if style == "bert":
        return ReaderTokenizer.from_wordpiece(
            ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS], lowercase=True
        )
    return ReaderTokenizer.from_wordpiece(
        ["<pad>", "<unk>", "<s>", "</s>", *WORDS],
        lowercase=True,
        special=ROBERTA_TOKENS,
        style="roberta",
    )


@pytest.fixture(scope="module")
def tokenizer():
    return make_tokenizer()


def make_dataset(*passages):
    """Makes a dataset of (text, question or list of questions)."""
    made = []
    for number, (text, questions) in enumerate(passages):
        if isinstance(questions, str):
            questions = [Question(f"q{number}", questions, ())]
        made.append(Passage("", text, tuple(questions)))
    return SquadDataset("dev.json", tuple(made), False, 0, 0)


def ask(start, text, identifier="q", **keys):
    return Question(identifier, "who ?", (Answer(text, start),), **keys)


def test_arrays_of_a_bert_pair_by_hand(tokenizer):
    features = build_features(make_dataset(("The old man.", "Who ran?")), tokenizer)
    assert features.lengths.tolist() == [10]
    arrays = features.arrays([0], length=11)
    id_of = {word: index for index, word in enumerate(WORDS, 4)}
    pair = [id_of[word] for word in ("who", "ran", "?")]
    passage = [id_of[word] for word in ("the", "old", "man")]
    assert arrays["token_ids"].tolist() == [[2, *pair, 3, *passage, 1, 3, 0]]
    assert arrays["segment_ids"].tolist() == [[0] * 5 + [1] * 5 + [0]]
    assert arrays["roles"].tolist() == [[C, Q, Q, Q, S, X, X, X, X, S, P]]
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.int32)}


def test_arrays_of_a_roberta_pair_by_hand():
    tokenizer = make_tokenizer("roberta")
    features = build_features(make_dataset(("The sea", "Who?")), tokenizer)
    arrays = features.arrays([0], length=9)
    id_of = {word: index for index, word in enumerate(WORDS, 4)}
    assert arrays["token_ids"].tolist() == [
        [2, id_of["who"], id_of["?"], 3, 3, id_of["the"], id_of["sea"], 3, 0]
    ]
    assert arrays["segment_ids"].tolist() == [[0] * 9]
    assert arrays["roles"].tolist() == [[C, Q, Q, S, S, X, X, S, P]]
    assert features.start_allowed([0], 9).tolist() == [
        [False] * 5 + [True] * 2 + [False] * 2
    ]


@pytest.mark.parametrize(
    ("style", "pair", "segments"),
    [
        ("bert-one-segment", "[CLS] who [SEP] the sea [SEP] [PAD]", [0] * 7),
        (
            "roberta-two-segments",
            "[CLS] who [SEP] [SEP] the sea [SEP] [PAD]",
            [0] * 4 + [1] * 3 + [0],
        ),
    ],
)
def test_pairs_of_mixed_layouts(style, pair, segments):
    tokenizer = ReaderTokenizer.from_wordpiece(
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS], lowercase=True, style=style
    )
    features = build_features(make_dataset(("The sea", "Who")), tokenizer)
    arrays = features.arrays([0], length=len(segments))
    vocabulary = np.array(tokenizer.vocabulary())
    assert " ".join(vocabulary[arrays["token_ids"][0]]) == pair
    assert arrays["segment_ids"].tolist() == [segments]


def test_much_that_is_unknown_is_one_warning_with_the_figure(tokenizer):
    dataset = make_dataset(("the old man ran", "who"), ("the mill", "who ran ?"))
    features = build_features(dataset, tokenizer)
    message = (
        "dev.json: 10.0% of its tokens are unknown to this WordPiece tokenizer; check "
        "that model, tokenizer and data belong together"
    )  # "mill" is one of 4 + 2 + 1 + 3 tokens
    with pytest.warns(UserWarning, match=f"^{re.escape(message)}$"):
        assert warn_of_unknown(features, dataset.path, tokenizer) is features
    known = make_dataset(("the sea " * 20, "who"), ("the mill", "who ran ?"))
    warn_of_unknown(build_features(known, tokenizer), known.path, tokenizer)  # 1 of 46


def test_sliding_windows_by_hand(tokenizer):
    # Room for 5 passage tokens: windows 0-4, 3-7, 6-8 of the 9.
    text = "the old man ran to the sea and it"
    features = build_features(
        make_dataset(("a", "who"), (text, "who")),
        tokenizer,
        max_seq_length=9,
        doc_stride=3,
    )
    assert features.question_index.tolist() == [0, 1, 1, 1]
    assert features.num_windows == 4
    assert features.lengths.tolist() == [5, 9, 9, 7]
    vocabulary = np.array(tokenizer.vocabulary())
    shown = [
        " ".join(vocabulary[row]) for row in features.arrays([3, 1], 9)["token_ids"]
    ]
    assert shown == [
        "[CLS] who [SEP] sea and it [SEP] [PAD] [PAD]",
        "[CLS] who [SEP] the old man ran to [SEP]",
    ]
    # Scores of token 3: min(3, 1) + .05 = 1.05 against 0.05; of 4: 0.05, 1.05.
    # Of 6: 1.05 in the second window against 0.03; of 7: 0.05 against 1.03.
    allowed = features.start_allowed([1, 2, 3], 9)
    assert [np.flatnonzero(row).tolist() for row in allowed] == [
        [3, 4, 5, 6],
        [4, 5, 6],
        [4, 5],
    ]
    ends = features.end_allowed([1, 2, 3], 9)
    assert [np.flatnonzero(row).tolist() for row in ends] == [
        [3, 4, 5, 6, 7],
        [3, 4, 5, 6, 7],
        [3, 4, 5],
    ]
    spans = features.character_spans([1, 2, 3], [3, 4, 4], [4, 6, 5])
    assert [text[start:end] for start, end in spans] == [
        "the old",
        "to the sea",
        "and it",
    ]
    assert spans.dtype == np.int32


def test_questions_share_their_passage_and_are_cut(tokenizer):
    questions = [Question("a", "who saw the sea", ()), Question("b", "in ?", ())]
    features = build_features(
        make_dataset(("old man", questions)), tokenizer, max_query_length=3
    )
    assert features.passage_index.tolist() == [0, 0]
    roles = features.arrays([0, 1], 8)["roles"]
    assert (roles == Role.QUESTION).sum(axis=1).tolist() == [3, 2]
    assert (roles == Role.PASSAGE).sum(axis=1).tolist() == [2, 2]


def test_settings_say_what_made_the_features(tokenizer):
    features = build_features(
        make_dataset(("a", "who")), tokenizer, max_seq_length=20, doc_stride=7
    )
    assert features.settings == {
        "max_seq_length": 20,
        "doc_stride": 7,
        "max_query_length": 64,
        "tokenizer": tokenizer.fingerprint,
    }


def test_an_empty_question_and_a_passage_without_tokens(tokenizer):
    features = build_features(
        make_dataset(("old man", ""), ("\u200b\u200d", "who"), ("it", "\u200b")),
        tokenizer,
    )
    assert features.lengths.tolist() == [5, 4, 4]
    roles = features.arrays([0, 1, 2], 5)["roles"]
    assert roles.tolist() == [[C, S, X, X, S], [C, Q, S, S, P], [C, S, X, S, P]]
    assert not features.start_allowed([1], 5).any()
    assert not features.end_allowed([1], 5).any()
    assert features.training_targets().tolist() == [[0, 0]] * 3


def test_a_dataset_without_questions(tokenizer):
    features = build_features(make_dataset(("old man", [])), tokenizer)
    assert features.num_windows == 0
    assert features.training_targets().shape == (0, 2)
    assert features.arrays([], 7)["roles"].shape == (0, 7)
    assert build_features(make_dataset(), tokenizer).num_windows == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"doc_stride": 0}, "expected doc_stride to be at least 1. Received: 0."),
        ({"max_query_length": -1}, "expected max_query_length to be at least 1"),
        (
            {"max_seq_length": 6},
            "expected max_seq_length to be at least 7, which leaves question 'q1' room "
            "for one passage token. Received: max_seq_length=6, max_query_length=64. "
            "Raise max_seq_length or lower max_query_length.",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused(tokenizer, arguments, message):
    dataset = make_dataset(("old", "who"), ("man", "who saw it"))
    with pytest.raises(InputError, match=re.escape(message)):
        build_features(dataset, tokenizer, **arguments)


def test_the_least_max_seq_length_works(tokenizer):
    dataset = make_dataset(("old man", "who saw it"))
    features = build_features(dataset, tokenizer, max_seq_length=7)
    assert features.lengths.tolist() == [7, 7]


def test_a_stride_beyond_the_room_leaves_nothing_out(tokenizer):
    dataset = make_dataset(("the old man ran to", "who"))
    features = build_features(dataset, tokenizer, max_seq_length=6, doc_stride=100)
    allowed = features.start_allowed([0, 1, 2], 6)
    assert allowed.sum(axis=1).tolist() == [2, 2, 1]
    assert features.training_targets().tolist() == [[0, 0]] * 3


def test_arrays_refuse_to_cut_a_window(tokenizer):
    features = encode_pair("who", "the sea", tokenizer)
    with pytest.raises(ValueError, match="6 tokens. Received: length=5"):
        features.arrays([0], 5)


@pytest.mark.parametrize(("start", "end"), [(-1, 3), (0, 3), (3, 5), (2, 3)])
def test_spans_must_be_of_the_passage(tokenizer, start, end):
    features = encode_pair("who", "the sea", tokenizer)
    with pytest.raises(ValueError, match="to be passage tokens of their window"):
        features.character_spans([0], [start], [end])


@pytest.mark.parametrize(
    ("text", "answer", "covered"),
    [
        ("the old man", "old man", "old man"),
        ("the (9-95) sea", "95", "95"),
        ("the (9-95) sea", "5", "5"),
        ("the cafe sea", "fe s", "cafe sea"),
        ("the cafés sea", "café", "café"),
        ("the cafe\u0301s sea", "cafe\u0301", "cafe\u0301"),
        ("the 海洋 sea", "洋", "洋"),
        ("\U0001f600 the \U0001f600 sea", "sea", "sea"),
        ("the sea", " sea", "sea"),
    ],
)
def test_targets_cover_the_answer_s_characters(tokenizer, text, answer, covered):
    dataset = make_dataset((text, [ask(text.rindex(answer), answer)]))
    features = build_features(dataset, tokenizer)
    (target,) = features.training_targets()
    (span,) = features.character_spans([0], target[:1], target[1:])
    assert text[slice(*span)] == covered


def test_targets_of_questions_without_an_answer_are_cls(tokenizer):
    questions = [
        ask(0, "the", "impossible", is_impossible=True),
        Question("none", "who", ()),
        ask(-1, "the", "unknown"),
        ask(4, "\u200b", "dropped"),
        ask(0, "", "empty"),
        ask(0, "the", "there"),
    ]
    features = build_features(make_dataset(("the \u200bsea", questions)), tokenizer)
    targets = features.training_targets()
    assert targets[:5].tolist() == [[0, 0]] * 5
    assert targets[5].tolist() == [4, 4]
    assert targets.dtype == np.int32


def test_an_answer_counts_only_in_the_windows_that_hold_all_of_it(tokenizer):
    text = "the old man ran to the sea and it"
    questions = [
        ask(text.index("ran"), "ran to"),
        ask(text.index("man"), "man ran", "r"),
    ]
    features = build_features(
        make_dataset((text, questions)), tokenizer, max_seq_length=10, doc_stride=3
    )
    # Windows of 5 passage tokens from column 4: 0-4, 3-7, 6-8.
    assert features.training_targets().tolist() == [
        [7, 8],
        [4, 5],
        [0, 0],
        [6, 7],
        [0, 0],
        [0, 0],
    ]


def test_a_pair_reads_like_a_dataset_of_one(tokenizer):
    pair = encode_pair("Who ran?", "The old man.", tokenizer, max_seq_length=8)
    dataset = make_dataset(("The old man.", "Who ran?"))
    features = build_features(dataset, tokenizer, max_seq_length=8)
    windows = np.arange(features.num_windows)
    for name, array in features.arrays(windows, 8).items():
        np.testing.assert_array_equal(pair.arrays(windows, 8)[name], array)


def literal_windows(num_tokens, room, stride):
    windows, start = [], 0
    while start < num_tokens:
        length = min(num_tokens - start, room)
        windows.append((start, length))
        if start + length == num_tokens:
            break
        start += min(length, stride)
    return windows


def literal_owner(windows, position):
    best, owner = None, None
    for index, (start, length) in enumerate(windows):
        end = start + length - 1
        if not start <= position <= end:
            continue
        score = min(position - start, end - position) + 0.01 * length
        if best is None or score > best:
            best, owner = score, index
    return owner


# Below a stride of 101 no two windows tie along a whole stretch of tokens, where the
# literal rule would be decided by rounding.
@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 700), st.integers(1, 330)), min_size=1, max_size=5
    ),
    st.integers(1, 100),
)
def test_windows_and_maximum_context_equal_the_literal_rule(questions, stride):
    totals, rooms = np.array(questions).T
    windows = slide(totals, rooms, stride)
    for question, (total, room) in enumerate(questions):
        rows = np.flatnonzero(windows.question_index == question)
        expected = literal_windows(total, room, stride)
        found = zip(windows.start[rows], windows.length[rows], strict=True)
        assert [(int(start), int(length)) for start, length in found] == expected
        owners = np.full(total, -1)
        for index, row in enumerate(rows):
            stretch = slice(windows.context_start[row], windows.context_stop[row])
            assert (owners[stretch] == -1).all()
            owners[stretch] = index
        assert owners.tolist() == [literal_owner(expected, p) for p in range(total)]


def test_no_token_is_stored_twice(tokenizer):
    text = "the old man ran to the sea and it " * 300
    questions = [Question(str(number), "who ?", ()) for number in range(50)]
    features = build_features(
        make_dataset((text, questions)), tokenizer, max_seq_length=32, doc_stride=4
    )
    assert features.num_windows > 30_000
    assert len(features._texts.second.ids) == 2700


@pytest.mark.parametrize(
    "name", ["xquad/xquad.zh.json", "cmrc2018/cmrc2018_trial.json"]
)
def test_real_chinese_answers_come_back_by_their_characters(shared_dir, name):
    path = shared_dir / "data" / name
    if not path.is_file():
        pytest.skip(f"needs ../shared/data/{name}: not present")
    dataset = read_squad(path)
    tokenizer = ReaderTokenizer.from_directory(shared_dir / "models/minilm-qa")
    features = build_features(dataset, tokenizer, max_seq_length=256)
    targets = features.training_targets()
    windows = np.flatnonzero(targets[:, 0])
    spans = features.character_spans(windows, *targets[windows].T)
    found = equal = 0
    for window, (start, end) in zip(windows, spans.tolist(), strict=True):
        row = features.question_index[window]
        passage = features.passages[features.passage_index[row]].text
        (answer, *_) = features.questions[row].answers
        if passage[answer.start :].startswith(answer.text):
            found += 1
            equal += passage[start:end] == answer.text.strip()
    assert found > 0.5 * len(features.questions)
    assert equal > 0.97 * found


def test_window_spans_by_hand(tokenizer):
    """Windows in any order, some twice; where no span is valid there is none."""
    features = build_features(
        make_dataset(("The old man  ran.", "who ?"), ("to it", "who ran to ?")),
        tokenizer,
    )
    assert features.question_index.tolist() == [0, 1]
    answers = WindowAnswers(
        # [CLS] who ? [SEP] The old man ran . and [CLS] who ran to ? [SEP] to it
        start_token=np.array([7, 5, -1, 5], np.int32),
        end_token=np.array([7, 6, -1, 7], np.int32),
        score=np.array([1.5, 2.5, -np.inf, 0.25]),
        null_score=np.array([3.0, 1.0, 2.0, 0.0]),
    )
    spans = features.window_spans([1, 0, 1, 0], answers)
    assert spans.start.tolist() == [3, 4, -1, 4]
    assert spans.end.tolist() == [5, 11, -1, 16]
    assert spans.start.dtype == spans.end.dtype == np.int32
    assert spans.score.tolist() == [1.5, 2.5, -np.inf, 0.25]
    assert spans.null_score.tolist() == [3.0, 1.0, 2.0, 0.0]
    text = features.passages[0].text
    assert [text[4:11], text[4:16]] == ["old man", "old man  ran"]
