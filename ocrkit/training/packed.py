"""Training images in memory: decoded once, scaled down to about what the network sees, packed."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ocrkit.errors import DataError, ImageError
from ocrkit.images.grey import as_grey
from ocrkit.parts.feeding import Pictures
from ocrkit.parts.values import Image, Sample
from ocrkit.pipelines.assembly import Assembly
from ocrkit.reading.preparing import applied, loaded
from ocrkit.support.parallel import ordered_map

HEADROOM = 1.25
"""Images are kept so much larger than the network sees them: what augmentation enlarges is not
blurred."""
GIGABYTE = 10**9

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Kept:
    """An image as it is kept, and what it was."""

    pixels: Image
    size: tuple[int, int]
    """Height and width before it was scaled down."""
    width: int
    """In pixels, of what the preprocessors make of it."""


@dataclass(frozen=True, slots=True)
class PackedImages:
    """Images one behind the other. One that cannot be used has no pixels, and the width 0."""

    pixels: npt.NDArray[np.uint8]
    offsets: Rows
    """Where each begins, (N,)."""
    stored: Rows
    """Heights and widths, (N, 2)."""
    sizes: Rows
    """Those before they were scaled down, (N, 2)."""
    widths: Rows
    """Of the network's frames for the images as they are, (N,)."""
    paper: npt.NDArray[np.uint8]
    """The levels of their paper, (N,)."""

    @classmethod
    def of(cls, images: Iterable[Kept | ImageError], gigabytes: float) -> "PackedImages":
        """Packs images as they come. Raises DataError where they take more memory than that."""
        pixels = bytearray()
        rows: list[tuple[int, ...]] = []
        for image in images:
            if isinstance(image, ImageError):
                rows.append((len(pixels), 0, 0, 0, 0, 0, 255))
                continue
            shape = image.pixels.shape
            level = paper_level(image.pixels)
            rows.append((len(pixels), *shape, *image.size, image.width, level))
            if len(pixels) + image.pixels.size > gigabytes * GIGABYTE:
                raise DataError(
                    f"after {len(rows) - 1:,} images the memory that they may take, {gigabytes:g} "
                    "GB, is full; raise training.feed_gigabytes, or set training.feed to 'files'"
                )
            pixels += image.pixels.tobytes()
        table = np.array(rows, np.int64).reshape(-1, 7)
        return cls(
            np.frombuffer(pixels, np.uint8),
            table[:, 0],
            table[:, 1:3],
            table[:, 3:5],
            table[:, 5],
            table[:, 6].astype(np.uint8),
        )

    def batch(self, indices: Rows) -> Pictures:
        """The pictures of these images, all of which can be used."""
        stored, paper = self.stored[indices], self.paper[indices]
        height, width = stored.max(axis=0)
        batch = np.empty((len(indices), height, width), np.uint8)
        batch[:] = paper[:, None, None]
        starts = self.offsets[indices].tolist()
        for row, start, (rows, columns) in zip(batch, starts, stored.tolist(), strict=True):
            image = self.pixels[start : start + rows * columns]
            row[:rows, :columns] = image.reshape(rows, columns)
        return Pictures(batch, stored, self.sizes[indices], paper)


def kept(sample: Sample, assembly: Assembly) -> Kept | ImageError:
    """A sample's image, behind the preprocessors that run before the last one; or why it cannot be
    used."""
    try:
        image = loaded(sample.load)
        for part, named in zip(assembly.preprocessor.before, assembly.spec.before, strict=True):
            image = applied(part, named, image)
        image = as_grey(image)
        last = assembly.spec.preprocessor
        width = applied(assembly.preprocessor.last, last, image).shape[1]
        return Kept(scaled_down(image, assembly), (image.shape[0], image.shape[1]), width)
    except ImageError as error:
        return error


def scaled_down(image: Image, assembly: Assembly) -> Image:
    """The image, no more than :data:`HEADROOM` larger than it fits the network's frame."""
    import cv2

    frame, (height, width) = assembly.plan.image, image.shape
    fits = min((frame.height or np.inf) / height, (frame.width or np.inf) / width)
    scale = HEADROOM * fits
    if scale >= 1:
        return np.ascontiguousarray(image)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def paper_level(image: Image) -> int:
    """The median of the image's outermost pixels."""
    return int(np.median(np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])))


def read_all(
    samples: Iterable[Sample],
    assembly: Assembly,
    threads: int,
    tell: Callable[[int, Kept | ImageError], None],
) -> PackedImages:
    """Reads all samples' images, in threads. ``tell`` is told of each, with its index."""

    def told() -> Iterator[Kept | ImageError]:
        images = ordered_map(lambda sample: kept(sample, assembly), samples, threads)
        for index, image in enumerate(images):
            tell(index, image)
            yield image

    return PackedImages.of(told(), assembly.spec.training.feed_gigabytes)
