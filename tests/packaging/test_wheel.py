"""What is built is what is in the tree: everything that running needs, and nothing else."""

import email
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

TEXTS = ("pipeline.toml", "manifest.toml", "CARD.md")
"""Of every model."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was made from it, not from the tree."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(next(built.glob("*.whl")))


def files_under(source_root: Path, *packages: str) -> set[str]:
    """The files of packages, as they are named below their source root."""
    paths = (
        path
        for package in packages
        for path in (source_root / package).rglob("*")
        if path.is_file()
    )
    return {
        path.relative_to(source_root).as_posix()
        for path in paths
        if "__pycache__" not in path.parts
    }


def packages_in(source_root: Path) -> list[str]:
    return sorted(path.parent.name for path in source_root.glob("*/__init__.py"))


def test_the_wheel_holds_the_core_every_plugin_and_the_zoo_and_nothing_else(
    wheel: zipfile.ZipFile,
) -> None:
    expected = files_under(ROOT, "ocrkit")
    for source_root in (ROOT / "plugins", ROOT / "zoo"):
        expected |= files_under(source_root, *packages_in(source_root))
    assert {name for name in wheel.namelist() if ".dist-info/" not in name} == expected


def test_models_come_with_weights_manifest_and_card_and_the_sample_with_images(
    wheel: zipfile.ZipFile,
) -> None:
    names = wheel.namelist()
    for model in {
        name.split("/")[1]
        for name in names
        if name.startswith("ocrkit_zoo/") and name.count("/") > 1
    }:
        golden = f"ocrkit_zoo/{model}/pages.safetensors"  # a page pipeline has no weights
        own = (
            [golden]
            if golden in names
            else [
                f"ocrkit_zoo/{model}/weights.safetensors",
                f"ocrkit_zoo/{model}/golden.safetensors",
            ]
        )
        for file in (*own, *(f"ocrkit_zoo/{model}/{name}" for name in TEXTS)):
            assert file in names
    assert "ocrkit_zoo/iam-crnn/pipeline.toml" in names
    assert (
        sum(name.startswith("ocrkit_iam/sample/words/") and name.endswith(".png") for name in names)
        >= 300
    )


def test_the_wheel_is_small(built: Path) -> None:
    """Seven models and three language models are 57 MB; a package index takes 100."""
    assert next(built.glob("*.whl")).stat().st_size < 60e6


def test_every_plugin_has_an_entry_point() -> None:
    entry_points = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "entry-points"
    ]["ocrkit"]
    assert sorted(entry_points.values()) == sorted(
        packages_in(ROOT / "plugins") + packages_in(ROOT / "zoo")
    )
    assert all(package == f"ocrkit_{name}" for name, package in entry_points.items())


def test_the_licences_of_code_and_weights_are_stated_and_included(wheel: zipfile.ZipFile) -> None:
    info = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = email.message_from_bytes(wheel.read(info))
    references = ["CC-BY-4.0", "LicenseRef-IAM-noncommercial-research", "LicenseRef-WordNet"]
    assert metadata["License-Expression"] == " AND ".join(["Apache-2.0", *references])
    for file in metadata.get_all("License-File", []):
        assert info.replace("METADATA", f"licenses/{file}") in wheel.namelist()
    assert set(metadata.get_all("License-File", [])) == {
        "LICENSE",
        *(f"LICENSES/{each}.txt" for each in references),
    }


def test_the_sdist_has_what_is_needed_to_test_and_document_it(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "Makefile",
        "constraints.txt",
        "docs/conf.py",
        "tests/packaging/test_wheel.py",
        "LICENSE",
        "README.md",
    } <= names
    assert not any(name.startswith((".venv/", "docs/_build/", ".git/")) for name in names)
