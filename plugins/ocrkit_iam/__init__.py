"""The IAM Handwriting Database, as its archives extract."""

from ocrkit.hookspecs import Register, hookimpl


@hookimpl
def ocrkit_readers(register: Register) -> None:
    register(
        "iam",
        "ocrkit_iam.reader:Iam",
        summary="words of the IAM Handwriting Database, in its own layout",
    )
