"""Augmentations of lines: neighbours come from the sides, waves cut nothing off, gaps leave letters
as they are."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from ocrkit import ConfigError
from ocrkit_image.line_augmentation import Gaps, Neighbours, Wavy

PAPER = 240
HEIGHT, WIDTH = 60, 600
WORDS = [(20, 120), (150, 260), (300, 340), (380, 570)]


def line():
    """Four words, which are bars, with an ascender and a descender each."""
    image = np.full((HEIGHT, WIDTH), PAPER, np.uint8)
    for left, right in WORDS:
        cv2.rectangle(image, (left, 25), (right - 1, 40), 30, -1)
        cv2.rectangle(image, (left, 5), (left + 5, 40), 30, -1)
        cv2.rectangle(image, (right - 6, 25), (right - 1, 55), 30, -1)
    return image


def words_of(image):
    """First and last column, and one beyond, of pieces of ink."""
    ink = np.pad((image < 128).any(axis=0), 1).astype(int)
    return list(
        zip(np.flatnonzero(np.diff(ink) > 0), np.flatnonzero(np.diff(ink) < 0), strict=True)
    )


def several(augmentation, image, count=40):
    return [augmentation(image, np.random.default_rng(seed)) for seed in range(count)]


@settings(max_examples=40)
@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=70)), st.integers(0, 99))
def test_any_image_gives_an_image_and_stays_as_it_is(image, seed):
    before = image.copy()
    image.flags.writeable = False
    for kind in (Neighbours, Wavy, Gaps):
        changed = kind(probability=1)(image, np.random.default_rng(seed))
        assert changed.dtype == np.uint8
        assert changed.size
    np.testing.assert_array_equal(image, before)


def test_neighbours_reach_in_from_above_and_below_and_no_farther():
    image = line()
    sides = set()
    for changed in several(Neighbours(reach=0.4, probability=1), image):
        assert changed.shape == image.shape
        assert (changed <= image).all()
        rows = np.flatnonzero((changed < image).any(axis=1))
        assert all(row < 0.4 * HEIGHT + 1 or row > 0.6 * HEIGHT - 1 for row in rows)
        sides |= {"above" if row < HEIGHT / 2 else "below" for row in rows}
        assert set(np.unique(changed)) == {PAPER, 30}
    assert sides == {"above", "below"}


def test_a_wave_moves_columns_up_and_down_and_cuts_nothing_off():
    image = line()
    strengths = []
    for changed in several(Wavy(highest=0.2, shortest=3, longest=8, probability=1), image):
        assert changed.shape[1] == WIDTH
        weight = (PAPER - changed.astype(float)).sum(axis=0)
        np.testing.assert_allclose(weight, (PAPER - image.astype(float)).sum(axis=0), rtol=0.08)
        inked = weight > 0
        middle = ((PAPER - changed[:, inked].astype(float)) * np.arange(len(changed))[:, None]).sum(
            axis=0
        ) / weight[inked]
        plain = ((PAPER - image[:, inked].astype(float)) * np.arange(HEIGHT)[:, None]).sum(
            axis=0
        ) / weight[inked]
        strengths.append(np.ptp(middle - plain))
    assert max(strengths) <= 2 * 0.2 * HEIGHT + 3
    assert max(strengths) > 0.2 * HEIGHT


def test_gaps_change_alone_each_by_its_own_factor():
    image = line()
    plain = np.array([after[0] - before[1] for before, after in pairwise(WORDS)])
    factors = []
    for changed in several(Gaps(narrowest=0.5, widest=2, probability=1), image):
        found = words_of(changed)
        assert [end - start for start, end in found] == [end - start for start, end in WORDS]
        for (start, end), (left, right) in zip(found, WORDS, strict=True):
            np.testing.assert_array_equal(changed[:, start:end], image[:, left:right])
        assert found[0][0] == WORDS[0][0]
        assert changed.shape[1] - found[-1][1] == WIDTH - WORDS[-1][1]
        gaps = [after[0] - before[1] for before, after in pairwise(found)]
        factors.append(np.array(gaps) / plain)
    assert 0.48 < np.min(factors) < 0.65
    assert 1.6 < np.max(factors) < 2.03
    assert np.ptp(factors, axis=1).max() > 0.5


def test_an_image_without_spaces_keeps_its_pixels():
    image = line()[:, 30:110]
    for changed in several(Gaps(probability=1), image, 5):
        np.testing.assert_array_equal(changed, image)


def test_waves_that_contradict_each_other_are_refused():
    with pytest.raises(ConfigError, match=r"shortest 5\.0 is more than longest 4\.0"):
        Wavy(shortest=5.0, longest=4.0)
