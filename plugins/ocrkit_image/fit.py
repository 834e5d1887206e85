"""Preprocessors that give the network images of a fixed height."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from ocrkit import ConfigError, ImageError, ImageSize, option
from ocrkit.interfaces import Image, PointMap
from ocrkit_image.paper import INK_DOC, Ink, dark_on_light, paper_level


@dataclass(frozen=True)
class FitPad:
    """Fits an image into ``height`` × ``width``: shrunk if it is larger, never enlarged, in
    proportion; then centred.

    uint8 (H, W) → uint8 (height, W'). The margins are as light as the top left pixel, and at least
    230. W' is ``width``, and that is the seed notebook's preprocessing to the pixel, except that at
    least one pixel of each side is kept. With ``min_width``, W' is as narrow as the image allows: a
    multiple of ``multiple``, but at least ``min_width`` and at most ``width``.
    """

    height: int = option(32, "height of the result in pixels", minimum=1, maximum=1024)
    width: int = option(128, "width of the result in pixels", minimum=1, maximum=16384)
    min_width: int = option(
        0, "narrowest result in pixels, where the width may vary; 0: it is always width", minimum=0
    )
    multiple: int = option(8, "a width that varies is a multiple of this", minimum=1)
    ink: Ink = option("dark", INK_DOC)

    def __post_init__(self) -> None:
        if self.min_width > self.width:
            raise ConfigError([f"min_width {self.min_width} is more than width {self.width}"])

    def __call__(self, image: Image, /) -> Image:
        """uint8 (H, W) → uint8 (height, W').

        >>> import numpy as np
        >>> word = np.full((80, 300), 255, np.uint8)
        >>> FitPad(height=32, width=128)(word).shape
        (32, 128)
        >>> FitPad(height=32, width=128, min_width=16)(word[:, :100]).shape
        (32, 40)
        """
        image = dark_on_light(image, self.ink)
        height, width, padded = self._sizes(*image.shape)
        if (height, width) != image.shape:
            import cv2

            image = np.asarray(cv2.resize(image, (width, height)), np.uint8)
        return _pad(image, self.height - height, padded - width, max(230, int(image[0, 0])))

    def to_source(self, image: Image, /) -> PointMap:
        height, width, padded = self._sizes(*image.shape)
        margins = (padded - width) // 2, (self.height - height) // 2
        return partial(_unfitted, margins=margins, scale=_scale(image, height, width))

    def _sizes(self, height: int, width: int) -> tuple[int, int, int]:
        """Height and width of an image of this size when it has been shrunk, and the width with
        margins."""
        ratio = min(self.height / height, self.width / width)
        if ratio < 1:
            height, width = max(1, int(height * ratio)), max(1, int(width * ratio))
        if not self.min_width:
            return height, width, self.width
        return height, width, min(self.width, whole(max(width, self.min_width), self.multiple))

    def output_size(self) -> ImageSize:
        return ImageSize(self.height, None if self.min_width else self.width)


@dataclass(frozen=True)
class FitHeight:
    """Scales an image, down or up, to ``height``, in proportion, and centres it in a width that the
    network can take.

    uint8 (H, W) → uint8 (height, W'), W' a multiple of ``multiple``, at least ``min_width`` and at
    most ``max_width``. The margins left and right are as narrow as can be, and have the level of
    the paper. Raises ImageError where W' would be more than ``max_width``.
    """

    height: int = option(32, "height of the result in pixels", minimum=1, maximum=1024)
    max_width: int = option(
        2048, "widest result in pixels; wider images are refused", minimum=1, maximum=16384
    )
    multiple: int = option(
        4,
        "the width is a multiple of this: of how many columns make a step of the network",
        minimum=1,
    )
    min_width: int = option(
        16, "narrowest result in pixels; narrower images get margins", minimum=1, maximum=16384
    )
    ink: Ink = option("dark", INK_DOC)

    def __post_init__(self) -> None:
        check_widths(self.min_width, self.multiple, self.max_width)

    def __call__(self, image: Image, /) -> Image:
        """uint8 (H, W) → uint8 (height, W').

        >>> import numpy as np
        >>> FitHeight(height=32)(np.full((64, 300), 255, np.uint8)).shape
        (32, 152)
        """
        height, width = image.shape
        scaled, padded = self._widths(height, width)
        if padded > self.max_width:
            raise ImageError(
                f"{height} × {width} pixels (height × width) become {padded:,} wide at height "
                f"{self.height}; "
                f"the limit is max_width = {self.max_width:,}; cut the image into shorter pieces"
            )
        import cv2

        image = dark_on_light(image, self.ink)
        interpolation = cv2.INTER_AREA if self.height < height else cv2.INTER_LINEAR
        resized = np.asarray(
            cv2.resize(image, (scaled, self.height), interpolation=interpolation), np.uint8
        )
        return _pad(resized, 0, padded - scaled, paper_level(resized))

    def to_source(self, image: Image, /) -> PointMap:
        scaled, padded = self._widths(*image.shape)
        margins = (padded - scaled) // 2, 0
        return partial(_unfitted, margins=margins, scale=_scale(image, self.height, scaled))

    def _widths(self, height: int, width: int) -> tuple[int, int]:
        """The width that an image of this size is scaled to, and the width with margins."""
        scaled = max(1, round(width * self.height / height))
        return scaled, whole(max(scaled, self.min_width), self.multiple)

    def output_size(self) -> ImageSize:
        return ImageSize(self.height, None)


Points = npt.NDArray[np.float64]


def _scale(image: Image, height: int, width: int) -> tuple[float, float]:
    """How many pixels of the image, across and down, one of it at another size stands for."""
    return image.shape[1] / width, image.shape[0] / height


def _unfitted(points: Points, *, margins: tuple[int, int], scale: tuple[float, float]) -> Points:
    """Points (N, 2) of an image that was scaled and got margins left and above, before that."""
    return (points - margins) * scale


def check_widths(smallest: int, multiple: int, largest: int) -> None:
    """Raises ConfigError where no width can be all of this."""
    if whole(smallest, multiple) > largest:
        rounded = f"min_width {smallest}, up to a multiple of {multiple},"
        raise ConfigError([f"{rounded} is more than max_width {largest}"])


def whole(width: int, multiple: int) -> int:
    """The smallest multiple that is not less."""
    return -(-width // multiple) * multiple


def _pad(image: Image, rows: int, columns: int, level: int) -> Image:
    """Adds rows and columns of one level around an image, half of them on each side, the odd one
    below and to the right."""
    import cv2

    top, left = rows // 2, columns // 2
    padded = cv2.copyMakeBorder(
        image, top, rows - top, left, columns - left, cv2.BORDER_CONSTANT, value=(level,)
    )
    return np.asarray(padded, np.uint8)
