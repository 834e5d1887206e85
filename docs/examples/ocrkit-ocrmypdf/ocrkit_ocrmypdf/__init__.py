"""ocrkit as an engine of OCRmyPDF, through its interface for plugins."""

from argparse import ArgumentParser
from functools import cache
from pathlib import Path
from typing import Any

from ocrmypdf import hookimpl
from ocrmypdf.exceptions import BadArgsError, InputFileError
from ocrmypdf.pluginspec import OcrEngine, OrientationConfidence

import ocrkit
from ocrkit.parts.formats import save_page


class OcrkitEngine(OcrEngine):
    """Finds the lines of a page's picture and reads them. OCRmyPDF makes one in each of its
    processes, which read pages beside each other with a thread each."""

    @staticmethod
    def version() -> str:
        return ocrkit.__version__

    @staticmethod
    def creator_tag(options: Any) -> str:
        return f"{OcrkitEngine()} with {options.ocrkit_pipeline}"

    def __str__(self) -> str:
        return f"ocrkit {ocrkit.__version__}"

    @staticmethod
    def languages(options: Any) -> set[str]:
        """None: what a model reads, not ``--language`` says, and any is let pass."""
        return set()

    @staticmethod
    def get_orientation(input_file: Path, options: Any) -> OrientationConfidence:
        """Upright: ocrkit reads pages that lie on their side as they lie."""
        return OrientationConfidence(angle=0, confidence=0.0)

    @staticmethod
    def generate_hocr(input_file: Path, output_hocr: Path, output_text: Path, options: Any) -> None:
        try:
            page = _pipeline(options.ocrkit_pipeline).read(input_file)
        except ocrkit.OcrkitError as error:
            raise InputFileError(str(error)) from error
        if not isinstance(page, ocrkit.Page):
            raise BadArgsError(f"{options.ocrkit_pipeline} reads no pages; name one that does")
        save_page(page, output_hocr, "hocr")
        save_page(page, output_text, "text")

    @staticmethod
    def generate_pdf(input_file: Path, output_pdf: Path, output_text: Path, options: Any) -> None:
        raise BadArgsError("ocrkit has its text put into the PDF by --pdf-renderer auto")


@cache
def _pipeline(name: str) -> Any:
    return ocrkit.load(name, device="cpu", threads=1)


@hookimpl
def add_options(parser: ArgumentParser) -> None:
    parser.add_argument_group("ocrkit").add_argument(
        "--ocrkit-pipeline",
        default="iam-pages",
        metavar="NAME",
        help="the page pipeline that reads: a model of the zoo, or a file",
    )


@hookimpl
def get_ocr_engine(options: Any) -> OcrEngine | None:
    """Reads unless another engine is asked for: ``--ocr-engine tesseract``."""
    asked = "auto" if options is None else options.ocr_engine
    return OcrkitEngine() if asked == "auto" else None
