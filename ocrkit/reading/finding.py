"""Finds the lines of a page, in pixels of the page as it was read."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ocrkit.parts.guests import guest
from ocrkit.parts.networks import Network
from ocrkit.parts.page import Page, Points
from ocrkit.parts.page_protocols import ChoosesScale, Scalable
from ocrkit.parts.values import Arrays, Image, PointMap
from ocrkit.pipelines.assembly import Surroundings
from ocrkit.pipelines.chain import Chain
from ocrkit.reading.calls import Calls
from ocrkit.reading.preparing import preprocessed, source_map
from ocrkit.reading.turning import upright, written
from ocrkit.reading.values import Seconds

SMALL = 800
"""The longer side, in pixels, of a picture that shows whether a page lies on its side."""
LYING = 1.5
"""How many times as much writing is found when a page that lies on its side is turned."""


class Finder:
    """A segment pipeline with its network, if it has one. Several threads may call it."""

    def __init__(self, around: Surroundings, network: Network | None) -> None:
        self._around, self._network = around, network
        self._calls = Calls(network) if network else None

    def __call__(self, image: Image) -> Page:
        """The page of an image uint8 (H, W) with its lines, which have places and no text, in
        pixels of this image. Raises OcrkitError where a part fails.

        It is looked at again at another scale where the segmenter asks for it and the preprocessor
        can do that: where letters are far from the size that a network was trained with.
        """
        around, last = self._around, self._around.preprocessor.last
        page, to_source = self._look(image, around)
        if isinstance(around.segmenter, ChoosesScale) and isinstance(last, Scalable):
            with guest("segmenter", around.spec.segmenter.use):
                factor = around.segmenter.scale(page)
            if factor is not None:
                page, to_source = self._look(image, _scaled(around, last, factor))
        return _in_source(page, to_source, image)

    def lies(self, image: Image, standing: Page) -> bool:
        """Whether the writing lies on its side, where ``standing`` was found as it is: far more of
        it is found, in a small picture of the page, when that is turned."""
        lying, _ = self._look(upright(_small(image), 90), self._around)
        return written(lying) > LYING * written(standing)

    def _look(self, image: Image, around: Surroundings) -> tuple[Page, PointMap]:
        """What is found in what the preprocessors make of the image, and what takes its points to
        the image."""
        pixels, to_source = preprocessed(image, around), source_map(image, around)
        assert to_source is not None  # noqa: S101  (assemble_pages has seen to it)
        assert around.segmenter is not None  # noqa: S101  (likewise)
        outputs = self._outputs(pixels, around)
        with guest("segmenter", around.spec.segmenter.use):
            page = around.segmenter(pixels, outputs)
            if not isinstance(page, Page) or (page.height, page.width) != pixels.shape:
                raise TypeError(f"it gave {page!r:.100} for an image {pixels.shape}")
        return page, to_source

    def _outputs(self, pixels: Image, around: Surroundings) -> Arrays:
        """What the segmenter takes of what the network says."""
        if self._network is None or self._calls is None or around.segmenter is None:
            return {}
        inputs = around.make_batch([pixels])
        with guest("backend", around.backend_name), self._calls.one(Seconds()):
            outputs = self._network.run(inputs)
        with guest("objective", around.spec.objective.use):
            around.objective.check(outputs, 1, around.alphabet)
            (valid,) = around.objective.valid(outputs, inputs)
        return {port.name: valid[port.name] for port in around.segmenter.takes}


def _small(image: Image) -> Image:
    import cv2

    factor = SMALL / max(image.shape)
    if factor >= 1:
        return image
    width, height = (max(1, round(side * factor)) for side in image.shape[::-1])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _scaled(around: Surroundings, last: Scalable, factor: float) -> Surroundings:
    """The same with a preprocessor that makes its image so many times as large."""
    with guest("preprocessor", around.spec.preprocessor.use):
        other = last.scaled(factor)
        size = other.output_size()
    return replace(around, preprocessor=Chain(around.preprocessor.before, other), image=size)


def _in_source(page: Page, to_source: PointMap, image: Image) -> Page:
    """The page in pixels of the image that its own was made of."""
    height, width = image.shape[:2]
    middle = np.array([page.width / 2, page.height / 2])
    x, y = to_source(middle + np.array([[1.0, 0.0], [0.0, 1.0]])) - to_source(middle[None])
    scale = float(np.sqrt(abs(x[0] * y[1] - x[1] * y[0])))

    def moved(points: Points) -> Points:
        if not points:
            return ()
        found: npt.NDArray[np.float64] = to_source(np.array(points, np.float64))
        return tuple((float(x), float(y)) for x, y in found)

    lines = tuple(
        replace(
            line,
            baseline=moved(line.baseline),
            boundary=moved(line.boundary),
            above=None if line.above is None else line.above * scale,
            below=None if line.below is None else line.below * scale,
        )
        for line in page.lines
    )
    regions = tuple(replace(each, boundary=moved(each.boundary)) for each in page.regions)
    return replace(page, width=width, height=height, lines=lines, regions=regions)
