"""fit-pad is the seed notebook's preprocessing to the pixel, or cut to the image; fit-height keeps
the width; ink is found."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrkit import ConfigError, ImageError, ImageSize
from ocrkit.interfaces import Preprocessor
from ocrkit_image.fit import FitHeight, FitPad

SIDES = st.integers(1, 300)
SEEDS = st.integers(0, 2**32 - 1)


def noise(height, width, seed=0, low=0, high=256):
    return np.random.default_rng(seed).integers(low, high, (height, width), np.uint8)


def writing(height, width, paper=240, ink=40, seed=0):
    """A scribble on slightly noisy paper that grows darker to one side."""
    rng = np.random.default_rng(seed)
    image = np.full((height, width), paper, np.uint8)
    points = np.column_stack(
        [np.linspace(width * 0.1, width * 0.9, 12), rng.uniform(height * 0.2, height * 0.8, 12)]
    )
    cv2.polylines(image, [points.astype(np.int32)], False, ink, max(1, height // 20))
    return np.clip(
        image + rng.normal(0, 4, image.shape) - np.linspace(0, 15, width), 0, 255
    ).astype(np.uint8)


def bilinear(image, height, width):
    """Bilinear scaling about the pixels' centres, not rounded."""

    def taps(size, length):
        centre = np.clip((np.arange(length) + 0.5) * (size / length) - 0.5, 0, size - 1)
        first = np.floor(centre).astype(int)
        return first, np.minimum(first + 1, size - 1), centre - first

    top, bottom, down = taps(image.shape[0], height)
    left, right, across = taps(image.shape[1], width)
    pixels = image.astype(float)
    rows = pixels[top] * (1 - down[:, None]) + pixels[bottom] * down[:, None]
    return rows[:, left] * (1 - across) + rows[:, right] * across


def notebook(image, height=32, width=128):
    """The notebook's steps, one after another, written down plainly."""
    rows, columns = image.shape
    if rows > height or columns > width:
        ratio = min(float(height) / rows, float(width) / columns)
        rows, columns = max(int(rows * ratio), 1), max(int(columns * ratio), 1)
        image = cv2.resize(image, (columns, rows))
    frame = np.empty((height, width), np.uint8)
    frame[:] = image[0, 0] if image[0, 0] > 230 else 230
    top, left = (height - rows) // 2, (width - columns) // 2
    for row in range(rows):
        for column in range(columns):
            frame[top + row, left + column] = image[row, column]
    return frame


# ------------------------------------------------------------------------------------------ fit-pad

ODD_SIZES = [
    (1, 1),
    (1, 500),
    (500, 1),
    (32, 128),
    (33, 128),
    (32, 129),
    (31, 127),
    (1, 128),
    (32, 1),
    (64, 256),
    (2, 5000),
]


@pytest.mark.parametrize(("height", "width"), ODD_SIZES)
def test_fit_pad_is_the_notebooks_on_odd_sizes(height, width):
    for image in (noise(height, width), noise(height, width, low=231), writing(height, width)):
        np.testing.assert_array_equal(FitPad()(image), notebook(image))


@given(SIDES, SIDES, SEEDS)
def test_fit_pad_is_the_notebooks_on_any_size(height, width, seed):
    image = noise(height, width, seed)
    fitted = FitPad()(image)
    assert fitted.dtype == np.uint8
    np.testing.assert_array_equal(fitted, notebook(image))


@given(SIDES, SIDES, st.integers(1, 70), st.integers(1, 300))
def test_fit_pad_is_the_notebooks_in_any_frame(height, width, frame_height, frame_width):
    image = noise(height, width)
    fit = FitPad(height=frame_height, width=frame_width)
    assert fit.output_size() == ImageSize(frame_height, frame_width)
    np.testing.assert_array_equal(fit(image), notebook(image, frame_height, frame_width))


@pytest.mark.parametrize(("height", "width"), [(33, 128), (32, 129), (100, 37), (77, 401)])
def test_fit_pad_shrinks_bilinearly(height, width):
    image = noise(height, width, low=200)
    ratio = min(32 / height, 128 / width)
    rows, columns = int(height * ratio), int(width * ratio)
    top, left = (32 - rows) // 2, (128 - columns) // 2
    inside = FitPad()(image)[top : top + rows, left : left + columns]
    np.testing.assert_allclose(inside, bilinear(image, rows, columns), atol=1)


def test_an_image_of_the_frames_size_stays_as_it_is():
    image = noise(32, 128)
    np.testing.assert_array_equal(FitPad()(image), image)


@given(SIDES, SIDES, st.integers(1, 70), st.integers(1, 300), st.integers(1, 12), st.data())
def test_fit_pad_with_a_width_that_varies_cuts_the_frame_to_the_image(
    height, width, frame_height, frame_width, multiple, data
):
    min_width = data.draw(st.integers(1, frame_width))
    image = noise(height, width)
    fit = FitPad(height=frame_height, width=frame_width, min_width=min_width, multiple=multiple)
    assert fit.output_size() == ImageSize(frame_height, None)
    fitted = fit(image)
    ratio = min(1, frame_height / height, frame_width / width)
    own = width if ratio == 1 else max(1, int(width * ratio))
    assert max(own, min_width) <= fitted.shape[1] <= frame_width
    assert fitted.shape[1] % multiple == 0 or fitted.shape[1] == frame_width
    assert fitted.shape[1] < max(own, min_width) + multiple
    first = (frame_width - own) // 2 - (
        fitted.shape[1] - own
    ) // 2  # both have the image in the middle
    whole = notebook(image, frame_height, frame_width)
    np.testing.assert_array_equal(fitted, whole[:, first : first + fitted.shape[1]])


