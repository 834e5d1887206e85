"""Augmentations on a device that move pixels: the twins of those in ``ocrkit_image``."""

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from ocrkit_torch.stages import Drawn, Maps, Moves, Place, Sizes, column, on, together

Numbers = npt.NDArray[np.float64]


class Shear(Moves):
    def canvas(self, sizes: Sizes, drawn: Drawn) -> tuple[Sizes, Maps]:
        slant = np.tan(np.radians(drawn["degrees"]))
        return _linear(sizes, np.ones_like(slant), slant, np.zeros_like(slant))


class Rotate(Moves):
    def canvas(self, sizes: Sizes, drawn: Drawn) -> tuple[Sizes, Maps]:
        angle = np.radians(drawn["degrees"])
        return _linear(sizes, np.cos(angle), -np.sin(angle), np.sin(angle))


class Scale(Moves):
    def canvas(self, sizes: Sizes, drawn: Drawn) -> tuple[Sizes, Maps]:
        factors = np.stack([drawn["factor"], drawn["factor"] * drawn["stretch"]], axis=1)
        scaled = np.maximum(1, np.rint(sizes * factors)).astype(np.int64)
        return scaled, resized(scaled, sizes)


class Shift(Moves):
    """What is cut off shows again where another augmentation, behind this one, adds area."""

    def canvas(self, sizes: Sizes, drawn: Drawn) -> tuple[Sizes, Maps]:
        moves = np.rint(drawn["moves"] * sizes[:, :1]).astype(np.int64)
        cut = np.maximum(-moves, 0)
        left_over = sizes - np.stack([cut[:, :2].sum(axis=1), cut[:, 2:].sum(axis=1)], axis=1)
        moves = np.where((left_over > 0).all(axis=1)[:, None], moves, np.maximum(moves, 0))
        maps = identity(len(sizes))
        maps[:, :2, 2] = -moves[:, [2, 0]]
        grown = np.stack([moves[:, :2].sum(axis=1), moves[:, 2:].sum(axis=1)], axis=1)
        return sizes + grown, maps


class Elastic(Moves):
    def canvas(self, sizes: Sizes, drawn: Drawn) -> tuple[Sizes, Maps]:
        margin = np.ceil(self.definition.strength * sizes[:, :1]).astype(np.int64)
        maps = identity(len(sizes))
        maps[:, :2, 2] = -margin
        return sizes + 2 * margin, maps

    def bends(self) -> bool:
        return True

    def bent(self, place: Place, drawn: Drawn) -> tuple[Tensor, Tensor]:
        device, nodes = place.x.device, drawn["nodes"]
        most = drawn["moves"].shape[1:3]
        axes = []
        for axis, at in ((1, place.x), (0, place.y)):
            share = column(nodes[:, axis] / place.sizes[:, axis], device)
            node = ((at + 0.5) * share - 0.5).clamp(min=0)
            node = node.minimum(column(nodes[:, axis] - 1, device))
            axes.append((2 * node + 1) / most[axis] - 1)
        moves = on(drawn["moves"], device).permute(0, 3, 1, 2)
        bent = nn.functional.grid_sample(
            moves, together(*axes), padding_mode="border", align_corners=False
        )
        return bent[:, 0], bent[:, 1]


def identity(count: int) -> Maps:
    return np.tile(np.eye(3), (count, 1, 1))


def resized(new: Sizes, old: Sizes) -> Maps:
    """From images scaled to new sizes back to them at the old ones."""
    maps = identity(len(new))
    scale = (old / new)[:, ::-1]
    maps[:, 0, 0], maps[:, 1, 1] = scale.T
    maps[:, :2, 2] = scale / 2 - 0.5
    return maps


def _linear(sizes: Sizes, a: Numbers, b: Numbers, c: Numbers) -> tuple[Sizes, Maps]:
    """The smallest canvases that hold images mapped by (x, y) → (a x + b y, c x + a y) about their
    middle, with c = 0 also by (a x + b y, y); and the maps back."""
    d = np.where(c == 0, 1.0, a)
    last = sizes - 1
    columns = np.abs(a) * last[:, 1] + np.abs(b) * last[:, 0] + 1
    rows = np.abs(d) * last[:, 0] + np.abs(c) * last[:, 1] + 1
    canvas = np.maximum(1, np.ceil(np.stack([rows, columns], axis=1))).astype(np.int64)
    forwards = identity(len(sizes))
    forwards[:, 0, 0], forwards[:, 0, 1] = a, b
    forwards[:, 1, 0], forwards[:, 1, 1] = c, d
    forwards[:, :2, 2] = (canvas - 1)[:, ::-1] / 2
    to_middle = identity(len(sizes))
    to_middle[:, :2, 2] = -last[:, ::-1] / 2
    return canvas, np.linalg.inv(forwards @ to_middle)
