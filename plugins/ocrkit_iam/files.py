"""Where the files of a copy of IAM are.

The archives words.tgz, lines.tgz, ascii.tgz and xml.tgz are each extracted into their own folder,
or all straight into the root::

    ROOT/words/a01/a01-000u/a01-000u-00-00.png      or ROOT/a01/a01-000u/…
    ROOT/lines/a01/a01-000u/a01-000u-00.png         or ROOT/a01/a01-000u/…
    ROOT/ascii/words.txt, lines.txt, forms.txt      or ROOT/words.txt, …
    ROOT/xml/a01-000u.xml                           or ROOT/a01-000u.xml
"""

import os
from pathlib import Path
from typing import Literal, get_args

from ocrkit.errors import DataError

Level = Literal["words", "lines"]
"""What an image shows."""
BEGUN = "put-together.json"
"""Says in a folder what its lines were put together from."""
LEVELS: tuple[Level, ...] = get_args(Level)


def images_folder(root: Path, level: Level) -> Path:
    """The folder that holds ``a01/a01-000u/…png``."""
    return root / level if (root / level).is_dir() else root


def ascii_file(root: Path, name: str) -> Path | None:
    """``words.txt``, ``lines.txt`` or ``forms.txt``, or None."""
    return next((path for path in (root / "ascii" / name, root / name) if path.is_file()), None)


def xml_folder(root: Path) -> Path | None:
    """The folder that holds the XML files, or None."""
    return next((folder for folder in (root / "xml", root) if any(folder.glob("*.xml"))), None)


def form_folder(images: Path, form: str) -> Path:
    return images / form.partition("-")[0] / form


def image_sizes(images: Path, form: str) -> dict[str, int] | None:
    """Bytes of every image of a form, by word or line id; None where the form has no folder. Raises
    DataError for a locked one."""
    folder = form_folder(images, form)
    try:
        with os.scandir(folder) as entries:
            return {
                entry.name.removesuffix(".png"): entry.stat().st_size
                for entry in entries
                if entry.name.endswith(".png") and entry.is_file()
            }
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise DataError(f"{folder}: {error.strerror}") from None


def any_form_folder(images: Path) -> bool:
    """Whether there are images of any form."""
    return any(folder == form_folder(images, folder.name) for folder in images.glob("*/*-*/"))
