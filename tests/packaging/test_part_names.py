"""The core names no plugin's part: what it takes where nobody names one is registered as such, and
what it says of parts it reads from the registry."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocrkit.parts.registry import registry

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "ocrkit").rglob("*.py"))
PARTS = {entry.name for entry in registry().entries() if entry.plugin.distribution == "ocrkit"} - {
    "text",
    "json",
    "page",
}
"""All but formats that are called what everybody calls things."""
WORDS = {
    ("zoo_import.py", "folder"),
    ("data.py", "level"),
    ("larger.py", "level"),
    ("verify.py", "onnx"),
    ("page.py", "scale"),
    ("format.py", "baseline"),
    ("cache.py", "pixels"),
    ("golden_set.py", "pixels"),
    ("objectives.py", "ctc"),
    ("inputs.py", "alto"),
    ("grid.py", "lm"),
    ("curves.py", "lm"),
}
"""Words that are used as such: an argument of a function, a class of a style sheet, a file, an
array, an option of readers, what runs files of a format, a folder, where a text is drawn; and what
files of schema 1 leave out."""


def texts(path: Path) -> Iterator[str]:
    """All texts of a file but docstrings, those of attributes too."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    docs = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


def named(text: str) -> set[str]:
    """The parts that a text names: it is the name, or has it in quotes, as ``use=NAME``, or, where
    it cannot be a word, in any way."""
    return {
        name
        for name in PARTS
        if text == name
        or re.search(rf"""['"]{re.escape(name)}['"]|use=['"]?{re.escape(name)}\b""", text)
        or ("-" in name and re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text))
    }


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ctc-beam", {"ctc-beam"}),
        ("--set decoder.use=lm", {"lm"}),
        ('expected a list, for example ["onnx"]', {"onnx"}),
        ("choose iam-crnn.", {"iam-crnn"}),
        ("a folder of images", set()),
        ("ocrkit lm train", set()),
    ],
)
def test_a_part_is_known_by_its_name(text: str, names: set[str]) -> None:
    assert named(text) == names


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_names_no_part_of_a_plugin(path: Path) -> None:
    found = {name for text in texts(path) for name in named(text)}
    assert {name for name in found if (path.name, name) not in WORDS} == set()
