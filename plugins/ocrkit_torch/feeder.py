"""Augments and preprocesses batches on a device."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ocrkit.interfaces import Arrays, NetworkPlan, Pictures
from ocrkit.support.parallel import LastingThreads
from ocrkit_torch.augment_geometry import identity, resized
from ocrkit_torch.network import sent
from ocrkit_torch.stages import (
    Drawn,
    Fits,
    Maps,
    Moves,
    Place,
    Placing,
    Sizes,
    Stage,
    Thickens,
    on,
    together,
)
from ocrkit_torch.threads import in_its_thread

Grid = tuple[Tensor, Tensor]
"""The places x and y of a batch's pixels, each (N, H, W) or what is broadcast to that."""


@dataclass
class _Change:
    """What a stage does to some images of a batch."""

    stage: Any
    rows: Any
    """Which images, (n,) int64."""
    at: Tensor
    """The same on the device: indices that lie elsewhere are waited for."""
    drawn: Drawn
    to_start: Maps
    """From its canvases, all images', to where its segment starts."""
    sizes: Sizes
    """Of its canvases, (n, 2)."""


@dataclass
class _Segment:
    """Stages between two that bend images: all that they move is one linear map an image."""

    bends: _Change | None
    """What bends the canvases on which it starts."""
    lights: list[_Change] = field(default_factory=list)
    to_start: Maps = field(init=False)
    """From where it ends to where it starts."""


class Feeder:
    """Makes inputs of a network out of pictures.

    Every pixel of the network's frame is followed back through all that moves pixels to where it
    comes from, so that each image is interpolated once. Where an image has no pixel it has the
    paper's level. What changes levels then works on the frame, each at the places that its pixels
    have there on the CPU. What looks at neighbours works on the pictures, before they are moved.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        fit: Fits,
        plan: NetworkPlan,
        *,
        device: torch.device,
        thread: LastingThreads,
    ) -> None:
        self._stages, self._fit, self._image, self._device = stages, fit, plan.image, device
        self._stride = 1 if plan.image.width else plan.stride
        self.thread = thread

    @in_its_thread
    @torch.no_grad()
    def __call__(self, pictures: Pictures, rng: np.random.Generator) -> Arrays:
        images = sent(pictures.pixels, self._device).float()
        sizes = pictures.sizes.copy()
        maps, before = resized(sizes, pictures.stored), identity(len(sizes))
        segments = [_Segment(None)]
        for stage in self._stages:
            rows = np.flatnonzero(rng.random(len(sizes)) < stage.definition.probability)
            if not len(rows):
                continue
            drawn, at = stage.definition.draw(rng, sizes[rows]), sent(rows, self._device)
            if isinstance(stage, Moves):
                sizes[rows], back = stage.canvas(sizes[rows], drawn)
                maps[rows] = maps[rows] @ back
                if stage.bends():
                    segments[-1].to_start, before = maps, before @ maps
                    maps = identity(len(sizes))
                    change = _Change(stage, rows, at, drawn, maps.copy(), sizes[rows])
                    segments.append(_Segment(change))
            elif isinstance(stage, Thickens):
                unit = np.linalg.norm((before @ maps)[rows, :2, :2], axis=1)
                images[at] = stage.changed(images[at], drawn, unit)
            else:
                change = _Change(stage, rows, at, drawn, maps.copy(), sizes[rows])
                segments[-1].lights.append(change)
        scaled, margins, widths = self._fit.fitted(sizes)
        back = resized(scaled, sizes)
        back[:, :2, 2] -= (back[:, :2, :2] @ margins[:, ::-1, None])[:, :, 0]
        segments[-1].to_start = maps @ back
        paper = on(pictures.paper, self._device)[:, None, None]
        width = -(-int(widths.max()) // self._stride) * self._stride
        moved, seen = self._moved(images - paper, segments, width)
        images = (moved + paper).clamp(0, 255)  # rounding makes black a little less than 0
        for change, place in seen:
            at = change.at
            images[at] = change.stage.lit(images[at], place, change.drawn, paper[at])
            paper[at] = change.stage.paper(paper[at], change.drawn)
        margin = self._fit.margin(images, margins, paper)
        inside = self._inside(images.shape, margins, scaled)
        images = torch.where(inside, images, margin) / 255
        ends = np.stack([np.full_like(widths, images.shape[1]), widths], axis=1)
        images *= self._inside(images.shape, np.zeros_like(ends), ends)
        return cast(Arrays, {"images": images[:, None], "widths": widths.astype(np.int32)})

    @in_its_thread
    def picked(self, inputs: Arrays, rows: npt.NDArray[np.int64]) -> Arrays:
        return {
            "images": inputs["images"][sent(rows, self._device)],
            "widths": inputs["widths"][rows],
        }

    def _moved(
        self, images: Tensor, segments: list[_Segment], width: int
    ) -> tuple[Tensor, list[tuple[_Change, Placing]]]:
        """Images (N, H, W), zero where there is nothing, on the network's frame; and what changes
        their levels there, in order, with the places of its pixels."""
        height, device = self._image.height, self._device
        assert height is not None  # noqa: S101  (what fits on a device fits to a height)
        grid: Grid = (
            torch.arange(width, device=device, dtype=torch.float32)[None, None, :],
            torch.arange(height, device=device, dtype=torch.float32)[None, :, None],
        )
        seen: list[tuple[_Change, Placing]] = []
        for segment in reversed(segments):
            for change in reversed(segment.lights):
                back = np.linalg.inv(change.to_start) @ segment.to_start
                seen.append((change, partial(_place, grid, back, change)))
            if segment.bends is None:
                # to where grid_sample has the pixels: from -1 to 1
                rows, columns = images.shape[1:]
                scale = np.diag([2 / columns, 2 / rows, 1])
                scale[:2, 2] = 1 / columns - 1, 1 / rows - 1
                grid = _mapped(grid, scale @ segment.to_start)
            else:
                grid = _mapped(grid, segment.to_start)
                bend = segment.bends
                place = Place(grid[0][bend.at], grid[1][bend.at], bend.sizes)
                for axis, moves in zip(grid, bend.stage.bent(place, bend.drawn), strict=True):
                    axis[bend.at] += moves
        moved = nn.functional.grid_sample(images[:, None], together(*grid), align_corners=False)
        return moved[:, 0], seen[::-1]

    def _inside(self, shape: torch.Size, first: Sizes, sizes: Sizes) -> Tensor:
        """Which pixels of a batch (N, H, W) lie in rectangles of these sizes that begin at these
        rows and columns, each (N, 2)."""
        start, end = (sent(each, self._device) for each in (first, first + sizes))
        down, across = (
            (at >= start[:, axis, None]) & (at < end[:, axis, None])
            for axis in (0, 1)
            for at in [torch.arange(shape[1 + axis], device=self._device)]
        )
        return down[:, :, None] & across[:, None, :]


def _place(grid: Grid, maps: Maps, change: _Change) -> Place:
    x, y = (axis if len(axis) == 1 else axis[change.at] for axis in grid)
    return Place(*_mapped((x, y), maps[change.rows]), change.sizes)


def _mapped(grid: Grid, maps: Maps) -> Grid:
    """Places mapped linearly, those of each image by its own matrix (n, 3, 3)."""
    x, y = grid
    rows = on(maps[:, :2], x.device)[:, :, :, None, None]
    right, down = (
        (rows[:, axis, 0] * x + rows[:, axis, 2]) + rows[:, axis, 1] * y for axis in (0, 1)
    )
    return right, down
