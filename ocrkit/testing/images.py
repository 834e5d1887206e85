"""Whether preprocessors and augmentations do what the interfaces say."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ocrkit.errors import ImageError
from ocrkit.images.grey import are_pixels, as_grey
from ocrkit.parts.protocols import (
    MapsToSource,
    Preprocessor,
    SizedPreprocessor,
    takes_colour,
)
from ocrkit.parts.values import Image
from ocrkit.testing.base import PartConformance

ORDINARY = [(24, 80), (64, 64), (100, 300), (7, 20)]
"""Heights and widths that every part must take."""
EXTREME = [(1, 1), (1, 50), (50, 1), (2, 2), (1, 3000), (3000, 1), (1500, 2000)]
"""These may be refused, with ImageError."""


def word_like(height: int, width: int, seed: int = 0) -> Image:
    """Dark strokes on light paper, with noise."""
    rng = np.random.default_rng([seed, height, width])
    image = rng.integers(220, 256, (height, width)).astype(np.uint8)
    for _ in range(6):
        row, column = int(rng.integers(0, height)), int(rng.integers(0, width))
        image[row : row + max(1, height // 8), column : column + max(1, width // 5)] = rng.integers(
            0, 80
        )
    return image


def _middle(image: Image) -> npt.NDArray[np.float64]:
    """The middle (x, y) of what differs from the image's top left pixel."""
    grey = as_grey(image).astype(np.float64)
    difference = np.abs(grey - grey[0, 0])
    rows, columns = np.nonzero(difference > difference.max() / 2)
    return np.array([columns.mean(), rows.mean()]) + 0.5 if rows.size else np.zeros(2)


class ImageConformance(PartConformance):
    """What preprocessors and augmentations have in common."""

    def apply(self, part: Any, image: Image) -> Image:
        """The part's result. Raises ImageError where it refuses the image."""
        with self.works(
            f"on an image of {image.shape[0]} × {image.shape[1]} pixels (height × width)",
            ImageError,
        ):
            result: Image = self.call(part, image)
        return result

    def call(self, part: Any, image: Image) -> Any:
        return part(image)

    def pictures(self, part: Any, *shapes: tuple[int, int], seed: int = 0) -> Iterator[Image]:
        """Grey images of these heights and widths, and coloured ones if the part takes colour."""
        for shape in shapes:
            grey = word_like(*shape, seed)
            yield grey
            if takes_colour(part):
                yield np.stack([grey, grey // 2, 255 - grey], axis=2)

    def check_pixels(self, part: Any, result: Any, image: Image) -> None:
        named = (
            f"{result.dtype} {result.shape}"
            if isinstance(result, np.ndarray)
            else type(result).__name__
        )
        also = ", or RGB (height, width, 3)" if takes_colour(part) else ""
        self.check(
            are_pixels(result) and (result.ndim == 2 or takes_colour(part)),
            f"makes {named} of uint8 {image.shape}; expected grey pixels uint8 (height, width)"
            f"{also}",
        )

    def test_it_gives_grey_pixels(self) -> None:
        """uint8 (H, W), of ordinary images; one that takes colour may give RGB, too."""
        part = self.part()
        for image in self.pictures(part, *ORDINARY):
            height, width = image.shape[:2]
            try:
                self.check_pixels(part, self.apply(part, image), image)
            except ImageError as error:
                self.check(
                    False, f"refuses an ordinary image of {height} × {width} pixels: {error}"
                )

    def test_smallest_and_largest_images(self) -> None:
        """From a single pixel to pages: a result, or ImageError that says why not."""
        part = self.part()
        for image in self.pictures(part, *EXTREME):
            height, width = image.shape[:2]
            try:
                self.check_pixels(part, self.apply(part, image), image)
            except ImageError as error:
                self.check(
                    str(error).strip(),
                    f"refuses an image of {height} × {width} pixels, but does not say why",
                )

    def test_the_image_is_not_modified(self) -> None:
        part = self.part()
        for seed in range(12):
            for image in self.pictures(part, ORDINARY[seed % len(ORDINARY)], seed=seed):
                before = image.copy()
                self.apply(part, image)
                self.check(np.array_equal(image, before), "changes its input; work on a copy")


class PreprocessorConformance(ImageConformance):
    """Checks of a preprocessor."""

    kind = "preprocessor"

    def test_its_output_size_is_the_actual_size(self) -> None:
        """One without ``output_size`` is only ever run before another, and may give any size."""
        part = self.part()
        self.check(isinstance(part, Preprocessor), "lacks __call__")
        if not isinstance(part, SizedPreprocessor):
            return
        with self.works("to say its output size"):
            size = part.output_size()
        self.check(
            size.channels == 1 or takes_colour(part),
            "says that it gives colour, but not that it takes it: takes_colour = True in its class",
        )
        colours = (3,) if size.channels == 3 else ()
        for image in self.pictures(part, *ORDINARY):
            result = self.apply(part, image)
            given = result.shape
            expected = (size.height or given[0], size.width or given[1], *colours)
            declared = ", ".join(map(str, (size.height or "any", size.width or "any", *colours)))
            self.check(
                result.shape == expected,
                f"makes {result.shape} of an image {image.shape}; output_size() says ({declared})",
            )

    def test_its_points_find_back(self) -> None:
        """The middle of a dark blot is taken to where the blot was, to a pixel, by a part that has
        ``to_source``."""
        part = self.part()
        if not isinstance(part, MapsToSource):
            return
        for height, width in ORDINARY:
            image = np.full((height, width), 235, np.uint8)
            top, left = height // 3, width // 4
            image[top : height // 2 + 1, left : width // 2] = 20
            result = self.apply(part, image)
            if result.min() == result.max():
                continue  # the blot is gone
            with self.works("to say where its pixels come from"):
                to_source = part.to_source(image)
                pixel = np.asarray(to_source(np.array([[0.0, 0.0], [1.0, 1.0]])))
                found = np.asarray(to_source(_middle(result)[None]))
            self.check(
                pixel.shape == (2, 2) and found.shape == (1, 2),
                f"takes points (2, 2) and (1, 2) to {pixel.shape} and {found.shape}",
            )
            expected = _middle(image)
            least = 1 + np.linalg.norm(pixel[1] - pixel[0])  # a pixel of both images
            self.check(
                np.linalg.norm(found[0] - expected) <= least,
                f"takes the middle of a blot at {expected.tolist()} in an image of {height} × "
                f"{width} pixels to {found[0].round(1).tolist()}; to_source() is to find it back",
            )

    def test_it_is_a_pure_function(self) -> None:
        """The same image gives the same pixels, whatever came in between, and from a part made
        anew."""
        part, image = self.part(), word_like(24, 80)
        first = self.apply(part, image).copy()
        for shape in ORDINARY:
            self.apply(part, word_like(*shape))
        for again in (self.apply(part, image), self.apply(self.part(), image)):
            self.check(
                np.array_equal(first, again),
                "gives other pixels for the same image when it is called again",
            )

    def test_its_options_can_be_told_from_its_text(self) -> None:
        """``repr`` is the same for the same options: preprocessed images are cached by it."""
        one, other = repr(self.part()), repr(self.part())
        self.check(one == other, f"has a repr that says more than its options: {one}")
