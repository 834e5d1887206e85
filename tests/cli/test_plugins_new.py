"""``ocrkit plugins new``: what it writes is installed, tested and used here as its owner would; no
file of ocrkit knows it."""

import json
import re
import shlex
import shutil
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from networks import INSTALLED
from ocrkit.cli import main
from ocrkit.networks import weights
from ocrkit.networks.seen_forms import SeenForms, of_model, of_run
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec
from ocrkit.scaffold.packages import kinds_to_begin_with
from ocrkit.training import train
from ocrkit.zoo.manifest import checked_manifest
from outsiders import PROGRAM, install, outcomes_of, run

ROOT = Path(__file__).parents[2]
BANDS = """
from dataclasses import dataclass

import numpy as np
import ocrkit


@dataclass(frozen=True)
class Bands:
    stride = 4

    def output_size(self, input):
        return ocrkit.SequenceSize(4 * input.height, input.width // 4)

    def lengths(self, widths):
        return widths // 4

    def parameters(self, input):
        return {}


def build(definition, input):
    def features(images, widths):
        count, _, height, width = images.shape
        return images.transpose(0, 3, 1, 2).reshape(count, width // 4, 4 * height), (widths // 4).astype(np.int32)
    return features


@ocrkit.hookimpl
def ocrkit_featurizers(register):
    register("bands", Bands)
    register("bands", build, backend="numpy")
"""  # noqa: E501
"""A featurizer of somebody else's."""
PACKAGES = {
    "-".join(filter(None, ("my", kind, backend))): (kind, backend)
    for kind, backends in kinds_to_begin_with().items()
    for backend in backends or (None,)
    if backend != "gluon" or "gluon" in INSTALLED
}
"""Kind and backend by the name of a package."""


def new(*arguments: object) -> Result:
    result = CliRunner().invoke(main, ["plugins", "new", *map(str, arguments)])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory, tiny_run: Path) -> Path:
    """A folder with a package of every kind for every backend, as they are written."""
    folder = tmp_path_factory.mktemp("packages")
    for name, (kind, backend) in PACKAGES.items():
        chosen = ["--backend", backend] if backend else []
        chosen += ["--from", tiny_run, "--licence", "CC-BY-4.0"] if kind == "zoo" else []
        result = new(name, "--kind", kind, *chosen, "--to", folder / name)
        assert (result.exit_code, result.stdout) == (
            0,
            f"wrote {folder / name}; how to go on: {folder / name / 'README.md'}\n",
        )
    return folder


