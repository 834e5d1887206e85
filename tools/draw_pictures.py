"""Makes the documentation's pictures of what ocrkit draws, from the samples that ship with it.

    python tools/draw_pictures.py --to docs/pictures
    python tools/draw_pictures.py --to docs/pictures --fonts fonts

It wants chromium, for what is seen in a browser, and PyTorch, for the curves; with a folder of fonts (docs/synthetic-words.md) it draws words and
pages in them as well. tools/draw_read_page.py draws the page that was read.
"""  # noqa: E501

import argparse
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

WIDTH, HEIGHT = 830, 900
"""Pixels of a page as README and documentation show it."""
COLOURS = 64
PAGES = Path(import_module("ocrkit_pagexml").__file__ or "").parent / "sample"
WORDS = Path(import_module("ocrkit_iam").__file__ or "").parent / "sample"


def ocrkit(work: Path, *arguments: object) -> None:
    """Runs it in the folder, whose names are those that pictures show."""
    command = [sys.executable, "-m", "ocrkit", *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=work)  # noqa: S603  (its own command)


def small(source: Path, target: Path) -> None:
    """A picture with few colours, in a file a fifth as large."""
    with Image.open(source) as picture:
        picture.convert("RGB").quantize(COLOURS).save(target, optimize=True)


def browsed(page: Path, target: Path) -> None:
    """What a browser shows of a page at first."""
    program = shutil.which("chromium")
    if program is None:
        sys.exit("no chromium here; tools/system-packages.txt names it")
    shot = page.with_suffix(".png")
    subprocess.run(  # noqa: S603  (a fixed program)
        [
            *(program, "--headless", "--no-sandbox", "--hide-scrollbars"),
            f"--window-size={WIDTH},{HEIGHT}",
            f"--screenshot={shot}",
            page.as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    small(shot, target)


def draw(folder: Path, work: Path) -> None:
    report, grid = work / "report.html", work / "grid.png"
    shutil.copytree(WORDS, work / "sample")
    drawn = "--report", report, "--grid", grid
    ocrkit(work, "run", "--pipeline", "iam-crnn", "--data", "sample", "--split", "all", *drawn)
    browsed(report, folder / "report.png")
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
    curves(folder / "curves.svg", work)


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
    for reader, count in (("synth-words", 24), ("synth-lines", 12), ("synth-pages", 4)):
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
