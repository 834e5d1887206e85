"""Tesseract as the system has it. Its program is started for each image, so that its start is in
all of its times."""

import csv
import os
import shutil
import subprocess
from io import StringIO
from typing import Any

from driver import Found, Read, box, drive


def open_reader(job: dict[str, Any]) -> tuple[Read, dict[str, str]]:
    os.environ["OMP_THREAD_LIMIT"] = str(job["threads"])
    program = shutil.which("tesseract") or "tesseract"
    language = ["-l", job["options"]["language"]]

    def said(*arguments: str) -> str:
        done = subprocess.run(
            [program, *arguments], check=True, capture_output=True, text=True, encoding="utf-8"
        )
        return done.stdout

    def page(path: str) -> Found:
        return {"lines": lines_of(said(path, "-", *language, "tsv")), "stages": {}}

    def line(path: str) -> Found:
        return {"text": " ".join(said(path, "-", *language, "--psm", "7").split())}

    versions = {"tesseract": said("--version").split()[1]}
    return page if job["task"] == "pages" else line, versions


def lines_of(table: str) -> list[dict[str, Any]]:
    """The lines of a table as ``tesseract IMAGE - tsv`` prints it, with their words."""
    lines: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in csv.DictReader(StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        name = tuple(row[key] for key in ("block_num", "par_num", "line_num"))
        left, top, width, height = (int(row[key]) for key in ("left", "top", "width", "height"))
        corners = box(left, top, left + width, top + height)
        if row["level"] == "4":
            lines[name] = {"boundary": corners, "words": []}
        elif row["level"] == "5" and row["text"].strip():
            lines[name]["words"].append({"text": row["text"].strip(), "boundary": corners})
    return [
        line | {"text": " ".join(word["text"] for word in line["words"])}
        for line in lines.values()
        if line["words"]
    ]


if __name__ == "__main__":
    drive(open_reader)