@pytest.fixture(scope="module")
def environment(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process in which they all are installed."""
    return install(packages, PACKAGES, tmp_path_factory.mktemp("site-packages"))


@pytest.fixture(scope="module")
def outcomes(packages: Path, environment: dict[str, str]) -> dict[str, list[str]]:
    """What became of each package's own tests, by package: ``passed``, or the others with their
    reason."""
    return outcomes_of(packages, PACKAGES, environment)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_passes_its_own_tests_as_it_is_written(
    name: str, outcomes: dict[str, list[str]]
) -> None:
    assert [
        outcome for outcome in outcomes[name] if not outcome.startswith(("passed", "skipped"))
    ] == []
    assert outcomes[name].count("passed") >= 2


def test_its_parts_are_listed_with_their_owner(environment: dict[str, str]) -> None:
    listed = json.loads(
        run(sys.executable, "-m", "ocrkit", "plugins", "list", "--json", env=environment)
    )
    parts = {part["name"]: part for part in listed["parts"] if part["name"] in PACKAGES}
    for name, (kind, backend) in PACKAGES.items():
        about = parts[name]
        assert (about["kind"], about["plugin"], about["distribution"]) == (kind, name, name)
        assert about["backends"] == ([backend] if backend else [])
        assert about["summary"]


def test_the_commands_of_the_readmes_work(
    packages: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """The pipelines that they name fit together; the featurizer in PyTorch is trained, and read
    with, as its README says."""
    commands = []
    for name in PACKAGES:
        for line in (packages / name / "README.md").read_text(encoding="utf-8").splitlines():
            command = line.strip().replace(
                "--reader ", "--set reader.use="
            )  # which check does not take
            words = shlex.split(command) if line.startswith("    ocrkit ") else []
            settings = [
                words[index : index + 2]
                for index, word in enumerate(words)
                if word in ("--set", "--backend")
            ]
            if settings:
                assert any(name in setting for _, setting in settings)
                commands.append(
                    ["check", "iam-crnn", *(word for setting in settings for word in setting)]
                )
    checked = len(commands)
    assert checked >= len(PACKAGES)
    network = ["--backend", "torch", "--set", "featurizer.use=my-featurizer-torch"]
    assert (
        commands.count(["check", "iam-crnn", *network]) == 2
    )  # what is checked, and what is trained
    recipe = [
        "--set",
        "training.epochs=1",
        "--set",
        "training.validation=",
        "--set",
        "encoder.hidden=16",
    ]
    folder = str(tmp_path / "run")
    commands += [
        ["train", "--pipeline", "iam-crnn", *network, *recipe, "--limit", "32", "--out", folder],
        ["run", "--pipeline", folder, "--limit", "8", "--json"],
        ["run", "--backend", "my-backend", "--limit", "9", "--json"],
        ["run", "--pipeline", "my-zoo", "--limit", "10", "--json"],
    ]
    output = run(sys.executable, "-c", PROGRAM, stdin=json.dumps(commands), env=environment)
    assert output.count("untrained: ") == checked - output.count("weights: zoo:iam-crnn\n")
    assert output.count("iam-crnn on ") >= checked
    assert "32 steps × 256" in output
    for samples in (8, 9, 10):
        assert f'"samples": {samples}' in output


def test_a_command_of_a_package_is_called(environment: dict[str, str]) -> None:
    image = ROOT / "plugins" / "ocrkit_iam" / "sample" / "words" / "z00" / "z00-000"
    image /= "z00-000-00-01.png"
    counted = run(sys.executable, "-m", "ocrkit", "my-command", image, env=environment)
    assert re.fullmatch(rf"{re.escape(str(image))}\t\d+", counted.splitlines()[-1])


def test_a_model_says_where_its_scores_and_its_weights_are_from(
    packages: Path, tiny_run: Path
) -> None:
    """The run's own validation, called that; nothing that is true on one machine only."""
    folder = packages / "my-zoo" / "my_zoo" / "model"
    manifest = tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))
    best = weights.read(tiny_run / "best.safetensors")
    stored = weights.read(folder / "weights.safetensors", sha256=manifest["weights"]["sha256"])
    for name, array in best.arrays.items():
        assert np.array_equal(stored.arrays[name], array.astype(np.float16)), name
    assert (manifest["licence"], manifest["weights"]["dtype"]) == ("CC-BY-4.0", "float16")
    results, (trained,) = manifest["results"], manifest["training"]["runs"]
    assert (results["dataset"], results["samples"]) == ("iam aachen/validation", 7)
    epoch = best.about["training"]["epoch"]
    assert f"epoch {epoch}, which was chosen by it" in results["source"]
    assert {name: score["value"] for name, score in results["metrics"].items()} == best.about[
        "training"
    ]["validation"]
    assert (trained["samples"], trained["chosen_epoch"], trained["forms"]) == (24, epoch, 3)
    assert manifest["choosing"] == {"purpose": "the best epoch"}
    lists = checked_manifest(manifest)
    assert of_model(folder, lists.forms, lists.images) == of_run(tiny_run)
    assert (folder / "forms.txt").read_text().splitlines()[2:4] == [
        "trained\ta01-007",
        "chosen\tc04-156",
    ]
    pipeline = (folder / "pipeline.toml").read_text(encoding="utf-8")
    assert 'weights = "zoo:my-zoo"' in pipeline
    card = (folder / "CARD.md").read_text(encoding="utf-8")
    assert results["source"] in card
    assert f"| cer | {results['metrics']['cer']['value']:.4f} |" in card


