"""What the documents name is there: files, headings, modules and public names."""

import importlib
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
DOCS = REPOSITORY / "docs"
API = sorted((DOCS / "api").glob("*.md"))
DOCUMENTS = [
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    *sorted(DOCS.rglob("*.md")),
]
# Modules with public names, each of which has to be on a page.
PUBLIC = (
    "zonekeras",
    "zonekeras.layers",
    "zonekeras.metrics",
    "zonekeras.plotting",
    "zonekeras.serving",
)

_LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]+))?\)")
_CODE_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_MODULE = re.compile(r"`((?:[a-z_]+/)+[a-z_0-9]+\.py)\b")
_API_NAME = re.compile(r"^::: ([\w.]+)$", re.MULTILINE)


def by_path(path):
    return path.relative_to(REPOSITORY).as_posix()


def headings(path):
    """The anchors of a document's headings, as GitHub and mkdocs make them."""
    text = _CODE_BLOCK.sub("", path.read_text(encoding="utf-8"))
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def names_on_pages():
    for page in API:
        yield from _API_NAME.findall(page.read_text(encoding="utf-8"))


def resolve(name):
    """Imports what a dotted name stands for."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        parent, _, last = name.rpartition(".")
        return getattr(importlib.import_module(parent), last)


@pytest.mark.parametrize("path", DOCUMENTS, ids=by_path)
def test_links_lead_somewhere(path):
    for target, anchor in _LINK.findall(path.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        file = (path.parent / target).resolve() if target else path
        assert file.exists(), target
        if anchor:
            assert anchor in headings(file), f"{target}#{anchor}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=by_path)
def test_modules_are_where_documents_say(path):
    places = (REPOSITORY, REPOSITORY / "zonekeras", REPOSITORY / "tests")
    for name in _MODULE.findall(path.read_text(encoding="utf-8")):
        assert any((place / name).is_file() for place in places), name


@pytest.mark.parametrize("name", sorted(set(names_on_pages())))
def test_names_on_api_pages_can_be_imported(name):
    assert resolve(name) is not None


def test_every_public_name_is_on_an_api_page():
    on_pages = set(names_on_pages())
    for module in PUBLIC:
        for name in importlib.import_module(module).__all__:
            known = module in on_pages or any(
                f"{found}.".startswith(f"{module}.{name}.") for found in on_pages
            )
            assert known, f"{module}.{name}"


def test_every_page_is_in_the_site():
    listed = re.findall(
        r"[\w/-]+\.md", (REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8")
    )
    assert sorted(listed) == sorted(
        path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")
    )
