"""Pen strokes cut into words: the right strokes for each word, in both layouts, and nothing that is
doubtful."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrkit import DataError
from ocrkit_synth.cutting import cut
from ocrkit_synth.recordings import Line, parse_xml
from ocrkit_synth.spacing import as_tokens
from ocrkit_synth.strokes import Strokes, draw

LETTER = np.array([[0, 0], [10, -60], [25, 0], [40, -55], [60, 0]])
"""A stroke 60 wide; letters are 70 apart, words 60 more."""


def write_line(words: Sequence[str], gap: int = 60) -> list[list[list[int]]]:
    """A stroke for each letter: its points."""
    strokes, x = [], 500
    for word in words:
        for _ in word:
            strokes.append((LETTER + np.array([x, 900])).tolist())
            x += 70
        x += gap
    return strokes


def as_row(line_id: str, text: str, strokes: list[list[list[int]]]) -> str:
    flat = [[*stroke[0], *np.diff(np.array(stroke), axis=0).ravel().tolist()] for stroke in strokes]
    return json.dumps({"id": line_id, "text": text, "strokes": flat})


def as_xml(strokes: list[list[list[int]]]) -> str:
    inner = "".join(
        "<Stroke>"
        + "".join(f'<Point x="{x}" y="{y}" time="1.5"/>' for x, y in stroke)
        + "</Stroke>"
        for stroke in strokes
    )
    return f'<?xml version="1.0"?><WhiteboardCaptureSession><StrokeSet>{inner}</StrokeSet></WhiteboardCaptureSession>'  # noqa: E501


TEXTS = {
    "a01-000u-01": "some words apart",
    "a01-000u-02": "no more of them",
    "b02-010-01": "another writer comes",
}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    root = tmp_path / "table"
    root.mkdir()
    with gzip.open(root / "lines.jsonl.gz", "wt") as file:
        for line_id, text in TEXTS.items():
            file.write(as_row(line_id, text, write_line(text.split())) + "\n")
    return root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "folder"
    for line_id, text in TEXTS.items():
        form = line_id[:-3]
        place = f"{form[:3]}/{form[:7]}"
        for name in ("lineStrokes", "ascii", "original"):
            (root / name / place).mkdir(parents=True, exist_ok=True)
        (root / "lineStrokes" / place / f"{line_id}.xml").write_text(
            as_xml(write_line(text.split()))
        )
        texts = "\n".join(each for key, each in TEXTS.items() if key.startswith(form))
        (root / "ascii" / place / f"{form}.txt").write_text(
            f"OCR:\n\nwhat a program read\n\nCSR:\n\n{texts}\n"
        )
        writer = '<General><Form id="7" writerID="10067"/></General>'
        (root / "original" / place / f"strokes{form[7:]}.xml").write_text(
            f"<WhiteboardCaptureSession>{writer}"
        )
    return root


def test_both_layouts_have_the_same_words(table: Path, folder: Path) -> None:
    one, other = Strokes(table), Strokes(folder)
    assert [sample.text for sample in one] == " ".join(TEXTS.values()).split()
    assert [(s.id, s.text, s.form) for s in one] == [(s.id, s.text, s.form) for s in other]
    assert (one[0].id, one[0].form) == ("ondb-a01-000u-01-00", "ondb-a01-000u")
    for index in range(len(one)):
        np.testing.assert_array_equal(one[index].load(), other[index].load())
    assert {sample.writer for sample in one} == {None}
    assert {sample.writer for sample in other} == {"10067"}


def test_whole_lines_have_all_their_strokes_and_texts(table: Path, folder: Path) -> None:
    one, other = Strokes(table, level="lines"), Strokes(folder, level="lines")
    assert [(s.id, s.text, s.form) for s in one] == [
        (f"ondb-{line_id}", text, f"ondb-{line_id[:-3]}") for line_id, text in TEXTS.items()
    ]
    assert not one.skipped
    for index, text in enumerate(TEXTS.values()):
        image = one[index].load()
        np.testing.assert_array_equal(image, other[index].load())
        ink = (image < 128).any(axis=0)
        gaps = np.diff(np.flatnonzero(ink))
        assert np.count_nonzero(gaps > 0.35 * image.shape[0]) == len(text.split()) - 1


def test_lines_whose_words_cannot_be_told_apart_are_read_as_lines(table: Path) -> None:
    with gzip.open(table / "lines.jsonl.gz", "at") as file:
        text = "a sentencethatismuchlonger i"
        file.write(as_row("c03-000-01", text, write_line(["some", "words", "apart"])) + "\n")
    assert [sample.text for sample in Strokes(table, level="lines")][-1] == text
    assert "c03-000-01" in {item.id for item in Strokes(table).skipped}


def test_lines_have_the_spaces_of_tokens_or_those_that_were_written(table: Path) -> None:
    with gzip.open(table / "lines.jsonl.gz", "wt") as file:
        file.write(as_row("c03-000-01", "(no, more.)", write_line(["(no,", "more.)"])))
    assert Strokes(table, level="lines")[0].text == "( no , more . )"
    assert Strokes(table, level="lines", spacing="written")[0].text == "(no, more.)"
    assert [sample.text for sample in Strokes(table)] == ["(no,", "more.)"]


@given(st.text("ab.,'()\" !?-s", max_size=20))
def test_tokens_keep_every_mark_and_stay_as_they_are(text: str) -> None:
    tokens = as_tokens(text)
    assert tokens.replace(" ", "") == "".join(text.split())
    assert as_tokens(tokens) == tokens


def test_a_dot_is_a_word(table: Path) -> None:
    with gzip.open(table / "lines.jsonl.gz", "wt") as file:
        file.write(as_row("c03-000-01", ".", [[[7, 7]]]))
    (sample,) = Strokes(table)
    assert (sample.load() < 150).any()


def test_seeds_give_other_pictures_of_the_same_words(table: Path) -> None:
    one, other = Strokes(table), Strokes(table, seed=1)
    assert [sample.text for sample in one] == [sample.text for sample in other]
    assert not any(np.array_equal(a.load(), b.load()) for a, b in zip(one, other, strict=True))


@given(
    words=st.lists(st.text("abcdeosu", min_size=1, max_size=9), min_size=1, max_size=9),
    slant=st.floats(-0.1, 0.6),
    climb=st.floats(-0.1, 0.1),
    seed=st.integers(0, 99),
)
def test_every_word_gets_its_strokes(
    words: list[str], slant: float, climb: float, seed: int
) -> None:
    """However the line leans and climbs, in whatever order strokes were made."""
    strokes = [np.array(stroke, np.float32) for stroke in write_line(words)]
    leaning = [
        np.stack([s[:, 0] - slant * (s[:, 1] - 900), s[:, 1] + climb * s[:, 0]], axis=1)
        for s in strokes
    ]
    order = np.random.default_rng(seed).permutation(len(leaning))
    found = cut(Line("a01-000-01", " ".join(words), [leaning[index] for index in order]))
    assert [word.text for word in found] == words
    assert [len(word.strokes) for word in found] == [len(word) for word in words]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("more words than there are gaps for them", "gaps do not show 8 words"),
        ("a sentencethatismuchlonger i", "gaps do not show 3 words"),
        ("some wordsthatarelonger apart", "not as wide as its words are long"),
    ],
)
def test_a_line_whose_text_does_not_fit_is_left_out_and_named(
    text: str, reason: str, table: Path
) -> None:
    with gzip.open(table / "lines.jsonl.gz", "at") as file:
        file.write(as_row("c03-000-01", text, write_line(["some", "words", "apart"])) + "\n")
    reader = Strokes(table)
    assert len(reader) == 10
    assert [item.id for item in reader.skipped] == ["c03-000-01"]
    assert reason in reader.skipped[0].reason


@pytest.mark.parametrize(
    "row",
    [
        "no JSON",
        "[" * 100_000,
        '["a list"]',
        '{"id": "a01-000u-01", "text": "a"}',
        '{"id": "a01-000u-01", "text": "a", "strokes": [[1, 2, 3]]}',
        '{"id": "a01-000u-01", "text": "a", "strokes": [[1, 2, "3", 4]]}',
        '{"id": "a01-000u-01", "text": "a", "strokes": [[1, 1e400]]}',
        '{"id": "a01-000u-01", "text": "a", "strokes": [[1, 99999999999999999999999999]]}',
        json.dumps({"id": "a01-000u-01", "text": "a", "strokes": [[1, 2, *[1] * 40, 900000, 1]]}),
        '{"id": "a01-000u-01", "text": "a", "strokes": [[1, 2, 99000000, 3]]}',
        '{"id": "../../etc-01", "text": "a", "strokes": [[1, 2, 3, 4]]}',
        '{"id": "a01-000u-01", "text": "", "strokes": [[1, 2, 3, 4]]}',
        '{"id": "a01-000u-01", "text": "a", "strokes": []}',
    ],
)
def test_a_row_that_makes_no_sense_is_left_out_and_named(row: str, table: Path) -> None:
    with gzip.open(table / "lines.jsonl.gz", "at") as file:
        file.write(f"{row}\n")
    reader = Strokes(table)
    assert len(reader) == 10
    assert len(reader.skipped) == 1


def test_a_damaged_archive_is_named(table: Path) -> None:
    path = table / "lines.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"lines.jsonl.gz: cannot be read"):
        Strokes(table)


def test_a_row_without_end_is_refused(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocrkit_synth.recordings._LONGEST", 100)
    with pytest.raises(DataError, match=r"lines.jsonl.gz: row 1 has more than 100 bytes"):
        Strokes(table)


def test_files_that_are_missing_or_broken_are_left_out_and_named(folder: Path) -> None:
    (folder / "lineStrokes/a01/a01-000/a01-000u-01.xml").unlink()
    (folder / "lineStrokes/a01/a01-000/a01-000u-02.xml").write_text(
        "<WhiteboardCaptureSession><Stroke>"
    )
    reader = Strokes(folder)
    assert [sample.text for sample in reader] == TEXTS["b02-010-01"].split()
    assert {item.id for item in reader.skipped} == {"a01-000u-01", "a01-000u-02"}


@pytest.mark.parametrize(
    ("xml", "fault"),
    [
        ('<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]><a>&y;</a>', "DOCTYPE"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "DOCTYPE"),
        ('<a><Stroke><Point x="inf" y="1"/></Stroke></a>', "coordinates"),
        ('<a><Stroke><Point y="1"/></Stroke></a>', "coordinates"),
        ('<a><Stroke><Point x="one" y="1"/></Stroke></a>', "could not convert"),
        ("<a><Stroke>", "broken XML"),
        ('<?xml version="1.0" encoding="foo"?><a/>', "broken XML"),
        ('<?xml version="1.0" encoding="cp932"?><a/>', "multi-byte"),
    ],
)
def test_xml_is_not_trusted(xml: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_xml(xml.encode())


def test_strokes_are_drawn_where_they_are() -> None:
    image = draw(
        [
            np.array([[100, 100], [180, 100]], np.float32),
            np.array([[140, 120], [140, 120]], np.float32),
        ]
    )
    assert image.shape == (36, 96)
    assert image[8, 8:89].min() == 255
    assert image[28, 48] == 255  # a point is a dot
    assert image[18].max() == 0
