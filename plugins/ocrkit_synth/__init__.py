"""Training images without end: words drawn in handwriting fonts, recorded pen strokes drawn again,
and whole pages."""

from ocrkit.hookspecs import Register, hookimpl


@hookimpl
def ocrkit_readers(register: Register) -> None:
    register(
        "synth-words",
        "ocrkit_synth.words:SynthWords",
        summary="words of a text, drawn in the handwriting fonts of a folder",
    )
    register(
        "synth-lines",
        "ocrkit_synth.lines:SynthLines",
        summary="lines of a text, drawn in the handwriting fonts of a folder",
    )
    register(
        "strokes",
        "ocrkit_synth.strokes:Strokes",
        summary="words or lines of pen strokes (IAM-OnDB), drawn with a random pen",
    )
    register(
        "synth-pages",
        "ocrkit_synth.synth_pages:SynthPages",
        summary="pages drawn in handwriting fonts or with other readers' words, to learn from",
    )
