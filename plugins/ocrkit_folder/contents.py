"""What lies in a folder: its images, and their texts from tables and from files beside them."""

import unicodedata
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath

from ocrkit import DataError, Skipped
from ocrkit.images import EXTENSIONS, passed_over
from ocrkit.parts.characters import hidden_in
from ocrkit.support.files import read_text, walk
from ocrkit_folder.labels import GROUND_TRUTH, TABLE, Label, ground_truths, parse_labels


class Contents:
    """The images of a folder, or of a folder ``inside`` it, and of all below; tables above
    ``inside`` count. Raises DataError where no image can be used."""

    def __init__(self, root: Path, inside: PurePosixPath) -> None:
        self.root = root
        start = root / inside
        self.skipped: list[Skipped] = []
        """What cannot be used, and why."""
        self.files = [self._id(path) for path in walk(start, self._note_locked)]
        """All files, images or not, by their paths from the root."""
        self._by_form = {_composed(name): name for name in self.files}
        self._by_form |= {name: name for name in self.files}
        labels: dict[str, Label] = {}
        for table in self._tables(inside):
            labels |= self._read_table(table)
        images = {name for name in self.files if PurePosixPath(name).suffix.lower() in EXTENSIONS}
        labelled = {image for image in labels if PurePosixPath(image).is_relative_to(inside)}
        self.labels: dict[str, Label] = {}
        """What is known of each image that can be used, by its path from the root, in order."""
        for image in sorted(images | labelled):
            self._add(image, labels.get(image))
        if not self.labels:
            first = "".join(f"; the first: {each.id}: {each.reason}" for each in self.skipped[:1])
            others = "".join(f"; {sentence}" for sentence in passed_over(self.files))
            raise DataError(
                "folder: no usable images (PNG, JPEG, TIFF, BMP, WebP, GIF) under "
                f"{start}{first}{others}"
            )

    def _id(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _note_locked(self, error: OSError) -> None:
        """Notes a folder that cannot be listed in ``skipped``."""
        self.skipped.append(Skipped(self._id(Path(error.filename)), error.strerror or str(error)))

    def _tables(self, inside: PurePosixPath) -> Iterator[Path]:
        """The tables above a split, top down, then those in it."""
        above = (self.root / folder / TABLE for folder in reversed(inside.parents))
        yield from filter(Path.is_file, above)
        yield from (self.root / name for name in self.files if PurePosixPath(name).name == TABLE)

    def _read_table(self, file: Path) -> dict[str, Label]:
        """The labels of a table by image id; its bad rows are noted in ``skipped``."""
        folder = PurePosixPath(self._id(file.parent))
        labels, malformed = parse_labels(
            read_text(file, DataError), self._id(file), partial(self._actual, folder)
        )
        self.skipped += malformed
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
            self.labels[image] = label or self._read_ground_truth(image)
        except FileNotFoundError:
            self.skipped.append(Skipped(image, f"missing{hidden_in(image)}"))
        except OSError as error:
            self.skipped.append(Skipped(image, error.strerror or str(error)))
        except (DataError, ValueError) as error:  # ValueError: a null character in the path
            self.skipped.append(Skipped(image, str(error)))

    def _read_ground_truth(self, image: str) -> Label:
        """The label of one image, without a text where there is no file with it."""
        name = next(filter(None, map(self._find, ground_truths(image))), None)
        if name is None:
            return Label(None, None)
        text = read_text(self.root / name, DataError)
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        if len(lines) > 1:
            raise DataError(f"{PurePosixPath(name).name}: {len(lines)} lines of text; expected one")
        return Label("".join(lines), None)

    def expected(self, image: str) -> str:
        """Where the text of an image should be, and what lies there in its place."""
        beside = PurePosixPath(next(ground_truths(image))).name
        return f"{TABLE}, or {beside} beside it{self._hint(image)}"

    def _hint(self, image: str) -> str:
        for name in ("words.txt", "ascii/words.txt"):
            if (self.root / name).is_file():
                return f"; {name} is there: did you mean --reader iam?"
        if table := next(filter(_is_other_table, self.files), None):
            return f"; {table} is not read: {TABLE} has rows of path, tab and text"
        path = PurePosixPath(image)
        if text := self._find(path.with_suffix(".txt").as_posix()):
            return f"; {text} is not read: its name should end in {GROUND_TRUTH}"
        line = path.with_name(path.name.split(".")[0])
        if text := self._find(f"{line}{GROUND_TRUTH}") or self._find(f"{line}.txt"):
            return f"; {text} is not read: its name should be the image's"
        return ""


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _is_other_table(name: str) -> bool:
    """Whether a file looks as if it held labels, though it is none that is read."""
    path = PurePosixPath(name)
    if path.name == TABLE:
        return False
    has_ending = path.suffix.lower() in {".csv", ".tsv", ".jsonl", ".xlsx"}
    return has_ending or path.stem.lower() in {"labels", "label", "gt"}
