"""Which model to take: error, speed and size of each side by side, and which of them no other beats
in both error and speed. Out of a file of benchmarks end to end:

    python -m pytest benchmarks -k "(test_end_to_end and cold) or test_notebook" --backend onnx \
        --model iam-crnn,iam-words-resnet --data IAM --benchmark-json=zoo.json
    python benchmarks/pareto.py zoo.json

writes ``zoo.md``, a table, and ``zoo.svg``, a plot, beside it. Words a second are those of the best
round, from files to scores, nothing cached. MB are those of the network in one file.
"""

import math
import sys
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

from report import Row, rows_of

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 720, 420, 70, 40, 170, 50
LEAST = 1e-3
"""Error below which a dot is drawn no lower."""
COLOURS = {"float32": "#1f6feb", "int8": "#d1495b"}


def cases_of(groups: dict[str, list[Row]]) -> list[Row]:
    """What was measured end to end, the fastest first. ``front``: no other is both faster and no
    worse. ``times``: its speed by the notebook's way, where that was measured beside it."""
    measured = [
        case | {"rate": case["samples"] / case["best"]}
        for name, cases in groups.items()
        if name.startswith("end to end, cold: ") and name.endswith(", cpu")
        for case in cases
        if case.get("cer") is not None
    ]
    measured.sort(key=lambda case: -case["rate"])
    notebook = next((case for case in measured if case["backend"] == "notebook"), None)
    best = math.inf
    for case in measured:
        case["front"], best = case["cer"] < best, min(best, case["cer"])
        case["times"] = case["rate"] / notebook["rate"] if notebook else None
    return measured


def name_of(case: Row) -> str:
    if case["backend"] == "notebook":
        return "the notebook's way"
    return f"{case['model']}, {case['precision']}"


def table(machine: Row, cases: list[Row]) -> str:
    """As Markdown; the models on the front in bold."""
    processor = machine["cpu"].get("brand_raw", "unknown processor")
    words = "; ".join(sorted({case["words"] for case in cases if "words" in case}))
    lines = [
        f"# {machine['when']}: {processor}, {machine['cores']} cores",
        "",
        f"{words}. In bold: none is faster and reads as well.",
        "",
        "| | CER | words/s | × the notebook's way | MB |",
        "|---|--:|--:|--:|--:|",
    ]
    for case in cases:
        name = f"**{name_of(case)}**" if case["front"] else name_of(case)
        times = "" if case["times"] is None else f"{case['times']:.2f}"
        size = f"{case['file_mb']:.1f}" if case.get("file_mb") else ""
        lines.append(f"| {name} | {case['cer']:.4f} | {case['rate']:,.0f} | {times} | {size} |")
    return "\n".join(lines) + "\n"


def plot(cases: list[Row]) -> str:
    """Error by speed, on logarithmic axes, as SVG; a dot's area is the file's size."""
    rates = [case["rate"] for case in cases]
    errors = [max(case["cer"], LEAST) for case in cases]
    across, down = _scale(rates, LEFT, WIDTH - RIGHT), _scale(errors, HEIGHT - BOTTOM, TOP)
    parts = [
        f'<text x="{LEFT}" y="20" font-size="14">CER by words a second; both logarithmic</text>'
    ]
    parts += [
        f'<text x="{across(value):.1f}" y="{HEIGHT - 15}" text-anchor="middle">{value:,.0f}</text>'
        for value in sorted({min(rates), max(rates)})
    ]
    parts += [
        f'<text x="{LEFT - 15}" y="{down(value) + 4:.1f}" text-anchor="end">{value:.3f}</text>'
        for value in sorted({min(errors), max(errors)})
    ]
    front = " ".join(
        f"{across(case['rate']):.1f},{down(max(case['cer'], LEAST)):.1f}"
        for case in cases
        if case["front"]
    )
    parts.append(f'<polyline points="{front}" fill="none" stroke="#bbb"/>')
    for case in cases:
        x, y = across(case["rate"]), down(max(case["cer"], LEAST))
        radius = 3 + 2 * math.sqrt(case.get("file_mb") or 0)
        colour = COLOURS.get(case.get("precision", ""), "#777")
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colour}" '
            f'fill-opacity="0.7"/><text x="{x + radius + 4:.1f}" y="{y + 4:.1f}">'
            f"{escape(name_of(case))}</text>"
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>'
        f"{''.join(parts)}</svg>\n"
    )


def _scale(values: list[float], first: float, last: float) -> Callable[[float], float]:
    """Takes the smallest value to ``first`` and the largest to ``last``, by their logarithms."""
    low, high = math.log(min(values)), math.log(max(values))
    span = (high - low) or 1.0
    return lambda value: first + (last - first) * (math.log(value) - low) / span


def main(path: Path) -> None:
    machine, groups = rows_of(path)
    cases = cases_of(groups)
    text = table(machine, cases)
    path.with_suffix(".md").write_text(text, encoding="utf-8")
    path.with_suffix(".svg").write_text(plot(cases), encoding="utf-8")
    print(text)
    print(f"wrote {path.with_suffix('.md')} and {path.with_suffix('.svg')}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
