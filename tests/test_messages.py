"""The library's messages name arguments; a command turns those into its flags."""

import ast
import re
from pathlib import Path

import pytest

import zonekeras
from cli.running import with_flags

PACKAGE = Path(zonekeras.__file__).parent
# They write the command lines of other programs: Docker's, the server's, the hub's.
OF_OTHER_PROGRAMS = {
    PACKAGE / "serving" / "server_files.py",
    PACKAGE / "models" / "kerashub.py",
}

_FLAG = re.compile(r"(?<![\w-])--[A-Za-z]")


def strings(tree):
    """The string constants of a module, its f-strings' parts among them, no docstrings.

    A string that is a statement of its own is a docstring.
    """
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in alone:
                yield node.lineno, node.value


def test_no_string_of_the_library_names_a_flag():
    found = [
        f"{path.relative_to(PACKAGE)}:{line}: {text}"
        for path in sorted({*PACKAGE.rglob("*.py")} - OF_OTHER_PROGRAMS)
        for line, text in strings(ast.parse(path.read_text(encoding="utf-8")))
        if _FLAG.search(text)
    ]
    assert found == []


def test_strings_are_found_and_docstrings_are_not():
    source = '''
"""Of a module, --output_dir."""
NAME = "--output_dir"
"""Of a name, --output_dir."""
def f(path):
    """Of a function, --output_dir."""
    raise ValueError(f"{path}: choose another --output_dir.")
'''
    found = [(line, text) for line, text in strings(ast.parse(source)) if text]
    assert found == [(3, "--output_dir"), (7, ": choose another --output_dir.")]
    assert all(_FLAG.search(text) for _, text in found)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Choose another `output_dir`.", "Choose another --output_dir."),
        ("`model=a/b` `output_dir='a b'`", "--model=a/b --output_dir='a b'"),
        ("Received: ` `, `Zürich`, `-1`, `2`", "Received: ` `, `Zürich`, `-1`, `2`"),
    ],
)
def test_a_command_shows_an_argument_as_its_flag(message, shown):
    assert with_flags(message) == shown
