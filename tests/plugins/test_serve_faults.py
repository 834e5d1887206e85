"""What goes wrong while pages are corrected: the process is killed, the disk takes no more."""

import io
import random
import time

import numpy as np
import pytest
from PIL import Image

import ocrkit
from corrections import correct_for_ever
from disks import full_disk
from drawn_pages import column, page, words

for needed in ("fastapi", "httpx", "multipart", "prometheus_client", "uvicorn"):
    pytest.importorskip(needed)

from ocrkit_serve.kept import Kept  # noqa: E402  (these need what may be missing)
from ocrkit_serve.teaching import Base, Teaching  # noqa: E402
from processes import begin  # noqa: E402
from services import png, served  # noqa: E402

SCAN = png(page(column(["clocks", "leaves", "number"])))
BLANK = png(np.full((64, 64), 255, np.uint8))
LINES = tuple(
    ocrkit.Line(f"l{number}", ((60, 100 * number + 90), (400, 100 * number + 90)), text="?")
    for number in range(24)
)


@pytest.fixture
def folder(tmp_path):
    """With a page of which 24 lines are corrected."""
    folder = tmp_path / "kept"
    folder.mkdir()
    kept = Kept(folder)
    id_ = kept.add("letter.png", SCAN, ocrkit.Page("letter", 1200, 900, lines=LINES))
    for line, word in zip(LINES, words(), strict=False):
        kept.correct(id_, line.id, word)
    return folder


def contents(folder):
    return {each.name: each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def test_no_correction_that_was_kept_is_lost_when_the_process_is_killed(folder, tmp_path):
    """Killed at twenty moments."""
    moments = random.Random(0)
    for kill in range(20):
        output = tmp_path / f"said{kill}.txt"
        output.touch()
        process = begin(correct_for_ever, folder, "letter", "l0", output=output)
        while process.is_alive() and output.read_text().count("\n") < 3:
            time.sleep(0.001)
        time.sleep(moments.random() / 20)
        process.kill()
        process.join()
        assert process.exitcode == -9, output.read_text()
        said = int(output.read_text().rpartition("\n")[0].split("\n")[-1])
        found = Kept(folder).page("letter").lines[0].text
        assert int(found.removeprefix("text ")) in (said, said + 1)
    assert [line.text for line in Kept(folder).page("letter").lines[1:]] == list(words())[1:24]


def tiff():
    file = io.BytesIO()
    first = Image.fromarray(np.full((9, 9), 255, np.uint8))
    first.save(file, "TIFF", save_all=True, append_images=[first])
    return file.getvalue()


def test_a_full_disk_is_said_and_nothing_changes(folder, monkeypatch):
    monkeypatch.setattr("ocrkit_serve.exports._HELD", 100)
    kept = Kept(folder)
    teaching = Teaching(kept, Base("iam-crnn", []), ocrkit.load)
    with (
        ocrkit.load("iam-pages") as pages,
        served({"pages": pages}, kept=kept, teaching=teaching) as client,
    ):
        before = contents(folder)
        for ask in (
            lambda: client.put("/v1/pages/letter/lines/l1", json={"text": "lost"}),
            lambda: client.post("/v1/pages", files={"file": ("a.png", SCAN)}),
            lambda: client.post("/v1/read", files={"file": ("a.tif", tiff())}),
            lambda: client.post("/v1/read", files={"file": ("a.png", bytes(2_000_000))}),
            lambda: client.get("/v1/pages/letter/file", params={"format": "page"}),
            lambda: client.get("/v1/file", params={"format": "page"}),
            lambda: client.post("/v1/teaching"),
        ):
            with full_disk():
                answer = ask()
            assert answer.status_code == 507, answer.text
            assert "File too large" in answer.json()["error"]
            assert contents(folder) == before
        with full_disk(300):  # the picture fits, but not what is to be beside it
            answer = client.post("/v1/pages", files={"file": ("a.png", BLANK)})
        assert (answer.status_code, contents(folder)) == (507, before)
        again = client.put("/v1/pages/letter/lines/l1", json={"text": "kept"})
        assert again.status_code == 200
    assert kept.page("letter").lines[1].text == "kept"
