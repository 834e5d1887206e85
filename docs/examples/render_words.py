"""Draws words in several fonts, as a folder of images with a table of their texts: something to try
fine-tuning on.

    python render_words.py german-words.txt --train A.ttf B.ttf --validation C.ttf --test D.ttf --to DIR

Three fifths of the words are for training, a fifth each for validation and test, and every split
has its own fonts: no word and no hand is in two of them. A font may be any file that FreeType
reads. The same arguments give the same images.
"""  # noqa: E501

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}
"""Of the words."""


def draw(word: str, font: ImageFont.FreeTypeFont, rng: np.random.Generator) -> Image.Image:
    """The word in dark ink on light paper, cut close around it."""
    left, top, right, bottom = font.getbbox(word)
    margin = rng.integers(2, 9, 4)
    paper, ink = int(rng.integers(225, 256)), int(rng.integers(0, 90))
    size = (int(right - left + margin[0] + margin[1]), int(bottom - top + margin[2] + margin[3]))
    image = Image.new("L", size, paper)
    ImageDraw.Draw(image).text(
        (int(margin[0] - left), int(margin[2] - top)), word, font=font, fill=ink
    )
    return image


def write_split(
    folder: Path, words: list[str], fonts: list[Path], size: int, rng: np.random.Generator
) -> int:
    """Every word in every font, and ``labels.tsv``; the font's name stands for the writer."""
    folder.mkdir(parents=True)
    rows = []
    for path in fonts:
        font = ImageFont.truetype(path, size)
        for index, word in enumerate(words):
            name = f"{path.stem}-{index:03}.png"
            draw(word, font, rng).save(folder / name)
            rows.append(f"{name}\t{word}\t{path.stem}\n")
    (folder / "labels.tsv").write_text("".join(rows), encoding="utf-8")
    return len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", type=Path, help="a text file, a word a line")
    for split in SHARES:
        parser.add_argument(f"--{split}", nargs="+", required=True, type=Path, metavar="FONT")
    parser.add_argument("--to", required=True, type=Path, metavar="DIR", help="a new folder")
    parser.add_argument("--size", type=int, default=48)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    words = rng.permutation(arguments.words.read_text(encoding="utf-8").split()).tolist()
    start = 0
    for split, share in SHARES.items():
        chosen = words[start : start + round(share * len(words))]
        count = write_split(
            arguments.to / split, chosen, getattr(arguments, split), arguments.size, rng
        )
        print(f"{split}: {len(chosen)} words, {count} images")  # noqa: T201  (a script's result)
        start += len(chosen)


if __name__ == "__main__":
    main()
