import json
import re
import unicodedata

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import pre_tokenizers, trainers

from tests.builders import train_unigram, trained_tokenizer
from zonekeras.data.features import encode_pair
from zonekeras.data.squad import read_squad
from zonekeras.errors import InputError
from zonekeras.tokenizing.definitions import (
    ROBERTA_TOKENS,
    SpecialTokens,
    wordpiece_definition,
)
from zonekeras.tokenizing.encoding import encode_texts
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer
from zonekeras.tokenizing.tokenizer_files import infers_lowercase

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = "caf ##e ##s the sea 中 文 [ ] sep ##p cls mask e < / s > pad ! ##a a".split()
CORPUS = ["the sea and the old man", "a man ran to the sea", "the old cafes by the sea"]


@pytest.fixture(scope="module")
def wordpiece():
    return ReaderTokenizer.from_wordpiece([*SPECIAL, *WORDS], lowercase=True)


@pytest.fixture(scope="module")
def bpe_parts():
    """A byte-level BPE vocabulary and its merges, trained on three sentences."""
    trained = tokenizers.Tokenizer(tokenizers.models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=330,
        special_tokens=ROBERTA_TOKENS.present(),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    trained.train_from_iterator(CORPUS, trainer)
    model = json.loads(trained.to_str())["model"]
    return model["vocab"], [tuple(merge) for merge in model["merges"]]


@pytest.fixture(scope="module")
def bpe(bpe_parts):
    return ReaderTokenizer.from_bpe(*bpe_parts)


def unigram_pieces():
    pieces = [(token, 0.0) for token in ROBERTA_TOKENS.present()]
    pieces += [("▁", -3.0), ("▁the", -4.0), ("▁sea", -4.5), ("sea", -5.0)]
    return pieces + [(letter, -7.0) for letter in "theas</>máø"] + [("海", -8.0)]


@pytest.fixture(scope="module")
def unigram():
    unk_id = ROBERTA_TOKENS.present().index("<unk>")
    return ReaderTokenizer.from_unigram(unigram_pieces(), unk_id)


@pytest.fixture(params=["wordpiece", "bpe", "unigram"])
def tokenizer(request):
    return request.getfixturevalue(request.param)


def pieces_of(tokenizer, text):
    """Returns the tokens of a text and the characters that each stands for."""
    ((ids, offsets),) = tokenizer.encode([text])
    assert ids.dtype == offsets.dtype == np.int32
    vocabulary = tokenizer.vocabulary()
    return (
        [vocabulary[index] for index in ids],
        [text[start:end] for start, end in offsets.tolist()],
    )


@pytest.mark.parametrize(
    ("text", "tokens", "spans"),
    [
        ("The Sea", ["the", "sea"], ["The", "Sea"]),
        ("  Cafés! ", ["caf", "##e", "##s", "!"], ["Caf", "é", "s", "!"]),
        ("cafe\u0301s", ["caf", "##e", "##s"], ["caf", "e\u0301", "s"]),
        ("the e\u0301\u0323", ["the", "e"], ["the", "e\u0301\u0323"]),
        ("cafe\u0301", ["caf", "##e"], ["caf", "e\u0301"]),
        ("中文", ["中", "文"], ["中", "文"]),
        ("\U0001f600 sea", ["[UNK]", "sea"], ["\U0001f600", "sea"]),
        ("\U0001f600\U0001f1e9\U0001f1ea the", ["[UNK]", "the"], None),
        ("the\u200b\nsea\t", ["the", "sea"], ["the", "sea"]),
        ("\u00a0the\u3000sea", ["the", "sea"], ["the", "sea"]),
        ("the  sea", ["the", "sea"], ["the", "sea"]),
        ("\u200b\u0301", [], []),
        ("", [], []),
        (" ", [], []),
    ],
)
def test_wordpiece_offsets_are_characters_of_the_original(
    wordpiece, text, tokens, spans
):
    found_tokens, found_spans = pieces_of(wordpiece, text)
    assert found_tokens == tokens
    if spans is None:
        spans = text.split(" ")
    assert found_spans == spans


def test_marks_never_move_from_one_text_to_the_one_before(wordpiece):
    first, second = wordpiece.encode(["cafe", "\u0301 e"])
    assert first[1].tolist() == [[0, 3], [3, 4]]
    assert second[1].tolist() == [[2, 3]]


def test_bpe_spans_have_no_leading_space(bpe):
    tokens, spans = pieces_of(bpe, "the sea  and")
    assert tokens[0] == "the"
    assert tokens[1] == "Ġsea"
    assert spans[:2] == ["the", "sea"]
    assert spans[2] == ""  # the second of two spaces is a token of its own
    assert "".join(spans) == "theseaand"


def test_bpe_tokens_of_one_character_s_bytes_all_stand_for_it(bpe):
    tokens, spans = pieces_of(bpe, "the \U0001f600 海é")
    emoji = spans.index("\U0001f600")
    assert spans[emoji : emoji + 4] == ["\U0001f600"] * 4
    assert spans[-5:] == ["海"] * 3 + ["é"] * 2
    assert len(tokens) == len(spans)


def test_bpe_is_the_library_s(bpe, bpe_parts):
    vocabulary, merges = bpe_parts
    plain = tokenizers.ByteLevelBPETokenizer(vocabulary, merges)
    for text in [*CORPUS, "A\n  sea \U0001f600!", " man"]:
        assert bpe.encode([text])[0][0].tolist() == plain.encode(text).ids


def test_bpe_merges_may_be_strings(bpe, bpe_parts):
    vocabulary, merges = bpe_parts
    other = ReaderTokenizer.from_bpe(vocabulary, [" ".join(merge) for merge in merges])
    assert other.fingerprint == bpe.fingerprint


def test_unigram_offsets_are_characters_of_the_original(unigram):
    tokens, spans = pieces_of(unigram, "  the   sea海  ")
    assert tokens == ["▁the", "▁sea", "海"]
    assert spans == ["the", "sea", "海"]
    tokens, spans = pieces_of(unigram, "the 海\U0001f600")
    assert tokens == ["▁the", "▁", "海", "<unk>"]
    assert spans == ["the", "", "海", "\U0001f600"]


@pytest.mark.parametrize(
    ("name", "text", "tokens"),
    [
        ("wordpiece", "the [SEP] sea", ["the", "[", "sep", "]", "sea"]),
        ("wordpiece", "[CLS]", ["[", "cls", "]"]),
        ("wordpiece", "[PAD][MASK]", ["[", "pad", "]", "[", "mask", "]"]),
        ("bpe", "</s>", ["<", "/", "s", ">"]),
        ("unigram", "the</s>", ["▁the", "<", "/", "s", ">"]),
        ("unigram", "</s>", ["▁", "<", "/", "s", ">"]),
        ("unigram", "<unk>", ["▁", "<", "<unk>", ">"]),
    ],
)
def test_special_tokens_in_a_text_are_text(request, name, text, tokens):
    tokenizer = request.getfixturevalue(name)
    assert pieces_of(tokenizer, text)[0] == tokens


def test_special_tokens_that_a_file_does_not_call_special_are_text(wordpiece, tmp_path):
    wordpiece.save(tmp_path)
    path = tmp_path / "tokenizer.json"
    definition = json.loads(path.read_text(encoding="utf-8"))
    for token in definition["added_tokens"]:
        token["special"] = False
    path.write_text(json.dumps(definition), encoding="utf-8")
    tokenizer = ReaderTokenizer.from_directory(tmp_path)
    assert pieces_of(tokenizer, "the [SEP]")[0] == ["the", "[", "sep", "]"]


def test_a_reserved_piece_that_no_spelling_can_avoid_becomes_unknown():
    # A vocabulary whose separator is an ordinary word.
    special = SpecialTokens("[CLS]", "sea", "[PAD]", "[UNK]")
    tokenizer = ReaderTokenizer.from_wordpiece(
        [*SPECIAL, *WORDS], lowercase=True, special=special
    )
    assert pieces_of(tokenizer, "the sea")[0] == ["the", "[UNK]"]


def test_a_half_character_is_one_unknown_character(wordpiece, bpe):
    assert pieces_of(wordpiece, "the \ud83d sea") == (["the", "sea"], ["the", "sea"])
    _, spans = pieces_of(bpe, "a\ud83db")
    assert spans == ["a", *["\ud83d"] * 3, "b"]


@settings(max_examples=300, deadline=None)
@given(
    text=st.text(
        st.sampled_from("the sa\u0301é\n  [SEP]</>\u200b中\U0001f600áA."), max_size=40
    )
)
def test_spans_are_ordered_and_trimmed(wordpiece, bpe, unigram, text):
    for tokenizer in (wordpiece, bpe, unigram):
        ((ids, offsets),) = tokenizer.encode([text])
        assert len(ids) == len(offsets)
        if not len(ids):
            continue
        assert (np.diff(offsets[:, 0]) >= 0).all()
        assert (np.diff(offsets[:, 1]) >= 0).all()
        assert (0 <= offsets).all()
        assert (offsets <= len(text)).all()
        for start, end in offsets.tolist():
            assert start <= end
            assert text[start:end] == text[start:end].strip()
        reserved = {tokenizer.cls_id, tokenizer.sep_id, tokenizer.pad_id}
        assert not reserved & set(ids.tolist())


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=60) | st.text("the sac\u0301é []12.", max_size=60)))
def test_reading_word_by_word_changes_nothing(wordpiece, texts):
    whole = encode_texts(wordpiece._encoder, texts, by_words=False)
    words = encode_texts(wordpiece._encoder, texts, by_words=True)
    np.testing.assert_array_equal(words.ids, whole.ids)
    np.testing.assert_array_equal(words.offsets, whole.offsets)
    np.testing.assert_array_equal(words.bounds, whole.bounds)


