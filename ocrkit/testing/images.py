"""Whether preprocessors and augmentations do what the interfaces say."""

from typing import Any

import numpy as np

from ocrkit.errors import ImageError
from ocrkit.parts.protocols import Augmentation, Preprocessor, SizedPreprocessor
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

    def check_pixels(self, result: Any, image: Image) -> None:
        named = (
            f"{result.dtype} {result.shape}"
            if isinstance(result, np.ndarray)
            else type(result).__name__
        )
        grey = (
            isinstance(result, np.ndarray)
            and result.dtype == np.uint8
            and result.ndim == 2
            and result.size > 0
        )
        self.check(
            grey,
            f"makes {named} of uint8 {image.shape}; expected grey pixels uint8 (height, width)",
        )

    def test_it_gives_grey_pixels(self) -> None:
        """uint8 (H, W), of ordinary images."""
        part = self.part()
        for shape in ORDINARY:
            image = word_like(*shape)
            try:
                self.check_pixels(self.apply(part, image), image)
            except ImageError as error:
                self.check(
                    False, f"refuses an ordinary image of {shape[0]} × {shape[1]} pixels: {error}"
                )

    def test_smallest_and_largest_images(self) -> None:
        """From a single pixel to pages: a result, or ImageError that says why not."""
        part = self.part()
        for shape in EXTREME:
            image = word_like(*shape)
            try:
                self.check_pixels(self.apply(part, image), image)
            except ImageError as error:
                self.check(
                    str(error).strip(),
                    f"refuses an image of {shape[0]} × {shape[1]} pixels, but does not say why",
                )

    def test_the_image_is_not_modified(self) -> None:
        part = self.part()
        for seed, shape in enumerate(ORDINARY * 3):
            image = word_like(*shape, seed)
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
        for shape in ORDINARY:
            result = self.apply(part, word_like(*shape))
            fits = result.shape[0] == size.height and size.width in (None, result.shape[1])
            declared = f"({size.height}, {'any' if size.width is None else size.width})"
            self.check(
                fits, f"makes {result.shape} of an image {shape}; output_size() says {declared}"
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


class AugmentationConformance(ImageConformance):
    """Checks of an augmentation."""

    kind = "augmentation"

    def call(self, part: Any, image: Image) -> Any:
        return part(image, np.random.default_rng(5))

    def test_it_is_an_augmentation(self) -> None:
        self.check(isinstance(self.part(), Augmentation), "lacks __call__")

    def test_all_its_randomness_is_the_generator_s(self) -> None:
        """The same random numbers give the same pixels."""
        part, image = self.part(), word_like(40, 120)
        for seed in range(8):
            with self.works("on an image of 40 × 120 pixels"):
                one, other = (part(image, np.random.default_rng(seed)) for _ in range(2))
            self.check(
                np.array_equal(one, other),
                "gives other pixels for the same random numbers, so training cannot be repeated",
            )

    def test_it_changes_images(self) -> None:
        """Of 40 draws, at least two differ."""
        part, image = self.part(), word_like(40, 120)
        with self.works("on an image of 40 × 120 pixels"):
            results = {
                (pixels.shape, pixels.tobytes())
                for pixels in (part(image, np.random.default_rng(n)) for n in range(40))
            }
        self.check(len(results) > 1, "gave the same pixels for 40 different random numbers")
