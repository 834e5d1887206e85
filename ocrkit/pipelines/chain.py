"""A pipeline's preprocessors, one after the other."""

from dataclasses import dataclass

from ocrkit.parts.fingerprint import fingerprint
from ocrkit.parts.protocols import Preprocessor, SizedPreprocessor
from ocrkit.parts.values import Image, ImageSize


@dataclass(frozen=True, slots=True)
class Chain:
    """Preprocessors in the order in which they run; the last one alone says what size comes out.

    uint8 (H, W) → uint8 (H', W'), a pure function. Raises ImageError where one of them refuses the
    image.
    """

    before: tuple[Preprocessor, ...]
    last: SizedPreprocessor

    def __call__(self, image: Image, /) -> Image:
        for part in self.before:
            image = part(image)
        return self.last(image)

    def output_size(self) -> ImageSize:
        return self.last.output_size()

    def fingerprint(self) -> str | None:
        """Of all that decides on the pixels besides the image; None where that cannot be told."""
        return fingerprint(*self.before, self.last)
