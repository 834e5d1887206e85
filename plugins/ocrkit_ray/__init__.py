"""Pages read on many machines, by Ray."""

from typing import TYPE_CHECKING

from ocrkit.hookspecs import Register, hookimpl

if TYPE_CHECKING:
    import ray.data

    from ocrkit.page_pipeline import PageRecipe

__all__ = ["map_pages"]


@hookimpl
def ocrkit_engines(register: Register) -> None:
    register(
        "ray",
        "ocrkit_ray.engine:Ray",
        summary="On the processors and machines of a Ray cluster",
        extra="ray",
    )


def map_pages(dataset: "ray.data.Dataset", recipe: "PageRecipe") -> "ray.data.Dataset":
    """Reads the pages of a data set of Ray's, whose column ``path`` (string) has their files: local
    paths, which every machine has to have, or addresses such as ``s3://bucket/scan.png``.

    Gives a data set with a row a page, in any order: ``path``; ``id``, such as ``scan.pdf#3``;
    ``text``, ``confidence`` (0 to 1) and ``page``, the page as JSON, null where it could not be
    read; ``error``, why not, else null; ``note``, what is odd about it. Nothing is read before rows
    are asked for. The actors have the recipe's device and as many processors each as it has
    threads, one where it says 0. The recipe is that of a pipeline that is loaded,
    ``ocrkit.load("iam-pages", threads=1).recipe``; docs/many-machines.md has an example.
    """
    from ocrkit_ray.mapping import mapped

    return mapped(dataset, recipe)
