"""Metrics made of edit distances."""

from ocrkit.hookspecs import Register, hookimpl


@hookimpl
def ocrkit_metrics(register: Register) -> None:
    register(
        "levenshtein",
        "ocrkit_levenshtein.metrics:Levenshtein",
        summary="Levenshtein score: mean of (length - edits) / length",
    )
    register(
        "cer",
        "ocrkit_levenshtein.metrics:CharacterErrorRate",
        summary="Character error rate: edits / characters",
    )
    register(
        "wer",
        "ocrkit_levenshtein.metrics:WordErrorRate",
        summary="Word error rate: edits / words between white space",
    )
