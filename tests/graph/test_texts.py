"""What strings are, by Python's own answers."""

import re

import pytest

tf = pytest.importorskip("tensorflow", reason="graphs are TensorFlow's")


def test_whitespace_is_pythons():
    from zonekeras.graph.texts import WHITESPACE

    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    found = tf.strings.regex_full_match(tf.constant(characters), WHITESPACE).numpy()
    expected = [bool(re.fullmatch(r"\s", character)) for character in characters]
    assert found.tolist() == expected
    assert expected == [character.isspace() for character in characters]


@pytest.mark.parametrize(
    "content",
    [
        *(
            "",
            "abc",
            "\ufeffabc",
            "a\ufffd",
            "\ufdd0\uffff\U0010ffff",
            "a\x00b",
            "\r\n\x85",
        ),
        *(
            b"\xed\xa0\x80",
            b"\xff",
            b"\xc0\x80",
            b"\xf4\x90\x80\x80",
            b"\xe4\xb8",
            b"a\x80",
        ),
    ],
)
def test_valid_utf8_is_what_python_decodes(content):
    from zonekeras.graph.texts import is_utf8, num_characters

    if isinstance(content, str):
        assert is_utf8(tf.constant([content])).numpy().tolist() == [True]
        assert num_characters(tf.constant([content])).numpy().tolist() == [len(content)]
        return
    with pytest.raises(UnicodeDecodeError, match="utf-8"):
        content.decode("utf-8")
    assert is_utf8(tf.constant([content])).numpy().tolist() == [False]
