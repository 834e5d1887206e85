"""The checker of tables that anybody may have written: what is in tables and lists of tables."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given

from anything import damaged
from ocrkit.parts.checked import (
    CheckError,
    Count,
    Finite,
    Positive,
    Rule,
    Sha256,
    Share,
    Whole,
    checked,
    table_of,
)


@dataclass(frozen=True)
class Score:
    value: float
    low: float | None = None


@dataclass(frozen=True)
class File:
    file: Annotated[str, Rule("a name without slashes", lambda name: "/" not in name)]
    sha256: Sha256
    bytes: Count = 0


@dataclass(frozen=True)
class Report:
    file: File
    scores: dict[str, Score]
    runs: tuple[Score, ...] = ()
    names: list[str] | None = None
    best: Score | None = None
    folder: Path = Path()
    free: dict[str, Any] | None = None


GOOD = {
    "file": {"file": "w", "sha256": "0" * 64, "bytes": 7},
    "scores": {"cer": {"value": 1, "low": 0.5}, "wer": {"value": 0.25}},
    "runs": [{"value": 0.1}, {"value": 0.2}],
    "names": ["x", "y"],
    "best": {"value": 0.1},
    "folder": "a/b",
    "free": {"anything": [1, {"else": None}]},
}


def mistakes(table: Any) -> list[str]:
    with pytest.raises(CheckError) as caught:
        checked(Report, table)
    assert str(caught.value) == "; ".join(caught.value.problems)
    return caught.value.problems


def test_tables_in_tables_lists_and_options_are_made_and_written_again() -> None:
    made = checked(Report, GOOD)
    assert made.file == File("w", "0" * 64, 7)
    assert made.scores["cer"] == Score(1.0, 0.5)
    assert (made.runs, made.names) == ((Score(0.1), Score(0.2)), ["x", "y"])
    assert table_of(made) == GOOD
    least = {"file": {"file": "w", "sha256": "0" * 64}, "scores": {}}
    assert table_of(checked(Report, least)) == least


def test_keys_that_are_no_field_are_let_pass() -> None:
    assert checked(Report, GOOD | {"mine": 1}) == checked(Report, GOOD)


def test_all_mistakes_are_said_at_once_each_with_its_place() -> None:
    assert mistakes(
        {
            "file": {"file": "../w", "bytes": 0},
            "scores": {"cer": {"value": "low"}, "a.b\n": 3},
            "runs": [{"value": 0.1}, {}, 7],
            "best": {"value": True},
            "folder": None,
        }
    ) == [
        "file.file: '../w'; expected a name without slashes",
        "file.sha256: missing; expected 64 hexadecimal digits in small letters",
        "file.bytes: 0; expected a whole number above 0",
        "scores.cer.value: 'low'; expected a number",
        r"scores.'a.b\n': 3; expected a table",
        "runs[1].value: missing; expected a number",
        "runs[2]: 7; expected a table",
        "best.value: True; expected a number",
        "folder: None; expected a path",
    ]


@pytest.mark.parametrize("table", [None, [], "text", 3])
def test_what_is_no_table_is_one_line(table: object) -> None:
    assert mistakes(table) == [f"{table!r}; expected a table"]


def test_a_long_value_and_a_thousand_mistakes_are_cut_short() -> None:
    with pytest.raises(CheckError) as caught:
        checked(Report, GOOD | {"runs": ["x" * 10_000] * 1000})
    assert len(caught.value.problems) == 1000
    assert len(str(caught.value)) < 5000
    assert str(caught.value).endswith("; and 990 more")


@pytest.mark.parametrize(
    ("annotation", "right", "wrong"),
    [
        (float, [0, 1 << 70], [10**400, True, "1"]),
        (Whole, [0, 7], [-1, True, 1.0]),
        (Count, [1, 7], [0, False, "1"]),
        (Finite, [0, -1.5], [float("nan"), float("inf"), None]),
        (Positive, [1e-9, 3], [0, -1.0, float("inf"), float("nan")]),
        (Share, [0, 0.5, 1], [-0.1, 1.1, float("nan")]),
        (Sha256, ["0a" * 32], ["0A" * 32, "0" * 63, "0" * 64 + "\n", 0]),
    ],
)
def test_what_fits_a_rule_is_taken(annotation: Any, right: list[Any], wrong: list[Any]) -> None:
    for value in right:
        assert checked(annotation, value) == value
    for value in wrong:
        with pytest.raises(CheckError, match="; expected "):
            checked(annotation, value)


@given(damaged(GOOD))
def test_any_value_in_any_place_is_taken_or_refused_in_one_line(table: Any) -> None:
    try:
        made = checked(Report, table)
    except CheckError as error:
        said = str(error)
    else:
        assert checked(Report, table_of(made)) == made
        said = "taken"
    assert len(said.splitlines()) == 1
