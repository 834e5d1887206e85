"""Preprocessors on a device: the twins of those in ``ocrkit_image``."""

import numpy as np
import torch
from torch import Tensor

from ocrkit_torch.network import sent
from ocrkit_torch.stages import Fits, Sizes


class FitPad(Fits):
    def fitted(self, sizes: Sizes) -> tuple[Sizes, Sizes, Sizes]:
        fit = self.definition
        ratio = np.minimum(1.0, (np.array([fit.height, fit.width]) / sizes).min(axis=1))
        scaled = np.maximum(1, (sizes * ratio[:, None]).astype(np.int64))
        scaled = np.where((ratio < 1)[:, None], scaled, sizes)
        whole = np.full(len(sizes), fit.width)
        if fit.min_width:
            narrow = np.maximum(scaled[:, 1], fit.min_width)
            whole = np.minimum(fit.width, _whole(narrow, fit.multiple))
        above, left = (fit.height - scaled[:, 0]) // 2, (whole - scaled[:, 1]) // 2
        return scaled, np.stack([above, left], axis=1), whole

    def margin(self, images: Tensor, margins: Sizes, paper: Tensor) -> Tensor:
        rows = torch.arange(len(images), device=images.device)
        first = sent(margins, images.device)
        return images[rows, first[:, 0], first[:, 1]].clamp(min=230)[:, None, None]


class FitHeight(Fits):
    """An image that augmentations made wider than ``max_width`` is made as wide as that."""

    def fitted(self, sizes: Sizes) -> tuple[Sizes, Sizes, Sizes]:
        fit = self.definition
        widths = np.rint(sizes[:, 1] * fit.height / sizes[:, 0]).astype(np.int64)
        widths = widths.clip(1, fit.max_width // fit.multiple * fit.multiple)
        whole = _whole(np.maximum(widths, fit.min_width), fit.multiple)
        scaled = np.stack([np.full_like(widths, fit.height), widths], axis=1)
        return scaled, np.stack([np.zeros_like(widths), (whole - widths) // 2], axis=1), whole

    def margin(self, images: Tensor, margins: Sizes, paper: Tensor) -> Tensor:
        return paper


def _whole(widths: Sizes, multiple: int) -> Sizes:
    """The smallest multiples that are not less."""
    return -(-widths // multiple) * multiple
