"""How far the words of a searchable PDF lie over those that are written, as pdftotext sees them.

    python benchmarks/pdf_words.py iam FORMS --split aachen/validation --pages 20

Pages of a data set that knows where words are, read by a page pipeline and written as PDF. To each
written word belongs the box of `pdftotext -bbox` that covers it best. Its own box goes around its
ink; text is as high as its line, so the written one is also taken as high as the words of its line
are together.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
from lxml import etree

from ocrkit import Line, Page, load
from ocrkit.data.datasets import open_dataset
from ocrkit.parts.formats import save_page
from ocrkit.parts.options import PartSpec
from ocrkit.reading.preparing import loaded

Boxes = npt.NDArray[np.float64]
"""(n, 4): left, top, right and bottom, in pixels of the page."""
ENOUGH = 0.6


def boxes_in(pdf: Path, width: int) -> Boxes:
    """The boxes of the words of a PDF's page, which is so many pixels wide."""
    command = ["pdftotext", "-bbox", pdf, "-"]
    said = subprocess.run(command, capture_output=True, check=True).stdout
    (page,) = etree.fromstring(said).iter("{*}page")
    sides = ("xMin", "yMin", "xMax", "yMax")
    found = [[float(word.get(side)) for side in sides] for word in page.iter("{*}word")]
    return np.array(found).reshape(-1, 4) * width / float(page.get("width"))


def boxes_of(line: Line) -> Boxes:
    """Those of the words of a line whose places are known."""
    corners = [np.array(word.boundary) for word in line.words if word.boundary]
    return np.array([[*each.min(axis=0), *each.max(axis=0)] for each in corners]).reshape(-1, 4)


def best(boxes: Boxes, found: Boxes) -> list[float]:
    """Of each box the largest intersection over union with one that was found."""
    low = np.maximum(boxes[:, None, :2], found[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], found[None, :, 2:])
    both = np.prod(np.maximum(high - low, 0), axis=2)
    areas = [np.prod(each[:, 2:] - each[:, :2], axis=1) for each in (boxes, found)]
    overlaps = both / (areas[0][:, None] + areas[1][None] - both)
    return [float(each) for each in overlaps.max(axis=1, initial=0.0)]


def said_of(overlaps: list[list[float]]) -> str:
    """Of the words of each page."""
    each = np.concatenate(overlaps)
    medians = [float(np.median(page)) for page in overlaps]
    enough = (each >= ENOUGH).mean()
    return (
        f"median {np.median(each):.2f}, of the worst page {min(medians):.2f}; "
        f"{ENOUGH} and more: {enough:.1%} of the words"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("reader")
    parser.add_argument("root", nargs="?", help="the reader's own sample unless given")
    parser.add_argument("--split")
    parser.add_argument("--pages", type=int, default=20)
    parser.add_argument("--pipeline", default="iam-pages")
    arguments = parser.parse_args()
    part = PartSpec("reader", arguments.reader, {"level": "pages"})
    dataset = open_dataset(part, root=arguments.root, split=arguments.split)
    ink, high = [], []
    with load(arguments.pipeline, device="cpu") as pages, tempfile.TemporaryDirectory() as folder:
        for index in range(min(len(dataset), arguments.pages)):
            sample = dataset[index]
            image = loaded(sample.load)
            read, path = pages.read(image), Path(folder) / "page.pdf"
            if not isinstance(read, Page) or sample.page is None:
                raise SystemExit("a pipeline and a data set of pages are wanted")
            save_page(read, path, "pdf", image)
            found = boxes_in(path, read.width)
            of_page: list[Boxes] = [boxes_of(line) for line in sample.page.lines]
            of_page = [each for each in of_page if len(each)]
            ink.append([overlap for boxes in of_page for overlap in best(boxes, found)])
            for boxes in of_page:
                boxes[:, 1], boxes[:, 3] = boxes[:, 1].min(), boxes[:, 3].max()
            high.append([overlap for boxes in of_page for overlap in best(boxes, found)])
    sys.stdout.write(f"{sum(map(len, ink)):,} words on {len(ink)} pages\n")
    sys.stdout.write(f"boxes as high as their lines: {said_of(high)}\n")
    sys.stdout.write(f"boxes around the ink: {said_of(ink)}\n")


if __name__ == "__main__":
    main()
