"""The page in a real browser: the whole way by keyboard alone and by mouse, what assistive tools
find, and what goes wrong."""

import io
import json
import shutil
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ocrkit
from drawn_pages import recipe
from ocrkit.parts.formats import read_page, save_page

for needed in ("fastapi", "httpx", "multipart", "prometheus_client", "uvicorn"):
    pytest.importorskip(needed)
pytest.importorskip("playwright.sync_api")
pytest.importorskip("axe_playwright_python.sync_playwright")

from browsing import chromium, complained, drop, faults, opened, said  # noqa: E402  (these need what may be missing)
from ocrkit_serve.kept import Kept  # noqa: E402
from ocrkit_serve.teaching import Base, Teaching  # noqa: E402
from services import served  # noqa: E402

SAMPLE = Path(str(files("ocrkit_pagexml"))) / "sample"
SCAN = (SAMPLE / "letter.png").read_bytes()
TRUTH = [line.text for line in read_page(SAMPLE / "letter.xml").lines]
TAUGHT = recipe("taught-1", "zoo:page-lines", "zoo:iam-lines")


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def service(browser, tmp_path_factory):
    """A service that reads pages, its folder, and what it reads from the sample."""
    folder = tmp_path_factory.mktemp("kept")
    taught = tmp_path_factory.mktemp("taught") / "taught.toml"
    taught.write_text(TAUGHT)
    kept = Kept(folder)
    with ocrkit.load("iam-pages") as pages:
        teaching = Teaching(
            kept, Base("iam-pages", ()), lambda _: ocrkit.load(taught, threads=1), threads=1
        )
        with served({"iam-pages": pages}, kept=kept, teaching=teaching) as client:
            answer = client.post("/v1/pages", files={"file": ("letter.png", SCAN)})
            assert answer.status_code == 201, answer.text
            yield client, folder, kept.page("letter")


@pytest.fixture
def folder(service):
    """With no pages in it."""
    _, folder, _ = service
    for each in folder.iterdir():
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    return folder


@pytest.fixture
def letter(service, folder):
    """With the sample, as it was read."""
    _, _, page = service
    (folder / "letter.png").write_bytes(SCAN)
    save_page(page, folder / "letter.xml", "page")
    return page


@pytest.fixture
def tab(browser, service, folder):
    tab = opened(browser, str(service[0].base_url))
    yield tab
    assert tab.wrong == []
    tab.close()


def reach(tab, selector, key="Tab"):
    """Goes there by keyboard alone."""
    for _ in range(80):
        if tab.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        tab.keyboard.press(key)
    raise AssertionError(f"{selector} cannot be reached by {key}")


def press(tab, key, times=1):
    for _ in range(times):
        tab.keyboard.press(key)


def on_disk(folder, name="letter"):
    return read_page(folder / f"{name}.xml").lines


