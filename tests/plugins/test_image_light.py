"""Augmentations of light and paper: what they darken, how far, and what they leave alone."""

import cv2
import numpy as np
import pytest

from ocrkit_image.light import Paper, Ruled, Shading, Shadow

PAPER = 240
HEIGHT, WIDTH = 80, 200
BLANK = np.full((HEIGHT, WIDTH), PAPER, np.uint8)


def word():
    image = BLANK.copy()
    cv2.rectangle(image, (40, 20), (160, 60), 24, 5)
    return image


def shares(augmentation, image=BLANK, count=60):
    """What is left of the image's levels, for many random generators: float (N, H, W)."""
    changed = [augmentation(image, np.random.default_rng(seed)) for seed in range(count)]
    return np.stack(changed) / image.astype(float)


@pytest.mark.parametrize("kind", [Shading, Shadow, Ruled])
def test_light_takes_the_same_share_of_paper_and_of_ink(kind):
    of_paper, of_word = shares(kind(probability=1)), shares(kind(probability=1), word())
    np.testing.assert_allclose(of_word, of_paper, atol=0.5 / 24 + 0.5 / PAPER)


def test_shading_changes_smoothly_and_keeps_to_its_range():
    light = shares(Shading(darkest=0.5, probability=1))
    assert light.min() >= 0.5 - 1 / PAPER
    assert 0.5 <= light.min() < 0.6
    assert light.max() <= 1
    assert np.abs(np.diff(light, axis=1)).max() < 0.05
    assert np.abs(np.diff(light, axis=2)).max() < 0.05
    assert np.ptp(light, axis=(1, 2)).max() > 0.3


def test_a_shadow_has_one_straight_edge_hard_or_soft():
    widest = []
    for light in shares(Shadow(darkest=0.3, softest=1, probability=1)):
        assert light.min() >= 0.3 - 1 / PAPER
        deep, full = light <= light.min() + 0.02, light >= 0.98
        if light.min() > 0.9 or not (deep.any() and full.any()):
            continue
        between = ~deep & ~full
        widest.append(between.sum() / max(1, min(deep.shape)))
        for side in (deep, full):  # a straight edge leaves two convex sides
            hull = cv2.convexHull(np.argwhere(side).astype(np.float32))
            assert cv2.contourArea(hull) <= side.sum() + sum(side.shape)
    assert len(widest) > 20
    assert min(widest) < 4
    assert max(widest) > 20


def test_shadows_lie_on_every_side():
    corners = shares(Shadow(darkest=0.3, probability=1))[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert ((corners < 0.9).any(axis=0)).all()
    assert ((corners > 0.98).any(axis=0)).all()


def test_paper_darkens_evenly_and_ink_gets_fainter():
    levels, contrasts = [], []
    for seed in range(60):
        changed = Paper(darkest=0.4, faintest=0.5, probability=1)(
            word(), np.random.default_rng(seed)
        )
        paper, ink = int(changed[0, 0]), int(changed[40, 40])
        assert set(np.unique(changed)) == {paper, ink}
        levels.append(paper / PAPER)
        contrasts.append((1 - ink / paper) / (1 - 24 / PAPER))
    assert min(levels) + 1 / PAPER >= 0.4
    assert min(levels) < 0.5
    assert 0.9 < max(levels) <= 1
    assert min(contrasts) + 0.02 >= 0.5
    assert min(contrasts) < 0.6
    assert 0.9 < max(contrasts) <= 1.01


def test_ruled_lines_run_from_side_to_side_within_their_slope_and_strength():
    numbers = set()
    for light in shares(Ruled(thickest=0.05, darkest=0.4, degrees=2, probability=1)):
        assert light.min() >= 0.4 - 1 / PAPER
        numbers.add(np.count_nonzero(np.diff((light[:, WIDTH // 2] < 0.97).astype(int)) == 1))
        for row in np.flatnonzero(light[:, WIDTH // 2] < 0.85):
            reach = round(np.tan(np.radians(2)) * WIDTH / 2) + 3
            around = light[max(0, row - reach) : row + reach + 1]
            if reach <= row < HEIGHT - reach:
                assert (around.min(axis=0) < 0.97).all()
        assert (light > 0.97).mean() > 0.6
    assert {0, 1, 2} <= numbers
