"""IAM's forms as pages, on forms that are drawn."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocrkit.errors import DataError
from ocrkit_iam.forms import fit_baseline
from ocrkit_iam.reader import Iam
from ocrkit_iam.texts import PlacedWord, Word

TOOL = Path(__file__).parents[2] / "tools" / "forms_from_words.py"
LINES = ["Solomon , asked the", "Prince of many jaguars ,", "and home again ."]
SLOPE = 0.02
FIRST, APART = 400, 120


def letters(size, text, x, y):
    """The ink of a token whose letters stand on y, light on black, and its box."""
    ink = np.zeros(size, np.uint8)
    cv2.putText(ink, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 255, 4, cv2.LINE_AA)
    ys, xs = np.nonzero(ink > 100)
    return ink, (xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1)


def draw_form(root, form, folder="forms"):
    """A form with three lines that fall, its words, and its rows of words.txt."""
    size, rows = (800, 1100), []
    page = np.full(size, 235, np.uint8)
    page[100:110, 100:900] = 20  # what is printed
    for number, line in enumerate(LINES):
        x = 120
        for index, token in enumerate(line.split()):
            y = round(FIRST + number * APART + SLOPE * x)
            ink, (left, top, width, height) = letters(size, token, x, y)
            page = np.minimum(page, 235 - ink // 255 * 200)
            word = f"{form}-{number:02}-{index:02}"
            rows.append(f"{word} ok 150 {left} {top} {width} {height} NN {token}")
            path = root / "words" / form.partition("-")[0] / form / f"{word}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), page[top : top + height, left : left + width])
            x = left + width + 40
    (root / folder).mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(root / folder / f"{form}.png"), page)
    return rows


@pytest.fixture
def root(tmp_path):
    """Two forms, of the Aachen split's training and of its validation."""
    root = tmp_path / "iam"
    rows = [*draw_form(root, "a01-000u", "formsA-D"), *draw_form(root, "c04-156", "formsA-D")]
    (root / "ascii").mkdir()
    (root / "ascii" / "words.txt").write_text("\n".join(rows) + "\n")
    (root / "ascii" / "forms.txt").write_text("a01-000u 000 2\nc04-156 171 2\n")
    return root


def test_a_form_is_a_page_with_what_is_written_by_hand(root):
    reader = Iam(root, level="pages")
    first, second = reader
    assert [(each.id, each.writer, each.form) for each in reader] == [
        ("a01-000u", "000", "a01-000u"),
        ("c04-156", "171", "c04-156"),
    ]
    assert first.text == second.text == "\n".join(LINES)
    assert first.load().shape == (first.page.height, first.page.width) == (800, 1100)
    assert first.page.image.path == "formsA-D/a01-000u.png"
    for number, line in enumerate(first.page.lines):
        assert line.id == f"a01-000u-{number:02}"
        for x, y in line.baseline:
            assert y == pytest.approx(FIRST + number * APART + SLOPE * x, abs=4)
        assert 25 < line.above < 50
        assert 4 < line.below < 25
        assert [word.text for word in line.words] == LINES[number].split()
    (region,) = first.page.regions
    assert min(y for _, y in region.boundary) > 300  # below what is printed


def test_texts_are_as_written_where_that_is_wanted(root):
    (sample, _) = Iam(root, level="pages", spacing="written")
    assert sample.text == "Solomon, asked the\nPrince of many jaguars,\nand home again."


def test_splits_are_those_of_words(root):
    reader = Iam(root, "aachen/validation", level="pages")
    assert [sample.id for sample in reader] == ["c04-156"]
    assert (reader.forms.found, reader.forms.expected) == (1, 116)
    with pytest.raises(DataError, match="draws words of all forms"):
        Iam(root, "random-80-20/train", level="pages")


def test_pictures_that_are_not_the_form_s_are_named(root):
    cv2.imwrite(str(root / "formsA-D" / "a01-000u.png"), np.full((300, 400), 200, np.uint8))
    reader = Iam(root, level="pages")
    assert [sample.id for sample in reader] == ["c04-156"]
    (skipped,) = reader.skipped
    assert skipped.id == "a01-000u"
    assert "400 × 300 pixels, outside which words.txt has words" in skipped.reason
    (root / "formsA-D" / "c04-156.png").write_bytes(b"")
    with pytest.raises(DataError, match="no form of the split can be read"):
        Iam(root, level="pages")


def test_a_word_without_a_box_is_in_the_text(root):
    table = root / "ascii" / "words.txt"
    rows = table.read_text().split("\n")
    table.write_text("\n".join(["a01-000u-00-00 ok 150 -1 -1 -1 -1 NN Solomon", *rows[1:]]))
    line = Iam(root, level="pages")[0].page.lines[0]
    assert line.text == LINES[0]
    assert line.words[0].boundary == ()
    x, y = np.mean(line.baseline, axis=0)
    assert y == pytest.approx(FIRST + SLOPE * x, abs=6)


def placed(text, x, bottom, height=40):
    return PlacedWord(Word("w", "f", True, text), "l", 150, x, bottom - height, 60, height)


def test_words_that_hang_over_or_stick_out_do_not_move_the_baseline():
    words = [placed("one", 100 * n, 500) for n in range(6)]
    words += [placed("gap", 650, 515), placed(",", 720, 508, 12), placed("two", 800, 470)]
    slope, level = fit_baseline(words)
    assert slope == pytest.approx(0, abs=0.005)
    assert level == pytest.approx(500, abs=2)


def test_a_line_of_letters_that_all_go_below_it_is_level():
    gypsies = [placed("gypsy", 0, 540), placed("pig", 100, 540)]
    assert fit_baseline(gypsies) == (0, 530)
    assert fit_baseline(gypsies, 0.1)[0] == 0.1  # unless other lines are not


def test_forms_are_put_together_from_words(root, tmp_path):
    (root / "words" / "c04" / "c04-156" / "c04-156-00-00.png").unlink()
    to = tmp_path / "forms"
    done = subprocess.run(
        [sys.executable, TOOL, root, "--to", to], check=True, capture_output=True, text=True
    )
    assert "1 forms in" in done.stdout
    assert "1 others lack words" in done.stdout
    (sample,) = Iam(to, level="pages")
    genuine = Iam(root, level="pages")[0]
    assert sample.text == genuine.text
    assert sample.page.lines == genuine.page.lines
    pixels, scan = sample.load(), genuine.load()
    dark, written = (
        each[300 : pixels.shape[0], : pixels.shape[1]] < 128 for each in (pixels, scan)
    )
    assert (dark[: len(written)] == written[: len(dark)]).mean() > 0.999
