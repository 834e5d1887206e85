"""What the plugin registers. The dotted string is imported when the part is first used, so that
this module stays light."""

from ocrkit import Register, hookimpl


@hookimpl
def ocrkit_readers(register: Register) -> None:
    register(
        "csv",
        "ocrkit_csv.table:Table",
        summary="images, texts, writers and splits that a CSV table lists",
    )
