"""Where on a sheet lines of writing go: columns, headings, notes in the margin, tables, spreads."""

import random
from dataclasses import dataclass, field
from itertools import pairwise

Box = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels of the sheet."""


_NARROWEST = 9
"""A column is so many times as wide as lines are apart at least."""


@dataclass(frozen=True)
class Slot:
    """A place for a line."""

    region: str
    left: float
    right: float
    y: float
    """Of its baseline at the left end."""
    fill: float = 1.0
    """Share of the width that is written on."""
    hand: str = "main"
    """Who writes: ``main``, ``small`` in margins, ``large`` for headings, or ``print``."""
    to_the_right: bool = False
    """Whether it ends at the right end, as dates and signatures do."""
    underlined: bool = False


@dataclass
class Layout:
    """A sheet's, or a spread's, lines in reading order."""

    width: int
    height: int
    distance: float
    """Between lines, in pixels."""
    slots: list[Slot] = field(default_factory=list)
    regions: dict[str, str] = field(default_factory=dict)
    """Kinds by id, in reading order."""
    rules: list[tuple[float, float, float, float]] = field(default_factory=list)
    """Lines that are drawn, of tables and between columns: two ends each."""
    gutter: float | None = None
    """Where a spread is folded."""

    def region(self, kind: str) -> str:
        name = f"r{len(self.regions) + 1}"
        self.regions[name] = kind
        return name


def lay_out(width: int, x_height: float, rng: random.Random) -> Layout:
    """Plans a sheet of this width for writing whose small letters are so high; see
    :class:`Layout`."""
    distance = x_height * rng.uniform(2.3, 4.5)
    spread = rng.random() < 0.08
    shape = rng.uniform(0.62, 0.8) if spread else rng.choice((0.7, 1.2, 1.3, 1.41, 1.41, 1.5))
    layout = Layout(width, round(width * shape), distance)
    if spread:
        layout.gutter = width / 2
        for left in (0.0, width / 2):
            _sheet(layout, (left, 0.0, left + width / 2, layout.height), rng)
    else:
        _sheet(layout, (0.0, 0.0, width, layout.height), rng)
    return layout


def _sheet(layout: Layout, box: Box, rng: random.Random) -> None:
    left, top, right, bottom = box
    width, distance = right - left, layout.distance
    notes = rng.choice(("left", "right")) if rng.random() < 0.25 else None
    inner_left = left + width * (
        rng.uniform(0.24, 0.32) if notes == "left" else rng.uniform(0.06, 0.16)
    )
    inner_right = right - width * (
        rng.uniform(0.24, 0.32) if notes == "right" else rng.uniform(0.05, 0.1)
    )
    y = top + max(0.05 * layout.height, distance) + distance * rng.uniform(0.5, 2)
    y = _head(layout, (inner_left, y, inner_right, bottom), rng)
    end = bottom - layout.height * rng.uniform(0.05, 0.12)
    if rng.random() < 0.3:  # a page that is not full
        end = y + (end - y) * rng.uniform(0.05, 0.8)
    inner = (inner_left, y, inner_right, end)
    kind = rng.random()
    if kind < 0.08:
        _table(layout, inner, rng)
    else:
        columns = 1 if kind < 0.78 else rng.choice((2, 2, 3))
        columns = max(1, min(columns, int(width / (_NARROWEST * distance))))
        _columns(layout, inner, columns, rng)
        if columns == 1 and layout.slots and rng.random() < 0.15:
            _sign(layout, inner, rng)
    if notes:
        edges = (left + 0.03 * width, inner_left - 0.02 * width)
        if notes == "right":
            edges = (inner_right + 0.02 * width, right - 0.03 * width)
        _notes(layout, (edges[0], y, edges[1], end), rng)


def _head(layout: Layout, box: Box, rng: random.Random) -> float:
    """What stands above the text; gives where the text's first line may stand."""
    left, y, right, _ = box
    distance, width = layout.distance, right - left
    if rng.random() < 0.15:  # a printed head
        region = layout.region("printed")
        for _ in range(rng.randint(1, 3)):
            start = left + width * rng.uniform(0, 0.3)
            layout.slots.append(Slot(region, start, right, y, rng.uniform(0.3, 0.8), "print"))
            y += distance * rng.uniform(1, 1.4)
    if rng.random() < 0.2:
        start, fill = left + width * 0.85, rng.uniform(0.3, 0.9)
        layout.slots.append(Slot(layout.region("number"), start, right, y, fill, "main", True))
        y += distance * rng.uniform(1, 2)
    if rng.random() < 0.2:
        start = left + width * rng.uniform(0.45, 0.6)
        layout.slots.append(Slot(layout.region("date"), start, right, y, 0.9, "main", True))
        y += distance * rng.uniform(1, 2)
    if rng.random() < 0.3:
        start = left + width * rng.uniform(0, 0.35)
        y += 0.3 * distance
        underlined = rng.random() < 0.5
        region = layout.region("heading")
        layout.slots.append(
            Slot(region, start, right, y, rng.uniform(0.3, 0.9), "large", underlined=underlined)
        )
        y += distance * rng.uniform(1.3, 2.2)
    return y


