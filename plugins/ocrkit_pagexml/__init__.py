"""Pages with their lines and texts as ALTO and PAGE XML, as eScriptorium, Transkribus and kraken
write them."""

from ocrkit.hookspecs import Register, hookimpl


@hookimpl
def ocrkit_readers(register: Register) -> None:
    register(
        "page-xml",
        "ocrkit_pagexml.reader:PageXml",
        summary="pages or their lines: images, and ALTO or PAGE XML, as programs export them",
    )
