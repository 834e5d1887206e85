"""Pipelines with their weights, ready to read images and to be scored."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import ocrkit
from ocrkit.data.datasets import Dataset, open_dataset
from ocrkit.errors import OcrkitError, warn
from ocrkit.images.sources import Source, pixels_of
from ocrkit.networks.network_file import network_files
from ocrkit.parts.characters import unwritable
from ocrkit.parts.networks import Network
from ocrkit.parts.protocols import Decoder
from ocrkit.parts.registry import registry
from ocrkit.parts.values import Decoded, Skipped
from ocrkit.pipelines.assembly import Surroundings
from ocrkit.pipelines.build import assemble, build_network, choose_device, surround
from ocrkit.pipelines.description import described_parts
from ocrkit.pipelines.file import read_spec
from ocrkit.pipelines.spec import PipelineSpec
from ocrkit.pipelines.trained import Trained, calibrated, trained_in, weights_to_read_with
from ocrkit.reading.engine import BATCH_SIZE, Recogniser
from ocrkit.reading.items import Item, is_one, read_items
from ocrkit.reading.values import Reading
from ocrkit.scoring.contamination import Contamination, contamination
from ocrkit.scoring.evaluate import evaluate
from ocrkit.scoring.result import Result, found_by
from ocrkit.scoring.rules import RAW, Outcome, Rules


class Pipeline:
    """A trained pipeline, ready to read. Made by :func:`load`.

    It may be used by several threads, and in processes that are forked. Pickled or copied, it goes
    as what it was loaded by, and is loaded there anew. It ends with its last reference, with
    :meth:`close`, or with a ``with`` block around it.
    """

    def __init__(self, recogniser: Recogniser, weights: Trained, recipe: Recipe) -> None:
        self._open: Recogniser | None = recogniser
        self._recipe = recipe
        self.weights = weights
        self.spec = recogniser.assembly.spec
        self.backend = recogniser.assembly.backend_name
        self.device = recogniser.network.device
        self._asked: tuple[Dataset, Contamination | None] | None = None

    @property
    def _recogniser(self) -> Recogniser:
        if self._open is None:
            raise OcrkitError(
                f"pipeline {self.spec.title!r} has been closed; load it anew to read with it"
            )
        return self._open

    def close(self) -> None:
        """Lets go of the network, its memory and its threads. What is being read is read to its
        end; what comes after that raises OcrkitError. Closing twice does nothing."""
        self._open = None
        self.weights = replace(self.weights, arrays=None)
        # MXNet's blocks refer to each other, and Python would wait for many more of them
        gc.collect()

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Callable[[Recipe], Pipeline], tuple[Recipe]]:
        return Recipe.load, (self._recipe,)

    def may_go_on_after(self, count: int) -> bool:
        """Whether so many results of an interrupted run may be kept; see
        :class:`ocrkit.scoring.result_writer.ResultFile`."""
        return self._recogniser.may_go_on_after(count)

    @property
    def decoder(self) -> Decoder:
        return self._recogniser.assembly.decoder

    def outputs(self, dataset: Dataset) -> Iterator[tuple[Any, ...]]:
        """What the network says of the samples that can be read and have a text, in batches:
        log-probabilities (N, T, K) float32 and their lengths (N,), for those who try many decoders
        on them."""
        return self._recogniser.outputs(dataset)

    @property
    def versions(self) -> dict[str, str]:
        """Versions of ocrkit, NumPy and the backend's framework."""
        return {
            "ocrkit": ocrkit.__version__,
            "numpy": np.__version__,
            **self._recogniser.assembly.backend.versions(),
        }

    def read(self, source: Source, *, places: bool = False) -> Decoded:
        """Reads one image: a path, an image file's bytes, an open file, a PIL image, or pixels
        uint8, grey (H, W), RGB (H, W, 3) or RGBA (H, W, 4); :func:`ocrkit.images.sources.pixels_of`
        says more. Safe from several threads. With ``places`` what is read says where in the image
        its ``words`` are, and by its ``boundaries`` every character.

        Raises ImageError where the image cannot be read.
        """
        return self._recogniser.read(partial(pixels_of, source), places=places)

    def read_many(
        self, sources: Iterable[Source], *, after: int = 0, places: bool = False
    ) -> Iterator[Item]:
        """Reads images in batches, in order; sources are as for :meth:`read`, and an image that
        cannot be read is an item with its error. ``after``: so many were read before, in a run that
        was interrupted. ``places`` as in :meth:`read`.

        The first item comes when two batches have been taken from the sources. Later up to 16
        batches are sorted by width, if it varies, before they are read, or as many as hold 32 MiB
        of preprocessed images; three times that at most is held. Raises TypeError for a single
        source.
        """
        if is_one(sources):
            raise TypeError(
                f"read_many reads several images, not {type(sources).__name__}; read() reads one"
            )
        return read_items(self._recogniser, sources, after, places=places)

    def evaluate(
        self,
        split: str | None = None,
        *,
        data: str | Path | None = None,
        limit: int | None = None,
        dataset: Dataset | None = None,
        on_reading: Callable[[Reading | Skipped], None] = lambda _: None,
        earlier: Iterable[Outcome | Skipped] = (),
        rules: Rules = RAW,
        min_confidence: float | None = None,
    ) -> Result:
        """Scores the pipeline on its reader's data under ``data``, else ``OCRKIT_<READER>``, else
        on the shipped sample.

        ``dataset``, ``on_reading`` and ``earlier``: a data set that is open already, a listener for
        every sample, and what became of the first samples in a run that was interrupted. ``rules``:
        how texts are compared, as they are where None. ``min_confidence``: the result says what is
        left above it. Raises DataError where nothing can be scored.
        """

        dataset = dataset or open_dataset(
            self.spec.reader, cutter=self.spec.cutter, root=data, split=split, limit=limit
        )
        self._name_unwritable(dataset, rules)
        read_now = 0

        def listen(reading: Reading | Skipped) -> None:
            nonlocal read_now
            read_now += isinstance(reading, Reading)
            on_reading(reading)

        scorer, skipped, seconds = evaluate(self._recogniser, dataset, listen, earlier, rules)
        start = time.perf_counter()
        found = found_by(scorer, min_confidence)
        spent = time.perf_counter() - start
        seconds.score += spent
        seconds.total += spent
        about = {
            "name": dataset.name,
            "root": str(dataset.root),
            "split": dataset.split,
            "limit": dataset.limit,
            "forms": asdict(dataset.forms) if dataset.forms else None,
            "skipped": [asdict(item) for item in skipped],
        }
        return Result(
            pipeline=self.spec.title,
            backend=self.backend,
            device=self.device,
            dataset=about,
            seconds=seconds,
            samples_per_second=read_now / seconds.total,
            versions=self.versions,
            contamination=self._contamination(dataset),
            **found,
        )

    def _name_unwritable(self, dataset: Dataset, rules: Rules) -> None:
        """Warns of texts that the network cannot write, as they are compared."""
        texts = [sample.text for sample in dataset if sample.text]
        form = rules.unicode
        for said in unwritable(texts, self._recogniser.assembly.alphabet, form):
            warn(said)

    def header(self, dataset: Dataset | None = None) -> dict[str, Any]:
        """What a result file says of the run that made it: all that can make another run read
        something else.

        Without a data set, what it says of a run over single images.
        """
        header = {
            "pipeline": self.spec.title,
            "parts": described_parts(self._recogniser.assembly, scored=dataset),
            "alphabet": self.spec.alphabet,
            "weights": self.weights.sha256,
            "backend": self.backend,
            "device": self.device,
            "versions": self.versions,
        }
        if dataset is None:
            return header
        seen = self._contamination(dataset)
        return header | {
            "dataset": {
                "name": dataset.name,
                "root": str(dataset.root),
                "split": dataset.split,
                "limit": dataset.limit,
                "forms": asdict(dataset.forms) if dataset.forms else None,
                "skipped": [asdict(item) for item in dataset.skipped],
                "samples": len(dataset),
                "sha256": dataset.sha256(),
            },
            "contamination": asdict(seen) if seen else None,
        }

    def _contamination(self, dataset: Dataset) -> Contamination | None:
        """What the model has seen of a data set. Header and result of one run both say so, and it
        takes all its samples."""

        if self._asked is None or self._asked[0] is not dataset:
            self._asked = dataset, contamination(self.weights.seen, dataset)
        return self._asked[1]


