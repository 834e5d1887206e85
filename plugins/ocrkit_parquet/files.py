"""The Parquet files of a folder, their columns and row groups.

Of a file no more than one row group is in memory at a time, and of that the columns that are
needed.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any, NamedTuple

from ocrkit import DataError
from ocrkit.errors import PluginError, install_hint
from ocrkit.support.files import open_regular

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ModuleNotFoundError as error:
    raise PluginError(
        f"the reader 'parquet' needs {error.name}, which is not installed. "
        f"{install_hint('parquet')}"
    ) from error

_SHARD = re.compile(r"(.+?)-\d{5}-of-\d{5}(?:-[0-9a-f]+)?")
"""A file's name without its ending, as the hub has it: the split, the file's number, how many there
are, and in older data sets a digest."""
_LARGEST = 1 << 30
"""Bytes of a column of a row group, unpacked; data sets of images have some megabytes."""
_KEPT = 256 << 20
"""Bytes of images of row groups that stay in memory, for those who read them in another order."""
_CHANGED = "it has changed since it was opened"


class Columns(NamedTuple):
    """Names of columns; a data set may have no writers: ``""``."""

    image: str = "image"
    text: str = "text"
    writer: str = ""


@dataclass(frozen=True)
class Shard:
    """One file of a data set, by its path from the root."""

    root: Path
    name: PurePosixPath
    columns: Columns

    @property
    def path(self) -> Path:
        return self.root / self.name

    @property
    def id(self) -> str:
        return self.name.with_suffix("").as_posix()

    @property
    def split(self) -> str:
        """``train`` of ``train-00000-of-00001.parquet``, ``train.parquet`` or
        ``train/0000.parquet``."""
        if self.name.stem.isdecimal() and self.name.parent.name:
            return self.name.parent.name
        shard = _SHARD.fullmatch(self.name.stem)
        return shard[1] if shard else self.name.stem

    def rows(self) -> Iterator[tuple[int, int, bytes | None, bytes | None]]:
        """All rows in order, without their images: the row group, the row of that, and text and
        writer as they are stored. Raises DataError, in one line without the path, for what is no
        such file."""
        _, in_text, in_writer = self.columns
        columns = [each for each in (in_text, in_writer) if each]
        with self._opened() as file:
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, columns, use_threads=False)
                texts = _stored(table[in_text])
                writers = _stored(table[in_writer]) if in_writer else [None] * len(texts)
                for at, (text, writer) in enumerate(zip(texts, writers, strict=True)):
                    yield group, at, text, writer

    def images(self, group: int) -> Any:
        """The images of a row group, a column of pyarrow's. Raises DataError as :meth:`rows`."""
        name = self.columns.image
        with self._opened() as file:
            if group >= file.num_row_groups:
                raise DataError(_CHANGED)
            kind = file.schema_arrow.field(name).type
            column = f"{name}.bytes" if pa.types.is_struct(kind) else name
            return file.read_row_group(group, [column], use_threads=False)[name]

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        try:
            with (
                open_regular(self.path, DataError, "a Parquet file") as opened,
                pq.ParquetFile(opened) as file,
            ):
                self._check(file.schema_arrow)
                self._check_sizes(file.metadata)
                yield file
        except DataError as error:
            raise DataError(str(error).removeprefix(f"{self.path}: ")) from error
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"no whole Parquet file ({' '.join(str(error).split())})") from error

    def _check(self, schema: Any) -> None:
        kinds = {field.name: field.type for field in schema}
        listed = ", ".join(f"{name} ({kind})" for name, kind in kinds.items())
        for option, name, fits, expected in (
            ("image", self.columns.image, _is_image, "image files"),
            ("text", self.columns.text, _is_text, "texts"),
            ("writer", self.columns.writer, _is_text, "texts"),
        ):
            if name and not (name in kinds and fits(kinds[name])):
                raise DataError(
                    f"no column {name!r} with {expected}, but {listed}; name another with "
                    f"--set reader.{option}=COLUMN"
                )

    def _check_sizes(self, metadata: Any) -> None:
        for group in range(metadata.num_row_groups):
            row_group = metadata.row_group(group)
            for number in range(row_group.num_columns):
                column = row_group.column(number)
                if column.total_uncompressed_size > _LARGEST:
                    raise DataError(
                        f"row group {group} has {column.total_uncompressed_size:,} bytes in "
                        f"{column.path_in_schema}; the limit is {_LARGEST:,}; write it with fewer "
                        "rows a group"
                    )


def _is_image(kind: Any) -> bool:
    if pa.types.is_struct(kind):
        at = kind.get_field_index("bytes")
        return at >= 0 and _is_image(kind.field(at).type)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_text(kind: Any) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _stored(column: Any) -> list[bytes | None]:
    """Texts as they are stored, which nobody has held against UTF-8 yet."""
    stored: list[bytes | None] = column.cast(pa.large_string()).cast(pa.large_binary()).to_pylist()
    return stored


class RowGroups:
    """Images of row groups, of which the last few stay in memory; safe from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[tuple[Shard, int], Any] = OrderedDict()

    def image(self, shard: Shard, group: int, at: int) -> bytes | None:
        """The bytes of a row's image file; None where it has none. Raises DataError."""
        key = (shard, group)
        with self._lock:
            column = self._kept.pop(key, None)
            if column is None:
                column = shard.images(group)
            self._kept[key] = column
            while len(self._kept) > 1 and sum(each.nbytes for each in self._kept.values()) > _KEPT:
                self._kept.popitem(last=False)
        if at >= len(column):
            raise DataError(_CHANGED)
        value = column[at].as_py()
        data: bytes | None = value["bytes"] if isinstance(value, dict) else value
        return data
