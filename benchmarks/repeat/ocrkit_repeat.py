"""A reader that gives the sample of ``iam`` as often as one likes, and a featurizer that costs next
to nothing."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

import ocrkit
from ocrkit.hookspecs import Register
from ocrkit.interfaces import Arrays, FloatArray, Image, IntArray, Port
from ocrkit_iam.reader import Iam

BARS, STRIDE = 8, 8


@ocrkit.hookimpl
def ocrkit_readers(register: Register) -> None:
    register("repeat", "ocrkit_repeat:Repeat", summary="the sample of iam, again and again")


@ocrkit.hookimpl
def ocrkit_featurizers(register: Register) -> None:
    register("bars", "ocrkit_repeat:Bars", summary="the mean of every 8th of the rows")
    register("bars", "ocrkit_repeat:bars", backend="numpy")


@dataclass
class Repeat:
    """``words`` words, under ids of their own."""

    root: Path = ocrkit.option(Path(), "not looked at")
    split: str = ocrkit.option("all", "not looked at")
    words: int = ocrkit.option(1000, "how many", minimum=1)

    skipped = ()
    forms = None

    def __post_init__(self) -> None:
        self._sample = Iam(root=Iam.sample_root(), split="all")

    def __len__(self) -> int:
        return self.words

    def __getitem__(self, index: int) -> ocrkit.Sample:
        sample = self._sample[index % len(self._sample)]
        return replace(sample, id=f"{index}-{sample.id}")

    @classmethod
    def sample_root(cls) -> Path:
        return Iam.sample_root()


@dataclass(frozen=True)
class Bars:
    """The mean of every eighth of the rows, over eight columns."""

    stride = STRIDE

    def output_size(self, input: ocrkit.ImageSize) -> ocrkit.SequenceSize:
        return ocrkit.SequenceSize(BARS, input.width and input.width // STRIDE)

    def lengths(self, widths: IntArray) -> IntArray:
        return widths // STRIDE

    def parameters(self, input: ocrkit.ImageSize) -> dict[str, tuple[int, ...]]:
        return {}


def bars(definition: Bars, input: ocrkit.ImageSize) -> object:
    def means(images: FloatArray, widths: IntArray) -> tuple[FloatArray, IntArray]:
        count, _, height, width = images.shape
        cut = images.reshape(count, BARS, height // BARS, width // STRIDE, STRIDE)
        return np.ascontiguousarray(
            cut.mean(axis=(2, 4)).transpose(0, 2, 1), np.float32
        ), definition.lengths(widths)

    return means


@ocrkit.hookimpl
def ocrkit_segmenters(register: Register) -> None:
    register("one-line", "ocrkit_repeat:OneLine", summary="a page is a line")


@dataclass(frozen=True)
class OneLine:
    """The page as one line. Where the environment names a folder, it notes there which page it
    was, by the number that its first row spells: a pixel for each of 32 bits."""

    takes: ClassVar[tuple[Port, ...]] = ()

    def __call__(self, image: Image, outputs: Arrays, /) -> ocrkit.Page:
        assert not outputs
        if log := os.environ.get("OCRKIT_REPEAT_LOG"):
            number = int.from_bytes(np.packbits(image[0, :32] < 128).tobytes(), "big")
            with Path(log, str(os.getpid())).open("a", encoding="utf-8") as file:
                file.write(f"{number}\n")
        height, width = image.shape
        line = ocrkit.Line(
            "l",
            ((0.0, 0.8 * height), (float(width), 0.8 * height)),
            (),
            above=0.8 * height,
            below=0.2 * height,
        )
        return ocrkit.Page("page", width, height, lines=(line,))
