"""A folder of images, and the texts that lie beside them."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ocrkit import DataError, Sample, Skipped, option, read_image
from ocrkit.files import read_text
from ocrkit.images import EXTENSIONS

TABLE = "labels.tsv"


class Label(NamedTuple):
    """What is known of an image."""

    text: str | None
    writer: str | None


def parse_labels(table: str, name: str = TABLE) -> tuple[dict[str, Label], list[Skipped]]:
    """Labels by path, and the rows that make no sense, by line number.

    A row is ``path<TAB>text`` or ``path<TAB>text<TAB>writer``; blank lines do not count. Nothing is quoted, and there are no
    comments: any character but a tab or a line's end may be in a text. Spaces around a text are dropped.
    """
    labels: dict[str, Label] = {}
    malformed: list[Skipped] = []
    for number, line in enumerate(table.split("\n"), start=1):
        if not line.strip():
            continue
        path, *rest = line.split("\t")
        key = PurePosixPath(path)
        if len(rest) not in (1, 2):
            reason = f"{1 + len(rest)} columns; expected path, text and perhaps writer, with a tab between them"
        elif not rest[0].strip():
            reason = "empty text"
        elif not path or not _stays_inside(key):
            reason = f"path {path!r}; expected a file in this folder or below"
        elif key.as_posix() in labels:
            reason = f"second row of {path}"
        else:
            labels[key.as_posix()] = Label(rest[0].strip(), rest[1].strip() or None if len(rest) == 2 else None)
            continue
        malformed.append(Skipped(f"{name}:{number}", reason))
    return labels, malformed


def _stays_inside(path: PurePosixPath) -> bool:
    return not path.is_absolute() and ".." not in path.parts


@dataclass
class Folder:
    """All images of a folder and of the folders in it: those that ocrkit reads.

    Texts come from ``labels.tsv`` (see :func:`parse_labels`) in any of these folders, its paths relative to it; for an image
    that no table names, from ``name.gt.txt`` beside ``name.png``: one line. Images with neither have no text: they can be read,
    but not scored. An image's id is its path from the root. Names that begin with a dot are passed over.

    Splits: ``all``, or the name of a folder in the root. Raises DataError where nothing can be read.
    """

    root: Path = option(Path(), "the folder")
    split: str = option("all", "'all', or the name of a folder in the root, for example 'train'")

    def __post_init__(self) -> None:
        if not self.root.is_dir():
            raise DataError(f"folder: {self.root} is not a folder; expected one with images in it")
        inside = PurePosixPath("." if self.split == "all" else self.split)
        start = self.root / inside
        if not _stays_inside(inside) or not start.is_dir():
            raise DataError(f"folder: no split {self.split!r} in {self.root}; available: {', '.join(self._splits())}")

        self._skipped: list[Skipped] = []
        labels: dict[str, Label] = {}
        images: set[str] = set()
        above = (self.root / folder / TABLE for folder in reversed(inside.parents))
        for file in chain(filter(Path.is_file, above), self._files(start)):
            if file.name == TABLE:
                labels |= self._read_table(file)
            elif file.suffix.lower() in EXTENSIONS:
                images.add(self._id(file))
        labelled = {image for image in labels if PurePosixPath(image).is_relative_to(inside)}
        self._labels: dict[str, Label] = {}
        for image in sorted(images | labelled):
            self._add(image, labels.get(image))
        if not self._labels:
            first = f"; the first: {self._skipped[0].id}: {self._skipped[0].reason}" if self._skipped else ""
            raise DataError(f"folder: no usable images ({' '.join(EXTENSIONS)}) under {start}{first}")
        self._ids = list(self._labels)

    def _splits(self) -> list[str]:
        return ["all", *sorted(entry.name for entry in os.scandir(self.root) if entry.is_dir() and entry.name[0] != ".")]

    def _id(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _files(self, folder: Path) -> Iterator[Path]:
        """Every file of a folder and of those in it, top down; a folder that cannot be listed is noted in ``skipped``."""

        def note(error: OSError) -> None:
            self._skipped.append(Skipped(self._id(Path(error.filename)), error.strerror or str(error)))

        for parent, folders, names in os.walk(folder, onerror=note):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            yield from (Path(parent, name) for name in sorted(names) if not name.startswith("."))

    def _read_table(self, file: Path) -> dict[str, Label]:
        """The labels of a table by image id; its bad rows are noted in ``skipped``."""
        labels, malformed = parse_labels(read_text(file, DataError), self._id(file))
        self._skipped += malformed
        return {self._id(file.parent / path): label for path, label in labels.items()}

    def _add(self, image: str, label: Label | None) -> None:
        path = self.root / image
        try:
            if not path.stat().st_size:
                raise DataError("empty file")
            self._labels[image] = label or _read_ground_truth(path.with_suffix(".gt.txt"))
        except FileNotFoundError:
            self._skipped.append(Skipped(image, "missing"))
        except OSError as error:
            self._skipped.append(Skipped(image, error.strerror or str(error)))
        except (DataError, ValueError) as error:  # ValueError: a null character in the path
            self._skipped.append(Skipped(image, str(error)))

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
    def forms(self) -> None:
        return None

    @classmethod
    def sample_root(cls) -> None:
        return None


def _read_ground_truth(file: Path) -> Label:
    """The label of one image, without a text where there is no such file."""
    if not file.exists():
        return Label(None, None)
    lines = [line.strip() for line in read_text(file, DataError).split("\n") if line.strip()]
    if len(lines) != 1:
        raise DataError(f"{file.name}: {len(lines)} lines of text; expected one")
    return Label(lines[0], None)
