"""What a request may ask for at most; more is refused before a picture is decoded."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one request, but ``waiting``."""

    megabytes: int = 32
    """Of its body."""
    megapixels: int = 50
    """Of each page."""
    pages: int = 50
    """Of a document."""
    seconds: int = 120
    """For sending it, and for the answer."""
    waiting: int = 64
    """Pages of all requests that wait to be read."""

    @property
    def bytes(self) -> int:
        return self.megabytes * 1_000_000

    @property
    def pixels(self) -> int:
        return self.megapixels * 1_000_000
