"""Pages: finding their lines, and scores of the lines that were found and of what was read."""

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


@hookimpl
def ocrkit_models(register: Register) -> None:
    register(
        "baseline-net",
        "ocrkit_pages.network:BaselineNet",
        summary="maps of a page's lines; half a million parameters",
    )
    register(
        "baseline-net",
        "ocrkit_pages.network_torch:BaselineNet",
        backend="torch",
        extra="torch",
    )


@hookimpl
def ocrkit_objectives(register: Register) -> None:
    register(
        "pixels",
        "ocrkit_pages.objective:Pixels",
        summary="learns where baselines are, where they end and how high their letters are",
    )
    register("pixels", "ocrkit_pages.objective_torch:Pixels", backend="torch", extra="torch")


@hookimpl
def ocrkit_preprocessors(register: Register) -> None:
    register(
        "fit-page",
        "ocrkit_pages.fit:FitPage",
        summary="shrinks a page to a longest side, and fills its last rows and columns with paper",
    )


@hookimpl
def ocrkit_augmentations(register: Register) -> None:
    register(
        "page-crop",
        "ocrkit_pages.crop:PageCrop",
        summary="a square of a page, at a random place, scale, turn and perspective",
    )


@hookimpl
def ocrkit_segmenters(register: Register) -> None:
    register(
        "baselines",
        "ocrkit_pages.baselines:Baselines",
        summary="lines along the baselines that a network shows, with their heights",
    )
