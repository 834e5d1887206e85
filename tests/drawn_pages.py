"""Pages of the words that ship with ocrkit, which a model of the zoo reads."""

from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from ink_rows import PLUGIN, SEGMENT
from ocrkit import read_image

MODEL = "zoo:iam-words-resnet"


@cache
def words() -> dict[str, np.ndarray]:
    """Pictures of words by their text, grey uint8 (H, W), in which dark is ink."""
    root = Path(str(files("ocrkit_iam"))) / "sample"
    found = {}
    for row in (root / "ascii" / "words.txt").read_text().splitlines():
        if not row.startswith("#"):
            name, *_, text = row.split()
            folder = root / "words" / name[:3] / name[:7]
            found[text] = read_image(folder / f"{name}.png")
    return found


def page(
    placed: Iterable[tuple[str, int, int]], height: int = 900, width: int = 1200
) -> np.ndarray:
    """Grey pixels uint8 (height, width) with words, each with its upper left corner."""
    image = np.full((height, width), 255, np.uint8)
    for word, x, y in placed:
        pixels = words()[word]
        part = image[y : y + pixels.shape[0], x : x + pixels.shape[1]]
        np.minimum(part, pixels, out=part)
    return image


def column(
    texts: Sequence[str], x: int = 60, y: int = 60, step: int = 100
) -> list[tuple[str, int, int]]:
    """The words one above the other."""
    return [(text, x, y + step * number) for number, text in enumerate(texts)]


def recipe(name: str, segment: str, text: str, metric: str = "page-cer") -> str:
    """A page pipeline's file, of what finds lines and what reads them."""
    return f"""
schema = 1
task = "page"
name = "{name}"
summary = "Drawn pages, read"
segment = "{segment}"
text = "{text}"

[order]
use = "top-down"

[reader]
use = "page-xml"
level = "pages"

[[metrics]]
use = "{metric}"
"""


def written(folder: Path, text: Path | str = MODEL) -> Path:
    """The file of a page pipeline, beside that of the pipeline which finds its lines."""
    (folder / "rows.toml").write_text(SEGMENT)
    path = folder / "pages.toml"
    path.write_text(recipe("pages", "rows.toml", str(text), "cer"))
    return path


__all__ = ["PLUGIN", "column", "page", "recipe", "words", "written"]
