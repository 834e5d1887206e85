"""Makes a table (Markdown) and a plot (SVG) of pytest-benchmark's JSON, beside it: ``report.py FILE.json``."""

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

Row = dict[str, Any]
ROW, LEFT, BAR, RIGHT = 20, 190, 420, 120
VECTORS = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
"""Instructions that products of float32, int8 and bfloat16 live on, as Linux names them."""
COLOURS = {"onnx": "#1f6feb", "torch": "#d1495b", "gluon": "#2e8b57", "notebook": "#777"}


def rows_of(path: Path) -> tuple[Row, dict[str, list[Row]]]:
    """The machine, and the cases by group."""
    found = json.loads(path.read_text("utf-8"))
    groups: dict[str, list[Row]] = defaultdict(list)
    for benchmark in found["benchmarks"]:
        about, times = benchmark["extra_info"], benchmark["stats"]
        name = " ".join(about[key] for key in ("backend", "precision") if key in about) or benchmark["name"].split("_", 1)[1]
        groups[benchmark["group"]].append(about | {"name": name, "best": times["min"], "median": times["median"]})
    return found["machine_info"] | {"when": found["datetime"][:10]}, dict(sorted(groups.items(), key=_by_number))


def _by_number(group: tuple[str, Any]) -> list[int | str]:
    """Batches of 16 before batches of 256 and behind those of 4."""
    return [int(word) if word.isdigit() else word for word in group[0].split()]


def table(machine: Row, groups: dict[str, list[Row]]) -> str:
    """Everything as Markdown. Rates are of each case's best round: others can only slow a machine down."""
    cpu = machine["cpu"]
    vectors = [flag for flag in cpu.get("flags", []) if flag in VECTORS]
    facts = (
        f"{machine['memory_gb']} GB of memory, Linux {machine['kernel']}, Python {machine['python_version']}, "
        f"GPU: {machine['gpu'] or 'none'}. Products of float32 matrices: {machine['gflops_float32']} GFLOP/s. "
        f"Vector instructions: {', '.join(vectors) or 'unknown'}."
    )
    lines = [f"# {machine['when']}: {cpu.get('brand_raw', 'unknown processor')}, {machine['cores']} cores", "", facts, ""]
    versions: dict[str, str] = {"ocrkit": machine["ocrkit"]}
    for cases in groups.values():
        for case in cases:
            versions |= case.get("versions", {})
    lines += [", ".join(f"{name} {number}" for name, number in versions.items()) + ".", ""]
    for group, cases in groups.items():
        lines += [f"## {group}", ""]
        about = {case["words"] for case in cases if "words" in case}
        lines += [f"{'; '.join(sorted(about))}.", ""] if about else []
        lines += ["| | best | median | images/s | × | CER | of the limit | MB |", "|---|--:|--:|--:|--:|--:|--:|--:|"]
        base = next((case for case in cases if case.get("backend") == "notebook"), cases[0])
        lines += [_row(case, base) for case in sorted(cases, key=lambda case: case["best"] / case["samples"])]
        lines += ["", f"× compares with {base['name']}.", ""]
    return "\n".join(lines)


def _row(case: Row, base: Row) -> str:
    rate, base_rate = case["samples"] / case["best"], base["samples"] / base["best"]
    limit = case.get("limit_images_per_second")
    cells = [
        case["name"], _seconds(case["best"]), _seconds(case["median"]), f"{rate:,.0f}", f"{rate / base_rate:.2f}",
        "" if case.get("cer") is None else f"{case['cer']:.4f}", f"{rate / limit:.0%}" if limit else "",
        f"{case['memory_mb']:,.0f}",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.3g} ms"


def plot(groups: dict[str, list[Row]]) -> str:
    """Bars of images a second for the groups that compare networks and whole runs."""
    parts: list[str] = []
    y = 10
    for group, cases in groups.items():
        if not group.startswith(("end to end", "network", "training")):
            continue
        rates = sorted(((case["samples"] / case["best"], case) for case in cases), key=lambda pair: -pair[0])
        parts.append(f'<text x="10" y="{y + 16}" font-weight="bold">{escape(group)}</text>')
        y += ROW + 4
        for rate, case in rates:
            width = BAR * rate / rates[0][0]
            colour = COLOURS.get(case.get("backend", ""), "#8a5fbf")
            parts.append(
                f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(case["name"])}</text>'
                f'<rect x="{LEFT}" y="{y + 3}" width="{width:.1f}" height="{ROW - 6}" fill="{colour}"/>'
                f'<text x="{LEFT + width + 6:.1f}" y="{y + 14}">{rate:,.0f}</text>'
            )
            y += ROW
        y += 12
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + BAR + RIGHT}" height="{y}" font-family="sans-serif" '
        f'font-size="12"><rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n'
    )


def main(path: Path) -> None:
    machine, groups = rows_of(path)
    path.with_suffix(".md").write_text(table(machine, groups), encoding="utf-8")
    path.with_suffix(".svg").write_text(plot(groups), encoding="utf-8")
    print(f"wrote {path.with_suffix('.md')} and {path.with_suffix('.svg')}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
