"""The models that ship with ocrkit: a folder each, with pipeline, manifest, weights and model card;
and language models."""

from ocrkit.hookspecs import Register, hookimpl


@hookimpl
def ocrkit_zoos(register: Register) -> None:
    register(
        "iam-crnn",
        "ocrkit_zoo:iam-crnn",
        summary="Handwritten English words: CNN + biLSTM + CTC, the seed notebook's network",
        default=True,
    )
    register(
        "iam-words-fast",
        "ocrkit_zoo:iam-words-fast",
        summary="Handwritten English words, quickly: separable CNN + biLSTM + CTC",
    )
    register(
        "iam-words-resnet",
        "ocrkit_zoo:iam-words-resnet",
        summary="Handwritten English words: residual CNN + 3 biLSTMs + CTC",
        default_for="word",
    )
    register(
        "iam-lines",
        "ocrkit_zoo:iam-lines",
        summary="Handwritten English lines: residual CNN + 3 biLSTMs + CTC",
        default_for="line",
    )
    register(
        "hands-lines",
        "ocrkit_zoo:hands-lines",
        summary="Handwritten French lines, 17th to 20th century: residual CNN + 3 biLSTMs + CTC",
    )
    register(
        "page-lines",
        "ocrkit_zoo:page-lines",
        summary="The lines of handwritten pages",
    )
    register(
        "iam-pages",
        "ocrkit_zoo:iam-pages",
        summary="Handwritten English pages: lines found by page-lines, read by iam-lines",
        default_for="page",
    )
    register(
        "hands-pages",
        "ocrkit_zoo:hands-pages",
        summary="Handwritten French pages: lines found by page-lines, read by hands-lines",
    )
    register(
        "synth-words-resnet",
        "ocrkit_zoo:synth-words-resnet",
        summary="The same, trained on handwriting fonts alone",
    )


@hookimpl
def ocrkit_language_models(register: Register) -> None:
    register("english", "ocrkit_zoo:english.safetensors", summary="English words, one at a time")
    register(
        "english-lines",
        "ocrkit_zoo:english-lines.safetensors",
        summary="English lines, as written or with spaces around punctuation, and words",
    )
    register(
        "french",
        "ocrkit_zoo:french.safetensors",
        summary="French lines, the language of the 17th to the 19th century",
    )
