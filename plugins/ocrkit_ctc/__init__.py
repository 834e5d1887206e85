"""Decoders for networks trained with CTC."""

from ocrkit.hookspecs import Register, hookimpl


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
