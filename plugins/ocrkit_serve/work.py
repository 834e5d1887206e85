"""Reads what requests bring: one thread, which reads together whatever is waiting.

So requests that come at once share the network's batches as pictures of one run do, and one that
comes alone does not wait for others. Pages of documents are rendered by other threads before, so
that one that takes a minute holds up only its own document and others.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from threading import Condition, Thread

from ocrkit import Line, Maker, OcrkitError, Page, Pipeline
from ocrkit.images import image_size
from ocrkit.interfaces import Image
from ocrkit.page_pipeline import PagePipeline
from ocrkit_serve.job import Job, Read, picture_of
from ocrkit_serve.limits import Limits
from ocrkit_serve.metrics import Metrics
from ocrkit_serve.uploads import check_picture

TOGETHER = 16
"""Pages that are read together at most: of several requests one each, in turns, so that a document
does not hold up those who send one page."""
Loaded = Pipeline | PagePipeline
_RENDERING = 2
"""Pages of documents that are rendered at a time,"""
_AHEAD = 4
"""and of a document before they are read: each may have 25 million pixels."""
_log = logging.getLogger("ocrkit")


class BusyError(OcrkitError):
    """There is no room in the queue."""

    def __init__(self, seconds: int, reason: str = "too many pages are waiting") -> None:
        super().__init__(f"{reason}; try again in {seconds} seconds")
        self.seconds = seconds
        """When there is likely to be some."""


class ClosingError(OcrkitError):
    """The service is about to end."""

    def __init__(self) -> None:
        super().__init__("the service is about to end; try again when it is back")


class Work:
    """Pipelines, the queue before them and the thread that works it off. A ``with`` block around it
    ends when all has been read."""

    def __init__(self, pipelines: Mapping[str, Loaded], limits: Limits, metrics: Metrics) -> None:
        """``pipelines`` by name; the first is the one for requests that name none."""
        self.pipelines = dict(pipelines)
        self._limits = limits
        self._metrics = metrics
        self._waiting: deque[Job] = deque()
        self._changed = Condition()
        self._closing = False
        self._a_page = 1.0
        """Seconds that a page has taken lately, where it was read together with others."""
        self._thread = _thread(self._work)
        self._renderers = [_thread(self._render) for _ in range(_RENDERING)]

    def __enter__(self) -> "Work":
        for thread in (self._thread, *self._renderers):
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in (self._thread, *self._renderers):
            thread.join()

    @property
    def is_ready(self) -> bool:
        return self._thread.is_alive() and not self._closing

    def add(self, pipeline: Loaded) -> None:
        """Requests that name no pipeline are read by this one from now on."""
        self.pipelines = {pipeline.spec.title: pipeline, **self.pipelines}

    def submit(self, job: Job) -> None:
        """Puts a job into the queue. Raises BusyError where it has no room, and ClosingError."""
        with self._changed:
            if self._closing:
                raise ClosingError
            waiting = self._count()
            if waiting and waiting + len(job.pictures) > self._limits.waiting:
                raise BusyError(min(600, 1 + int(waiting * self._a_page)))
            self._waiting.append(job)
            self._metrics.waiting.set(self._count())
            self._changed.notify_all()

    def _count(self) -> int:
        return sum(len(job.pictures) - job.begun for job in self._waiting)

    def _work(self) -> bool:
        """Reads pages together. Waits for some; False once the service ends and all are read."""
        pages = self._next()
        if not pages:
            return False
        start = time.perf_counter()
        try:
            for (job, number), read in zip(pages, self._read(pages), strict=True):
                self._metrics.pages.labels("failed" if read.error else "read").inc()
                job.take(number, read)
        except Exception as error:  # noqa: BLE001  (a part may raise anything; others' pages are read on)
            _log.exception("ocrkit: reading failed")
            for job, _ in pages:
                self._give_up(job, error)
        self._a_page += 0.3 * ((time.perf_counter() - start) / len(pages) - self._a_page)
        self._metrics.together.observe(len(pages))
        return True

    def _give_up(self, job: Job, error: Exception) -> None:
        with self._changed:
            if job in self._waiting:
                self._waiting.remove(job)
        if not job.done.done() and job.done.set_running_or_notify_cancel():
            job.done.set_exception(error)

    def _next(self) -> list[tuple[Job, int]]:
        """Pages to be read together, of one pipeline, the oldest job's among them. Waits for some;
        none once the service ends and all has been read."""
        with self._changed:
            while True:
                self._waiting = deque(job for job in self._waiting if not job.done.cancelled())
                if any(job.has_next for job in self._waiting):
                    break
                if self._closing and not self._waiting:
                    self._changed.notify_all()
                    return []
                self._changed.wait()
            pages: list[tuple[Job, int]] = []
            for job in self._in_turns():
                pages.append((job, job.begun))
                job.begun += 1
                if len(pages) == TOGETHER:
                    break
            self._waiting = deque(job for job in self._waiting if job.begun < len(job.pictures))
            self._metrics.waiting.set(self._count())
            self._changed.notify_all()
            return pages

    def _in_turns(self) -> Iterator[Job]:
        """The jobs that can be read with the oldest one, again and again, as long as they have
        pages that can be begun."""
        first = next(job for job in self._waiting if job.has_next)
        jobs = [job for job in self._waiting if job.together == first.together]
        while jobs := [job for job in jobs if job.has_next]:
            yield from jobs

    def _render(self) -> bool:
        """Renders a page. Waits for one; False once the service ends."""
        page = self._next_to_render()
        if page is None:
            return False
        job, number = page
        try:
            found: bytes | Image | str = picture_of(job.pictures[number])
            if isinstance(found, bytes):
                check_picture(found, self._limits)
        except OcrkitError as error:
            found = str(error)
        with self._changed:
            job.rendered[number] = found
            self._changed.notify_all()
        return True

    def _next_to_render(self) -> tuple[Job, int] | None:
        """The next page of the oldest document that is not too far ahead. Waits for one; none once
        the service ends and all has been read."""
        with self._changed:
            while True:
                for job in self._waiting:
                    number = job.rendering
                    if (
                        number < min(len(job.pictures), job.begun + _AHEAD)
                        and not isinstance(job.pictures[number], bytes)
                        and not job.done.cancelled()
                    ):
                        job.rendering += 1
                        return job, number
                if self._closing and not self._waiting:
                    return None
                self._changed.wait()

    def _read(self, pages: list[tuple[Job, int]]) -> Iterator[Read]:
        pipeline = self.pipelines[pages[0][0].pipeline]
        ids = [job.ids[number] for job, number in pages]
        if isinstance(pipeline, PagePipeline):
            sources = [job.source(number) for job, number in pages]
            there = pipeline.read_many(
                (each for each in sources if not isinstance(each, str)),
                alternatives=pages[0][0].alternatives,
            )
            for id_, source, (job, number) in zip(ids, sources, pages, strict=True):
                if isinstance(source, str):
                    yield Read(id_, None, source)
                    continue
                found = next(there)
                page = found.page and replace(found.page, id=id_, image=job.image(number))
                yield Read(id_, page, _reason(found.error))
            return
        pictures = [
            picture for job, number in pages if isinstance(picture := job.pictures[number], bytes)
        ]
        items = pipeline.read_many(pictures, places=True)
        for id_, picture, item in zip(ids, pictures, items, strict=True):
            if item.decoded is None:
                yield Read(id_, None, _reason(item.error))
                continue
            width, height = image_size(picture)
            line = Line(
                "1",
                boundary=((0, 0), (width, 0), (width, height), (0, height)),
                text=item.text,
                confidence=item.confidence,
                words=item.decoded.words,
                alternatives=item.decoded.alternatives,
            )
            maker = Maker("text", pipeline.spec.title, pipeline.weights.sha256)
            yield Read(id_, Page(id_, width, height, lines=(line,), made_by=(maker,)))


def _thread(work: Callable[[], bool]) -> Thread:
    """Does it again and again until it is False. What it had is let go of while it waits for
    more."""

    def run() -> None:
        while work():
            pass

    return Thread(target=run, name="ocrkit-serve", daemon=True)


def _reason(error: str | None) -> str | None:
    """Why a page could not be read, without the number that it had among others."""
    return error and error.partition(": ")[2].removeprefix("<bytes>: ")
