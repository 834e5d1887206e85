"""Puts lines together from the images of their words, for those who have only IAM's words."""

import hashlib
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow

from ocrkit.errors import DataError, ImageError
from ocrkit.images import read_image
from ocrkit.interfaces import Image, Skipped
from ocrkit.support.bars import image_bar
from ocrkit.support.files import locked, read_text, write_atomically
from ocrkit.support.parallel import ordered_map
from ocrkit.support.parsing import parse_json
from ocrkit_iam.files import BEGUN, ascii_file, form_folder, image_sizes, images_folder
from ocrkit_iam.hints import elsewhere
from ocrkit_iam.paper import WordImage, line_image
from ocrkit_iam.texts import BETWEEN_TOKENS, PlacedWord, parse_lines, parse_placed_words

_RECIPE = 1
"""Counts up when other pixels come out of the same words."""
_LONGEST = 20_000
"""Pixels: no line of a page is longer, nor as high."""
_SHOWN = 5

_Lines = dict[str, list[PlacedWord]]
_Tokens = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Assembled:
    """What has become of the lines of a copy of IAM."""

    to: Path
    whole: int
    """Lines that are in the folder now."""
    before: int
    """Those of them that had been put together before."""
    left_out: list[Skipped]
    """Other lines of forms whose images are there, each with the reason."""

    @property
    def usable(self) -> bool:
        """Whether any line can be read."""
        return self.whole > 0

    def lines(self) -> list[str]:
        """The report as text."""
        before = f" ({self.before:,} of them before)" if self.before else ""
        reasons = Counter(each.reason for each in self.left_out)
        texts = [f"{self.whole:,} lines are whole{before}, {len(self.left_out):,} are left out"]
        for reason, count in reasons.most_common():
            ids = [each.id for each in self.left_out if each.reason == reason]
            more = ", …" * (count > _SHOWN)
            texts.append(f"  {count:,} {reason}: {', '.join(ids[:_SHOWN])}{more}")
        if self.usable:
            texts.append(f"read them with --data {self.to} --set reader.level=lines")
        return texts


def assemble(root: Path, to: Path) -> Assembled:
    """Writes ``lines/``, ``ascii/lines.txt`` and ``ascii/forms.txt`` under ``to`` as IAM's archives
    have them, out of ``words/`` and ``ascii/words.txt`` under ``root``.

    Files appear whole or not at all, and what is already there is not made again unless it is
    damaged. Raises DataError
    where there are no words, and where ``to`` holds anything else.
    """
    images = images_folder(root, "words")
    lines, tokens = _lines_of(root, images)
    _claim(to, root)
    with locked(to / ".lock", DataError(f"{to}: another ocrkit data lines is at work here")):
        (to / "ascii").mkdir(exist_ok=True)
        if forms := ascii_file(root, "forms.txt"):
            with write_atomically(to / "ascii" / "forms.txt") as file:
                shutil.copyfile(forms, file)
        return _assemble(lines, tokens, images, to)


def _lines_of(root: Path, images: Path) -> tuple[_Lines, _Tokens]:
    """The words of every line, and what lines.txt says of them if it is there, of the forms whose
    images are there."""
    if not root.is_dir():
        raise DataError(
            f"iam: {root}: no such folder; expected one that words.tgz and ascii.tgz were "
            "extracted into"
        )
    advice = elsewhere(root) or f"see what is there with: ocrkit data check iam {root}"
    table, lines_table = ascii_file(root, "words.txt"), ascii_file(root, "lines.txt")
    if table is None:
        raise DataError(
            f"iam: {root}: lines are put together by words.txt, which says where words are, and "
            f"neither ascii/words.txt nor words.txt is there; {advice}"
        )
    rows, _ = parse_placed_words(read_text(table, DataError))
    there = {row.word.form for row in rows}
    there = {form for form in there if image_sizes(images, form) is not None}
    words = defaultdict[str, list[PlacedWord]](list)
    for row in rows:
        if row.word.form in there:
            words[row.line].append(row)
    if not words:
        raise DataError(
            f"iam: no word images under {root}: looked for folders such as "
            f"{form_folder(images, 'a01-000u')}; {advice}"
        )
    known = parse_lines(read_text(lines_table, DataError)).lines if lines_table else []
    return words, {line.id: line.tokens for line in known if line.form in there}


