"""Work in threads."""

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrkit.parallel import AHEAD, ordered_map


@settings(max_examples=20)
@given(st.lists(st.integers(0, 2), max_size=30), st.integers(0, 4))
def test_results_come_in_the_order_of_the_items(milliseconds: list[int], threads: int) -> None:
    def work(item: tuple[int, int]) -> int:
        time.sleep(item[1] / 1000)
        return item[0]

    assert list(ordered_map(work, enumerate(milliseconds), threads)) == list(range(len(milliseconds)))


def test_many_items_are_worked_on_at_once() -> None:
    together = threading.Barrier(4, timeout=20)
    assert len(list(ordered_map(lambda _: together.wait(), range(4), 4))) == 4


def test_items_are_taken_only_so_far_ahead() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        while taken < 10_000:
            taken += 1
            yield taken

    results = ordered_map(lambda item: item, items(), 2)
    assert [next(results) for _ in range(5)] == [1, 2, 3, 4, 5]
    assert taken <= AHEAD + 6
    results.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ocrkit")]


def test_an_error_arrives_at_its_items_place_and_nothing_goes_on_behind_it() -> None:
    def work(item: int) -> int:
        if item == 3:
            raise KeyError(item)
        return item

    results = ordered_map(work, range(1000), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError):
        next(results)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ocrkit")]
