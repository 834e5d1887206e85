"""crop cuts margins off down to the ink, whatever its colour, and leaves images without ink
alone."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from ocrkit.data.datasets import open_dataset
from ocrkit.parts.options import PartSpec
from ocrkit_image.crop import Crop

WORD = np.full((60, 160), 255, np.uint8)
cv2.rectangle(WORD, (6, 6), (153, 53), 40, 5)
cv2.line(WORD, (6, 53), (153, 6), 40, 5)


def framed(top, bottom, left, right, paper=255):
    return np.pad(WORD, ((top, bottom), (left, right)), constant_values=255) - (255 - paper)


@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=60)))
def test_any_image_gives_a_part_of_itself_and_stays_as_it_is(image):
    before = image.copy()
    image.flags.writeable = False
    cropped = Crop()(image)
    assert cropped.dtype == np.uint8
    assert cropped.size
    assert all(small <= large for small, large in zip(cropped.shape, image.shape, strict=True))
    np.testing.assert_array_equal(image, before)


@given(*[st.integers(0, 90)] * 4)
def test_the_word_is_left_whole_with_about_the_margin_that_is_asked_for(top, bottom, left, right):
    image = framed(top, bottom, left, right)
    cropped = Crop(margin=0)(image)
    found = np.argwhere(cropped < 128)
    assert (cropped < 128).sum() == (WORD < 128).sum()
    shrinking = max(1, image.shape[0] / 96)
    assert found.min(axis=0).max() <= 3 * shrinking + 4
    assert (np.array(cropped.shape) - found.max(axis=0)).max() <= 3 * shrinking + 5


def test_more_margin_keeps_more_paper_and_never_adds_any():
    image = framed(50, 50, 50, 50)
    heights = [Crop(margin=margin)(image).shape[0] for margin in (0, 0.1, 0.3, 10)]
    assert heights == sorted(set(heights))
    assert heights[-1] == image.shape[0]


@pytest.mark.parametrize("paper", [255, 200])
def test_light_ink_is_found_as_well(paper):
    image = framed(40, 30, 20, 50, paper)
    np.testing.assert_array_equal(Crop()(255 - image), 255 - Crop()(image))


def test_faint_lines_and_specks_do_not_count():
    image = framed(70, 70, 70, 70)
    image[20] = image[-20] = 210
    image[5:7, 5:7] = 0
    plain = Crop()(framed(70, 70, 70, 70))
    assert Crop()(image).shape == plain.shape


@pytest.mark.parametrize("level", [0, 120, 255])
def test_blank_paper_stays_as_it_is(level):
    rng = np.random.default_rng(0)
    blank = rng.normal(level, 4, (100, 300)).clip(0, 255).astype(np.uint8)
    np.testing.assert_array_equal(Crop()(blank), blank)


def test_words_that_are_cut_closely_lose_no_ink():
    for sample in open_dataset(PartSpec("reader", "iam", {})):
        scan = sample.load()
        depth = 255.0 - scan
        assert (255.0 - Crop()(scan)).sum() >= 0.97 * depth.sum(), sample.id
