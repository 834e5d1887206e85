"""Whether csv does what ocrkit expects of every reader, and what it says of tables that are not as
they should be."""

from pathlib import Path

import numpy as np
import pytest
from ocrkit_csv.table import Table
from PIL import Image

from ocrkit import DataError
from ocrkit.testing import ReaderConformance

TABLE = """\
path,text,writer,split
a.png,one,anna,train
words/b.png,"two, three",anna,train

words/c.png,four,berta,test
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small data set: three images in two splits."""
    (tmp_path / "words").mkdir()
    (tmp_path / "labels.csv").write_text(TABLE, encoding="utf-8")
    for index, name in enumerate(("a.png", "words/b.png", "words/c.png")):
        Image.fromarray(np.full((20, 40 + index), 200, np.uint8)).save(tmp_path / name)
    return tmp_path


class TestConformance(ReaderConformance):
    name = "csv"
    disjoint_splits = (("train", "test"),)

    @pytest.fixture(autouse=True)
    def _data(self, root: Path) -> None:
        self.options = {"root": str(root)}


def add(root: Path, rows: str) -> None:
    with (root / "labels.csv").open("a", encoding="utf-8") as table:
        table.write(rows)


def test_texts_writers_and_splits_are_those_of_the_table(root: Path) -> None:
    every = Table(root)
    samples = [every[index] for index in range(len(every))]
    assert [(sample.id, sample.text, sample.writer) for sample in samples] == [
        ("a.png", "one", "anna"),
        ("words/b.png", "two, three", "anna"),
        ("words/c.png", "four", "berta"),
    ]
    assert samples[1].load().shape == (20, 41)
    assert [Table(root, split="test")[0].id, len(Table(root, split="train"))] == ["words/c.png", 2]


def test_columns_may_come_in_any_order_and_only_two_are_needed(root: Path) -> None:
    (root / "mine.csv").write_text("\ufefftext,quality,path\nfünf,good,a.png\n", encoding="utf-8")
    (sample,) = (Table(root, table="mine.csv")[0],)
    assert (sample.text, sample.writer) == ("fünf", None)


def test_rows_that_cannot_be_used_are_named(root: Path) -> None:
    (root / "empty.png").touch()
    long = "x" * 300
    add(
        root,
        f"gone.png,five,,\nempty.png,six,,\n../out.png,seven,,\n/etc/out.png,eight,,\n{long},nine,,\n",
    )
    add(root, "a.png,again,,\nwords/b.png,two, three,anna,train\nwords/c.png,,,\n,ten,,\n")
    reader = Table(root)
    assert len(reader) == 3
    assert {skipped.id: skipped.reason for skipped in reader.skipped} == {
        "gone.png": "no such file",
        "empty.png": "empty file",
        "../out.png": "not inside the folder",
        "/etc/out.png": "not inside the folder",
        long: "File name too long",
        "labels.csv:11": "second row of a.png",
        "labels.csv:12": "5 values for 4 columns; a text with a comma needs quotation marks",
        "words/c.png": "a path and a text are expected",
        "labels.csv:14": "a path and a text are expected",
    }


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "has no column 'path'; expected path,text,writer,split in its first line"),
        (b"path,words\na.png,one\n", "has no column 'text'"),
        (b"path,text\n", "no row of "),
        (b"path,text\ngone.png,one\n", "the first: gone.png: no such file"),
        ("path,text\na.png,fünf\n".encode("latin-1"), "not a CSV table in UTF-8"),
        (b'path,text\na.png,"one\n', "not a CSV table in UTF-8"),
    ],
)
def test_a_table_that_cannot_be_used_is_a_line(root: Path, content: bytes, reason: str) -> None:
    (root / "labels.csv").write_bytes(content)
    with pytest.raises(DataError) as error:
        Table(root)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_split_is_told_those_there_are(root: Path) -> None:
    with pytest.raises(DataError, match=r"no split 'dev' in .*; available: all, test, train"):
        Table(root, split="dev")
