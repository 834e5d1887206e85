"""Pages in a JSON of their own become PAGE XML that the reader reads."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocrkit_pagexml.reader import PageXml

SCRIPT = Path(__file__).parents[2] / "tools" / "pages_to_page_xml.py"


def test_pages_are_converted_and_read_by_their_splits(tmp_path):
    source, target = tmp_path / "pages", tmp_path / "converted"
    (source / "letters").mkdir(parents=True)
    (source / "splits").mkdir()
    for name in ("one", "two"):
        Image.fromarray(np.full((100, 200), 200, np.uint8)).save(source / f"letters/{name}.webp")
        lines = [
            {
                "text": f"{name} & <cafe\u0301>",
                "baseline": [[10.5, 60], [190, 61.2]],
                "polygon": [[10, 30], [190, 30], [190, 70]],
                "type": "Handwritten",
                "region": "Main{Zone",
            },
            {"text": "1911", "baseline": [[10, 90], [50, 90]], "type": "printed", "region": None},
        ]
        page = {"id": f"letters/{name}", "document": f"{name}, (a)", "width": 200, "height": 100}
        page |= {"source": "drawn", "licence": "CC0", "lines": lines}
        (source / f"letters/{name}.json").write_text(json.dumps(page))
    (source / "splits" / "train.txt").write_text("letters/two\n")
    run = [sys.executable, str(SCRIPT), str(source), str(target)]
    subprocess.run(run, check=True, capture_output=True)
    again = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    assert again.splitlines()[0] == "train: 1 pages"
    reader = PageXml(target, "train")
    assert [(sample.id, sample.text) for sample in reader] == [
        ("letters/two___a_/two#l1", "two & caf\u00e9"),
        ("letters/two___a_/two#l2", "1911"),
    ]
    assert {sample.form for sample in reader} == {"letters/two___a_"}
    assert all(sample.load().shape[0] == 64 for sample in reader)
    written = PageXml(target, leave_out=("printed",))
    assert {sample.id.partition("#")[2] for sample in written} == {"l1"}


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location(SCRIPT.stem, SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


@pytest.fixture(scope="module")
def settled(script):
    return script.settled


def test_the_table_for_cards_has_a_row_for_every_rule(script):
    run = [sys.executable, str(SCRIPT), "--rules"]
    printed = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    _, line, *rows = printed.splitlines()
    cells = [re.split(r"(?<!\\)\|", row)[1:-1] for row in rows]
    assert line == "|---|---|---|"
    assert {len(row) for row in cells} == {3}
    named = [row[0].strip() for row in cells[1:]]
    assert named == [what for what, *_ in (*script.SETTLED, *script.UNSETTLED)]
    patterns = [row[1].strip().strip("`").replace("\\|", "|") for row in cells[1:]]
    assert patterns == [pattern for _, pattern, *_ in (*script.SETTLED, *script.UNSETTLED)]
    assert [row[2].strip() for row in cells[-len(script.UNSETTLED) :]] == [
        "the line is left out"
    ] * len(script.UNSETTLED)


@pytest.mark.parametrize(
    ("written", "on_the_page"),
    [
        ("cafe\u0301", "caf\u00e9"),
        ("pain &amp; vin", "pain & vin"),
        ("pain &c.", "pain &c."),
        ("dit &quot;oui&quot; \u201cnon\u201d", 'dit "oui" "non"'),
        ("l\u2019an \u2014 dix", "l'an - dix"),
        ("mor\u00ac", "mor-"),
        ("a\u00acb", "a\u00acb"),
        ("il >ne< \u27e6va\u27e7 < >", "il ne va"),
        ("M^e 2^nd", "Me 2nd"),
        ("\u2380 qu#\u2019il \u2192 # la", "qu'il la"),
        ("class\u00e9e #17", "class\u00e9e #17"),
        ("que \u017fon Mon\u1e9c", "que \u017fon Mon\u017f"),
        ("lr\u1ebds \ua751 \u204a", "lr\u1ebds \ua751 \u204a"),
    ],
)
def test_conventions_of_transcribers_become_what_is_on_the_page(settled, written, on_the_page):
    assert settled(written) == on_the_page
    assert settled(on_the_page) == on_the_page


@pytest.mark.parametrize(
    "written", ["un XXX", "[...] va", "le [?]", "@@", "a | b", "a_b", "q\u0336", "FR\u15c5N", "~"]
)
def test_a_text_that_cannot_be_settled_is_none(settled, written):
    assert settled(written) == ""
