"""Images in colour: made grey once for parts that take grey, kept for those that take colour, up to
the network's inputs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import ocrkit
from ocrkit.errors import ConfigError
from ocrkit.interfaces import Image
from ocrkit.pipelines.assembly import Assembly
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec
from ocrkit.reading.preparing import prepare

Install = Callable[[str, str], Path]

PLUGIN = """
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import ocrkit
from ocrkit import ImageSize, SequenceSize, option


@dataclass(frozen=True)
class Frame:
    takes_colour: ClassVar[bool] = True
    colour: bool = option(True, "whether it gives colour")

    def __call__(self, image):
        if self.colour and image.ndim == 2:
            image = np.stack([image] * 3, axis=2)
        frame = np.full((16, 48, 3) if self.colour else (16, 48), 255, np.uint8)
        part = image[:16, :48]
        frame[: part.shape[0], : part.shape[1]] = part
        return frame

    def output_size(self):
        return ImageSize(16, 48, 3 if self.colour else 1)


@dataclass(frozen=True)
class Redder:
    takes_colour: ClassVar[bool] = True

    def __call__(self, image, rng=None):
        return image if image.ndim == 2 else image // np.array([1, 2, 2], np.uint8)


@dataclass(frozen=True)
class Grey:
    def __call__(self, image):
        assert image.ndim == 2
        return image


@dataclass(frozen=True)
class Hues:
    takes_colour: ClassVar[bool] = True
    stride: ClassVar[int] = 4

    def output_size(self, input):
        return SequenceSize(input.channels, input.width // 4)

    def lengths(self, widths):
        return widths // 4

    def parameters(self, input):
        return {}


def hues(definition, input):
    def features(images, widths):
        count, channels, _, width = images.shape
        cut = images.mean(axis=2).reshape(count, channels, width // 4, 4).mean(axis=3)
        return cut.transpose(0, 2, 1).astype(np.float32), definition.lengths(widths)

    return features


@ocrkit.hookimpl
def ocrkit_preprocessors(register):
    register("frame", Frame)
    register("redder", Redder)
    register("grey", Grey)


@ocrkit.hookimpl
def ocrkit_augmentations(register):
    register("redder", Redder)


@ocrkit.hookimpl
def ocrkit_featurizers(register):
    register("hues", Hues)
    register("hues", hues, backend="numpy")
"""
COLOURED = np.random.default_rng(0).integers(0, 256, (12, 30, 3), np.uint8)
LUMA = np.asarray(cv2.cvtColor(COLOURED, cv2.COLOR_RGB2GRAY))


def assembled(tiny: Path, **preprocessor: Any) -> Assembly:
    settings = {"preprocessor": {"use": "frame", **preprocessor}, "featurizer": {"use": "hues"}}
    return assemble(load_spec(tiny, settings), training=True)


def pixels(around: Assembly, image: Image) -> Image:
    prepared = prepare(lambda: image, around).image
    assert isinstance(prepared, np.ndarray)
    return prepared


def test_an_image_in_colour_is_read_as_its_luma_by_the_models_that_ship() -> None:
    pipeline = ocrkit.load("iam-crnn", threads=1)
    around = pipeline._engine.assembly
    grey = prepare(lambda: LUMA, around, judged=True)
    coloured = prepare(lambda: COLOURED, around, judged=True)
    assert np.array_equal(grey.image, coloured.image)
    assert grey.shows == coloured.shows
    read = [pipeline._engine.read(lambda each=each: each) for each in (LUMA, COLOURED)]
    assert read[0] == read[1]


def test_colour_goes_through_the_parts_that_take_it_to_the_network(
    install: Install, tiny: Path
) -> None:
    install("colours", PLUGIN)
    around = assembled(tiny, before=[{"use": "redder"}])
    framed = pixels(around, COLOURED)
    assert np.array_equal(framed[:12, :30], COLOURED // np.array([1, 2, 2], np.uint8))
    assert np.array_equal(pixels(around, LUMA)[:12, :30], np.stack([LUMA] * 3, axis=2))
    batch = around.make_batch([framed, framed])
    inputs, steps = batch["features"], batch["steps"]
    assert inputs.shape == (2, 12, 3)  # behind a featurizer of NumPy: two images, steps, colours
    assert np.allclose(inputs[0, 0], framed[:, :4].mean(axis=(0, 1)) / 255)
    assert steps.tolist() == [12, 12]


def test_a_batch_has_red_green_and_blue_in_this_order(install: Install, tiny: Path) -> None:
    from dataclasses import replace

    install("colours", PLUGIN)
    around = replace(assembled(tiny), numpy_featurizer=None)
    image = np.zeros((16, 48, 3), np.uint8)
    image[3, 5] = 255, 102, 51
    inputs = around.make_batch([image])["images"]
    assert inputs.shape == (1, 3, 16, 48)
    assert inputs.dtype == np.float32
    assert np.allclose(inputs[0, :, 3, 5], [1, 0.4, 0.2])
    assert np.count_nonzero(inputs) == 3


def test_colour_ends_at_the_first_preprocessor_that_takes_grey(
    install: Install, tiny: Path
) -> None:
    install("colours", PLUGIN)
    before = [{"use": "redder"}, {"use": "grey"}]
    framed = pixels(assembled(tiny, colour=False, before=before), COLOURED)
    red = np.ascontiguousarray(COLOURED // np.array([1, 2, 2], np.uint8))
    assert np.array_equal(framed[:12, :30], cv2.cvtColor(red, cv2.COLOR_RGB2GRAY))


def test_parts_that_take_grey_are_refused_where_the_network_takes_colour(
    install: Install, tiny: Path
) -> None:
    install("colours", PLUGIN)
    settings = {
        "preprocessor": {"use": "frame", "before": [{"use": "grey"}]},
        "training.augment": [{"use": "redder"}, {"use": "rotate"}],
    }
    with pytest.raises(ConfigError) as refused:
        assemble(load_spec(tiny, settings))
    end = "takes grey images, and the pipeline's are in colour"
    assert refused.value.problems == [
        f"preprocessor 'grey' {end}",
        f"augmentation 'rotate' {end}",
        f"featurizer 'cnn' {end}",
    ]


def test_a_preprocessor_that_gives_grey_where_it_promised_colour_is_named(
    install: Install, tiny: Path
) -> None:
    install(
        "colours",
        PLUGIN.replace("if self.colour and image.ndim == 2:", "if False:").replace(
            "(16, 48, 3) if self.colour else (16, 48)", "(16, 48)"
        ),
    )
    prepared = prepare(lambda: LUMA, assembled(tiny))
    said = "preprocessor 'frame' gave 16 × 48 px; it promised 16 × 48 px, in colour"
    assert str(prepared.image) == said