def _columns(layout: Layout, box: Box, count: int, rng: random.Random) -> None:
    left, top, right, bottom = box
    gap = rng.uniform(0.03, 0.07) * (right - left)
    wide = (right - left - (count - 1) * gap) / count
    ruled = rng.random() < 0.4
    for number in range(count):
        start = left + number * (wide + gap)
        if ruled and number:
            layout.rules.append((start - gap / 2, top - layout.distance, start - gap / 2, bottom))
        _column(layout, (start, top, start + wide, bottom), rng)


def _column(layout: Layout, box: Box, rng: random.Random) -> None:
    left, y, right, bottom = box
    distance, whole = layout.distance, rng.random() < 0.5
    indent, gap = rng.choice((0, 0, 0.05, 0.1)), rng.choice((0, 0, 0.5, 1.0))
    ragged = rng.uniform(0, 0.12)
    as_list = rng.random() < 0.15
    region = layout.region("paragraph") if whole else ""
    while y <= bottom:
        if not whole:
            region = layout.region("paragraph")
        lines = rng.randint(1, 12)
        for number in range(lines):
            if y > bottom:
                break
            last = number == lines - 1 or as_list
            fill = rng.uniform(0.15, 0.95) if last else 1 - rng.random() * ragged
            start = left + (right - left) * indent * (number == 0)
            layout.slots.append(Slot(region, start, right, y, fill))
            y += distance * rng.uniform(0.96, 1.04)
        y += gap * distance


def _sign(layout: Layout, box: Box, rng: random.Random) -> None:
    """A signature under the text, where there is room."""
    left, _, right, _ = box
    y = max(slot.y for slot in layout.slots) + layout.distance * rng.uniform(1, 2)
    if y < layout.height - layout.distance:
        start = left + 0.5 * (right - left)
        layout.slots.append(Slot(layout.region("signature"), start, right, y, 0.7, "large", True))


def _notes(layout: Layout, box: Box, rng: random.Random) -> None:
    left, y, right, bottom = box
    for _ in range(rng.randint(1, 3)):
        y += layout.distance * rng.uniform(0, 6)
        region = ""
        for _ in range(rng.randint(1, 5)):
            if y > bottom:
                return
            region = region or layout.region("margin")
            layout.slots.append(Slot(region, left, right, y, rng.uniform(0.6, 1), "small"))
            y += 0.8 * layout.distance


def _table(layout: Layout, box: Box, rng: random.Random) -> None:
    """Rows from left to right; a region for all of it."""
    left, top, right, bottom = box
    count, distance = rng.randint(2, 5), layout.distance
    shares = [rng.uniform(0.5, 2) for _ in range(count)]
    edges = [left]
    for share in shares:
        edges.append(edges[-1] + (right - left) * share / sum(shares))
    region, pitch = layout.region("table"), distance * rng.uniform(1.1, 1.8)
    if rng.random() < 0.7:
        layout.rules += [(x, top - distance, x, bottom) for x in edges]
    ruled, y = rng.random() < 0.5, top
    while y <= bottom:
        if ruled:
            layout.rules.append((left, y + 0.35 * distance, right, y + 0.35 * distance))
        for start, end in pairwise(edges):
            if rng.random() < 0.85:
                pad = 0.03 * (end - start) + 3
                fill = rng.uniform(0.3, 1)
                layout.slots.append(Slot(region, start + pad, end - pad, y, fill))
        y += pitch
