"""The commands and the Python of the documentation, run as they stand there, page by page, each
page in a folder of its own.

The folder has what readers are told to have: pictures, IAM (drawn words in its layout), a folder of
their own words, and what lies beside an example package's README. Nothing is changed in a command
but this: ``train`` gets ``--limit 8`` and one epoch, and ``pip install`` of a local package goes
into a folder of the test's, without dependencies. What a test cannot run is in ``NOT_RUN`` with the
reason, and must parse as well.
"""

import ast
import gzip
import importlib
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import ImageFont

from networks import INSTALLED, notebook_name
from ocrkit.cli import main
from ocrkit.parts.registry import registry

ROOT = Path(__file__).parents[2]
PAGES = [
    "README.md",
    *sorted(
        path.relative_to(ROOT).as_posix()
        for each in ("*.md", "examples/*/README.md")
        for path in (ROOT / "docs").glob(each)
    ),
]
SAMPLE = ROOT / "plugins" / "ocrkit_iam" / "sample" / "words" / "z00" / "z00-000"
LINE = ROOT / "plugins/ocrkit_iam/sample/lines/z00/z00-005/z00-005-02.png"
LETTER = ROOT / "plugins/ocrkit_pagexml/sample/letter.png"
PAGE = ROOT / "plugins/ocrkit_pagexml/sample/letter.png"
SHORT = ["--limit", "8", "--set", "training.epochs=1"]

