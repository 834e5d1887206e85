"""The reader ``csv``."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath

from ocrkit import DataError, Sample, Skipped, option, read_image

COLUMNS = ("path", "text", "writer", "split")
Row = dict[str, str]


@dataclass
class Table:
    """Images that a CSV table lists, whose first line names its columns:
    ``path,text,writer,split``, in any order.

    ``path`` is an image inside the folder, and the sample's id. ``writer`` and ``split`` may be
    empty or left out; other columns are not looked at. Rows that cannot be used are skipped and
    named. Raises DataError where nothing can be read.
    """

    root: Path = option(Path(), "the folder with the table; paths in it begin here")
    table: str = option("labels.csv", "the table's name in the folder")
    split: str = option("all", "'all', or one that the column split names")

    forms = None  # a table knows of no pages

    def __post_init__(self) -> None:
        self.skipped: list[Skipped] = []
        self._samples: dict[str, Sample] = {}
        splits = set()
        for line, row in self._rows():
            splits.add(row["split"])
            if self.split in ("all", row["split"]):
                self._add(line, row)
        if self.split not in {"all", *splits}:
            available = ", ".join(["all", *sorted(splits - {"", "all"})])
            raise DataError(f"csv: no split {self.split!r} in {self._path}; available: {available}")
        if not self._samples:
            first = "".join(f"; the first: {each.id}: {each.reason}" for each in self.skipped[:1])
            raise DataError(f"csv: no row of {self._path} can be used{first}")
        self._ids = list(self._samples)

    @property
    def _path(self) -> Path:
        return self.root / self.table

    def _rows(self) -> Iterator[tuple[int, Row]]:
        """The table's rows by column, each with the number of its last line. Notes rows of another
        length in ``skipped``."""
        try:
            with self._path.open(newline="", encoding="utf-8-sig") as file:
                lines = csv.reader(file, strict=True)
                columns = next(lines, [])
                if lacking := [column for column in COLUMNS[:2] if column not in columns]:
                    raise DataError(
                        f"csv: {self._path} has no column {lacking[0]!r}; expected "
                        f"{','.join(COLUMNS)} in its first line"
                    )
                for values in lines:
                    if len(values) == len(columns):
                        row = dict(zip(columns, values, strict=True))
                        yield (
                            lines.line_num,
                            {column: row.get(column, "").strip() for column in COLUMNS},
                        )
                    elif values:  # an empty line is no row
                        reason = (
                            f"{len(values)} values for {len(columns)} columns; a text with a "
                            "comma needs quotation marks"
                        )
                        self.skipped.append(Skipped(f"{self.table}:{lines.line_num}", reason))
        except OSError as error:
            raise DataError(
                f"csv: {self._path}: {error.strerror}; expected a table of images and texts"
            ) from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"csv: {self._path}: not a CSV table in UTF-8 ({error})") from error

    def _add(self, line: int, row: Row) -> None:
        """Takes a row, or notes why it cannot be used."""
        name = row["path"]
        path = self.root / name
        if not name or not row["text"]:
            self.skipped.append(
                Skipped(name or f"{self.table}:{line}", "a path and a text are expected")
            )
        elif name in self._samples:
            self.skipped.append(Skipped(f"{self.table}:{line}", f"second row of {name}"))
        elif PurePath(name).is_absolute() or ".." in PurePath(name).parts:
            self.skipped.append(Skipped(name, "not inside the folder"))
        elif reason := _unreadable(path):
            self.skipped.append(Skipped(name, reason))
        else:
            self._samples[name] = Sample(
                name, row["text"], row["writer"] or None, partial(read_image, path), path=path
            )

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, index: int, /) -> Sample:
        return self._samples[self._ids[index]]

    @classmethod
    def sample_root(cls) -> Path | None:
        return None  # no small data set comes with this package


def _unreadable(path: Path) -> str | None:
    """Why an image cannot be read, as far as its name and size show that; pixels are read when they
    are needed."""
    try:
        return None if path.stat().st_size else "empty file"
    except FileNotFoundError:
        return "no such file"
    except OSError as error:
        return error.strerror or str(error)
    except ValueError as error:  # a null character in the path
        return str(error)
