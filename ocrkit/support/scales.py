"""Round numbers for axes and scales."""

import math


def round_up(value: float) -> float:
    """The next of 1, 2, 5 and ten times, a hundred times … and a tenth, a hundredth … of these; 0
    for 0 and less.

    >>> round_up(0.13), round_up(37), round_up(5)
    (0.2, 50.0, 5.0)
    """
    if value <= 0:
        return 0.0
    power = math.floor(math.log10(value))
    steps = (float(f"{step}e{power}") for step in (1, 2, 5, 10))
    return next((step for step in steps if step >= value), value)
