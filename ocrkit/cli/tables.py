"""Tables as plain aligned text: the same in a terminal, a pipe and a file."""

from collections.abc import Sequence

from ocrkit.cli.streams import echo
from ocrkit.printable import printable


def print_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()
) -> None:
    """Prints rows below a header, columns as wide as they need; those named in ``right`` are
    aligned to the right."""
    header, *rows = ([printable(cell) for cell in row] for row in (header, *rows))
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        cells = [
            cell.rjust(width) if name in right else cell.ljust(width)
            for name, cell, width in zip(header, row, widths, strict=True)
        ]
        echo("  ".join(cells).rstrip())
