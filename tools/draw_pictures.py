"""Makes the documentation's pictures of what ocrkit draws, from the samples that ship with it.

    python tools/draw_pictures.py --to docs/pictures
    python tools/draw_pictures.py --to docs/pictures --fonts fonts

It wants Chromium and playwright, for what is seen in a browser, the extra `documents`, and PyTorch, for the curves; with a folder of fonts and a text
(docs/synthetic-words.md) it draws words, lines and pages in them as well. tools/draw_read_page.py draws the page that was read, and
tools/draw_serve_page.py the page of the service.
"""  # noqa: E501

import argparse
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import pypdfium2
from PIL import Image, ImageDraw
from playwright.sync_api import ViewportSize, sync_playwright

from ocrkit.images import read_image
from ocrkit.reports.grid import Cell, Line, draw_grid
from ocrkit_image.crop import Crop
from ocrkit_image.level import Level

SIZE = ViewportSize(width=830, height=900)
"""Pixels of a page as README and documentation show it."""
COLOURS = 128
PAGES = Path(import_module("ocrkit_pagexml").__file__ or "").parent / "sample"
WORDS = Path(import_module("ocrkit_iam").__file__ or "").parent / "sample"


def ocrkit(work: Path, *arguments: object) -> None:
    """Runs it in the folder, whose names are those that pictures show."""
    command = [sys.executable, "-m", "ocrkit", *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=work)  # noqa: S603  (its own command)


def small(source: Path, target: Path) -> None:
    """A picture with few colours, rare ones too, in a file a third as large."""
    with Image.open(source) as picture:
        few = picture.convert("RGB").quantize(COLOURS, Image.Quantize.FASTOCTREE)
        few.save(target, optimize=True)


def browsed(page: Path, target: Path, part: str = "") -> None:
    """What a browser shows of a page at first, or of the part that a CSS selector names."""
    program = shutil.which("chromium")
    if program is None:
        sys.exit("no chromium here; tools/system-packages.txt names it")
    shot = page.with_suffix(".png")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        tab = browser.new_page(viewport=SIZE, color_scheme="light")
        tab.goto(page.as_uri())
        tab.add_style_tag(content="section { padding: 8px }")
        shown = tab.locator(part) if part else tab
        shown.screenshot(path=shot)
        browser.close()
    small(shot, target)


def draw(folder: Path, work: Path) -> None:
    report, grid = work / "report.html", work / "grid.png"
    shutil.copytree(WORDS, work / "sample")
    drawn = "--report", report, "--grid", grid
    ocrkit(work, "run", "--pipeline", "iam-crnn", "--data", "sample", "--split", "all", *drawn)
    browsed(report, folder / "report.png")
    browsed(report, folder / "confidence.png", "#confidence")
    small(grid, folder / "grid.png")
    words, draft = work / "mine", work / "draft.html"
    words.mkdir()
    for path in sorted((WORDS / "words").rglob("*.png"))[:24]:
        shutil.copy(path, words)
    ocrkit(work, "run", "mine", "--pipeline", "iam-crnn", "--draft", draft)
    browsed(draft, folder / "draft.png")
    shown = work / "shown.png"
    ocrkit(work, "data", "show", "iam", "sample", "--output", shown, "--count", 12)
    small(shown, folder / "words.png")
    level = "--level", "pages"
    ocrkit(work, "data", "show", "page-xml", PAGES, *level, "--output", shown, "--count", 2)
    small(shown, folder / "pages.png")
    searchable(folder / "pdf.png", work)
    photographs(folder / "photographs.png", work)
    curves(folder / "curves.svg", work)


def searchable(target: Path, work: Path) -> None:
    """A page of a searchable PDF, its words as a viewer selects them, and one looked for."""
    page = PAGES / "letter.png"
    ocrkit(work, "run", page, "--pipeline", "iam-pages", "--out", "read", "--format", "pdf")
    with pypdfium2.PdfDocument(work / "read" / "letter.pdf") as document:
        scale = SIZE["width"] / document[0].get_width()
        picture = document[0].render(scale=scale).to_pil().convert("RGBA")
        text = document[0].get_textpage()
        over = Image.new("RGBA", picture.size)
        draw = ImageDraw.Draw(over)
        words = [text.get_rect(index) for index in range(text.count_rects())]
        found = text.search("library").get_next()
        looked_for = [text.get_rect(index) for index in range(text.count_rects(*found))]
        for boxes, colour in ((words, (60, 130, 220, 60)), (looked_for, (255, 190, 0, 140))):
            for left, bottom, right, top in boxes:
                corners = (
                    left,
                    document[0].get_height() - top,
                    right,
                    document[0].get_height() - bottom,
                )
                draw.rectangle([scale * each for each in corners], fill=colour)
    shown = work / "pdf.png"
    Image.alpha_composite(picture, over).save(shown)
    small(shown, target)


def photographs(target: Path, work: Path) -> None:
    """Words photographed, and what becomes of them before the network sees them."""
    program = Path(__file__).with_name("render_photographs.py")
    subprocess.run([sys.executable, program, "--to", work / "photographs"], check=True)  # noqa: S603
    level, crop = Level(), Crop()
    cells = []
    for path in sorted((work / "photographs").rglob("*.jpg"))[:4]:
        image = read_image(path)
        lit = level(image)
        steps = {"photographed": image, "level": lit, "level, crop": crop(lit)}
        cells += [Cell(each, [Line(name)]) for name, each in steps.items()]
    shown = work / "photographs.png"
    draw_grid(cells, 3, shown)
    small(shown, target)


def curves(target: Path, work: Path) -> None:
    """Those of teaching the sample's words to the model `iam-crnn`."""
    taught = work / "taught"
    ocrkit(
        work,
        "finetune",
        "sample",
        "--reader",
        "iam",
        *("--pipeline", "iam-crnn", "--set", "training.epochs=6", "--out", taught),
    )
    shutil.copy(taught / "curves.svg", target)


def draw_fonts(folder: Path, work: Path, fonts: Path) -> None:
    for reader, count in (("synth-words", 12), ("synth-lines", 8), ("synth-pages", 2)):
        shown = work / f"{reader}.png"
        ocrkit(work, "data", "show", reader, fonts, "--count", count, "--output", shown)
        small(shown, folder / f"{reader}.png")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--to", required=True, type=Path, metavar="DIR")
    parser.add_argument("--fonts", type=Path, metavar="DIR")
    arguments = parser.parse_args()
    arguments.to.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as work:
        draw(arguments.to, Path(work))
        if arguments.fonts:
            draw_fonts(arguments.to, Path(work), arguments.fonts.absolute())


if __name__ == "__main__":
    main()