def _claim(to: Path, root: Path) -> None:
    """Makes the folder, or finds that these very lines were begun in it. Raises DataError where
    anything else is there."""
    begun = {"words": str(root.resolve()), "recipe": _RECIPE}
    note = to / BEGUN
    try:
        to.mkdir(parents=True, exist_ok=True)
        if note.is_file():
            if parse_json(read_text(note, DataError)) == begun:
                return
            raise DataError(
                f"{to}: lines of other words, or made by another version of ocrkit; delete the "
                "folder or name another with --to"
            )
        if any(to.iterdir()):
            raise DataError(f"{to}: holds other files; name a folder that is new with --to")
    except ValueError:
        raise DataError(f"{note}: damaged; delete {to} or name another folder with --to") from None
    except OSError as error:
        raise DataError(f"{to}: {error.strerror}") from None
    with write_atomically(note) as file:
        file.write_text(json.dumps(begun) + "\n", "utf-8")


def _assemble(lines: _Lines, tokens: _Tokens, images: Path, to: Path) -> Assembled:
    def made(item: tuple[str, list[PlacedWord]]) -> tuple[str | None, str, bool]:
        """A line's row of lines.txt, or why it is left out; and whether it was there before."""
        line, words = item
        path = form_folder(to / "lines", words[0].word.form) / f"{line}.png"
        try:
            _check_whole(words, tokens.get(line))
            with suppress(ImageError):  # none yet, or a damaged one
                return _row(line, words, _grey(path)), "", True
            pixels = _drawn(line, words, images)
        except (ImageError, DataError) as error:
            return None, str(error), False
        _save(pixels, path)
        return _row(line, words, pixels), "", False

    rows: list[str] = []
    left_out = [Skipped(line, "without words in words.txt") for line in tokens if line not in lines]
    before = 0
    with image_bar() as bar:
        task = bar.add_task("putting lines together", total=len(lines))
        results = ordered_map(made, lines.items(), ahead=16, at_first=16)
        for line, (row, reason, there) in zip(lines, results, strict=True):
            if row is None:
                left_out.append(Skipped(line, reason))
            else:
                rows.append(row)
                before += there
            bar.advance(task)
    with write_atomically(to / "ascii" / "lines.txt") as file:
        file.write_text("\n".join(["# put together from words", *rows, ""]), "utf-8")
    return Assembled(to, len(rows), before, left_out)


# ------------------------------------------------------------------------------------------ a line


def _check_whole(words: Sequence[PlacedWord], tokens: tuple[str, ...] | None) -> None:
    """Raises DataError, with the reason, where words of the line are not there."""
    if any(row.width < 1 or row.height < 1 or row.x < 0 or row.y < 0 for row in words):
        raise DataError("with a word that has no box")
    texts = tuple(row.word.text for row in words)
    numbers = [int(row.word.id.rpartition("-")[2]) for row in words]
    if numbers != list(range(len(words))) or (tokens is not None and tokens != texts):
        raise DataError("with words that words.txt lacks")
    _, _, width, height = _box(words)
    if max(width, height) > _LONGEST:
        raise DataError(f"of more than {_LONGEST:,} pixels")


def _box(words: Sequence[PlacedWord]) -> tuple[int, int, int, int]:
    """The box around all words: x, y, width and height."""
    left, top = min(row.x for row in words), min(row.y for row in words)
    right = max(row.x + row.width for row in words)
    bottom = max(row.y + row.height for row in words)
    return left, top, right - left, bottom - top


def _drawn(line: str, words: Sequence[PlacedWord], images: Path) -> Image:
    left, top, width, height = _box(words)
    drawn = []
    for row in words:
        path = form_folder(images, row.word.form) / f"{row.word.id}.png"
        try:
            pixels = _grey(path)
        except ImageError:
            raise ImageError("with a word whose image is missing, empty or damaged") from None
        if pixels.shape != (row.height, row.width):
            raise ImageError("with a word whose image is not as large as its box")
        drawn.append(WordImage(pixels, row.x - left, row.y - top))
    seed = int.from_bytes(hashlib.blake2b(line.encode(), digest_size=8).digest())
    return line_image(drawn, words[0].grey, (height, width), seed)


def _grey(path: Path) -> Image:
    """Grey pixels, as IAM's are; people save them anew in colour."""
    pixels = read_image(path)
    if pixels.ndim == 2:
        return pixels
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def _save(pixels: Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with write_atomically(path) as file:
        Pillow.fromarray(pixels).save(file, format="PNG")


def _row(line: str, words: Sequence[PlacedWord], pixels: Image) -> str:
    grey = words[0].grey
    components = cv2.connectedComponents((pixels < grey).astype(np.uint8))[0] - 1
    flag = "ok" if words[0].word.ok else "err"
    box = " ".join(map(str, _box(words)))
    tokens = BETWEEN_TOKENS.join(row.word.text for row in words)
    return f"{line} {flag} {grey} {components} {box} {tokens}"