def test_a_smallest_width_beyond_the_frame_is_refused():
    with pytest.raises(ConfigError, match="min_width 129 is more than width 128"):
        FitPad(min_width=129)


@pytest.mark.parametrize(
    ("corner", "margin"), [(0, 230), (229, 230), (230, 230), (231, 231), (255, 255)]
)
def test_the_margin_is_as_light_as_the_corner_and_at_least_230(corner, margin):
    image = np.full((10, 10), corner, np.uint8)
    fitted = FitPad()(image)
    assert fitted[0, 0] == fitted[-1, -1] == margin
    np.testing.assert_array_equal(fitted[11:21, 59:69], image)


# --------------------------------------------------------------------------------------- fit-height


@given(
    st.integers(1, 200),
    st.integers(1, 600),
    st.sampled_from([1, 4, 7]),
    st.sampled_from([1, 16, 30]),
)
def test_fit_height_gives_the_height_and_a_width_that_the_network_takes(
    height, width, multiple, min_width
):
    fit = FitHeight(multiple=multiple, min_width=min_width, max_width=16384)
    natural = max(1, round(width * 32 / height))
    if natural > 16000:
        return
    fitted = fit(noise(height, width))
    assert fit.output_size() == ImageSize(32, None)
    assert fitted.dtype == np.uint8
    assert fitted.shape[0] == 32
    assert fitted.shape[1] % multiple == 0
    assert max(natural, min_width) <= fitted.shape[1] < max(natural, min_width) + multiple


def test_fit_height_keeps_an_image_of_its_height_as_it_is():
    image = noise(32, 48)
    np.testing.assert_array_equal(FitHeight()(image), image)


@pytest.mark.parametrize("height", [8, 64, 320])
def test_fit_height_keeps_proportions(height):
    image = np.full((height, height * 4), 250, np.uint8)
    cv2.circle(image, (height * 2, height // 2), height // 4, 0, -1)
    dark = FitHeight()(image) < 128
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    assert dark.shape == (32, 128)
    assert abs(len(rows) - len(columns)) <= 2
    centre = (np.array([height // 2, height * 2]) + 0.5) * 32 / height - 0.5
    np.testing.assert_allclose([rows.mean(), columns.mean()], centre, atol=0.5)


def test_margins_of_fit_height_have_the_papers_level():
    image = np.full((32, 5), 201, np.uint8)
    image[8:24, 2] = 0
    fitted = FitHeight()(image)
    assert fitted.shape == (32, 16)
    np.testing.assert_array_equal(fitted[:, 5:10], image)
    assert (np.delete(fitted, range(5, 10), axis=1) == 201).all()


def test_fit_height_refuses_what_becomes_too_wide():
    assert FitHeight(max_width=128)(noise(32, 128)).shape == (32, 128)
    with pytest.raises(
        ImageError,
        match=(
            r"^1 × 500 pixels .* become 16,000 wide at height 32; the limit is max_width = "
            r"2,048; cut"
        ),
    ):
        FitHeight()(noise(1, 500))


def test_fit_height_refuses_widths_that_contradict_each_other():
    with pytest.raises(
        ConfigError, match="min_width 17, up to a multiple of 4, is more than max_width 18"
    ):
        FitHeight(min_width=17, max_width=18)


# ---------------------------------------------------------------------------------------------- ink


@pytest.mark.parametrize("part", [FitPad, FitHeight])
def test_light_ink_is_inverted(part):
    image = writing(50, 180)
    np.testing.assert_array_equal(part(ink="light")(255 - image), part()(image))


@pytest.mark.parametrize("part", [FitPad, FitHeight])
@given(
    height=st.integers(20, 120),
    width=st.integers(20, 300),
    paper=st.integers(150, 255),
    depth=st.integers(80, 150),
    seed=SEEDS,
)
def test_auto_finds_out_which_ink_it_is(part, height, width, paper, depth, seed):
    image = writing(height, width, paper, paper - depth, seed)
    np.testing.assert_array_equal(part(ink="auto")(image), part(ink="dark")(image))
    np.testing.assert_array_equal(part(ink="auto")(255 - image), part(ink="light")(255 - image))


def test_auto_knows_a_tight_crop_of_a_thick_letter():
    letter = np.full((40, 30), 235, np.uint8)
    cv2.circle(letter, (15, 20), 14, 30, 9)  # more ink than paper
    assert (letter < 128).mean() > 0.5
    np.testing.assert_array_equal(FitPad(ink="auto")(letter), FitPad()(letter))
    np.testing.assert_array_equal(FitPad(ink="auto")(255 - letter), FitPad()(letter))


def test_auto_leaves_an_even_image_alone():
    blank = np.full((20, 20), 90, np.uint8)
    np.testing.assert_array_equal(FitPad(ink="auto")(blank), FitPad()(blank))


# ----------------------------------------------------------------------------------------- as parts


@pytest.mark.parametrize(
    "part", [FitPad(ink="light"), FitPad(ink="auto"), FitHeight(ink="light"), FitHeight(ink="auto")]
)
def test_preprocessors_are_pure_functions(part):
    assert isinstance(part, Preprocessor)
    image = writing(50, 180)
    before = image.copy()
    first = part(image)
    first[:] = 0
    np.testing.assert_array_equal(image, before)
    assert part(image).any()
