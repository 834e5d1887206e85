"""Pages as documents: plain text and JSON."""

from ocrkit.hookspecs import Register, hookimpl


@hookimpl
def ocrkit_formats(register: Register) -> None:
    register(
        "text",
        "ocrkit_documents.text:PlainText",
        summary="what is written, a line a line, and a blank one between regions",
    )
    register(
        "json",
        "ocrkit_documents.page_json:PageJson",
        summary="all that is known of a page, as ocrkit reads it back",
    )
