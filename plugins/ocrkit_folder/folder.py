"""A folder of images, and the texts that lie beside them."""

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ocrkit import DataError, Sample, option, read_image
from ocrkit.images import passed_over
from ocrkit_folder.contents import Contents
from ocrkit_folder.labels import is_quoted, stays_inside

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

    forms = None

    def __post_init__(self) -> None:
        if not self.root.is_dir():
            raise DataError(f"folder: {self.root} is not a folder; expected one with images in it")
        inside = PurePosixPath("." if self.split == "all" else self.split)
        if not stays_inside(inside) or not (self.root / inside).is_dir():
            available = ", ".join(self._splits())
            raise DataError(
                f"folder: no split {self.split!r} in {self.root}; available: {available}"
            )
        self._contents = Contents(self.root, inside)
        self.skipped = self._contents.skipped
        self._ids = list(self._contents.labels)

    def _splits(self) -> list[str]:
        folders = (entry.name for entry in os.scandir(self.root) if entry.is_dir())
        return ["all", *sorted(name for name in folders if name[0] != ".")]

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, index: int) -> Sample:
        """An image, read when ``load`` is called, and its text. Raises IndexError.

        >>> import numpy as np
        >>> from PIL import Image
        >>> Image.fromarray(np.full((20, 50), 255, np.uint8)).save("word.png")
        >>> Path("labels.tsv").write_text("word.png\\tHouse\\n")
        15
        >>> sample = Folder(Path())[0]
        >>> sample.id, sample.text, sample.load().shape
        ('word.png', 'House', (20, 50))
        """
        image = self._ids[index]
        path = self.root / image
        return Sample(image, *self._contents.labels[image], partial(read_image, path), path=path)

    @property
    def notes(self) -> list[str]:
        """What the user may want to know of the data: images that are not read, or have no text,
        and quoted texts."""
        labels = self._contents.labels
        notes = [f"{self.root}: {sentence}" for sentence in passed_over(self._contents.files)]
        without = [image for image, label in labels.items() if label.text is None]
        if without:
            count = f"{len(without):,} of {len(labels):,} images have no text"
            expected = self._contents.expected(without[0])
            notes.append(f"{self.root}: {count}, {without[0]} for example; expected {expected}")
        quoted = [
            (image, label.text)
            for image, label in labels.items()
            if label.text and is_quoted(label.text)
        ]
        if quoted:
            begin = "texts begin and end" if len(quoted) > 1 else "text begins and ends"
            notes.append(
                f"{self.root}: {len(quoted):,} {begin} with a quotation mark, {quoted[0][0]} for "
                f"example: {quoted[0][1]}; it counts as written on the image: where a program put "
                "it there, save the table without quotes"
            )
        return notes

    @classmethod
    def sample_root(cls) -> None:
        return None

    @classmethod
    def check(cls, root: Path) -> "Report":
        """What is there, missing, wrong or odd (``ocrkit data check folder DIR``)."""
        from ocrkit_folder.doctor import examine

        return examine(root)
