"""Verification of models: what is right passes, and everything that can be wrong is found and
named."""

import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from click.testing import CliRunner, Result

from networks import INSTALLED
from ocrkit.cli import main
from ocrkit.data.datasets import open_dataset
from ocrkit.errors import DataError, OcrkitError, WeightsError
from ocrkit.networks import weights
from ocrkit.parts.registry import registry
from ocrkit.pipelines.build import assemble, build_network
from ocrkit.pipelines.file import load_spec
from ocrkit.pipelines.trained import weights_to_read_with
from ocrkit.publishing.golden_set import Item, choose, read_golden, write_golden
from ocrkit.publishing.verify import Verification, verify
from ocrkit.support.checksums import sha256_of

ITEMS = 6


def changed(item: Item, **computed: Any) -> Item:
    """An item of which something else was computed."""
    return replace(item, computed=replace(item.computed, **computed))


class Tiny:
    """The model ``tiny`` of a third party, to be tampered with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.weights = folder / "w.safetensors"
        self.golden = folder / "golden.safetensors"

    @property
    def manifest(self) -> dict[str, Any]:
        return tomllib.loads((self.folder / "manifest.toml").read_text())

    def write(self, manifest: dict[str, Any]) -> None:
        (self.folder / "manifest.toml").write_text(tomli_w.dumps(manifest))

    def change(self, table: str, **values: object) -> None:
        """Changes keys of a table of the manifest; None removes one."""
        manifest = self.manifest
        manifest[table] |= values
        manifest[table] = {
            key: value for key, value in manifest[table].items() if value is not None
        }
        self.write(manifest)

    def restate(self) -> None:
        """Makes the manifest agree with the files again."""
        for table, path in (("weights", self.weights), ("golden", self.golden)):
            self.change(table, sha256=sha256_of(path), bytes=path.stat().st_size)

    def change_pipeline(self, **values: object) -> None:
        path = self.folder / "pipeline.toml"
        path.write_text(tomli_w.dumps(tomllib.loads(path.read_text()) | values))

    def change_golden(self, change: Callable[[list[Item]], list[Item]]) -> None:
        """Writes another golden set, and a manifest that agrees with it."""
        write_golden(self.golden, change(read_golden(self.golden)))
        self.restate()


@pytest.fixture
def model(folder: Path, words_root: Path) -> Tiny:
    """The model with weights in float16, a complete manifest and a golden set, for three
    backends."""
    model = Tiny(folder)
    model.change_pipeline(backends=INSTALLED)
    trained = weights.read(model.weights)
    half = {name: array.astype(np.float16) for name, array in trained.arrays.items()}
    weights.write(model.weights, half, trained.about)
    model.write(
        {
            "schema": 2,
            "weights": {"file": "w.safetensors", "sha256": sha256_of(model.weights)},
        }
    )
    assembly = assemble(load_spec("tiny"), backend="torch")
    network = build_network(assembly, "cpu")
    network.load_state(weights_to_read_with(assembly)[0])
    write_golden(
        model.golden,
        choose(
            assembly,
            network,
            open_dataset(assembly.spec.reader, root=words_root, split="all"),
            count=ITEMS,
            margin=0.02,
        ),
    )
    model.write(
        {
            "schema": 2,
            "name": "tiny",
            "licence": "CC0-1.0",
            "weights": {
                "file": "w.safetensors",
                "dtype": "float16",
                "parameters": sum(array.size for array in half.values()),
            },
            "network": assembly.identity(),
            "golden": {
                "file": "golden.safetensors",
                "items": ITEMS,
                "tolerance": 1e-4,
                "margin": 0.02,
            },
        }
    )
    model.restate()
    return model


def zoo(*arguments: object) -> Result:
    result = CliRunner().invoke(main, ["zoo", "verify", *map(str, arguments)])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def failed(result: Verification) -> dict[str, tuple[str, ...]]:
    """The checks that failed, with their problems."""
    return {check.name: check.problems for check in result.checks if check.problems}


def only_problem(result: Verification) -> str:
    assert not result.passed
    assert len(result.problems) == 1
    assert "\n" not in result.problems[0]
    return result.problems[0]


# ------------------------------------------------------------------------------------ what is right


@pytest.mark.usefixtures("model")
def test_a_third_partys_model_in_float16_passes_on_all_backends() -> None:
    heard: list[tuple[int, int]] = []
    result = verify("tiny", on_images=lambda done, total: heard.append((done, total)))
    assert result.passed, result.problems
    assert list(result.ran) == INSTALLED
    assert heard[-1] == (len(INSTALLED) * ITEMS, len(INSTALLED) * ITEMS)
    pairs = {each.between: each.largest for each in result.differences}
    assert set(pairs) == set(combinations([*INSTALLED, "stored"], 2))
    assert max(pairs.values()) <= 1e-4
    assert pairs["onnx", "torch"] > 0  # other programs round otherwise: the comparison does compare


@pytest.mark.usefixtures("model")
def test_the_command_prints_a_row_a_check_and_the_differences() -> None:
    result = zoo("tiny")
    assert (result.exit_code, result.stderr) == (0, "")
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows[0] == ["model", "check", "result", "found"]
    assert all(row[0] == "tiny" and "passed" in row for row in rows[1:])
    assert ["tiny", "onnx", "–", "torch", "passed"] in [row[:5] for row in rows]
    about = json.loads(zoo("tiny", "--json").stdout)
    assert about["passed"]
    assert [model["model"] for model in about["models"]] == ["tiny"]
    assert about["models"][0]["ran"].keys() == set(INSTALLED)


@pytest.mark.usefixtures("model")
def test_one_backend_alone() -> None:
    result = verify("tiny", backend="onnx", device="cpu")
    assert result.passed
    assert list(result.ran) == ["onnx"]
    assert [each.between for each in result.differences] == [("onnx", "stored")]


def test_the_golden_sets_margin_holds_for_every_item(model: Tiny) -> None:
    items = read_golden(model.golden)
    assert len(items) == ITEMS
    assert len({item.image.shape for item in items}) > 2
    for item in items:
        ordered = np.sort(item.computed.valid["log_probs"], axis=1)
        assert (ordered[:, -1] - ordered[:, -2] >= 0.02).all()
        np.testing.assert_allclose(
            np.exp(item.computed.valid["log_probs"]).sum(axis=1), 1, rtol=1e-4
        )


def test_items_that_come_near_a_tie_are_not_chosen(model: Tiny, words_root: Path) -> None:
    assembly = assemble(load_spec("tiny"), backend="torch")
    network = build_network(assembly, "cpu")
    network.load_state(weights_to_read_with(assembly)[0])
    samples = open_dataset(assembly.spec.reader, root=words_root, split="all")
    assert all(
        item.margin >= 0.05 for item in choose(assembly, network, samples, count=3, margin=0.05)
    )
    with pytest.raises(DataError, match=r"0 of 31 samples keep a margin of 99; 3 are wanted"):
        choose(assembly, network, samples, count=3, margin=99)
    assert model


# ------------------------------------------------------------------------------------ what is wrong


def test_a_flipped_byte_of_the_weights_is_found(model: Tiny) -> None:
    content = bytearray(model.weights.read_bytes())
    content[-1] ^= 1
    model.weights.write_bytes(content)
    result = verify("tiny")
    assert failed(result).keys() == {"weights"}
    assert only_problem(result).startswith(
        f"{model.weights}: not the weights of 'tiny': expected sha256 "
    )
    line = zoo("tiny")
    assert line.exit_code == 1
    assert line.stderr == f"ocrkit: tiny: {result.problems[0]}\n"


def test_a_flipped_byte_of_the_golden_set_is_found(model: Tiny) -> None:
    content = bytearray(model.golden.read_bytes())
    content[-1] ^= 1
    model.golden.write_bytes(content)
    result = verify("tiny")
    assert failed(result).keys() == {"golden set"}
    assert f"{model.golden}: sha256 " in only_problem(result)


def test_missing_files_are_found_both(model: Tiny) -> None:
    model.weights.unlink()
    model.golden.unlink()
    result = verify("tiny")
    assert failed(result).keys() == {"weights", "golden set"}
    assert f"{model.weights}: no such weights; install plugin 'small-zoo' anew" in result.problems


@pytest.mark.parametrize("tolerance", [2e-3, 1.0, 0, -1e-4, "1e-3", True, float("nan")])
def test_a_tolerance_must_be_small(model: Tiny, tolerance: object) -> None:
    model.change("golden", tolerance=tolerance)
    assert "golden.tolerance: " in only_problem(verify("tiny"))
    assert "expected a number above 0, at most 0.001" in only_problem(verify("tiny"))


def test_a_margin_that_lets_texts_differ_within_the_tolerance_is_found(model: Tiny) -> None:
    model.change("golden", margin=1e-4)
    assert (
        "golden.margin is 0.0001; with a tolerance of 0.0001 texts can differ below 0.0002"
        in only_problem(verify("tiny"))
    )


def test_items_that_do_not_keep_the_margin_are_named(model: Tiny) -> None:
    near = min(read_golden(model.golden), key=lambda item: item.margin)
    model.change("golden", margin=near.margin * 1.0001)
    assert f"item {near.id} keeps a margin of " in only_problem(verify("tiny"))


def test_everything_that_is_wrong_with_a_manifest_is_said_at_once(model: Tiny) -> None:
    manifest = model.manifest
    del (
        manifest["licence"],
        manifest["weights"]["bytes"],
        manifest["network"]["alphabet"],
        manifest["golden"]["sha256"],
    )
    manifest["network"]["height"] = "16"
    manifest["name"] = 3
    manifest["results"] = {"dataset": "words", "metrics": {"cer": 0.1}}
    manifest["mine"] = {"anything": True}
    model.write(manifest)
    path = model.folder / "manifest.toml"
    assert verify("tiny").problems == [
        f"{path}: name: 3; expected a text",
        f"{path}: network.height: '16'; expected a whole number above 0",
        f"{path}: golden.sha256: missing; expected 64 hexadecimal digits in small letters",
        f"{path}: results.metrics.cer: 0.1; expected a table",
        f"{path}: licence: missing; verifying needs it",
        f"{path}: network.alphabet: missing; expected a text",
        f"{path}: weights.bytes: missing; expected a whole number above 0",
        f"{path}: name: 3; plugin 'small-zoo' registers it as 'tiny'",
    ]
    assert len(zoo("tiny").stderr.splitlines()) == 8


def test_keys_of_the_authors_own_are_fine(model: Tiny) -> None:
    model.write(model.manifest | {"mine": {"anything": True}})
    assert verify("tiny", backend="onnx").passed


def test_a_model_under_another_name_is_found(model: Tiny) -> None:
    model.write(model.manifest | {"name": "iam-crnn"})
    assert "name: 'iam-crnn'; plugin 'small-zoo' registers it as 'tiny'" in only_problem(
        verify("tiny")
    )


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        ("weights", "bytes", 7),
        ("weights", "parameters", 7),
        ("weights", "dtype", "float32"),
        ("golden", "items", 7),
    ],
)
def test_what_the_manifest_says_of_its_files_is_held_against_them(
    model: Tiny, table: str, key: str, value: object
) -> None:
    model.change(table, **{key: value})
    assert f"{table}.{key}: {value!r} in the manifest, " in only_problem(verify("tiny"))


def test_other_numbers_in_the_weights_are_found_though_the_checksum_is_right(model: Tiny) -> None:
    stored = weights.read(model.weights)
    stored.arrays["head.bias"][0] += np.float16(0.5)
    weights.write(model.weights, stored.arrays, stored.about)
    model.restate()
    result = verify("tiny")
    assert {name for name in failed(result) if "–" in name} == {
        f"{backend} – stored" for backend in INSTALLED
    }
    largest = next(
        each.largest for each in result.differences if each.between == ("onnx", "stored")
    )
    assert largest is not None
    assert largest > 0.1
    assert any(
        line.startswith(
            f"log-probabilities of onnx and stored differ by {largest:.1e}, the tolerance is "
            "0.0001; most in item "
        )
        for line in result.problems
    )


def test_a_changed_text_is_named_with_what_is_read(model: Tiny) -> None:
    def change(items: list[Item]) -> list[Item]:
        return [changed(items[0], text="wrong"), *items[1:]]

    before = read_golden(model.golden)[0]
    model.change_golden(change)
    result = verify("tiny")
    assert failed(result) == {
        f"golden set on {backend}": (
            f"item {before.id}: {backend} reads {before.computed.text!r}, stored is 'wrong'",
        )
        for backend in INSTALLED
    }


def test_stored_numbers_of_another_length_or_nan_are_found(model: Tiny) -> None:
    def change(items: list[Item]) -> list[Item]:
        rows = items[0].computed.valid["log_probs"]
        longer = {"log_probs": np.concatenate([rows, rows[-1:]])}
        return [changed(items[0], valid=longer), *items[1:]]

    model.change_golden(change)
    result = verify("tiny", backend="torch")
    assert "log-probabilities of torch and stored differ by inf" in only_problem(result)
    assert result.differences[0].largest is None
    assert (
        json.loads(zoo("tiny", "--json").stdout)["models"][0]["differences"][-1]["largest"] is None
    )
    model.change_golden(
        lambda items: [
            changed(i, valid={"log_probs": np.full_like(i.computed.valid["log_probs"], np.nan)})
            for i in items
        ]
    )
    assert not verify("tiny", backend="torch").passed


def test_a_network_other_than_the_manifests_is_found(model: Tiny) -> None:
    network = model.manifest["network"]
    model.change("network", encoder=network["encoder"] | {"hidden": 9})
    assert (
        only_problem(verify("tiny", backend="onnx"))
        == "manifest.toml: network: encoder.hidden is 8, for the weights 9"
    )


def test_weights_for_another_network_are_found(model: Tiny) -> None:
    model.change_pipeline(alphabet="ehnots")
    problems = verify("tiny", backend="onnx").problems
    assert any(
        "pipeline 'tiny' is untrained: weights 'zoo:tiny' no longer apply: alphabet is" in line
        for line in problems
    )


def test_a_pipeline_that_reads_with_other_weights_is_found(model: Tiny) -> None:
    model.change_pipeline(weights="zoo:iam-crnn")
    assert "pipeline.toml: weights: 'zoo:iam-crnn'; expected 'zoo:tiny'" in only_problem(
        verify("tiny")
    )


def test_a_pipeline_that_does_not_build_is_found(model: Tiny) -> None:
    model.change_pipeline(decoder={"use": "ctc-greedy", "beam": 3}, backends=["onnx"])
    assert only_problem(verify("tiny")).startswith("decoder: no option 'beam'")


# ------------------------------------------------------------------------------------- golden files


@pytest.mark.parametrize(
    "change",
    [
        {"pixels": np.zeros(5, np.uint8)},
        {"pixels": np.zeros(5, np.float32)},
        {"shapes": np.array([[-1, 5]] * ITEMS, np.int32)},
        {"shapes": np.zeros(3, np.int32)},
        {"lengths": np.full(ITEMS, 1 << 30, np.int32)},
        {"lengths": np.array([-1] + [1] * (ITEMS - 1), np.int32)},
        {"log_probs": np.zeros(9, np.float32)},
        {"log_probs": np.zeros((9, 2), np.float64)},
        {"log_probs": None},
        {"ids": ["a"]},
        {"texts": None},
        {"texts": 3},
    ],
)
def test_files_that_are_no_golden_sets_are_one_clear_line(
    model: Tiny, change: dict[str, Any]
) -> None:
    file = weights.read(model.golden)
    arrays = {
        name: array
        for name, array in (file.arrays | change).items()
        if isinstance(array, np.ndarray)
    }
    about = {
        name: each
        for name, each in (file.about | change).items()
        if not isinstance(each, np.ndarray) and each is not None
    }
    weights.write(model.golden, arrays, about)
    with pytest.raises(WeightsError, match=r"golden\.safetensors: not a golden set") as caught:
        read_golden(model.golden)
    assert "\n" not in str(caught.value)


# ----------------------------------------------------------------------------------------- backends

OTHER = """
import ocrkit

