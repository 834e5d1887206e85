"""Pages that are read, kept and corrected: what is on the disk, and the page in a real browser."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image

import ocrkit
from drawn_pages import PLUGIN, column, page, written
from ocrkit_pagexml.reader import PageXml

for needed in ("fastapi", "httpx", "multipart", "prometheus_client", "uvicorn"):
    pytest.importorskip(needed)

from ocrkit_serve.kept import Kept  # noqa: E402  (these need what may be missing)
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
        for path in ("/", "/page.css", "/page.js"):
            assert other.get(path).status_code == 200
        assert other.get("/v1/pages").status_code == 401
    assert client.get("/page.html").status_code == client.get("/kept.py").status_code == 404


# -------------------------------------------------------------------------------------- the browser


@pytest.fixture
def browser():
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no chromium here; tools/system-packages.txt names what tests want")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def tab(browser, client):
    tab = browser.new_page()
    tab.set_default_timeout(60_000)
    wrong = []
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("console", lambda said: said.type == "error" and wrong.append(said.text))
    tab.goto(str(client.base_url))
    yield tab
    assert wrong == []


def test_by_keyboard_alone_from_a_picture_to_a_corrected_page(tab, folder):
    files = {"name": "letter.png", "mimeType": "image/png", "buffer": SCAN}
    tab.set_input_files("#files", [files])
    tab.wait_for_selector("#lines input")
    tab.focus("#doubtful")
    tab.keyboard.press("Tab")
    for text in ("one", "two", "three"):
        tab.keyboard.press("Control+a")
        tab.keyboard.type(text)
        tab.keyboard.press("Enter")
        tab.wait_for_function(
            "text => document.querySelector('li.kept:last-of-type, li.kept + li input:focus')"
            " && [...document.querySelectorAll('li.kept input')].at(-1).value === text",
            arg=text,
        )
    assert tab.inner_text("#progress") == "3 of 3 lines corrected"
    assert [sample.text for sample in PageXml(folder)] == ["one", "two", "three"]
    assert all(line.corrected for line in Kept(folder).page("letter").lines)


def test_by_mouse_a_line_on_the_page_leads_to_its_text_and_back(tab, folder):
    tab.evaluate(
        """bytes => {
            const dropped = new DataTransfer();
            dropped.items.add(new File([new Uint8Array(bytes)], "dropped.png"));
            document.dispatchEvent(new DragEvent("drop", { dataTransfer: dropped }));
        }""",
        list(SCAN),
    )
    tab.wait_for_selector("#lines input")
    tab.locator("polygon").nth(1).click()
    assert tab.evaluate("document.activeElement.closest('li').dataset.line") == (
        Kept(folder).page("dropped").lines[1].id
    )
    assert tab.locator("li.now svg image").count() == 1
    tab.locator("#lines input").nth(2).click()
    assert tab.locator("polygon.now").get_attribute("data-line") == (
        Kept(folder).page("dropped").lines[2].id
    )
    tab.locator("#lines input").nth(2).fill("<img src=x onerror=alert(1)>")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("polygon.kept")
    tab.reload()
    tab.wait_for_selector("li.kept")
    assert tab.locator("#lines input").nth(2).input_value() == "<img src=x onerror=alert(1)>"
    assert tab.locator("img").count() == 0
