"""Augmentations on a device that change levels: the twins of those in ``ocrkit_image``."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ocrkit_torch.network import sent
from ocrkit_torch.stages import Drawn, Lights, Placing, Thickens, column, on, together

DIAGONAL = 0.7
"""Half-widths of the square that, with a cross, stands for a large ellipse, as a share of its."""


class Contrast(Lights):
    def lit(self, images: Tensor, place: Placing, drawn: Drawn, paper: Tensor) -> Tensor:
        return self.paper(images, drawn)

    def paper(self, paper: Tensor, drawn: Drawn) -> Tensor:
        device = paper.device
        gamma = column(self.definition.gamma ** drawn["gamma"], device)
        contrast = column(1 + drawn["contrast"], device)
        brightness = column(drawn["brightness"] + 0.5, device)
        curve = (paper / 255).pow(gamma)
        return ((curve - 0.5) * contrast + brightness).clamp(0, 1) * 255


class Paper(Lights):
    def lit(self, images: Tensor, place: Placing, drawn: Drawn, paper: Tensor) -> Tensor:
        level, strength = (column(drawn[name], images.device) for name in ("level", "strength"))
        return ((paper + (images - paper) * strength) * level).clamp(0, 255)

    def paper(self, paper: Tensor, drawn: Drawn) -> Tensor:
        return paper * column(drawn["level"], paper.device)


class Shading(Lights):
    def lit(self, images: Tensor, place: Placing, drawn: Drawn, paper: Tensor) -> Tensor:
        at = place()
        height, width = (column(at.sizes[:, axis], images.device) for axis in (0, 1))
        x, y = (at.x + 0.5) * (2 / width) - 1, (at.y + 0.5) * (2 / height) - 1
        light = nn.functional.grid_sample(
            on(drawn["grid"], images.device)[:, None],
            together(x, y),
            mode="bicubic",
            padding_mode="border",
            align_corners=False,
        )
        return images * light[:, 0].clamp(self.definition.darkest, 1)


class Shadow(Lights):
    def lit(self, images: Tensor, place: Placing, drawn: Drawn, paper: Tensor) -> Tensor:
        device, at = images.device, place()
        direction = drawn["direction"]
        widest = self.definition.softest * at.sizes[:, 0]
        edge = np.maximum(1.0, widest * np.maximum(0.0, drawn["softness"]))
        across = at.x * column(np.cos(direction) / edge, device)
        down = at.y * column(np.sin(direction) / edge, device)
        shade = (across + down + column(0.5 - drawn["start"] / edge, device)).clamp(0, 1)
        return images * (1 - column(1 - drawn["light"], device) * shade)


class Ruled(Lights):
    def lit(self, images: Tensor, place: Placing, drawn: Drawn, paper: Tensor) -> Tensor:
        device, at = images.device, place()
        slope, apart = np.tan(np.radians(drawn["degrees"])), drawn["apart"]
        start = column(slope * at.sizes[:, 1] / 2 - drawn["start"], device)
        line = (at.y - at.x * column(slope, device) + start) / column(apart, device)
        distance = (line - line.floor() - 0.5).abs() * column(apart, device)
        ink = (column(drawn["thickness"] / 2 + 0.5, device) - distance).clamp(0, 1)
        return images * (1 - column(1 - drawn["level"], device) * ink)


class Stroke(Thickens):
    """Windows are as large as the images are scaled: a place between two pixels has the level
    between theirs."""

    def changed(self, images: Tensor, drawn: Drawn, unit: npt.NDArray[np.float64]) -> Tensor:
        window, ellipse = drawn["window"], drawn["ellipse"]
        # OpenCV's ellipses one pixel high are one pixel wide.
        window = np.where((ellipse & (window[:, 1] == 1))[:, None], 1, window)
        before, after = (reach * unit for reach in (window // 2, window - 1 - window // 2))
        sign = column(np.where(drawn["thicker"], -1, 1), images.device)
        signed = images * sign
        wide = _greatest(signed, before[:, 0], after[:, 0], 2)
        is_ellipse = sent(ellipse, images.device)[:, None, None]
        changed = _greatest(torch.where(is_ellipse, signed, wide), before[:, 1], after[:, 1], 1)
        changed = changed.maximum(wide)
        large = ellipse & (window > 3).all(axis=1)
        if large.any():
            within = (DIAGONAL * large)[:, None]
            start, end = before * within, after * within
            square = _greatest(signed, start[:, 0], end[:, 0], 2)
            square = _greatest(square, start[:, 1], end[:, 1], 1)
            changed = changed.maximum(square)
        return changed * sign


def _greatest(
    images: Tensor,
    before: npt.NDArray[np.float64],
    after: npt.NDArray[np.float64],
    axis: int,
) -> Tensor:
    """The greatest level from ``before`` pixels (N,) before each to ``after`` pixels behind it;
    beyond the side it goes on as it ends."""
    most = int(np.ceil(max(before.max(initial=0), after.max(initial=0))))
    if not most:
        return images
    sides = (most, most, 0, 0) if axis == 2 else (0, 0, most, most)
    around = nn.functional.pad(images[:, None], sides, mode="replicate")[:, 0]
    length = images.shape[axis]
    greatest = images
    for direction, reach in ((-1, before), (1, after)):
        nearer = images
        for step in range(1, int(np.ceil(reach.max(initial=0))) + 1):
            farther = around.narrow(axis, most + direction * step, length)
            share = column((reach - (step - 1)).clip(0, 1), images.device)
            greatest = greatest.maximum(nearer.lerp(farther, share))
            nearer = farther
    return greatest
