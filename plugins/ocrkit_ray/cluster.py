"""A Ray cluster: joined, or made of this machine."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ocrkit.errors import OcrkitError
from ocrkit.page_pipeline import PageRecipe
from ocrkit.support.machine import processors

_STORE = 200_000_000
"""Bytes of Ray's object store on this machine: what passes through it are names of files."""


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Joins the cluster at an address, or the one that there is already in this process, or else
    makes one of this machine, which ends with the block."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent to anybody
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # what it says is for its developers
    import ray

    if ray.is_initialized():
        yield
        return
    joins = address or os.environ.get("RAY_ADDRESS")
    own: dict[str, Any] = {
        "num_cpus": processors(),
        "object_store_memory": _STORE,
        "include_dashboard": False,
    }
    try:
        ray.init(
            address=joins or "local",  # None would join any cluster that runs on this machine
            **({} if joins else own),
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except Exception as error:
        ray.shutdown()
        raise OcrkitError(f"{joins or 'Ray'}: no cluster ({str(error).splitlines()[0]})") from error
    try:
        yield
    finally:
        ray.shutdown()


@dataclass(frozen=True, slots=True)
class Share:
    """What an actor takes of a machine."""

    processors: int
    gpus: int

    @property
    def options(self) -> dict[str, Any]:
        return {"num_cpus": self.processors, "num_gpus": self.gpus}

    def fit(self) -> int:
        """How many of them the cluster has room for, at least 1."""
        import ray

        alive = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        return max(1, sum(self._fit(resources) for resources in alive))

    def _fit(self, resources: dict[str, float]) -> int:
        by_gpu = resources.get("GPU", 0) // self.gpus if self.gpus else float("inf")
        return int(min(resources.get("CPU", 0) // self.processors, by_gpu))


def share_of(recipe: PageRecipe) -> Share:
    """As many processors as the recipe has threads, 1 where it does not say; and a GPU where it
    names one, or takes any, and the cluster has some."""
    import ray

    wanted = recipe.device == "cuda" or (
        recipe.device == "auto" and ray.cluster_resources().get("GPU", 0) >= 1
    )
    return Share(recipe.threads or 1, int(wanted))


@contextmanager
def a_row_a_block() -> Iterator[None]:
    """Has Ray Data make a block of every row, which is what actors are given; and say nothing but
    errors, and show no bars of its own."""
    from ray.data import DataContext

    context, logger = DataContext.get_current(), logging.getLogger("ray.data")
    settings = {
        "target_max_block_size": 1,
        "enable_progress_bars": False,
        "print_on_execution_start": False,
    }
    before, level = {name: getattr(context, name) for name in settings}, logger.level
    logger.setLevel(logging.ERROR)
    try:
        for name, value in settings.items():
            setattr(context, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(context, name, value)
        logger.setLevel(level)
