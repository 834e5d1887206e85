"""What a page pipeline finds and reads on pages whose lines and texts are known, by the folder that
they are in; how that compares with the same lines cut by their true baselines; where the time goes.

    python benchmarks/pages.py iam-pages --data PAGES --split validation --threads 2
    python benchmarks/pages.py iam-pages --data PAGES --split validation --lines-only

PAGES is a folder as the pipeline's reader takes it; without it the reader's own sample is taken.
The tables are Markdown. Errors with true lines are of the same text model, told where every line
is, in its order: what is above them is the price of finding and ordering lines. Seconds are those
of one process that reads all pages; the first stages work on several pages at a time, so that
theirs add up to more than the time that passes. Memory is what a process of its own holds at
most that reads one photograph of 24 megapixels, the first page enlarged.
"""

import argparse
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

import ocrkit
from ocrkit import ImageError, Page, Skipped
from ocrkit.data.datasets import Dataset
from ocrkit.data.lines import with_heights
from ocrkit.images.grey import as_grey
from ocrkit.interfaces import Image
from ocrkit.page_pipeline import PagePipeline
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.pipelines.opened import make_parts
from ocrkit.pipelines.page_build import assemble_pages
from ocrkit.reading.finding import Finder
from ocrkit.reading.pages import PageReading

LINES = ("line-recall", "line-precision", "line-f1")
TEXTS = ("page-cer", "order-free-cer", "matched-cer", "bag-of-words-f1")
METRICS = {name: make_part(PartSpec("metric", name, {})) for name in (*LINES, *TEXTS)}
PIXELS = 24e6
ALL = "all"

Sums = dict[str, dict[str, list[float]]]
"""By folder and metric: numerator and denominator."""
Counts = dict[str, list[int]]
"""By folder: pages and true lines."""


def new_sums() -> Sums:
    return defaultdict(lambda: defaultdict(lambda: [0.0, 0.0]))


def new_counts() -> Counts:
    return defaultdict(lambda: [0, 0])


def add(
    sums: Sums, counted: Counts, truth: Page, read: Page, metrics: Sequence[str] = tuple(METRICS)
) -> None:
    """Adds a page, as it is and as it was read."""
    folders = {truth.id.partition("/")[0] if "/" in truth.id else ALL, ALL}
    for folder in folders:
        counted[folder] = [counted[folder][0] + 1, counted[folder][1] + len(truth.lines)]
    for name in metrics:
        counts = METRICS[name].counts(truth, read)
        for folder in folders:
            total = zip(sums[folder][name], counts, strict=True)
            sums[folder][name] = [sum(pair) for pair in total]


def opened(pipeline: str, threads: int, settings: list[str]) -> PagePipeline:
    pages = ocrkit.load(pipeline, settings, device="cpu", threads=threads)
    if not isinstance(pages, PagePipeline):
        raise SystemExit(f"{pipeline} reads no pages")
    return pages


def with_true_lines(pages: PagePipeline, dataset: Dataset, threads: int) -> Sums:
    """Scores of the text model where it is told where the lines are."""
    spec, sums = pages.spec, new_sums()
    cutter = assemble_pages(spec).cutter

    def cut() -> Iterator[Image]:
        for sample in dataset:
            assert sample.page is not None
            image = as_grey(sample.load())
            for line in with_heights(sample.page).lines:
                try:
                    yield cutter(image, line)
                except ImageError:
                    yield np.full((8, 8), 255, np.uint8)  # blank: nothing is read of it

    with ocrkit.load(_source(pages), device="cpu", threads=threads) as text:
        assert isinstance(text, ocrkit.Pipeline)
        texts = (item.text for item in text.read_many(cut()))
        for sample in dataset:
            assert sample.page is not None
            lines = tuple(replace(line, text=next(texts) or "") for line in sample.page.lines)
            truth = replace(sample.page, id=sample.id)
            add(sums, new_counts(), truth, replace(truth, lines=lines))
    return sums


