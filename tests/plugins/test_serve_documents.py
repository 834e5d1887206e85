"""PDF documents and TIFF files of several pages, sent to a real server."""

import io
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

import drawn_pdfs
import ocrkit
from drawn_pages import PLUGIN, column, page, words, written

for needed in ("fastapi", "httpx", "multipart", "prometheus_client", "pypdfium2", "uvicorn"):
    pytest.importorskip(needed)

from ocrkit.images import pdf  # noqa: E402  (these need what may be missing)
from ocrkit.parts.registry import registry  # noqa: E402
from ocrkit_serve.kept import Kept  # noqa: E402
from ocrkit_serve.limits import Limits  # noqa: E402
from services import metric, png, read, read_later, served  # noqa: E402

TEXTS = [
    ["clocks", "leaves", "number"],
    ["number", "clocks", "leaves"],
    ["clocks", "number", "leaves"],
]
SCANS = [page(column(texts)) for texts in TEXTS]


def document(fmt: str, count: int = 3) -> bytes:
    """A file of several pages."""
    file = io.BytesIO()
    first, *more = (Image.fromarray(each) for each in SCANS[:count])
    first.save(file, fmt, save_all=True, append_images=more)
    return file.getvalue()


FILES = {"scan.pdf": document("PDF"), "scan.tif": document("TIFF")}
LIMITS = Limits(pages=3, megapixels=2)


@pytest.fixture
def pages(install, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    install("rows", PLUGIN)
    with ocrkit.load(written(tmp_path)) as pages:
        yield pages


def left_behind(folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*") if each.name.startswith("document.")]


@pytest.mark.parametrize("name", FILES)
def test_all_pages_of_a_document_are_read_as_run_reads_them(pages, tmp_path, name):
    (tmp_path / name).write_bytes(FILES[name])
    expected = [item.page for item in pages.read_many([tmp_path / name])]
    with served({"pages": pages}, LIMITS) as client:
        answer = read(client, FILES[name], f"../{name}")
        assert answer.status_code == 200, answer.text
        items = answer.json()["items"]
        assert [item["id"] for item in items] == [f"{name}#{number}" for number in (1, 2, 3)]
        assert [item["text"] for item in items] == [each.text for each in expected]
        assert [item["text"].split() for item in items] == TEXTS
        found = [ocrkit.page_from_json(item["page"]) for item in items]
        assert [each.lines for each in found] == [each.lines for each in expected]
        assert [each.image for each in found] == [ocrkit.PageImage(name, n) for n in (1, 2, 3)]
        later = read_later(client, FILES[name], name, format="pdf")
        assert later["pages"] == 3
        result = client.get(f"/v1/jobs/{later['id']}/result")
        (tmp_path / "read.pdf").write_bytes(result.content)
        assert len(pdf.page_widths(str(tmp_path / "read.pdf"))) == 3
        one = read(client, FILES[name], name, format="page")
        assert (one.status_code, "holds one" in one.json()["error"]) == (422, True)
    assert left_behind(tmp_path) == []


def test_a_document_s_pages_are_kept_one_by_one(pages, tmp_path):
    folder = tmp_path / "kept"
    folder.mkdir()
    with served({"pages": pages}, LIMITS, kept=Kept(folder)) as client:
        for name, data in FILES.items():
            answer = client.post("/v1/pages", files={"file": (name, data)})
            assert answer.status_code == 201, answer.text
        assert answer.json() == {
            "id": "scan-4",
            "ids": ["scan-4", "scan-5", "scan-6"],
            "errors": [],
        }
        texts = [
            Kept(folder).page(id_).text.split() for id_ in client.get("/v1/pages").json()["pages"]
        ]
    assert texts == TEXTS * 2


def test_a_page_is_had_in_every_format(pages, tmp_path):
    kinds = {
        "alto": ("application/xml", b"<?xml"),
        "hocr": ("application/octet-stream", b"<?xml"),
        "json": ("application/json", b"{"),
        "page": ("application/xml", b"<?xml"),
        "pdf": ("application/pdf", b"%PDF-"),
        "text": ("text/plain; charset=utf-8", b"clocks"),
    }
    with served({"pages": pages}) as client:
        for name in registry().names("format"):
            answer = read(client, png(SCANS[0]), format=name)
            assert answer.status_code == 200, answer.text
            kind, start = kinds[name]
            assert answer.headers["content-type"] == kind
            assert answer.content.startswith(start), answer.content[:50]


@pytest.mark.parametrize("name", FILES)
def test_too_many_pages_are_refused(pages, name):
    with served({"pages": pages}, Limits(pages=2)) as client:
        answer = read(client, FILES[name], name)
        assert answer.status_code == 422
        assert answer.json()["error"] == "3 pages; the limit is 2; split it"


def test_a_page_of_too_many_pixels_is_an_item_with_its_error(pages):
    with served({"pages": pages}, Limits(megapixels=1)) as client:
        for item in read(client, FILES["scan.tif"], "scan.tif").json()["items"]:
            assert item["error"].startswith("1,200 × 900 pixels; the limit is 1,000,000")


def test_pipelines_of_words_and_lines_read_no_documents(pages):
    with ocrkit.load("iam-crnn") as text, served({"iam-crnn": text}) as client:
        answer = read(client, FILES["scan.pdf"])
        assert answer.status_code == 422
        assert answer.json()["error"].startswith("a PDF document; this pipeline reads pictures of")
        file = io.BytesIO()
        Image.fromarray(words()["clocks"]).save(file, "TIFF")
        (item,) = read(client, file.getvalue()).json()["items"]
        assert item["text"] == "clocks"


HOSTILE = {name: data for name, data in drawn_pdfs.HOSTILE.items() if name != "nothing"}


def test_hostile_documents_harm_nobody_and_hold_up_no_picture(pages, monkeypatch, tmp_path):
    monkeypatch.setattr(pdf, "SECONDS", 5.0)
    scan = png(SCANS[0])
    with served({"pages": pages}, LIMITS) as client, ThreadPoolExecutor(len(HOSTILE)) as pool:
        answers = {name: pool.submit(read, client, data) for name, data in HOSTILE.items()}
        assert read(client, scan).json()["items"][0]["text"].split() == TEXTS[0]
        for name, future in answers.items():
            answer = future.result()
            assert answer.status_code in (200, 422), name
            if answer.status_code == 422:
                assert "\n" not in answer.json()["error"]
                assert str(tmp_path) not in answer.text
        assert read(client, scan).json()["items"][0]["text"].split() == TEXTS[0]
        assert metric(client, "ocrkit_waiting_pages") == 0
    assert left_behind(tmp_path) == []
