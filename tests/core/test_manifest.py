"""Manifests: the shipped ones, the lists of forms beside them, and what is said where such a list
is not what it should be."""

import shutil
import tomllib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import ocrkit
from anything import damaged
from ocrkit.cli import main
from ocrkit.errors import WeightsError
from ocrkit.networks.seen_forms import SeenForms, of_model, write_seen
from ocrkit.zoo.manifest import manifest_problems

ZOO = Path(__file__).parents[2] / "zoo"
FORMS = st.frozensets(st.text(min_size=1).filter(lambda form: len(f"{form}.".splitlines()) == 1))


def test_the_shipped_manifests_are_as_they_would_be_written() -> None:
    paths = list(ZOO.rglob("manifest.toml"))
    assert paths
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert tomli_w.dumps(tomllib.loads(text)) == text, path
        listed = path.with_name("forms.txt")
        ids = listed.read_text(encoding="utf-8").split() if listed.is_file() else []
        lines = {line.strip("\"', ") for line in text.splitlines()}
        assert not set(ids) & lines, "forms have a file of their own"


@given(FORMS, FORMS)
def test_what_is_listed_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, trained: frozenset[str], chosen: frozenset[str]
) -> None:
    folder = tmp_path_factory.mktemp("model")
    for seen in (SeenForms(trained, chosen), SeenForms(trained, chosen, chosen, trained)):
        assert of_model(folder, *write_seen(folder, seen)) == seen


def test_a_form_of_several_lines_cannot_be_listed(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"'a\\nb': an id of several lines"):
        write_seen(tmp_path, SeenForms(frozenset({"a\nb"})))
    assert not list(tmp_path.iterdir())


@pytest.fixture
def listed(folder: Path) -> Path:
    """The zoo model ``tiny`` with a list of forms: two trained on, one chosen by."""
    manifest = tomllib.loads((folder / "manifest.toml").read_text())
    forms, _ = write_seen(folder, SeenForms(frozenset({"a01-000u", "x"}), frozenset({"c04-156"})))
    manifest["forms"] = asdict(forms)
    (folder / "manifest.toml").write_text(tomli_w.dumps(manifest))
    return folder


def test_a_list_that_a_person_has_saved_is_read(listed: Path, words_root: Path) -> None:
    """With a byte-order mark, and ends of lines as on Windows."""
    text = (listed / "forms.txt").read_text()
    (listed / "forms.txt").write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    found = ocrkit.load("tiny").evaluate("all", data=words_root).contamination
    assert found
    assert (found.trained.forms, found.chosen.forms) == (["a01-000u"], ["c04-156"])


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (
        lambda path: path.unlink(),
        "no such file; expected the list of what the weights have seen; install",
    ),
    "cut off": (
        lambda path: path.write_text("trained\tx\n"),
        "1 forms are 'trained', the manifest says 2: cut off or",
    ),
    "another": (
        lambda path: path.write_text("trained\tx\ny\n"),
        "line 2: 'y'; expected 'trained' or 'chosen', a tab and",
    ),
    "a blank": (
        lambda path: path.write_text("trained x\n"),
        "line 1: 'trained x'; expected 'trained' or 'chosen', a tab",
    ),
    "no id": (
        lambda path: path.write_text("trained\t\n"),
        r"line 1: 'trained\t'; expected 'trained' or 'chosen', a tab",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_list_is_told_when_something_is_scored_and_not_before(
    listed: Path, words_root: Path, damage: str
) -> None:
    change, said = DAMAGE[damage]
    change(listed / "forms.txt")
    pipeline = ocrkit.load("tiny")
    assert pipeline.read(next(words_root.rglob("*.png"))).text
    with pytest.raises(WeightsError) as caught:
        pipeline.evaluate("all", data=words_root)
    assert str(caught.value).startswith(f"{listed / 'forms.txt'}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


WHOLE = {
    "schema": 2,
    "name": "tiny",
    "licence": "MIT",
    "weights": {"file": "w", "sha256": "0" * 64, "bytes": 7, "url": "https://example.org/w"},
    "network": {"alphabet": "ab", "height": 32, "featurizer": {"use": "x"}, "encoder": {}},
    "golden": {
        "file": "g",
        "sha256": "0" * 64,
        "bytes": 7,
        "items": 2,
        "tolerance": 1e-3,
        "margin": 0.05,
        "versions": {"x": "1"},
    },
    "training": {"data": "words", "runs": [{"epochs": 2}]},
    "choosing": {"purpose": "the best epoch"},
    "forms": {"file": "forms.txt", "trained": 2, "chosen": 0},
    "images": {"file": "seen.txt", "trained": 0, "chosen": 1},
    "confidence": {"temperature": 1.5, "ece_before": 0.1},
    "results": {"dataset": "words", "samples": 7, "metrics": {"cer": {"value": 0.1, "low": 0}}},
}


def test_what_is_whole_has_no_problems() -> None:
    assert manifest_problems(WHOLE, verifying=True) == []


@given(damaged(WHOLE))
def test_any_value_in_any_place_of_a_manifest_is_taken_or_refused_in_lines(table: Any) -> None:
    problems = manifest_problems(table, verifying=True) if isinstance(table, dict) else []
    assert all(len(problem.splitlines()) == 1 for problem in problems)


def test_a_list_is_named_by_a_file_and_two_counts() -> None:
    weights = {"file": "w", "sha256": "0" * 64}
    for forms, said in (
        ({}, ["forms.file: missing", "forms.trained: missing", "forms.chosen: missing"]),
        (
            {"file": "../x", "trained": -1, "chosen": True},
            ["forms.file: '../x'", "forms.trained: -1", "forms.chosen: True"],
        ),
        ({"file": "forms.txt", "trained": 0, "chosen": 0}, []),
    ):
        problems = manifest_problems({"schema": 2, "weights": weights, "forms": forms})
        assert [problem.partition(";")[0] for problem in problems] == said


def test_a_model_without_a_card_is_shown_by_what_its_manifest_says(listed: Path) -> None:
    shown = CliRunner().invoke(main, ["zoo", "show", "tiny"]).output
    assert shown.splitlines() == [
        "licence: none stated",
        f"forms: trained on 2, chosen by 1 ({listed / 'forms.txt'})",
        "more: ocrkit zoo show tiny --manifest",
    ]
    shutil.copy(ZOO / "ocrkit_zoo" / "iam-crnn" / "CARD.md", listed)
    assert CliRunner().invoke(main, ["zoo", "show", "tiny"]).output.startswith("# iam-crnn")
