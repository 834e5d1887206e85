"""The REST service, on a real server: what it reads, in which order, and how it ends."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import ocrkit
from drawn_pages import PLUGIN, column, page, written
from ocrkit.cli import main

for needed in ("fastapi", "httpx", "multipart", "prometheus_client", "uvicorn"):
    pytest.importorskip(needed)

import httpx  # noqa: E402  (these need what may be missing)

from ocrkit_serve.job import Job  # noqa: E402
from ocrkit_serve.jobs import Asked, Jobs  # noqa: E402
from ocrkit_serve.limits import Limits  # noqa: E402
from ocrkit_serve.metrics import Metrics  # noqa: E402
from ocrkit_serve.uploads import name_of  # noqa: E402
from ocrkit_serve.work import BusyError, ClosingError, Work  # noqa: E402
from services import command, metric, png, read, read_later, served, text  # noqa: E402

KEY = "0123456789abcdef"


# ------------------------------------------------------------------------------------------ reading


def test_a_picture_is_read_with_places_and_confidence(word_client, crnn, word_files):
    answer = read(word_client, word_files[0], "one.png")
    expected = crnn.read(word_files[0], places=True)
    (item,) = answer.json()["items"]
    assert (item["id"], item["text"]) == ("one.png", expected.text)
    assert item["confidence"] == pytest.approx(expected.confidence, abs=1e-4)
    page = ocrkit.page_from_json(item["page"])
    assert page.lines[0].text == expected.text
    assert [word.text for word in page.lines[0].words] == expected.text.split()
    assert page.made_by[0].name == "iam-crnn"


def test_requests_that_come_together_are_read_together_and_as_alone(word_client, crnn, word_files):
    expected = [item.text for item in crnn.read_many(word_files)]
    before = [metric(word_client, f"ocrkit_pages_together_{each}") for each in ("sum", "count")]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda data: text(read(word_client, data)), word_files * 2))
    assert answers == expected * 2
    pages, times = (
        metric(word_client, f"ocrkit_pages_together_{each}") - old
        for each, old in zip(("sum", "count"), before, strict=True)
    )
    assert pages == len(answers)
    assert times < pages


@pytest.fixture
def pages(install, tmp_path):
    install("rows", PLUGIN)
    with ocrkit.load(written(tmp_path)) as pages:
        yield pages


def test_pages_are_read_and_pipelines_named(pages, crnn, word_files):
    scan = png(page(column(["clocks", "leaves", "number"])))
    with served({"pages": pages, "iam-crnn": crnn}) as client:
        (item,) = read(client, scan, "scan.png").json()["items"]
        assert ocrkit.page_from_json(item["page"]).text == pages.read(scan).text
        assert len(item["page"]["lines"]) == 3
        assert (
            text(read(client, word_files[0], pipeline="iam-crnn")) == crnn.read(word_files[0]).text
        )
        listed = client.get("/v1/models").json()["models"]
        assert [(each["name"], each["reads"]) for each in listed] == [
            ("pages", "page"),
            ("iam-crnn", "text"),
        ]
        assert "IAM" in listed[0]["licences"][0]
        refused = read(client, scan, pipeline=str(Path(__file__)))
        assert refused.status_code == 422
        assert "no pipeline" in refused.json()["error"]
        as_text = read(client, scan, format="text")
        assert as_text.text == f"{pages.read(scan).text}\n"
        assert as_text.headers["content-disposition"] == 'attachment; filename="read.txt"'


def test_formats_are_those_that_are_installed(word_client, word_files):
    as_json = read(word_client, word_files[0], "w.png", format="json")
    assert as_json.headers["content-type"] == "application/json"
    assert ocrkit.page_from_json(as_json.json()).id == "w.png"
    unknown = read(word_client, word_files[0], format="../../etc/passwd")
    assert unknown.status_code == 422
    assert "Available: " in unknown.json()["error"]


def test_a_picture_that_cannot_be_decoded_is_an_item_with_its_error(word_client):
    noise = np.random.default_rng(0).integers(0, 255, (100, 200), np.uint8)
    whole = png(noise, "JPEG")
    (item,) = read(word_client, whole[: len(whole) // 2]).json()["items"]
    assert (item["text"], item["page"]) == (None, None)
    assert "cut off" in item["error"] or "damaged" in item["error"]
    as_file = read(word_client, whole[: len(whole) // 2], "cut.jpg", format="text")
    assert as_file.status_code == 422
    assert as_file.json()["error"].startswith("cut.jpg: ")


def test_names_of_files_are_names_and_nothing_else(word_client, word_files):
    for name, expected in {
        "../../etc/passwd": "passwd",
        "C:\\scans\\<img src=x onerror=alert(1)>.png": "<img src=x onerror=alert(1)>.png",
        "é" * 500: "é" * 200,
    }.items():
        answer = read(word_client, word_files[0], name)
        assert answer.json()["items"][0]["id"] == expected
        assert answer.headers["content-type"] == "application/json"
    assert name_of(None) == name_of("") == "picture"


# ------------------------------------------------------------------------------------------ waiting


def test_a_job_is_fetched_once(word_client, crnn, word_files):
    file = {"file": ("a.png", word_files[3])}
    job = f"/v1/jobs/{read_later(word_client, word_files[3])['id']}"
    assert text(word_client.get(f"{job}/result")) == crnn.read(word_files[3]).text
    assert word_client.get(f"{job}/result").status_code == word_client.get(job).status_code == 404
    other = word_client.post("/v1/read/async", files=file, data={"format": "text"}).json()["id"]
    assert word_client.delete(f"/v1/jobs/{other}").status_code == 204
    assert word_client.get(f"/v1/jobs/{other}").status_code == 404


def test_jobs_that_nobody_fetches_are_forgotten_and_do_not_fill_the_memory():
    jobs = Jobs()
    old = Asked(job(), "", 100, since=time.monotonic() - 3601)
    new = Asked(job(), "", 500_000_000)
    forgotten, id_ = jobs.add(old), jobs.add(new)
    assert (jobs.get(forgotten), jobs.get(id_)) == (None, new)
    assert old.job.done.cancelled()
    with pytest.raises(BusyError, match="too many results have not been fetched; try again in"):
        jobs.check_room()
    jobs.remove(id_)
    jobs.check_room()


def job(count=1):
    return Job("iam-crnn", ("a",) * count, (b"",) * count)


def test_the_queue_has_an_end_that_says_when_to_try_again(crnn):
    work = Work({"iam-crnn": crnn}, Limits(waiting=3), Metrics())  # nobody works it off yet
    work.submit(job(2))
    work.submit(job())
    with pytest.raises(BusyError, match=r"try again in \d+ seconds") as raised:
        work.submit(job())
    assert raised.value.seconds > 0
    with work:
        pass
    with pytest.raises(ClosingError):
        work.submit(job())
    large = Work({"iam-crnn": crnn}, Limits(waiting=3), Metrics())
    large.submit(job(5))  # a document that is larger than the queue is read where it is empty


def test_pages_of_several_jobs_are_read_in_turns(crnn, word_files):
    work = Work({"iam-crnn": crnn}, Limits(waiting=100), Metrics())
    document = Job("iam-crnn", tuple(map(str, range(40))), tuple(word_files[:20] * 2))
    one = Job("iam-crnn", ("one",), (word_files[20],))
    gone = Job("iam-crnn", ("gone",), (word_files[21],))
    for each in (document, one, gone):
        work.submit(each)
    gone.done.cancel()
    order = []
    for each in (document, one):
        each.done.add_done_callback(lambda _, each=each: order.append(each))
    with work:
        pass  # it ends when all has been read
    assert order == [one, document]
    assert [each.id for each in document.done.result()] == list(map(str, range(40)))
    found = [each.page.text for each in document.done.result()]
    assert found == [item.text for item in crnn.read_many(word_files[:20])] * 2
    assert not gone.read


def test_a_full_service_answers_429(crnn, word_files):
    slow = png(np.full((7000, 7000), 255, np.uint8))
    with (
        served({"iam-crnn": crnn}, Limits(waiting=1)) as client,
        ThreadPoolExecutor(16) as pool,
    ):
        answers = list(pool.map(lambda data: read(client, data), [slow, *word_files[:15]] * 3))
    assert {each.status_code for each in answers} == {200, 429}
    for each in answers:
        if each.status_code == 429:
            assert int(each.headers["retry-after"]) > 0
            assert each.json()["error"].startswith("too many pages are waiting")


def test_what_is_not_read_in_time_is_said(crnn, word_files):
    slow = png(np.full((7000, 7000), 255, np.uint8))
    limits = Limits(seconds=1)
    with served({"iam-crnn": crnn}, limits) as client, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda data: read(client, data), [slow] * 16))
    late = [each for each in answers if each.status_code == 504]
    assert late
    assert late[0].json()["error"] == "not read within 1 seconds, the limit"


# --------------------------------------------------------------------------------- the command line


def test_it_ends_when_what_was_asked_for_is_answered():
    with ExitStack() as closed:
        process, at = closed.enter_context(command("--pipeline", "iam-crnn", OCRKIT_KEY=KEY))
        slow = {"file": ("a.png", png(np.full((7000, 7000), 255, np.uint8)))}
        request = httpx.Request("POST", at, files=slow, headers={"x-api-key": KEY})
        where = request.headers["host"].split(":")
        connections = [closed.enter_context(closing(HTTPConnection(*where))) for _ in range(3)]
        for each in connections:
            each.request("POST", "/v1/read", request.read(), dict(request.headers))
        client = closed.enter_context(httpx.Client(trust_env=False))
        # these have been let in before this one
        assert client.get(at.replace("/v1/read", "/health")).status_code == 200
        process.send_signal(signal.SIGTERM)
        answers = [each.getresponse() for each in connections]
        assert [each.status for each in answers] == [200] * 3
        assert process.wait(60) == 0
        assert "Traceback" not in process.stderr.read()


def test_a_model_that_was_taught_and_is_gone_is_said(tmp_path):
    at = tmp_path / ".taught" / "1"
    at.mkdir(parents=True)
    (at / "pipeline.toml").write_text('schema = 1\nweights = "model/best.safetensors"\n')
    serve = ["serve", "--port", "0", "--pipeline", "iam-crnn", "--folder", str(tmp_path)]
    result = CliRunner().invoke(main, serve)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].endswith(f"serve without what was taught, remove {at}")


@pytest.mark.parametrize(
    ("arguments", "environment", "reason"),
    [
        (["--host", "192.0.2.1"], {}, "others could read with it; give it a key"),
        (["--host", "::"], {}, "others could read with it; give it a key"),
        ([], {"OCRKIT_KEY": "short"}, "the key has 5 characters; expected 16 or more"),
        ([], {"OCRKIT_KEY": "Schlüssel für alle"}, "the key has characters that requests cannot"),
        (["--pipeline", "iam-crnn"] * 2, {}, "two pipelines are called 'iam-crnn'; name each once"),
        (["--key-file", "nowhere"], {}, "nowhere: no such file"),
        (["--pipeline", "no-such-model"], {}, "no-such-model"),
        (["--port", "1", "--host", "192.0.2.1"], {"OCRKIT_KEY": KEY}, "cannot be listened at"),
    ],
)
def test_what_cannot_be_served_is_said_in_a_line(arguments, environment, reason, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(main, ["serve", "--port", "0", *arguments])
    assert (result.exit_code, result.stdout) == (1, "")
    assert reason in result.stderr.splitlines()[-1]
    assert KEY not in result.stderr
