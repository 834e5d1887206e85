"""A folder of images, and the texts that lie beside them."""

import os
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ocrkit import DataError, Sample, Skipped, option, read_image
from ocrkit.images import EXTENSIONS, passed_over
from ocrkit.parts.characters import hidden_in
from ocrkit.support.files import read_text, walk
from ocrkit_folder.labels import (
    GROUND_TRUTH,
    TABLE,
    Label,
    ground_truths,
    parse_labels,
    stays_inside,
)

if TYPE_CHECKING:
    from ocrkit_folder.doctor import Report


@dataclass
class Folder:
    """All images of a folder and of the folders in it, links too: those that ocrkit reads.

    Texts come from ``labels.tsv`` (see :func:`ocrkit_folder.labels.parse_labels`) in any of these
    folders, its paths relative to it; for an image that no table names, from ``name.gt.txt`` beside
    ``name.png``: one line. An empty line of either is an empty text. Images with neither have no
    text: they can be read, but not scored. An image's id is its path from the root. Names that
    begin with a dot are passed over.

    Splits: ``all``, or the name of a folder in the root. Raises DataError where nothing can be
    read.
    """

    root: Path = option(Path(), "the folder")
    split: str = option("all", "'all', or the name of a folder in the root, for example 'train'")

    def __post_init__(self) -> None:
        if not self.root.is_dir():
            raise DataError(f"folder: {self.root} is not a folder; expected one with images in it")
        inside = PurePosixPath("." if self.split == "all" else self.split)
        start = self.root / inside
        if not stays_inside(inside) or not start.is_dir():
            raise DataError(
                f"folder: no split {self.split!r} in {self.root}; available: "
                f"{', '.join(self._splits())}"
            )

        self._skipped: list[Skipped] = []
        self.files = [self._id(path) for path in walk(start, self._note_locked)]
        """The files of the split, images or not, by their paths from the root."""
        self._by_form = {_composed(name): name for name in self.files} | {
            name: name for name in self.files
        }
        labels: dict[str, Label] = {}
        for table in self._tables(inside):
            labels |= self._read_table(table)
        images = {name for name in self.files if PurePosixPath(name).suffix.lower() in EXTENSIONS}
        labelled = {image for image in labels if PurePosixPath(image).is_relative_to(inside)}
        self._labels: dict[str, Label] = {}
        for image in sorted(images | labelled):
            self._add(image, labels.get(image))
        if not self._labels:
            first = (
                f"; the first: {self._skipped[0].id}: {self._skipped[0].reason}"
                if self._skipped
                else ""
            )
            others = "".join(f"; {sentence}" for sentence in passed_over(self.files))
            raise DataError(
                "folder: no usable images (PNG, JPEG, TIFF, BMP, WebP, GIF) under "
                f"{start}{first}{others}"
            )
        self._ids = list(self._labels)

    def _splits(self) -> list[str]:
        return [
            "all",
            *sorted(
                entry.name
                for entry in os.scandir(self.root)
                if entry.is_dir() and entry.name[0] != "."
            ),
        ]

    def _id(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _note_locked(self, error: OSError) -> None:
        """Notes a folder that cannot be listed in ``skipped``."""
        self._skipped.append(Skipped(self._id(Path(error.filename)), error.strerror or str(error)))

    def _tables(self, inside: PurePosixPath) -> Iterator[Path]:
        """The tables above a split, top down, then those in it."""
        yield from filter(
            Path.is_file, (self.root / folder / TABLE for folder in reversed(inside.parents))
        )
        yield from (self.root / name for name in self.files if PurePosixPath(name).name == TABLE)

    def _read_table(self, file: Path) -> dict[str, Label]:
        """The labels of a table by image id; its bad rows are noted in ``skipped``."""
        folder = PurePosixPath(self._id(file.parent))
        labels, malformed = parse_labels(
            read_text(file, DataError), self._id(file), partial(self._actual, folder)
        )
        self._skipped += malformed
        return {(folder / path).as_posix(): label for path, label in labels.items()}

    def _actual(self, folder: PurePosixPath, written: str) -> str:
        """The path, from a table's folder, of the file that a path in the table stands for.

        Windows writes backslashes, some programs quote what they save, and the Mac's file names
        have accents as characters of their own (Unicode's form NFD).
        """
        for path in (written, written.strip('"'), written.replace("\\", "/")):
            if found := self._find((folder / path).as_posix()):
                return PurePosixPath(found).relative_to(folder).as_posix()
        return path

    def _find(self, name: str) -> str | None:
        """The id of the file of this name, in whatever form of Unicode."""
        return self._by_form.get(name) or self._by_form.get(_composed(name))

    def _add(self, image: str, label: Label | None) -> None:
        path = self.root / image
        try:
            if not path.stat().st_size:
                raise DataError("empty file")
            self._labels[image] = label or self._read_ground_truth(image)
        except FileNotFoundError:
            self._skipped.append(Skipped(image, f"missing{hidden_in(image)}"))
        except OSError as error:
            self._skipped.append(Skipped(image, error.strerror or str(error)))
        except (DataError, ValueError) as error:  # ValueError: a null character in the path
            self._skipped.append(Skipped(image, str(error)))

    def _read_ground_truth(self, image: str) -> Label:
        """The label of one image, without a text where there is no file with it."""
        name = next(filter(None, map(self._find, ground_truths(image))), None)
        if name is None:
            return Label(None, None)
        lines = [
            line.strip()
            for line in read_text(self.root / name, DataError).split("\n")
            if line.strip()
        ]
        if len(lines) > 1:
            raise DataError(f"{PurePosixPath(name).name}: {len(lines)} lines of text; expected one")
        return Label("".join(lines), None)

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, index: int) -> Sample:
        image = self._ids[index]
        path = self.root / image
        return Sample(image, *self._labels[image], partial(read_image, path), path=path)

    @property
    def skipped(self) -> Sequence[Skipped]:
        return self._skipped

    @property
    def notes(self) -> list[str]:
        """What the user may want to know of the data: images that are not read, or have no text,
        and quoted texts."""
        notes = [f"{self.root}: {sentence}" for sentence in passed_over(self.files)]
        without = [image for image, label in self._labels.items() if label.text is None]
        if without:
            have = (
                f"{len(without):,} of {len(self._labels):,} images have no text, {without[0]} "
                "for example"
            )
            notes.append(f"{self.root}: {have}; expected {self.expected(without[0])}")
        quoted = [
            (image, label.text)
            for image, label in self._labels.items()
            if label.text and is_quoted(label.text)
        ]
        if quoted:
            begin = "texts begin and end" if len(quoted) > 1 else "text begins and ends"
            notes.append(
                f"{self.root}: {len(quoted):,} {begin} with a quotation mark, {quoted[0][0]} for "
                f"example: {quoted[0][1]}; "
                "it counts as written on the image: where a program put it there, save the table "
                "without quotes"
            )
        return notes

    def expected(self, image: str) -> str:
        """Where the text of an image should be, and what lies there in its place."""
        return (
            f"{TABLE}, or {PurePosixPath(next(ground_truths(image))).name} beside "
            f"it{self._hint(image)}"
        )

    def _hint(self, image: str) -> str:
        for name in ("words.txt", "ascii/words.txt"):
            if (self.root / name).is_file():
                return f"; {name} is there: did you mean --reader iam?"
        tables = (
            name
            for name in self.files
            if PurePosixPath(name).name != TABLE and _is_table(PurePosixPath(name))
        )
        if table := next(tables, None):
            return f"; {table} is not read: {TABLE} has rows of path, tab and text"
        path = PurePosixPath(image)
        if text := self._find(path.with_suffix(".txt").as_posix()):
            return f"; {text} is not read: its name should end in {GROUND_TRUTH}"
        line = path.with_name(path.name.split(".")[0])
        if text := self._find(f"{line}{GROUND_TRUTH}") or self._find(f"{line}.txt"):
            return f"; {text} is not read: its name should be the image's"
        return ""

    @property
    def forms(self) -> None:
        return None

    @classmethod
    def sample_root(cls) -> None:
        return None

    @classmethod
    def check(cls, root: Path) -> "Report":
        """What is there, missing, wrong or odd (``ocrkit data check folder DIR``)."""
        from ocrkit_folder.doctor import examine

        return examine(root)


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _is_table(path: PurePosixPath) -> bool:
    """Whether a file looks as if it held labels."""
    return path.suffix.lower() in {".csv", ".tsv", ".jsonl", ".xlsx"} or path.stem.lower() in {
        "labels",
        "label",
        "gt",
    }


def is_quoted(text: str) -> bool:
    """Whether a text looks as if a program had quoted it."""
    return len(text) > 1 and text.startswith('"') and text.endswith('"')