@pytest.mark.parametrize("language", ["en", "de", "vi", "ar", "hi", "th", "zh"])
def test_reading_real_text_word_by_word_changes_nothing(shared_dir, language):
    dataset = read_squad(shared_dir / f"data/xquad/xquad.{language}.json")
    texts = [passage.text for passage in dataset.passages]
    tokenizer = ReaderTokenizer.from_directory(shared_dir / "models/minilm-qa")
    whole = encode_texts(tokenizer._encoder, texts, by_words=False)
    words = encode_texts(tokenizer._encoder, texts, by_words=True)
    np.testing.assert_array_equal(words.ids, whole.ids)
    np.testing.assert_array_equal(words.offsets, whole.offsets)
    for row in range(0, len(texts), 24):
        text, tokens = texts[row], whole.part(row, row + 1)
        covered = {
            character
            for start, end in tokens.offsets.tolist()
            for character in range(start, end)
        }
        marks = {i for i, c in enumerate(text) if unicodedata.category(c)[0] == "M"}
        assert marks <= covered


def test_no_texts(tokenizer):
    assert tokenizer.encode([]) == []
    assert tokenizer.encode_flat([]).bounds.tolist() == [0]


def test_special_ids_and_styles(wordpiece, bpe, unigram):
    assert (wordpiece.pad_id, wordpiece.unk_id) == (0, 1)
    assert (wordpiece.cls_id, wordpiece.sep_id, wordpiece.mask_id) == (2, 3, 4)
    assert (wordpiece.style, wordpiece.num_separators_between) == ("bert", 1)
    assert (bpe.style, bpe.num_separators_between) == ("roberta", 2)
    assert wordpiece.vocabulary_size == len(SPECIAL) + len(WORDS)
    assert wordpiece.vocabulary() == [*SPECIAL, *WORDS]
    kinds = [tokenizer.algorithm for tokenizer in (wordpiece, bpe, unigram)]
    assert kinds == ["WordPiece", "BPE", "Unigram"]
    assert [wordpiece.lowercase, bpe.lowercase, unigram.lowercase] == [
        True,
        False,
        False,
    ]


