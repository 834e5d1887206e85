"""Makes a table (Markdown) and a plot (SVG) beside a pytest-benchmark JSON file, and prints ratios:
``report.py FILE.json``."""

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
        name = (
            " ".join(about[key] for key in ("backend", "precision") if key in about)
            or benchmark["name"].split("_", 1)[1]
        )
        groups[benchmark["group"]].append(
            about | {"name": name, "best": times["min"], "median": times["median"]}
        )
    limits: dict[tuple[str, ...], float] = {}

    def limit_of(case: Row) -> tuple[str, ...]:
        """A CPU's is of float32 alone; a GPU's of the precision, and of training apart."""
        precision = "" if case["device"] == "cpu" else case["precision"]
        return case["model"], case["device"], precision, str(case.get("passes", 1))

    measured = [
        case for cases in groups.values() for case in cases if "limit_images_per_second" in case
    ]
    for case in measured:  # others on a machine can only slow it down
        limits[limit_of(case)] = max(
            limits.get(limit_of(case), 0.0), case["limit_images_per_second"]
        )
    for case in measured:
        case["limit_images_per_second"] = limits[limit_of(case)]
    about = {"when": found["datetime"][:10], "gflops_float32": found["gflops_float32"]}
    return found["machine_info"] | about, dict(sorted(groups.items(), key=_by_number))


def _by_number(group: tuple[str, Any]) -> list[int | str]:
    """Batches of 16 before batches of 256 and behind those of 4."""
    return [int(word) if word.isdigit() else word for word in group[0].split()]


def table(machine: Row, groups: dict[str, list[Row]]) -> str:
    """Everything as Markdown. Rates are of each case's best round: others can only slow a machine
    down."""
    cpu = machine["cpu"]
    vectors = [flag for flag in cpu.get("flags", []) if flag in VECTORS]
    facts = (
        f"{machine['memory_gb']} GB of memory, Linux {machine['kernel']}, Python "
        f"{machine['python_version']}, "
        f"GPU: {machine['gpu'] or 'none'}. Products of float32 matrices: "
        f"{machine['gflops_float32']} GFLOP/s. "
        f"Vector instructions: {', '.join(vectors) or 'unknown'}. "
        "MB is the whole process's memory at that time, earlier cases' networks included; of a "
        "GPU's the most in use."
    )
    lines = [f"# {_title(machine)}", "", facts, ""]
    versions: dict[str, str] = {"ocrkit": machine["ocrkit"]}
    for cases in groups.values():
        for case in cases:
            versions |= case.get("versions", {})
    lines += [", ".join(f"{name} {number}" for name, number in versions.items()) + ".", ""]
    if found := ratios(groups):
        lines += [
            "## What is compared",
            "",
            "| | |",
            "|---|--:|",
            *(f"| {what} | {value} |" for what, value in found),
            "",
        ]
    for group, cases in groups.items():
        lines += [f"## {group}", ""]
        about = {case["words"] for case in cases if "words" in case}
        lines += [f"{'; '.join(sorted(about))}.", ""] if about else []
        lines += [
            "| | best | median | images/s | × | CER | of the limit | of memory's | MB |",
            "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
        ]
        base = next((case for case in cases if case.get("backend") == "notebook"), cases[0])
        lines += [_row(case, base) for case in sorted(cases, key=_rate, reverse=True)]
        lines += ["", f"× compares with {base['name']}.", ""]
    return "\n".join(lines)


def _title(machine: Row) -> str:
    name = machine["gpu"] or machine["cpu"].get("brand_raw", "unknown processor")
    return f"{machine['when']}: {name}, {machine['cores']} cores"


