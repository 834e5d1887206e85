"""Pages as documents: plain text, JSON, hOCR, searchable PDF."""

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
    register(
        "hocr",
        "ocrkit_documents.hocr:Hocr",
        summary="hOCR 1.2, as tools that make searchable PDF take it",
    )
    register(
        "pdf",
        "ocrkit_documents.pdf:SearchablePdf",
        extra="documents",
        summary="the picture, and over it the text, for searching and copying",
    )