def test_a_vocabulary_without_a_mask_is_fine():
    tokenizer = ReaderTokenizer.from_wordpiece([*SPECIAL[:4], "a"], lowercase=True)
    assert tokenizer.mask_id is None


@pytest.mark.parametrize("missing", SPECIAL[:4])
def test_a_vocabulary_without_a_special_token_is_refused(missing):
    vocabulary = [token for token in [*SPECIAL, "a"] if token != missing]
    with pytest.raises(InputError, match=f"5 tokens without {re.escape(missing)}"):
        ReaderTokenizer.from_wordpiece(vocabulary, lowercase=True)


def test_fingerprints_tell_tokenizers_apart():
    def make(words=WORDS, **keys):
        arguments = {"lowercase": True, "strip_accents": None, "style": "bert"} | keys
        vocabulary = [*SPECIAL, *words]
        return ReaderTokenizer.from_wordpiece(vocabulary, **arguments).fingerprint

    different = [
        make(),
        make(lowercase=False),
        make(strip_accents=False),
        make(style="roberta"),
        make(words=WORDS[::-1]),
    ]
    assert len(set(different)) == len(different)
    assert make() == different[0]
    assert re.fullmatch("[0-9a-f]{64}", make())


def test_saving_and_reading_back(tokenizer, tmp_path):
    tokenizer.save(tmp_path / "model")
    again = ReaderTokenizer.from_directory(tmp_path / "model")
    assert again.fingerprint == tokenizer.fingerprint
    assert again.style == tokenizer.style
    assert again.mask_id == tokenizer.mask_id
    names = sorted(path.name for path in (tmp_path / "model").iterdir())
    assert names == ["tokenizer.json", "tokenizer_config.json"]
    texts = [*CORPUS, "the [SEP] </s> sea \U0001f600"]
    expected, found = tokenizer.encode_flat(texts), again.encode_flat(texts)
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_array_equal(found.offsets, expected.offsets)


