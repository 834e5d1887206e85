"""Installs ocrkit's wheel as users would, into fresh virtual environments, and tries what it
promises there.

    python tools/try_installs.py [PYTHON ...]

Without PYTHON it takes the oldest and the newest that ocrkit runs on, of those on PATH and those
that pyenv keeps. In each: the base, with the newest of everything, with NumPy 1.26 and with NumPy
2, and on the oldest Python with the oldest releases that pyproject.toml allows; every extra; and
the extras together, with the releases of constraints.txt. In each environment `pip check` and
`ocrkit --help` must be content, no other framework may be there than what was asked for, and every
backend must read the sample, all to the same score. It ends with a table, and with status 1 where
anything failed.

PyTorch is tried where pip finds a build of it for the CPU alone; its other builds bring gigabytes
of CUDA.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = ["-c", str(ROOT / "constraints.txt")]
LOWEST = [re.sub(r">=([\d.]+).*", r"==\1.*", line) for line in PROJECT["dependencies"]]
FRAMEWORKS = {"mxnet": "gluon", "torch": "torch", "onnxruntime": "onnx"}
"""The modules of the frameworks, and the backends that need them."""


class FailedError(Exception):
    """A command that ended with another status than 0, or with another result than promised."""


@dataclass(frozen=True)
class Trial:
    """What is installed beside the wheel, and the backends that must work then."""

    name: str
    extras: tuple[str, ...] = ()
    requirements: list[str] = field(default_factory=list)
    backends: frozenset[str] = frozenset({"onnx"})


def run(*command: object, cwd: Path | None = None) -> str:
    """Standard output. Raises FailedError with the end of standard error."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OCRKIT_", "PYTHON"))
    }
    words = [str(part) for part in command]
    done = subprocess.run(words, cwd=cwd, env=clean, capture_output=True, text=True, check=False)  # noqa: S603  (our own)
    if done.returncode:
        raise FailedError(f"{' '.join(map(str, command))}\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


# ------------------------------------------------------------------------------------------ Pythons


def version(python: Path | str) -> tuple[int, int] | None:
    """None for what does not run, such as a shim for a Python that is not chosen."""
    try:
        major, minor = map(
            int,
            run(python, "-c", "import sys, venv, ensurepip; print(*sys.version_info[:2])").split(),
        )
    except (FailedError, OSError):
        return None
    return major, minor


def pythons() -> list[str]:
    """The oldest and the newest that ocrkit runs on."""
    lowest = tuple(map(int, re.findall(r"\d+", PROJECT["requires-python"])))
    candidates = [
        found for minor in range(lowest[1], 100) if (found := shutil.which(f"python3.{minor}"))
    ]
    if shutil.which("pyenv"):
        candidates += map(str, Path(run("pyenv", "root").strip()).glob("versions/*/bin/python"))
    found = {
        number: python for python in candidates if (number := version(python)) and number >= lowest
    }
    return [found[number] for number in sorted({min(found), max(found)})] if found else []


# ------------------------------------------------------------------------------------------- trials


def trials(number: tuple[int, int], oldest: bool) -> Iterator[Trial]:
    """Everything that is tried on a Python of this version."""
    gluon = frozenset(
        {"gluon"} if number < (3, 13) else ()
    )  # MXNet knows no newer Python; there its extra is empty
    base = frozenset({"onnx"})
    yield Trial("base")
    if oldest:
        yield Trial("base, lowest releases", requirements=LOWEST)
    if number < (3, 13):
        yield Trial("base, NumPy 1.26", requirements=["numpy==1.26.*"])
    yield Trial("base, NumPy 2", requirements=["numpy>=2"])
    yield Trial("gluon", ("gluon",), CONSTRAINTS, base | gluon)
    yield Trial("gluon-cu112", ("gluon-cu112",), CONSTRAINTS, base | gluon)
    yield Trial("int8", ("int8",), CONSTRAINTS, base)
    for extras in (("torch",), ("export",), ("dev", "gluon", "torch", "export")):
        backends = base | {"torch"} | (gluon if "gluon" in extras else frozenset())
        yield Trial(", ".join(extras), extras, CONSTRAINTS, backends)


def reason_to_skip(trial: Trial, python: str) -> str | None:
    if "gluon-cu112" in trial.extras and not shutil.which("nvidia-smi"):
        return "no NVIDIA GPU here, and it brings over 2 GB of CUDA libraries"
    if "torch" in trial.backends:
        found = run(
            python, "-m", "pip", "--disable-pip-version-check", "index", "versions", "torch"
        )
        wanted = re.search(
            r"^torch==(\S+)", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE
        )
        if wanted and f"{wanted[1]}+cpu" not in found:
            return f"pip finds no build of torch {wanted[1]} for the CPU alone here"
    return None


def attempt(trial: Trial, python: str, wheel: Path) -> tuple[str, float]:
    """NumPy's version and the character error rate that every backend reads the sample with. Raises
    FailedError."""
    with TemporaryDirectory(prefix="ocrkit-") as folder:
        run(python, "-m", "venv", folder)
        binaries, work = Path(folder) / "bin", Path(folder) / "work"
        work.mkdir()
        pip = (binaries / "python", "-m", "pip", "--disable-pip-version-check")
        extras = f"[{','.join(trial.extras)}]" if trial.extras else ""
        run(*pip, "install", "--quiet", f"ocrkit{extras} @ {wheel.as_uri()}", *trial.requirements)
        run(*pip, "check")
        run(binaries / "ocrkit", "--help")
        script = (
            f"import importlib.util as u; print(*(m for m in {list(FRAMEWORKS)} if u.find_spec(m)))"
        )
        found = {
            FRAMEWORKS[module]
            for module in run(binaries / "python", "-c", script, cwd=work).split()
        }
        if found != trial.backends:
            raise FailedError(
                f"backends that have their framework: {sorted(found)}; expected "
                f"{sorted(trial.backends)}"
            )
        rates = {}
        for backend in sorted(trial.backends):
            output = run(
                binaries / "ocrkit",
                "run",
                "--pipeline",
                "iam-crnn",
                "--backend",
                backend,
                "--json",
                cwd=work,
            )
            result = json.loads(output)
            rates[backend] = result["metrics"]["cer"]["value"]
        if "int8" in trial.extras:
            script = "import ocrkit_iam.reader as iam; print(iam.Iam.sample_root())"
            sample = run(binaries / "python", "-c", script, cwd=work).strip()
            splits = [
                word
                for name in ("split", "validation")
                for word in ("--set", f"training.{name}=all")
            ]
            small = ("--to", "int8.onnx", "--precision", "int8", "--data", sample, *splits)
            run(binaries / "ocrkit", "export", "iam-crnn", *small, cwd=work)
        if "export" in trial.extras:
            run(binaries / "ocrkit", "export", "iam-crnn", "--to", "model.onnx", cwd=work)
        if len(set(rates.values())) > 1:
            raise FailedError(f"the backends do not read the same: {rates}")
        return result["versions"]["numpy"], rates["onnx"]


def main() -> int:
    rows, failed = [], False
    names = sys.argv[1:] or pythons()
    with TemporaryDirectory(prefix="ocrkit-") as folder:
        run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", folder, ROOT)
        wheel = next(Path(folder).glob("*.whl"))
        for python in names:
            number = version(python)
            if number is None:
                raise SystemExit(f"{python}: does not run")
            for trial in trials(number, oldest=python == names[0]):
                start = time.monotonic()
                numpy = rate = ""
                outcome = reason_to_skip(trial, python) or "passed"
                if outcome == "passed":
                    try:
                        numpy, value = attempt(trial, python, wheel)
                        rate = f"{value:.4f}"
                    except FailedError as error:
                        outcome, failed = "FAILED", True
                        print(error, file=sys.stderr)  # noqa: T201  (a script's result)
                else:
                    outcome = f"skipped: {outcome}"
                row = (f"3.{number[1]}", trial.name, ", ".join(sorted(trial.backends)), numpy, rate)
                rows.append((*row, f"{time.monotonic() - start:.0f}", outcome))
                print(".", end="", flush=True, file=sys.stderr)  # noqa: T201
    header = ("Python", "installed", "backends", "NumPy", "CER", "seconds", "")
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    print(  # noqa: T201
        "\n" + "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in (header, *rows))
    )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
