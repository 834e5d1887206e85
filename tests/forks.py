"""Reads, forks, and reads in child and parent, with pipelines of several numbers of threads.

    python tests/forks.py BACKEND IMAGE…

Ends with status 0 if child and parent have read what was read before, and says what went wrong
otherwise. A web server that loads before it forks does the same, or ``multiprocessing``.
"""

import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable

import ocrkit

PATIENCE = 60
"""Seconds after which a child has hung."""


def texts(pipeline: ocrkit.Pipeline, images: list[str]) -> list[str | None]:
    """What both ways of reading say."""
    together = [item.text for item in pipeline.read_many(images)]
    return [*together, pipeline.read(images[0]).text]


def in_child(work: Callable[[], object]) -> None:
    """Does the work in a forked child."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        assert status == 0, f"the child ended with {status} ({signal.SIGALRM.value} where it hung)"
        return
    signal.alarm(PATIENCE)
    status = 1
    try:
        work()
        status = 0
    except Exception:
        traceback.print_exc()
        raise
    finally:
        os._exit(status)  # it must not go on with what its parent does


def main(backend: str, images: list[str]) -> None:
    def load(threads: int) -> ocrkit.Pipeline:
        return ocrkit.load("iam-crnn", backend=backend, device="cpu", threads=threads)

    pipelines = [load(threads) for threads in (0, 1, 2)]
    unused = load(0)
    before = [texts(pipeline, images) for pipeline in pipelines]

    def again() -> None:
        assert [texts(pipeline, images) for pipeline in pipelines] == before

    def in_new_ones() -> None:
        assert texts(unused, images) == texts(load(2), images) == before[0]

    in_child(again)
    again()
    in_child(in_new_ones)
    in_child(lambda: in_child(again))
    signal.alarm(PATIENCE)
    context = multiprocessing.get_context("fork")
    with context.Pool(2, _LOADED.extend, [pipelines]) as pool:  # nothing of it is pickled
        assert pool.map(_read, images) == [pipelines[0].read(path).text for path in images]
    again()


_LOADED: list[ocrkit.Pipeline] = []


def _read(image: str) -> str:
    return _LOADED[0].read(image).text


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
