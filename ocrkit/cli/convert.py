"""``ocrkit convert``: pages that were read, in another format."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ocrkit.cli.commands import Command
from ocrkit.cli.run_output import progress
from ocrkit.cli.streams import results, say, warn

if TYPE_CHECKING:
    from ocrkit.parts.page import Page
    from ocrkit.parts.page_protocols import Format, Picture
    from ocrkit.writing.conversion import WrittenPage

_PATH = click.Path(path_type=Path)


@click.command(cls=Command)
@click.argument("files", type=_PATH, nargs=-1, required=True, metavar="FILE…")
@click.option("--format", "name", required=True, metavar="FORMAT", help="ocrkit plugins list.")
@click.option("--out", type=_PATH, metavar="DIR", help="The folder; else one page is printed.")
@click.option("--images", type=_PATH, metavar="DIR", help="The pages' pictures; else beside FILE.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="OPTION=VALUE",
    help="An option of the format; may be repeated.",
)
def convert(
    *,
    files: tuple[Path, ...],
    name: str,
    out: Path | None,
    images: Path | None,
    settings: tuple[str, ...],
) -> None:
    """Write pages that were read, in ALTO, PAGE, JSON or a result file, in another format; nothing
    is read again."""
    from ocrkit.errors import OcrkitError
    from ocrkit.parts.formats import make_format
    from ocrkit.pipelines.settings import parse_settings
    from ocrkit.writing.folder import is_fatal

    options = {".".join(path): value for path, value in parse_settings(settings)}
    converter = _Converter(name, make_format(name, options), out, images)
    failed = False
    with progress(len(files)) as advance:
        for file in files:
            try:
                converter.convert(file)
            except OcrkitError as error:
                if is_fatal(error):
                    raise
                warn(error)
                failed = True
            advance()
    if out is not None:
        say(f"wrote {converter.count:,} files to {out}")
    if failed:
        sys.exit(1)


class _Converter:
    def __init__(self, name: str, format_: Format, out: Path | None, images: Path | None) -> None:
        self._name, self._format, self._out, self._images = name, format_, out, images
        self._written: set[Path] = set()

    @property
    def count(self) -> int:
        return len(self._written)

    def convert(self, file: Path) -> None:
        """All pages of a file. Raises OcrkitError."""
        from ocrkit.writing.conversion import document_name, pages_in

        pages = pages_in(file)
        if self._format.takes_several:
            self._write(file, document_name(file), (self._shown(each) for each in pages))
            return
        for each in pages:
            self._write(file, each.name, iter([self._shown(each)]))

    def _shown(self, written: WrittenPage) -> tuple[Page, Picture | None]:
        picture = written.picture(self._images) if self._format.takes_pictures else None
        return written.page, picture

    def _write(self, file: Path, name: str, pages: Iterator[tuple[Page, Any]]) -> None:
        from ocrkit.errors import OcrkitError
        from ocrkit.parts.guests import guest
        from ocrkit.support.files import write_atomically, writing

        if self._out is None:
            if self._written:
                raise OcrkitError(f"{file}: one page can be printed; name a folder with --out DIR")
            self._written.add(file)
            with guest("format", self._name):
                self._format.write(pages, results().buffer)
            return
        path = self._out / f"{name}{self._format.ending}"
        if path in self._written:
            raise OcrkitError(f"{file}: {path} is written already, of another file; name another")
        if path.exists() and path.samefile(file):
            raise OcrkitError(f"{file}: would be written over; name another folder with --out DIR")
        with writing(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
        with (
            write_atomically(path) as temporary,
            temporary.open("wb") as opened,
            guest("format", self._name),
        ):
            self._format.write(pages, opened)
        self._written.add(path)
