"""Training curves as an SVG picture, from the epochs of a run's log."""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

WIDTH, HEIGHT, MARGIN = 420, 260, 44
_COLOURS = ("#1f6feb", "#d1495b", "#2e8b57", "#8a5fbf")


def draw_curves(history: Sequence[Mapping[str, Any]]) -> str:
    """An SVG with the training loss and the validation scores over the epochs, each scaled from 0
    to its highest.

    Epoch 0, where there is one, has scores and no loss.
    """
    names = list(history[0].get("validation") or {})
    losses = [(line["epoch"], float(line["loss"])) for line in history if "loss" in line]
    curves = [("training loss", losses)] if losses else []
    curves += [
        (
            f"validation {name}",
            [(line["epoch"], float(line["validation"][name] or 0.0)) for line in history],
        )
        for name in names
    ]
    panels = [
        _panel(title, points, _COLOURS[index % len(_COLOURS)], index)
        for index, (title, points) in enumerate(curves)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH * len(panels)}" height="{HEIGHT}" '
        'font-family="sans-serif" '
        f'font-size="11"><rect width="100%" height="100%" fill="white"/>{"".join(panels)}</svg>\n'
    )


def _panel(title: str, curve: Sequence[tuple[int, float]], colour: str, index: int) -> str:
    """A curve through points of an epoch and a value each."""
    epochs, values = [epoch for epoch, _ in curve], [value for _, value in curve]
    low, high = min(0.0, *values), max(0.0, *values) or 1.0
    first, last = epochs[0], epochs[-1]
    across, down = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN

    def point(epoch: int, value: float) -> tuple[float, float]:
        x = MARGIN + across * (epoch - first) / max(1, last - first)
        return x, MARGIN + down * (high - value) / (high - low)

    points = [point(epoch, value) for epoch, value in curve]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    marks = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in points
    )
    grid = "".join(
        f'<line x1="{MARGIN}" x2="{MARGIN + across}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
        f'<text x="{MARGIN - 5}" y="{y + 4:.1f}" text-anchor="end">{value:.3g}</text>'
        for value in (low + (high - low) * part / 4 for part in range(5))
        for y in (point(first, value)[1],)
    )
    end = f"{values[-1]:.4g} after {last} epoch{'s' * (last != 1)}"
    return (
        f'<g transform="translate({index * WIDTH} 0)">'
        f'<text x="{MARGIN}" y="24" font-size="13">{escape(title)}: {end}</text>{grid}'
        f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>{marks}'
        f'<text x="{MARGIN}" y="{HEIGHT - 22}">{first}</text>'
        f'<text x="{MARGIN + across}" y="{HEIGHT - 22}" text-anchor="end">{last}</text>'
        f'<text x="{MARGIN + across / 2}" y="{HEIGHT - 22}" text-anchor="middle">epoch</text></g>'
    )
