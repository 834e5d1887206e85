"""Ray, with two processors of this machine and little memory."""

import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

TRIES = 3
WARNINGS = pytest.mark.filterwarnings("default")
"""For tests with Ray: what it and what it starts warn of is not ours to mend."""


@contextmanager
def started(**environment: str) -> Iterator[Any]:
    """Ray, whose processes have this in their environment. Skips where it is not installed, and
    where it does not come up: it waits half a minute for its own processes, which is too short on a
    machine with too much to do."""
    ray = pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_BACKEND_LOG_LEVEL", "fatal")
        try:
            if not any(_begun(ray) for _ in range(TRIES)):
                pytest.skip(f"Ray did not start in {TRIES} tries")
            yield ray
        finally:
            _end(ray)


def _begun(ray: Any) -> bool:
    own = {"num_cpus": 2, "object_store_memory": 100_000_000, "include_dashboard": False}
    try:
        ray.init("local", **own, log_to_driver=False, logging_level="ERROR")
    except Exception as error:
        if "timed out during startup" not in str(error):
            raise
        _end(ray)
        return False
    return True


def _end(ray: Any) -> None:
    """Ends Ray, and forgets its processes, which it does not wait for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.shutdown()
        gc.collect()