NOT_RUN = {
    r"ocrkit .+ letters\b.*": "a recipe of the reader's own; tests/cli/test_run_pages.py has some",
    r"ocrkit .+ https://.+": "needs a server; tests/core/test_zoo_elsewhere.py has one",
    r"ocrkit .+ DIR-model.*": "needs a model that was taught; tests/cli/test_finetune.py reads with one",  # noqa: E501
    r"ocrkit .+ --shard \$\w+/.+": "is for a job array; tests/cli/test_shards.py runs one's shares",
    r"ocrkit .+ --output lines\.jsonl": "needs IAM's lines, which are not as many as its words",
    r"ocrkit finetune .+": "trains for minutes; tests/cli/test_finetune.py trains for seconds",
    r"ocrkit convert .+": "needs pages that were read; tests/cli/test_convert.py has some",
    r"mkdir \w+": "is for a shell",
    r"make \w+": "installs into a fresh environment",
    r"\. \.venv/bin/activate": "changes the shell that it is typed into",
    r"ocrkit .+ EXPORT.*": "needs an export; tests/plugins/test_pagexml_reader.py has some",
    r"ocrkit .+ --data PAGES .*": "needs pages of archives, which are not in the repository",
    r"ocrkit .+ HUB.*": "needs a data set of the hub; tests/plugins/test_parquet.py writes some",
    r"ocrkit .+ --device cuda.*": "needs a GPU",
    r"pip install '(ocrkit|onnxruntime|\.)\S*'.*": "needs a network, and changes the environment",
    r"(OCRKIT_KEY=\S+ \S+ )?ocrkit serve .*": "runs until it is stopped; tests/plugins/test_serve.py runs it",  # noqa: E501
    r"ocrkit .+ --engine .+": "starts a cluster; tests/plugins/test_ray.py has one",
    r"ocrkit score part-.+": "needs the files of shares; tests/cli/test_shards.py has some",
    r"curl .+": "needs the service",
    r"openssl .+": "makes the key of a service",
    r"podman .+": "needs a network, and what builds containers",
    r"pip uninstall .+": "changes the environment",
    r"torchrun .+": "starts several processes, as tests/plugins/test_torch_training.py does",
    r"ocrkit data fetch iam .+": "needs a network and a login; tests/plugins/test_iam_fetch.py has a server",  # noqa: E501
    r"ocrkit zoo fetch NAME": "NAME stands for a model; tests/core/test_zoo_fetch.py has one, and a server",  # noqa: E501
    r"F=package/files": "names a folder of fonts that are downloaded",
    r"python docs/examples/render_words.py .+": "needs these fonts",
    r"ocrkit plugins new my-model .+": "ships a network that has been trained; tests/cli/test_plugins_new.py has one",  # noqa: E501
    r"python -m pytest benchmarks .+": "takes minutes, or a GPU; tests/packaging/test_benchmarks.py runs them on a few words",  # noqa: E501
    r"python benchmarks/.+": "the same",
    r"pytest": "tests/packaging/test_example_packages.py runs the tests of the example packages",
    r"ocrkit .+(\$part|resnet\.onnx).*": "a loop, and what needs its network: tests/packaging/test_example_packages.py runs it",  # noqa: E501
    r"python pack\.py .+": "packs a network that has been trained for longer than here",
    r"pip install fonttools.+": "needs a network, and changes the environment",
    r"python tools/fetch_\w+.py .+": "needs a network",
    r"python tools/fit_images.py .+": "fits all of IAM's lines; tests/tools/test_fit_images.py fits some",  # noqa: E501
    r"python tools/render_dataset.py .+": "draws a million words; tests/plugins/test_synth_words.py draws some",  # noqa: E501
    r"python tools/forms_from_words.py .+": "needs IAM's words; tests/plugins/test_iam_pages.py has some",  # noqa: E501
    r"python tools/render_photographs.py .+": "draws some thousand photographs; tests/tools draws some",  # noqa: E501
    r"ocrkit lm train --text (english|french).txt .+": "needs the text that is downloaded",
    r"sed .+ lmplz .+": "needs KenLM; tests/plugins/kenlm is what it made",
    r"pytest my-features": "tests/cli/test_plugins_new.py runs the tests of new packages of every kind",  # noqa: E501
}
"""Commands that are not run, as patterns, and why."""
BEFORE = {
    "docs/conformance.md": [
        "ocrkit plugins new my-features --kind featurizer --backend torch",
        "pip install -e my-features",
    ],
}
"""What a page takes as done before its first command."""
SAME_EVERYWHERE = ("ocrkit check ", "ocrkit plugins new ", "ocrkit plugins test ")
"""Commands whose output does not depend on the machine: what a page shows of it must be there."""
START = re.compile(r" *\$ (.+)")
START_WITHOUT_PROMPT = re.compile(r" {4,}(?:\.venv/bin/)?((?:ocrkit|make) .+)")
START_IN_PACKAGE = re.compile(r" {4,}((?:ocrkit|pip|pytest|python)\b.*)")
PYTHON = re.compile(r"^( *)```python\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[tuple[str, list[str]]]:
    """The commands of a page, each with the output that is shown below it.

    A command is behind ``$``, or is an indented line that begins with ``ocrkit`` or ``make``, in an
    example package's README also with ``pip``, ``pytest`` or ``python``. Lines that go on are
    joined. In the reference of the command line these are no commands, but say which arguments
    there are.
    """
    bare = START_IN_PACKAGE if page.startswith("docs/examples/") else START_WITHOUT_PROMPT
    found: list[tuple[str, list[str]]] = []
    unfinished, showing = "", False
    for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
        start = START.fullmatch(line) or (
            bare.fullmatch(line) if page != "docs/command-line.md" else None
        )
        if unfinished or start:
            text = start.group(1) if start else f"{unfinished} {line.strip()}"
            unfinished = text.removesuffix("\\").rstrip()
            if text == unfinished and is_complete(text):
                found.append((text.removesuffix(" &&"), []))
                unfinished, showing = "", True
        elif showing and line.startswith("    "):
            found[-1][1].append(line.strip())
        elif line:
            showing = False
    assert not unfinished, f"{page}: a command does not end: {unfinished}"
    return found


def is_complete(command: str) -> bool:
    try:
        shlex.split(command)
    except ValueError:  # a quotation that is still open
        return False
    return True


def python_blocks(page: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        re.sub(f"^{indent}", "", block, flags=re.MULTILINE)
        for indent, block in PYTHON.findall(text)
    ]


def is_run(command: str) -> bool:
    return not any(re.fullmatch(pattern, command) for pattern in NOT_RUN)


# --------------------------------------------------------------------------------- every one parses


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that ``ocrkit WORDS`` calls, and the words that are its arguments."""
    command: click.Command = main
    while isinstance(command, click.Group) and words:
        below = command.get_command(click.Context(command), words[0])
        assert below is not None, f"ocrkit has no command {words[0]!r}"
        command, words = below, words[1:]
    return command, words


def of_ocrkit(command: str) -> list[str] | None:
    """The words behind ``ocrkit`` in a command, also in one that starts it by another."""
    words = shlex.split(command)
    words = [word.replace("$SLURM_ARRAY_TASK_ID", "1") for word in words]
    if "|" in words:
        words = words[: words.index("|")]
    if "torchrun" in words:
        words = words[words.index("-m") + 1 :]
    return words[1:] if words[0] == "ocrkit" else None


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_ocrkit_parses(page: str) -> None:
    for line, _ in commands(page):
        words = of_ocrkit(line)
        if words is not None:
            command, arguments = command_of(words)
            try:
                command.make_context(str(command.name), arguments)
            except click.UsageError as error:
                pytest.fail(f"{page}: {line}\n{error.format_message()}")


@pytest.mark.parametrize("page", PAGES)
def test_commands_within_sentences_name_commands_and_options_that_there_are(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for found in re.findall(r"(?<!`)`ocrkit ([a-z][^`]*)`", text):
        command, words = command_of(re.split(r"\s+", found))
        known = {name for each in command.params for name in each.opts}
        for word in words:
            assert not word.startswith("--") or word in {*known, "--help"}, (
                f"{page}: ocrkit {found}"
            )


def test_every_reason_not_to_run_is_needed() -> None:
    every = [command for page in PAGES for command, _ in commands(page)]
    for pattern in NOT_RUN:
        assert any(re.fullmatch(pattern, command) for command in every), (
            f"no page has {pattern} any more"
        )


# ----------------------------------------------------------------------------------- every one runs


@pytest.fixture
def folder(words_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where a reader of the documentation stands, with all that a page takes for granted."""
    here = tmp_path / "here"
    here.mkdir()
    pictures = sorted(SAMPLE.glob("*.png"))
    for name, picture in zip(
        ("word", "another", "photo", "board", "a", "b"), pictures, strict=False
    ):
        shutil.copy(picture, here / f"{name}.png")
    shutil.copy(LINE, here / "line.png")
    (here / "scans").mkdir()
    for name in ("letter.jpg", "scans/letter.png"):
        shutil.copy(PAGE, here / name)
    shutil.copy(LETTER, here / "letter.jpg")
    for name in ("scan", "board"):
        shutil.copy(pictures[0], here / f"{name}.jpg")
    make_iam(words_root, here / "IAM")
    for name in ("iam", "ROOT"):
        (here / name).symlink_to("IAM")
    (here / "tune.txt").write_text("a01-007\n")
    kenlm = ROOT / "tests" / "plugins" / "kenlm"
    for name, source in (
        ("text.txt", "harbour.txt"),
        ("other.txt", "harbour.txt"),
        ("model.arpa", "harbour.arpa"),
    ):
        shutil.copy(kenlm / source, here / name)
    for name in (
        "DIR",
        "german",
        "my-words",
        "rendered",
        "strokes",
        "strokes21",
        "strokes22",
        "photographs",
        "pictures",
    ):
        make_words(pictures, here / name)
    make_table(pictures, here / "FOLDER")
    (here / "SAMPLE").symlink_to(ROOT / "plugins" / "ocrkit_iam" / "sample")
    make_fonts(here / "fonts")
    make_strokes(here / "IAM-OnDB")
    (here / "docs").symlink_to(ROOT / "docs")
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    monkeypatch.chdir(here)
    yield here
    monkeypatch.undo()
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(site)):
            del sys.modules[name]
    registry.cache_clear()