def ratios(groups: dict[str, list[Row]]) -> list[tuple[str, str]]:
    """What the benchmarks are there to decide, as far as its cases were measured: rates by rates,
    times by times."""
    found: list[tuple[str, str]] = []
    for group, cases in groups.items():
        if not (group.startswith("end to end, cold: ") and group.endswith(", cpu")):
            continue
        model = group.removeprefix("end to end, cold: ").removesuffix(", cpu")
        alone = {
            case["name"]: case
            for case in groups.get(f"network alone: {model}, cpu, batches of 64", [])
        }
        notebook = next((case for case in cases if case["backend"] == "notebook"), None)
        for case in (case for case in cases if notebook and case is not notebook):
            cer = f", CER {100 * (case['cer'] - notebook['cer']):+.2f} points"
            found.append(
                (
                    f"{model}, end to end: {case['name']} / the notebook's way",
                    f"{_rate(case) / _rate(notebook):.2f}{cer}",
                )
            )
        for case in alone.values():
            limit = case["limit_images_per_second"]
            found.append(
                (
                    f"{model}, network alone: {case['name']} / the machine's limit",
                    f"{_rate(case) / limit:.0%}",
                )
            )
        for case in (case for case in cases if case["name"] in alone):
            share = _rate(case) / _rate(alone[case["name"]])
            found.append((f"{model}, {case['name']}: end to end / network alone", f"{share:.0%}"))
    best = {
        case["what"]: case["best"] for cases in groups.values() for case in cases if "what" in case
    }
    for what, above, below in (
        ("start on a data set: cold / cached", "cold", "cached"),
        (
            "processes: first text / imports of ONNX Runtime, OpenCV and NumPy",
            "first-text",
            "imports",
        ),
    ):
        if above in best and below in best:
            found.append((what, f"{best[above] / best[below]:.2f}"))
    if "help" in best and "interpreter" in best:
        found.append(
            (
                "processes: --help less an empty interpreter",
                _seconds(best["help"] - best["interpreter"]),
            )
        )
    return found


def _rate(case: Row) -> float:
    """Images a second in the best round."""
    return float(case["samples"] / case["best"])


def _row(case: Row, base: Row) -> str:
    rate, base_rate = _rate(case), _rate(base)
    limit, memory = (case.get(f"{name}limit_images_per_second") for name in ("", "memory_"))
    batches = case.get("batches", 1)  # in a round
    cells = [
        case["name"],
        _seconds(case["best"] / batches),
        _seconds(case["median"] / batches),
        f"{rate:,.0f}",
        f"{rate / base_rate:.2f}",
        "" if case.get("cer") is None else f"{case['cer']:.4f}",
        f"{rate / limit:.0%}" if limit else "",
        f"{rate / memory:.0%}" if memory else "",
        f"{case['memory_mb']:,.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.3g} ms"


def plot(machine: Row, groups: dict[str, list[Row]]) -> str:
    """Bars of images a second for the groups that compare networks and whole runs."""
    parts = [
        (
            '<text x="10" y="24" font-size="14">Images a second, best rounds. '
            f"{escape(_title(machine))}</text>"
        )
    ]
    y = 42
    for group, cases in groups.items():
        if not group.startswith(("end to end", "network", "training")):
            continue
        rates = sorted(((_rate(case), case) for case in cases), key=lambda pair: -pair[0])
        parts.append(f'<text x="10" y="{y + 16}" font-weight="bold">{escape(group)}</text>')
        y += ROW + 4
        for rate, case in rates:
            width = BAR * rate / rates[0][0]
            colour = COLOURS.get(case.get("backend", ""), "#8a5fbf")
            parts.append(
                f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(case["name"])}</text>'
                f'<rect x="{LEFT}" y="{y + 3}" width="{width:.1f}" height="{ROW - 6}" '
                f'fill="{colour}"/>'
                f'<text x="{LEFT + width + 6:.1f}" y="{y + 14}">{rate:,.0f}</text>'
            )
            y += ROW
        y += 12
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + BAR + RIGHT}" height="{y}" '
        'font-family="sans-serif" '
        f'font-size="12"><rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n'
    )


def main(path: Path) -> None:
    machine, groups = rows_of(path)
    path.with_suffix(".md").write_text(table(machine, groups), encoding="utf-8")
    path.with_suffix(".svg").write_text(plot(machine, groups), encoding="utf-8")
    for what, value in ratios(groups):
        print(f"{what:<80} {value}")
    print(f"wrote {path.with_suffix('.md')} and {path.with_suffix('.svg')}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
