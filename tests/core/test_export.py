"""Exported networks: what is in the file, that it reads what its network reads, and what is
refused."""

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import tomli_w
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import ocrkit
from anything import damaged
from networks import INSTALLED
from ocrkit import ConfigError, OcrkitError, WeightsError
from ocrkit.cli import main
from ocrkit.interfaces import Arrays, NetworkPlan
from ocrkit.networks.network_file import read_exported
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec
from ocrkit.publishing.export import Export, export
from ocrkit.training import train
from ocrkit_onnx.backend import Onnx
from ocrkit_onnx.graph import metadata_entries, metadata_of

Install = Callable[[str, str], Path]
ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "read_with_onnxruntime.py"

RESIDUAL = '''
from dataclasses import dataclass

import ocrkit

@dataclass(frozen=True)
class Residual:
    """Two rows of a residual block's features."""

    channels: int = ocrkit.option(4, "channels", minimum=1)
    stride = 4

    def output_size(self, input):
        return ocrkit.SequenceSize(2 * self.channels, None if input.width is None else input.width // 4)

    def lengths(self, widths):
        return widths // 4

    def parameters(self, input):
        c = self.channels
        return {"stem.weight": (c, 1, 4, 4), "stem.bias": (c,), "block.weight": (c, c, 3, 3), "block.bias": (c,)}

def build(options, input):
    import torch
    from torch import nn

    class Module(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Conv2d(1, options.channels, 4, stride=4)
            self.block = nn.Conv2d(options.channels, options.channels, 3, padding=1)

        def forward(self, images, widths):
            lengths = torch.div(widths, 4, rounding_mode="floor")
            x = self.stem(images)
            inside = (torch.arange(x.shape[3], device=x.device) < lengths[:, None])[:, None, None]
            x = torch.where(inside, x, 0)
            x = torch.relu(x + self.block(x))
            x = nn.functional.adaptive_max_pool2d(x, (2, None)) if x.shape[2] == 2 else x[:, :, :2]
            return x.permute(0, 3, 1, 2).flatten(2), lengths

    return Module()

@ocrkit.hookimpl
def ocrkit_featurizers(register):
    register("residual", "residual:Residual", summary="a residual block")
    register("residual", "residual:build", backend="torch")
'''  # noqa: E501


def words(root: Path) -> list[Path]:
    return sorted((root / "words").rglob("*.png"))


def texts(source: Path, root: Path) -> list[str | None]:
    return [item.text for item in ocrkit.load(source).read_many(words(root))]


