"""Pages: scores of the lines that were found on them and of what was read."""

from ocrkit.hookspecs import Register, hookimpl

_METRICS = {
    "page-cer": ("PageCharacterErrorRate", "Page CER: edits / characters, in the order read"),
    "page-wer": ("PageWordErrorRate", "Page WER: edits / words, in the order read"),
    "order-free-cer": ("OrderFreeCharacterErrorRate", "CER in any order of the lines"),
    "matched-cer": ("MatchedCharacterErrorRate", "CER of the true lines that were found"),
    "bag-of-words-f1": ("BagOfWords", "F1 of words, wherever they are"),
    "line-recall": ("LineRecall", "Line recall: how much of the true lines was found"),
    "line-precision": ("LinePrecision", "Line precision: how much of the found lines is true"),
    "line-f1": ("LineF1", "Line F1: how much of both is the others"),
    "word-box-f1": ("WordBoxes", "F1 of words' boxes that half agree"),
}


@hookimpl
def ocrkit_metrics(register: Register) -> None:
    for name, (part, summary) in _METRICS.items():
        register(name, f"ocrkit_pages.metrics:{part}", summary=summary)


@hookimpl
def ocrkit_orders(register: Register) -> None:
    register(
        "top-down",
        "ocrkit_pages.top_down:TopDown",
        summary="by regions, columns and margins, from top to bottom",
    )
