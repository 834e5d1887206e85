"""The lines that OCRmyPDF finds in hOCR files, a row of JSON each. Run by the Python that OCRmyPDF
is in."""

import json
import sys

from ocrmypdf.hocrtransform.hocr_parser import HocrParser

for path in sys.stdin.read().splitlines():
    page = HocrParser(path).parse()
    lines = [line for paragraph in page.children for line in paragraph.children]
    found = [
        {
            "text": " ".join(word.text for word in line.children),
            "confidences": [word.confidence for word in line.children],
            "box": [line.bbox.left, line.bbox.top, line.bbox.right, line.bbox.bottom],
            "baseline": line.baseline and [line.baseline.slope, line.baseline.intercept],
        }
        for line in lines
    ]
    print(json.dumps(found))  # noqa: T201  (the test reads it)
