"""Pages that are read, kept and corrected: what is on the disk."""

import io
import re

import numpy as np
import pytest
from PIL import Image

import ocrkit
from drawn_pages import PLUGIN, column, page, written
from ocrkit_pagexml.reader import PageXml

for needed in ("fastapi", "httpx", "multipart", "prometheus_client", "uvicorn"):
    pytest.importorskip(needed)

from ocrkit_serve.kept import Kept  # noqa: E402  (these need what may be missing)
from ocrkit_serve.page_files import PAGE_FILES  # noqa: E402
from services import png, served  # noqa: E402

KEY = "0123456789abcdef"
SCAN = png(page(column(["clocks", "leaves", "number"])))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "kept"
    folder.mkdir()
    return folder


@pytest.fixture
def client(install, tmp_path, folder):
    install("rows", PLUGIN)
    with (
        ocrkit.load(written(tmp_path)) as pages,
        served({"pages": pages}, kept=Kept(folder)) as client,
    ):
        yield client


def add(client, data=SCAN, name="letter.png"):
    answer = client.post("/v1/pages", files={"file": (name, data)})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def test_a_page_is_read_kept_and_corrected_on_the_disk(client, folder):
    id_ = add(client)
    assert client.get("/v1/pages").json() == {"pages": [id_]} == {"pages": ["letter"]}
    read = ocrkit.page_from_json(client.get("/v1/pages/letter").json())
    assert len(read.lines) == 3
    assert not any(line.corrected for line in read.lines)
    answer = client.put(
        f"/v1/pages/letter/lines/{read.lines[1].id}", json={"text": " cafe\u0301 <b> & \n bread"}
    )
    assert answer.status_code == 200
    expected = "caf\u00e9 <b> & bread"
    line = ocrkit.page_from_json(client.get("/v1/pages/letter").json()).lines[1]
    assert (line.text, line.corrected) == (expected, True)
    assert [sample.text for sample in PageXml(folder)][1] == expected
    assert sorted(each.name for each in folder.iterdir()) == ["letter.png", "letter.xml"]
    picture = client.get("/v1/pages/letter/picture")
    assert (picture.content, picture.headers["content-type"]) == (SCAN, "image/png")


def test_names_stay_in_the_folder_and_take_no_other_page_s(client, folder):
    assert [
        add(client, name=name) for name in ("a.png", "a.png", "../../a.jpg", "..", "<b>.png")
    ] == [
        "a",
        "a-2",
        "a-3",
        "page",
        "_b_",
    ]
    assert {each.suffix for each in folder.iterdir()} == {".png", ".xml"}
    assert sorted(each.name for each in folder.parent.glob("*.xml")) == []


def test_pictures_that_browsers_do_not_show_are_kept_as_png(client, folder):
    tiff = io.BytesIO()
    Image.open(io.BytesIO(SCAN)).save(tiff, "TIFF")
    add(client, tiff.getvalue(), "scan.tif")
    assert np.array_equal(ocrkit.read_image(folder / "scan.png"), ocrkit.read_image(SCAN))


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("letter/lines/no-such-line", {"text": "a"}, 404),
        ("other/lines/1", {"text": "a"}, 404),
        ("..%2f..%2fetc/lines/1", {"text": "a"}, 404),
        ("letter/lines/1", {"words": "a"}, 422),
        ("letter/lines/1", {"text": "a" * 10_001}, 422),
        ("letter/lines/1", ["text"], 422),
    ],
)
def test_what_cannot_be_corrected_is_said(client, path, body, status):
    add(client)
    answer = client.put(f"/v1/pages/{path}", json=body)
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}


def test_with_a_key_the_page_comes_without_it_and_nothing_else(client, folder):
    with served({}, key=KEY, kept=Kept(folder)) as other:
        for path in ("/", "/page.css", "/app.js", "/lines.js"):
            assert other.get(path).status_code == 200
        assert other.get("/v1/pages").status_code == 401
    assert client.get("/index.html").status_code == client.get("/kept.py").status_code == 404


def test_the_page_can_lie_below_a_path_of_another_site(client):
    """Behind a proxy that takes the path away: its addresses are relative."""
    index = client.get("/").text
    assert re.findall(r'(?:href|src)="([^"]+)"', index) == ["icon.svg", "page.css", "app.js"]
    fetched = [
        call
        for address in PAGE_FILES
        for call in re.findall(r"fetch\(([^,)]+)", client.get(address).text)
    ]
    assert fetched == ["`.${path}`"]
