"""What the Parquet files of a folder hold: rows that can be used, and why others cannot."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ocrkit import DataError, ImageError, Skipped, read_image
from ocrkit.interfaces import Image
from ocrkit.support.files import walk
from ocrkit_parquet.files import Columns, RowGroups, Shard


class Row(NamedTuple):
    """A row of a file, counted from 0, and within its row group; its image is read later."""

    shard: Shard
    number: int
    group: int
    at: int
    text: str | None
    writer: str | None

    @property
    def id(self) -> str:
        return f"{self.shard.id}#{self.number}"


class Contents:
    """The rows of all files of a folder and of those in it, or of the files of one split."""

    def __init__(self, root: Path, columns: Columns, split: str = "all") -> None:
        """Raises DataError where there is no such split."""
        self.root = root
        self.columns = columns
        self.skipped: list[Skipped] = []
        """Rows and files that cannot be used, and why."""
        self.rows: list[Row] = []
        self._groups = RowGroups()
        shards = list(self._shards())
        splits = ["all", *sorted({shard.split for shard in shards})]
        if split not in splits:
            available = ", ".join(splits)
            raise DataError(f"parquet: no split {split!r} in {root}; available: {available}")
        for shard in shards:
            if split in ("all", shard.split):
                self._add(shard)

    def _shards(self) -> Iterator[Shard]:
        def note(error: OSError) -> None:
            name = Path(error.filename).relative_to(self.root).as_posix()
            self.skipped.append(Skipped(name, error.strerror or str(error)))

        for path in sorted(walk(self.root, note)):
            if path.suffix.lower() == ".parquet":
                name = PurePosixPath(path.relative_to(self.root).as_posix())
                yield Shard(self.root, name, self.columns)

    def _add(self, shard: Shard) -> None:
        rows: list[Row] = []
        bad: list[Skipped] = []
        try:
            for number, (group, at, text, writer) in enumerate(shard.rows()):
                try:
                    rows.append(Row(shard, number, group, at, _decoded(text), _decoded(writer)))
                except UnicodeDecodeError as error:
                    bad.append(Skipped(f"{shard.id}#{number}", f"no UTF-8 ({error.reason})"))
        except DataError as error:
            self.skipped.append(Skipped(shard.name.as_posix(), str(error)))
        else:
            self.rows += rows
            self.skipped += bad

    def load(self, row: Row) -> Image:
        """The image of a row, uint8 (H, W). Raises ImageError, which names the row."""
        try:
            data = self._groups.image(row.shard, row.group, row.at)
            if data is None:
                raise ImageError(f"no image in the column {self.columns.image!r}")
            return read_image(data)
        except (DataError, ImageError) as error:
            reason = str(error).removeprefix("<bytes>: ")
            raise ImageError(f"{row.shard.path}, row {row.number}: {reason}") from error


def _decoded(text: bytes | None) -> str | None:
    return None if text is None else text.decode()
