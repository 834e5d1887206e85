"""Character n-gram language models: read, asked, trained, and their weights found."""

from ocrkit.hookspecs import Register, hookimpl


@hookimpl
def ocrkit_commands(register: Register) -> None:
    register(
        "lm",
        "ocrkit_ngrams.commands:lm",
        summary="Train language models for decoders, and find their weights.",
    )


@hookimpl
def ocrkit_language_model_formats(register: Register) -> None:
    register(
        "n-grams",
        "ocrkit_ngrams.files:open_model",
        summary="Character n-grams, as ocrkit lm train writes them, and ARPA files",
    )
