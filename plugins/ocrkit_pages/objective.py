"""The objective ``pixels``: maps of where lines are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ocrkit.errors import ConfigError
from ocrkit.interfaces import Arrays, Image, PlannedPart, PointMap, Port, Sample, option
from ocrkit_pages.maps import BESIDE, MAPS, Truth, drawn, regions_of, truth_of, words_of
from ocrkit_pages.network import QUARTER

_FOUND = BESIDE / 2
"""From which value on a pixel counts as one of a baseline, in scores."""


@dataclass(frozen=True)
class Pixels:
    """Six maps at a quarter of the page's resolution, after Kodym and Hradiš (2021, arXiv
    2102.11838): baselines, line ends, boundaries of regions, cores of words, and on baselines how
    far letters reach above and below.

    The loss is binary cross-entropy and half a soft Dice (as kraken's segmenter is trained) of the
    first four, wherever they are known, and smooth L1 of the heights where there is a baseline.
    """

    incomplete: tuple[str, ...] = option(
        (),
        "beginnings of the ids of pages, a folder's for example, on which lines are missing from "
        "the truth: only what is near a line is learnt of them",
    )

    parts: ClassVar = ("model",)
    outputs: ClassVar = (Port("maps", "float32", ("N", len(MAPS), "H", "W")),)
    explained: ClassVar = (
        "maps: float32 (N, 6, H / 4, W / 4): baselines, line ends, boundaries of regions and cores "
        "of words, 0 to 1 each; how far letters reach above and below the baseline, in pixels of "
        "the image"
    )
    measured: ClassVar = "maps"
    truth: ClassVar = "page"
    placed: ClassVar = True
    by_class: ClassVar = ()
    scores: ClassVar = {"baseline-dice": True}

    def plan(
        self, parts: Mapping[str, PlannedPart], alphabet: None, /
    ) -> tuple[dict[str, PlannedPart], tuple[Port, ...]]:
        model = parts["model"]
        size = model.definition.output_size(model.size)
        if size.channels != len(MAPS):
            names = ", ".join(MAPS)
            raise ConfigError([f"model: gives {size.channels} maps; expected {len(MAPS)}: {names}"])
        axes = ("N", size.channels, size.height or "H", size.width or "W")
        return dict(parts), (Port("maps", "float32", axes),)

    def target(self, sample: Sample, alphabet: None, /) -> Truth | None:
        if sample.page is None:
            return None
        return truth_of(sample.page, complete=not sample.id.startswith(self.incomplete or ("\0",)))

    def unfit(self, sample: Sample, target: Truth, steps: int | None, /) -> str:
        return ""

    def notes(
        self, samples: Sequence[Sample], learnt: Sequence[Sample], alphabet: None, /
    ) -> list[str]:
        """Maps of which no page says anything."""
        pages = [each.page for each in learnt if each.page]
        lacking = {
            "where its regions end": not any(map(regions_of, pages)),
            "where its words are": not any(map(words_of, pages)),
        }
        return [
            f"no page says {what}, so the network's map of that means nothing"
            for what, missing in lacking.items()
            if missing
        ]

    def targets(
        self,
        targets: Sequence[Truth],
        images: Sequence[Image],
        inputs: Arrays,
        to_source: Sequence[PointMap],
        /,
    ) -> Arrays:
        """``maps`` and ``known`` float32 (N, 6, H, W); heights in units of 16 pixels."""
        height, width = inputs["images"].shape[2:]
        both = [
            drawn(each, back, (height, width))
            for each, back in zip(targets, to_source, strict=True)
        ]
        for (_, known), image in zip(both, images, strict=True):
            known[:, -(-image.shape[0] // QUARTER) :] = 0
            known[:, :, -(-image.shape[1] // QUARTER) :] = 0
        maps, known = (np.stack(each) for each in zip(*both, strict=True))
        return {"maps": maps, "known": known}

    def check(self, outputs: Arrays, count: int, alphabet: None, /) -> None:
        maps = outputs["maps"]
        if maps.ndim != 4 or maps.shape[:2] != (count, len(MAPS)) or np.isnan(maps).any():
            raise ValueError(f"it gave {maps.shape} for {count} images, or numbers that are none")

    def decoding(self, outputs: Arrays, /) -> tuple[Any, ...]:
        return ()

    def score(
        self, outputs: Arrays, inputs: Arrays, targets: Arrays, /
    ) -> dict[str, tuple[float, float]]:
        """The Dice coefficient of pixels on baselines, found and true (Dice 1945)."""
        known = targets["known"][:, 0] > 0
        found = (outputs["maps"][:, 0] > _FOUND) & known
        true = (targets["maps"][:, 0] > _FOUND) & known
        return {"baseline-dice": (2.0 * (found & true).sum(), float(found.sum() + true.sum()))}

    def valid(self, outputs: Arrays, inputs: Arrays, /) -> list[Arrays]:
        """The maps (6, H, W) of the image, without what lies beyond its width."""
        maps = outputs["maps"]
        quarter = max(1, inputs["images"].shape[3] // maps.shape[3])
        widths = inputs["widths"].tolist()
        return [
            {"maps": row[:, :, : -(-width // quarter)].copy()}
            for row, width in zip(maps, widths, strict=True)
        ]

    def margin(self, valid: Arrays, /) -> float:
        return float("inf")

    def stored(self, items: Sequence[Arrays], /) -> Arrays:
        return {
            "maps": np.concatenate([item["maps"].ravel() for item in items]),
            "map_shapes": np.array([item["maps"].shape for item in items], np.int32),
        }

    def restored(self, arrays: Arrays, /) -> list[Arrays]:
        shapes = arrays["map_shapes"].tolist()
        ends = np.cumsum([np.prod(shape) for shape in shapes], dtype=np.int64)
        if not shapes or arrays["maps"].shape != (ends[-1],):
            raise ValueError(f"maps {arrays['maps'].shape} cannot be cut into {shapes}")
        parts = np.split(arrays["maps"], ends[:-1])
        return [{"maps": part.reshape(shape)} for part, shape in zip(parts, shapes, strict=True)]
