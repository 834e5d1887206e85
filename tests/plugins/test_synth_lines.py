"""Lines drawn in fonts: pieces of the text, the same every time, nothing that a font lacks."""

from pathlib import Path

import numpy as np
import pytest
from PIL import ImageFont
from rapidfuzz.distance import Levenshtein

import ocrkit
from ocrkit import DataError
from ocrkit_synth.fonts import X_HEIGHT, Font
from ocrkit_synth.lines import SynthLines, draw_line

TEXT = """The quick brown fox jumps over the lazy dog's well-known bed, and nobody minds.
« Où est l'été ? » demanda le garçon ; c'était déjà Noël, et la forêt était gelée.
Seventy quiet mice (all of them grey) ran up the stairs: that was in May; it rained.
"""


@pytest.fixture
def fonts(tmp_path: Path) -> Path:
    """A folder with one font, which Pillow ships, under six names, and a text."""
    folder = tmp_path / "fonts"
    folder.mkdir()
    face = ImageFont.load_default(20)
    assert isinstance(face, ImageFont.FreeTypeFont)
    for name in "abcdef":
        (folder / f"{name}.ttf").write_bytes(face.font_bytes)
    (folder / "words.txt").write_text(TEXT, "utf-8")
    return folder


def test_lines_are_pieces_of_the_text_no_longer_than_asked_for(fonts: Path) -> None:
    reader = SynthLines(fonts, samples=200, numbers=0, longest=40)
    texts = [str(sample.text) for sample in reader]
    assert all(text in TEXT for text in texts)
    assert max(map(len, texts)) <= 40
    assert np.mean([len(text) for text in texts]) > 12
    assert {character for text in texts for character in text} >= set("«»?;(),.'-")
    assert {sample.writer for sample in reader} == set("abcdef")


def test_a_sample_depends_on_seed_and_number_alone(fonts: Path) -> None:
    few, many = SynthLines(fonts, samples=8), SynthLines(fonts, samples=500)
    other = SynthLines(fonts, samples=8, seed=1)
    for index in range(8):
        assert (few[index].id, few[index].text) == (many[index].id, many[index].text)
        np.testing.assert_array_equal(few[index].load(), many[index].load())
    assert [each.text for each in few] != [each.text for each in other]


def test_some_words_are_numbers(fonts: Path) -> None:
    texts = [str(sample.text) for sample in SynthLines(fonts, samples=50, numbers=1)]
    assert all(word[0].isdigit() for text in texts for word in text.split())


def test_pictures_are_read_as_what_they_say(fonts: Path) -> None:
    """Word for word, by a model of words that has never seen this hand."""
    (fonts / "words.txt").write_text("hand\nname\ntime\nwood\ntable\nriver\npeople\n")
    reader = SynthLines(fonts, samples=12, numbers=0)
    words = list(reader)
    pipeline = ocrkit.load("iam-words-resnet", backend="onnx", threads=1)
    found = [item.text for item in pipeline.read_many([word.load() for word in words])]
    wrong = sum(Levenshtein.distance(w.text, read) for w, read in zip(words, found, strict=True))
    assert wrong / sum(len(str(word.text)) for word in words) < 0.35


def test_spaces_between_words_differ_and_none_is_lost(fonts: Path) -> None:
    font = Font(fonts / "a.ttf")
    counts, gaps = [], []
    for seed in range(30):
        image = draw_line(font, "one two three four", np.random.default_rng(seed))
        assert image.max() == 255
        assert not image[:, [0, -1]].any()
        assert not image[[0, -1]].any()
        columns = np.flatnonzero((image > 127).any(axis=0))
        wide = np.diff(columns)
        wide = wide[wide > 0.3 * X_HEIGHT]
        counts.append(len(wide))
        gaps += wide.tolist()
    assert counts == [3] * 30
    assert max(gaps) > 2 * min(gaps)


def test_lines_end_before_what_a_font_lacks(fonts: Path) -> None:
    (fonts / "words.txt").write_text("plain words and Жук comes\n漢字 apart from that\n", "utf-8")
    reader = SynthLines(fonts, samples=100, numbers=0)
    found = " ".join(str(sample.text) for sample in reader)
    assert set(found.split()) == {"plain", "words", "and", "comes", "apart", "from", "that"}


def test_a_font_that_cannot_write_most_of_the_text_is_named(fonts: Path) -> None:
    (fonts / "words.txt").write_text("Жук 漢字 one\n", "utf-8")
    with pytest.raises(
        DataError, match=r"the first: a\.ttf: cannot write most of the text's words"
    ):
        SynthLines(fonts)
    (fonts / "broken.otf").write_bytes(b"no font")
    (fonts / "words.txt").write_text(TEXT, "utf-8")
    assert [item.id for item in SynthLines(fonts).skipped] == ["broken.otf"]


def test_train_and_validation_share_no_paragraph_and_no_font(fonts: Path) -> None:
    paragraphs = [" ".join(f"{a}{b}{c}" for c in "aeiou") for a in "bdfgh" for b in "klmnprst"]
    (fonts / "words.txt").write_text("\n".join(paragraphs))
    train, validation = (
        SynthLines(fonts, split, samples=1000, numbers=0) for split in ("train", "validation")
    )
    assert (len(train), len(validation)) == (1000, 50)
    words = [
        {word for sample in reader for word in str(sample.text).split()}
        for reader in (train, validation)
    ]
    assert words[0].isdisjoint(words[1])
    assert {sample.writer for sample in train} == set("bcde")
    assert {sample.writer for sample in validation} == set("af")


def test_a_text_that_cannot_be_read_is_named(fonts: Path) -> None:
    (fonts / "words.txt").unlink()
    with pytest.raises(DataError, match=r"words\.txt: no such file; .*--set reader\.text=FILE"):
        SynthLines(fonts)
    (fonts / "words.txt").write_text("\n \n")
    with pytest.raises(DataError, match=r"words\.txt has no text for 'all'"):
        SynthLines(fonts)
    with pytest.raises(DataError, match="no split named 'test'"):
        SynthLines(fonts, "test")
