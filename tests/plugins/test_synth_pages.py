"""Pages that are drawn: the truth is where the ink is."""

import random
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import ImageFont

from ocrkit import DataError, page_from_json, page_to_json
from ocrkit.data.datasets import open_dataset
from ocrkit.parts.options import PartSpec
from ocrkit_synth.pages.camera import turned_points, view
from ocrkit_synth.pages.hands import FontHand
from ocrkit_synth.pages.ink import draw, write
from ocrkit_synth.pages.layout import lay_out
from ocrkit_synth.pages.truth import truth
from ocrkit_synth.synth_pages import SynthPages

TEXT = "Dear Ann, it rains and the boats lie in the harbour; nobody goes out (on Monday)."


@pytest.fixture
def fonts(tmp_path):
    root = tmp_path / "fonts"
    root.mkdir()
    for name in ("anne", "bob"):
        (root / f"{name}.ttf").write_bytes(ImageFont.load_default(20).font_bytes)
    (root / "words.txt").write_text(f"{TEXT} " * 8)
    return root


def reader(root, **options):
    return SynthPages(root, **{"width": 400, "samples": 20, "smallest": 7, "largest": 12} | options)


def composed(seed, x_height=9.0):
    """A layout and what is written on it."""
    rng = random.Random(seed)
    hands = {
        name: FontHand(ImageFont.load_default(2 * x_height), TEXT.split(), 0)
        for name in ("main", "small", "large", "print")
    }
    layout = lay_out(400, x_height, rng)
    return layout, write(layout, hands, rng)


def test_a_page_is_the_same_every_time_and_no_two_are_alike(fonts):
    one, other = reader(fonts), reader(fonts)
    for index in (0, 7):
        assert one[index].page == other[index].page
        assert np.array_equal(one[index].load(), other[index].load())
        assert np.array_equal(one[index].load(), one[index].load())
    assert one[0].page != one[1].page
    assert one[0].page != reader(fonts, seed=1)[0].page
    with pytest.raises(IndexError):
        one[20]


def test_a_sample_has_all_that_is_known_of_a_page(fonts):
    kinds = set()
    for sample in reader(fonts):
        page = sample.page
        assert sample.load().shape == (page.height, page.width)
        assert sample.text == page.text
        assert sample.writer in ("anne", "bob")
        assert page_from_json(page_to_json(page)) == page
        assert {line.region for line in page.lines} == {region.id for region in page.regions}
        kinds |= {region.kind for region in page.regions}
        for line in page.lines:
            assert line.text == " ".join(word.text for word in line.words)
            assert line.above > line.below > 0
            points = np.array((*line.baseline, *line.boundary))
            assert (points > -9).all()
            assert (points < (page.width + 9, page.height + 9)).all()
    assert {"paragraph", "heading", "margin", "printed"} <= kinds


@settings(max_examples=25, deadline=None)
@example(850355)  # its heading stood below the page
@given(st.integers(0, 1 << 30))
def test_ink_is_where_truth_says_and_nowhere_else(seed):
    layout, lines = composed(seed)
    ink = np.maximum(*draw(layout, lines, random.Random(seed)))
    allowed = np.zeros_like(ink)
    for line in lines:
        for word in line.words:
            corners = line.band(word.ink.above, word.ink.below, word)
            place = np.zeros_like(ink)
            cv2.fillPoly(place, [np.round(corners).astype(np.int32)], 255)
            assert ink[place > 0].max(initial=0) > 100
            struck = line.above * (0.8 if word.struck else 0)
            cv2.fillPoly(allowed, [np.round(line.band(line.above, struck)).astype(np.int32)], 255)
            allowed |= place
        if line.slot.underlined:
            cv2.fillPoly(allowed, [np.round(line.band(0, 2 * line.below)).astype(np.int32)], 255)
    beyond = ink[cv2.dilate(allowed, np.ones((7, 21), np.uint8)) == 0]
    assert beyond.max(initial=0) < 60


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1 << 30), st.sampled_from([None, 200.0]))
def test_a_view_finds_back(seed, gutter):
    rng = np.random.default_rng(seed)
    seen_by = view(400, 560, gutter, rng)
    points = rng.uniform((0, 0), (400, 560), (50, 2))
    there = seen_by.to_picture(points)
    assert np.abs(seen_by.to_sheet(there) - points).max() < 0.01
    size = np.array([seen_by.width, seen_by.height])
    assert (there > -0.1 * size).all()
    assert (there < 1.1 * size).all()


@settings(max_examples=25, deadline=None)
@example(20470)
@given(st.integers(0, 1 << 30))
def test_pixels_go_where_points_go(seed):
    rng = np.random.default_rng(seed)
    seen_by = view(400, 560, None, rng)
    for x, y in rng.uniform((60, 60), (340, 500), (4, 2)).round():
        sheet = np.zeros((560, 400), np.float32)
        sheet[int(y) - 3 : int(y) + 3, int(x) - 3 : int(x) + 3] = 255
        seen = seen_by.see(sheet, 0)
        rows, columns = np.mgrid[: seen.shape[0], : seen.shape[1]] + 0.5
        found = np.array([(columns * seen).sum(), (rows * seen).sum()]) / seen.sum()
        # Half a pixel would be a fault. In perspective, a square's middle is not quite the middle
        # of what is seen of it.
        assert np.abs(found - seen_by.to_picture(np.array([[x, y]]))[0]).max() < 0.2


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_points_are_turned_as_pixels_are(turn):
    pixels = np.zeros((30, 50), np.uint8)
    pixels[4, 8] = 255
    turned = np.rot90(pixels, -turn // 90)
    (row, column), *_ = np.argwhere(turned)
    point = turned_points(np.array([[8.5, 4.5]]), 50, 30, turn)[0]
    assert point.tolist() == [column + 0.5, row + 0.5]


def test_turned_pages_say_so(fonts):
    straight, turned = (list(reader(fonts, turned=share)) for share in (0, 1))
    assert {sample.page.turned for sample in straight} == {0}
    assert {sample.page.turned for sample in turned} == {90, 180, 270}
    ways = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}
    for sample in turned:
        assert sample.load().shape == (sample.page.height, sample.page.width)
        for line in sample.page.lines:
            way = np.subtract(line.baseline[-1], line.baseline[0])
            assert way @ ways[sample.page.turned] > 0.9 * np.linalg.norm(way)


