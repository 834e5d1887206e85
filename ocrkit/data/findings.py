"""What a check of a data set finds: what readers with a ``check`` have in common."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ocrkit.errors import ImageError
from ocrkit.images import read_image
from ocrkit.support.parallel import ordered_map

_SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """One thing that a check noticed; a note needs no action."""

    level: Literal["problem", "note"]
    text: str
    names: Sequence[str] = ()
    """All ids or places that it concerns."""

    def __str__(self) -> str:
        shown = ", ".join(self.names[:_SHOWN]) + (", …" if len(self.names) > _SHOWN else "")
        return f"{self.level}: {self.text}" + (f": {shown}" if shown else "")


def counted(things: Collection[object], name: str) -> str:
    """``1 image``, ``2,000 images``."""
    return f"{len(things):,} {name}{'' if len(things) == 1 else 's'}"


def unreadable(
    images: Mapping[str, Any], read: Callable[[Any], object] = read_image
) -> dict[str, str]:
    """Why images cannot be decoded, by id, of those that cannot: what ``read``, given a path unless
    it is another, raises as ImageError. A bar on standard error shows how far it is."""
    from rich.console import Console
    from rich.progress import track

    def reason(item: tuple[str, Any]) -> tuple[str, str]:
        try:
            read(item[1])
        except ImageError as error:
            return item[0], str(error)
        return item[0], ""

    console = Console(stderr=True)
    decoded = track(
        ordered_map(reason, images.items()),
        "decoding",
        len(images),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    return {id_: why for id_, why in decoded if why}
