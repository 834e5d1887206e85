"""Training images without end: words drawn in handwriting fonts, and recorded pen strokes drawn
again."""

from ocrkit.hookspecs import Register, hookimpl


@hookimpl
def ocrkit_readers(register: Register) -> None:
    register(
        "synth-words",
        "ocrkit_synth.words:SynthWords",
        summary="words of a text, drawn in the handwriting fonts of a folder",
    )
    register(
        "strokes",
        "ocrkit_synth.strokes:Strokes",
        summary="words of pen strokes (IAM-OnDB), drawn with a random pen",
    )
