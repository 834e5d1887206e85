"""Reading in a process beside this one, so that of what is read only the page is lost at which a
process ends: by a fault in a library, or because the system has no more memory for it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from ocrkit.data.inputs import InputPage
from ocrkit.errors import OcrkitError
from ocrkit.page_pipeline import PageItem, PagePipeline

Deadly = Mapping[str, str]
"""The ids of pages that are not to be read, since processes ended at them, and what is said of
them."""
NONE: Deadly = {}
Begun = Callable[[str], None]
"""Is told the id of a page before it is read."""
Reads = Callable[..., Any]
"""Takes what is to be read and, second, the deadly pages, which it does not read; may raise
OcrkitError."""


class ProcessEndedError(Exception):
    """A process ended, and no page can be named at which it did."""


@dataclass(frozen=True, slots=True)
class _Page:
    """What a process says when it begins a page."""

    id: str


class Apart:
    """What ``make`` makes, in a process of its own, to which ``make`` has to be pickled. It is
    given whom to tell that a page is begun."""

    def __init__(self, make: Callable[[Begun], Reads]) -> None:
        self._make = make
        self._child: tuple[BaseProcess, Connection] | None = None

    def read(self, asked: Any) -> Any:
        """What the process reads; where it ends at a page, what the next one reads of the others.

        Raises the OcrkitError that is raised there, another where the process ends before it can
        read anything, and ProcessEndedError where it ends at no page.
        """
        deadly: dict[str, str] = {}
        while True:
            process, pipe = self._child = self._child or self._started()
            page = None
            try:
                pipe.send((asked, deadly))
                while isinstance(told := pipe.recv(), _Page):
                    page = told.id
            except (EOFError, OSError):
                self.close()
                reason = f"the process that read it ended (exit status {process.exitcode})"
                if page is None or page in deadly:
                    raise ProcessEndedError(reason) from None
                deadly[page] = reason
            else:
                if isinstance(told, OcrkitError):
                    raise told
                return told

    def close(self) -> None:
        """Ends the process."""
        if self._child:
            process, pipe = self._child
            pipe.close()
            process.join()
            self._child = None

    def _started(self) -> tuple[BaseProcess, Connection]:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self._make), daemon=True)
        process.start()
        theirs.close()
        try:
            refused = ours.recv()
        except EOFError:
            process.join()
            refused = OcrkitError(f"a process that was to read ended ({process.exitcode})")
        if refused:
            raise refused
        return process, ours


def _serve(pipe: Connection, make: Callable[[Begun], Reads]) -> None:
    """Reads what is asked for until nobody asks any more."""
    try:
        read = make(lambda id_: pipe.send(_Page(id_)))
    except OcrkitError as error:
        pipe.send(error)
        return
    pipe.send(None)
    with suppress(EOFError):
        while True:
            asked, deadly = pipe.recv()
            try:
                told = read(asked, deadly)
            except OcrkitError as error:
                told = error
            pipe.send(told)


def read_pages(
    pipeline: PagePipeline, pages: Iterable[InputPage], deadly: Deadly, begun: Begun | None
) -> Iterator[PageItem]:
    """Reads pages, each by itself; with ``begun`` none before the one before it is done, since who
    is told wants to know which one it is."""
    some = (
        InputPage(each.path, each.number, error=deadly[each.id]) if each.id in deadly else each
        for each in pages
    )
    if begun is None:
        yield from pipeline.read_many(some, apart=True)
        return
    for page in some:
        begun(page.id)
        yield from pipeline.read_many([page], apart=True)
