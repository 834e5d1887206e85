"""The engine: pages of a folder or a store, read by actors of a Ray cluster."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, cast

from ocrkit.errors import DataError, OcrkitError
from ocrkit.interfaces import option
from ocrkit.page_jobs import PageJob, PageOutcome, described
from ocrkit.page_pipeline import PagePipeline
from ocrkit.support.parsing import json_text, parse_json
from ocrkit.writing.folder import RUN, ResultFolder, check_place, page_formats
from ocrkit_ray.cluster import a_row_a_block, connected, share_of
from ocrkit_ray.listing import entries_of, listed
from ocrkit_ray.reader import PageReader, ReaderApart, Work
from ocrkit_ray.storage import folders, is_inside, results

_TASKS = 2
"""Pieces that are with an actor: the one that it reads, and the next."""


@dataclass(frozen=True)
class Ray:
    """Ray Data over the list of pages, which is made as it is read; a pool of actors, each with the
    pipeline, reads them and writes their files."""

    address: str = option("", "the cluster's; empty: RAY_ADDRESS's, else one of this machine")

    def read(
        self, pipeline: PagePipeline, job: PageJob, total: Callable[[int], None], /
    ) -> Iterator[PageOutcome]:
        if not any(folders(job.source)):
            raise DataError(f"{job.source}: no images and no PDF documents in this folder")
        formats = page_formats(job.formats)
        if is_inside(job.out, job.source):
            check_place(job.out, job.source, formats)
        with results(job.out, formats, job.existing) as folder:
            about = described(pipeline)
            folder.begin(about)
            if job.existing == "stop":
                _stop_at_results(job, folder)
            apart = not any(each.part.takes_several for each in formats)
            recipe = replace(pipeline.recipe, threads=pipeline.recipe.threads or 1)
            work = Work(recipe, job, about, str(Path.cwd()))
            failed: dict[str, str] = {}
            with connected(self.address):
                for outcome in _outcomes(work, total, apart=apart):
                    if job.existing == "stop":  # it is there from an actor that then died
                        outcome = replace(outcome, was_there=False)
                    if outcome.error is not None:
                        failed[outcome.id] = outcome.error
                    yield outcome
            folder.say_failures({id_: failed[id_] for id_ in sorted(failed, key=_place)}, "")


def _stop_at_results(job: PageJob, folder: ResultFolder) -> None:
    """Raises OcrkitError where there are files of results."""
    endings = {f".{each.ending.rpartition('.')[2]}" for each in folder.formats}
    for files in folders(job.out, endings.__contains__):
        for file in files:
            if file.name != RUN:
                raise OcrkitError(
                    f"{file.path}: is there already; --existing skip goes on with what is "
                    "missing, --existing overwrite writes all anew"
                )


def _place(id_: str) -> tuple[PurePosixPath, int]:
    """Where a page stands in the list: by the parts of its path, and by its number."""
    path, _, number = id_.rpartition("#")
    return (PurePosixPath(path), int(number)) if number.isdigit() else (PurePosixPath(id_), 0)


def _outcomes(work: Work, total: Callable[[int], None], *, apart: bool) -> Iterator[PageOutcome]:
    """What becomes of every page, as it is done. Raises OcrkitError where that is of all."""
    import ray
    from ray.data import ActorPoolStrategy

    source, share = work.job.source, share_of(work.recipe)
    with a_row_a_block():
        outcomes = (
            ray.data.from_items([{"id": 0}])
            .map_batches(
                cast(Any, listed), fn_kwargs={"source": source, "apart": apart}, num_cpus=0
            )
            .map_batches(
                PageActor,
                batch_size=1,
                fn_constructor_args=(work,),
                compute=ActorPoolStrategy(size=share.fit(), max_tasks_in_flight_per_actor=_TASKS),
                **share.options,
            )
        )
        counted: Any = ray.remote(num_cpus=0)(_count).remote(source)
        for batch in outcomes.iter_batches(batch_size=None):
            if counted is not None and ray.wait([counted], timeout=0)[0]:
                total(ray.get(counted))
                counted = None
            for told in batch["outcomes"]:
                yield from _told(told)


def _count(source: str) -> int:
    """How many files there are, none of which is opened: about the number of pages. What is wrong
    with their list is said by who reads it."""
    try:
        return sum(map(len, folders(source)))
    except OcrkitError:
        return 0


def _told(told: str) -> Iterator[PageOutcome]:
    found = parse_json(told)
    if isinstance(found, str):
        raise OcrkitError(found)
    for each in found:
        yield PageOutcome(**each)


class PageActor:
    """Reads pieces. An actor that has died reads in a process of its own from then on, so that the
    page at which it died is known."""

    def __init__(self, work: Work) -> None:
        import ray

        died = ray.get_runtime_context().was_current_actor_reconstructed
        self._reader: PageReader | ReaderApart | None = None
        try:
            self._reader = ReaderApart(work) if died else PageReader(work)
        except OcrkitError as error:
            self._error = str(error)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        return {"outcomes": [self._read(piece) for piece in batch["piece"]]}

    def _read(self, piece: str) -> str:
        """The outcomes as JSON, or what ends the run: an error would be Ray's by the time that
        anybody saw it."""
        if self._reader is None:
            return json_text(self._error)
        try:
            return json_text([asdict(each) for each in self._reader.read(entries_of(piece))])
        except OcrkitError as error:
            return json_text(str(error))
