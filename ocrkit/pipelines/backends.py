"""Which backend runs a pipeline's network, and on which device."""

from typing import Any

from ocrkit.errors import OcrkitError, PluginError
from ocrkit.parts.guests import guest
from ocrkit.parts.networks import Backend
from ocrkit.parts.registry import registry
from ocrkit.pipelines.spec import PipelineSpec


def choose_backend(
    spec: PipelineSpec, wanted: str | None, training: bool, problems: list[str]
) -> tuple[str, Any]:
    """The backend asked for, else the first of the pipeline's that is installed. What is wrong goes
    to the problems."""
    names = [wanted] if wanted else list((training and spec.training.backends) or spec.backends)
    found: list[str] = []
    for name in names:
        try:
            entry = registry().get("backend", name)
            for kind, part in {**spec.network_parts, "objective": spec.objective}.items():
                if not part.use:
                    continue
                registry().get(kind, part.use)
                backends = registry().backends(kind, part.use)
                if name not in backends and not (kind == "featurizer" and "numpy" in backends):
                    raise PluginError(
                        f"no {kind} named {part.use!r} for backend {name!r}. It has: "
                        f"{', '.join(backends) or 'none'}."
                    )
            with guest("backend", name):
                return name, entry.load()()
        except PluginError as error:
            found.append(str(error))
    problems.extend(dict.fromkeys(found))
    return "", None


def choose_device(backend_name: str, backend: Backend, device: str) -> str:
    """``cpu`` or ``cuda``; ``auto`` takes the GPU where there is one. Raises OcrkitError for a
    device that is not there."""
    with guest("backend", backend_name):
        devices = list(backend.devices())
    if device == "auto":
        return "cuda" if "cuda" in devices else "cpu"
    if device not in devices:
        raise OcrkitError(
            f"device {device!r}: backend {backend_name!r} sees {', '.join(devices)} here; a GPU "
            "needs a CUDA build of its "
            "framework too (docs/backends.md). Try --device auto."
        )
    return device
