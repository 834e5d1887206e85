"""A training run made into a model: what its manifest says of the runs before."""

import json
import shutil
import tomllib
from pathlib import Path

import pytest

from ocrkit.assembly import assemble
from ocrkit.config import load_spec
from ocrkit.manifest import write_manifest
from ocrkit.packing import pack
from ocrkit.training import train


@pytest.fixture
def run(folder: Path, tiny: Path, words_root: Path, tmp_path: Path) -> Path:
    """The folder of a run that started from the model ``tiny``, which two runs had made."""
    manifest = tomllib.loads((folder / "manifest.toml").read_text())
    runs = [{"command": "second", "forms": "a01-003\nz-1\n"}, {"command": "first", "forms": "z-1\nz-2\n"}]
    write_manifest(folder / "manifest.toml", manifest | {"training": {"runs": runs}})
    assembly = assemble(load_spec(tiny, ["training.epochs=1", "training.validation="]), training=True)
    train(assembly, tmp_path / "run", data=words_root, init="zoo:tiny")
    return tmp_path / "run"


def before(run: Path, tiny: Path) -> list[dict[str, object]]:
    """What the manifest of a model that is made of a run says of the runs before it."""
    folder = run.parent / "model"
    folder.mkdir(exist_ok=True)
    shutil.copy(tiny, folder / "pipeline.toml")
    pack(folder, [run], {"licence": "MIT"}, items=1)
    last, *earlier = tomllib.loads((folder / "manifest.toml").read_text())["training"]["runs"]
    assert last["forms"] == "a01-000u\na01-003\na01-007\n"
    return list(earlier)


def test_runs_of_the_model_that_it_started_from_are_listed_each_with_its_own_forms(run: Path, tiny: Path) -> None:
    assert before(run, tiny) == [{"command": "second", "forms": "z-1\n"}, {"command": "first", "forms": "z-2\n"}]


def test_a_model_that_is_another_by_now_lends_no_runs(run: Path, folder: Path, tiny: Path) -> None:
    manifest = tomllib.loads((folder / "manifest.toml").read_text())
    write_manifest(folder / "manifest.toml", manifest | {"training": {"runs": [{"command": "other", "forms": "z-3\n"}]}})
    assert before(run, tiny) == [{"weights": "zoo:tiny", "forms": "z-1\nz-2\n"}]


def test_a_model_that_names_no_runs_is_named_itself(run: Path, folder: Path, tiny: Path) -> None:
    about = json.loads((run / "run.json").read_text())
    about["init"]["trained"] = []
    (run / "run.json").write_text(json.dumps(about))
    manifest = tomllib.loads((folder / "manifest.toml").read_text())
    del manifest["training"]
    write_manifest(folder / "manifest.toml", manifest)
    assert before(run, tiny) == [{"weights": "zoo:tiny", "forms": ""}]
