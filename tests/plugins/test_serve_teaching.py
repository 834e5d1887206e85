"""Teaching a model from corrected lines, by a service: what it learns from, what came of it, and
what is left when it is cancelled or killed."""

import os
import signal
import subprocess
import sys
import tomllib
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

import ocrkit
from drawn_pages import column, page, words, written
from ocrkit_pagexml.reader import PageXml

for needed in ("fastapi", "httpx", "multipart", "prometheus_client", "torch", "uvicorn"):
    pytest.importorskip(needed)

import httpx  # noqa: E402  (these need what may be missing)

from ocrkit_serve.kept import Kept  # noqa: E402
from ocrkit_serve.teaching import Base, Teaching  # noqa: E402
from processes import wait_for  # noqa: E402
from runs import same  # noqa: E402
from services import command, png, read, served, text  # noqa: E402

A_PAGE = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pages of words, six of them corrected, as people leave them."""
    folder = tmp_path_factory.mktemp("kept")
    kept = Kept(folder)
    texts = list(words())[:28]
    for number in range(7):
        those = texts[A_PAGE * number : A_PAGE * (number + 1)]
        lines = []
        for word, x, y in column(those):
            height, width = words()[word].shape
            box = ((x, y), (x + width, y), (x + width, y + height), (x, y + height))
            lines.append(ocrkit.Line(f"l{len(lines)}", boundary=box, text="?"))
        drawn = ocrkit.Page("page", 1200, 900, lines=tuple(lines))
        id_ = kept.add("page.png", png(page(column(those))), drawn)
        for line, word in zip(lines, those, strict=True):
            if number < 6:
                kept.correct(id_, line.id, word)
    return folder


SETTINGS = ["training.epochs=2"]


def teaching(folder):
    return Teaching(Kept(folder), Base("iam-crnn", SETTINGS), ocrkit.load, threads=1)


@contextmanager
def asked(folder, crnn):
    """A client of a service, and what teaches there."""
    one = teaching(folder)
    with served({"iam-crnn": crnn}, kept=Kept(folder), teaching=one) as client:
        yield client, one


def state(client):
    answer = client.get("/v1/teaching")
    assert answer.status_code == 200, answer.text
    return answer.json()


def wait_for_training(what):
    """It takes seconds, or minutes on a machine that is busy."""
    wait_for(what, every=0.2, patience=270)


def files(folder):
    return sorted(each for each in folder.rglob("*") if each.is_file())


def is_gone(pid):
    """Whether a process has ended; nobody may have asked yet how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_from_corrected_lines_to_a_model_that_reads_though_it_was_killed(folder, crnn, tmp_path):
    with asked(folder, crnn) as (client, one):
        now = state(client)
        assert (now["status"], now["corrected"], now["needed"]) == ("none", 24, 20)
        assert client.post("/v1/teaching/model").status_code == 409
        assert client.post("/v1/teaching").status_code == 202
        assert client.post("/v1/teaching").status_code == 409
        wait_for_training(lambda: state(client)["scores"])
        os.kill(one._process.pid, signal.SIGKILL)
        wait_for(lambda: state(client)["status"] == "stopped")
        assert client.post("/v1/teaching/model").status_code == 409
    with asked(folder, crnn) as (client, _):  # the service, too, has ended since
        now = state(client)
        assert (now["status"], now["result"], len(now["scores"])) == ("stopped", None, 1)
        assert client.post("/v1/teaching").json()["status"] == "running"
        wait_for_training(lambda: state(client)["status"] != "running")
        now = state(client)
        assert (now["status"], now["error"], now["share"]) == ("done", None, 1)
        at = folder / ".taught" / "1"
        expected = ocrkit.finetune(
            at / "lines",
            tmp_path / "whole",
            pipeline="iam-crnn",
            reader="page-xml",
            settings=[*SETTINGS, 'name="taught-1"'],
            threads=1,
        )
        assert same(at / "model" / "last.safetensors", tmp_path / "whole" / "last.safetensors")
        own = ("model", "seconds")
        assert {k: v for k, v in now["result"].items() if k not in own} == {
            k: v for k, v in asdict(expected).items() if k not in own
        }
        assert now["offered"] is bool(expected.better)
        assert now["result"]["test"] == 2 * A_PAGE  # whole pages, until they are a quarter
        texts = {sample.text for sample in PageXml(at / "lines")}
        assert texts == set(
            list(words())[:24]
        )  # those of the page that nobody has corrected are not there
        assert client.post("/v1/teaching/model").json() == {"pipeline": "taught-1"}
        assert [each["name"] for each in client.get("/v1/models").json()["models"]] == [
            "taught-1",
            "iam-crnn",
        ]
        picture = png(words()["clocks"])
        by_default = read(client, picture)
        assert text(by_default) == text(read(client, picture, pipeline="taught-1")) == "clocks"
        (maker,) = by_default.json()["items"][0]["page"]["made_by"]
        assert maker["name"] == "taught-1"
        assert state(client)["status"] == "none"
    restarted = command("--pipeline", "iam-crnn", "--folder", str(folder), "--threads", "1")
    with restarted as (_, address), httpx.Client(base_url=address, trust_env=False) as client:
        assert [each["name"] for each in client.get("/v1/models").json()["models"]] == [
            "taught-1",
            "iam-crnn",
        ]
        again = client.post("/v1/read", files={"file": ("a.png", picture)}, timeout=120)
        assert again.json() == by_default.json()
        assert state(client)["status"] == "none"
    assert Kept(folder).ids() == sorted(f"page-{n}" if n > 1 else "page" for n in range(1, 8))


