"""Pipelines with their weights, ready to read images and to be scored."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import ocrkit
from ocrkit.data.datasets import Dataset, open_dataset
from ocrkit.errors import OcrkitError
from ocrkit.images.sources import Source, pixels_of
from ocrkit.loaded import LoadedPipeline
from ocrkit.page_pipeline import PagePipeline, PageRecipe
from ocrkit.parts.codec import Alphabet
from ocrkit.parts.protocols import Decoder
from ocrkit.parts.registry import registry
from ocrkit.parts.values import Decoded, Skipped
from ocrkit.pipelines.description import described_parts
from ocrkit.pipelines.file import read_recipe, read_spec
from ocrkit.pipelines.opened import make_parts
from ocrkit.pipelines.page_spec import PageSpec
from ocrkit.pipelines.spec import PipelineSpec
from ocrkit.pipelines.trained import Trained
from ocrkit.reading.engine import BATCH_SIZE, Recogniser
from ocrkit.reading.items import Item, is_one, read_items
from ocrkit.reading.values import Reading, Seconds
from ocrkit.scoring.evaluate import evaluate
from ocrkit.scoring.rules import Outcome, Rules
from ocrkit.scoring.scores import Scorer


class Pipeline(LoadedPipeline[Recogniser, Reading]):
    """A trained pipeline, ready to read. Made by :func:`load`.

    It may be used by several threads, and in processes that are forked. Pickled or copied, it goes
    as what it was loaded by, and is loaded there anew. It ends with its last reference, with
    :meth:`close`, or with a ``with`` block around it.
    """

    spec: PipelineSpec

    def __init__(self, recogniser: Recogniser, weights: Trained, recipe: Recipe) -> None:
        super().__init__(recogniser)
        self._recipe = recipe
        self.weights = weights
        self.spec = recogniser.assembly.spec
        self.backend = recogniser.assembly.backend_name
        self.device = recogniser.network.device

    def close(self) -> None:
        """Lets go of the network, its memory and its threads. What is being read is read to its
        end; what comes after that raises OcrkitError. Closing twice does nothing."""
        self._open = None
        self.weights = replace(self.weights, arrays=None)
        # MXNet's blocks refer to each other, and Python would wait for many more of them
        gc.collect()

    def __reduce__(self) -> tuple[Callable[[Recipe], Pipeline], tuple[Recipe]]:
        return Recipe.load, (self._recipe,)

    def may_go_on_after(self, count: int) -> bool:
        """Whether so many results of an interrupted run may be kept; see
        :class:`ocrkit.scoring.result_writer.ResultFile`."""
        return self._engine.may_go_on_after(count)

    @property
    def decoder(self) -> Decoder:
        return self._engine.assembly.decoder

    def outputs(self, dataset: Dataset) -> Iterator[tuple[Any, ...]]:
        """What the network says of the samples that can be read and have a text, in batches:
        log-probabilities (N, T, K) float32 and their lengths (N,), for those who try many decoders
        on them."""
        return self._engine.outputs(dataset)

    @property
    def versions(self) -> dict[str, str]:
        """Versions of ocrkit, NumPy and the backend's framework."""
        return {
            "ocrkit": ocrkit.__version__,
            "numpy": np.__version__,
            **self._engine.assembly.backend.versions(),
        }

    def read(self, source: Source, *, places: bool = False) -> Decoded:
        """Reads one image: a path, an image file's bytes, an open file, a PIL image, or pixels
        uint8, grey (H, W), RGB (H, W, 3) or RGBA (H, W, 4); :func:`ocrkit.images.sources.pixels_of`
        says more. Safe from several threads. With ``places`` what is read says where in the image
        its ``words`` are, and by its ``boundaries`` every character.

        Raises ImageError where the image cannot be read.
        """
        return self._engine.read(partial(pixels_of, source), places=places)

    def read_many(
        self,
        sources: Iterable[Source],
        *,
        after: int = 0,
        places: bool = False,
        alternatives: int = 1,
    ) -> Iterator[Item]:
        """Reads images in batches, in order; sources are as for :meth:`read`, and an image that
        cannot be read is an item with its error. ``after``: so many were read before, in a run that
        was interrupted. ``places`` as in :meth:`read`. ``alternatives``: so many of the best texts
        at most, where the decoder can; the first may then be another than it reads unasked.

        The first item comes when two batches have been taken from the sources. Later up to 16
        batches are sorted by width, if it varies, before they are read, or as many as hold 32 MiB
        of preprocessed images; three times that at most is held. Raises TypeError for a single
        source.
        """
        if is_one(sources):
            raise TypeError(
                f"read_many reads several images, not {type(sources).__name__}; read() reads one"
            )
        return read_items(self._engine.listing(alternatives), sources, after, places=places)

    @property
    def used(self) -> tuple[Trained, ...]:
        return (self.weights,)

    @property
    def _alphabet(self) -> Alphabet:
        return self._engine.assembly.alphabet

    def dataset(
        self, data: str | Path | None = None, split: str | None = None, limit: int | None = None
    ) -> Dataset:
        reader, cutter = self.spec.reader, self.spec.cutter
        return open_dataset(reader, cutter=cutter, root=data, split=split, limit=limit)

    def _scored(
        self,
        dataset: Dataset,
        on_reading: Callable[[Reading | Skipped], None],
        earlier: Iterable[Outcome | Skipped],
        rules: Rules,
    ) -> tuple[Scorer, list[Skipped], Seconds]:
        return evaluate(self._engine, dataset, on_reading, earlier, rules)

    def _described(self, scored: Dataset | None) -> dict[str, Any]:
        return described_parts(self._engine.assembly, scored=scored)


