"""The models that ship for pages: what finds lines, and the page pipelines that are made of it."""

from pathlib import Path

import cv2
import numpy as np
import pytest

import ocrkit
from networks import INSTALLED
from ocrkit.data.datasets import open_dataset
from ocrkit.images.grey import as_grey
from ocrkit.interfaces import Image
from ocrkit.page_pipeline import PagePipeline
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec
from ocrkit.pipelines.trained import weights_to_read_with
from ocrkit.publishing.verify import verify
from ocrkit.reading.pages import TURNED
from ocrkit.zoo.models import model
from ocrkit_pagexml.reader import PageXml

PAGE_PIPELINES = {"iam-pages": 0.25, "hands-pages": 0.45}
"""Page pipelines that ship, and the most that the CER of the drawn pages may be, which are English:
one of them has not learnt that language."""
READER = PartSpec("reader", "page-xml", {"level": "pages"})


@pytest.fixture(scope="module", params=PAGE_PIPELINES)
def pages(request: pytest.FixtureRequest) -> PagePipeline:
    found = ocrkit.load(request.param, device="cpu", threads=2)
    assert isinstance(found, PagePipeline)
    return found


@pytest.fixture(scope="module")
def letter() -> Image:
    """The drawn page of eight lines."""
    sample = open_dataset(READER, root=PageXml.sample_root(), split="all")
    return as_grey(next(each for each in sample if each.id == "letter").load())


def test_what_finds_lines_is_small_and_its_licence_is_that_of_its_pages() -> None:
    found = model("page-lines")
    assert found.manifest.licence == "CC-BY-4.0"
    assert "HTR-United" in found.manifest.terms
    assert found.weights.parameters < 1_000_000
    assert found.weights_path.stat().st_size < 2_000_000
    arrays, _ = weights_to_read_with(assemble(load_spec("page-lines")))
    assert sum(array.size for array in arrays.values()) == found.weights.parameters
    assert not any("copiste" in form for form in found.seen.trained | found.seen.chosen)


@pytest.mark.parametrize("name", ["page-lines", *PAGE_PIPELINES])
def test_it_is_the_same_on_all_backends(name: str) -> None:
    result = verify(name)
    assert result.passed, result.problems
    assert {"torch"} & set(INSTALLED) <= result.ran.keys()


def test_it_finds_reads_and_orders_what_is_on_the_drawn_pages(pages: PagePipeline) -> None:
    found: dict[str, ocrkit.Page] = {}
    truth: dict[str, ocrkit.Page] = {}
    for sample in open_dataset(READER, root=PageXml.sample_root(), split="all"):
        assert sample.path is not None
        assert sample.page is not None
        found[sample.id], truth[sample.id] = pages.read(sample.path), sample.page
    score = {}
    for name in ("line-f1", "page-cer"):
        metric = make_part(PartSpec("metric", name, {}))
        over, under = np.sum([metric.counts(truth[each], found[each]) for each in truth], axis=0)
        score[name] = over / under
    assert score["line-f1"] >= 0.9
    assert score["page-cer"] <= PAGE_PIPELINES[pages.spec.name]


def test_a_page_reads_the_same_alone_and_among_fifty(letter: Image, pages: PagePipeline) -> None:
    strips = [letter[80 * (n % 7) : 80 * (n % 7) + 90 + n, : 590 + n] for n in range(50)]
    together = [item.text for item in pages.read_many(strips)]
    assert any(together)
    assert [pages.read(strip).text for strip in strips[::7]] == together[::7]
    with ocrkit.load(pages.spec.name, device="cpu", threads=1, batch_size=5) as other:
        assert isinstance(other, PagePipeline)
        assert [item.text for item in other.read_many(strips)] == together


def test_pages_upside_down_and_on_their_side_are_read(letter: Image, pages: PagePipeline) -> None:
    upright = pages.read(letter)
    assert upright.turned == 0
    for turns, turned in ((2, 180), (3, 90)):
        page = pages.read(np.ascontiguousarray(np.rot90(letter, turns)))
        assert page.turned == turned
        assert len(page.lines) == len(upright.lines)


def test_a_page_of_more_lines_than_are_tried_upside_down_is_turned(
    letter: Image, pages: PagePipeline
) -> None:
    page = pages.read(np.ascontiguousarray(np.rot90(np.vstack([letter, letter]), 2)))
    assert page.turned == 180
    assert len(page.lines) > TURNED


def test_a_page_photographed_aslant_has_its_lines(letter: Image, pages: PagePipeline) -> None:
    """Turned by four degrees and seen from the side, on a dark table."""
    height, width = letter.shape
    whole = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    seen = np.array([[90, 40], [840, 95], [800, 960], [30, 880]], np.float32)
    onto = cv2.getPerspectiveTransform(whole, seen)
    size = (900, 1000)
    photograph = cv2.warpPerspective(letter, onto, size, flags=cv2.INTER_AREA, borderValue=(60,))
    page = pages.read(np.asarray(photograph, np.uint8))
    assert page.turned == 0
    assert len(page.lines) == len(pages.read(letter).lines)


def test_blank_pages_and_single_words(letter: Image, pages: PagePipeline) -> None:
    blank = np.full((900, 700), 250, np.uint8)
    word = blank.copy()
    word[300:350, 200:300] = letter[15:65, 115:215]
    nothing, single = pages.read_many([blank, word])
    assert nothing.error is None
    assert nothing.note == "no lines of writing were found on it"
    assert single.page is not None
    assert len(single.page.lines) == 1
    ((x, y), *_) = single.page.lines[0].baseline
    assert 180 < x < 260
    assert 310 < y < 350


def test_a_page_of_a_hundred_megapixels_is_refused_in_a_line(
    pages: PagePipeline, tmp_path: Path
) -> None:
    path = tmp_path / "large.png"
    cv2.imwrite(str(path), np.full((10_000, 10_000), 255, np.uint8))
    (item,) = pages.read_many([path])
    assert item.error == (
        f"{path}: 10,000 × 10,000 pixels; the limit is 50,000,000 pixels in all; scale it down"
    )


def test_print_that_cannot_be_read_is_kept_and_doubted(letter: Image, pages: PagePipeline) -> None:
    printed = np.full((700, 1000), 255, np.uint8)
    for row in range(80, 640, 75):
        text, font = "THE QUICK BROWN FOX JUMPS OVER", cv2.FONT_HERSHEY_COMPLEX
        cv2.putText(printed, text, (40, row), font, 1, (0,), 2, cv2.LINE_AA)
    written, item = pages.read_many([letter, printed])
    if pages.spec.name == "iam-pages":  # the letter is English
        assert (written.doubtful, written.note) == ((), "")
    assert item.page is not None
    assert len(item.page.lines) == 8
    assert all(line.text and line.baseline for line in item.page.lines)
    assert 2 * len(item.doubtful) > 8
    assert item.note == (
        f"{len(item.doubtful)} of 8 lines are doubtful: it may be print, or a hand that this "
        "model cannot read"
    )
