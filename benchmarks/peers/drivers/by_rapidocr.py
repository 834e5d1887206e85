"""RapidOCR: PP-OCR's detector, classifier of direction and recogniser on ONNX Runtime."""

from importlib.metadata import version
from typing import Any

from driver import Found, Read, drive


def open_reader(job: dict[str, Any]) -> tuple[Read, dict[str, str]]:
    from rapidocr import RapidOCR

    engine = RapidOCR(
        params={
            "EngineConfig.onnxruntime.intra_op_num_threads": job["threads"],
            "Global.log_level": "error",
        }
    )

    def page(path: str) -> Found:
        try:
            found = engine(path, return_word_box=True)
        except IndexError:  # as it does where it has no place for any word of a line
            found = engine(path, return_word_box=False)
        if found.boxes is None:
            return {"lines": [], "stages": {}}
        placed = found.word_results
        if len(placed) != len(found.txts) or not all(isinstance(each, tuple) for each in placed):
            placed = [()] * len(found.txts)  # it has left lines out, or has not looked for places
        lines = [
            {
                "boundary": corners.tolist(),
                "text": text,
                "words": [{"text": word, "boundary": at} for word, _, at in words],
            }
            for corners, text, words in zip(found.boxes, found.txts, placed, strict=True)
        ]
        names = ("find", "direction", "read")
        return {"lines": lines, "stages": dict(zip(names, found.elapse_list, strict=True))}

    def line(path: str) -> Found:
        found = engine(path, use_det=False, use_cls=False, use_rec=True)
        return {"text": " ".join(found.txts or ())}

    versions = {name: version(name) for name in ("rapidocr", "onnxruntime")}
    return page if job["task"] == "pages" else line, versions


if __name__ == "__main__":
    drive(open_reader)
