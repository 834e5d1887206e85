"""What loaded pipelines have in common, whatever they read: scoring, and their end."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

from ocrkit.data.datasets import Dataset
from ocrkit.errors import OcrkitError, warn
from ocrkit.networks.seen_forms import together
from ocrkit.parts.characters import unwritable
from ocrkit.parts.codec import Alphabet
from ocrkit.parts.values import Skipped
from ocrkit.pipelines.page_spec import PageSpec
from ocrkit.pipelines.spec import PipelineSpec
from ocrkit.pipelines.trained import Trained
from ocrkit.reading.values import Seconds
from ocrkit.scoring.contamination import Contamination, contamination
from ocrkit.scoring.result import Result, found_by
from ocrkit.scoring.rules import RAW, Outcome, Rules
from ocrkit.scoring.scores import Scorer

_Engine = TypeVar("_Engine")
"""What reads."""
_Read = TypeVar("_Read")
"""What it makes of a sample."""


class LoadedPipeline(ABC, Generic[_Engine, _Read]):
    """A pipeline with its weights. It ends with its last reference, with :meth:`close`, or with a
    ``with`` block around it."""

    spec: PipelineSpec | PageSpec
    backend: str
    device: str

    def __init__(self, engine: _Engine) -> None:
        self._open: _Engine | None = engine
        self._asked: tuple[Dataset, Contamination | None] | None = None

    @property
    def _engine(self) -> _Engine:
        if self._open is None:
            raise OcrkitError(
                f"pipeline {self.spec.title!r} has been closed; load it anew to read with it"
            )
        return self._open

    @abstractmethod
    def close(self) -> None:
        """Lets go of networks, their memory and their threads."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    @abstractmethod
    def used(self) -> tuple[Trained, ...]:
        """What is known of the weights that it reads with."""

    @property
    @abstractmethod
    def versions(self) -> dict[str, str]:
        """Versions of ocrkit, NumPy and the backend's framework."""

    @abstractmethod
    def may_go_on_after(self, count: int) -> bool:
        """Whether so many results of an interrupted run may be kept; see
        :class:`ocrkit.scoring.result_writer.ResultFile`."""

    @property
    @abstractmethod
    def _alphabet(self) -> Alphabet: ...

    @abstractmethod
    def dataset(self, data: str | Path | None, split: str | None, limit: int | None) -> Dataset:
        """The samples of its reader; see :func:`ocrkit.data.datasets.open_dataset`."""

    @abstractmethod
    def _scored(
        self,
        dataset: Dataset,
        on_reading: Callable[[_Read | Skipped], None],
        earlier: Iterable[Outcome | Skipped],
        rules: Rules,
    ) -> tuple[Scorer, list[Skipped], Seconds]: ...

    @abstractmethod
    def _described(self, scored: Dataset | None) -> dict[str, Any]:
        """Its parts, for JSON; those that only scoring has, where a data set is scored."""

    def evaluate(
        self,
        split: str | None = None,
        *,
        data: str | Path | None = None,
        limit: int | None = None,
        dataset: Dataset | None = None,
        on_reading: Callable[[_Read | Skipped], None] = lambda _: None,
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
        dataset = dataset or self.dataset(data, split, limit)
        for said in unwritable(_lines_of(dataset), self._alphabet, rules.unicode):
            warn(said)
        read_now = 0

        def listen(reading: _Read | Skipped) -> None:
            nonlocal read_now
            read_now += not isinstance(reading, Skipped)
            on_reading(reading)

        scorer, skipped, seconds = self._scored(dataset, listen, earlier, rules)
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

    def header(self, dataset: Dataset | None = None) -> dict[str, Any]:
        """What a result file says of the run that made it: all that can make another run read
        something else.

        Without a data set, what it says of a run over single images.
        """
        header = {
            "pipeline": self.spec.title,
            "parts": self._described(dataset),
            "alphabet": self._alphabet.characters,
            "weights": " ".join(each.sha256 for each in self.used),
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
        """What the models have seen of a data set. Header and result of one run both say so, and
        it takes all its samples."""
        if self._asked is None or self._asked[0] is not dataset:
            seen = together(each.seen for each in self.used)
            self._asked = dataset, contamination(seen, dataset)
        return self._asked[1]


def _lines_of(dataset: Dataset) -> list[str]:
    return [line for sample in dataset for line in (sample.text or "").splitlines()]
