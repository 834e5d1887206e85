"""Pages with their lines and texts as ALTO and PAGE XML, as eScriptorium, Transkribus and kraken
read and write them."""

from ocrkit.hookspecs import Register, hookimpl


@hookimpl
def ocrkit_readers(register: Register) -> None:
    register(
        "page-xml",
        "ocrkit_pagexml.reader:PageXml",
        summary="pages or their lines: images, and ALTO or PAGE XML, as programs export them",
    )


@hookimpl
def ocrkit_formats(register: Register) -> None:
    register(
        "alto",
        "ocrkit_pagexml.alto_format:Alto",
        summary="ALTO 4.2, as eScriptorium, kraken and digital libraries take it",
    )
    register(
        "page",
        "ocrkit_pagexml.page_format:PageXml",
        summary="PAGE XML, as eScriptorium and Transkribus take it",
    )