def test_a_models_package_needs_the_packages_that_its_parts_are_from(
    install: Callable[[str, str], Path], tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    """And its pipeline keeps the backends that have its parts, and no file of the machine that it
    was trained on."""
    install("bands", BANDS)
    exclude = tmp_path / "exclude.txt"
    exclude.write_text("a01-007\n")
    settings = [
        "featurizer.use=bands",
        "backends=['onnx', 'torch', 'none-such']",
        "training.epochs=40",
        "training.validation=",
    ]
    spec = load_spec(tiny, [*settings, f"training.exclude={exclude}"])
    assembly = assemble(spec, training=True)
    train(assembly, tmp_path / "first", data=words_root, limit=8)
    train(assembly, tmp_path / "run", data=words_root, init=str(tmp_path / "first"))
    result = new(
        "mine",
        "--kind",
        "zoo",
        "--from",
        tmp_path / "run",
        "--licence",
        "MIT",
        "--to",
        tmp_path / "mine",
    )
    assert result.exit_code == 0, result.stderr
    assert (
        'dependencies = ["bands-dist", "ocrkit"]'
        in (tmp_path / "mine" / "pyproject.toml").read_text()
    )
    model = tmp_path / "mine" / "mine" / "model"
    pipeline = tomllib.loads((model / "pipeline.toml").read_text())
    assert pipeline["backends"] == ["onnx", "torch"]
    assert "exclude" not in pipeline["training"]
    manifest = tomllib.loads((model / "manifest.toml").read_text())
    assert "results" not in manifest
    assert [run["forms"] for run in manifest["training"]["runs"]] == [2, 1]
    lists = checked_manifest(manifest)
    assert of_model(model, lists.forms, lists.images) == SeenForms(
        frozenset({"a01-000u", "a01-003"})
    )
    assert manifest["training"]["runs"][1]["weights"] == str(tmp_path / "first")
    assert (
        "Nobody has measured it: its training had no validation." in (model / "CARD.md").read_text()
    )


def test_the_code_is_clean(packages: Path) -> None:
    """By the rules in its own ``pyproject.toml``, by those that ocrkit's code keeps, and for mypy
    as its owner calls it."""
    ruff = [sys.executable, "-m", "ruff"]
    settings = ["--config", ROOT / "pyproject.toml", "--no-cache"]
    exceptions = (
        'lint.per-file-ignores = {"tests/**" = ["RUF012", "S101"], "*_gluon/**" = ["N803"]}'
    )
    for name, (_, backend) in PACKAGES.items():
        folder = packages / name
        run(
            *ruff,
            "check",
            *settings,
            "--config",
            'src = ["."]',
            "--config",
            exceptions,
            ".",
            cwd=folder,
        )
        run(*ruff, "check", "--no-cache", ".", cwd=folder)
        run(*ruff, "format", "--check", "--no-cache", ".", cwd=folder)
        if backend != "torch":  # whose types take a minute
            run(
                sys.executable,
                "-m",
                "mypy",
                "--strict",
                "--cache-dir",
                packages / "mypy-cache",
                ".",
                cwd=folder,
            )


def test_the_folder_may_have_another_name_than_the_package(tmp_path: Path) -> None:
    assert new("my-metric", "--kind", "metric", "--to", tmp_path / "here").exit_code == 0
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")) == [
        "here/README.md",
        "here/my_metric/__init__.py",
        "here/my_metric/exact_match.py",
        "here/pyproject.toml",
        "here/tests/test_my_metric.py",
    ]


# ---------------------------------------------------------------------------------- what is refused


