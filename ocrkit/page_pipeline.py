"""Page pipelines with their weights, ready to read pages."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

import ocrkit
from ocrkit.data.datasets import Dataset, open_dataset
from ocrkit.data.inputs import InputPage, input_pages
from ocrkit.errors import ImageError
from ocrkit.images.sources import Source, pixels_of
from ocrkit.loaded import LoadedPipeline
from ocrkit.parts.codec import Alphabet
from ocrkit.parts.page import Page
from ocrkit.parts.values import Sample, Skipped
from ocrkit.pipelines.description import described_pages
from ocrkit.pipelines.page_build import assemble_pages
from ocrkit.pipelines.page_spec import PageSpec
from ocrkit.pipelines.trained import Trained
from ocrkit.reading.items import is_one
from ocrkit.reading.page_readings import PageReading, PageSeconds
from ocrkit.reading.pages import PageReader
from ocrkit.reading.values import Seconds
from ocrkit.scoring.evaluate import evaluate_pages
from ocrkit.scoring.rules import Outcome, Rules
from ocrkit.scoring.scores import Scorer


@dataclass(frozen=True, slots=True)
class PageItem:
    """What was read from one page, or why nothing could be."""

    id: str
    page: Page | None
    error: str | None = None
    doubtful: tuple[str, ...] = ()
    """The ids of the lines of which the model is not sure, or that it could not read."""
    note: str = ""
    """What is odd about the page, in one line; most have none."""

    @property
    def text(self) -> str | None:
        """What is written; None where the page could not be read."""
        return self.page.text if self.page else None


class PagePipeline(LoadedPipeline[PageReader, PageReading]):
    """A page pipeline with the weights of those that it names, ready to read. Made by
    :func:`ocrkit.load`.

    It may be used by several threads, and in processes that are forked. Pickled or copied, it goes
    as what it was loaded by, and is loaded there anew. It ends with its last reference, with
    :meth:`close`, or with a ``with`` block around it.
    """

    spec: PageSpec
    recipe: PageRecipe
    """All that it was loaded by; what goes to another process in its place."""

    def __init__(self, reader: PageReader, recipe: PageRecipe) -> None:
        super().__init__(reader)
        self.recipe = recipe
        self.spec = reader.assembly.spec
        self.backend = reader.text.around.backend_name
        self.device = reader.text.network.device
        self._weights = reader.weights

    def close(self) -> None:
        """Lets go of the networks, their memory and their threads. What is being read is read to
        its end; what comes after that raises OcrkitError. Closing twice does nothing."""
        self._open = None
        self._weights = tuple(replace(each, arrays=None) for each in self._weights)
        gc.collect()  # as ocrkit.Pipeline.close has it

    def __reduce__(self) -> tuple[Callable[[PageRecipe], PagePipeline], tuple[PageRecipe]]:
        return PageRecipe.load, (self.recipe,)

    def may_go_on_after(self, count: int) -> bool:
        """Whether so many pages of an interrupted run may be kept; see
        :class:`ocrkit.scoring.result_writer.ResultFile`."""
        return self._engine.may_go_on_after(count)

    @property
    def used(self) -> tuple[Trained, ...]:
        """What is known of the weights of what finds the lines, if it has a network, and of what
        reads them."""
        return self._weights

    @property
    def versions(self) -> dict[str, str]:
        """Versions of ocrkit, NumPy and the backends' frameworks."""
        opened = filter(None, (self._engine.segment, self._engine.text))
        engines = [each.around.backend.versions() for each in opened]
        return {"ocrkit": ocrkit.__version__, "numpy": np.__version__} | {
            name: version for each in engines for name, version in each.items()
        }

    def read(self, source: Source | InputPage) -> Page:
        """Reads one page; sources are as for :meth:`ocrkit.Pipeline.read`, and as :meth:`read_many`
        says, if they are of one page. Its id is the path, or ``0``. Safe from several threads.

        Raises ImageError where the page cannot be read, and where there are several.
        """
        first, *more = _samples([source], 0)
        if more:
            raise ImageError(f"{source}: {1 + len(more):,} pages; read_many() reads them all")
        return self._engine.read(first).page

    def read_many(
        self,
        sources: Iterable[Source | InputPage],
        *,
        after: int = 0,
        apart: bool = False,
        alternatives: int = 1,
    ) -> Iterator[PageItem]:
        """Reads pages, in order; one that cannot be read is an item with its error. ``after``: so
        many were read before, in a run that was interrupted.

        A path may be that of a PDF document or a TIFF file, all of whose pages are read, with ids
        like ``scan.pdf#3``; or of ALTO, PAGE or another file of a format that is read, whose lines
        are read in the image beside it.

        Lines of several pages are read together, 8 pages at most, and the next ones are looked at
        meanwhile: some thirty pages' lines are held at most, but the pixels of few pages.
        ``apart``: every page by itself, so that what is read of it does not depend on the others,
        not even in the last digits. ``alternatives``: lines say so many of their best texts at
        most, where the decoder can; the first may then be another than it reads unasked. Raises
        TypeError for a single source.
        """
        if is_one(sources):
            raise TypeError(
                f"read_many reads several images, not {type(sources).__name__}; read() reads one"
            )
        readings = self._engine.listing(alternatives).readings(
            _samples(sources, after), PageSeconds(), after, apart=apart
        )
        return map(_item, readings)

    @property
    def _alphabet(self) -> Alphabet:
        return self._engine.text.around.alphabet

    def dataset(
        self, data: str | Path | None = None, split: str | None = None, limit: int | None = None
    ) -> Dataset:
        return open_dataset(self.spec.reader, root=data, split=split, limit=limit)

    def _scored(
        self,
        dataset: Dataset,
        on_reading: Callable[[PageReading | Skipped], None],
        earlier: Iterable[Outcome | Skipped],
        rules: Rules,
    ) -> tuple[Scorer, list[Skipped], Seconds]:
        return evaluate_pages(self._engine, dataset, on_reading, earlier, rules)

    def _described(self, scored: Dataset | None) -> dict[str, Any]:
        return described_pages(self._engine.assembly, scored=scored)


def _samples(sources: Iterable[Source | InputPage], after: int) -> Iterator[Sample]:
    """The pages of all sources."""
    for number, source in enumerate(sources, start=after):
        if isinstance(source, InputPage):
            yield source.sample()
        elif isinstance(source, str | PathLike):
            yield from (page.sample() for page in input_pages(str(source)))
        else:
            yield Sample(str(number), None, None, partial(pixels_of, source))


def _item(reading: PageReading | Skipped) -> PageItem:
    if isinstance(reading, Skipped):
        named = reading.reason.startswith(f"{reading.id}: ")
        return PageItem(
            reading.id, None, reading.reason if named else f"{reading.id}: {reading.reason}"
        )
    return PageItem(reading.sample.id, reading.page, None, reading.doubtful, reading.note)


@dataclass(frozen=True, slots=True)
class PageRecipe:
    """All that a page pipeline is loaded by; what goes to another process in its place."""

    spec: PageSpec
    backend: str | None
    device: str
    threads: int
    batch_size: int

    def load(self) -> PagePipeline:
        """The pipeline; see :func:`ocrkit.load`."""
        assembly = assemble_pages(self.spec, self.backend)
        segment = None
        if assembly.segment.has_network:
            segment = assembly.segment.open(self.device, self.threads)
        text = assembly.text.open(self.device, self.threads)
        return PagePipeline(
            PageReader(assembly, segment, text, self.threads, self.batch_size), self
        )
