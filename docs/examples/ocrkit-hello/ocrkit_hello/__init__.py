"""A featurizer and a metric for ocrkit, as small as they can be."""

from ocrkit.hookspecs import Register, hookimpl


@hookimpl
def ocrkit_featurizers(register: Register) -> None:
    register(
        "ink-bands",
        "ocrkit_hello.ink_bands:InkBands",
        summary="mean brightness of horizontal bands",
    )
    register("ink-bands", "ocrkit_hello.ink_bands:build", backend="numpy")


@hookimpl
def ocrkit_metrics(register: Register) -> None:
    register("exact", "ocrkit_hello.exact:Exact", summary="share of samples read without a mistake")
