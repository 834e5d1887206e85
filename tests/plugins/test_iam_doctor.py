"""The doctor finds what was done to a copy of IAM, and nothing in one that is well."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocrkit.errors import DataError
from ocrkit.interfaces import FormCount
from ocrkit_iam.reader import Iam


def image(root: Path, word: str) -> Path:
    return root / "words" / word[:3] / word[:-6] / f"{word}.png"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def cut_in_half(path: Path) -> None:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (40, 90), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:2000])


def rename_to_a_known_empty_image(root: Path) -> None:
    for name in ("words.txt", "forms.txt"):
        path = root / "ascii" / name
        text = path.read_text("utf-8").replace("c04-110-00-00", "a01-117-05-02")
        path.write_text(text.replace("c04-110", "a01-117"), "utf-8")
    (root / "xml" / "c04-110.xml").unlink()
    shutil.rmtree(root / "words" / "c04")
    (root / "words" / "a01" / "a01-117").mkdir()
    image(root, "a01-117-05-02").write_bytes(b"")


def test_a_copy_that_is_well_has_no_findings(iam: Path) -> None:
    report = Iam.check(iam)
    assert report.usable
    assert not report.findings
    assert report.counts == {
        "forms": FormCount(3, 1_539),
        "writers": FormCount(3, 657),
        "words": FormCount(8, 115_320),
        "ok words": FormCount(6, 96_456),
        "images": FormCount(8, 115_320),
        "lines": FormCount(4, 13_353),
        "ok lines": FormCount(3, 11_344),
        "line images": FormCount(0, 13_353),
    }
    assert report.lines()[-1] == "Words can be read."
    assert report.splits["aachen/train"] == FormCount(2, 747)
    assert report.splits["aachen/test"] == FormCount(1, 336)
    assert report.splits["official/validation1"] == FormCount(0, 105)


Damage = Callable[[Path], object]
FAULTS: dict[str, tuple[Damage, str, list[str]]] = {
    "empty image": (
        lambda root: image(root, "c04-110-00-00").write_bytes(b""),
        "1 empty image; extract",
        ["c04-110-00-00"],
    ),
    "cut image": (
        lambda root: cut_in_half(image(root, "c04-110-00-00")),
        "1 damaged image",
        ["c04-110-00-00"],
    ),
    "text as image": (
        lambda root: image(root, "c04-110-00-00").write_text("hi"),
        "1 damaged image",
        ["c04-110-00-00"],
    ),
    "missing image": (
        lambda root: image(root, "a01-003-00-01").unlink(),
        "1 image missing, though the form is there",
        ["a01-003-00-01"],
    ),
    "image without row": (
        lambda root: shutil.copy(image(root, "a01-003-00-01"), image(root, "a01-003-00-02")),
        "1 image without a text",
        ["a01-003-00-02"],
    ),
    "web page": (
        lambda root: (root / "words.tgz").write_text("\n<!DOCTYPE html><html>log in"),
        "words.tgz: a web page saved as an archive",
        [],
    ),
    "no archive": (
        lambda root: (root / "xml.tgz").write_text("hello"),
        "xml.tgz: not a gzip archive",
        [],
    ),
    "malformed row": (
        lambda root: edit(root / "ascii" / "words.txt", "a01-003-00-00 ok", "a01-003-00-00 yes"),
        "1 malformed",
        ["ascii/words.txt:9 (malformed row; expected: id ok|err graylevel x y w h tag text)"],
    ),
    "broken XML": (
        lambda root: (root / "xml" / "a01-003.xml").write_text("<form>"),
        "1 malformed",
        ["a01-003.xml"],
    ),
    "other text": (
        lambda root: edit(root / "xml" / "c04-110.xml", '"test"', '"text"'),
        "ascii/ and xml/ disagree on 1 word",
        ["c04-110-00-00"],
    ),
    "other flag": (
        lambda root: edit(root / "ascii" / "words.txt", "c04-110-00-00 ok", "c04-110-00-00 err"),
        "ascii/ and xml/ disagree on 1 word",
        ["c04-110-00-00"],
    ),
    "other writer": (
        lambda root: edit(root / "ascii" / "forms.txt", "c04-110 120", "c04-110 121"),
        "forms.txt and xml/ disagree on the writer of 1 form",
        ["c04-110"],
    ),
    "undecodable table": (
        lambda root: (root / "ascii" / "words.txt").write_bytes(b"\xff"),
        "words.txt: not UTF-8 (line 1)",
        [],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_a_problem_with_the_names_that_it_concerns(iam: Path, fault: str) -> None:
    damage, text, names = FAULTS[fault]
    damage(iam)
    report = Iam.check(iam)
    problems = [
        finding
        for finding in report.findings
        if finding.level == "problem" and text in finding.text
    ]
    assert len(problems) == 1
    assert len(problems[0].names) == len(names)
    assert all(found.startswith(name) for found, name in zip(problems[0].names, names, strict=True))
    assert str(problems[0]) in report.lines()
    assert report.usable


def test_a_folder_of_ones_own_and_iam_one_folder_deeper_are_told(iam: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    for name in ("labels.tsv", "a.gt.txt", "train/labels.tsv", "train/b.gt.txt"):
        path = own / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        said = f"{name} is there: did you mean --reader folder?"
        assert next(str(each) for each in Iam.check(own).findings) == f"problem: {said}"
        with pytest.raises(DataError, match=f"iam: no texts under .*; {re.escape(said)}$"):
            Iam(own)
        shutil.rmtree(own)
    own.mkdir()
    shutil.copy(image(iam, "a01-003-00-01"), own / "word.png")
    with pytest.raises(
        DataError,
        match=(
            r"; images are there: read them with ocrkit run .*, or score them with --reader "
            r"folder"
        ),
    ):
        Iam(own)
    with pytest.raises(DataError, match=r"nowhere: no such folder; expected one that words\.tgz"):
        Iam(tmp_path / "nowhere")
    outer = tmp_path / "kaggle"
    shutil.copytree(iam, outer / "iam_words")
    with pytest.raises(
        DataError, match=f"iam_words/ looks like IAM: did you mean --data {outer / 'iam_words'}\\?$"
    ):
        Iam(outer)


NOTES: dict[str, tuple[Damage, str, list[str]]] = {
    "partial copy": (
        lambda root: shutil.rmtree(root / "words" / "c04"),
        "a part of IAM: 1 form with",
        ["c04-110"],
    ),
    "known empty": (
        rename_to_a_known_empty_image,
        "1 empty image, as in IAM's own archive",
        ["a01-117-05-02"],
    ),
    "no writers": (
        lambda root: (shutil.rmtree(root / "xml"), (root / "ascii" / "forms.txt").unlink()),
        "3 forms without a writer",
        ["a01-000u", "a01-003", "c04-110"],
    ),
}


@pytest.mark.parametrize("case", NOTES)
def test_what_needs_no_action_is_a_note(iam: Path, case: str) -> None:
    change, text, names = NOTES[case]
    change(iam)
    report = Iam.check(iam)
    assert [(finding.level, list(finding.names)) for finding in report.findings] == [
        ("note", names)
    ]
    assert text in report.findings[0].text
    assert report.usable


@pytest.mark.parametrize(
    ("remove", "texts"),
    [
        (["words"], ["no images of words or lines; expected files such as"]),
        (["ascii", "xml"], ["no texts: neither words.txt nor XML files"]),
        (["words", "ascii", "xml"], ["no texts", "no images of words or lines"]),
    ],
)
def test_a_copy_without_words_or_texts_is_unusable(
    iam: Path, remove: list[str], texts: list[str]
) -> None:
    for folder in remove:
        shutil.rmtree(iam / folder)
    report = Iam.check(iam)
    assert not report.usable
    assert report.lines()[-1] == "No word and no line can be read."
    problems = [finding.text for finding in report.findings if finding.level == "problem"]
    assert all(any(problem.startswith(text) for problem in problems) for text in texts)


def test_an_archive_that_was_never_extracted_is_found(iam: Path) -> None:
    shutil.rmtree(iam / "words")
    (iam / "words.tgz").write_bytes(b"\x1f\x8b\x08")
    assert any(
        "words.tgz: not extracted yet" in finding.text for finding in Iam.check(iam).findings
    )


def test_only_damaged_images_are_unusable(iam: Path) -> None:
    for path in iam.rglob("*.png"):
        path.write_bytes(b"not an image")
    assert not Iam.check(iam).usable


def test_the_report_is_json(iam: Path) -> None:
    image(iam, "c04-110-00-00").write_bytes(b"")
    report = json.loads(json.dumps(asdict(Iam.check(iam))))
    assert report["usable"] is True
    assert report["counts"]["words"] == {"found": 8, "expected": 115_320}
    assert report["splits"]["aachen/train"] == {"found": 2, "expected": 747}
    assert [finding["names"] for finding in report["findings"]] == [["c04-110-00-00"]]


def test_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: no such folder"):
        Iam.check(tmp_path / "nowhere")


def test_real_iam_has_nothing_worse_than_its_known_empty_images(real_iam: Path) -> None:
    report = Iam.check(real_iam)
    assert report.usable
    assert [finding for finding in report.findings if finding.level == "problem"] == []
    assert report.splits["aachen/train"].found >= 498