def test_saving_that_fails_leaves_nothing_half_written(
    wordpiece, tmp_path, monkeypatch
):
    def refuse(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(PermissionError, match="Permission denied"):
        wordpiece.save(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_saved_tokenizer_builds_the_same_pairs_in_the_library(tokenizer, tmp_path):
    tokenizer.save(tmp_path)
    library = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    question, passage = "the old man", "a cafe by the sea"
    expected = library.encode(question, passage)
    features = encode_pair(question, passage, tokenizer)
    arrays = features.arrays([0], int(features.lengths[0]))
    assert arrays["token_ids"][0].tolist() == expected.ids
    assert arrays["segment_ids"][0].tolist() == expected.type_ids


def write_vocabulary(folder, tokens, config=None):
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    if config is not None:
        (folder / "tokenizer_config.json").write_text(json.dumps(config))


def test_the_case_rule_of_a_vocabulary(tmp_path):
    def lowercase(tokens, config=None, flag=None):
        write_vocabulary(tmp_path, [*SPECIAL, *tokens], config or {})
        read = ReaderTokenizer.from_directory(tmp_path, do_lower_case=flag)
        return read.lowercase

    assert lowercase(["the"]) is True
    assert lowercase(["the", "The"]) is False
    assert lowercase(["the", "The"], {"do_lower_case": True}) is True
    assert lowercase(["the"], {"do_lower_case": False}) is False
    assert lowercase(["the"], {"do_lower_case": False}, True) is True
    assert lowercase(["the"], {"do_lower_case": True}, False) is False
    assert infers_lowercase(["[CLS]", "<S>", "[unused1]", "é"])


def test_accents_and_chinese_follow_the_configuration(tmp_path):
    config = {"strip_accents": False, "tokenize_chinese_chars": False}
    write_vocabulary(tmp_path, [*SPECIAL, "café", "中文", "cafe", "中", "文"], config)
    tokenizer = ReaderTokenizer.from_directory(tmp_path)
    assert pieces_of(tokenizer, "Café 中文")[0] == ["café", "中文"]


def test_a_vocabulary_file_of_any_name_with_windows_line_ends(tmp_path):
    path = tmp_path / "cased.vocab"
    path.write_bytes("\r\n".join([*SPECIAL, "the", "The", "\u2028"]).encode() + b"\r\n")
    tokenizer = ReaderTokenizer.from_vocabulary_file(path)
    assert not tokenizer.lowercase
    assert tokenizer.vocabulary()[-1] == "\u2028"
    assert pieces_of(tokenizer, "The the")[0] == ["The", "the"]
    assert ReaderTokenizer.from_vocabulary_file(path, do_lower_case=True).lowercase


@pytest.mark.parametrize(
    "form", [str, lambda token: {"content": token, "lstrip": True}]
)
@pytest.mark.parametrize("name", ["special_tokens_map.json", "tokenizer_config.json"])
def test_special_tokens_by_configuration(tmp_path, form, name):
    write_vocabulary(tmp_path, [*SPECIAL, "<START>", "<STOP>", "the"])
    content = {"cls_token": form("<START>"), "sep_token": form("<STOP>")}
    (tmp_path / name).write_text(json.dumps(content))
    tokenizer = ReaderTokenizer.from_directory(tmp_path)
    assert (tokenizer.cls_id, tokenizer.sep_id, tokenizer.pad_id) == (5, 6, 0)


def test_what_a_tokenizer_json_prescribes_besides_tokens_stays_out(wordpiece, tmp_path):
    wordpiece.save(tmp_path)
    library = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    library.enable_truncation(3)
    library.enable_padding(length=5)
    library.save(str(tmp_path / "tokenizer.json"))
    tokenizer = ReaderTokenizer.from_directory(tmp_path)
    assert tokenizer.fingerprint == wordpiece.fingerprint
    assert pieces_of(tokenizer, "the sea the sea")[0] == ["the", "sea", "the", "sea"]


def test_a_bpe_directory(bpe, bpe_parts, tmp_path):
    vocabulary, merges = bpe_parts
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary))
    lines = "\n".join(" ".join(merge) for merge in merges)
    (tmp_path / "merges.txt").write_text(f"#version: 0.2\n{lines}\n", encoding="utf-8")
    tokenizer = ReaderTokenizer.from_directory(tmp_path)
    assert tokenizer.fingerprint == bpe.fingerprint
    assert tokenizer.style == "roberta"
    assert ReaderTokenizer.from_directory(tmp_path, style="bert").style == "bert"


