"""Tables in Markdown, and a plot, out of what was measured."""

import math
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

PAGE_SCORES = {
    "line-f1": "line F1",
    "page-cer": "page CER",
    "order-free-cer": "order-free CER",
    "word-box-f1": "word boxes F1",
}
LINE_SCORES = {"cer": "CER", "wer": "WER"}
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 720, 420, 70, 40, 170, 50
OURS, THEIRS = "#1f6feb", "#777777"
Row = dict[str, Any]


def tables(results: dict[str, Any]) -> str:
    """What was installed, then pages and lines of each data set."""
    machine = results["machine"]
    lines = [
        f"# {results['when']}: {machine['processor']}",
        "",
        f"{machine['used']} of {machine['processors']} processors, {machine['memory_gb']} GB.",
        "",
        f"    {results['command']}",
        "",
        *installed(results),
    ]
    for name, data in results["data"].items():
        for task in ("pages", "lines"):
            rows = [row for row in results["rows"] if (row["data"], row["task"]) == (name, task)]
            if rows:
                split = f" ({data['reader']}, {data['split']})"
                lines += ["", f"## {name}{split}: {data[task]} {task}", "", *measured(rows)]
    return "\n".join(lines) + "\n"


def installed(results: dict[str, Any]) -> list[str]:
    """Environments: how long they take to make, and how large they are."""
    versions = {
        row["environment"]: ", ".join(f"{name} {of}" for name, of in row["versions"].items())
        for row in results["rows"]
        if "versions" in row
    }
    lines = ["| installed | versions | MB | seconds | with |", "|---|---|--:|--:|---|"]
    for each in results["environments"]:
        seconds = "" if each["seconds"] is None else f"{each['seconds']:.0f}"
        size = each["error"] or f"{each['megabytes']:,.0f}"
        with_ = f"`{' '.join(each['installs'])}`"
        of = versions.get(each["name"], "")
        lines.append(f"| {each['name']} | {of} | {size} | {seconds} | {with_} |")
    return lines


def measured(rows: list[Row]) -> list[str]:
    """Of one task on one data set; the best of each column in bold."""
    scores = PAGE_SCORES if rows[0]["task"] == "pages" else LINE_SCORES
    columns: list[tuple[str, Callable[[Row], float | None], bool, str]] = [
        ("n", lambda row: row["read"], True, "d"),
        ("seconds", lambda row: row["seconds"], False, ".2f"),
        ("of processors", lambda row: row["processor_seconds"], False, ".2f"),
        ("first", lambda row: row["first_seconds"], False, ".1f"),
        ("MB", lambda row: row["memory_mb"], False, ",.0f"),
        *(
            (head, lambda row, name=name: _value(row, name), name.endswith("f1"), ".3f")
            for name, head in scores.items()
        ),
    ]
    good = [row for row in rows if "error" not in row]
    best = {
        head: (max if higher else min)(values)
        for head, get, higher, _ in columns
        if (values := [value for row in good if (value := get(row)) is not None])
    }
    heads = ["", *(head for head, *_ in columns), "stages"]
    lines = [f"| {' | '.join(heads)} |", "|---|" + "--:|" * len(columns) + "---|"]
    for row in rows:
        if "error" in row:
            lines.append(f"| {row['peer']} | {row['error']} |" + " |" * len(columns))
            continue
        cells = []
        for head, get, _, form in columns:
            value = get(row)
            cell = "" if value is None else format(value, form)
            cells.append(f"**{cell}**" if cell and head != "n" and value == best[head] else cell)
        stages = ", ".join(f"{name} {value:.2f}" for name, value in row["stages"].items())
        lines.append(f"| {row['peer']} | {' | '.join(cells)} | {stages} |")
    return lines


def _value(row: Row, name: str) -> float | None:
    score = row["scores"].get(name)
    return None if score is None else score["value"]


def plot(results: dict[str, Any]) -> str:
    """Order-free CER by seconds of processors a page, on logarithmic axes, as SVG: a dot for each
    peer and data set."""
    rows = [
        row
        for row in results["rows"]
        if row["task"] == "pages" and "error" not in row and _value(row, "order-free-cer")
    ]
    title = "Order-free CER by seconds of processors a page, both logarithmic; below left is better"
    parts = [f'<text x="{LEFT}" y="20" font-size="13">{title}</text>']
    if rows:
        parts += _dots(rows)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>'
        f"{''.join(parts)}</svg>\n"
    )


def _dots(rows: list[Row]) -> list[str]:
    seconds = [row["processor_seconds"] for row in rows]
    errors = [_value(row, "order-free-cer") or 1.0 for row in rows]
    across = _scale(seconds, LEFT, WIDTH - RIGHT)
    down = _scale(errors, HEIGHT - BOTTOM, TOP)
    parts = [
        f'<text x="{across(value):.1f}" y="{HEIGHT - 15}" text-anchor="middle">{value:.2f} s</text>'
        for value in sorted({min(seconds), max(seconds)})
    ]
    parts += [
        f'<text x="{LEFT - 12}" y="{down(value) + 4:.1f}" text-anchor="end">{value:.3f}</text>'
        for value in sorted({min(errors), max(errors)})
    ]
    for row, spent, error in zip(rows, seconds, errors, strict=True):
        x, y = across(spent), down(error)
        colour = OURS if row["environment"] == "ocrkit" else THEIRS
        name = escape(f"{row['peer']}, {row['data']}")
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}" fill-opacity="0.7"/>'
            f'<text x="{x + 8:.1f}" y="{y + 4:.1f}">{name}</text>'
        )
    return parts


def _scale(values: list[float], first: float, last: float) -> Callable[[float], float]:
    """Takes the smallest value to ``first`` and the largest to ``last``, by their logarithms."""
    low, high = math.log(min(values)), math.log(max(values))
    span = (high - low) or 1.0
    return lambda value: first + (last - first) * (math.log(value) - low) / span