def rewrite(run: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Changes the weights of a run."""
    best = weights.read(run / "best.safetensors")
    weights.write(
        best.path, {name: change(array) for name, array in best.arrays.items()}, best.about
    )


def describe(run: Path, about: dict[str, Any]) -> None:
    """Changes what the weights of a run say of themselves."""
    best = weights.read(run / "best.safetensors")
    weights.write(best.path, best.arrays, best.about | about)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (
            lambda run: run.rename(run.with_name("other")),
            "no training run here; expected a folder that ocrkit train made",
        ),
        (
            lambda run: (run / "run.json").write_text("{"),
            "no training run here; expected a folder that ocrkit train made",
        ),
        (
            lambda run: (run / "log.jsonl").write_text('{"epoch": 1, "images": "all"}\n'),
            "log.jsonl: no log of a training run (images: 'all'; expected a whole number",
        ),
        (
            lambda run: describe(run, {"training": {"epoch": "best"}}),
            "no weights of a training run (training.epoch: 'best'; expected a whole number",
        ),
        (lambda run: (run / "best.safetensors").unlink(), "best.safetensors: no such weights"),
        (
            lambda run: (run / "best.safetensors").write_bytes(b"damaged"),
            "best.safetensors: not a safetensors checkpoint",
        ),
        (
            lambda run: rewrite(run, lambda array: array + 1e6),
            "has NaN, or numbers that float16 cannot hold; its training had diverged",
        ),
        (
            lambda run: rewrite(run, lambda array: array * 0),
            "0 of 312 samples keep a margin of 0.01; 8 are wanted",
        ),
    ],
)
def test_a_run_that_cannot_be_packed_is_a_line_and_leaves_nothing(
    damage: Callable[[Path], object], reason: str, tiny_run: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(tiny_run, tmp_path / "run")
    damage(run)
    result = new(
        "mine", "--kind", "zoo", "--from", run, "--licence", "MIT", "--to", tmp_path / "mine"
    )
    (line,) = result.stderr.splitlines()
    assert (result.exit_code, reason in line) == (1, True), line
    assert [path.name for path in tmp_path.iterdir()] in (["run"], ["other"])


CANNOT_BE = (
    "cannot be a package's name; expected small letters, digits and hyphens, for example "
    "my-features"
)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("My-Features", f"'My-Features' {CANNOT_BE}"),
        ("1st", f"'1st' {CANNOT_BE}"),
        ("a--b", f"'a--b' {CANNOT_BE}"),
        ("a/b", f"'a/b' {CANNOT_BE}"),
        ("../b", f"'../b' {CANNOT_BE}"),
        ("größe", f"'größe' {CANNOT_BE}"),
        ("a\n", f"'a\\n' {CANNOT_BE}"),
        ("", "'': no such file or value: an argument is empty"),
        ("class", "'class' is a word of the Python language; take another name"),
        (
            "json",
            (
                "'json' is the name of a module that comes with Python or with every package; take "
                "another name"
            ),
        ),
        (
            "tests",
            (
                "'tests' is the name of a module that comes with Python or with every package; "
                "take "
                "another name"
            ),
        ),
        ("ctc", "'ctc' is the name of a plugin of ocrkit; take another name"),
        ("cnn", "'cnn' is the name of a featurizer of plugin 'crnn'; take another name"),
        ("run", "'run' is the name of a command of ocrkit's own; take another name"),
        ("lm", "'lm' is the name of a command of plugin 'ngrams'; take another name"),
        ("iam-crnn", "'iam-crnn' is the name of a zoo model of plugin 'zoo'; take another name"),
        ("opencv_python_headless", "'opencv_python_headless' is installed already, version "),
        ("cv2", "'cv2': a Python module cv2 is installed already; take another name"),
        ("there", "there: is there already; name another folder with --to"),
        ("a" * 300, f"{'a' * 300}: cannot be written (File name too long)"),
    ],
)
def test_a_name_that_is_taken_or_is_none_is_a_line(
    name: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there").mkdir()
    result = new(name, "--kind", "metric")
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"ocrkit: {reason}")
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


def test_the_name_of_a_broken_plugin_is_taken_too(
    install: Callable[[str, str], Path], tmp_path: Path
) -> None:
    install("half-done", "import no_such_module")
    result = new("half-done", "--kind", "metric", "--to", tmp_path / "half-done")
    assert (
        result.stderr
        == "ocrkit: 'half-done' is the name of a plugin of half-done-dist; take another name\n"
    )
    assert not (tmp_path / "half-done").exists()


def test_a_folder_that_is_not_there_is_a_line(tmp_path: Path) -> None:
    result = new("mine", "--kind", "metric", "--to", tmp_path / "nowhere" / "mine")
    assert (result.exit_code, "there is no folder" in result.stderr) == (1, True)
    assert not list(tmp_path.iterdir())


def test_what_stops_half_way_leaves_nothing(tmp_path: Path) -> None:
    """A file's name that is too long comes after other files were written."""
    result = new("a" * 250, "--kind", "metric", "--to", tmp_path / "mine")
    assert (result.exit_code, "cannot be written (File name too long)" in result.stderr) == (
        1,
        True,
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            ["--kind", "featuriser"],
            "'featuriser' is not one of 'augmentation', 'backend', 'command', 'cutter'",
        ),
        (["--kind", "featurizer"], "'--backend': expected gluon, numpy, onnx, torch"),
        (
            ["--kind", "encoder", "--backend", "numpy"],
            "'--backend': 'numpy'; expected gluon, onnx, torch",
        ),
        (
            ["--kind", "metric", "--backend", "torch"],
            "'--backend': 'torch'; a package of kind metric has none",
        ),
        (
            ["--kind", "zoo"],
            (
                "name the run with --from RUN_DIR, and what its weights may be used for with "
                "--licence "
                "TEXT"
            ),
        ),
        (
            ["--kind", "zoo", "--from", ".", "--licence", " "],
            "ships a trained model: name the run with --from RUN_DIR",
        ),
        (
            ["--kind", "metric", "--licence", "MIT"],
            "--from and --licence are for a package of kind zoo",
        ),
    ],
)
def test_a_kind_or_a_backend_that_there_is_not_is_wrong_usage(
    arguments: list[str], reason: str, tmp_path: Path
) -> None:
    result = new("mine", *arguments, "--to", tmp_path / "mine")
    assert (result.exit_code, reason in result.stderr) == (2, True)
    assert not list(tmp_path.iterdir())
