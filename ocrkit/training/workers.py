"""The processes that train one network together."""

import os

from ocrkit.errors import OcrkitError
from ocrkit.parts.networks import Distributed, SingleProcess, Workers
from ocrkit.pipelines.assembly import Assembly


def workers_of(assembly: Assembly) -> Workers:
    """The processes that train together. Raises OcrkitError where several were started and the
    backend trains in one."""
    if isinstance(assembly.backend, Distributed):
        return assembly.backend.workers()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise OcrkitError(
            f"backend {assembly.backend_name!r} trains in one process, not in several; try "
            "--backend torch"
        )
    return SingleProcess()
