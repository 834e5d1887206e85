"""ocrkit itself, in an environment of its own like all others."""

from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from driver import Found, Read, drive

STAGES = ("read", "find", "cut", "preprocess", "network", "decode")
"""Work of all threads; those after ``cut`` are of lines."""


def open_reader(job: dict[str, Any]) -> tuple[Read, dict[str, str]]:
    import ocrkit
    from ocrkit.data.inputs import input_pages
    from ocrkit.reading.page_readings import PageSeconds

    options = job["options"]
    pipeline = ocrkit.load(
        options["pipeline"],
        options.get("settings", []),
        device="cpu",
        threads=job["threads"],
    )

    def page(path: str) -> Found:
        # What read() does; evaluate() tells stages too, but those of a whole data set.
        seconds = PageSeconds()
        (sample,) = (each.sample() for each in input_pages(path))
        (reading,) = pipeline._engine.readings([sample], seconds)
        lines = [
            {name: each[name] for name in ("baseline", "boundary", "text", "words")}
            for each in map(asdict, reading.page.lines)
        ]
        return {"lines": lines, "stages": {name: getattr(seconds, name) for name in STAGES}}

    def line(path: str) -> Found:
        return {"text": pipeline.read(path).text}

    versions = {"ocrkit": version("ocrkit"), "onnxruntime": version("onnxruntime")}
    return page if job["task"] == "pages" else line, versions


if __name__ == "__main__":
    drive(open_reader)
