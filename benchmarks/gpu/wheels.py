"""Fetches the wheels that a machine with PyTorch, but without a package index, lacks.

    python benchmarks/gpu/wheels.py --to wheels --there pip-list.txt

``pip-list.txt`` is what ``python3 -m pip list`` printed there: what it names is left out. The rest
is for CPython 3.12 on Linux on x86-64. ``opencv-python-headless`` alone is larger than all others
together and may have to be a package of its own, ``--only opencv-python-headless``.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

NEEDED = (
    # what ocrkit depends on, less NumPy, which PyTorch brings, and ONNX Runtime, which is not run
    "click",
    "jinja2",
    "markdown-it-py",
    "markupsafe",
    "mdurl",
    "opencv-python-headless",
    "pillow",
    "pluggy",
    "pygments",
    "rapidfuzz",
    "rich",
    "safetensors",
    "tomli-w",
    # tests and benchmarks
    "hypothesis",
    "iniconfig",
    "packaging",
    "py-cpuinfo",
    "pytest",
    "pytest-benchmark",
    "sortedcontainers",
)
GLIBC = (28, 27, 17)
"""Of the platforms manylinux_2_N, of which pip takes only those that it is told."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--to", required=True, type=Path, metavar="DIR")
    parser.add_argument("--there", type=Path, metavar="FILE", help="pip's list of that machine")
    parser.add_argument("--only", action="append", metavar="NAME")
    arguments = parser.parse_args()
    listed = arguments.there.read_text("utf-8") if arguments.there else ""
    there = {_canonical(line.split()[0]) for line in listed.splitlines() if line.strip()}
    names = [name for name in arguments.only or NEEDED if _canonical(name) not in there]
    if names:
        target = ["--python-version", "3.12", "--implementation", "cp"]
        platforms = [f"manylinux_2_{minor}_x86_64" for minor in GLIBC]
        for platform in (*platforms, "manylinux2014_x86_64", "manylinux1_x86_64"):
            target += ["--platform", platform]
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*command, *target, "-d", str(arguments.to), *names], check=True)
    for path in sorted(arguments.to.glob("*.whl")):
        print(f"{path.stat().st_size / (1 << 20):7.2f} MiB  {path.name}")


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
