"""faster-paddle: PP-OCR's detector and recogniser in Rust, with an ONNX Runtime of its own. It
reads whole pictures only, so that a line is found before it is read."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from driver import Found, Read, box, drive


def open_reader(job: dict[str, Any]) -> tuple[Read, dict[str, str]]:
    from faster_paddle import OcrEngine

    engine = OcrEngine(model_size=job["options"]["size"], threads=job["threads"])

    def page(path: str) -> Found:
        found = engine.ocr(Path(path).read_bytes())["bounds"]
        lines = [
            {
                "boundary": box(*each["topLeftCoord"], *each["bottomRightCoord"]),
                "text": each["text"],
            }
            for each in found.values()
        ]
        return {"lines": lines, "stages": {}}

    def line(path: str) -> Found:
        return {"text": " ".join(each["text"] for each in page(path)["lines"])}

    return page if job["task"] == "pages" else line, {"faster-paddle": version("faster-paddle")}


if __name__ == "__main__":
    drive(open_reader)
