"""A draft to correct: what was read of somebody's words or lines, the most doubtful first, as a
table or as a page in the browser. ``draft.html.j2`` and ``draft.js`` are that page."""

import base64
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image as Pillow

from ocrkit.errors import ImageError, OcrkitError
from ocrkit.images import read_image
from ocrkit.reports.page import jpeg_uri, template
from ocrkit.support.files import write_atomically

MOST = 5_000
"""Images on a page: a browser shows no more at once without delay."""
_PICTURE = (1000, 120)
"""Width and height in pixels that a picture is fitted into."""


@dataclass(frozen=True, slots=True)
class _Row:
    path: str
    text: str
    confidence: float | None


class Draft:
    """What was read, to be written to ``file`` when all is there.

    Paths in it are relative to ``folder``, the one that all images are in: saved there as
    ``labels.tsv``, the corrected texts are a data set for the reader ``folder``. Raises OcrkitError
    where a page cannot hold so many.
    """

    def __init__(self, file: Path, paths: Sequence[str]) -> None:
        self.file = file
        self._folder = Path(os.path.commonpath([Path(path).absolute().parent for path in paths]))
        named = any(Path(path).is_absolute() for path in paths)
        self.folder = self._folder if named else Path(os.path.relpath(self._folder))
        self._as_page = file.suffix == ".html"
        self._rows: list[_Row] = []
        if self._as_page and len(paths) > MOST:
            raise OcrkitError(
                f"{file}: {len(paths):,} images; a page to correct holds {MOST:,}: take fewer with "
                "--limit, or a table, FILE.tsv"
            )

    def add(self, path: str, text: str, confidence: float | None) -> None:
        self._rows.append(_Row(path, text, confidence))

    def write(self) -> Iterator[tuple[str, str]]:
        """Writes the file, and gives the images that cannot be in it, with the reason. Raises
        OcrkitError where it cannot be written."""
        ordered = sorted(self._rows, key=lambda row: (row.confidence or 0.0, row.path))
        named = [(row, self._relative(row.path)) for row in ordered]
        fitting = [(row, name) for row, name in named if _fits_a_table(name)]
        written = self._page(fitting) if self._as_page else self._table(fitting)
        with write_atomically(self.file) as temporary:
            temporary.write_text(written, encoding="utf-8")
        for row, name in named:
            if not _fits_a_table(name):
                yield row.path, "its name has characters that no table can hold"

    def _relative(self, path: str) -> str:
        return Path(path).absolute().relative_to(self._folder).as_posix()

    @staticmethod
    def _table(rows: Sequence[tuple[_Row, str]]) -> str:
        return "".join(f"{name}\t{' '.join(row.text.split())}\n" for row, name in rows)

    def _page(self, rows: Sequence[tuple[_Row, str]]) -> str:
        script = (Path(__file__).parent / "draft.js").read_text("utf-8")
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        content = hashlib.sha256(self._table(rows).encode()).hexdigest()
        return template("draft.html.j2").render(
            folder=self.folder,
            rows=[(name, row.text, row.confidence, _picture(row.path)) for row, name in rows],
            script=script,
            script_digest=digest,
            key=f"ocrkit-draft-{content[:16]}",
        )


def _fits_a_table(name: str) -> bool:
    return name.isprintable()


def _picture(path: str) -> str:
    """The picture as a data URI; empty where it can no longer be read."""
    try:
        picture = Pillow.fromarray(read_image(path))
    except ImageError:
        return ""
    picture.thumbnail(_PICTURE)
    return jpeg_uri(picture)