def move_cross(tab, page, start, end):
    """By arrow keys, from a point to another: by sixtieths of the page's width, then by
    tenths of these."""
    for axis, (back, forth) in enumerate((("ArrowLeft", "ArrowRight"), ("ArrowUp", "ArrowDown"))):
        steps = round(600 * (end[axis] - start[axis]) / page.width)
        key = forth if steps > 0 else back
        press(tab, key, abs(steps) // 10)
        press(tab, f"Shift+{key}", abs(steps) % 10)


def test_by_keyboard_alone_from_a_picture_to_a_corrected_page(tab, folder):
    reach(tab, "#files")
    with tab.expect_file_chooser() as chooser:
        tab.keyboard.press("Space")
    chooser.value.set_files([{"name": "letter.png", "mimeType": "image/png", "buffer": SCAN}])
    tab.wait_for_selector("#lines textarea")
    read = on_disk(folder)

    reach(tab, "#lines textarea")
    press(tab, "Control+a")
    tab.keyboard.type(TRUTH[0])
    press(tab, "Enter")
    press(tab, "Enter")  # the second is right as it is
    tab.wait_for_selector("li.kept + li.kept + li.now .others button")
    reach(tab, ".others button")
    press(tab, "Enter")
    other = tab.evaluate("document.activeElement.value")
    press(tab, "Enter")
    tab.wait_for_selector("li.kept + li.kept + li.kept + li.now")
    found = on_disk(folder)
    assert [line.text for line in found[:3]] == [TRUTH[0], read[1].text, other]
    assert [line.corrected for line in found] == [True] * 3 + [False] * 5
    assert other != read[2].text

    press(tab, "Alt+ArrowDown")  # the fourth line
    said(tab, "Now line 5 of 8")
    press(tab, "Control+z")
    said(tab, "Undone")
    assert [line.id for line in on_disk(folder)] == [line.id for line in read]
    reach(tab, ".tools button:last-child")
    press(tab, "Enter")
    said(tab, "Removed")
    assert len(on_disk(folder)) == 7

    page = read_page(folder / "letter.xml")
    gone, cross = read[3].baseline, read[4].baseline[0]
    reach(tab, ".tools button:nth-child(4)")
    press(tab, "Enter")
    move_cross(tab, page, cross, gone[0])
    press(tab, "Space")
    move_cross(tab, page, gone[0], gone[-1])
    press(tab, "Enter")
    said(tab, "The line was added")
    new = on_disk(folder)[3]
    assert "street" in new.text
    assert tab.evaluate("document.activeElement.value") == new.text

    reach(tab, ".tools button:nth-child(3)")
    press(tab, "Enter")
    press(tab, "ArrowDown")
    press(tab, "Enter")
    said(tab, "The line was read again")
    moved = on_disk(folder)[3]
    assert moved.baseline[0][1] - new.baseline[0][1] == pytest.approx(page.width / 60, abs=1)

    reach(tab, "details:has(#save) summary", "Shift+Tab")
    press(tab, "Enter")
    reach(tab, "#save")
    with tab.expect_download() as download:
        press(tab, "Enter")
    assert download.value.suggested_filename == "letter.xml"
    assert read_page(Path(download.value.path())).lines == on_disk(folder)
    assert tab.inner_text("#progress").startswith("3 of 8 lines corrected; the others likely have ")


def test_by_mouse_from_a_picture_to_a_corrected_page(tab, folder):
    drop(tab, "dropped.png", SCAN)
    tab.wait_for_selector("#lines textarea")
    read = on_disk(folder, "dropped")
    tab.locator(".outline").nth(1).hover()
    assert tab.locator("li.pointed").get_attribute("data-line") == read[1].id
    tab.locator("li").nth(5).hover()
    assert tab.locator(".outline.pointed").get_attribute("data-line") == read[5].id
    tab.locator(".outline").nth(1).click()
    assert tab.evaluate("document.activeElement.closest('li').dataset.line") == read[1].id
    assert tab.locator("li.now .cut svg image").count() == 1
    other = tab.locator("li.now .others button").first
    text = other.inner_text()
    other.click()
    tab.locator("li textarea").nth(2).click()  # leaving a line keeps it
    tab.wait_for_selector("li.kept")
    assert on_disk(folder, "dropped")[1].text == text != read[1].text

    tab.locator("li").nth(2).locator(".tools button", has_text="Remove").click()
    said(tab, "Removed")
    tab.click("#undo")
    said(tab, "Undone")
    tab.locator("li textarea").nth(2).click()
    tab.locator("li.now .tools button", has_text="Remove").click()
    said(tab, "Removed")

    tab.click("#add")
    picture = tab.locator("#sheet svg").bounding_box()
    scale = picture["width"] / read_page(folder / "dropped.xml").width

    def place(point):
        return picture["x"] + scale * point[0], picture["y"] + scale * point[1]

    tab.mouse.click(*place(read[2].baseline[0]))
    tab.mouse.dblclick(*place(read[2].baseline[-1]))
    said(tab, "The line was added")
    new = on_disk(folder, "dropped")[2]
    assert new.text.split()[1:3] == read[2].text.split()[1:3]

    tab.locator("li.now .tools button", has_text="Move baseline").click()
    handle = tab.locator(".handle").nth(2).bounding_box()  # the last point
    middle = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    tab.mouse.move(*middle)
    tab.mouse.down()
    tab.mouse.move(middle[0] - 40 * scale, middle[1], steps=4)
    tab.mouse.up()
    said(tab, "The line was read again")
    moved = on_disk(folder, "dropped")[2].baseline
    assert moved[-1][0] - new.baseline[-1][0] == pytest.approx(-40, abs=2)
    assert moved[0] == new.baseline[0]

    tab.check("#doubtful")
    shown = [line for line in on_disk(folder, "dropped") if not line.corrected]
    doubtful = {line.id for line in shown if line.confidence < 0.5} | {new.id}
    visible = tab.locator("li:visible")
    assert {visible.nth(n).get_attribute("data-line") for n in range(visible.count())} == doubtful


def test_what_people_write_is_text_and_nothing_else(tab, folder, letter):
    tab.reload()
    markup = "<img src=x onerror=alert(1)>"
    tab.locator("#lines textarea").nth(2).fill(markup)
    tab.keyboard.press("Enter")
    tab.wait_for_selector("polygon.kept")
    tab.reload()
    tab.wait_for_selector("li.kept")
    assert tab.locator("#lines textarea").nth(2).input_value() == markup
    assert tab.locator("img").count() == 0


def test_what_is_typed_while_another_line_is_being_kept_stays(tab, folder, letter):
    tab.reload()
    tab.evaluate(
        """() => {
            const { fetch } = window;
            const later = () => new Promise((resolve) => setTimeout(resolve, 500));
            window.fetch = async (...asked) => { await later(); return fetch(...asked); };
        }"""
    )
    tab.locator("#lines textarea").nth(0).fill("first")
    tab.keyboard.press("Enter")
    press(tab, "Control+a")
    tab.keyboard.type("second")
    tab.wait_for_selector("li.kept")
    assert tab.locator("#lines textarea").nth(1).input_value() == "second"
    press(tab, "Enter")
    tab.wait_for_selector("li.kept + li.kept")
    assert [line.text for line in on_disk(folder)[:2]] == ["first", "second"]


def test_a_full_disk_is_said_and_what_was_typed_stays(tab, folder, letter, monkeypatch):
    tab.reload()
    tab.wait_for_selector("#lines textarea")

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        tab.locator("#lines textarea").nth(0).fill("not lost")
        tab.keyboard.press("Enter")
        complained(tab, "No space left on device")
        assert tab.locator("#lines textarea").nth(0).input_value() == "not lost"
        assert tab.locator("li.kept").count() == 0
        assert on_disk(folder)[0].text == letter.lines[0].text
    tab.locator("#lines textarea").nth(0).focus()
    tab.keyboard.press("Enter")
    tab.wait_for_selector("li.kept")
    assert on_disk(folder)[0].text == "not lost"
    assert all("507" in each for each in tab.wrong)  # what the browser says of the answer
    tab.wrong.clear()


def test_a_photograph_that_lies_on_its_side_is_shown_as_it_is_read(tab, folder, letter):
    tab.reload()
    tab.wait_for_selector("#lines textarea")
    upright = pixels(tab)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    photograph = io.BytesIO()
    image = Image.open(io.BytesIO(SCAN)).convert("L").transpose(Image.Transpose.ROTATE_90)
    image.save(photograph, "JPEG", quality=95, exif=exif)
    files = {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": photograph.getvalue()}
    tab.set_input_files("#photograph", [files])
    tab.wait_for_function(
        "() => document.getElementById('pages').value === 'p'"
        " && document.getElementById('status').textContent === ''"
    )
    assert len(on_disk(folder, "p")) == 8
    assert np.abs(upright - pixels(tab)).mean() < 8


def pixels(tab) -> np.ndarray:
    """What is seen of the page's picture."""
    shot = tab.locator("#sheet svg").screenshot()
    return np.asarray(Image.open(io.BytesIO(shot)).convert("L").resize((300, 320)), float)


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_assistive_technology_finds_its_way(browser, service, folder, letter, width, scheme):
    lines = tuple(replace(line, corrected=line.id == letter.lines[0].id) for line in letter.lines)
    save_page(replace(letter, lines=lines), folder / "letter.xml", "page")
    phone = width == 360
    tab = opened(
        browser,
        str(service[0].base_url),
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        has_touch=phone,
        is_mobile=phone,
    )
    assert tab.is_visible("#photograph") == phone
    tab.locator("#lines textarea").nth(3).focus()
    tab.wait_for_selector(".others button")
    for details in tab.locator("details").all():
        details.evaluate("each => each.open = true")
    assert faults(tab) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    tab.locator("li.now .tools button", has_text="Move baseline").click()
    if phone:  # fingers are broad
        assert all(each.bounding_box()["width"] >= 24 for each in tab.locator(".handle").all())
    assert faults(tab) == []
    tab.click("#cancel")
    tab.click("#add")
    assert faults(tab) == []
    assert tab.wrong == []
    tab.close()


def test_a_model_is_taught_and_taken(tab, folder, letter):
    for number in range(3):
        name = f"letter-{number}"
        (folder / f"{name}.png").write_bytes(SCAN)
        corrected = tuple(
            replace(line, text=text, corrected=True)
            for line, text in zip(letter.lines, TRUTH, strict=True)
        )
        save_page(replace(letter, lines=corrected), folder / f"{name}.xml", "page")
    unread = tuple(replace(line, text="?", words=()) for line in letter.lines)
    save_page(replace(letter, lines=unread), folder / "letter.xml", "page")
    tab.reload()
    tab.click("#teaching-panel summary")
    tab.wait_for_function(
        "() => document.getElementById('teaching').textContent.includes('24 corrected lines')"
    )
    tab.click("#teach")
    said(tab, "Teaching has begun")
    tab.wait_for_selector("#taught:visible")
    assert (folder / ".taught" / "1" / "lines").is_dir()
    tab.click("#forget")
    said(tab, "Forgotten")
    assert not (folder / ".taught" / "1").exists()

    # one that has been taught: training takes longer than a test should
    at = folder / ".taught" / "1" / "model" / "finetune"
    at.mkdir(parents=True)
    result = {"better": True, "sentence": "It reads better: 8.0 % before and 5.0 % now."}
    (at / "result.json").write_text(json.dumps(result))
    tab.reload()
    tab.click("#teaching-panel summary")
    tab.wait_for_selector("#take:visible")
    assert tab.inner_text("#teaching") == result["sentence"]
    tab.click("#take")
    said(tab, "From now on taught-1 reads")
    assert tab.input_value("#pipelines") == "taught-1"
    tab.wait_for_selector("#take", state="hidden")
    tab.select_option("#pages", "letter")
    tab.wait_for_function(
        "() => !document.querySelector('li.kept') && document.querySelector('li')"
    )
    tab.click("#again")
    said(tab, "Read again")
    assert on_disk(folder)[0].text == letter.lines[0].text
