"""Somebody's own words and lines: what is found, left out, and how they are split."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocrkit.choosing.own_data import Split, letters, open_own, split
from ocrkit.errors import DataError
from ocrkit.parts.values import Sample


def write(root: Path, texts: dict[str, str], size: tuple[int, int] = (20, 60)) -> Path:
    """Pictures of noise, each another, and a table of their texts."""
    for number, name in enumerate(texts):
        pixels = np.random.default_rng(number).integers(0, 256, size, np.uint8)
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / name)
    rows = "".join(f"{name}\t{text}\n" for name, text in texts.items())
    (root / "labels.tsv").write_text(rows, encoding="utf-8")
    return root


def words(count: int, folder: str = "") -> dict[str, str]:
    return {f"{folder}{number:03}.png": f"word{number}" for number in range(count)}


def test_words_and_lines_are_told_apart_by_their_texts(tmp_path: Path) -> None:
    assert open_own(write(tmp_path / "words", words(20))).shows == "word"
    lines = {name: f"a line of {text}" for name, text in words(20).items()}
    own = open_own(write(tmp_path / "lines", lines))
    assert (own.shows, own.reader.use, len(own.samples)) == ("line", "folder", 20)


def test_what_cannot_be_learnt_from_is_left_out_and_named(tmp_path: Path) -> None:
    root = write(tmp_path, words(24) | {"hidden.png": "a\u200bb"})
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(root / "without.png")
    (root / "broken.png").write_bytes(b"no image")
    table = root / "labels.tsv"
    (root / "agrees.png").write_bytes((root / "000.png").read_bytes())
    (root / "differs.png").write_bytes((root / "001.png").read_bytes())
    more = "broken.png\tx\nagrees.png\tword0\ndiffers.png\tother\n"
    table.write_text(table.read_text(encoding="utf-8") + more, encoding="utf-8")
    own = open_own(root)
    reasons = {item.id: item.reason for item in own.left_out}
    assert reasons["without.png"] == "has no text"
    assert "U+200B" in reasons["hidden.png"]
    assert "broken.png" in reasons
    assert reasons["agrees.png"] == "the same picture as 000.png"
    assert reasons["differs.png"] == "the same picture as 001.png, with another text"
    assert "001.png" in reasons
    assert {"000.png", "002.png"} < {sample.id for sample in own.samples}
    assert len(own.samples) == 23


def test_too_few_are_refused_with_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="19 pictures with a text; expected 20 at least"):
        open_own(write(tmp_path, words(19)))
    with pytest.raises(DataError, match="no picture with a text"):
        open_own(without_pictures(tmp_path))


def without_pictures(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


def test_whole_folders_go_together_where_there_are_several(tmp_path: Path) -> None:
    texts: dict[str, str] = {}
    for page in range(8):
        texts |= words(10, f"page{page}/")
    own = open_own(write(tmp_path, texts))
    parts = split(own, tmp_path)
    assert parts.by == "subfolder"
    pages = [{sample.id.split("/")[0] for sample in part} for part in three(parts)]
    assert sum(map(len, pages)) == 8
    assert not pages[0] & pages[1] | pages[0] & pages[2] | pages[1] & pages[2]
    again = split(open_own(tmp_path), tmp_path)
    assert ids(parts) == ids(again)


def three(parts: Split) -> list[list[Sample]]:
    return [parts.train, parts.validation, parts.test]


def ids(parts: Split) -> list[list[str]]:
    return [[sample.id for sample in part] for part in three(parts)]


def test_of_one_folder_single_words_are_put_aside(tmp_path: Path) -> None:
    parts = split(open_own(write(tmp_path, words(100))), tmp_path)
    assert (parts.by, *map(len, three(parts))) == ("word", 65, 15, 20)
    whole = [id_ for part in ids(parts) for id_ in part]
    assert len(set(whole)) == len(whole) == 100


def test_folders_that_are_a_split_are_kept_to(tmp_path: Path) -> None:
    names = words(14, "train/") | words(4, "validation/") | words(5, "test/")
    parts = split(open_own(write(tmp_path, names)), tmp_path)
    assert (parts.by, *map(len, three(parts))) == ("folders", 14, 4, 5)
    assert all(sample.id.startswith("test/") for sample in parts.test)


def test_letters_that_the_alphabet_lacks_are_learnt_where_two_texts_have_them(
    tmp_path: Path,
) -> None:
    texts = words(20) | {"000.png": "fu\u0308r", "001.png": "über", "002.png": "w§"}
    own = open_own(write(tmp_path, texts))
    assert letters(own.samples, "abcdefghijklmnopqrstuvwxyz0123456789") == ("ü", {"§": "002.png"})