def test_the_flag_changes_bert_s_rule_in_a_tokenizer_json(wordpiece, bpe, tmp_path):
    wordpiece.save(tmp_path)
    assert not ReaderTokenizer.from_directory(tmp_path, do_lower_case=False).lowercase
    bpe.save(tmp_path)
    assert not ReaderTokenizer.from_directory(tmp_path, do_lower_case=False).lowercase
    with pytest.raises(
        InputError, match=r"tokenizer.json: the tokenizer's lower-casing"
    ):
        ReaderTokenizer.from_directory(tmp_path, do_lower_case=True)


def test_a_model_s_tokenizer_json_and_vocab_txt_agree(shared_dir, tmp_path):
    model = shared_dir / "models/minilm-qa"
    whole = ReaderTokenizer.from_directory(model)
    bare = ReaderTokenizer.from_vocabulary_file(model / "vocab.txt")
    texts = [
        p.text for p in read_squad(shared_dir / "data/xquad/xquad.en.json").passages
    ]
    np.testing.assert_array_equal(
        whole.encode_flat(texts).ids, bare.encode_flat(texts).ids
    )
    assert bare.lowercase


def test_unigram_is_sentencepiece(shared_dir, tmp_path):
    sentencepiece = pytest.importorskip("sentencepiece", reason="needs sentencepiece")
    dataset = read_squad(shared_dir / "data/xquad/xquad.de.json")
    texts = [passage.text for passage in dataset.passages]
    content = train_unigram(tmp_path, texts, 1500)
    tokenizer = trained_tokenizer(content)
    processor = sentencepiece.SentencePieceProcessor(model_proto=content)
    texts += [
        "  Größe ﬁn  ½ ",
        "[SEP] a </s> <s>",
        "日本\u3000語",
        "e\u0301 \u00a0x",
        "",
    ]
    same = [
        ids.tolist() == processor.encode(text)
        for (ids, _), text in zip(tokenizer.encode(texts), texts, strict=True)
    ]
    assert all(same), [
        text for text, equal in zip(texts, same, strict=True) if not equal
    ]
    _, spans = pieces_of(tokenizer, "die  Größe")
    assert "".join(spans) == "dieGröße"


