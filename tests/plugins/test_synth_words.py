"""Words drawn in fonts: the same every time, the label's own letters, nothing that a font lacks."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageFont
from rapidfuzz.distance import Levenshtein

import ocrkit
from ocrkit import DataError
from ocrkit_synth.fonts import Font
from ocrkit_synth.words import SynthWords, count_words

TEXT = (
    "The quick brown fox jumps over the lazy dog’s well-known bed, and nobody minds the noise "
    "of seventy quiet mice.\n"
)


@pytest.fixture
def fonts(tmp_path: Path) -> Path:
    """A folder with one font, which Pillow ships, under six names."""
    folder = tmp_path / "fonts"
    folder.mkdir()
    face = ImageFont.load_default(20)
    assert isinstance(face, ImageFont.FreeTypeFont)
    for name in "abcdef":
        (folder / f"{name}.ttf").write_bytes(face.font_bytes)
    return folder


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, "utf-8")
    return path


PLAIN = {"capitals": 0, "attached": 0, "punctuation": 0, "numbers": 0, "strings": 0}


def test_a_sample_depends_on_seed_and_number_alone(fonts: Path, words: Path) -> None:
    few, many = (
        SynthWords(fonts, words=words, samples=20),
        SynthWords(fonts, words=words, samples=500),
    )
    other = SynthWords(fonts, words=words, samples=20, seed=1)
    for index in range(20):
        assert (few[index].id, few[index].text, few[index].writer) == (
            many[index].id,
            many[index].text,
            many[index].writer,
        )
        np.testing.assert_array_equal(few[index].load(), many[index].load())
    assert [few[index].text for index in range(20)] != [other[index].text for index in range(20)]


def test_a_sample_can_be_drawn_in_another_process(fonts: Path, words: Path) -> None:
    sample = SynthWords(fonts, words=words)[3]
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:  # which shares nothing with this one
        np.testing.assert_array_equal(pool.submit(sample.load).result(), sample.load())


def test_pictures_are_read_as_what_they_say(fonts: Path, words: Path) -> None:
    """By a model that has never seen this hand."""
    reader = SynthWords(fonts, words=words, samples=60, **PLAIN)
    texts = [str(sample.text) for sample in reader]
    pictures = [sample.load() for sample in reader]
    found = [str(item.text) for item in ocrkit.load("iam-crnn", backend="onnx").read_many(pictures)]
    wrong = sum(Levenshtein.distance(text, read) for text, read in zip(texts, found, strict=True))
    assert wrong / sum(map(len, texts)) < 0.35


def test_ink_is_dark_on_light_paper(fonts: Path, words: Path) -> None:
    for sample in SynthWords(fonts, words=words, samples=40):
        image = sample.load()
        dark = (image < 128).mean()
        assert np.median(image) > 170 or dark > 0.2, (
            sample.text
        )  # a full stop cut closely is mostly ink
        assert dark > 0.01, sample.text


def test_fonts_may_lie_in_folders_and_behind_links(
    fonts: Path, words: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "hands").mkdir(parents=True)
    for name in "abc":
        (fonts / f"{name}.ttf").rename(elsewhere / "hands" / f"{name}.ttf")
    assert {sample.writer for sample in SynthWords(fonts, words=words, samples=60)} == set("def")
    (fonts / "more").symlink_to(elsewhere)
    assert {sample.writer for sample in SynthWords(fonts, words=words, samples=60)} == set("abcdef")


def test_a_font_draws_only_characters_that_it_has(fonts: Path, tmp_path: Path) -> None:
    words = tmp_path / "mixed.txt"
    words.write_text("plain Жук 漢字 words", "utf-8")
    assert Font(fonts / "a.ttf").lacks("aЖ字 ") == {"Ж", "字"}
    reader = SynthWords(fonts, words=words, samples=200)
    assert {item.id for item in reader.skipped} == {"Жук", "漢字"}
    assert not any(set("Жук漢字") & set(sample.text or "") for sample in reader)


def test_a_file_that_is_no_font_is_left_out_and_named(fonts: Path, words: Path) -> None:
    (fonts / "broken.otf").write_bytes(b"no font")
    (fonts / "README.txt").write_text("not looked at")
    reader = SynthWords(fonts, words=words, samples=30)
    assert [item.id for item in reader.skipped] == ["broken.otf"]
    assert {sample.writer for sample in reader} <= set("abcdef")
    for path in fonts.glob("*.ttf"):
        path.unlink()
    with pytest.raises(DataError, match=r"no font .* the first: broken.otf: "):
        SynthWords(fonts, words=words)


def test_train_and_validation_share_no_word_and_no_font(fonts: Path, words: Path) -> None:
    words.write_text(" ".join(a + b for a in "bdfghklmnp" for b in ("an", "en", "in", "on")))
    train, validation = (
        SynthWords(fonts, split, words, samples=2000, **PLAIN) for split in ("train", "validation")
    )
    assert (len(train), len(validation)) == (2000, 100)
    texts = [{str(sample.text).lower() for sample in reader} for reader in (train, validation)]
    assert texts[0].isdisjoint(texts[1])
    assert {sample.writer for sample in train} == set("bcde")
    assert {sample.writer for sample in validation} == set("af")


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        ("punctuation", lambda text: not any(map(str.isalnum, text))),
        ("numbers", lambda text: text[0].isdigit()),
        ("strings", lambda text: text.isascii() and " " not in text),
        ("capitals", lambda text: text[0].isupper()),
        (
            "attached",
            lambda text: (
                any(map(str.isalpha, text)) and not text.replace("'", "").replace("-", "").isalpha()
            ),
        ),
    ],
)
def test_kinds_of_words(kind: str, holds: object, fonts: Path, words: Path) -> None:
    assert callable(holds)
    options = {**PLAIN, kind: 1}
    texts = [str(sample.text) for sample in SynthWords(fonts, words=words, samples=100, **options)]
    doubtful = {text for text in texts if not holds(text)}
    assert not {text for text in doubtful if kind != "attached" or text.strip("'-") == text}


def test_words_are_drawn_as_often_as_they_occur(fonts: Path, tmp_path: Path) -> None:
    words = tmp_path / "often.txt"
    words.write_text("rare " + "often " * 9, "utf-8")
    shares = {}
    for temper in (0.0, 0.5, 1.0):
        reader = SynthWords(fonts, words=words, samples=2000, temper=temper, **PLAIN)
        shares[temper] = np.mean([sample.text == "often" for sample in reader])
    assert shares == pytest.approx({0.0: 0.5, 0.5: 0.75, 1.0: 0.9}, abs=0.04)


def test_short_lines(fonts: Path, words: Path) -> None:
    reader = SynthWords(fonts, words=words, samples=60, longest=4)
    lengths = {len(str(sample.text).split()) for sample in reader}
    assert lengths == {1, 2, 3, 4}
    widths = {
        len(str(sample.text).split()): sample.load().shape[1] / sample.load().shape[0]
        for sample in reader
    }
    assert widths[4] > widths[1]


def test_words_are_letters_with_apostrophes_and_hyphens_between() -> None:
    counts = count_words("Don’t “well-known”, 2nd snake_case cafe\u0301 – -x-")
    assert counts == dict.fromkeys(["Don't", "well-known", "nd", "snake", "case", "café", "x"], 1)


def test_a_text_that_cannot_be_read_is_named(fonts: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"words.txt: no such file; .*--set reader.words=FILE"):
        SynthWords(fonts)
    (fonts / "words.txt").write_text("apple")
    assert SynthWords(fonts, **PLAIN)[7].text == "apple"
    (tmp_path / "empty.txt").write_text("12 34")
    with pytest.raises(DataError, match="has no words"):
        SynthWords(fonts, words=tmp_path / "empty.txt")
