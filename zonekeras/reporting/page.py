"""The page: data, style, script and charting library in one file.

Text of items is data. It enters the file as JSON that cannot end its element, and the
document as text, never as markup. In addition, the page's policy runs only the scripts
whose hashes it names, and forbids fetching anything.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from string import Template
from typing import Any

from zonekeras.reporting.charting_library import charting_library
from zonekeras.reporting.task_pages import TaskPage, page_of
from zonekeras.task_table import TaskName, score_named

_STYLES = ("style.css", "zones.css")
_ESCAPES = str.maketrans({sign: f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"})
_SIZE_PLACE = "@@@@.@ MB"
_SCORES_PLACE = "__SCORES__"


def build_page(payload: Mapping[str, Any]) -> bytes:
    """Returns the page that shows a payload, UTF-8.

    Raises:
        InputError: If the charting library is not installed.
    """
    library = charting_library()
    task_page = task_page_of(payload)
    parts = [_asset(name) for name in task_page.scripts]
    labels = {name: score_named(name).label for name in payload["scores"]}
    parts[0] = parts[0].replace(_SCORES_PLACE, to_script_json(labels), 1)
    code = "\n".join(parts)
    for place, text in task_page.words(payload).items():
        code = code.replace(place, text)
    script = f"(() => {{\n'use strict';\n{code}}})();\n"
    scripts = {"library": _script_text(library), "script": _script_text(script)}
    page = Template(_asset("page.html")).substitute(
        scripts,
        policy=" ".join(map(_hash_source, scripts.values())),
        style="".join(map(_asset, _STYLES)),
        data=to_script_json(payload),
        size=_SIZE_PLACE,
    )
    content = page.encode("utf-8")
    size = f"{len(content) / 1e6:6.1f} MB".encode()
    return content.replace(_SIZE_PLACE.encode(), size, 1)


def items_of(payload: Mapping[str, Any]) -> str:
    """Returns what a page calls what was answered, such as `questions`."""
    return task_page_of(payload).words(payload)["__items__"]


def task_page_of(payload: Mapping[str, Any]) -> TaskPage:
    """Returns the page of a payload's task; one that names none is of spans."""
    return page_of(payload.get("task", TaskName.SPAN))


def to_script_json(value: Any) -> str:
    r"""Writes JSON that no text in it can break out of a script element.

    Example:
        >>> print(to_script_json(["</script>"]))
        ["\u003c/script\u003e"]
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(_ESCAPES)


def _asset(name: str) -> str:
    return (files(__package__) / "assets" / name).read_text(encoding="utf-8")


def _script_text(code: str) -> str:
    """Keeps code from ending its element; only strings can hold such text."""
    return code.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _hash_source(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
