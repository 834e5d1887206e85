"""Help imports not even NumPy, a list of what is installed no framework, and reading an image one
framework."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import ocrkit

FRAMEWORKS = {"mxnet", "torch", "onnxruntime"}
HEAVY = {"numpy", "cv2", "PIL", "rich", "safetensors", "rapidfuzz"}

# Runs the command line and says last, on standard error, which modules it has imported.
PROGRAM = """
import json, sys
from ocrkit.cli import main
try:
    main(sys.argv[1:], prog_name="ocrkit")
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def run(*arguments: str) -> tuple[str, set[str]]:
    """Standard output of ``ocrkit ARGUMENTS`` in a process of its own, and the modules that it
    imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, set(json.loads(done.stderr.splitlines()[-1]))


def test_a_command_that_needs_more_imports_it() -> None:
    """The other tests here look for what is absent; this one shows that they would see it."""
    _, packages = run("check", "iam-crnn")
    assert packages >= {"numpy", "ocrkit_crnn"}


@pytest.mark.parametrize(
    "command", [[], ["run"], ["train"], ["check"], ["plugins"], ["zoo"], ["data"]], ids=" ".join
)
def test_help_imports_nothing_heavy(command: list[str]) -> None:
    output, packages = run(*command, "--help")
    assert output.startswith(" ".join(["Usage: ocrkit", *command]))
    assert not packages & (FRAMEWORKS | HEAVY)


def test_plugins_list_names_the_parts_of_frameworks_without_importing_them() -> None:
    output, packages = run("plugins", "list")
    assert "torch" in output
    assert not packages & FRAMEWORKS


@pytest.mark.parametrize("images", [True, False])
def test_reading_imports_one_framework_and_nothing_that_writes_reports(images: bool) -> None:
    sample = Path(__file__).parents[2] / "plugins" / "ocrkit_iam" / "sample" / "words"
    image = next(sample.rglob("*.png"))
    _, modules = run("run", *([str(image)] if images else ["--limit", "1"]))
    assert modules >= {"cv2", "onnxruntime"}
    assert not modules & (FRAMEWORKS - {"onnxruntime"})
    assert not modules & {"jinja2", "ocrkit.reports.gallery"}, "nobody has asked for a report"


def test_the_module_and_the_console_script_are_the_same_program() -> None:
    script = Path(sys.executable).with_name("ocrkit")
    for program in ([sys.executable, "-m", "ocrkit"], [str(script)]):
        done = subprocess.run([*program, "--version"], capture_output=True, text=True, check=True)
        assert done.stdout == f"ocrkit, version {ocrkit.__version__}\n"