def test_lines_are_in_reading_order():
    """Within a region downwards, and a column after the one to its left."""
    for seed in range(40):
        layout, lines = composed(seed)
        page = truth("page", layout, lines, view(400, layout.height, None, still()), 0)
        for region in page.regions:
            ys = [line.baseline[0][1] for line in page.lines if line.region == region.id]
            if region.kind == "paragraph":
                assert ys == sorted(ys)
        order = [line.region for line in page.lines]
        assert order == sorted(order, key=[region.id for region in page.regions].index)


def still():
    """Random numbers of a scan that is neither turned nor bent."""

    class Still(np.random.Generator):
        def random(self, *_):
            return 0.9

        def normal(self, mean=0, _=1, size=None):
            return mean if size is None else np.full(size, mean)

        def uniform(self, low=0, _=1, size=None):
            return 0.0 if size is None else np.zeros(size)

    return Still(np.random.PCG64(0))


def test_what_is_scribbled_over_is_in_no_text():
    layout, lines = composed(3)
    first, *rest = lines[0].words
    struck = replace(lines[0], words=(*rest, replace(first, struck="out")))
    found = truth("page", layout, [struck], view(400, layout.height, None, still()), 0).lines[0]
    assert found.text == " ".join(word.ink.text for word in rest)
    assert len(found.words) == len(rest)


def test_printed_heads_can_be_left_out_of_the_truth(fonts):
    whole, less = reader(fonts, samples=30), reader(fonts, samples=30, leave_out=("printed",))
    printed = [
        n
        for n, sample in enumerate(whole)
        if any(line.kind == "printed" for line in sample.page.lines)
    ]
    assert printed
    for n in printed:
        assert {line.kind for line in less[n].page.lines} <= {"text"}
        assert np.array_equal(whole[n].load(), less[n].load())


def test_other_readers_words_are_written_with(fonts, tmp_path):
    folder = tmp_path / "hands"
    folder.mkdir()
    rows = ["file\ttext\twriter"]
    face = ImageFont.load_default(40)
    for number, word in enumerate(["jumping", "sun", "tall", "sea", "my", "dog", "one", "bee"] * 2):
        mask = face.getmask(word)
        ink = np.array(mask, np.uint8).reshape(mask.size[::-1])
        cv2.imwrite(
            str(folder / f"{number}.png"), np.pad(230 - ink // 255 * 200, 6, constant_values=230)
        )
        rows.append(f"{number}.png\t{word}\tcarla")
    (folder / "labels.tsv").write_text("\n".join(rows))
    borrowed = reader(fonts, reader="folder", reader_root=folder, borrowed=1.0, samples=8)
    for sample in borrowed:
        assert sample.writer == "carla"
        written = [line for line in sample.page.lines if line.kind == "text"]
        words = {word.text for line in written for word in line.words}
        assert words <= {"jumping", "sun", "tall", "sea", "my", "dog", "one", "bee"}
        heights = {word.text: np.ptp(np.array(word.boundary)[:, 1]) for word in written[0].words}
        assert sample.load().shape == (sample.page.height, sample.page.width)
        if {"jumping", "sun"} <= heights.keys():
            assert heights["jumping"] > 1.3 * heights["sun"]
    (folder / "labels.tsv").write_text("\n".join(rows[:4]))
    with pytest.raises(DataError, match="no writer of 'folder' has 8 words"):
        reader(fonts, reader="folder", reader_root=folder)


def test_splits_share_neither_fonts_nor_text(fonts):
    train, validation = (reader(fonts, split=split) for split in ("train", "validation"))
    assert len(train) == 20
    assert len(validation) == 1
    assert {sample.writer for sample in train} == {"bob"}
    assert validation[0].writer == "anne"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "test"}, "no split named 'test'"),
        ({"smallest": 20.0}, "smallest is 20 and largest 12"),
        ({"words": "none.txt"}, "a text to write"),
    ],
)
def test_what_makes_no_sense_is_refused(fonts, tmp_path, options, message):
    if "words" in options:
        options = {"words": tmp_path / options["words"]}
    with pytest.raises(DataError, match=message):
        reader(fonts, **options)


def test_without_fonts_there_are_no_pages(fonts, tmp_path):
    for font in fonts.glob("*.ttf"):
        font.write_bytes(b"no font")
    with pytest.raises(DataError, match=r"no font .* the first: anne\.ttf"):
        reader(fonts)


def test_it_opens_as_any_data_set(fonts):
    part = PartSpec("reader", "synth-pages", {"width": 400, "samples": 3})
    dataset = open_dataset(part, root=fonts)
    assert [sample.page is not None for sample in dataset] == [True] * 3
