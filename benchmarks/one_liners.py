"""Pages that are one line each, a pipeline that reads them for next to nothing, and how often each
was read: what is left is the work of what has them read."""

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from scale import _tiny

_PAGES = """
schema = 1
task = "page"
name = "one-liners"
segment = "one-line.toml"
text = "tiny.toml"
[order]
use = "top-down"
[reader]
use = "page-xml"
level = "pages"
[[metrics]]
use = "cer"
"""
_ONE_LINE = """
schema = 1
task = "segment"
name = "one-line"
[reader]
use = "page-xml"
level = "pages"
[preprocessor]
use = "fit-height"
height = 32
[segmenter]
use = "one-line"
"""


def draw_pages(here: Path, count: int) -> tuple[Path, Path]:
    """A folder of pages, a thousand in each folder of it, and the pipeline that reads them."""
    _tiny(here, 50.0)  # what is read with doubt is read upside down too
    (here / "one-line.toml").write_text(_ONE_LINE, "utf-8")
    (here / "pages.toml").write_text(_PAGES, "utf-8")
    rng, folder = np.random.default_rng(1), here / "pages"
    for number in range(count):
        image = np.full((32, 96), 255, np.uint8)
        at = int(rng.integers(4, 40))
        cv2.putText(image, f"{number}", (at, 24), 0, 0.5, (0,), 1)
        bits = np.unpackbits(np.frombuffer(number.to_bytes(4, "big"), np.uint8))
        image[0, :32] = 255 * (1 - bits)
        path = folder / f"{number // 1000:03}" / f"{number:06}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), image)
    return folder, here / "pages.toml"


def times_read(logs: Path) -> Counter[int]:
    """How often each page was looked at since this was asked last."""
    counts: Counter[int] = Counter()
    for log in logs.iterdir():
        counts.update(map(int, log.read_text("utf-8").split()))
        log.unlink()
    return counts
