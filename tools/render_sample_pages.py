"""Draws the two pages that ship with the reader `page-xml`, out of the words that ship with `iam`.

    python tools/forms_from_words.py plugins/ocrkit_iam/sample --to FORMS
    python tools/render_sample_pages.py FORMS --to plugins/ocrkit_pagexml/sample

`letter` has two paragraphs by one hand, `columns` two columns by two. What is known of their lines
is written beside them as PAGE XML. The same words give the same pages, but for releases of OpenCV
that scale otherwise.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from lxml import etree
from PIL import Image as Pillow

from ocrkit import Line, Page, Region, Sample
from ocrkit.data.datasets import open_dataset
from ocrkit.images.grey import as_grey
from ocrkit.interfaces import Image
from ocrkit.parts.options import PartSpec

PAGES = {"letter": [["z00-000", "z00-010"]], "columns": [["z00-001"], ["z00-003"]]}
"""Pages by name: columns from left to right, each of forms from top to bottom."""
SCALE = 0.45
"""Of the forms' pixels, which have 300 to an inch."""
AROUND = 90
"""Pixels of a form around its writing."""
_NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"

Block = tuple[Image, Page]


def cut_out(sample: Sample, region: str) -> Block:
    """The part of a form that is written on, and its lines there, as one region."""
    image, page = as_grey(sample.load()), sample.page
    if page is None:
        raise SystemExit(f"{sample.id}: no page")
    points = np.array([point for line in page.lines for point in (*line.baseline, *line.boundary)])
    left, top = np.maximum(points.min(axis=0).astype(int) - AROUND, 0).tolist()
    right, bottom = (points.max(axis=0).astype(int) + AROUND).tolist()
    image = image[top:bottom, left:right]
    moved = placed(replace(page, lines=page.lines, regions=()), -left, -top, region)
    return image, moved


def placed(page: Page, x: float, y: float, region: str) -> Page:
    """The page with its lines so far to the right and down, in this region."""

    def move(line: Line) -> Line:
        baseline, boundary = (
            tuple((left + x, top + y) for left, top in points)
            for points in (line.baseline, line.boundary or _band(line))
        )
        name = f"{region}-{line.id.rpartition('-')[2]}"
        return replace(line, id=name, baseline=baseline, boundary=boundary, region=region, words=())

    return replace(page, lines=tuple(map(move, page.lines)))


def _band(line: Line) -> tuple[tuple[float, float], ...]:
    """The area between as far as a line reaches above and below its baseline."""
    upper, lower = (
        [(x, y + reach) for x, y in line.baseline]
        for reach in (-(line.above or 0.0), line.below or 0.0)
    )
    return (*upper, *reversed(lower))


def put_together(columns: Sequence[Sequence[Block]]) -> Block:
    """One page of blocks of writing, in columns."""
    paper = round(float(np.median(columns[0][0][0])))
    height = max(sum(image.shape[0] for image, _ in column) for column in columns)
    widths = [max(image.shape[1] for image, _ in column) for column in columns]
    sheet = np.full((height, sum(widths)), paper, np.uint8)
    lines: list[Line] = []
    x = 0
    for column, width in zip(columns, widths, strict=True):
        y = 0
        for image, page in column:
            sheet[y : y + image.shape[0], x : x + image.shape[1]] = image
            lines += placed(page, x, y, str(page.lines[0].region)).lines
            y += image.shape[0]
        x += width
    scaled = [replace(line, **_scaled(line)) for line in lines]
    size = (round(sheet.shape[1] * SCALE), round(sheet.shape[0] * SCALE))
    small = np.asarray(cv2.resize(sheet, size, interpolation=cv2.INTER_AREA), np.uint8)
    regions = tuple(Region(name) for name in dict.fromkeys(str(line.region) for line in lines))
    return small, Page("", size[0], size[1], lines=tuple(scaled), regions=regions)


def _scaled(line: Line) -> dict[str, tuple[tuple[float, float], ...]]:
    return {
        name: tuple((round(x * SCALE, 1), round(y * SCALE, 1)) for x, y in getattr(line, name))
        for name in ("baseline", "boundary")
    }


def page_xml(page: Page, image: str) -> bytes:
    """The page as PAGE XML."""
    root = etree.Element("PcGts", xmlns=_NAMESPACE)
    size = {"imageWidth": str(page.width), "imageHeight": str(page.height)}
    drawn = etree.SubElement(root, "Page", imageFilename=image, **size)
    for region in page.regions:
        lines = [line for line in page.lines if line.region == region.id]
        corners = np.array([point for line in lines for point in line.boundary])
        (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        block = etree.SubElement(drawn, "TextRegion", id=region.id)
        box = ((left, top), (right, top), (right, bottom), (left, bottom))
        etree.SubElement(block, "Coords", points=_points(box))
        for line in lines:
            element = etree.SubElement(block, "TextLine", id=line.id)
            etree.SubElement(element, "Coords", points=_points(line.boundary))
            etree.SubElement(element, "Baseline", points=_points(line.baseline))
            text = etree.SubElement(element, "TextEquiv")
            etree.SubElement(text, "Unicode").text = line.text
    data: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return data


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("forms", type=Path, help="what tools/forms_from_words.py wrote")
    parser.add_argument("--to", type=Path, required=True, help="the folder to write")
    asked = parser.parse_args()
    reader = PartSpec("reader", "iam", {"level": "pages"})
    forms = {sample.id: sample for sample in open_dataset(reader, root=asked.forms, split="all")}
    asked.to.mkdir(parents=True, exist_ok=True)
    for name, columns in PAGES.items():
        numbered = iter(range(1, 100))
        blocks = [[cut_out(forms[form], f"r{next(numbered)}") for form in each] for each in columns]
        image, page = put_together(blocks)
        Pillow.fromarray(image).quantize(32).save(asked.to / f"{name}.png", optimize=True)
        (asked.to / f"{name}.xml").write_bytes(page_xml(page, f"{name}.png"))


if __name__ == "__main__":
    main()
