"""From a sample to what the network takes: its image read and preprocessed, or why it cannot be."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ocrkit.errors import ImageError, OcrkitError
from ocrkit.images.ink import blots_of
from ocrkit.parts.guests import failure, guest
from ocrkit.parts.options import PartSpec
from ocrkit.parts.values import Image
from ocrkit.pipelines.assembly import Surroundings


@dataclass(frozen=True, slots=True)
class Prepared:
    """A preprocessed image, or why there is none, with the seconds that it took."""

    image: Image | ImageError
    """Of an image without ink, white paper."""
    read: float = 0.0
    preprocess: float = 0.0
    blots: int = 1
    """Of ink in the image as it was read; of cached ones that are not blank, 1."""

    @property
    def blank(self) -> bool:
        """Whether it is an image that has nothing on it."""
        return not isinstance(self.image, ImageError) and self.image.min() == self.image.max()


def prepare(load: Callable[[], Image], around: Surroundings) -> Prepared:
    """Reads and preprocesses an image. Whatever goes wrong is the image's error: there may be
    others beside it."""
    start = time.perf_counter()
    try:
        image = loaded(load)
        read = time.perf_counter()
        pixels = preprocessed(image, around)
        if not (blots := blots_of(image)):
            pixels = np.full_like(pixels, 255)
        return Prepared(pixels, read - start, time.perf_counter() - read, blots)
    except ImageError as error:
        return Prepared(error, time.perf_counter() - start)


def loaded(load: Callable[[], Image]) -> Image:
    """The image of a sample. Raises ImageError, whatever the data set's reader raises."""
    try:
        return _checked(load())
    except ImageError:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise ImageError(failure("reading the image", error)) from error


def preprocessed(image: Image, around: Surroundings) -> Image:
    """What the pipeline's preprocessors make of an image. Raises ImageError, whatever they
    raise."""
    chain = around.preprocessor
    for part, named in zip(
        (*chain.before, chain.last), (*around.spec.before, around.spec.preprocessor), strict=True
    ):
        image = applied(part, named, image)
    expected = around.image
    if image.shape[0] != expected.height or expected.width not in (None, image.shape[1]):
        raise ImageError(
            f"preprocessor {around.spec.preprocessor.use!r} gave {image.shape[0]} × "
            f"{image.shape[1]} px; it promised "
            f"{expected.height} × {expected.width or 'any'} px"
        )
    return image


def applied(part: Callable[..., Image], named: PartSpec, image: Image, *more: Any) -> Image:
    """What a part makes of an image. Raises ImageError, whatever the part raises."""
    try:
        with guest(named.kind, named.use):
            return _checked(part(image, *more))
    except ImageError:
        raise
    except OcrkitError as error:
        raise ImageError(str(error)) from error


def _checked(image: Any) -> Image:
    if isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 2 and image.size:
        return image
    what = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
    raise TypeError(f"it gave {what}; expected grey pixels uint8 (height, width)")
