"""What one request wants read, and what was read of it."""

from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from ocrkit import ImageError, Page, PageImage
from ocrkit.data.inputs import InputPage
from ocrkit.interfaces import Image


@dataclass(frozen=True, slots=True)
class Read:
    """What was read from a page, or why nothing could be."""

    id: str
    page: Page | None
    error: str | None = None


@dataclass(eq=False)
class Job:
    """What one request wants read: an image file, or the pages of a document."""

    pipeline: str
    ids: tuple[str, ...]
    pictures: tuple[bytes | InputPage, ...]
    drawn: Page | None = None
    """The lines that a pipeline of pages is to read on an image file; else they are looked for."""
    alternatives: int = 1
    """Texts of a line at most."""
    rendering: int = 0
    """Pages of a document that are being rendered, or have been."""
    rendered: dict[int, bytes | Image | str] = field(default_factory=dict)
    """Those that nobody has begun to read, or why there is nothing to read."""
    read: dict[int, Read] = field(default_factory=dict)
    begun: int = 0
    """Pages that are being read, or have been."""
    done: "Future[list[Read]]" = field(default_factory=Future)

    @property
    def has_next(self) -> bool:
        """Whether a page can be begun."""
        if self.begun == len(self.pictures):
            return False
        return isinstance(self.pictures[self.begun], bytes) or self.begun in self.rendered

    @property
    def together(self) -> tuple[str, int]:
        """Jobs of which this is the same can be read together."""
        return self.pipeline, self.alternatives

    def source(self, number: int) -> bytes | Image | InputPage | str:
        """What is to be read, or why there is nothing; of a document's page once."""
        picture = self.pictures[number]
        if self.drawn is not None and isinstance(picture, bytes):
            return InputPage(self.ids[number], data=picture, drawn=self.drawn)
        return picture if isinstance(picture, bytes) else self.rendered.pop(number)

    def image(self, number: int) -> PageImage:
        """Where a page's picture is, as who sent it knows it."""
        picture, id_ = self.pictures[number], self.ids[number]
        if isinstance(picture, bytes):
            return PageImage(id_)
        return PageImage(id_.removesuffix(f"#{picture.number}"), picture.number or 1)

    def take(self, number: int, read: Read) -> None:
        """Keeps what was read of a page, and ends with the last one."""
        self.read[number] = read
        if len(self.read) == len(self.pictures) and self.done.set_running_or_notify_cancel():
            self.done.set_result([each for _, each in sorted(self.read.items())])


def picture_of(picture: bytes | InputPage) -> bytes | Image:
    """An image file, or the pixels of a document's page. Raises ImageError, which does not name
    it."""
    if isinstance(picture, bytes):
        return picture
    try:
        found = picture.picture()
    except ImageError as error:
        raise ImageError(str(error).partition(": ")[2]) from None
    assert not isinstance(found, Path)  # noqa: S101  (documents have several pages)
    return found
