"""From a sample to what the network takes: its image read and preprocessed, or why it cannot be."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ocrkit.errors import ImageError, OcrkitError
from ocrkit.images import MAX_PIXELS
from ocrkit.images.grey import are_pixels, as_grey
from ocrkit.images.ink import blots_of
from ocrkit.images.layout import Shown, layout_of
from ocrkit.parts.guests import failure, guest
from ocrkit.parts.options import PartSpec
from ocrkit.parts.protocols import MapsToSource, MovesPoints, Preprocessor
from ocrkit.parts.values import Image, ImageSize, PointMap
from ocrkit.pipelines.assembly import Assembly, Surroundings, image_text
from ocrkit.pipelines.chain import fit_for

_Points = npt.NDArray[np.float64]
_T = TypeVar("_T")
Named = tuple[_T, PartSpec]
"""Something of a part, and the part as the pipeline's file names it."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A preprocessed image, or why there is none, with the seconds that it took."""

    image: Image | ImageError
    """Of an image without ink, white paper."""
    read: float = 0.0
    preprocess: float = 0.0
    shows: Shown | None = None
    """A word, a line or a page, where that was asked for and is plain."""
    to_source: PointMap | None = None
    """Takes points of it to points of the image as it was read, where that was asked for and the
    preprocessors can tell."""

    @property
    def blank(self) -> bool:
        """Whether it is an image that has nothing on it."""
        return not isinstance(self.image, ImageError) and self.image.min() == self.image.max()


def prepare(
    load: Callable[[], Image],
    around: Surroundings,
    *,
    places: bool = False,
    judged: bool = False,
) -> Prepared:
    """Reads and preprocesses an image; with ``places`` finds where its pixels come from, and with
    ``judged`` what it shows. Whatever goes wrong is the image's error: there may be others beside
    it."""
    start = time.perf_counter()
    try:
        image = loaded(load)
        read = time.perf_counter()
        pixels = preprocessed(image, around)
        if not blots_of(grey := as_grey(image)):
            pixels = np.full_like(pixels, 255)
        shows = layout_of(grey) if judged else None
        to_source = source_map(image, around) if places else None
        return Prepared(pixels, read - start, time.perf_counter() - read, shows, to_source)
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
    for part, named in _chain(around):
        image = applied(part, named, image)
    height, width, *colours = image.shape
    given, expected = ImageSize(height, width, *colours), around.image
    wanted = ImageSize(expected.height or height, expected.width or width, expected.channels)
    if given != wanted:
        raise ImageError(
            f"preprocessor {around.spec.preprocessor.use!r} gave {image_text(given)}; it promised "
            f"{image_text(expected)}"
        )
    return image


def source_map(image: Image, around: Surroundings) -> PointMap | None:
    """Takes points of what the preprocessors make of an image to points of the image, those in
    margins to its sides; None where one of them cannot tell. Raises ImageError, whatever they
    raise."""
    exact, size = exact_source_map(image, around), image.shape[1::-1]
    return partial(_within, exact, size) if exact else None


def _within(to_source: PointMap, size: tuple[int, ...], points: _Points) -> _Points:
    return np.clip(to_source(points), 0, size)


def exact_source_map(image: Image, around: Surroundings) -> PointMap | None:
    """The same, with points in margins beside the image."""
    maps: list[Named[PointMap]] = []
    chain = list(_chain(around))
    for place, (part, named) in enumerate(chain, 1):
        if not isinstance(part, MapsToSource):
            return None
        with telling(named):
            maps.append((part.to_source(fit_for(part, image)), named))
        if place < len(chain):
            image = applied(part, named, image)
    return partial(_back, maps)


def augmented(
    image: Image, around: Assembly, rng: "np.random.Generator"
) -> tuple[Image, PointMap | None]:
    """What the pipeline's augmentations make of an image and, where its objective is placed, what
    takes points of that to points of the image. Raises ImageError, whatever they raise."""
    maps: list[Named[PointMap]] = []
    for part, named in zip(around.augmentations, around.spec.augment, strict=True):
        if around.objective.placed and isinstance(part, MovesPoints):  # all are, if it is trained
            with telling(named):
                moved, back = part.moved(fit_for(part, image), rng)
                image = _checked(moved)
            maps.append((back, named))
        else:
            image = applied(part, named, image, rng)
    return image, partial(_back, maps) if around.objective.placed else None


def _back(maps: Sequence[Named[PointMap]], points: _Points) -> _Points:
    """Points as they were before all steps, whose maps these are in their order."""
    for back, named in reversed(maps):
        with telling(named):
            found = np.asarray(back(points), np.float64)
            if found.shape != points.shape:
                raise TypeError(f"its to_source gave {found.shape} for points {points.shape}")
        points = found
    return points


def _chain(around: Surroundings) -> Iterator[Named[Preprocessor]]:
    """The preprocessors in their order, and their names in the pipeline's file."""
    chain, spec = around.preprocessor, around.spec
    parts = (*chain.before, chain.last)
    return zip(parts, (*spec.before, spec.preprocessor), strict=True)


def applied(part: Callable[..., Image], named: PartSpec, image: Image, *more: Any) -> Image:
    """What a part makes of an image. Raises ImageError, whatever the part raises."""
    with telling(named):
        return _checked(part(fit_for(part, image), *more))


@contextmanager
def telling(named: PartSpec) -> Iterator[None]:
    """Whatever the part raises is an ImageError."""
    try:
        with guest(named.kind, named.use):
            yield
    except ImageError:
        raise
    except OcrkitError as error:
        raise ImageError(str(error)) from error


def _checked(image: Any) -> Image:
    if are_pixels(image) and image.shape[0] * image.shape[1] <= MAX_PIXELS:
        return image
    what = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
    raise TypeError(
        f"it gave {what}; expected grey pixels uint8 (height, width), or RGB (height, width, 3), "
        f"{MAX_PIXELS:,} at most"
    )