def make_iam(words_root: Path, root: Path) -> None:
    """The drawn words, and one of their forms once more as a form of aachen/test."""
    shutil.copytree(words_root, root)
    (root / "words" / "c04" / "c04-110").mkdir()
    for picture in sorted((root / "words" / "a01" / "a01-003").iterdir()):
        shutil.copy(
            picture, root / "words" / "c04" / "c04-110" / picture.name.replace("a01-003", "c04-110")
        )
    for name in ("words.txt", "forms.txt"):
        path = root / "ascii" / name
        text = path.read_text()
        again = [
            line.replace("a01-003", "c04-110")
            for line in text.splitlines()
            if line.startswith("a01-003")
        ]
        path.write_text(
            "\n".join([text.rstrip("\n"), *again, ""]).replace("c04-110 002", "c04-110 103")
        )


def make_fonts(root: Path) -> None:
    """Two fonts and a text. The one font, under two names, is in Pillow."""
    root.mkdir()
    face = ImageFont.load_default(20)
    assert isinstance(face, ImageFont.FreeTypeFont)
    for name in ("one", "two"):
        (root / f"{name}.ttf").write_bytes(face.font_bytes)
    (root / "words.txt").write_text(
        " ".join(a + b for a in "bdfghklmnp" for b in ("an", "en", "in", "on"))
    )


def make_strokes(root: Path) -> None:
    """A line of two words."""
    root.mkdir()
    strokes = [[x, 90, 10, -60, 15, 60] for x in (0, 30, 120, 150)]
    with gzip.open(root / "lines.jsonl.gz", "wt") as file:
        file.write(json.dumps({"id": "a01-000u-01", "text": "ab cd", "strokes": strokes}))


def make_words(pictures: list[Path], root: Path) -> None:
    """Pictures with a table, in three splits."""
    for split in ("train", "validation", "test"):
        (root / split).mkdir(parents=True)
        rows = []
        for index, picture in enumerate(pictures[:8]):
            shutil.copy(picture, root / split)
            rows.append(f"{picture.name}\t{'übung' if index % 2 else 'hello'}\twriter{index}\n")
        (root / split / "labels.tsv").write_text("".join(rows), encoding="utf-8")


