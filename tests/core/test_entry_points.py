"""Entry points are those that `importlib.metadata` finds."""

import importlib.metadata
import os.path
from collections.abc import Callable
from pathlib import Path

import pytest

from ocrkit.entry_points import EntryPoint, entry_points

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """``install(folder, entry points, METADATA)`` leaves what an installer would; places are searched as they came."""
    places: list[str] = []

    def one(folder: str, points: str | None, metadata: str | None = None, place: str = "site") -> None:
        about = tmp_path / place / folder
        about.mkdir(parents=True)
        for name, text in (("entry_points.txt", points), ("METADATA", metadata)):
            if text is not None:
                (about / name).write_text(text, encoding="utf-8")
        if str(about.parent) not in places:
            places.append(str(about.parent))
        monkeypatch.setattr("sys.path", places)

    return one


@pytest.mark.parametrize("group", ["ocrkit", "console_scripts", "pytest11"])
def test_what_is_installed_here_is_found(group: str) -> None:
    expected = {
        (point.name, point.value, point.dist.metadata["Name"], point.dist.version)
        for point in importlib.metadata.entry_points(group=group)
        if point.dist
    }
    assert expected
    assert {tuple(point) for point in entry_points(group)} == expected


def test_only_the_group_counts_and_a_readme_is_no_header(install: Install) -> None:
    install(
        "big_hands-1.0rc1.dist-info",
        "[console_scripts]\nhands = hands:main\n\n[ocrkit]\n# a comment\nbig = hands.big\nsmall=hands.small:plugin [extra]\n"
        "[other]\nx = y\n",
        "Metadata-Version: 2.1\nName: Big.Hands\nVersion: 1.0rc1\n\nVersion: 99\n",
    )
    assert entry_points("ocrkit") == [
        EntryPoint("big", "hands.big", "Big.Hands", "1.0rc1"),
        EntryPoint("small", "hands.small:plugin [extra]", "Big.Hands", "1.0rc1"),
    ]
    found = importlib.metadata.entry_points(group="ocrkit")
    assert {(point.name, point.value) for point in found} == {("big", "hands.big"), ("small", "hands.small:plugin [extra]")}


def test_of_two_distributions_of_one_name_the_first_counts(install: Install) -> None:
    metadata = "Name: big-hands\nVersion: {}\n"
    install("big_hands-2.dist-info", "[ocrkit]\nbig = new\n", metadata.format(2), "first")
    install("Big.Hands-1.dist-info", "[ocrkit]\nbig = old\nmore = old\n", metadata.format(1), "second")
    assert entry_points("ocrkit") == [EntryPoint("big", "new", "big-hands", "2")]


def test_one_without_entry_points_hides_an_older_one(install: Install) -> None:
    install("hands-2.dist-info", None, None, "first")
    install("hands-1.dist-info", "[ocrkit]\nbig = old\n", None, "second")
    assert entry_points("ocrkit") == []


def test_distributions_that_say_little_are_found_as_well(install: Install, tmp_path: Path) -> None:
    install("hands-1.dist-info", "[ocrkit]\nbig = hands\n")
    install("feet.egg-info", "[ocrkit]\nfoot = feet\n")
    (tmp_path / "site" / "feet.egg-info" / "PKG-INFO").write_text("Name: feet\nVersion: 0\n")
    (tmp_path / "site" / "notes-1.dist-info").write_text("a file")
    assert entry_points("ocrkit") == [
        EntryPoint("big", "hands", "unknown", "unknown"),
        EntryPoint("foot", "feet", "feet", "0"),
    ]


def test_a_value_names_a_module_or_something_in_it() -> None:
    assert EntryPoint("x", "os.path", "", "").load() is os.path
    assert EntryPoint("x", "os : path.join [extra, other]", "", "").load() is os.path.join


@pytest.mark.parametrize("value", ["", "os.path:", "os path", "os:path:join", "-"])
def test_a_value_that_names_nothing_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="expected 'module' or 'module:object'"):
        EntryPoint("x", value, "", "").load()
