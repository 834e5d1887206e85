"""The models that ship with ocrkit: a folder each, with pipeline, manifest, weights and model card."""

from ocrkit.hookspecs import Register, hookimpl


@hookimpl
def ocrkit_zoos(register: Register) -> None:
    register(
        "iam-crnn", "ocrkit_zoo:iam-crnn", summary="Handwritten English words: CNN + biLSTM + CTC, the seed notebook's network"
    )
