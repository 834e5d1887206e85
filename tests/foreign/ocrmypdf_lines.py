"""The lines that OCRmyPDF finds in an hOCR file, as JSON. Run by the Python that OCRmyPDF is in."""

import json
import sys

from ocrmypdf.hocrtransform.hocr_parser import HocrParser

page = HocrParser(sys.argv[1]).parse()
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
json.dump(found, sys.stdout)
