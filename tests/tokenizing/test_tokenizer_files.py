"""Tokenizers in the layouts that publishers leave, against transformers."""

import json
import re
from pathlib import Path

import pytest

from zonekeras.data.features import encode_pair
from zonekeras.errors import InputError
from zonekeras.tokenizing.definitions import wordpiece_definition
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer

GOLDENS = Path(__file__).resolve().parents[1] / "goldens/tokenizers.json"
GOLDEN = json.loads(GOLDENS.read_text(encoding="utf-8"))


def write_files(directory, files):
    """Writes text, bytes or JSON values into files, and returns the directory."""
    for name, content in files.items():
        if isinstance(content, bytes):
            (directory / name).write_bytes(content)
        else:
            text = content if isinstance(content, str) else json.dumps(content)
            (directory / name).write_text(text, encoding="utf-8")
    return directory


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["name"])
def test_ids_and_pairs_are_those_of_transformers(tmp_path, case):
    write_files(tmp_path, case["files"])
    tokenizer = ReaderTokenizer.from_directory(tmp_path)
    read = [ids.tolist() for ids, _ in tokenizer.encode(GOLDEN["texts"])]
    assert dict(zip(GOLDEN["texts"], read, strict=True)) == dict(
        zip(GOLDEN["texts"], case["ids"], strict=True)
    )
    pair = encode_pair(GOLDEN["question"], GOLDEN["passage"], tokenizer)
    arrays = pair.arrays([0], int(pair.lengths[0]))
    assert arrays["token_ids"][0].tolist() == case["pair"]
    assert arrays["segment_ids"][0].tolist() == case["segments"]
    again = tmp_path / "again"
    tokenizer.save(again)
    assert ReaderTokenizer.from_directory(again).fingerprint == tokenizer.fingerprint


PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "sea", "##s", "New"]
VOCABULARY = "".join(f"{piece}\n" for piece in PIECES)
BERT = {"model_type": "bert", "type_vocab_size": 2}


def definition(**parts):
    """Returns a tokenizer.json of BERT's kind with other parts."""
    return wordpiece_definition(PIECES, lowercase=False) | parts


def template(pair):
    """Returns a post-processor that joins pairs as `[CLS]:0 $A:0 [SEP]:0 …` says."""
    parts = []
    for part in pair.split():
        name, segment = part.split(":")
        kind = "Sequence" if name.startswith("$") else "SpecialToken"
        parts.append({kind: {"id": name.lstrip("$"), "type_id": int(segment)}})
    known = {
        token: {"id": token, "ids": [PIECES.index(token)], "tokens": [token]}
        for token in ("[CLS]", "[SEP]")
    }
    return {
        "type": "TemplateProcessing",
        "single": parts[:3],
        "pair": parts,
        "special_tokens": known,
    }


def style_of(directory, **files):
    """Returns the pair style of a directory with a tokenizer.json."""
    names = {"config": "config.json", "tokenizer": "tokenizer_config.json"}
    named = {names[key]: content for key, content in files.items() if key in names}
    whole = definition(post_processor=files.get("post"))
    write_files(directory, {"tokenizer.json": whole} | named)
    return ReaderTokenizer.from_directory(directory).style


TWO = "[CLS]:0 $A:0 [SEP]:0 [SEP]:0 $B:0 [SEP]:0"
FAST = {"tokenizer_class": "PreTrainedTokenizerFast"}