@pytest.fixture(scope="module")
def exported(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Export:
    """The tiny run's network, not to be changed."""
    return export(load_spec(tiny_run), tmp_path_factory.mktemp("exported") / "tiny.onnx")


@pytest.fixture
def wide_run(tiny: Path, words_root: Path, tmp_path: Path) -> Path:
    """A run whose images have widths of their own."""
    changes = [
        "preprocessor.use=fit-height",
        "preprocessor.height=16",
        "training.epochs=15",
        "training.learning_rate=0.05",
    ]
    spec = load_spec(tiny, [*changes, "encoder.layers=2"])
    train(assemble(spec, training=True), tmp_path / "wide", data=words_root)
    return tmp_path / "wide"


def test_the_file_reads_what_its_network_reads(
    exported: Export, tiny_run: Path, words_root: Path
) -> None:
    pipeline = ocrkit.load(exported.path)
    assert (pipeline.backend, pipeline.weights.sha256) == ("onnx", exported.exported.sha256)
    assert texts(exported.path, words_root) == texts(tiny_run, words_root)
    scores, expected = (
        ocrkit.load(each).evaluate(data=words_root).metrics for each in (exported.path, tiny_run)
    )
    assert scores == expected


def test_a_file_is_opened_once_to_read_with_it_and_to_check_it(
    exported: Export, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """ONNX Runtime built its network three times, twice to see what the file says of itself."""
    opened = []
    session = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime,
        "InferenceSession",
        lambda *args, **named: opened.append(args) or session(*args, **named),
    )
    ocrkit.load(exported.path)
    assert len(opened) == 1
    assert CliRunner().invoke(main, ["check", str(exported.path)]).exit_code == 0
    assert len(opened) == 2
    broken = shutil.copy(exported.path, tmp_path)
    model = Path(broken).read_bytes()
    Path(broken).write_bytes(model.replace(b"LSTM", b"LSTN", 1))
    result = CliRunner().invoke(main, ["check", broken])
    assert result.exit_code == 1
    assert f"{broken}: cannot be run as an ONNX network" in result.output


def test_a_network_of_varying_width_reads_the_same_from_its_file(
    wide_run: Path, words_root: Path, tmp_path: Path
) -> None:
    done = export(load_spec(wide_run), tmp_path / "wide.onnx")
    assert done.exported.width is None
    assert any(texts(wide_run, words_root))
    assert texts(done.path, words_root) == texts(wide_run, words_root)
    alone = [ocrkit.load(done.path, batch_size=1).read(path).text for path in words(words_root)]
    assert alone == texts(wide_run, words_root)


def test_the_files_own_backend_writes_it_where_it_has_all_parts(
    tiny_run: Path, tmp_path: Path
) -> None:
    done = export(load_spec(tiny_run, ['backends=["torch"]']), tmp_path / "tiny.onnx")
    assert done.exporter == "onnx"
    assert set(done.differences) == set(INSTALLED)


def test_it_is_compared_with_the_network_on_every_backend(exported: Export) -> None:
    assert set(exported.differences) == set(INSTALLED)
    assert all(difference < 1e-4 for difference in exported.differences.values())
    assert exported.differences["torch"] > 0


def test_the_file_says_what_another_program_needs(exported: Export, tiny_run: Path) -> None:
    onnx.checker.check_model(onnx.load(exported.path), full_check=True)
    session = onnxruntime.InferenceSession(exported.path, providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert metadata["alphabet"] == "ehnot"
    assert metadata["weights_sha256"] == ocrkit.load(tiny_run).weights.sha256
    assert metadata["input"].startswith("images: float32 (N, 1, 16, 48), grey values / 255")
    assert "class K - 1 the blank" in metadata["output"]
    about = json.loads(metadata["ocrkit"])
    assert (about["height"], about["width"], about["stride"], about["steps"]) == (16, 48, 4, 12)
    assert about["pipeline"]["preprocessor"] == {"use": "fit-pad", "height": 16, "width": 48}
    assert not about["pipeline"].keys() & {"featurizer", "encoder", "weights", "training"}
    for count in (1, 7):
        log_probs, lengths = session.run(
            None,
            {
                "images": np.zeros((count, 1, 16, 48), np.float32),
                "widths": np.full(count, 48, np.int64),
            },
        )
        assert (log_probs.shape, log_probs.dtype, lengths.tolist()) == (
            (count, 12, 6),
            np.float32,
            [12] * count,
        )
        np.testing.assert_allclose(np.exp(log_probs).sum(axis=2), 1, atol=1e-5)


def test_the_zoos_licence_travels_with_the_file(tmp_path: Path) -> None:
    done = export(load_spec("iam-crnn"), tmp_path / "iam.onnx")
    assert done.exported.weights == "zoo:iam-crnn"
    assert "non-commercial research only" in ocrkit.load(done.path).weights.licence


def test_a_third_partys_featurizer_is_exported_by_pytorch_and_read_without_it(
    install: Install, tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    site = install("residual", RESIDUAL)
    changes = [
        "featurizer.use=residual",
        'backends=["torch"]',
        "preprocessor.use=fit-height",
        "preprocessor.height=16",
    ]
    changes += ["training.epochs=24", "training.learning_rate=0.05", "training.batch_size=4"]
    train(assemble(load_spec(tiny, changes), training=True), tmp_path / "run", data=words_root)
    done = export(load_spec(tmp_path / "run"), tmp_path / "residual.onnx")
    assert (done.exporter, set(done.differences)) == ("torch", {"torch"})
    expected = texts(tmp_path / "run", words_root)
    assert any(expected)
    assert texts(done.path, words_root) == expected
    shutil.rmtree(site)  # neither PyTorch nor the featurizer is there where the file is read
    script = (
        "import sys; sys.modules['torch'] = sys.modules['mxnet'] = sys.modules['onnx'] = None\n"
        "import ocrkit; print([item.text for item in "
        "ocrkit.load(sys.argv[1]).read_many(sys.argv[2:])])"
    )
    command = [sys.executable, "-c", script, done.path, *words(words_root)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == f"{expected}\n"


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("iam-crnn", "[]"),
        ("iam-words-resnet", '[{ use = "level" }, { use = "crop" }]'),
        ("synth-words-resnet", "[]"),
    ],
)
def test_the_example_reads_without_ocrkit_what_ocrkit_reads(
    name: str, before: str, tmp_path: Path
) -> None:
    sample = sorted((ROOT / "plugins" / "ocrkit_iam" / "sample" / "words").rglob("*.png"))[:40]
    grey = tmp_path / "grey.png"
    scan = cv2.imread(str(sample[0]), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(grey), (scan * np.linspace(1.0, 0.5, scan.shape[1])).astype(np.uint8))
    settings = [f"preprocessor.before={before}"]
    export(load_spec(name, settings), tmp_path / "network.onnx")
    images = [grey, *_in_other_forms(scan, tmp_path), *sample]
    command = [sys.executable, EXAMPLE, tmp_path / "network.onnx", *images]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    expected = [f"{item.id}\t{item.text}" for item in ocrkit.load(name, settings).read_many(images)]
    assert result.stdout.splitlines() == expected
    assert "import ocrkit" not in EXAMPLE.read_text(encoding="utf-8")


def _in_other_forms(scan: np.ndarray, folder: Path) -> list[Path]:
    """Files of it whose pixels are not simply its: transparent, of 16 bits, lying on its side."""
    paths = [folder / name for name in ("ink.png", "wide.png", "turned.jpg")]
    black = np.zeros_like(scan)
    cv2.imwrite(str(paths[0]), np.dstack([black, black, black, 255 - scan]))
    cv2.imwrite(str(paths[1]), scan.astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(scan)).save(paths[2], exif=exif, quality=95)
    return paths


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("preprocessor.use=fit-height", "wants other preprocessors"),
        ("preprocessor.ink=light", "is for light writing"),
    ],
)
def test_the_example_refuses_what_it_is_not_written_for(
    tiny_run: Path, setting: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "network.onnx"
    export(load_spec(tiny_run, [setting, "preprocessor.height=16"]), path)
    result = subprocess.run(
        [sys.executable, EXAMPLE, path, "a.png"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert result.stderr.startswith(f"{path}: {message}")
    assert len(result.stderr.splitlines()) == 1


# --------------------------------------------------------------------------- pipelines of one's own


def test_a_pipeline_may_name_an_exported_network(
    exported: Export, words_root: Path, tmp_path: Path
) -> None:
    table = read_exported(exported.path).pipeline | {"name": "mine", "metrics": [{"use": "wer"}]}
    shutil.copy(exported.path, tmp_path / "tiny.onnx")
    (tmp_path / "mine.toml").write_text(tomli_w.dumps(table))
    pipeline = ocrkit.load(tmp_path / "mine.toml")
    assert list(pipeline.evaluate(data=words_root).metrics) == ["wer"]
    assert texts(tmp_path / "mine.toml", words_root) == texts(exported.path, words_root)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            ["preprocessor.width=64"],
            "preprocessor: gives 16 × 64 px, but tiny.onnx takes 16 × 48 px",
        ),
        (["alphabet=abcde"], "alphabet: not the one that tiny.onnx was exported with"),
        (
            ["weights=w.safetensors"],
            "weights: the network 'tiny.onnx' takes its place; leave it out",
        ),
        (["encoder.use=bilstm"], "encoder: the network 'tiny.onnx' takes its place; leave it out"),
    ],
)
def test_what_does_not_fit_an_exported_network_is_said(
    exported: Export, changes: list[str], problem: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        ocrkit.load(exported.path, changes)
    assert caught.value.problems == [problem]


FUSSY = """
from dataclasses import dataclass
import ocrkit

@dataclass(frozen=True)
class Fussy:
    higher_is_better = True

    def __post_init__(self):
        raise ocrkit.ConfigError(["fussy: never content"])

@ocrkit.hookimpl
def ocrkit_metrics(register):
    register("fussy", Fussy)
"""


@pytest.mark.parametrize("is_exported", [True, False])
def test_a_metric_that_refuses_its_options_is_told_by_whatever_opens_the_pipeline(
    is_exported: bool, exported: Export, tiny_run: Path, install: Install
) -> None:
    install("fussy", FUSSY)
    source, changes = exported.path if is_exported else tiny_run, ["metrics=[{use = 'fussy'}]"]
    told = CliRunner().invoke(main, ["check", str(source), "--set", *changes])
    assert (told.exit_code, told.stderr) == (1, "ocrkit: fussy: never content\n")
    with pytest.raises(ConfigError, match="fussy: never content"):
        ocrkit.load(source, changes)


def test_an_exported_network_runs_on_its_own_backend_alone_and_is_not_trained(
    exported: Export,
) -> None:
    with pytest.raises(ConfigError, match=r"backend 'torch' does not run tiny\.onnx"):
        ocrkit.load(exported.path, backend="torch")
    with pytest.raises(
        ConfigError, match=r"network: 'tiny\.onnx' is exported, so it is for reading"
    ):
        assemble(load_spec(exported.path), training=True)
    with pytest.raises(ConfigError, match="is exported, so it is for reading"):
        export(load_spec(exported.path), exported.path.with_name("again.onnx"))


# ---------------------------------------------------------------------------------- what is refused


def test_a_file_that_computes_something_else_is_not_written(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Onnx.export_onnx

    def wrong(self: Onnx, plan: NetworkPlan, arrays: Arrays) -> bytes:
        return honest(
            self,
            plan,
            arrays | {"head.bias": arrays["head.bias"] + np.float32([0, 0, 0, 0, 0, 0.1])},
        )

    monkeypatch.setattr(Onnx, "export_onnx", wrong)
    path = tmp_path / "tiny.onnx"
    path.write_bytes(b"an older one")
    with pytest.raises(
        OcrkitError,
        match=r"not written: its log-probabilities differ from the network's on .*torch by 0\.",
    ):
        export(load_spec(tiny_run), path)
    assert path.read_bytes() == b"an older one"
    assert list(tmp_path.iterdir()) == [path]


def test_files_that_are_no_exported_networks_are_a_line(exported: Export, tmp_path: Path) -> None:
    text, cut, foreign = (tmp_path / f"{name}.onnx" for name in ("text", "cut", "foreign"))
    text.write_text("<html>")
    cut.write_bytes(exported.path.read_bytes()[:1000])
    model = onnx.load(exported.path)
    del model.metadata_props[:]
    onnx.save(model, foreign)
    for path, reason in (
        (text, "cannot be run as an ONNX network"),
        (cut, "cannot be run"),
        (foreign, "does not say what it reads"),
    ):
        with pytest.raises(OcrkitError, match=reason) as caught:
            ocrkit.load(path)
        assert str(caught.value).startswith(str(path))
        assert "\n" not in str(caught.value)
    with pytest.raises(OcrkitError, match="no such file"):
        ocrkit.load(tmp_path / "gone.onnx")


def test_a_damaged_description_is_a_line(exported: Export, tmp_path: Path) -> None:
    model = onnx.load(exported.path)
    about = {entry.key: entry for entry in model.metadata_props}["ocrkit"]
    good = json.loads(about.value)
    for value in (
        "{",
        "[]",
        json.dumps(good | {"schema": 2}),
        json.dumps({k: v for k, v in good.items() if k != "stride"}),
    ):
        about.value = value
        onnx.save(model, tmp_path / "damaged.onnx")
        with pytest.raises(OcrkitError, match="its description is damaged or another version's"):
            ocrkit.load(tmp_path / "damaged.onnx")


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_value_in_any_place_of_a_description_is_taken_or_refused_in_one_line(
    exported: Export, tmp_path: Path, data: st.DataObject
) -> None:
    whole, path = exported.path.read_bytes(), tmp_path / "damaged.onnx"
    about = data.draw(damaged(json.loads(metadata_of(whole)["ocrkit"])))
    path.write_bytes(whole + metadata_entries({"ocrkit": json.dumps(about)}))
    said = ""
    try:
        read_exported(path)
    except OcrkitError as error:
        said = str(error)
    assert len(said.splitlines()) <= 1


def test_what_cannot_be_exported_is_said_before_anything_is_written(
    tiny: Path, tiny_run: Path, tmp_path: Path
) -> None:
    with pytest.raises(WeightsError, match="'tiny' is untrained"):
        export(load_spec(tiny), tmp_path / "a.onnx")
    with pytest.raises(OcrkitError, match=r"no exported network; expected a file like model\.onnx"):
        export(load_spec(tiny_run), tmp_path / "model.bin")
    with pytest.raises(OcrkitError, match="backend 'torch' runs no network files"):
        export(load_spec(tiny_run), tmp_path / "model.torch")
    with pytest.raises(OcrkitError, match="there is no folder"):
        export(load_spec(tiny_run), tmp_path / "nowhere" / "model.onnx")
    with pytest.raises(
        OcrkitError,
        match="int8 is calibrated on images of the training split; name the data set with --data",
    ):
        export(load_spec(tiny_run), tmp_path / "model.onnx", precision="int8")
    assert not list(tmp_path.iterdir())


def test_hand_made_features_cannot_be_exported(
    tiny_run: Path, install: Install, tmp_path: Path, words_root: Path
) -> None:
    install(
        "rows",
        """
from dataclasses import dataclass
import ocrkit

@dataclass(frozen=True)
class Rows:
    stride = 4
    def output_size(self, input):
        return ocrkit.SequenceSize(input.height, None if input.width is None else input.width // 4)
    def lengths(self, widths):
        return widths // 4
    def parameters(self, input):
        return {}

def build(options, input):
    return lambda images, widths: (images[:, 0, :, ::4].transpose(0, 2, 1).copy(), widths // 4)

@ocrkit.hookimpl
def ocrkit_featurizers(register):
    register("rows", "rows:Rows")
    register("rows", "rows:build", backend="numpy")
""",
    )
    spec = load_spec(tiny_run, ["featurizer.use=rows", "weights="])
    train(assemble(spec, training=True), tmp_path / "run", data=words_root)
    with pytest.raises(
        ConfigError,
        match="'rows' runs in NumPy, ahead of the network, so a network's file cannot hold it",
    ):
        export(load_spec(tmp_path / "run"), tmp_path / "rows.onnx")


# --------------------------------------------------------------------------------------------- int8


def test_int8_is_calibrated_and_measured_on_the_data_set(
    tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    done = export(
        load_spec(tiny_run), tmp_path / "small.onnx", precision="int8", data=words_root, images=16
    )
    assert done.quantised is not None
    assert (done.quantised.calibrated_on, done.quantised.images) == ("iam aachen/train", 16)
    assert (done.quantised.measured_on, done.quantised.samples) == ("iam aachen/validation", 7)
    exact, small = done.quantised.scores["cer"]
    assert (
        exact == ocrkit.load(tiny_run).evaluate("aachen/validation", data=words_root).metrics["cer"]
    )
    pipeline = ocrkit.load(done.path)
    assert small == pipeline.evaluate("aachen/validation", data=words_root).metrics["cer"]
    assert abs(small.value - exact.value) < 0.1
    assert read_exported(done.path).precision == "int8"
    operators = {node.op_type for node in onnx.load(done.path).graph.node}
    assert {"QuantizeLinear", "LSTM"} <= operators
    # which scales what comes by the whole batch
    assert "DynamicQuantizeLSTM" not in operators


def test_int8_makes_the_zoos_file_small_and_reads_nearly_the_same(tmp_path: Path) -> None:
    sample = ROOT / "plugins" / "ocrkit_iam" / "sample"
    forms = sorted({path.parent.name for path in sample.rglob("*.png")})
    (tmp_path / "forms.txt").write_text("\n".join(forms[:3]))
    narrow = [f"training.validation_only={tmp_path / 'forms.txt'}", "training.validation=all"]
    spec = load_spec("iam-crnn", ["training.split=all", *narrow])
    done = export(spec, tmp_path / "small.onnx", precision="int8", data=sample, images=64)
    assert done.path.stat().st_size < 0.3 * 4 * done.exported.parameters
    assert done.quantised is not None
    exact, small = done.quantised.scores["cer"]
    assert abs(small.value - exact.value) < 0.01

    words = sorted(sample.rglob("*.png"))
    together, alone = (
        [item.decoded for item in ocrkit.load(done.path, batch_size=size).read_many(words)]
        for size in (64, 1)
    )
    assert [each.text for each in together] == [each.text for each in alone]
    assert [each.confidence for each in together] == pytest.approx(
        [each.confidence for each in alone], abs=1e-4
    )


def test_the_table_of_a_run_is_kept_as_it_was(exported: Export, tiny_run: Path) -> None:
    table = tomllib.loads((tiny_run / "pipeline.toml").read_text())
    inside = read_exported(exported.path).pipeline
    assert inside["reader"] == table["reader"]
    assert inside["metrics"] == table["metrics"]
    assert inside["backends"] == ["onnx"]
