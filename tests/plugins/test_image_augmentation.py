"""Augmentations change what they are meant to, repeat exactly, and take images of any size."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from ocrkit import ConfigError
from ocrkit_image.augmentation import Contrast, Elastic, Rotate, Scale, Shear, Shift, Stroke
from ocrkit_image.light import Paper, Ruled, Shading, Shadow

ALL = [
    Shear, Rotate, Scale, Shift, Stroke, Contrast, Elastic, Shading, Shadow, Paper, Ruled,
]  # fmt: skip
PAPER = 220
SEEDS = range(30)
each = pytest.mark.parametrize("kind", ALL)


def word(height=100, width=200):
    """A dark frame of strokes on even paper, well inside the image."""
    image = np.full((height, width), PAPER, np.uint8)
    cv2.rectangle(image, (width // 5, height // 4), (width * 4 // 5, height * 3 // 4), 20, 5)
    cv2.line(image, (width // 2, height // 4), (width // 2, height * 3 // 4), 20, 5)
    return image


def ink(image):
    """How much ink there is, in wholly black pixels."""
    return (PAPER - image.astype(float)).clip(0).sum() / (PAPER - 20)


def extent(image):
    """Height and width of what is inked."""
    dark = image < 128
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    return np.ptp(rows) + 1, np.ptp(columns) + 1


def results(augmentation, image=None):
    image = word() if image is None else image
    return [augmentation(image, np.random.default_rng(seed)) for seed in SEEDS]


# ---------------------------------------------------------------------------------------------- all


@each
@given(
    arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=60)), st.integers(0, 2**32 - 1)
)
def test_any_image_gives_an_image_and_stays_as_it_is(kind, image, seed):
    before = image.copy()
    image.flags.writeable = False
    changed = kind(probability=1)(image, np.random.default_rng(seed))
    assert changed.dtype == np.uint8
    assert changed.ndim == 2
    assert changed.size
    np.testing.assert_array_equal(image, before)


@each
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 700), (700, 1), (2, 2)])
def test_the_strongest_setting_takes_the_oddest_sizes(kind, height, width):
    strongest = {
        Shear: {"degrees": 60},
        Rotate: {"degrees": 45},
        Scale: {"smallest": 0.1, "largest": 0.1, "narrowest": 0.1},
        Shift: {"margin": 0, "crop": 0.3},
        Stroke: {"size": 15},
        Contrast: {"gamma": 5},
        Elastic: {"strength": 0.3},
        Shading: {"darkest": 0.05},
        Shadow: {"darkest": 0.05, "softest": 10},
        Paper: {"darkest": 0.05, "faintest": 0.05},
        Ruled: {"thickest": 0.3, "darkest": 0, "degrees": 45},
    }
    for changed in results(
        kind(probability=1, **strongest[kind]), np.full((height, width), 7, np.uint8)
    ):
        assert changed.dtype == np.uint8
        assert changed.size


@each
def test_the_same_generator_gives_the_same_image_and_others_give_others(kind):
    first, second = results(kind(probability=1)), results(kind(probability=1))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len({image.tobytes() for image in first}) >= 6


@each
def test_probability_is_the_share_of_changed_images(kind):
    image, rng = word(), np.random.default_rng(0)
    for probability in (0, 1):
        unchanged = [kind(probability=probability)(image, rng) is image for _ in range(50)]
        assert all(unchanged) if probability == 0 else not any(unchanged)
    assert 55 <= sum(kind(probability=0.35)(image, rng) is image for _ in range(100)) <= 75


@pytest.mark.parametrize("kind", [Shear, Rotate, Scale, Shift, Elastic])
def test_new_area_is_paper_and_ink_stays_ink(kind):
    for changed in results(kind(probability=1)):
        border = np.concatenate([changed[0], changed[-1], changed[:, 0], changed[:, -1]])
        assert np.abs(border.astype(int) - PAPER).max() <= 1
        assert changed.min() < 60


@pytest.mark.parametrize("kind", [Shear, Rotate, Elastic])
def test_nothing_is_cut_off(kind):
    image = np.full((60, 150), PAPER, np.uint8)
    image[2:-2, 2:8] = image[2:-2, -8:-2] = image[2:8, 2:-2] = image[-8:-2, 2:-2] = 20
    for changed in results(kind(probability=1), image):
        assert ink(changed) == pytest.approx(ink(image), rel=0.12 if kind is Elastic else 0.01)


# --------------------------------------------------------------------------------------------- each


def test_shear_slants_to_both_sides_within_its_range():
    image = np.full((101, 61), PAPER, np.uint8)
    image[:, 29:32] = 20
    slants = []
    for changed in results(Shear(degrees=30, probability=1), image):
        assert changed.shape[0] == 101
        columns = np.arange(changed.shape[1])
        at = [np.average(columns, weights=PAPER - changed[row].astype(float)) for row in (10, 90)]
        slants.append(np.degrees(np.arctan((at[0] - at[1]) / 80)))
    assert -30.5 <= min(slants) < -15
    assert 15 < max(slants) <= 30.5


def test_rotate_turns_both_ways_within_its_range():
    image = np.full((61, 201), PAPER, np.uint8)
    image[29:32, :] = 20
    turns = []
    for changed in results(Rotate(degrees=5, probability=1), image):
        rows = np.arange(changed.shape[0])
        at = [
            np.average(rows, weights=PAPER - changed[:, column].astype(float) + 1e-9)
            for column in (30, 170)
        ]
        turns.append(np.degrees(np.arctan((at[1] - at[0]) / 140)))
    assert -5.2 <= min(turns) < -2.5
    assert 2.5 < max(turns) <= 5.2


def test_scale_changes_size_and_proportions_within_their_ranges():
    shapes = np.array([changed.shape for changed in results(Scale(probability=1))])
    heights, stretches = shapes[:, 0] / 100, shapes[:, 1] / 2 / shapes[:, 0]
    assert 0.6 <= heights.min() < 0.75
    assert 1.05 < heights.max() <= 1.2
    assert 0.74 <= stretches.min() < 0.85
    assert 1.15 < stretches.max() <= 1.26


def test_scale_without_stretch_keeps_proportions():
    for changed in results(Scale(narrowest=1, widest=1, probability=1)):
        assert changed.shape[1] / changed.shape[0] == pytest.approx(2, abs=0.03)


def test_scale_names_every_range_that_is_upside_down():
    with pytest.raises(ConfigError) as caught:
        Scale(smallest=2, largest=1, narrowest=1.5, widest=1.2)
    assert caught.value.problems == [
        "smallest 2 is more than largest 1",
        "narrowest 1.5 is more than widest 1.2",
    ]


def test_shift_moves_every_side_by_itself_and_leaves_the_writing_alone():
    shapes = []
    for changed in results(Shift(margin=0.2, crop=0.04, probability=1)):
        assert extent(changed) == extent(word())
        assert ink(changed) == ink(word())
        shapes.append(changed.shape)
    heights, widths = np.array(shapes).T - np.array([[100], [200]])
    for added in (heights, widths):
        assert -8 <= added.min() < 10
        assert 22 < added.max() <= 40


def test_shift_can_cut_into_the_writing():
    image = np.full((100, 200), 20, np.uint8)
    sizes = [changed.shape for changed in results(Shift(margin=0, crop=0.1, probability=1), image)]
    assert all(80 <= height <= 100 and 180 <= width <= 200 for height, width in sizes)
    assert len(set(sizes)) > 10


def test_stroke_makes_strokes_thicker_and_thinner_but_leaves_them_in_place():
    amounts = []
    for changed in results(Stroke(size=3, probability=1)):
        assert changed.shape == word().shape
        assert np.abs(np.subtract(extent(changed), extent(word()))).max() <= 2
        amounts.append(ink(changed) / ink(word()))
    assert 0.5 < min(amounts) < 0.9
    assert 1.1 < max(amounts) < 1.5


def test_contrast_changes_levels_but_never_their_order():
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    changed = [result.ravel().astype(int) for result in results(Contrast(probability=1), image)]
    assert all((np.diff(levels) >= 0).all() for levels in changed)
    middles = [levels[128] for levels in changed]
    assert min(middles) < 105
    assert max(middles) > 150
    spans = [levels[192] - levels[64] for levels in changed]
    assert min(spans) < 115
    assert max(spans) > 140


def test_gamma_bends_the_levels_between_black_and_white():
    image = np.array([[0, 128, 255]], np.uint8)
    changed = results(Contrast(brightness=0, contrast=0, gamma=2, probability=1), image)
    assert {(result[0, 0], result[0, 2]) for result in changed} == {(0, 255)}
    middles = [result[0, 1] for result in changed]
    assert 64 <= min(middles) < 80
    assert 165 < max(middles) <= 181


def test_contrast_of_nothing_changes_nothing():
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for changed in results(Contrast(brightness=0, contrast=0, gamma=1, probability=1), image):
        np.testing.assert_array_equal(changed, image)


def test_elastic_bends_within_its_reach():
    image = np.full((100, 200), PAPER, np.uint8)
    image[49:52, :] = 20
    bends = []
    for changed in results(Elastic(strength=0.1, probability=1), image):
        assert changed.shape == (120, 220)
        rows = np.arange(120)
        line = [
            np.average(rows, weights=PAPER - changed[:, column].astype(float)) - 60
            for column in range(25, 195)
        ]
        assert np.abs(np.diff(line)).max() < 2  # no tears
        bends += [min(line), max(line)]
    assert -11 <= min(bends) < -5
    assert 5 < max(bends) <= 11
