"""Work in threads, and what of it a forked child has."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrkit.support.parallel import AHEAD, HeldSetting, LastingThreads, ordered_map

# From Python 3.12 on a fork beside other threads warns.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


def in_child(work: Callable[[], object]) -> bool:
    """Whether the work, done in a forked child, returns something true within seconds."""
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # a child that hangs is killed by it
        status = 1
        try:
            status = 0 if work() else 1
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0


# ------------------------------------------------------------------------------------- in order


@settings(max_examples=20)
@given(st.lists(st.integers(0, 2), max_size=30), st.integers(0, 4))
def test_results_come_in_the_order_of_the_items(milliseconds: list[int], threads: int) -> None:
    def work(item: tuple[int, int]) -> int:
        time.sleep(item[1] / 1000)
        return item[0]

    assert list(ordered_map(work, enumerate(milliseconds), threads)) == list(
        range(len(milliseconds))
    )


def test_many_items_are_worked_on_at_once() -> None:
    together = threading.Barrier(4, timeout=20)
    assert len(list(ordered_map(lambda _: together.wait(), range(4), 4))) == 4


@pytest.mark.parametrize(("at_first", "ahead"), [(AHEAD, AHEAD), (0, 2), (3, 50)])
def test_items_are_taken_only_so_far_ahead_and_less_at_first(at_first: int, ahead: int) -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        while taken < 10_000:
            taken += 1
            yield taken

    results = ordered_map(lambda item: item, items(), 2, ahead, at_first)
    for given_out in range(100):
        assert next(results) == given_out + 1
        assert taken == given_out + 1 + min(ahead, max(at_first, given_out))
    results.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ocrkit")]


def test_an_error_arrives_at_its_items_place_and_nothing_goes_on_behind_it() -> None:
    done = []

    def work(item: int) -> int:
        if item == 3:
            time.sleep(0.1)  # meanwhile the other thread has something to do
            raise KeyError(item)
        done.append(item)
        time.sleep(0.01)
        return item

    results = ordered_map(work, range(1000), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError):
        next(results)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ocrkit")]
    assert len(done) < AHEAD / 2, "what was waiting has been cancelled"


# ----------------------------------------------------------------------------------------- forks


def test_lasting_threads_are_the_same_for_every_call_and_a_child_has_its_own() -> None:
    started: list[int] = []
    threads = LastingThreads(1, "lasting", lambda: started.append(threading.get_ident()))
    first = threads.call(threading.get_ident)
    assert {*threads.map(lambda _: threading.get_ident(), range(9))} == {first}
    assert started == [first]
    assert in_child(lambda: threads.call(lambda: threading.current_thread().name) == "lasting_0")
    assert threads.call(threading.get_ident) == first
    with pytest.raises(ZeroDivisionError):
        threads.call(lambda: 1 // 0)


def test_opencv_s_own_threads_do_not_outlive_a_fork() -> None:
    """A child waited for ever for one that had been between two tasks when its parent forked."""
    large = np.arange(2000 * 2000, dtype=np.uint32).astype(np.uint8).reshape(2000, 2000)
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        expected = cv2.resize(large, (1500, 1500))

        def same() -> bool:
            return cv2.getNumThreads() == 1 and bool(
                (cv2.resize(large, (1500, 1500)) == expected).all()
            )

        assert in_child(same)
        assert cv2.getNumThreads() == 3, "the parent's go on"
        assert in_child(lambda: in_child(same))
    finally:
        cv2.setNumThreads(before)


class Setting:
    value = "usual"

    def write(self, value: str) -> None:
        self.value = value


def test_a_held_setting_is_put_back_by_the_last_who_holds_it() -> None:
    setting = Setting()
    held = HeldSetting(lambda: setting.value, setting.write)
    with held.at("exact"):
        with held.at("exact"):
            assert setting.value == "exact"
        assert setting.value == "exact", "somebody still needs it"
    assert setting.value == "usual"
    with pytest.raises(KeyError), held.at("exact"):
        raise KeyError
    assert setting.value == "usual"


def test_who_needs_another_value_waits() -> None:
    setting = Setting()
    held = HeldSetting(lambda: setting.value, setting.write)
    seen = []

    def other() -> None:
        with held.at("other"):
            seen.append(setting.value)

    thread = threading.Thread(target=other)
    with held.at("exact"):
        thread.start()
        thread.join(0.05)
        assert thread.is_alive()
        assert setting.value == "exact"
    thread.join(20)
    assert (seen, setting.value) == (["other"], "usual")


def test_a_child_holds_nothing_for_threads_that_its_parent_has() -> None:
    setting = Setting()
    held = HeldSetting(lambda: setting.value, setting.write)

    def other() -> bool:
        assert setting.value == "usual"
        with held.at("other"):
            return setting.value == "other"

    with held.at("exact"):
        assert in_child(other)
        assert setting.value == "exact"
