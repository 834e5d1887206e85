"""What the plugin registers: a model, which is a folder in this package."""

from ocrkit import Register, hookimpl


@hookimpl
def ocrkit_zoos(register: Register) -> None:
    register(
        "sample-tiny",
        "ocrkit_zoo_example:sample-tiny",
        summary="a tiny network, trained on ocrkit's rendered sample",
    )
