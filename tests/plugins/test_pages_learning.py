"""What a network learns of a page: maps of its lines, wherever augmentation has moved them."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrkit import ConfigError, ImageSize, Line, Page, Region, Sample, Word
from ocrkit.interfaces import PlannedPart, PointMap
from ocrkit_pages.crop import PageCrop
from ocrkit_pages.fit import FitPage
from ocrkit_pages.maps import MAPS, Truth, drawn, inverse, truth_of
from ocrkit_pages.network import BaselineNet
from ocrkit_pages.objective import Pixels

BASELINE, ENDS, REGIONS, WORDS, ABOVE, BELOW = range(len(MAPS))


def same(points: np.ndarray) -> np.ndarray:
    return points


def learnt(page: Page, to_source: PointMap = same, size: tuple[int, int] = (256, 512)):
    return drawn(truth_of(page, complete=True), to_source, size)


def page_of(*lines: Line, regions: tuple[Region, ...] = ()) -> Page:
    return Page("page", 512, 256, lines=lines, regions=regions)


LEVEL = Line("1", ((102, 130), (402, 130)), above=24, below=8)


def test_a_baseline_is_one_row_with_a_softer_one_on_either_side() -> None:
    maps, known = learnt(page_of(LEVEL))
    row = 130 // 4
    assert maps[BASELINE, row - 2 : row + 3, 60].tolist() == pytest.approx([0, 0.4, 1, 0.4, 0])
    assert set(np.flatnonzero(maps[BASELINE, row] == 1)) == set(range(102 // 4, 402 // 4 + 1))
    assert maps[ENDS, row, [25, 100]].tolist() == [1, 1]
    assert not maps[ENDS, :, 40:90].any()
    assert maps[ABOVE, row, 60] * 16 == pytest.approx(24)
    assert maps[BELOW, row, 60] * 16 == pytest.approx(8)
    assert np.array_equal(known[ABOVE] > 0, maps[BASELINE] > 0)
    assert known[[BASELINE, ENDS]].all()


def test_what_nobody_has_said_is_not_learnt() -> None:
    _, known = learnt(page_of(LEVEL))
    assert not known[[REGIONS, WORDS]].any()
    box = ((100, 100), (200, 100), (200, 140), (100, 140))
    told = Line("1", LEVEL.baseline, above=24, below=8, words=(Word("to", box),))
    maps, known = learnt(page_of(told, regions=(Region("r", boundary=box),)))
    assert known[[REGIONS, WORDS]].all()
    assert maps[REGIONS, 25, 30] == 1
    assert maps[REGIONS, 30, 38] == 0
    # The sides move in by 100 · 40 · (1 − 0.4²) / 280 = 12 pixels: 76 × 16 are left.
    assert maps[WORDS].sum() * 16 == pytest.approx(76 * 16, rel=0.35)
    assert maps[WORDS, 120 // 4, 150 // 4] == 1


def test_of_an_incomplete_page_only_what_is_near_its_lines_is_learnt() -> None:
    truth = truth_of(page_of(LEVEL), complete=False)
    _, known = drawn(truth, same, (256, 512))
    near = np.flatnonzero(known[BASELINE, :, 60]) * 4
    assert near.min() == pytest.approx(130 - 32, abs=8)
    assert near.max() == pytest.approx(130 + 32, abs=8)
    sample = Sample(
        "wills/7/a", None, None, lambda: np.zeros((1, 1), np.uint8), page=page_of(LEVEL)
    )
    for folders, complete in (((), True), (("wills/",), False), (("letters/",), True)):
        found = Pixels(incomplete=folders).target(sample, None)
        assert found is not None
        assert found.complete is complete


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    start=st.tuples(st.integers(50, 250), st.integers(50, 950)),
    end=st.tuples(st.integers(500, 750), st.integers(50, 950)),
)
def test_lines_move_with_the_pixels_of_a_crop(
    seed: int, start: tuple[int, int], end: tuple[int, int]
) -> None:
    """A line that is drawn in ink is learnt where its ink is in the crop."""
    page = np.full((1000, 800), 255, np.uint8)
    cv2.line(page, start, end, (0,), 9, cv2.LINE_AA)
    crop, to_source = PageCrop(size=256).moved(page, np.random.default_rng(seed))
    points = np.array([start, end], np.float64) + 0.5
    truth = Truth([points], [20.0], [10.0], None, None, True)
    maps, _ = drawn(truth, to_source, crop.shape)
    ink = cv2.resize(crop, (64, 64), interpolation=cv2.INTER_AREA) < 250
    line = maps[BASELINE] == 1
    grown = cv2.dilate(ink.astype(np.uint8), np.ones((3, 3), np.uint8))
    near = cv2.dilate(line.astype(np.uint8), np.ones((9, 9), np.uint8))
    inner = np.s_[8:-8, 8:-8]  # of what is cut by the crop's side, ink may be seen without its line
    assert grown[inner][line[inner]].all()
    assert near[inner][ink[inner]].all()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_points_are_found_back_through_a_perspective(seed: int) -> None:
    rng = np.random.default_rng(seed)
    _, to_source = PageCrop(size=512).moved(np.full((1000, 800), 255, np.uint8), rng)
    points = rng.uniform(0, 512, (20, 2))
    found = inverse(to_source, to_source(points), (512, 512))
    np.testing.assert_allclose(found, points, atol=0.01)


def test_a_page_is_shrunk_and_filled_up_with_paper() -> None:
    page = np.full((2000, 1500), 200, np.uint8)
    fit = FitPage(longest=1000)
    fitted = fit(page)
    assert fitted.shape == (1024, 768)
    assert (fitted == 200).all()
    assert fit.to_source(page)(np.array([[750.0, 1000.0]])).tolist() == [[1500.0, 2000.0]]
    assert fit.scaled(1.5)(page).shape == (1504, 1152)
    assert FitPage(longest=4000)(page).shape == (2016, 1504)
    assert fit.output_size() == ImageSize(None, None)


def test_crops_of_small_pages_show_all_of_them_and_paper() -> None:
    page = np.full((100, 80), 180, np.uint8)
    page[40:60, 30:50] = 0
    crops = [PageCrop(size=512)(page, np.random.default_rng(seed)) for seed in range(20)]
    assert all(crop.shape == (512, 512) for crop in crops)
    assert sum(crop.min() < 90 for crop in crops) > 15


def test_sizes_that_do_not_fit_are_refused() -> None:
    net = BaselineNet()
    assert net.output_size(ImageSize(None, None)) == ImageSize(None, None, 6)
    assert net.output_size(ImageSize(512, 768)) == ImageSize(128, 192, 6)
    for size in (ImageSize(500, 512), ImageSize(512, 512, 3)):
        with pytest.raises(ConfigError):
            net.output_size(size)
    with pytest.raises(ConfigError, match="gives 4 maps; expected 6"):
        Pixels().plan({"model": PlannedPart(BaselineNet(maps=4), ImageSize(None, None))}, None)
    with pytest.raises(ConfigError, match="2 widths and 1 numbers of blocks"):
        BaselineNet(widths=(8, 16), blocks=(1,))
