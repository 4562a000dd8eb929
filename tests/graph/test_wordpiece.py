"""WordPiece in a graph, against the `tokenizers` library behind `ReaderTokenizer`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zonekeras.data.squad import read_squad
from zonekeras.tokenizing.definitions import BERT_TOKENS, wordpiece_definition
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer

tf = pytest.importorskip("tensorflow", reason="graphs are TensorFlow's")

PIECES = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] the sea caf cafe café ##e ##é ##s ##ing a A i ß ss "
    "ο ς σ ##ς 中 文 ! ? . ' - # #### … 가 각 ##ᆨ ᄀ ##ᅡ"
).split()
TEXTS = [
    "The Sea",
    "  Cafés! ",
    "cafe\u0301s",
    "the e\u0301\u0323",
    "cafe\u0301",
    "中文the",
    "\U0001f600 sea",
    "the\u200b\nsea\t",
    "\u00a0the\u3000sea",
    "\u200b\u0301",
    "",
    " ",
    "İstanbul İ ẞ ﬁ ½ ΟΔΟΣ",
    "\u2260\u037e\u1fef\u212b",
    "가각 \u1100\u1161\u11a8",
    "[SEP] [CLS][PAD]",
    "a" * 300 + " " + "é" * 200 + " the",
    "\u0378\ue000\ufdd0\ufffe\U000e0001\x00\x1c\x85the",
    "don't—stop…“quoted”",
    "\u302e\u0301a\u0323\u0301",
    "\uf900\u2f00\U0002f800豈",
]


def tokenizer_of(lowercase, strip_accents=None, split_chinese=True):
    definition = wordpiece_definition(
        PIECES,
        lowercase=lowercase,
        strip_accents=strip_accents,
        split_chinese=split_chinese,
    )
    return ReaderTokenizer(definition, BERT_TOKENS, "bert")


def differences(tokenizer, in_graph, texts):
    """Returns the texts whose tokens or offsets differ."""
    found = in_graph(tf.constant([text.encode() for text in texts], tf.string))
    assert found.ids.dtype == found.starts.dtype == found.ends.dtype == tf.int32
    ids, starts, ends, bounds = (values.numpy() for values in found)
    assert len(bounds) == len(texts) + 1
    wrong = []
    for number, (expected_ids, offsets) in enumerate(tokenizer.encode(texts)):
        own = slice(bounds[number], bounds[number + 1])
        spans = np.stack([starts[own], ends[own]], axis=1)
        if not (
            np.array_equal(ids[own], expected_ids) and np.array_equal(spans, offsets)
        ):
            wrong.append(
                (
                    texts[number],
                    ids[own],
                    expected_ids,
                    spans.tolist(),
                    offsets.tolist(),
                )
            )
    return wrong


@pytest.fixture(
    scope="module",
    params=[(True, None), (False, None), (True, False), (False, True), "unsplit"],
    ids=["uncased", "cased", "lower, accents", "cased, no accents", "chinese unsplit"],
)
def pair(request):
    """A tokenizer and the same in a graph."""
    from zonekeras.graph.wordpiece import GraphWordPiece

    rules = (True, None, False) if request.param == "unsplit" else request.param
    tokenizer = tokenizer_of(*rules)
    strings = tf.TensorSpec([None], tf.string)
    return tokenizer, tf.function(GraphWordPiece(tokenizer), [strings], autograph=False)


def test_tokens_and_offsets_are_the_library_s(pair):
    assert differences(*pair, TEXTS) == []
    assert differences(*pair, TEXTS[:1]) == []
    assert differences(*pair, []) == []


@given(
    st.lists(
        st.text(
            st.one_of(
                st.sampled_from("aeisAİéß \u0301\u0323\u200b#!'中가\u1100\n\x00ςΣ"),
                st.characters(exclude_categories=["Cs"]),
            )
        ),
        max_size=5,
    )
)
@settings(max_examples=100, deadline=None)
def test_any_text_is_read_as_the_library_reads_it(pair, texts):
    assert differences(*pair, texts) == []


@pytest.mark.parametrize("language", ["en", "zh", "vi", "de", "el", "ru", "ar", "hi"])
def test_a_real_vocabulary_on_real_texts(shared_dir, real, language):
    """Every passage and question of XQuAD."""
    dataset = read_squad(shared_dir / f"data/xquad/xquad.{language}.json")
    texts = [passage.text for passage in dataset.passages] + [
        question.text for passage in dataset.passages for question in passage.questions
    ]
    assert len(texts) == 240 + 1190
    assert differences(*real, texts) == []


@pytest.fixture(scope="module")
def real(shared_dir):
    from zonekeras.graph.wordpiece import GraphWordPiece

    tokenizer = ReaderTokenizer.from_directory(shared_dir / "models/minilm-qa")
    return tokenizer, tf.function(
        GraphWordPiece(tokenizer),
        [tf.TensorSpec([None], tf.string)],
        autograph=False,
    )
