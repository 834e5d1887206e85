"""A pipeline's preprocessors, one after the other."""

from dataclasses import dataclass

from ocrkit.images.grey import as_grey
from ocrkit.parts.fingerprint import fingerprint
from ocrkit.parts.protocols import Preprocessor, SizedPreprocessor, takes_colour
from ocrkit.parts.values import Image, ImageSize


def fit_for(part: object, image: Image) -> Image:
    """The image as a part takes it: grey, unless the part says that it takes colour."""
    return image if takes_colour(part) else as_grey(image)


@dataclass(frozen=True, slots=True)
class Chain:
    """Preprocessors in the order in which they run; the last one alone says what size comes out.

    uint8 (H, W) → uint8 (H', W'), a pure function. Raises ImageError where one of them refuses the
    image.
    """

    before: tuple[Preprocessor, ...]
    last: SizedPreprocessor

    def __call__(self, image: Image, /) -> Image:
        for part in (*self.before, self.last):
            image = part(fit_for(part, image))
        return image

    def output_size(self) -> ImageSize:
        return self.last.output_size()

    def fingerprint(self) -> str | None:
        """Of all that decides on the pixels besides the image; None where that cannot be told."""
        return fingerprint(*self.before, self.last)
