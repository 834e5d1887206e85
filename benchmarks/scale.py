"""A run over very many words, through ocrkit's command line: ``python benchmarks/scale.py 10000
1000000``.

A plugin of its own repeats the sample that ships with ocrkit. Prints, for every number of words,
the seconds, the microseconds of processor time a word beyond what one word takes, and the most
memory that the process took, also as a multiple of the first run's. With ``--interrupt`` the last
run is killed half way, continued with ``--resume``, and both results are compared.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

import numpy as np

PLUGIN = Path(__file__).with_name("repeat")
"""A folder with the package ocrkit_repeat and its entry point, as pip would install it."""
MEASURE = """
import resource, sys
from ocrkit.cli import main
try:
    main(sys.argv[1:])
finally:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, file=sys.stderr)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="+", type=int)
    parser.add_argument(
        "--network", action="store_true", help="iam-crnn's own network instead of next to none"
    )
    parser.add_argument("--interrupt", action="store_true")
    options = parser.parse_args()
    sys.path.insert(0, str(PLUGIN))  # before plugins are looked for
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pipeline = "iam-crnn" if options.network else _tiny(folder)
        least = 0.0
        begin, _ = _measured(folder, pipeline, 1, folder / "one.jsonl")
        for words in options.words:
            output = folder / f"{words}.jsonl"
            start = time.perf_counter()
            seconds, memory = _measured(folder, pipeline, words, output)
            wall = time.perf_counter() - start
            least = least or memory
            print(
                f"{words:>9,} words: {wall:7.1f} s, {(seconds - begin) / words * 1e6:6.0f} µs of "
                "processor time a word, "
                f"{memory / 1e6:.0f} MB ({memory / least:.2f} times the first)",
                flush=True,
            )
        if options.interrupt:
            _interrupted(folder, pipeline, words, output)


def _environment(folder: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(PLUGIN), "OCRKIT_CACHE": str(folder / "cache")}


def _tiny(folder: Path, spread: float = 1.0) -> str:
    """A pipeline whose network costs next to nothing: what is left is ocrkit's own work. The wider
    its weights are spread, the surer it is of what it reads."""
    from ocrkit.networks import weights
    from ocrkit.pipelines.build import assemble
    from ocrkit.pipelines.file import find_pipeline, load_spec

    path = folder / "tiny.toml"
    text = find_pipeline("iam-crnn").read_text("utf-8").replace("zoo:iam-crnn", "tiny.safetensors")
    begin, end = text.index("[featurizer]"), text.index("[decoder]")
    parts = '[featurizer]\nuse = "bars"\n[encoder]\nuse = "bilstm"\nhidden = 1\n'
    path.write_text(text[:begin] + parts + text[end:], encoding="utf-8")
    assembly = assemble(load_spec(path))
    rng = np.random.default_rng(1)
    arrays = {
        name: rng.normal(scale=spread, size=shape).astype(np.float32)
        for name, shape in assembly.plan.parameters().items()
    }
    weights.write(folder / "tiny.safetensors", arrays, assembly.identity())
    return str(path)


def _command(pipeline: str, words: int, output: Path) -> list[str]:
    settings = ["--set", "reader.use=repeat", "--set", f"reader.words={words}"]
    return [
        sys.executable,
        "-c",
        MEASURE,
        "run",
        "--pipeline",
        pipeline,
        "--data",
        ".",
        *settings,
        "--json",
        "--output",
        str(output),
    ]


def _measured(
    folder: Path, pipeline: str, words: int, output: Path, *more: str
) -> tuple[float, float]:
    """Seconds of processor time, and the most bytes of memory."""
    done = subprocess.run(
        [*_command(pipeline, words, output), *more],
        env=_environment(folder),
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, memory = done.stderr.split()[-2:]
    return float(seconds), float(memory)


def _interrupted(folder: Path, pipeline: str, words: int, whole: Path) -> None:
    """The same run, killed half way, continued, and compared."""
    output = folder / "interrupted.jsonl"
    process = subprocess.Popen(
        _command(pipeline, words, output),
        env=_environment(folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    part, half = output.with_name(f"{output.name}.part"), whole.stat().st_size / 2
    while process.poll() is None and not (part.is_file() and part.stat().st_size >= half):
        time.sleep(0.001)
    process.kill()
    process.wait()
    with part.open("rb") as file:
        done = sum(1 for _ in file) - 1
    _, memory = _measured(folder, pipeline, words, output, "--resume")
    same = sha256(output.read_bytes()).digest() == sha256(whole.read_bytes()).digest()
    print(
        f"killed after {done:,} words and resumed: {'the same file' if same else 'ANOTHER FILE'}, "
        f"{memory / 1e6:.0f} MB"
    )


if __name__ == "__main__":
    main()
