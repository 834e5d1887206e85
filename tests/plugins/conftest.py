from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import ocrkit
from drawn_pages import words

WORDS = """\
#--- words.txt ---------------------------------------------------------------#
# format: a01-000u-00-00 ok 154 1 408 768 27 51 AT A
#     er: segmentation of word can be bad
a01-000u-00-00 ok 154 408 768 27 51 AT A
a01-000u-00-01 ok 154 507 766 213 48 NPT M P
a01-000u-00-02 ok 154 796 764 70 50 &GA #
a01-000u-01-00 err 156 -1 -1 -1 -1 ( (
a01-000u-01-01 err 156 395 932 441 100 NN error
a01-003-00-00 ok 160 395 932 441 100 VB "
a01-003-00-01 ok 160 395 932 441 100 VB R&D
c04-110-00-00 ok 160 395 932 441 100 VB test
"""
FORMS = (
    "# form writer …\na01-000u 000 2 prt 7 5 52 36\na01-003 002 3 prt 11 10 81 71\nc04-110 120 "
    "3 prt 11 10 81 71\n"
)
XML = {
    "a01-000u": """<?xml version="1.0" encoding="ISO-8859-1"?>
<form id="a01-000u" writer-id="000" width="2479" height="3542"><handwritten-part>
<line id="a01-000u-00" segmentation="ok" text="A M P #"><word id="a01-000u-00-00" tag="AT" text="A"><cmp x="4" y="7"/></word>
<word id="a01-000u-00-01" tag="NPT" text="M P"><cmp x="5"/><cmp x="6"/></word><word id="a01-000u-00-02" text="#"/></line>
<line id="a01-000u-01" segmentation="err" text="( error"><word id="a01-000u-01-00" text="("/>
<word id="a01-000u-01-01" text="error"/></line></handwritten-part></form>""",  # noqa: E501
    "a01-003": """<form id="a01-003" writer-id="002"><handwritten-part>
<line id="a01-003-00" segmentation="ok">
<word id="a01-003-00-00" text="&amp;quot;"/><word id="a01-003-00-01" text="R&amp;amp;D"/></line></handwritten-part></form>""",  # noqa: E501
    "c04-110": """<form id="c04-110" writer-id="120"><handwritten-part>
<line id="c04-110-00" segmentation="ok">
<word id="c04-110-00-00" text="test"/></line></handwritten-part></form>""",
}


@pytest.fixture
def iam(tmp_path: Path) -> Path:
    """Two training forms and a test form of eight words in all, in IAM's layout."""
    root = tmp_path / "iam"
    for folder in ("ascii", "xml"):
        (root / folder).mkdir(parents=True)
    (root / "ascii" / "words.txt").write_text(WORDS, "utf-8")
    (root / "ascii" / "forms.txt").write_text(FORMS, "utf-8")
    for form, xml in XML.items():
        (root / "xml" / f"{form}.xml").write_text(xml, "utf-8")
    for index, row in enumerate(line for line in WORDS.splitlines() if not line.startswith("#")):
        word = row.split()[0]
        form = word[:-6]
        path = root / "words" / form[:3] / form / f"{word}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((20, 30 + index), 10 * index, np.uint8)).save(path)
    return root


@pytest.fixture(scope="session")
def crnn() -> Iterator[ocrkit.Pipeline]:
    """A pipeline of words."""
    with ocrkit.load("iam-crnn") as pipeline:
        assert isinstance(pipeline, ocrkit.Pipeline)
        yield pipeline


@pytest.fixture(scope="session")
def word_files() -> list[bytes]:
    """Image files of words."""
    from services import png

    return [png(pixels) for pixels in list(words().values())[:24]]


@pytest.fixture(scope="module")
def word_client(crnn: ocrkit.Pipeline) -> Iterator[Any]:
    """A client of a service that reads words, with narrow limits."""
    from ocrkit_serve.limits import Limits
    from services import served

    with served({"iam-crnn": crnn}, Limits(megabytes=2, megapixels=1, seconds=30)) as client:
        yield client
