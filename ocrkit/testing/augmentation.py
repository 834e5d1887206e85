"""Whether augmentations do what the interfaces say, on the CPU and on the devices of backends."""

from collections.abc import Iterator
from typing import Any, ClassVar
from unittest import SkipTest

import numpy as np
import numpy.typing as npt

from ocrkit.parts.feeding import Feeder, Feeds, Pictures
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.parts.protocols import Augmentation, MovesPoints
from ocrkit.parts.registry import registry
from ocrkit.parts.values import Image
from ocrkit.testing.base import skipped_where_missing
from ocrkit.testing.images import ImageConformance, word_like
from ocrkit.testing.simplest import simplest
from ocrkit.testing.small_networks import missing, plan_of, planned

TWIN = 4.0
"""Levels of 255 by which pictures of a device may differ from the CPU's, in the mean of all."""
DRAWS = 12


class AugmentationConformance(ImageConformance):
    """Checks of an augmentation."""

    kind = "augmentation"
    backend: ClassVar[str | None] = None
    """Whose implementation to test, for training out of memory; all that are installed unless
    given."""

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

    def test_its_points_find_back(self) -> None:
        """One that has ``moved`` gives the pixels that it gives else, and a map of their points."""
        part, image = self.part(), word_like(40, 120)
        if not isinstance(part, MovesPoints):
            return
        corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        for seed in range(8):
            with self.works("to say where its pixels come from"):
                pixels, to_source = part.moved(image, np.random.default_rng(seed))
                found = np.asarray(to_source(corners))
            self.check(
                np.array_equal(pixels, self.part()(image, np.random.default_rng(seed))),
                "gives other pixels by 'moved' than when it is called, for the same random numbers",
            )
            self.check(
                found.shape == corners.shape and np.isfinite(found).all(),
                f"takes points (3, 2) to {found.tolist()}",
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

    # ------------------------------------------------------------------------------- on a device

    def test_on_a_device_it_makes_nearly_the_same_picture(self) -> None:
        """Of the same random numbers: in the mean of some words, a few levels away, and far nearer
        than of others."""
        for backend, last, feeder in self._feeders(probability=1.0):
            self.where = f"for backend {backend!r}"
            part, same, others = self.part(probability=1.0), [], []
            for seed in range(DRAWS):
                word = smooth_word(32, 100, seed)
                found = self._fed(feeder, word, seed)
                expected, other = (
                    np.asarray(last(part(word, np.random.default_rng(each))), np.float64)
                    for each in (seed, seed + DRAWS)
                )
                self.check(
                    found.shape == expected.shape,
                    f"makes {found.shape} of what the CPU makes {expected.shape}",
                )
                same.append(_difference(found, expected))
                others.append(_difference(found, other))
            most = min(TWIN, max(float(np.mean(others)) / 2, 0.5))
            self.check(
                np.mean(same) <= most,
                "makes pictures that differ from the CPU's with the same random numbers by "
                f"{np.mean(same):.1f} levels in the mean; expected at most {most:.1f}",
            )

    def test_on_a_device_all_its_randomness_is_the_generator_s(self) -> None:
        """The same random numbers give the same pixels there, too, and pictures are left as they
        were."""
        for backend, _, feeder in self._feeders():
            self.where = f"for backend {backend!r}"
            word = smooth_word(32, 100, 0)
            before = word.copy()
            for seed in range(4):
                one, other = (self._fed(feeder, word, seed) for _ in range(2))
                self.check(np.array_equal(one, other), "gives other pixels for the same numbers")
            self.check(np.array_equal(word, before), "changes its pictures; work on a copy")

    def _feeders(self, **options: Any) -> Iterator[tuple[str, Any, Feeder]]:
        """Every backend for which the augmentation has an implementation, a preprocessor, and what
        feeds a network of that backend. Skips where there is none."""
        having = [self.backend] if self.backend else registry().backends(self.kind, self.name)
        reasons = ["has no implementation for a backend"]
        for backend in having:
            if reason := missing(backend):
                reasons.append(reason)
                continue
            reasons = []
            last, build_last = _preprocessor(backend)
            network = _network(backend, last)
            if not isinstance(network, Feeds):
                raise SkipTest(f"backend {backend!r} augments nothing on a device")
            entry = registry().get(self.kind, self.name, backend)
            with skipped_where_missing(entry):
                build = entry.load()
            definition = self.part(**options)
            with self.works("when it is built for a device"):
                feeder = network.feeder([build(definition)], build_last(last))
            yield backend, last, feeder
        if reasons:
            raise SkipTest("; ".join(reasons))

    def _fed(self, feeder: Feeder, word: Image, seed: int) -> npt.NDArray[np.float64]:
        """What the network is given of an image, in levels of 255."""
        size = np.array([word.shape], np.int64)
        pictures = Pictures(word[None], size, size, word[:1, 0])
        with self.works("on a device"):
            inputs = feeder(pictures, np.random.default_rng(seed))
        width = int(inputs["widths"][0])
        return np.asarray(inputs["images"], np.float64)[0, 0, :, :width] * 255


def smooth_word(height: int, width: int, seed: int) -> Image:
    """Dark strokes on even paper, without noise, which every interpolation would change."""
    import cv2

    image = np.full((height, width), 230, np.uint8)
    rng = np.random.default_rng([seed, height, width])
    for _ in range(8):
        start, end = (rng.integers(4, [width - 4, height - 4]).tolist() for _ in range(2))
        cv2.line(image, start, end, (40,), 2, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(image, (3, 3), 0), np.uint8)


def _difference(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """The mean absolute difference where two pictures overlap."""
    width = min(one.shape[1], other.shape[1])
    return float(np.abs(one[:, :width] - other[:, :width]).mean())


def _preprocessor(backend: str) -> tuple[Any, Any]:
    """A last preprocessor that has an implementation for the backend, and that. Skips where there
    is none."""
    for name in registry().names("preprocessor", backend):
        last = make_part(PartSpec("preprocessor", name, {}))
        if last.output_size().width is None:
            return last, registry().get("preprocessor", name, backend).load()
    raise SkipTest(f"no preprocessor of any width for backend {backend!r} is there")


def _network(backend: str, last: Any) -> Any:
    """The simplest network that eats what a preprocessor makes."""
    image = last.output_size()
    featurizer = planned(simplest("featurizer", backend), image, backend)
    steps = featurizer.definition.output_size(image)
    encoder = planned(simplest("encoder", backend), steps, backend)
    plan = plan_of(image, {"featurizer": featurizer, "encoder": encoder}, backend)
    return registry().get("backend", backend).load()().network(plan, device="cpu", threads=1)
