"""``ocrkit run --draft``: what was read, to be corrected, and learnt from."""

import base64
import hashlib
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ocrkit.cli import main
from ocrkit.errors import OcrkitError
from ocrkit.reports.draft import MOST, Draft
from ocrkit_folder.folder import Folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["run", *map(str, arguments)])


@pytest.fixture
def folder(words_root: Path, tmp_path: Path) -> Path:
    """Four pictures of words, one of them in a folder below."""
    folder = tmp_path / "mine"
    (folder / "below").mkdir(parents=True)
    for index, path in enumerate(sorted(words_root.rglob("*.png"))[:4]):
        shutil.copy(path, folder / ("below" if index == 3 else "") / f"{index}.png")
    return folder


def test_a_table_begins_with_what_is_most_doubtful_and_is_a_data_set(
    tiny_run: Path, folder: Path
) -> None:
    table = folder / "labels.tsv"
    result = run(folder, "--pipeline", tiny_run, "--draft", table, "--format", "jsonl")
    assert result.exit_code == 0, result.output
    assert f"ocrkit finetune {folder}" in result.stderr
    rows = [line.split("\t") for line in table.read_text("utf-8").splitlines()]
    assert sorted(name for name, _ in rows) == ["0.png", "1.png", "2.png", "below/3.png"]
    assert {Path(sample.path or "").name: sample.text for sample in Folder(folder)} == {
        Path(name).name: text for name, text in rows
    }
    scored = run("--pipeline", tiny_run, "--reader", "folder", "--data", folder, "--format", "tsv")
    sure = {
        line.split("\t")[0]: float(line.split("\t")[3]) for line in scored.stdout.splitlines()[1:]
    }
    order = [sure[name] for name, _ in rows]
    assert order == sorted(order)


def test_corrections_that_are_there_are_never_written_over(tiny_run: Path, folder: Path) -> None:
    (folder / "labels.tsv").write_text("0.png\tmine\n")
    result = run(folder, "--pipeline", tiny_run, "--draft", folder / "labels.tsv")
    assert result.exit_code == 2
    assert "there already, perhaps with corrections" in result.output
    assert (folder / "labels.tsv").read_text() == "0.png\tmine\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--draft", "draft.pdf", "word.png"), "expected a name that ends in .html or .tsv"),
        (("--draft", "draft.html"), "--draft is of images in files"),
        (("--draft", "draft.html", "-"), "--draft is of images in files"),
    ],
)
def test_what_cannot_be_drafted_is_said(arguments: tuple[str, ...], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_a_page_holds_so_many_and_no_more(tmp_path: Path) -> None:
    paths = [f"{tmp_path}/{index}.png" for index in range(MOST + 1)]
    with pytest.raises(OcrkitError, match=r"5,001 images; a page to correct holds 5,000: take"):
        Draft(tmp_path / "draft.html", paths)
    assert Draft(tmp_path / "draft.tsv", paths).folder == tmp_path


def test_texts_and_names_are_no_markup_and_only_the_page_s_own_script_runs(tmp_path: Path) -> None:
    evil = '"><script>alert(1)</script>'
    names = [f"{tmp_path}/{evil.replace('/', '')}.png", f"{tmp_path}/a\tb.png"]
    draft = Draft(tmp_path / "draft.html", names)
    for name in names:
        draft.add(name, evil, 0.5)
    assert list(draft.write()) == [(names[1], "its name has characters that no table can hold")]
    page = (tmp_path / "draft.html").read_text("utf-8")
    assert "alert(1)</script>" not in page
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert """default-src 'none'; img-src data:; style-src 'unsafe-inline'; """ in page
    assert f"script-src 'sha256-{digest}'\"" in page


def test_what_is_corrected_in_the_browser_is_kept_and_saved_as_a_data_set(
    tiny_run: Path, folder: Path
) -> None:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no chromium here; tools/system-packages.txt names what tests want")
    api = pytest.importorskip("playwright.sync_api")
    sheet = folder / "draft.html"
    assert run(folder, "--pipeline", tiny_run, "--draft", sheet).exit_code == 0
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        tab = browser.new_page()
        tab.set_default_timeout(60_000)
        wrong: list[str] = []
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("console", lambda said: said.type == "error" and wrong.append(said.text))
        tab.goto(sheet.as_uri())
        tab.keyboard.press("Control+A")
        tab.keyboard.type("two <b> \u00e9")
        tab.keyboard.press("Enter")
        tab.keyboard.press("Enter")
        tab.reload()
        assert tab.inner_text("output") == "2 of 4 seen", "a closed page loses nothing"
        with tab.expect_download() as download:
            tab.click("button")
        download.value.save_as(folder / download.value.suggested_filename)
        browser.close()
    assert wrong == []
    texts = [sample.text for sample in Folder(folder) if sample.text is not None]
    assert len(texts) == 2
    assert "two <b> \u00e9" in texts
