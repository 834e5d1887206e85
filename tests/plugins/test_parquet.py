"""Data sets in Parquet files: rows, splits, columns, and what is said of the rest."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import numpy as np
import pytest

from ocrkit import DataError, ImageError, PluginError, Skipped
from ocrkit.interfaces import Reader
from ocrkit_parquet.reader import ParquetRows

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

from ocrkit_parquet import files  # noqa: E402  (needs pyarrow, as the next one does)
from parquet_files import HUB, png, write  # noqa: E402


@pytest.fixture
def root(tmp_path):
    """The layout of Teklia/IAM-line: two columns, files of three splits."""
    data = tmp_path / "data"
    write(data / "train-00000-of-00002.parquet", ["A move", "to stop", "Mr. Gaitskell"])
    write(data / "train-00001-of-00002.parquet", ["from nominating"])
    write(data / "validation-00000-of-00001.parquet", ["any more"])
    write(data / "test-00000-of-00001-0a1b2c3d4e5f6789.parquet", ["Labour"])
    return tmp_path


def texts(*args, **options):
    return [sample.text for sample in ParquetRows(*args, **options)]


def test_rows_are_samples_in_the_order_of_files(root):
    reader = ParquetRows(root, "train")
    assert isinstance(reader, Reader)
    assert [(each.id, each.text, each.writer) for each in reader] == [
        ("data/train-00000-of-00002#0", "A move", None),
        ("data/train-00000-of-00002#1", "to stop", None),
        ("data/train-00000-of-00002#2", "Mr. Gaitskell", None),
        ("data/train-00001-of-00002#0", "from nominating", None),
    ]
    assert reader.skipped == reader.notes == []


def test_each_row_has_its_own_image_in_any_order(root):
    samples = list(ParquetRows(root, "train"))
    levels = [int(sample.load()[0, 0]) for sample in samples]
    assert levels == [0, 10, 20, 0]
    with ThreadPoolExecutor(4) as pool:
        again = list(pool.map(lambda each: int(each.load()[0, 0]), samples[::-1] * 5))
    assert again == levels[::-1] * 5


def test_splits_are_those_of_the_names_of_files(root):
    assert texts(root, "test") == ["Labour"]
    assert len(texts(root)) == 6
    write(root / "other" / "train" / "0000.parquet", ["converted"])
    write(root / "extra.parquet", ["alone"])
    assert texts(root, "train")[-1] == "converted"
    assert texts(root, "extra") == ["alone"]
    expected = "no split 'dev' in .*; available: all, extra, test, train, validation$"
    with pytest.raises(DataError, match=expected):
        ParquetRows(root, "dev")


def test_other_columns_are_named(tmp_path):
    scan = pa.array([png(70)], pa.large_binary())
    gt = pa.array(["seventy"]).dictionary_encode()
    write(tmp_path / "train.parquet", ["no"], scan=scan, gt=gt, hand=pa.array(["anne"]))
    (sample,) = ParquetRows(tmp_path, image="scan", text="gt", writer="hand")
    assert (sample.text, sample.writer, int(sample.load()[0, 0])) == ("seventy", "anne", 70)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"text": "label"}, "no column 'label' with texts, but image .*, text .*reader.text=COL"),
        ({"text": "number"}, "no column 'number' with texts"),
        ({"image": "text"}, "no column 'text' with image files"),
        ({"image": "url"}, "no column 'url' with image files"),
        ({"writer": "number"}, "no column 'number' with texts"),
    ],
)
def test_columns_that_do_not_fit_are_said_with_those_that_are_there(tmp_path, options, reason):
    url = pa.array([{"path": "http://example.org/a.png"}])
    write(tmp_path / "train.parquet", ["a"], number=pa.array([1]), url=url)
    with pytest.raises(DataError, match=reason):
        ParquetRows(tmp_path, **options)


def test_bad_rows_are_skipped_and_named(tmp_path):
    """An image that is missing, only named, or none; texts that are missing, or no UTF-8."""
    images = [png(0), None, b"no image", png(30), png(40)]
    structs = [{"bytes": each, "path": "/etc/passwd"} for each in images]
    written = pa.array([b"one", b"two", b"three", b"\xff", None], pa.binary()).view(pa.string())
    table = pa.table({"image": pa.array(structs, HUB), "text": written})
    pq.write_table(table, tmp_path / "train.parquet")
    reader = ParquetRows(tmp_path)
    assert [each.text for each in reader] == ["one", "two", "three", None]
    assert reader.skipped == [Skipped("train#3", "no UTF-8 (invalid start byte)")]
    assert reader.notes == [f"{tmp_path}: 1 of 4 rows have no text, train#4 for example"]
    _, missing, broken, without = reader
    with pytest.raises(ImageError, match=r"train.parquet, row 1: no image in the column 'image'$"):
        missing.load()
    with pytest.raises(ImageError, match=r"train.parquet, row 2: not an image"):
        broken.load()
    assert np.all(without.load() == 40)


def test_damaged_files_are_skipped_and_named(root):
    whole = (root / "data" / "validation-00000-of-00001.parquet").read_bytes()
    for name, content in {
        "cut": whole[:-20],
        "empty": b"",
        "text": b"no Parquet file at all",
    }.items():
        (root / f"{name}.parquet").write_bytes(content)
    damaged = bytearray(whole)
    at = whole.index(b"any more") - 20
    damaged[at : at + 28] = bytes(28)
    (root / "holes.parquet").write_bytes(damaged)
    reader = ParquetRows(root)
    assert len(reader) == 6
    assert [each.id for each in reader.skipped] == [
        f"{name}.parquet" for name in ("cut", "empty", "holes", "text")
    ]
    for each in reader.skipped:
        assert each.reason.startswith("no whole Parquet file (")
        assert "\n" not in each.reason
    with pytest.raises(
        DataError, match=r"no row of empty .*; empty.parquet: no whole Parquet file"
    ):
        ParquetRows(root, "empty")


def test_row_groups_that_are_too_large_are_refused(root, monkeypatch):
    monkeypatch.setattr(files, "_LARGEST", 200)
    with pytest.raises(DataError, match=r"row group 0 has \d+ bytes in image.bytes; the limit is"):
        ParquetRows(root)


def test_files_that_change_while_they_are_read_are_said(root):
    file = root / "data" / "train-00000-of-00002.parquet"
    *_, last = ParquetRows(root, "train")
    first = ParquetRows(root, "train")[2]
    write(file, ["A move"])
    with pytest.raises(ImageError, match="it has changed since it was opened"):
        first.load()
    assert last.load().shape == (20, 50)


def test_only_a_few_row_groups_stay_in_memory(root, monkeypatch):
    samples = list(ParquetRows(root, "train"))
    read = []
    images = files.Shard.images
    monkeypatch.setattr(
        files.Shard, "images", lambda shard, group: read.append(group) or images(shard, group)
    )
    monkeypatch.setattr(files, "_KEPT", 1)
    for index in (0, 1, 2, 0):
        samples[index].load()
    assert read == [0, 1, 0]


def test_the_doctor_counts_and_names_what_is_wrong(root):
    rows = ["cafe\u0301", "zero\u200bwidth", "", None]
    write(root / "odd.parquet", rows)
    (root / "no.parquet").write_bytes(b"PAR1")
    structs = [{"bytes": b"no image", "path": None}]
    write(root / "bad.parquet", ["a"], image=pa.array(structs, HUB))
    report = ParquetRows.check(root)
    assert report.usable
    assert report.counts["rows"] == 11
    assert report.counts["rows with a readable image"] == 10
    assert report.counts["rows with a text"] == 10
    assert report.splits == {"bad": 1, "odd": 4, "test": 1, "train": 4, "validation": 1}
    found = "\n".join(map(str, report.findings))
    for part in (
        "problem: 1 left out: no.parquet (no whole Parquet file",
        "problem: 1 row whose image cannot be read",
        "note: 1 row without a text: odd#3",
        "note: 1 empty text: nothing is written on the image: odd#2",
        "problem: 1 text with characters that nobody sees: U+200B ZERO WIDTH SPACE (1): odd#1",
        "note: 1 text not in Unicode's form NFC",
    ):
        assert part in found
    assert report.lines()[-1] == "Rows can be read."
    json.dumps(asdict(report))


def test_without_pyarrow_the_extra_is_named(root, monkeypatch):
    for module in ("ocrkit_parquet.files", "ocrkit_parquet.contents"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(PluginError, match=r"needs pyarrow, .* pip install '\.\[parquet\]'"):
        ParquetRows(root)
