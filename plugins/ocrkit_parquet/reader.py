"""Rows of Parquet files as samples."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ocrkit import DataError, Sample, option

if TYPE_CHECKING:
    from ocrkit_parquet.doctor import Report


@dataclass
class ParquetRows:
    """The rows of all Parquet files of a folder and of the folders in it, as the Hugging Face hub
    serves data sets: a column of image files, and one of texts.

    Images are stored as their files' bytes, alone or in a struct with the field ``bytes``; those
    that are only named by a path are not read. A sample's id is ``FILE#ROW``: the file's path from
    the root without ``.parquet``, and the row, counted from 0 as the hub does. Rows without a text
    can be read, but not scored. Rows whose text is not UTF-8, and files that are damaged or lack a
    column, are skipped and named.

    Splits: ``all``, and the names that the files have: ``train`` of
    ``train-00000-of-00002.parquet``, ``train.parquet`` and ``train/0000.parquet``. Raises DataError
    where nothing can be read.
    """

    root: Path = option(Path(), "the folder with Parquet files")
    split: str = option("all", "'all', or a split as the files are named, for example 'train'")
    image: str = option("image", "the column with images")
    text: str = option("text", "the column with texts")
    writer: str = option("", "the column that says whose hand it is; '' where there is none")

    forms = None

    def __post_init__(self) -> None:
        from ocrkit_parquet.contents import Contents  # pyarrow is needed from here on
        from ocrkit_parquet.files import Columns

        if not self.root.is_dir():
            raise DataError(f"parquet: {self.root} is not a folder; expected Parquet files in it")
        columns = Columns(self.image, self.text, self.writer)
        self._contents = Contents(self.root, columns, self.split)
        self.skipped = self._contents.skipped
        if not self._contents.rows:
            first = "".join(f"; {each.id}: {each.reason}" for each in self.skipped[:1])
            raise DataError(
                f"parquet: no row of {self.split} under {self.root} can be read{first}; see what "
                f"is there with: ocrkit data check parquet {self.root}"
            )

    def __len__(self) -> int:
        return len(self._contents.rows)

    def __getitem__(self, index: int) -> Sample:
        """A row; its image is read when ``load`` is called. Raises IndexError."""
        row = self._contents.rows[index]
        load = partial(self._contents.load, row)
        return Sample(row.id, row.text, row.writer, load, path=row.shard.path)

    @property
    def notes(self) -> list[str]:
        """What the user may want to know: how many rows have no text."""
        without = [row.id for row in self._contents.rows if row.text is None]
        if not without:
            return []
        count = f"{len(without):,} of {len(self):,} rows have no text"
        return [f"{self.root}: {count}, {without[0]} for example"]

    @classmethod
    def sample_root(cls) -> None:
        return None

    @classmethod
    def check(cls, root: Path) -> "Report":
        """What is there, missing, wrong or odd (``ocrkit data check parquet DIR``)."""
        from ocrkit_parquet.doctor import examine
        from ocrkit_parquet.files import Columns

        return examine(root, Columns())