NAMES = {
    "nothing": ({}, "Received: an empty directory. Copy the model's tokenizer files"),
    "other files": (
        {"config.json": "{}"},
        "expected tokenizer.json, or vocab.txt, or vocab.json with merges.txt. "
        "Received: config.json.",
    ),
    "no merges": ({"vocab.json": "{}"}, "Received: vocab.json."),
    "sentencepiece": (
        {"spiece.model": ""},
        "expected tokenizer.json beside spiece.model. Write it with transformers: "
        "AutoTokenizer.from_pretrained(",
    ),
    "blank line": (
        {"vocab.txt": "[PAD]\n\n[UNK]\n"},
        "vocab.txt: expected one token a line. Received: line 2 is blank.",
    ),
    "blank last line": ({"vocab.txt": "[PAD]\n[UNK]\n\n"}, "line 3 is blank"),
    "empty": ({"vocab.txt": ""}, "vocab.txt: expected one token a line. Received: the"),
    "duplicate": (
        {"vocab.txt": "[PAD]\n[UNK]\nthe\n[CLS]\nthe\n[SEP]\n"},
        'expected every token once. Received: "the" on lines 3 and 5.',
    ),
    "no separator": (
        {"vocab.txt": "[PAD]\n[UNK]\n[CLS]\n"},
        "vocab.txt: expected a sep token, [SEP] or </s>. Received: 3 tokens without",
    ),
    "named token missing": (
        {
            "vocab.txt": "\n".join(SPECIAL),
            "tokenizer_config.json": '{"cls_token": "<X>"}',
        },
        "vocab.txt: expected a cls token, <X>.",
    ),
    "broken tokenizer": ({"tokenizer.json": '{"a": '}, "tokenizer.json: broken JSON"),
    "no model": (
        {"tokenizer.json": '{"version": "1.0"}'},
        'tokenizer.json: expected "model" with "vocab"',
    ),
    "a list": ({"tokenizer.json": "[]"}, 'expected "model" with "vocab"'),
    "odd vocabulary": (
        {"tokenizer.json": '{"model": {"type": "Unigram", "vocab": [1]}}'},
        'tokenizer.json: expected "vocab" and "added_tokens" as the tokenizers library',
    ),
    "refused by the library": (
        {
            "tokenizer.json": json.dumps(
                wordpiece_definition(SPECIAL, lowercase=True)
                | {"pre_tokenizer": {"type": "Nonsense"}}
            )
        },
        "expected a tokenizer that the tokenizers library can read. Received: one it "
        "refuses (",
    ),
    "broken configuration": (
        {"vocab.txt": "\n".join(SPECIAL), "tokenizer_config.json": "nonsense"},
        "tokenizer_config.json: broken JSON",
    ),
    "a list as configuration": (
        {"vocab.txt": "\n".join(SPECIAL), "tokenizer_config.json": "[]"},
        "tokenizer_config.json: expected a JSON object. Received: [].",
    ),
    "case rule": (
        {
            "vocab.txt": "\n".join(SPECIAL),
            "tokenizer_config.json": '{"do_lower_case": "yes"}',
        },
        'expected do_lower_case to be true or false. Received: "yes".',
    ),
    "pair style": (
        {
            "vocab.txt": "\n".join(SPECIAL),
            "tokenizer_config.json": '{"pair_style": "gpt"}',
        },
        'expected pair_style to be one of "bert", "roberta", "bert-one-segment", '
        '"roberta-two-segments". Received: "gpt".',
    ),
    "broken UTF-8": (
        {"vocab.txt": b"[PAD]\n\xff\n"},
        "vocab.txt: broken UTF-8 at byte 6",
    ),
    "broken merges": (
        {
            "vocab.json": json.dumps(
                {token: i for i, token in enumerate(ROBERTA_TOKENS.present())}
            ),
            "merges.txt": "#version: 0.2\na\n",
        },
        'merges.txt: expected two symbols a line. Received: "a" on line 2.',
    ),
    "merges of strangers": (
        {
            "vocab.json": json.dumps(
                {token: i for i, token in enumerate(ROBERTA_TOKENS.present())}
            ),
            "merges.txt": "a b\n",
        },
        "expected a tokenizer that the tokenizers library can read.",
    ),
    "odd BPE vocabulary": (
        {"vocab.json": '{"a": "b"}', "merges.txt": ""},
        "vocab.json: expected one JSON object, token -> id.",
    ),
}


@pytest.mark.parametrize(("files", "message"), NAMES.values(), ids=NAMES)
def test_directories_that_cannot_be_read(tmp_path, files, message):
    for name, content in files.items():
        raw = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(raw)
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        ReaderTokenizer.from_directory(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_paths_that_are_not_there(tmp_path):
    with pytest.raises(InputError, match="none: expected a directory with a tokenizer"):
        ReaderTokenizer.from_directory(tmp_path / "none")
    with pytest.raises(InputError, match=r"vocab.txt: cannot be read: No such file"):
        ReaderTokenizer.from_vocabulary_file(tmp_path / "vocab.txt")