def make_table(pictures: list[Path], root: Path) -> None:
    """Pictures with the table of the reader ``csv``."""
    root.mkdir()
    rows = ["path,text,writer,split"]
    for index, picture in enumerate(pictures[:9]):
        shutil.copy(picture, root)
        rows.append(
            f"{picture.name},hello,writer{index},{('train', 'validation', 'test')[index % 3]}"
        )
    (root / "labels.csv").write_text("\n".join(rows))


@pytest.fixture(scope="module")
def params(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the notebook saves: its network's parameters by place."""
    from ocrkit.zoo.models import model, read_model_weights
    from ocrkit_gluon.mxnet import mxnet

    path = tmp_path_factory.mktemp("notebook") / "test.params"
    arrays = read_model_weights(model("iam-crnn")).arrays
    mxnet.nd.save(
        str(path),
        {
            notebook_name(name): mxnet.nd.array(array, dtype="float32")
            for name, array in arrays.items()
        },
    )
    return path


MISSING = [package for package in ("torch", "onnx", "onnxscript") if find_spec(package) is None]
MISSING += [] if "gluon" in INSTALLED else ["mxnet"]
needs_every_backend = pytest.mark.skipif(
    bool(MISSING), reason=f"not installed: {', '.join(MISSING)}; the pages speak of all"
)


@needs_every_backend
@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)])
def test_the_commands_of_a_page_run(page: str, folder: Path, params: Path) -> None:
    shutil.copy(params, folder)
    if page.startswith("docs/examples/"):
        shutil.copytree((ROOT / page).parent, folder, dirs_exist_ok=True)
    for command in BEFORE.get(page, []):
        run(command, folder)
    for command, shown in commands(page):
        if is_run(command):
            output = run(command, folder)
            for line in shown if command.startswith(SAME_EVERYWHERE) else []:
                assert line in output, f"{command}\n{output}"


def run(command: str, folder: Path) -> str:
    """The output of a command of ocrkit; or installs a local package. Any other is one that nobody
    has decided on yet."""
    match shlex.split(command):
        case ["ocrkit", *words]:
            if words[0] == "train" and "--resume" not in words:
                words += SHORT
            done = CliRunner().invoke(main, words)
            assert isinstance(done.exception, SystemExit | None), f"{command}\n{done.exception!r}"
            assert done.exit_code == 0, f"{command}\n{done.output}"
            return done.output
        case ["pip", "install", "-e", package]:
            pip = [
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--no-build-isolation",
                "--no-index",
            ]
            target = folder.parent / "site-packages"
            local = [*pip, "--target", str(target), str(Path(package.partition("[")[0]).resolve())]
            installed = subprocess.run(local, capture_output=True, text=True, check=False)
            assert installed.returncode == 0, installed.stderr
            importlib.invalidate_caches()
            registry.cache_clear()
            return ""
        case _:
            pytest.fail(f"neither run nor in NOT_RUN: {command}")


@needs_every_backend
@pytest.mark.parametrize("page", [page for page in PAGES if python_blocks(page)])
def test_the_python_of_a_page_runs(page: str, folder: Path) -> None:
    """Block after block in one namespace; where a comment says what a line gives, it does."""
    namespace: dict[str, Any] = {"__name__": "page"}
    assert folder == Path.cwd()
    for block in python_blocks(page):
        for statement in ast.parse(block).body:
            expected = comment_behind(block, statement) if isinstance(statement, ast.Expr) else ""
            exec(  # noqa: S102
                f"value = {ast.unparse(statement)}" if expected else ast.unparse(statement),
                namespace,
            )
            if expected:
                check_value(namespace["value"], expected)


def comment_behind(block: str, statement: ast.Expr) -> str:
    """What a comment behind an expression, or on the line below it, says; empty where there is
    none, and for calls of print."""
    if ast.unparse(statement).startswith("print("):
        return ""
    lines = block.splitlines()
    line, below = lines[statement.lineno - 1], (lines[statement.lineno :] or [""])[0]
    return line.partition("  # ")[2] or (below.removeprefix("# ") if below.startswith("# ") else "")


def check_value(value: object, expected: str) -> None:
    """``0.28672 = 0.8 · 0.8`` says what it is and why."""
    first = expected.partition(" = ")[0]
    if isinstance(value, float | np.floating):
        assert value == pytest.approx(float(first))
    else:
        assert repr(value) == first
