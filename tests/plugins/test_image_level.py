"""level makes paper white in any light, keeps ink, and leaves blank paper blank."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays

from ocrkit.data.datasets import open_dataset
from ocrkit.parts.options import PartSpec
from ocrkit_image.fit import FitPad
from ocrkit_image.level import Level

IMAGES = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=60))
HEIGHT, WIDTH = 90, 260


def word(ink=40, paper=230, height=HEIGHT, width=WIDTH):
    """Dark strokes, some of which touch the image's sides, on even paper."""
    image = np.full((height, width), paper, np.uint8)
    for x in range(0, width, width // 8):
        cv2.ellipse(image, (x, height // 2), (width // 20, height // 3), 0, 30, 330, ink, 4)
    cv2.line(image, (0, height * 2 // 3), (width, height // 2), ink, 3)
    return image


def lit(image, light):
    return np.rint(image * light).astype(np.uint8)


def soft_light(darkest):
    """From full light on the left to the darkest on the right, and a little darker below."""
    across, down = np.linspace(1, darkest, WIDTH), np.linspace(1, 0.9, HEIGHT)
    return across[None, :] * down[:, None]


def of_paper(image, like):
    """The image's pixels that are paper, and not beside a stroke."""
    strokes = cv2.dilate((like < 200).astype(np.uint8), np.ones((5, 5), np.uint8))
    return image[strokes == 0]


@given(IMAGES)
def test_any_image_keeps_its_size_and_stays_as_it_is(image):
    before = image.copy()
    image.flags.writeable = False
    levelled = Level()(image)
    assert (levelled.dtype, levelled.shape) == (np.uint8, image.shape)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (2, 3), (3000, 40)])
@pytest.mark.parametrize("window", [0.01, 0.4, 2.0])
def test_even_paper_of_any_size_becomes_white(shape, window):
    assert (Level(window=window)(np.full(shape, 120, np.uint8)) == 255).all()


@pytest.mark.parametrize("darkest", [0.7, 0.55, 0.4])
def test_uneven_light_changes_next_to_nothing(darkest):
    even = word(paper=255)
    uneven = Level()(lit(even, soft_light(darkest)))
    assert of_paper(uneven, word()).min() >= 250
    assert np.abs(even.astype(int) - uneven).mean() < 3
    strokes = word() == 40
    assert abs(float(even[strokes].mean()) - uneven[strokes].mean()) < 8


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_the_edge_of_a_hard_shadow_does_not_become_a_stroke(place):
    light = np.where(np.arange(WIDTH) < WIDTH * place, 1.0, 0.55) * np.ones((HEIGHT, 1))
    levelled = Level()(lit(word(), light))
    assert of_paper(levelled, word()).min() >= 250
    assert levelled[word() == 40].max() < 130


def test_grey_paper_meets_the_margin_of_fit_pad_without_an_edge():
    """The margin is at least 230: beside darker paper its edge was read as an l or an I."""
    blank = lit(np.full((HEIGHT, WIDTH), 200, np.uint8), soft_light(0.6))
    assert np.ptp(FitPad()(blank)) > 60
    assert np.ptp(FitPad()(Level()(blank))) <= 5


@pytest.mark.parametrize("paper", [100, 170, 250])
def test_noise_on_blank_paper_is_not_made_writing(paper):
    rng = np.random.default_rng(0)
    blank = rng.normal(paper, 3, (100, 300)).clip(0, 255).astype(np.uint8)
    levelled = Level()(blank)
    assert np.percentile(levelled, 1) > 230
    assert levelled.std() < 6


def test_a_black_image_is_not_lightened_to_paper():
    assert Level()(np.zeros((60, 200), np.uint8)).max() == 0


def test_solid_strokes_wider_than_the_window_stay_much_darker_than_paper():
    image = np.full((100, 400), 225, np.uint8)
    image[10:90, 60:140] = 40
    assert Level()(image)[10:90, 60:140].max() < 130


def test_a_full_stop_that_fills_its_image_stays():
    image = np.full((12, 12), 230, np.uint8)
    cv2.circle(image, (6, 6), 5, 40, -1)
    levelled = Level()(image)
    assert levelled[6, 6] < 60
    assert levelled[0, 0] >= 230


def test_what_is_levelled_or_light_all_over_stays_as_it_is():
    once = Level()(lit(word(), soft_light(0.5)))
    np.testing.assert_array_equal(Level()(once), once)
    np.testing.assert_array_equal(Level()(word(paper=230)), word(paper=230))
    np.testing.assert_array_equal(Level()(255 - word(paper=230)), 255 - word(paper=230))


@pytest.mark.parametrize("darkest", [1.0, 0.6])
def test_light_writing_on_dark_ground_is_levelled_and_stays_light(darkest):
    image = lit(word(), soft_light(darkest))
    np.testing.assert_allclose(Level()(255 - image), 255 - Level()(image).astype(int), atol=1)
    chalk = lit(np.where(word() == 40, 240, 110), soft_light(darkest))
    levelled = Level()(chalk)
    assert np.median(levelled) < 30
    assert levelled[word() == 40].min() > 60
    np.testing.assert_array_equal(FitPad(ink="auto")(levelled), FitPad(ink="light")(levelled))


def test_scans_are_hardly_changed():
    samples = open_dataset(PartSpec("reader", "iam", {}))
    changes = [np.abs(Level()(each.load()).astype(int) - each.load()).max() for each in samples]
    assert np.mean(np.array(changes) == 0) > 0.8
    assert np.percentile(changes, 95) < 25
