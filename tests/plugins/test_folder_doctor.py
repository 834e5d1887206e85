"""``ocrkit data check folder`` finds what is odd about people's own data, and nothing where all is
well."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image

from ocrkit import DataError
from ocrkit_folder.folder import Folder

LABELS = ("train/a.png\tone", "train/b.jpg\ttwo", "val/c.png\tTree")


@pytest.fixture
def root(tmp_path):
    """Three words of two writers, in two folders."""
    rows = []
    for index, (name, text, writer) in enumerate(
        [("train/a.png", "one", "x"), ("train/b.jpg", "two", "y"), ("val/c.png", "Tree", "x")]
    ):
        path = tmp_path / "words" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 12), 20 * index, np.uint8)).save(path)
        rows.append(f"{name}\t{text}\t{writer}\n")
    (tmp_path / "words" / "labels.tsv").write_text("".join(rows))
    return tmp_path / "words"


def relabel(root, *rows):
    (root / "labels.tsv").write_text("".join(f"{row}\n" for row in rows), "utf-8")


def found(root):
    return [str(finding) for finding in Folder.check(root).findings]


def test_what_is_well_is_counted(root):
    report = Folder.check(root)
    assert report.usable
    assert report.findings == []
    assert report.counts == {
        "images": 3,
        "readable images": 3,
        "images with a text": 3,
        "different texts": 3,
        "different characters": 7,
        "writers": 2,
    }
    assert report.splits == {"train": 2, "val": 1}
    assert report.characters == {"o": 2, "e": 3, "n": 1, "t": 1, "w": 1, "T": 1, "r": 1}
    assert "  characters: Tenortw" in report.lines()
    assert report.lines()[-1] == "Images can be read."
    json.dumps(asdict(report))


def damage(root):
    (root / "train" / "a.png").write_bytes(b"no image")


def empty(root):
    (root / "train" / "a.png").write_bytes(b"")


def phone(root):
    (root / "IMG_1.heic").touch()


def unlabel(root):
    relabel(root, "train/a.png\tone", "val/c.png\tTree")


def copy(root, text):
    (root / "val" / "d.png").write_bytes((root / "val" / "c.png").read_bytes())
    relabel(root, "train/a.png\tone", "train/b.jpg\ttwo", "val/c.png\tTree", f"val/d.png\t{text}")


def texts(one, two, three="Tree"):
    return lambda root: relabel(
        root, f"train/a.png\t{one}", f"train/b.jpg\t{two}", f"val/c.png\t{three}"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            damage,
            "problem: 1 image cannot be read: {root}/train/a.png: not an image; expected PNG, ",
        ),
        (empty, "problem: 1 left out: train/a.png (empty file)"),
        (
            lambda root: relabel(root, "gone.png\tx", *LABELS),
            "problem: 1 left out: gone.png (missing)",
        ),
        (
            phone,
            "problem: 1 .heic file is of no format that ocrkit reads; convert it to PNG or JPEG",
        ),
        (
            unlabel,
            (
                "problem: 1 image without a text; expected labels.tsv, or b.gt.txt beside it: "
                "train/b.jpg"
            ),
        ),
        (texts("", "two"), "note: 1 empty text: nothing is written on the image: train/a.png"),
        (
            texts("a\u200bb", "b\u200b\u00a0c"),
            (
                "problem: 2 texts with characters that nobody sees: U+200B ZERO WIDTH SPACE (2), "
                "U+00A0 NO-BREAK SPACE (1): train/"
            ),
        ),
        (
            texts("cafe\u0301", "caf\u00e9"),
            (
                "problem: 1 text not in Unicode's form NFC, in which an accent and its letter are one "  # noqa: E501
                "character: train/a.png"
            ),
        ),
        (
            texts('"one"', '"'),
            (
                "note: 1 text with quotation marks around; they count as written on the image: "
                "train/a.png"
            ),
        ),
        (
            texts("\u05e9\u05dc\u05d5\u05dd", "two"),
            "note: 1 text of a script that runs from right to left; ",
        ),
        (lambda root: copy(root, "Tree"), "note: 1 image more than once: val/c.png = val/d.png"),
        (
            lambda root: copy(root, "Free"),
            "problem: 1 image more than once with different texts: val/c.png = val/d.png",
        ),
    ],
)
def test_what_is_odd_is_found_and_nothing_else(root, change, said):
    change(root)
    (finding,) = found(root)
    assert finding.startswith(said.format(root=root))
    assert Folder.check(root).usable


def test_images_that_cannot_be_read_are_not_alike(root):
    for name in ("a.png", "b.jpg"):
        (root / "train" / name).write_bytes(b"no image")
    assert len(found(root)) == 1


def test_where_nothing_can_be_read_that_is_said(root, tmp_path):
    for path in root.rglob("*.???"):
        path.write_bytes(b"x\ty\n")
    report = Folder.check(root)
    assert not report.usable
    assert report.lines()[-1] == "No image can be read."
    (tmp_path / "empty").mkdir()
    assert not Folder.check(tmp_path / "empty").usable
    with pytest.raises(DataError, match="no such folder"):
        Folder.check(tmp_path / "gone")