def lines_alone(pages: PagePipeline, dataset: Dataset) -> None:
    """Scores of the lines that are found, without reading them."""
    parts = make_parts(pages.spec.segment, None)
    finder = Finder(parts.around, parts.open("cpu", 0).network if parts.has_network else None)
    sums, counted, seconds = new_sums(), new_counts(), 0.0
    for sample in dataset:
        assert sample.page is not None
        image = as_grey(sample.load())
        start = time.perf_counter()
        found = finder(image)
        seconds += time.perf_counter() - start
        add(sums, counted, replace(sample.page, id=sample.id), found, LINES)
    table(sums, {}, counted, LINES)
    print(f"\n{seconds / len(dataset):.3f} seconds a page to find them")


def _source(pages: PagePipeline) -> str:
    return str(pages.spec.table["text"]).removeprefix("zoo:")


def table(sums: Sums, true: Sums, counted: Counts, metrics: Sequence[str] = tuple(METRICS)) -> None:
    compared = [name for name in ("page-cer", "matched-cer") if true]
    heads = ["pages", "n", "lines", *metrics, *(f"{name}, true lines" for name in compared)]
    print("|", " | ".join(heads), "|")
    print("|---" * len(heads) + "|")
    for folder in sorted(sums, key=lambda name: (name == ALL, name)):
        cells = [str(each) for each in counted[folder]]
        for of, names in ((sums, metrics), (true, compared)):
            for name in names:
                over, under = of[folder][name]
                cells.append(f"{over / under:.3f}" if under else "")
        print("|", folder, "|", " | ".join(cells), "|")


def peak(pipeline: str, image: Image, threads: int, settings: list[str]) -> str:
    """What a process holds at most that reads an image, enlarged, in words."""
    factor = (PIXELS / image.size) ** 0.5
    size = (round(image.shape[1] * factor), round(image.shape[0] * factor))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "photograph.jpg"
        cv2.imwrite(str(path), cv2.resize(image, size, interpolation=cv2.INTER_CUBIC))
        more = [word for setting in settings for word in ("--set", setting)]
        command = [sys.executable, __file__, pipeline, "--threads", str(threads), *more]
        done = subprocess.run(
            [*command, "--photograph", str(path)], check=True, capture_output=True, text=True
        )
    return done.stdout.strip()


def held() -> int:
    """The most megabytes that this process has held. ``ru_maxrss`` would count what the one that
    started it held."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) >> 10


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("pipeline")
    parser.add_argument("--data", help="the folder with pages")
    parser.add_argument("--split")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--set", dest="settings", action="append", default=[])
    parser.add_argument("--lines-only", action="store_true", help="find lines, read nothing")
    parser.add_argument("--photograph", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    with opened(asked.pipeline, asked.threads, asked.settings) as pages:
        if asked.photograph:
            pages.read(asked.photograph)
            print(f"{held():,} MB at most for a photograph of {PIXELS / 1e6:.0f} megapixels")
            return
        dataset = pages.dataset(asked.data, asked.split, asked.limit)
        if asked.lines_only:
            lines_alone(pages, dataset)
            return
        sums, counted = new_sums(), new_counts()

        def listen(reading: PageReading | Skipped) -> None:
            if isinstance(reading, Skipped) or reading.sample.page is None:
                print(f"left out: {reading}", file=sys.stderr)
                return
            truth = replace(reading.sample.page, id=reading.sample.id)
            add(sums, counted, truth, reading.page)

        result = pages.evaluate(dataset=dataset, on_reading=listen)
        table(sums, with_true_lines(pages, dataset, asked.threads), counted)
        print("\n| stage | seconds a page |\n|---|---|")
        for field in fields(result.seconds):
            print(f"| {field.name} | {getattr(result.seconds, field.name) / counted[ALL][0]:.3f} |")
        print(
            f"\n{peak(asked.pipeline, as_grey(dataset[0].load()), asked.threads, asked.settings)}"
        )


if __name__ == "__main__":
    main()
