"""Puts a line's image together from the images of its words, on paper without a seam.

IAM cut its words out by components: what is darker than the line's grey level hangs together in
pieces, the box around each piece was copied from the scan, and all else is white. So a word's image
shows patches of the scan's paper, and how they lie tells where words begin and end. Here only ink
is taken over, as a share of the paper around it, and laid on paper that is made for the whole line:
random, with the grey levels of the scan's own paper and as coarse as it is. Nothing of it depends
on where words or their pieces are.
"""

from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Levels = npt.NDArray[np.float32]

_WHITE = 255
_HALO = 7
"""Pixels: side of the square around ink that is no sample of paper."""
_NEAR = 41
"""Pixels: side of the square over which the paper's own level is averaged."""
_NOISE = 3.0
"""Standard deviations of the paper's noise above which something is darker than paper."""
_FAINTEST = 0.06
"""Share of the paper's light that is taken at least before something counts as ink."""
_ENOUGH = 256
"""Pixels of paper from which it can be made."""
_SHARES = (np.arange(256) + 0.5) / 256
_NORMAL = np.array([NormalDist().inv_cdf(share) for share in _SHARES])
"""What these shares of a normal distribution lie below."""


class WordImage(NamedTuple):
    """An image of a word with its place in the line's image."""

    pixels: Image
    x: int
    y: int


class _Scan(NamedTuple):
    """What the image of a word shows of the scan."""

    word: WordImage
    ink: Mask
    paper: Mask
    """Paper of the scan that is well away from ink."""


def line_image(words: Sequence[WordImage], grey: int, size: tuple[int, int], seed: int) -> Image:
    """The image of a line, uint8 (height, width) as in ``size``, of words that lie within it.

    Ink is darker than ``grey``. Where images overlap the darker pixel holds. The same ``seed``
    gives the same paper.
    """
    scans = [_scan(word, grey) for word in words]
    level, noise = _level_of(scans)
    light = np.ones(size, np.float32)
    samples: list[Levels] = []
    for scan in scans:
        share, residual = _share_of_light(scan, level, noise)
        (height, width), (_, x, y) = share.shape, scan.word
        there = light[y : y + height, x : x + width]
        np.minimum(there, share, out=there)
        samples.append(residual)
    paper = _paper(np.concatenate(samples), level, _coarseness(scans, level), size, seed)
    image: Image = np.rint(paper * light).astype(np.uint8)
    return image


def _scan(word: WordImage, grey: int) -> _Scan:
    ink = (word.pixels < grey).astype(np.uint8)
    count, _, boxes, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    paper = np.zeros(ink.shape, bool)
    for left, top, width, height, _ in boxes[1:count]:
        paper[top : top + height, left : left + width] = True
    paper &= cv2.dilate(ink, np.ones((_HALO, _HALO), np.uint8)) == 0
    return _Scan(word, ink.astype(bool), paper)


def _level_of(scans: Sequence[_Scan]) -> tuple[float, float]:
    """Mean and standard deviation of a line's paper."""
    pixels = np.concatenate([scan.word.pixels[scan.paper] for scan in scans])
    if len(pixels) < _ENOUGH:
        return float(_WHITE), 0.0
    return float(pixels.mean()), float(pixels.std())


def _share_of_light(scan: _Scan, level: float, noise: float) -> tuple[Levels, Levels]:
    """How much of the paper's light is left at every pixel of a word, 1 where there is no ink; and
    by how much the grey levels of its paper differ from the paper around them."""
    pixels = scan.word.pixels.astype(np.float32)
    weights = scan.paper.astype(np.float32)
    near = (_NEAR, _NEAR)
    known = cv2.blur(weights, near, borderType=cv2.BORDER_CONSTANT)
    total = cv2.blur(pixels * weights, near, borderType=cv2.BORDER_CONSTANT)
    little = _ENOUGH / _NEAR**2  # where little paper is near, the line's level holds
    around = (total + little * level) / (known + little)

    darkness = np.clip(1 - pixels / around, 0, 1)
    least = max(_FAINTEST, _NOISE * noise / level)
    darker = (darkness > least) | scan.ink
    _, pieces = cv2.connectedComponents(darker.astype(np.uint8), connectivity=8)
    is_ink = np.zeros(pieces.max() + 1, bool)
    is_ink[np.unique(pieces[scan.ink])] = True
    is_ink[0] = False
    share = np.where(is_ink[pieces], 1 - darkness, 1)
    return share.astype(np.float32), (pixels - around)[scan.paper]


def _coarseness(scans: Sequence[_Scan], level: float) -> float:
    """Width (standard deviation, pixels) of the Gaussian that makes white noise as coarse as the
    paper's: neighbours in noise so smoothed are correlated by exp(-1 / 4 width²)."""
    products, squares = 0.0, 0.0
    for scan in scans:
        differs = np.where(scan.paper, scan.word.pixels - level, 0)
        both = scan.paper[:, 1:] & scan.paper[:, :-1]
        products += float((differs[:, 1:] * differs[:, :-1])[both].sum())
        squares += float((differs[:, 1:] ** 2)[both].sum())
    correlation = products / squares if squares else 0.0
    if correlation <= np.exp(-4):
        return 0.0
    return float(np.sqrt(-1 / (4 * np.log(min(correlation, 0.9)))))


def _paper(
    samples: Levels, level: float, coarseness: float, size: tuple[int, int], seed: int
) -> Levels:
    """Random paper with the distribution of the ``samples`` about ``level``."""
    if len(samples) < _ENOUGH:
        return np.full(size, level, np.float32)
    noise = np.random.default_rng(seed).standard_normal(size, np.float32)
    if coarseness:
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), coarseness), np.float32)
    spread = samples.std()  # faint ink and specks are no paper
    known = np.quantile(samples[np.abs(samples) <= _NOISE * spread], _SHARES)
    values = np.interp(noise / noise.std(), _NORMAL, known) + level
    return np.clip(values, 0, _WHITE).astype(np.float32)
