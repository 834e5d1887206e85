"""CTC: what networks are trained for that read texts, and their decoders."""

from ocrkit.hookspecs import Register, hookimpl


@hookimpl
def ocrkit_objectives(register: Register) -> None:
    register(
        "ctc",
        "ocrkit_ctc.objective:Ctc",
        summary="Texts by connectionist temporal classification (Graves et al. 2006)",
    )


@hookimpl
def ocrkit_decoders(register: Register) -> None:
    register(
        "ctc-greedy",
        "ocrkit_ctc.greedy:Greedy",
        summary="Best path: the likeliest class of every step, repeats and blanks removed",
    )
    register(
        "ctc-beam",
        "ocrkit_ctc.beam:Beam",
        summary="Prefix beam search, on its own or with a language model or a word list",
    )
