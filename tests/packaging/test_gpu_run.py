"""What is prepared for a rented GPU runs here as it would there, on the CPU and in seconds: packed,
unpacked, trained, cut into pieces, put together, resumed, timed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from ocrkit.data.datasets import open_dataset
from ocrkit.networks import weights as weight_files
from ocrkit.parts.options import PartSpec
from runs import arrays_of

ROOT = Path(__file__).parents[2]
# Without what says that these tests run in one of several processes: those that they start do not.
ENVIRONMENT = {name: text for name, text in os.environ.items() if "PYTEST" not in name} | {
    "OMP_NUM_THREADS": "1"
}
SCRIPTS = ROOT / "benchmarks" / "gpu"
MOST_FILES = 8
RECIPE = """
pipeline = "tiny.toml"
data = "iam"
settings = [
    "training.epochs=40",
    "training.ema_decay=0.9",
    "training.checkpoint_minutes=0.01",
    'training.also=[{use = "folder", root = "drawn"}]',
]

[[draw]]
reader = "folder"
root = "also"
to = "drawn"
"""


def python(*arguments: object, cwd: Path = ROOT, ok: bool = True) -> str:
    """What a process prints; it must succeed, or fail."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == ok, done.stdout
    return done.stdout


def pack(to: Path, words_root: Path, also: Path, tiny: Path, *options: str, ok: bool = True) -> str:
    data = ["--iam", words_root, "--images", f"also={also}", "--files", f"tiny.toml={tiny}"]
    return python(SCRIPTS / "pack.py", "--to", to, *data, *options, ok=ok)


