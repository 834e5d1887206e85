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
        found = engine(path, return_word_box=True)
        if found.boxes is None:
            return {"lines": [], "stages": {}}
        lines = [
            {
                "boundary": corners.tolist(),
                "text": text,
                "words": [{"text": word, "boundary": at} for word, _, at in words],
            }
            for corners, text, words in zip(
                found.boxes, found.txts, found.word_results, strict=True
            )
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
