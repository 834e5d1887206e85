"""Pages in a JSON of their own become PAGE XML that the reader reads."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
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
        ("letters/two___a_/two#l1", "two & <caf\u00e9>"),
        ("letters/two___a_/two#l2", "1911"),
    ]
    assert {sample.form for sample in reader} == {"letters/two___a_"}
    assert all(sample.load().shape[0] == 64 for sample in reader)
    written = PageXml(target, leave_out=("printed",))
    assert {sample.id.partition("#")[2] for sample in written} == {"l1"}