@pytest.fixture(scope="module")
def also(words_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from runs import make_folder

    return make_folder(words_root, tmp_path_factory.mktemp("also"))


@pytest.fixture(scope="module")
def trained(
    words_root: Path, also: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Where a package was packed, unpacked and trained with until the machine was taken away:
    ``work`` is that machine's, ``out`` what came back."""
    folder = tmp_path_factory.mktemp("gpu")
    pack(folder / "package", words_root, also, tiny, "--models", "iam-crnn")
    (folder / "tiny-gpu.toml").write_text(RECIPE, encoding="utf-8")
    command = session(folder, "out", "--checks", "0", "--benchmarks", "0")
    process = subprocess.Popen([sys.executable, *map(str, command)], start_new_session=True)
    try:
        while not is_whole(folder / "out"):
            assert process.poll() is None, (folder / "out/log.txt").read_text("utf-8")
            time.sleep(0.05)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return folder


def session(folder: Path, out: str, *options: str) -> list[object]:
    run = ["--recipe", folder / "tiny-gpu.toml", "--device", "cpu", "--out", folder / out]
    run += ["--piece-size", "0.1", "--checkpoint-seconds", "1", *options]
    return [folder / "package/start.py", "--work", folder / "work", "--", *run]


def is_whole(out: Path) -> bool:
    pieces = list(out.glob("tiny-gpu.*"))
    return bool(pieces) and pieces[0].name.endswith(f"of{len(pieces)}")


def test_a_package_holds_what_is_run_and_no_other_model(trained: Path) -> None:
    code = trained / "work" / "code"
    assert (code / "zoo/ocrkit_zoo/iam-crnn/weights.safetensors").is_file()
    assert not (code / "zoo/ocrkit_zoo/iam-words-resnet").exists()


@pytest.mark.parametrize("split", ["aachen/train", "aachen/validation"])
def test_packed_words_are_read_as_their_splits_with_texts_and_writers(
    trained: Path, words_root: Path, split: str
) -> None:
    packed, original = (
        [
            (sample.id, sample.text, sample.writer, sample.form, sample.load().shape[0] <= 64)
            for sample in open_dataset(PartSpec("reader", "iam", {}), root=root, split=split)
        ]
        for root in (trained / "work" / "data" / "iam", words_root)
    )
    assert packed == original


def test_a_package_that_is_too_large_is_refused_and_left_nothing_of(
    tmp_path: Path, words_root: Path, also: Path, tiny: Path
) -> None:
    said = pack(tmp_path / "package", words_root, also, tiny, "--limit", "0.01", ok=False)
    assert "expected at most 0.01: make two of it" in said
    assert list(tmp_path.iterdir()) == []


def test_pieces_are_few_and_give_the_checkpoint_again(trained: Path) -> None:
    run, again = trained / "work" / "runs" / "tiny-gpu", trained / "again"
    python(SCRIPTS / "pieces.py", "cut", run, trained / "cut")
    (whole,) = (trained / "cut").iterdir()
    size = whole.stat().st_size / 2**20 / 2.5
    python(SCRIPTS / "pieces.py", "cut", run, trained / "cut", "--piece-size", size)
    pieces = list((trained / "cut").iterdir())
    assert len(pieces) == 3
    assert all(piece.stat().st_size <= size * 2**20 for piece in pieces)
    python(SCRIPTS / "pieces.py", "join", trained / "cut", again)
    for name, array in arrays_of(run / "last.safetensors").items():
        found = arrays_of(again / "last.safetensors")[name]
        if name.startswith("network."):
            assert found.tobytes() == array.tobytes()
        else:
            np.testing.assert_allclose(found, array, rtol=2**-8)
    assert (run / "run.json").read_text() == (again / "run.json").read_text()


def test_pieces_of_which_one_is_missing_are_refused(trained: Path, tmp_path: Path) -> None:
    for piece in list((trained / "cut").iterdir())[1:]:
        (tmp_path / piece.name).write_bytes(piece.read_bytes())
    said = python(SCRIPTS / "pieces.py", "join", tmp_path, tmp_path / "run", ok=False)
    assert "expected all pieces of one run; found" in said


def test_a_second_session_goes_on_checks_and_measures(trained: Path) -> None:
    quick = "--batch-size 8 --words 8 --precision float32 -m network"
    again = ["--resume", str(trained / "out"), "--models", "iam-crnn", "--benchmarks", "4"]
    said = python(*session(trained, "second", *again, "--pytest", quick))
    assert "tiny-gpu ended" in said
    assert "1 cases of iam-crnn" in said
    assert step(trained / "second", trained / "run2") > step(trained / "out", trained / "run1")
    names = {path.name for path in (trained / "second").iterdir()}
    results = {path for path in names if path.startswith("cpu-")}
    assert {name.partition(".")[2] for name in results} == {"json", "md", "svg"}
    assert "log.txt" in names
    assert len(names) <= MOST_FILES
    (measured,) = (trained / "second").glob("cpu-*.json")
    found = json.loads(measured.read_text("utf-8"))
    assert [part["part"] for part in found["gpu_run"]["parts"]] == [
        *("checks", "training", "benchmarks")
    ]
    assert found["benchmarks"][0]["extra_info"]["images_per_second"] > 0
    assert "| torch float32 |" in measured.with_suffix(".md").read_text("utf-8")


def test_a_command_is_stopped_when_its_time_is_up_and_a_part_that_fails_is_noted(
    tmp_path: Path,
) -> None:
    script = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from session import Session
session = Session(Path(sys.argv[2]), Path(), "cpu", time.monotonic() + 60)
session.part("first", 30, lambda seconds: str(session.command(["-c", "while True: pass"], 0.5)))
session.part("second", 30, lambda seconds: str(1 / 0))
session.part("third", 30, lambda seconds: "done")
"""
    python("-c", script, SCRIPTS, tmp_path)
    said = (tmp_path / "log.txt").read_text("utf-8")
    assert said.index("first: None") < said.index("second: failed: ZeroDivisionError")
    assert "third: done" in said


def step(pieces: Path, run: Path) -> int:
    """The training step of the run in a folder of pieces."""
    python(SCRIPTS / "pieces.py", "join", pieces, run)
    step: int = weight_files.read(run / "last.safetensors").about["progress"]["step"]
    return step


@pytest.mark.parametrize("recipe", sorted(path.stem for path in SCRIPTS.glob("recipes/*.toml")))
def test_a_recipe_is_one_that_training_takes(recipe: str, tmp_path: Path) -> None:
    """It fails only for the data, which is not there: options are checked before."""
    (tmp_path / "tune.txt").write_text("a01-000u\n", encoding="utf-8")
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import recipes; from pathlib import Path\n"
    )
    script += "print(*recipes.load(sys.argv[2], []).started(Path('run'), 'cpu'), sep='\\n')"
    command = python("-c", script, SCRIPTS, recipe).splitlines()
    said = python(*command, cwd=tmp_path, ok=False)
    assert re.search("(iam|lines): no such folder", said), said


def test_a_recipe_is_estimated_as_the_readme_says() -> None:
    readme = (SCRIPTS / "README.md").read_text("utf-8")
    for recipe, samples in (
        ("iam-crnn", "86,201"),
        ("iam-words-fast", "86,201"),
        ("iam-words-resnet", "202,705"),
        ("hands-lines", "32,154"),
        ("iam-lines", "3,915"),
    ):
        (row,) = (line for line in readme.splitlines() if line.startswith(f"| `{recipe}` |"))
        assert samples in row
        counts = ["--samples", samples.replace(",", ""), "--width", 64]  # steps need no more
        said = python(SCRIPTS / "estimate.py", recipe, *counts)
        steps = said.partition(" steps")[0].rpartition(" ")[2]
        assert f"{steps} of" in row
