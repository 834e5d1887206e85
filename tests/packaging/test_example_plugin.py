"""The package that the documentation walks through, installed as an outsider would install it: no
file of ocrkit knows it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "ocrkit-hello"
SETTINGS = [
    "--set",
    "featurizer.use=ink-bands",
    "--set",
    "featurizer.bands=8",
    "--set",
    "encoder.hidden=16",
]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process in which ocrkit-hello is installed."""
    target = tmp_path_factory.mktemp("site-packages")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    subprocess.run(
        [*command, "--target", str(target), str(EXAMPLE)], check=True, capture_output=True
    )
    paths = [str(target), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def ocrkit(environment: dict[str, str], *arguments: str) -> str:
    """Standard output of ``ocrkit ARGUMENTS``."""
    command = [sys.executable, "-m", "ocrkit", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_its_parts_are_listed_with_their_owner(environment: dict[str, str]) -> None:
    lines = ocrkit(environment, "plugins", "list").splitlines()
    for part in ("ink-bands", "exact"):
        assert any(part in line and "hello" in line for line in lines)


def test_the_pipeline_that_it_makes_fits_together(environment: dict[str, str]) -> None:
    output = ocrkit(environment, "check", "iam-crnn", *SETTINGS)
    assert "32 steps × 8" in output
    assert "untrained" in output


def test_a_network_learns_on_its_features_and_reads_with_them(
    environment: dict[str, str], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    recipe = ["--set", "training.epochs=1", "--set", "training.validation="]
    ocrkit(
        {**environment, "OCRKIT_IAM": ""},
        "train",
        "--out",
        str(run),
        "--limit",
        "64",
        *SETTINGS,
        *recipe,
    )
    assert '"samples": 8' in ocrkit(
        {**environment, "OCRKIT_IAM": ""}, "run", "--pipeline", str(run), "--limit", "8", "--json"
    )


def test_the_features_are_what_their_description_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(EXAMPLE)
    from ocrkit_hello.ink_bands import InkBands, build

    from ocrkit import ImageSize

    definition, rng = InkBands(bands=3, stride=4), np.random.default_rng(0)
    images = rng.random((2, 1, 10, 15), np.float32)
    images[1, :, :, 9:] = 0
    features, lengths = build(definition, ImageSize(10, None))(images, np.array([15, 9], np.int32))
    assert features.dtype == np.float32
    assert list(lengths) == [3, 2]
    rows = [slice(0, 4), slice(4, 7), slice(7, 10)]
    expected = [[images[1, 0, band, 4 * t : 4 * t + 4].mean() for band in rows] for t in range(2)]
    np.testing.assert_allclose(features[1, :2], expected, rtol=1e-6)