@ocrkit.hookimpl
def ocrkit_backends(register):
    register("other", "other_backend:Other")

@ocrkit.hookimpl
def ocrkit_featurizers(register):
    register("cnn", "ocrkit_torch.cnn:build", backend="other")

@ocrkit.hookimpl
def ocrkit_encoders(register):
    register("bilstm", "ocrkit_torch.bilstm:build", backend="other")

@ocrkit.hookimpl
def ocrkit_objectives(register):
    register("ctc", "ocrkit_torch.ctc:Ctc", backend="other")
"""
ADDS = """
from ocrkit_torch.backend import Torch

class Other(Torch):
    def network(self, plan, *, device, threads):
        network = super().network(plan, device=device, threads=threads)
        run = network.run
        def other(inputs):
            outputs = run(inputs)
            log_probs = outputs["log_probs"]
            {fault}
            return outputs | {{"log_probs": log_probs}}
        network.run = other
        return network
"""


@pytest.fixture
def other(model: Tiny, install: Callable[[str, str], Path]) -> Callable[[str], None]:
    """``other(FAULT)`` installs the backend ``other``, which does what torch does and then FAULT,
    beside torch."""

    def install_other(module: str) -> None:
        entries = {
            kind: registry().get(kind, name, "torch").target
            for kind, name in (("featurizer", "cnn"), ("encoder", "bilstm"))
        }
        source = OTHER.replace("ocrkit_torch.cnn:build", entries["featurizer"])
        site = install("other", source.replace("ocrkit_torch.bilstm:build", entries["encoder"]))
        (site / "other_backend.py").write_text(module)
        model.change_pipeline(backends=["torch", "other"])

    return install_other


def test_a_backend_that_computes_something_else_is_found(other: Callable[[str], None]) -> None:
    other(ADDS.format(fault="log_probs = log_probs - 0.0005"))
    result = verify("tiny")
    assert {*failed(result)} == {"torch – other", "other – stored"}
    assert all(
        "other" in line and "differ by 5.0e-04, the tolerance is 0.0001; most in item " in line
        for line in result.problems
    )
    assert "FAILED" in zoo("tiny").stdout


def test_a_backend_that_reads_something_else_is_found_with_both_texts(
    other: Callable[[str], None], model: Tiny
) -> None:
    other(ADDS.format(fault="log_probs = log_probs[:, ::-1].copy()"))
    items = {item.id: item.computed.text for item in read_golden(model.golden)}
    long = next(name for name, text in items.items() if text != text[::-1])
    lines = failed(verify("tiny"))["golden set on other"]
    assert f"item {long}: other reads {items[long][::-1]!r}, stored is {items[long]!r}" in lines


def test_a_backend_that_breaks_is_found_and_others_go_on(other: Callable[[str], None]) -> None:
    other(ADDS.format(fault="raise RuntimeError('the device\\nis on fire')"))
    result = verify("tiny")
    assert failed(result) == {"golden set on other": ("RuntimeError: the device is on fire",)}
    assert list(result.ran) == ["torch"]


def test_a_backend_that_cannot_be_imported_though_it_is_installed_is_a_failure(
    other: Callable[[str], None],
) -> None:
    other("raise ImportError('libodd.so.1: cannot open shared object file')")
    assert "libodd.so.1" in only_problem(verify("tiny"))


def test_backends_that_are_not_installed_are_named_and_left_out(
    other: Callable[[str], None], model: Tiny
) -> None:
    other("import no_such_framework")
    model.change_pipeline(backends=["torch", "other", "unheard-of"])
    result = verify("tiny")
    assert result.passed
    assert list(result.ran) == ["torch"]
    assert "needs no_such_framework, which is not installed" in result.left_out["other"]
    assert "no backend named 'unheard-of'" in result.left_out["unheard-of"]
    assert [line.split()[:4] for line in zoo("tiny").stdout.splitlines() if "left out" in line] == [
        ["tiny", "other", "left", "out"], ["tiny", "unheard-of", "left", "out"],
    ]  # fmt: skip


def test_without_any_backend_nothing_is_proved(model: Tiny) -> None:
    model.change_pipeline(backends=["unheard-of"])
    for result in (verify("tiny"), verify("tiny", backend="tourch")):
        assert not result.passed
        assert result.problems[0] == "nothing here can compute the golden set"
    assert "Did you mean 'torch'?" in result.problems[1]


@pytest.mark.usefixtures("model")
def test_a_gpu_that_is_not_there_is_left_out_and_alone_is_a_failure() -> None:
    if "cuda" in registry().get("backend", "torch").load()().devices():
        pytest.skip("there is a GPU here")
    result = verify("tiny", backend="torch", device="cuda")
    assert result.problems == [
        "nothing here can compute the golden set",
        "backend 'torch' sees cpu here",
    ]


# ----------------------------------------------------------------------------------- several models


def test_without_names_all_models_are_verified_and_broken_ones_named(model: Tiny) -> None:
    result = zoo("--backend", "onnx")
    assert result.exit_code == 1
    assert {line.split()[0] for line in result.stdout.splitlines()[1:]} == {
        "hands-lines",
        "hands-pages",
        "iam-crnn",
        "iam-lines",
        "iam-pages",
        "iam-words-fast",
        "iam-words-resnet",
        "page-lines",
        "synth-words-resnet",
        "tiny",
    }
    assert "FAILED" not in result.stdout
    assert result.stderr.startswith(
        "ocrkit: zoo model 'gone' of plugin 'small-zoo' cannot be found"
    )  # the plugin's other model
    (model.folder / "manifest.toml").write_text("not TOML")
    assert "manifest.toml: no readable manifest" in zoo("tiny").stderr
    with pytest.raises(OcrkitError, match="Did you mean 'tiny'"):
        verify("tinny")


def test_a_model_that_is_not_fetched_is_reported_and_no_failure_unless_named(model: Tiny) -> None:
    model.change("weights", url="https://example.org/w.safetensors")
    result = verify("tiny")
    assert not result.fetched
    assert not result.passed
    named = zoo("tiny")
    assert named.exit_code == 1
    assert (
        named.stderr
        == "ocrkit: tiny: its weights are not on this machine yet. Try: ocrkit zoo fetch tiny\n"
    )
    everything = zoo("--backend", "onnx")
    assert ["tiny", "weights", "not", "fetched"] in [
        line.split() for line in everything.stdout.splitlines()
    ]
    assert "tiny" not in everything.stderr.replace("small-zoo", "")
