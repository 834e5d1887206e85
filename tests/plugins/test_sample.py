"""The sample that ships: that it is whole, agrees with itself, is not IAM's, and names its
fonts."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from ocrkit_iam.reader import Iam
from ocrkit_iam.texts import Word, parse_words
from ocrkit_iam.xml_forms import read_xml

ROOT = Iam.sample_root()


def rows(name: str) -> list[list[str]]:
    """The rows of a file of ascii/, each split into its fields."""
    text = (ROOT / "ascii" / name).read_text("ascii")
    return [line.split() for line in text.splitlines() if not line.startswith("#")]


def box(fields: list[str]) -> tuple[int, int, int, int]:
    x, y, width, height = map(int, fields)
    return x, y, x + width, y + height


def around(boxes: list[tuple[int, int, int, int]]) -> tuple[int, int, int, int]:
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(bottom)


@pytest.fixture(scope="module")
def words() -> list[Word]:
    found = parse_words((ROOT / "ascii" / "words.txt").read_text("ascii"))
    assert not found.malformed
    return found.words


def test_ascii_and_xml_say_the_same(words: list[Word]) -> None:
    writers, found, _ = read_xml(ROOT / "xml")
    assert not found.malformed
    assert found.words == words
    assert writers == {form: writer for form, writer, *_ in rows("forms.txt")}


def test_lines_txt_agrees_with_words_txt(words: list[Word]) -> None:
    boxes = {fields[0]: box(fields[3:7]) for fields in rows("words.txt")}
    lines: dict[str, list[Word]] = {}
    for word in words:
        lines.setdefault(word.id.rpartition("-")[0], []).append(word)
    assert [fields[0] for fields in rows("lines.txt")] == list(lines)
    for line, flag, _, _, *rest in rows("lines.txt"):
        assert " ".join(rest[4:]).split("|") == [word.text for word in lines[line]]
        assert {flag} == {"ok" if word.ok else "err" for word in lines[line]}
        assert box(rest[:4]) == around([boxes[word.id] for word in lines[line]])


def test_forms_txt_counts_what_is_there(words: list[Word]) -> None:
    lines = rows("lines.txt")
    for form, _, _, extent, all_lines, good_lines, all_words, good_words in rows("forms.txt"):
        flags = [flag for line, flag, *_ in lines if line.startswith(f"{form}-")]
        ok = [word.ok for word in words if word.form == form]
        counts = [len(flags), flags.count("ok"), len(ok), sum(ok)]
        assert [int(count) for count in (all_lines, good_lines, all_words, good_words)] == counts
        assert extent == ("all" if all(ok) else "prt")


def test_components_fill_the_boxes_of_words_txt() -> None:
    boxes = {fields[0]: box(fields[3:7]) for fields in rows("words.txt")}
    for path in (ROOT / "xml").glob("*.xml"):
        for word in ET.parse(path).iter("word"):  # noqa: S314 — our own files
            components = [
                box([cmp.attrib[name] for name in ("x", "y", "width", "height")])
                for cmp in word.iter("cmp")
            ]
            left, top, right, bottom = around(components)
            found = boxes[word.attrib["id"]]
            assert (left, right) == (found[0], found[2])
            assert (top, bottom) == (found[1], found[3])


def test_every_word_has_a_readable_image_of_its_box_and_no_image_is_left_over(
    words: list[Word],
) -> None:
    reader = Iam(root=ROOT, include_err=True)
    assert not reader.skipped
    assert len(reader) == len(words) == len(list((ROOT / "words").rglob("*.png")))
    boxes = {fields[0]: (int(fields[6]), int(fields[5])) for fields in rows("words.txt")}
    for index in range(len(reader)):
        sample = reader[index]
        image = sample.load()
        assert image.dtype == np.uint8
        assert image.shape == boxes[sample.id]
        assert set(np.unique(image).tolist()) <= set(range(0, 256, 17)), "IAM's sixteen grey levels"
        assert image.min() < 110, "dark ink"
        assert image.max() > 220, "light paper"


def test_every_line_has_an_image_of_its_box_that_is_put_together_from_its_words() -> None:
    lines = Iam(root=ROOT, level="lines")
    boxes = {fields[0]: (int(fields[7]), int(fields[6])) for fields in rows("lines.txt")}
    assert len(lines) == len(boxes) == len(list((ROOT / "lines").rglob("*.png")))
    for index in range(len(lines)):
        sample = lines[index]
        image = sample.load()
        assert image.shape == boxes[sample.id]
        assert set(np.unique(image).tolist()) <= set(range(0, 256, 17)), "IAM's sixteen grey levels"


def test_the_reader_leaves_out_the_badly_segmented_words(words: list[Word]) -> None:
    bad = [word.id for word in words if not word.ok]
    assert 2 <= len(bad) <= 3
    reader = Iam(root=ROOT)
    assert [reader[index].id for index in range(len(reader))] == [
        word.id for word in words if word.ok
    ]


def test_ids_lie_outside_iams(words: list[Word]) -> None:
    assert all(re.fullmatch(r"z\d\d-\d{3}-\d\d-\d\d", word.id) for word in words)
    # IAM numbers its 657 writers from 000.
    assert all(int(writer) >= 900 for _, writer, *_ in rows("forms.txt"))


def test_several_writers_and_about_300_words(words: list[Word]) -> None:
    assert len({writer for _, writer, *_ in rows("forms.txt")}) >= 8
    assert 280 <= len(words) <= 330


def test_the_texts_hold_what_readers_stumble_over(words: list[Word]) -> None:
    texts = {word.text for word in words}
    assert {"#", "&", '"', "M P", "don't", "(", "?"} <= texts
    assert set("0123456789") <= set("".join(texts))


def test_small_enough_for_a_wheel() -> None:
    lines = sum(path.stat().st_size for path in (ROOT / "lines").rglob("*.png"))
    everything = sum(path.stat().st_size for path in ROOT.rglob("*") if path.is_file())
    assert lines <= 600_000
    assert everything - lines <= 600_000


def test_readme_names_a_licensed_font_for_every_writer() -> None:
    table = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (ROOT / "README.md").read_text("utf-8").splitlines()
        if re.match(r"\| \d", line)
    ]
    assert {row[0] for row in table} == {writer for _, writer, *_ in rows("forms.txt")}
    for _, font, author, package, licence in table:
        assert font
        assert author
        assert re.fullmatch(r"`@fontsource/[a-z-]+` \d+\.\d+\.\d+", package)
        assert licence in {"OFL-1.1", "Apache-2.0"}
    script = (Path(__file__).parents[2] / "tools" / "sample_content.py").read_text("utf-8")
    fonts = set(re.findall(r'Writer\("\d+", "([a-z-]+)"', script))
    assert fonts == {row[3].split("`")[1].removeprefix("@fontsource/") for row in table}