def load(
    source: str | Path | None = None,
    settings: Sequence[str] | Mapping[str, Any] = (),
    *,
    backend: str | None = None,
    device: str = "auto",
    threads: int = 0,
    batch_size: int = BATCH_SIZE,
) -> Pipeline:
    """A pipeline by zoo name, TOML file or training run, ready to read.

    Unless ``source`` is given, it is the zoo model that is registered as the default.
    ``settings`` are those of ``--set``: ``["decoder.use=…"]`` or ``{"decoder.use": …}``. Raises
    OcrkitError and its children: ConfigError for a pipeline that does not fit together,
    WeightsError where it has no weights for its network.
    """
    spec = read_spec(registry().default("zoo") if source is None else source, settings)
    return Recipe(spec, backend, device, threads, batch_size).load()


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
        if self.spec.network:
            return self._load_exported()
        assembly = assemble(self.spec, backend=self.backend)
        arrays, weights = weights_to_read_with(assembly)
        network = build_network(assembly, self.device, self.threads)
        network.load_state(arrays)
        return self._pipeline(assembly, network, weights)

    def _load_exported(self) -> Pipeline:
        path = self.spec.folder / self.spec.network
        around, exported = surround(self.spec, self.backend)
        device = choose_device(around.backend_name, around.backend, self.device)
        network = network_files(path).open(
            path, around.objective.outputs, device=device, threads=self.threads
        )
        return self._pipeline(around, network, trained_in(path, exported))

    def _pipeline(self, around: Surroundings, network: Network, weights: Trained) -> Pipeline:
        around = replace(around, decoder=calibrated(around.decoder, weights.temperature))
        return Pipeline(Recogniser(around, network, self.threads, self.batch_size), weights, self)
