"""A training run made into a model: what its manifest says of the runs before, and its list of
forms of what they have seen."""

import json
import shutil
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ocrkit.networks.seen_forms import SeenForms, of_model, write_seen
from ocrkit.pipelines.assembly import Assembly
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec
from ocrkit.pipelines.opened import make_parts
from ocrkit.publishing.pack import pack, pack_run
from ocrkit.training import train
from ocrkit.zoo.manifest import checked_manifest, write_manifest

SECOND, FIRST = {"command": "second", "forms": 2}, {"command": "first", "forms": 2}


def describe(folder: Path, runs: list[dict[str, Any]], trained: set[str]) -> None:
    """Writes into a model's manifest what runs had made it, and what they had trained on."""
    manifest = tomllib.loads((folder / "manifest.toml").read_text())
    forms = {"forms": asdict(write_seen(folder, SeenForms(frozenset(trained)))[0])}
    write_manifest(folder / "manifest.toml", manifest | {"training": {"runs": runs}} | forms)


@pytest.fixture
def run(folder: Path, tiny: Path, words_root: Path, tmp_path: Path) -> Path:
    """The folder of a run that started from the model ``tiny``, which two runs had made."""
    describe(folder, [SECOND, FIRST], {"a01-003", "z-1", "z-2"})
    assembly = assemble(
        load_spec(tiny, ["training.epochs=1", "training.validation="]), training=True
    )
    train(assembly, tmp_path / "run", data=words_root, init="zoo:tiny")
    return tmp_path / "run"


def packed(run: Path, tiny: Path) -> tuple[list[dict[str, object]], SeenForms]:
    """What a model that is made of a run says of the runs before it, and what it has seen."""
    folder = run.parent / "model"
    folder.mkdir(exist_ok=True)
    shutil.copy(tiny, folder / "pipeline.toml")
    pack(folder, [run], {"licence": "MIT"}, chosen=["tune-1"], items=1)
    manifest = tomllib.loads((folder / "manifest.toml").read_text())
    last, *earlier = manifest["training"]["runs"]
    assert last["forms"] == 3
    lists = checked_manifest(manifest)
    return earlier, of_model(folder, lists.forms, lists.images)


OWN = {"a01-000u", "a01-003", "a01-007"}


def test_runs_of_the_model_that_it_started_from_are_listed_and_what_they_have_seen(
    run: Path, tiny: Path
) -> None:
    assert packed(run, tiny) == (
        [SECOND, FIRST],
        SeenForms(frozenset(OWN | {"z-1", "z-2"}), frozenset({"tune-1"})),
    )


def test_a_model_that_is_another_by_now_lends_no_runs(run: Path, folder: Path, tiny: Path) -> None:
    describe(folder, [{"command": "other", "forms": 1}], {"z-3"})
    earlier, seen = packed(run, tiny)
    assert earlier == [{"weights": "zoo:tiny", "forms": 3}]
    assert seen.trained == OWN | {"z-1", "z-2"}


def test_a_model_that_names_no_runs_is_named_itself(run: Path, folder: Path, tiny: Path) -> None:
    about = json.loads((run / "run.json").read_text())
    about["init"]["trained"] = []
    (run / "run.json").write_text(json.dumps(about))
    manifest = tomllib.loads((folder / "manifest.toml").read_text())
    del manifest["training"], manifest["forms"]
    write_manifest(folder / "manifest.toml", manifest)
    earlier, seen = packed(run, tiny)
    assert earlier == [{"weights": "zoo:tiny", "forms": 0}]
    assert seen.trained == OWN


def test_a_network_that_onnx_lacks_a_part_of_is_exported_beside_the_weights(
    tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    """And reads by that, unless its options or its alphabet are changed or PyTorch is asked for."""
    pytest.importorskip("onnxscript", reason="the exporter's package is not installed")
    small = ["featurizer.use=separable-cnn", "featurizer.channels=[4,6]", "featurizer.features=4"]
    spec = load_spec(tiny, [*small, "training.epochs=1", 'backends=["torch"]'])
    train(assemble(spec, training=True), tmp_path / "run", data=words_root)
    folder = tmp_path / "model"
    manifest = pack_run(tmp_path / "run", folder, name="small", licence="MIT")
    assert manifest.graph is not None
    assert str(Path.home()).encode() not in (folder / "network.onnx").read_bytes()
    path = folder / "pipeline.toml"
    path.write_text(path.read_text().replace("zoo:small", "weights.safetensors"))

    by_graph, by_torch = (
        make_parts(load_spec(path), name).open("cpu", 1) for name in (None, "torch")
    )
    assert (by_graph.around.backend_name, by_torch.around.backend_name) == ("onnx", "torch")
    rng, size = np.random.default_rng(0), by_torch.around.image
    batch = by_torch.around.make_batch(
        [rng.integers(0, 256, (size.height, size.width), np.uint8) for _ in range(3)]
    )
    found, expected = (each.network.run(batch)["log_probs"] for each in (by_graph, by_torch))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    for changed in ("featurizer.features=5", "alphabet+=é"):
        assert isinstance(make_parts(load_spec(path, [changed]), None).around, Assembly)