def load(
    source: str | Path | None = None,
    settings: Sequence[str] | Mapping[str, Any] = (),
    *,
    backend: str | None = None,
    device: str = "auto",
    threads: int = 0,
    batch_size: int = BATCH_SIZE,
) -> Pipeline | PagePipeline:
    """A pipeline by zoo name, TOML file or training run, ready to read: words and lines, or, where
    its task is ``page``, whole pages.

    Unless ``source`` is given, it is the zoo model that is registered as the default.
    ``settings`` are those of ``--set``: ``["decoder.use=…"]`` or ``{"decoder.use": …}``. Raises
    OcrkitError and its children: ConfigError for a pipeline that does not fit together,
    WeightsError where it has no weights for its network.
    """
    spec = read_recipe(registry().default("zoo") if source is None else source, settings)
    if isinstance(spec, PageSpec):
        return PageRecipe(spec, backend, device, threads, batch_size).load()
    return Recipe(spec, backend, device, threads, batch_size).load()


def load_text(
    source: str | Path, settings: Sequence[str] | Mapping[str, Any] = (), **options: Any
) -> Pipeline:
    """The same, but OcrkitError for a pipeline that reads pages: for those who work on what reads
    their text, of which it names one."""
    read_spec(source, settings)
    pipeline = load(source, settings, **options)
    assert isinstance(pipeline, Pipeline)  # noqa: S101
    return pipeline


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that a pipeline is loaded by; what goes to another process in its place. Paths in it are
    absolute."""

    spec: PipelineSpec
    backend: str | None
    device: str
    threads: int
    batch_size: int

    def load(self) -> Pipeline:
        """The pipeline; see :func:`load`."""
        if self.spec.task != "text":
            raise OcrkitError(
                f"pipeline {self.spec.title!r} reads no text: its task is {self.spec.task!r}"
            )
        opened = make_parts(self.spec, self.backend).open(self.device, self.threads)
        recogniser = Recogniser(opened.around, opened.network, self.threads, self.batch_size)
        return Pipeline(recogniser, opened.weights, self)