class TestPairs:
    @pytest.mark.parametrize(
        ("post", "expected"),
        [
            (template("[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1"), "bert"),
            (template(TWO), "roberta"),
            (template("[CLS]:0 $A:0 [SEP]:0 $B:0 [SEP]:0"), "bert-one-segment"),
            (
                template("[CLS]:0 $A:0 [SEP]:0 [SEP]:0 $B:1 [SEP]:1"),
                "roberta-two-segments",
            ),
            (
                {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
                "bert",
            ),
            (
                {"type": "RobertaProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
                "roberta",
            ),
            (
                {
                    "type": "Sequence",
                    "processors": [{"type": "ByteLevel"}, template(TWO)],
                },
                "roberta",
            ),
            (None, "bert"),
        ],
    )
    @pytest.mark.parametrize("body", ["bert", "roberta", "electra"])
    def test_a_class_without_a_program_joins_as_the_file_says(
        self, tmp_path, post, expected, body
    ):
        config = {"model_type": body, "type_vocab_size": 2}
        found = style_of(tmp_path, post=post, tokenizer=FAST, config=config)
        assert found == expected

    @pytest.mark.parametrize(
        "pair",
        [
            "$A:0 [SEP]:0 $B:0 [SEP]:0 [CLS]:2",
            "$A:0 $B:0",
            "[CLS]:0 $A:0 [SEP]:0 [SEP]:1 $B:1 [SEP]:1",
            "[CLS]:0 $B:0 [SEP]:0 $A:1 [SEP]:1",
        ],
    )
    def test_what_cannot_be_read_is_refused(self, tmp_path, pair):
        with pytest.raises(InputError) as caught:
            style_of(tmp_path, post=template(pair), tokenizer=FAST, config=BERT)
        assert str(caught.value) == (
            f"{tmp_path / 'tokenizer.json'}: expected a post_processor that joins a "
            "pair as [CLS] $A [SEP] $B [SEP], with one or two [SEP] between the texts "
            f"and $B in segment 0 or 1. Received: {pair}. Models that were trained "
            "with that cannot be read yet."
        )

    def test_a_known_class_is_above_the_file(self, tmp_path):
        named = {"tokenizer_class": "BertTokenizerFast"}
        for config in (BERT, {"model_type": "roberta"}):
            found = style_of(
                tmp_path, post=template(TWO), tokenizer=named, config=config
            )
            assert found == "bert"

    def test_the_class_may_stand_in_the_model_s_configuration(self, tmp_path):
        config = {"model_type": "roberta", "tokenizer_class": "BertTokenizer"}
        assert style_of(tmp_path, post=template(TWO), config=config) == "bert"

    def test_a_roberta_body_with_word_pieces_has_one_separator(self, tmp_path):
        files = {"vocab.txt": VOCABULARY, "config.json": {"model_type": "roberta"}}
        write_files(tmp_path, files)
        assert ReaderTokenizer.from_directory(tmp_path).style == "bert"

    @pytest.mark.parametrize(
        ("tokenizer", "config", "expected"),
        [
            ({"tokenizer_class": "DistilBertTokenizer"}, BERT, "bert-one-segment"),
            ({"tokenizer_class": "DistilBertTokenizer"}, {}, "bert"),
            (
                {"tokenizer_class": "DistilBertTokenizer"},
                {"model_type": "distilbert"},
                "bert",
            ),
            ({"model_input_names": ["input_ids"]}, BERT, "bert-one-segment"),
            (
                {"model_input_names": ["input_ids"]},
                BERT | {"type_vocab_size": 1},
                "bert",
            ),
            (
                {
                    "tokenizer_class": "DistilBertTokenizer",
                    "model_input_names": ["input_ids", "token_type_ids"],
                },
                BERT,
                "bert",
            ),
        ],
    )
    def test_segments_that_the_model_does_not_get(
        self, tmp_path, tokenizer, config, expected
    ):
        assert style_of(tmp_path, tokenizer=tokenizer, config=config) == expected

    def test_each_layout_is_saved_and_read_again(self, tmp_path):
        for number, pair in enumerate(
            [
                TWO,
                "[CLS]:0 $A:0 [SEP]:0 $B:0 [SEP]:0",
                TWO.replace("B:0 [SEP]:0", "B:1 [SEP]:1"),
            ]
        ):
            here = tmp_path / str(number)
            here.mkdir()
            style_of(here, post=template(pair), tokenizer=FAST)
            tokenizer = ReaderTokenizer.from_directory(here)
            tokenizer.save(here / "again")
            again = ReaderTokenizer.from_directory(here / "again")
            assert again.fingerprint == tokenizer.fingerprint
            # Without our own key other programs, and we, read it from the template.
            config = here / "again/tokenizer_config.json"
            content = json.loads(config.read_text())
            del content["pair_style"]
            config.write_text(json.dumps(content))
            assert (
                ReaderTokenizer.from_directory(here / "again").style == tokenizer.style
            )


REFUSED = {
    "MeCab": (
        {
            "vocab.txt": VOCABULARY,
            "tokenizer_config.json": {
                "tokenizer_class": "BertJapaneseTokenizer",
                "word_tokenizer_type": "mecab",
            },
        },
        "expected a tokenizer that its files describe. Received: tokenizer_class "
        '"BertJapaneseTokenizer", word_tokenizer_type "mecab", which cuts words by a '
        "program that is not in them and is not run here; other tokens would be read "
        "than in training. Use a model whose tokenizer is BERT's, RoBERTa's or "
        "SentencePiece's own.",
    ),
    "MeCab, named by the model": (
        {
            "tokenizer.json": definition(),
            "config.json": BERT | {"tokenizer_class": "BertJapaneseTokenizer"},
        },
        'Received: tokenizer_class "BertJapaneseTokenizer", which cuts words by',
    ),
    "characters": (
        {
            "vocab.txt": VOCABULARY,
            "tokenizer_config.json": {"subword_tokenizer_type": "character"},
        },
        'Received: subword_tokenizer_type "character", which cuts words by a program',
    ),
    "PhoBERT": (
        {
            "vocab.txt": VOCABULARY,
            "config.json": {
                "model_type": "roberta",
                "tokenizer_class": "PhobertTokenizer",
            },
        },
        'Received: tokenizer_class "PhobertTokenizer", which cuts words by a program',
    ),
    "an unknown class with a bare vocabulary": (
        {
            "vocab.txt": VOCABULARY,
            "tokenizer_config.json": {"tokenizer_class": "KoBertTokenizer"},
        },
        "expected tokenizer.json, or a vocabulary of a class whose rules are known "
        "(BertTokenizer, DistilBertTokenizer, RobertaTokenizer, XLMRobertaTokenizer, "
        'AlbertTokenizer). Received: tokenizer_class "KoBertTokenizer" with a bare '
        "vocabulary. Write tokenizer.json with that class, in transformers: "
        "save_pretrained.",
    ),
    "a class of another vocabulary": (
        {
            "vocab.txt": VOCABULARY,
            "tokenizer_config.json": {"tokenizer_class": "RobertaTokenizer"},
        },
        'expected the files of tokenizer_class "RobertaTokenizer", a vocabulary of the '
        "kind BPE. Received: one of the kind WordPiece.",
    ),
    "SentencePiece": (
        {"vocab.txt": VOCABULARY + "▁the\n▁sea\n▁of\n"},
        "vocab.txt: expected word pieces, of which those inside a word begin with "
        '"##". Received: 12 pieces, 1 with "##" and 3 like those of SentencePiece, '
        'which begin with "▁".',
    ),
    "a BPE": (
        {"vocab.txt": VOCABULARY + "th@@\ns@@\ne@@\n"},
        '12 pieces, 1 with "##" and 3 like those of a BPE, which end in "@@".',
    ),
    "counts": (
        {"vocab.txt": VOCABULARY + "the 5\nsea 4\nof 3\n"},
        "3 like those of another kind, with spaces in them.",
    ),
    "added tokens": (
        {"vocab.txt": VOCABULARY, "added_tokens.json": ["x"]},
        'added_tokens.json: expected one JSON object, token -> id. Received: ["x"].',
    ),
    "added tokens in the configuration": (
        {
            "vocab.txt": VOCABULARY,
            "tokenizer_config.json": {"added_tokens_decoder": {"9": "new"}},
        },
        "expected added_tokens_decoder as transformers writes it, id -> token.",
    ),
}


@pytest.mark.parametrize(("files", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_reproduced_is_refused(tmp_path, files, message):
    write_files(tmp_path, files)
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        ReaderTokenizer.from_directory(tmp_path)
    assert str(caught.value).startswith(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_an_unknown_class_with_a_tokenizer_json_is_read_by_the_file(tmp_path):
    config = {"tokenizer_class": "KoBertTokenizer", "do_lower_case": True}
    files = {"tokenizer.json": definition(), "tokenizer_config.json": config}
    tokenizer = ReaderTokenizer.from_directory(write_files(tmp_path, files))
    assert not tokenizer.lowercase


def test_special_tokens_behind_the_vocabulary_are_left_out(tmp_path):
    """The model may have no rows for them, and no text is read as one."""
    entry = {"content": "[NL]", "special": True}
    word = {"content": "new-sea", "special": False}
    for decoder, size in (({"9": entry}, 9), ({"9": entry, "10": word}, 11)):
        config = {"added_tokens_decoder": decoder}
        files = {"vocab.txt": VOCABULARY, "tokenizer_config.json": config}
        tokenizer = ReaderTokenizer.from_directory(write_files(tmp_path, files))
        assert tokenizer.vocabulary_size == size
    [(ids, _)] = tokenizer.encode(["the new-sea"])
    assert ids.tolist() == [5, 10]


def test_a_long_word_is_unknown_as_to_the_program_that_wrote_the_files(tmp_path):
    """transformers stops at 100 characters, the original BERT at 200."""
    write_files(tmp_path, {"vocab.txt": VOCABULARY})
    long = "sea" + "s" * 98
    [(bare, _)] = ReaderTokenizer.from_directory(tmp_path).encode([long])
    assert bare.tolist() == [6] + [7] * 98
    write_files(tmp_path, {"tokenizer_config.json": {"do_lower_case": False}})
    [(ids, _)] = ReaderTokenizer.from_directory(tmp_path).encode([long])
    assert ids.tolist() == [1]
