"""TOML and JSON of other people: one line says what is wrong, whatever it is, and soon."""

import json
from pathlib import Path

import pytest

from ocrkit.support.parsing import parse_json, parse_toml

NINES = "9" * 5000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = ", "Invalid value"),
        (f"a = {'[' * 5000}", "within each other, more than 64 deep"),
        (f"a = {'[' * 200}{']' * 200}", "within each other, more than 64 deep"),
        (f"a = {'{a = ' * 100}1{'}' * 100}", "within each other, more than 64 deep"),
        (".".join(["a"] * 200) + " = 1", "within each other, more than 64 deep"),
        (".".join(["a"] * 100_000) + " = 1", r"more than 1,000 dots \(at line 1\)"),
        (f"a = {NINES}", "Exceeds the limit"),
        (f"a = {'9' * 400}", "a whole number of more than 64 bits"),
        (f"a = [0x{'f' * 17}]", "a whole number of more than 64 bits"),
    ],
)
def test_toml_that_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        parse_toml(text)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "Expecting property name"),
        ("[" * 100_000, "within each other, more than 64 deep"),
        ("[" * 200 + "]" * 200, "within each other, more than 64 deep"),
        ('{"a":' * 100 + "1" + "}" * 100, "within each other, more than 64 deep"),
        (NINES, "Exceeds the limit"),
        (f'{{"a": -{"9" * 400}}}', "a whole number of more than 64 bits"),
        (r'{"a": "\ud800"}', "a text with halves of characters"),
        (r'{"a\uDFFF": 1}', "a text with halves of characters"),
        (b'"\xed\xa0\x80"', "can't decode"),
        (b"\xff", "can't decode"),
    ],
)
def test_json_that_is_refused(text: str | bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        parse_json(text)
    assert len(str(caught.value).splitlines()) == 1


def test_what_files_hold_is_read() -> None:
    wide = {
        "numbers": [[i, i / 7, -(2**63), 2**63 - 1] for i in range(1000)],
        "deep": [[[[[{"a": []}]]]]],
        "é": "ü\U0001f600",
    }
    assert parse_json(json.dumps(wide)) == wide
    assert parse_json(json.dumps(wide, ensure_ascii=False).encode("utf-8-sig")) == wide
    assert parse_json(r'"a\udcff"') == "a\udcff"  # a byte of a file's name
    assert parse_toml('a.b = [1.5, 0xff]\n[[c]]\nd = "..."') == {
        "a": {"b": [1.5, 255]},
        "c": [{"d": "..."}],
    }


def test_all_toml_and_json_of_files_is_read_in_this_way() -> None:
    """Each place that called Python's parsers itself forgot another of their errors."""
    root = Path(__file__).parents[2]
    here = {
        root / "ocrkit" / "support" / "parsing.py",
        root / "ocrkit" / "testing" / "another_process.py",
        root / "ocrkit" / "pipelines" / "assembly.py",
    }
    sources = {
        path for folder in ("ocrkit", "plugins") for path in (root / folder).rglob("*.py")
    } - here
    calls = ("tomllib.load", "json.load", "(json.loads")
    assert not [
        str(path)
        for path in sources
        if any(call in path.read_text(encoding="utf-8") for call in calls)
    ]
