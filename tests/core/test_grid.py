"""Pictures of many images with titles."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFont

from ocrkit.errors import OcrkitError
from ocrkit.reports.grid import draw_grid


def draw(path: Path, images: list[np.ndarray], titles: list[str], columns: int = 2) -> np.ndarray:
    draw_grid(images, titles, columns, path)
    return np.array(Image.open(path))


def grey(value: int, height: int = 40, width: int = 128) -> np.ndarray:
    return np.full((height, width), value, np.uint8)


def test_images_stand_row_by_row_in_reading_order(tmp_path: Path) -> None:
    page = draw(tmp_path / "grid.png", [grey(value) for value in (40, 80, 120)], ["", "", ""])
    centres = [np.argwhere(page == value).mean(axis=0) for value in (40, 80, 120)]
    assert centres[0][0] == centres[1][0] < centres[2][0]
    assert centres[0][1] == centres[2][1] < centres[1][1]
    assert [(page == value).sum() for value in (40, 80, 120)] == [80 * 256] * 3, (
        "enlarged twice, which fills the box"
    )


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3000, 20), (400, 900)])
def test_any_shape_fits_its_box(tmp_path: Path, shape: tuple[int, int]) -> None:
    page = draw(tmp_path / "grid.png", [grey(0, *shape)], [""])
    ink = np.argwhere(page == 0)
    height, width = np.ptp(ink, axis=0) + 1
    assert height <= 80
    assert width <= 256
    if min(shape) > 20:
        assert width / height == pytest.approx(shape[1] / shape[0], rel=0.05)


def test_every_title_is_drawn_above_its_image(tmp_path: Path) -> None:
    page = draw(tmp_path / "grid.png", [grey(200), grey(100)], ["truth | prediction", "x"])
    for value in (200, 100):
        rows, columns = np.nonzero(page == value)
        title = page[rows.min() - 20 : rows.min(), columns.min() : columns.max()]
        assert (title < 100).sum() > 10


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
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        draw_grid([grey(0), grey(0)], ["one"], 2, tmp_path / "grid.png")
    with pytest.raises(OcrkitError, match=r"nowhere/grid\.png: cannot be written"):
        draw_grid([grey(0)], [""], 1, tmp_path / "nowhere" / "grid.png")
    assert not list(tmp_path.iterdir())
