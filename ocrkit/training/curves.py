"""Training curves as an SVG picture, from the epochs of a run's log."""

import math
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from ocrkit.scoring.counts import full_name
from ocrkit.support.scales import round_up

WIDTH, HEIGHT = 420, 260
"""Of a panel, in pixels."""
_COLUMNS = 2
_LEFT, _TOP, _RIGHT, _BOTTOM = 56, 60, 20, 44
_ACROSS, _DOWN = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
_PARTS = 5
"""Of an axis, between its ticks."""
_STYLE = """
text { fill: #1b1f24; } .soft { fill: #5d6673; } .ground { fill: #fff; } .grid { stroke: #dde1e6; }
.curve { fill: none; stroke-width: 2; } .best { fill: none; stroke: #1b1f24; stroke-width: 1.5; }
.c0 { stroke: #2458b3; fill: #2458b3; } .c1 { stroke: #b3261e; fill: #b3261e; }
.c2 { stroke: #1a703c; fill: #1a703c; } .c3 { stroke: #7a4fb0; fill: #7a4fb0; }
polyline.curve { fill: none; }
@media (prefers-color-scheme: dark) {
text { fill: #e6e9ed; } .soft { fill: #9aa4b1; } .ground { fill: #14171b; }
.grid { stroke: #343b44; } .best { stroke: #e6e9ed; }
.c0 { stroke: #8ab4f8; fill: #8ab4f8; } .c1 { stroke: #ffb4ab; fill: #ffb4ab; }
.c2 { stroke: #7fd19b; fill: #7fd19b; } .c3 { stroke: #c9a6f5; fill: #c9a6f5; }
}
"""
_COLOURS = 4


def draw_curves(history: Sequence[Mapping[str, Any]]) -> str:
    """An SVG with the training loss and the validation scores over the epochs, each from 0 to a
    round number, two panels in a row. It is dark where the page that it stands on is.

    A ring marks the best epoch, whose weights the run keeps. Epoch 0, where there is one, has
    scores and no loss.
    """
    names = list(history[0].get("validation") or {})
    losses = [(line["epoch"], float(line["loss"])) for line in history if "loss" in line]
    curves = [("Training loss", losses)] if losses else []
    for name in names:
        full = full_name(name)
        points = [(line["epoch"], float(line["validation"][name] or 0.0)) for line in history]
        said = f"{full} ({name})" if full != name else name
        curves.append((f"{said}, validation", points))
    best = next((line["epoch"] for line in reversed(history) if line.get("best")), None)
    epochs = history[0]["epoch"], history[-1]["epoch"]
    panels = [
        _panel(title, points, epochs, best, index) for index, (title, points) in enumerate(curves)
    ]
    width = WIDTH * min(len(panels), _COLUMNS)
    height = HEIGHT * -(-len(panels) // _COLUMNS)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" font-size="12">'
        f'<style>{_STYLE}</style><rect class="ground" width="100%" height="100%"/>'
        f"{''.join(panels)}</svg>\n"
    )


def _panel(
    title: str,
    curve: Sequence[tuple[int, float]],
    epochs: tuple[int, int],
    best: int | None,
    index: int,
) -> str:
    """A curve through points of an epoch and a value each."""
    values = [value for _, value in curve]
    low = -round_up(-min(values))
    high = round_up(max(values)) or (0.0 if low else 1.0)
    first, last = epochs

    def point(epoch: float, value: float) -> tuple[float, float]:
        x = _LEFT + _ACROSS * (epoch - first) / max(1, last - first)
        return x, _TOP + _DOWN * (high - value) / (high - low)

    colour = f"c{index % _COLOURS}"
    points = [point(epoch, value) for epoch, value in curve]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    marks = "".join(
        f'<circle class="{colour}" cx="{x:.1f}" cy="{y:.1f}" r="2"/>' for x, y in points
    )
    marks += "".join(
        f'<circle class="best" cx="{x:.1f}" cy="{y:.1f}" r="6"/>'
        for (epoch, _), (x, y) in zip(curve, points, strict=True)
        if epoch == best
    )
    down = "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{_LEFT + _ACROSS}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="soft" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:.4g}</text>'
        for value in (low + (high - low) * part / _PARTS for part in range(_PARTS + 1))
        for _, y in (point(first, value),)
    )
    across = "".join(
        f'<text class="soft" x="{point(epoch, 0)[0]:.1f}" y="{_TOP + _DOWN + 18}" '
        f'text-anchor="middle">{epoch}</text>'
        for epoch in _whole_ticks(first, last)
    )
    row, column = divmod(index, _COLUMNS)
    return (
        f'<g transform="translate({column * WIDTH} {row * HEIGHT})">'
        f'<text x="{_LEFT}" y="22" font-size="14" font-weight="600">{escape(title)}</text>'
        f'<text class="soft" x="{_LEFT}" y="42">{_said(curve, best)}</text>{down}{across}'
        f'<polyline class="curve {colour}" points="{line}"/>{marks}'
        f'<text class="soft" x="{_LEFT + _ACROSS / 2}" y="{HEIGHT - 8}" text-anchor="middle">'
        "epoch</text></g>"
    )


def _said(curve: Sequence[tuple[int, float]], best: int | None) -> str:
    """The value at the best epoch, and at the last where that is another."""
    epoch, value = curve[-1]
    of_best = next((score for number, score in curve if number == best), None)
    if best == epoch or of_best is None:
        return f"{value:.4g} at epoch {epoch}, the last{' and best' * (best == epoch)}"
    return f"{of_best:.4g} at epoch {best}, the best; {value:.4g} at epoch {epoch}, the last"


def _whole_ticks(first: int, last: int) -> range:
    """Round epochs from the first to the last."""
    step = max(1, math.ceil(round_up((last - first) / _PARTS)))
    return range(-(-first // step) * step, last + 1, step)
