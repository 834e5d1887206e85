"""Pictures of many images with titles."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFont

from ocrkit.errors import OcrkitError
from ocrkit.reports.grid import Cell, Line, draw_grid


def draw(path: Path, images: list[np.ndarray], titles: list[str], columns: int = 2) -> np.ndarray:
    cells = [Cell(image, [Line(text)]) for image, text in zip(images, titles, strict=True)]
    draw_grid(cells, columns, path)
    return grey_of(path)


def grey_of(path: Path) -> np.ndarray:
    return np.array(Image.open(path).convert("L"))


def grey(value: int, height: int = 40, width: int = 128) -> np.ndarray:
    return np.full((height, width), value, np.uint8)


def test_images_stand_row_by_row_in_reading_order(tmp_path: Path) -> None:
    page = draw(tmp_path / "grid.png", [grey(value) for value in (40, 80, 120)], ["", "", ""])
    centres = [np.argwhere(page == value).mean(axis=0) for value in (40, 80, 120)]
    assert centres[0][0] == centres[1][0] < centres[2][0]
    assert centres[0][1] == centres[2][1] < centres[1][1]
    sizes = [np.ptp(np.argwhere(page == value), axis=0) + 1 for value in (40, 80, 120)]
    assert [tuple(size) for size in sizes] == [(80, 256)] * 3, "enlarged twice, which fills the box"


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3000, 20), (400, 900)])
def test_any_shape_fits_its_box(tmp_path: Path, shape: tuple[int, int]) -> None:
    page = draw(tmp_path / "grid.png", [grey(0, *shape)], [""])
    ink = np.argwhere(page == 0)
    height, width = np.ptp(ink, axis=0) + 1
    assert height <= 80
    assert width <= 256
    if min(shape) > 20:
        assert width / height == pytest.approx(shape[1] / shape[0], rel=0.05)


def test_every_text_is_drawn_below_its_image(tmp_path: Path) -> None:
    page = draw(tmp_path / "grid.png", [grey(200), grey(100)], ["a long title", "x"])
    for value in (200, 100):
        rows, columns = np.nonzero(page == value)
        title = page[rows.max() + 1 : rows.max() + 22, columns.min() : columns.max()]
        assert (title < 100).sum() > 10


def test_right_and_wrong_are_told_apart_by_colour_and_by_mark(tmp_path: Path) -> None:
    path = tmp_path / "grid.png"
    draw_grid(
        [Cell(grey(255), [Line("l", "right")]), Cell(grey(255), [Line("l", "wrong")])], 1, path
    )
    page = np.array(Image.open(path)).astype(int)
    green, red = page[..., 1] - page[..., 0] > 60, page[..., 0] - page[..., 1] > 60
    assert green.sum() > 20
    assert red.sum() > 20
    shapes = [np.ptp(np.argwhere(colour), axis=0).tolist() for colour in (green, red)]
    assert shapes[0] != shapes[1], "a tick and a cross"
    assert np.argwhere(green)[:, 0].max() < np.argwhere(red)[:, 0].min()


def test_a_heading_and_ids_are_drawn(tmp_path: Path) -> None:
    path = tmp_path / "grid.png"
    draw_grid([Cell(grey(77), [], "a01-000u-00-00")], 1, path, heading=["iam-crnn"])
    page = grey_of(path)
    rows = np.nonzero(page == 77)[0]
    assert (page[: rows.min()] < 100).sum() > 10, "the heading"
    assert (page[rows.max() + 12 :] < 200).sum() > 30, "the id"


@pytest.mark.parametrize(
    "title", ["W" * 500, "ein Wörtchen", "Ж 漢 \n\t\x00 \U0001f600", "שלום", ""]
)
def test_any_title_leaves_room_for_the_images(tmp_path: Path, title: str) -> None:
    page = draw(tmp_path / "grid.png", [grey(77), grey(99)], [title, "short"])
    assert (page == 77).sum() >= 80 * 256
    assert (page == 99).sum() >= 80 * 256


def test_letters_beyond_ascii_are_drawn_as_themselves(tmp_path: Path) -> None:
    try:
        ImageFont.truetype("DejaVuSans.ttf", 16)
    except OSError:
        pytest.skip("this system has no font with such letters")
    acute, grave = (draw(tmp_path / "grid.png", [grey(255)], [letter]) for letter in ("é", "è"))
    assert (acute != grave).any()


def test_the_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises((TypeError, ValueError)):
        draw_grid([Cell(np.zeros((2, 2, 2, 2), np.uint8), [])], 2, tmp_path / "grid.png")
    with pytest.raises(OcrkitError, match=r"nowhere/grid\.png: cannot be written"):
        draw_grid([Cell(grey(0), [])], 1, tmp_path / "nowhere" / "grid.png")
    assert not list(tmp_path.iterdir())
