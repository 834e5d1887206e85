"""Pages read on many machines, by Ray."""

from importlib import import_module

from ocrkit.hookspecs import Register, hookimpl


@hookimpl
def ocrkit_engines(register: Register) -> None:
    register(
        "ray",
        "ocrkit_ray.engine:Ray",
        summary="On the processors and machines of a Ray cluster",
        extra="ray",
    )


def __getattr__(name: str) -> object:
    """``map_pages``, which imports Ray, when somebody asks for it."""
    if name == "map_pages":
        return import_module("ocrkit_ray.mapping").map_pages
    raise AttributeError(name)
