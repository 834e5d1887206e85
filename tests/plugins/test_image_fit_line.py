"""fit-line gives a line's letters one height, straight, whatever is around them."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from ocrkit import ConfigError, ImageError, ImageSize
from ocrkit_image.fit import FitHeight
from ocrkit_image.fit_line import FitLine
from ocrkit_image.writing import find_writing

FONT = cv2.FONT_HERSHEY_SIMPLEX
TEXT = "the number of people on board was never counted"
X_HEIGHT = 14  # of the font at scale 1
BASELINE = 80


def line(text=TEXT, height=128, baseline=BASELINE, paper=235, margin=20):
    """Dark letters on light paper: ascenders of 22 pixels, small letters of 14."""
    width = cv2.getTextSize(text, FONT, 1, 2)[0][0] + 2 * margin
    image = np.full((height, width), paper, np.uint8)
    cv2.putText(image, text, (margin, baseline), FONT, 1, 40, 2, cv2.LINE_AA)
    return image


def bent(image, rise):
    """The image with its columns moved down by ``rise`` (W,), on paper as far as needed."""
    rows, columns = np.indices((image.shape[0] + 2 * int(np.abs(rise).max() + 1), image.shape[1]))
    rows = rows - np.abs(rise).max() - rise
    maps = columns.astype(np.float32), rows.astype(np.float32)
    return cv2.remap(image, *maps, cv2.INTER_LINEAR, borderValue=int(image[0, 0]))


def small_letters(fitted):
    """First and last row, and one beyond, where at least half as much ink is as in the middle."""
    ink = np.clip(float(np.median(fitted)) - 30 - fitted, 0, None).sum(axis=1)
    dense = np.flatnonzero(ink > 0.5 * np.median(np.sort(ink)[-8:]))
    return dense[0], dense[-1] + 1


def waves(count, height):
    return lambda width: height * np.sin(np.linspace(0, 2 * np.pi * count, width))


def slant(degrees):
    return lambda width: -np.tan(np.deg2rad(degrees)) * np.arange(width)


@pytest.mark.parametrize(
    "rise",
    [slant(0), slant(3), slant(-4), waves(1, 8), waves(0.5, -16)],
    ids=["level", "rising", "falling", "one wave", "half a wave"],
)
def test_the_baseline_and_the_x_height_are_found(rise):
    image = line()
    moved = bent(image, rise(image.shape[1]))
    found = find_writing(moved)
    expected = BASELINE + np.abs(rise(image.shape[1])).max() + rise(image.shape[1])
    at, level = found.baseline.T
    np.testing.assert_allclose(level, np.interp(at, np.arange(image.shape[1]), expected), atol=6)
    assert found.x_height == pytest.approx(X_HEIGHT + 2, rel=0.35)
    assert at[[0, -1]] == pytest.approx([0, image.shape[1]])


@pytest.mark.parametrize(
    "change",
    [
        lambda image: np.pad(image, ((40, 50), (0, 0)), constant_values=235),
        lambda image: image[24:118],
        lambda image: bent(image, slant(4)(image.shape[1])),
        lambda image: bent(image, waves(1, 12)(image.shape[1])),
        lambda image: cv2.resize(image, None, fx=2.5, fy=2.5, interpolation=cv2.INTER_AREA),
        lambda image: image // 2 + 20,
    ],
    ids=["margins", "tight", "slanted", "wavy", "large", "dark paper"],
)
def test_letters_come_out_alike_whatever_is_around_them(change):
    plain, other = FitLine()(line()), FitLine()(change(line()))
    for one, two in zip(small_letters(plain), small_letters(other), strict=True):
        assert abs(one - two) <= 3
    assert other.shape[1] == pytest.approx(plain.shape[1], rel=0.2)


def test_neighbours_that_are_cut_through_and_a_tall_stroke_change_little():
    image = line()
    above, below = line(TEXT[::-1], baseline=18), line(TEXT[5:] + TEXT[:5], baseline=132)
    crowded = np.minimum(np.minimum(above, below), image)
    cv2.line(crowded, (100, 0), (95, 127), 40, 3)
    plain, found = find_writing(image), find_writing(crowded)
    assert found.x_height == pytest.approx(plain.x_height, rel=0.2)
    np.testing.assert_allclose(found.baseline, plain.baseline, atol=4)


def test_the_x_height_is_the_share_that_is_asked_for():
    top, bottom = small_letters(FitLine(x_height=0.25)(line()))
    assert bottom - top == pytest.approx(0.25 * 64, abs=3)
    assert bottom == pytest.approx(64 * 2 / 3, abs=3)


@pytest.mark.parametrize("text", ["-", ".", "1", "1914"])
def test_a_few_strokes_do_not_grow_out_of_measure(text):
    image = line(text, height=40, baseline=30)
    ink = (FitLine()(image) < 128).sum()
    assert 0.4 < ink / (FitHeight(height=64)(image) < 128).sum() < 3


@pytest.mark.parametrize("level", [0, 130, 255])
def test_blank_paper_is_scaled_by_its_height(level):
    fitted = FitLine()(np.full((32, 300), level, np.uint8))
    assert fitted.shape == (64, 600)
    assert (fitted == level).all()


@settings(max_examples=60)
@given(
    arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=90)),
    st.sampled_from([8, 33, 64]),
    st.sampled_from([1, 8, 12]),
)
def test_any_image_gives_the_height_and_a_width_that_the_network_takes(image, height, multiple):
    fit = FitLine(height=height, multiple=multiple, max_width=16384)
    before = image.copy()
    image.flags.writeable = False
    fitted = fit(image)
    assert fit.output_size() == ImageSize(height, None)
    assert fitted.dtype == np.uint8
    assert fitted.shape[0] == height
    assert fitted.shape[1] % multiple == 0
    assert fitted.shape[1] >= 96
    np.testing.assert_array_equal(image, before)


@settings(max_examples=30)
@given(st.floats(-6, 6), st.integers(60, 400), st.sampled_from([0.7, 1.0, 2.2]))
def test_places_are_found_back_in_the_source(degrees, x, scale):
    image = line("minimum " * 4)
    image = bent(image, slant(degrees)(image.shape[1]))
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    row = int((find_writing(image).baseline[:, 1]).mean())
    column = int(x * scale) % image.shape[1]
    dotted = image.copy()
    cv2.circle(dotted, (column, row), max(3, round(4 * scale)), 0, -1)
    fit = FitLine(min_width=300)
    fitted = fit(dotted)
    grid = np.stack(np.meshgrid(*(np.arange(size) + 0.5 for size in fitted.shape[::-1])), axis=-1)
    places = fit.to_source(dotted)(grid.reshape(-1, 2).astype(float)).reshape(grid.shape)
    near = np.linalg.norm(places - (column + 0.5, row + 0.5), axis=-1)
    assert near.min() < 2 * max(1, scale)
    assert fitted[np.unravel_index(near.argmin(), near.shape)] < 90


def test_light_ink_is_inverted_and_found_out():
    image = line()
    np.testing.assert_array_equal(FitLine(ink="light")(255 - image), FitLine()(image))
    np.testing.assert_array_equal(FitLine(ink="auto")(255 - image), FitLine()(image))


def test_what_becomes_too_wide_is_refused():
    with pytest.raises(ImageError, match=r"become \d+ wide at height 64; the limit is max_w"):
        FitLine(max_width=400)(line())
    with pytest.raises(ConfigError, match="min_width 17, up to a multiple of 8, is more than max"):
        FitLine(min_width=17, max_width=18)
