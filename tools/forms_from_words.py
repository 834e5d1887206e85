"""Puts forms of IAM together from the images of their words, for those who have only IAM's words.

    python tools/forms_from_words.py IAM --to FORMS [--forms FILE]

writes FORMS/forms/FORM.png, each word at its place on paper like its own, and copies the tables of
IAM/ascii, so that ``--reader iam --data FORMS --set reader.level=pages`` reads them. Only forms all
of whose words are there are written, and nothing of what is printed on a form is on them.
``--forms`` names a file of form ids, one a line.
"""

import argparse
import hashlib
import shutil
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import click
from PIL import Image

from ocrkit.errors import ImageError
from ocrkit.images import read_image
from ocrkit.support.bars import image_bar
from ocrkit.support.files import write_atomically
from ocrkit_iam.files import ascii_file, form_folder, images_folder
from ocrkit_iam.paper import WordImage, line_image
from ocrkit_iam.texts import PlacedWord, parse_placed_words

MARGIN = 150
"""Pixels of paper to the right of the last word and below it; before it there is the form's."""


def put_together(words: Sequence[PlacedWord], images: Path, seed: int) -> Image.Image:
    """The form of these words. Raises ImageError where one of them is not there."""
    drawn = []
    for row in words:
        pixels = read_image(form_folder(images, row.word.form) / f"{row.word.id}.png")
        if pixels.shape != (row.height, row.width):
            raise ImageError(f"{row.word.id} is not as large as its box")
        drawn.append(WordImage(pixels, row.x, row.y))
    width = max(row.x + row.width for row in words) + MARGIN
    height = max(row.y + row.height for row in words) + MARGIN
    # By the darkest of the lines' levels no paper is taken for ink.
    grey = min(row.grey for row in words)
    return Image.fromarray(line_image(drawn, grey, (height, width), seed))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, help="a copy of IAM with words and ascii")
    parser.add_argument("--to", type=Path, required=True, help="the folder to write")
    parser.add_argument("--forms", type=Path, help="form ids, one a line; all unless given")
    options = parser.parse_args()
    table = ascii_file(options.root, "words.txt")
    if table is None:
        parser.error(f"{options.root}: no words.txt")
    wanted = options.forms.read_text("utf-8").split() if options.forms else None
    by_form = defaultdict[str, list[PlacedWord]](list)
    for row in parse_placed_words(table.read_text("utf-8"))[0]:
        if wanted is None or row.word.form in wanted:
            by_form[row.word.form].append(row)
    for folder in ("ascii", "forms"):
        (options.to / folder).mkdir(parents=True, exist_ok=True)
    for name in ("words.txt", "lines.txt", "forms.txt"):
        if path := ascii_file(options.root, name):
            shutil.copyfile(path, options.to / "ascii" / name)
    written, incomplete = 0, 0
    images = images_folder(options.root, "words")
    with image_bar() as bar:
        task = bar.add_task("putting forms together", total=len(by_form))
        for form, words in by_form.items():
            path = options.to / "forms" / f"{form}.png"
            seed = int.from_bytes(hashlib.blake2b(form.encode(), digest_size=8).digest())
            try:
                if not path.exists():
                    placed = [row for row in words if min(row.width, row.height) > 0]
                    picture = put_together(placed, images, seed)
                    with write_atomically(path) as file:
                        picture.save(file, format="PNG")
                written += 1
            except (ImageError, ValueError):
                incomplete += 1
            bar.advance(task)
    click.echo(f"{written:,} forms in {options.to}, {incomplete:,} others lack words")


if __name__ == "__main__":
    main()
