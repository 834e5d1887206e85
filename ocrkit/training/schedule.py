"""How the learning rate changes over a run."""

import math


def learning_rate(step: int, steps: int, *, peak: float, warmup: float, schedule: str) -> float:
    """The rate of a step (from 0) of so many: a linear rise to the peak over the first ``warmup``
    share of them, then constant, or half a cosine down to zero (Loshchilov & Hutter 2017, without
    restarts)."""
    rising = math.ceil(warmup * steps)
    if step < rising:
        return peak * (step + 1) / rising
    if schedule == "constant":
        return peak
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))
