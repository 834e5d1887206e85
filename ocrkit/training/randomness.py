"""Random numbers that depend on the seed and the position in training alone, so that a run can be
resumed anywhere."""

import numpy as np

ORDER, AUGMENT, STEP, WINDOW, TEACHER, TEACHING = 1, 2, 3, 4, 5, 6
"""Streams of random numbers, told apart by the first number after the seed."""


def random_at(seed: int, *position: int) -> np.random.Generator:
    return np.random.default_rng([seed, *position])