def test_cancelled_it_leaves_nothing(folder, crnn):
    with asked(folder, crnn) as (client, one):
        before = files(folder)
        assert client.delete("/v1/teaching").status_code == 409
        assert client.post("/v1/teaching").status_code == 202
        pid = one._process.pid
        assert client.delete("/v1/teaching").status_code == 204
        assert is_gone(pid)
        assert (state(client)["status"], files(folder)) == ("none", before)


def test_it_ends_with_the_service_and_can_go_on(folder, crnn):
    with asked(folder, crnn) as (client, one):
        client.post("/v1/teaching")
        pid = one._process.pid
    assert is_gone(pid)
    again = teaching(folder)
    assert again.state()["status"] == "stopped"
    again.cancel()


ALONE = """
import sys, time
from pathlib import Path
from ocrkit_serve.kept import Kept
from ocrkit_serve.teaching import Base, Teaching
teaching = Teaching(Kept(Path(sys.argv[1])), Base("iam-crnn", []), None)
teaching.start()
print(teaching._process.pid, flush=True)
time.sleep(600)
"""


def test_it_ends_with_a_service_that_is_killed(folder):
    run = [sys.executable, "-c", ALONE, str(folder)]
    with subprocess.Popen(run, stdout=subprocess.PIPE) as process:
        pid = int(process.stdout.readline())
        assert not is_gone(pid)
        process.kill()
    wait_for(lambda: is_gone(pid))
    teaching(folder).cancel()


def test_too_few_lines_are_said(crnn, tmp_path):
    (tmp_path / "kept").mkdir()
    with asked(tmp_path / "kept", crnn) as (client, _):
        answer = client.post("/v1/teaching")
        assert answer.status_code == 422
        assert answer.json()["error"].startswith("0 corrected lines; expected 20 at least")


def test_what_fails_is_said_and_begins_anew(folder, tmp_path):
    base = Base("iam-crnn", ["training.epochs=0"])
    broken = Teaching(Kept(folder), base, ocrkit.load, threads=1)
    broken.start()
    wait_for_training(lambda: broken.state()["status"] != "running")
    now = broken.state()
    assert now["status"] == "stopped"
    assert "training.epochs" in now["error"]
    assert broken._process.returncode == 1
    broken.cancel()


def test_pages_are_read_by_the_new_model_and_cut_by_its_settings(tmp_path, folder):
    """A page pipeline is taught by what reads its lines, with the settings of that."""
    base = Base(str(written(tmp_path, "zoo:iam-crnn")), ["text.training.epochs=1", "order.use=x"])
    assert (base.text, base.of_text, base.others) == (
        "iam-crnn",
        ["training.epochs=1"],
        ["order.use=x"],
    )
    found = tomllib.loads(base.with_model(folder, "taught-1"))
    assert (found["name"], found["text"]) == ("taught-1", "model")
    assert found["segment"] == str(tmp_path / "rows.toml")
