"""Training on real PyTorch: every option, exact resuming, and several workers under torchrun. What
holds for every backend that trains is in test_backends_training.py."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from networks import (
    ADAM,
    ADAMW,
    NEEDS_GLUON,
    ROUGH,
    Arrays,
    after,
    assert_close,
    assert_same,
    batch_of,
    network_of,
    plan_of,
    small,
    steps,
    text_plan,
    weighted,
)
from ocrkit import ConfigError, ImageSize, OcrkitError, SequenceSize, WeightsError
from ocrkit.cli import main
from ocrkit.interfaces import NetworkPlan, OptimizerOptions, SingleProcess
from ocrkit.networks import weights as weight_files
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec
from ocrkit.testing.small_networks import random_weights
from ocrkit.training import Progress, train
from ocrkit.training.averaging import AverageInNumpy
from ocrkit_crnn.bilstm import BiLstm
from ocrkit_crnn.cnn import Cnn
from ocrkit_ctc.objective import Ctc
from processes import killed, workers

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from ocrkit_torch import backend  # noqa: E402

SMALL, CALM = small("torch"), small("torch", dropout=0.0)
_ENCODER = CALM.parts["encoder"]
NO_NORM = text_plan(
    "torch",
    None,
    (_ENCODER.definition, _ENCODER.build),
    SequenceSize(6, None),
    5,
    Ctc(length_weighted=True),
)
"""An encoder alone, whose samples know nothing of each other: it has no batch norm."""


# ------------------------------------------------------------------------------------------ options


def test_a_batch_in_pieces_gives_the_gradients_of_the_whole() -> None:
    """Without batch norm, whose means are over a piece."""
    whole, losses = after("torch", NO_NORM, ADAMW, [0, 1, 2])
    for pieces in (2, 3, 4, 100):
        state, own = after("torch", NO_NORM, replace(ADAMW, accumulate=pieces), [0, 1, 2])
        assert own == pytest.approx(losses, rel=1e-5)
        assert_close(state, whole, atol=1e-5)


def test_a_wide_batch_is_computed_in_its_pieces() -> None:
    """As many rows at a time as would be with ``accumulate``."""
    network, batch = network_of("torch", CALM), batch_of(CALM)
    rows = []
    network.whole.register_forward_hook(lambda _, given, __: rows.append(len(given[0])))
    for accumulate, pieces in ((1, 1), (1, 2), (2, 2)):
        trainer = network.trainer(replace(ADAM, accumulate=accumulate))
        trainer.step(replace(batch, pieces=pieces), learning_rate=0.01, seed=0)
    assert rows == [4, 2, 2, 1, 1, 1, 1]


def test_bf16_learns_and_keeps_float32_weights() -> None:
    network = network_of("torch", CALM)
    trainer = network.trainer(replace(ADAMW, precision="bf16"))
    dtypes = []
    network.whole.featurizer.conv2.register_forward_hook(
        lambda _, __, output: dtypes.append(output.dtype)
    )
    losses = [float(trainer.step(batch_of(CALM), learning_rate=0.02, seed=0)) for _ in range(30)]
    assert losses[-1] < losses[0] / 2
    assert set(dtypes) == {torch.bfloat16}
    assert {array.dtype for array in (network.state() | trainer.state()).values()} == {
        np.dtype("f4"),
        np.dtype("i8"),
    }
    assert losses[0] == pytest.approx(after("torch", CALM, ADAMW, [0])[1][0], rel=0.02)


def test_deterministic_training_leaves_the_setting_as_it_was() -> None:
    assert not torch.are_deterministic_algorithms_enabled()
    assert_same(
        after("torch", SMALL, replace(ADAM, deterministic=True), [1, 2])[0],
        after("torch", SMALL, ADAM, [1, 2])[0],
    )
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("pieces", [1, 2])
def test_the_shortcut_adds_the_gradients_of_its_own_ctc_loss(pieces: int) -> None:
    """It is no part of the loss that is told, nor of the network."""
    plan = weighted(CALM, shortcut=0.3, length_weighted=True)
    network, batch = network_of("torch", plan), batch_of(plan)
    trainer = network.trainer(replace(ADAM, loss_weight=2.0, accumulate=pieces))
    rng = np.random.default_rng(3)
    own = {
        name: rng.normal(0, 0.3, array.shape)
        for name, array in trainer.state().items()
        if name.startswith("shortcut.")
    }
    trainer.load_state(trainer.state() | own)

    whole = network_of("torch", CALM).whole.train()
    weight, bias = (
        torch.tensor(own[f"shortcut.{name}"], dtype=torch.float32, requires_grad=True)
        for name in ("weight", "bias")
    )
    losses = []
    for rows in np.array_split(np.arange(4), pieces):
        arrays = (*batch.inputs.values(), *batch.targets.values())
        inputs, sizes, labels, label_lengths = (torch.from_numpy(array[rows]) for array in arrays)
        features, lengths = whole.featurizer(inputs, sizes)
        padded, count = torch.nn.functional.pad(features, (0, 0, 1, 1)), features.shape[1]
        shortcut = bias + sum(
            padded[:, place : place + count] @ weight[:, :, place].T for place in range(3)
        )
        first, second = (
            torch.nn.functional.ctc_loss(
                scores.log_softmax(2).transpose(0, 1),
                labels.clamp(min=0),
                lengths,
                label_lengths,
                blank=4,
                reduction="none",
            )
            for scores in (whole.scores(features, lengths), shortcut)
        )
        (2.0 * (first + 0.3 * second) * label_lengths / 4).sum().backward()
        losses += first.tolist()

    assert float(trainer.step(batch, learning_rate=0.0, seed=0)) == pytest.approx(
        np.mean(losses), rel=1e-5
    )
    named = [*whole.named_parameters(), ("shortcut.weight", weight), ("shortcut.bias", bias)]
    tenths = {f"mean.{name}": 0.1 * parameter.grad.numpy() for name, parameter in named}
    assert_close(
        {name: array for name, array in trainer.state().items() if name in tenths},
        tenths,
        atol=2e-5,
    )
    assert network.state().keys() == CALM.parameters().keys()


def test_a_fresh_shortcut_learns() -> None:
    network = network_of("torch", weighted(CALM, shortcut=0.1))
    trainer = network.trainer(ADAM)
    steps(trainer, CALM, [0, 1, 0, 1])
    state = trainer.state()
    assert np.abs(state["shortcut.weight"]).min() > 0
    assert np.abs(state["shortcut.bias"]).min() > 0


def test_a_shortcut_needs_a_featurizer_to_train() -> None:
    with pytest.raises(
        ConfigError, match=r"training\.shortcut: needs a featurizer of backend 'torch'"
    ):
        network_of("torch", weighted(NO_NORM, shortcut=0.1)).trainer(ADAM)


def test_a_checkpoint_without_the_shortcut_is_refused() -> None:
    state = network_of("torch", CALM).trainer(ADAM).state()
    with pytest.raises(
        WeightsError,
        match=(
            r"lacks the optimizer's mean\.shortcut\.bias; resume with the options of the run's "
            r"start"
        ),
    ):
        network_of("torch", weighted(CALM, shortcut=0.1)).trainer(ADAM).load_state(state)


COMPILERS = [os.environ.get("CXX", "g++"), "clang++"]


@pytest.mark.skipif(
    not any(map(shutil.which, COMPILERS)), reason="torch.compile needs a C++ compiler"
)
@pytest.mark.filterwarnings("ignore")  # PyTorch's own, of itself
def test_a_compiled_network_takes_the_same_steps() -> None:
    state, losses = after("torch", CALM, replace(ADAMW, compile=True), [0, 1, 2])
    wanted, wanted_losses = after("torch", CALM, ADAMW, [0, 1, 2])
    assert losses == pytest.approx(wanted_losses, rel=1e-4)
    assert state.keys() == wanted.keys()
    assert_close(state, wanted, atol=1e-4)


@pytest.mark.filterwarnings("ignore")  # PyTorch's own, of itself
def test_without_a_compiler_compiling_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = pytest.importorskip("torch._inductor.config")
    monkeypatch.setattr(config.cpp, "cxx", (None, str(tmp_path / "c++")))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    torch.compiler.reset()
    plan = plan_of(
        "torch", ImageSize(8, None), Cnn(channels=2, dropout=0.0), BiLstm(hidden=3, dropout=0.0)
    )
    with pytest.raises(
        OcrkitError,
        match=r"training\.compile: PyTorch cannot compile this network here .*; train without it",
    ):
        after("torch", plan, replace(ADAM, compile=True), [0])
    torch.compiler.reset()


# --------------------------------------------------------------------------------------------- runs


def trained(
    source: Path, folder: Path, data: Path, settings: dict[str, Any] | None = None, **options: Any
) -> Progress:
    return train(
        assemble(load_spec(source, settings or {}), backend="torch"), folder, data=data, **options
    )


def arrays_of(path: Path) -> Arrays:
    return weight_files.read(path).arrays


def log_of(run: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [
        {name: value for name, value in line.items() if not name.endswith(("seconds", "second"))}
        for line in lines
    ]


def test_a_run_that_is_killed_ends_with_the_weights_of_one_that_was_not(
    tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    whole, run = tmp_path / "whole", tmp_path / "run"
    # Enough steps for averaged weights to differ from the last ones, and two pieces a batch.
    more = {"batch_size": 2, "accumulate": 2, "shortcut": 0.1, "ema_decay": 0.9, "epochs": 11}
    trained(
        tiny, whole, words_root, ROUGH | {f"training.{name}": value for name, value in more.items()}
    )
    run.with_suffix(".toml").write_bytes((whole / "pipeline.toml").read_bytes())
    # In the middle of an epoch; when an epoch is complete but not yet validated.
    for resume, event, count, done in [("start", "step", 116, 115), ("resume", "validate", 1, 120)]:
        checkpoint = killed(run, words_root, "torch", resume, event, count)
        assert checkpoint.about["progress"]["step"] == checkpoint.arrays["optimizer.steps"]
        assert checkpoint.arrays["optimizer.steps"] in (done - 1, done)  # one may be in writing
    average, own = (checkpoint.arrays[f"{kind}.head.bias"] for kind in ("average", "network"))
    assert not np.array_equal(average, own)
    assert trained(run, run, words_root, resume=True).step == 132
    assert_same(arrays_of(run / "last.safetensors"), arrays_of(whole / "last.safetensors"))
    assert (run / "best.safetensors").read_bytes() == (whole / "best.safetensors").read_bytes()
    assert log_of(run) == log_of(whole)


@NEEDS_GLUON
def test_weights_trained_on_gluon_start_a_run_on_torch(
    tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    on_gluon = tmp_path / "gluon"
    train(
        assemble(load_spec(tiny, ["training.epochs=25"]), backend="gluon"),
        on_gluon,
        data=words_root,
    )
    standstill = {"training.epochs": 1, "training.learning_rate": 0.0, "training.seed": 9}
    cold = trained(tiny, tmp_path / "cold", words_root, standstill)
    warm = trained(tiny, tmp_path / "warm", words_root, standstill, init=str(on_gluon))
    assert warm.history[1]["loss"] < 0.3 * cold.history[0]["loss"]
    weights, source = (
        arrays_of(tmp_path / "warm" / "best.safetensors"),
        arrays_of(on_gluon / "best.safetensors"),
    )
    assert_same(
        *(
            {name: a for name, a in each.items() if "running" not in name}
            for each in (weights, source)
        )
    )


def test_the_command_trains_on_torch_and_the_run_is_read_with_it(
    tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    arguments = [
        "train",
        "--pipeline",
        str(tiny),
        "--backend",
        "torch",
        "--data",
        str(words_root),
        "--out",
        str(run),
    ]
    started = CliRunner().invoke(
        main, [*arguments, "--set", "training.epochs=25", "--set", "training.seed=1"]
    )
    assert started.exit_code == 0, started.output
    assert "ocrkit: training 'tiny' on torch into " in started.stderr
    about = json.loads((run / "run.json").read_text())
    assert (about["backend"], about["workers"], set(about["versions"])) == (
        "torch", 1, {"ocrkit", "python", "numpy", "torch"},
    )  # fmt: skip
    assert log_of(run)[-1]["loss"] < 0.3 * log_of(run)[0]["loss"]
    read = CliRunner().invoke(
        main,
        ["run", "--pipeline", str(run), "--data", str(words_root), "--backend", "torch", "--json"],
    )
    result = json.loads(read.stdout)
    assert (result["backend"], result["samples"]) == ("torch", 31)
    assert result["metrics"]["cer"]["value"] < 0.5


# ------------------------------------------------------------------------------------------ workers

COLUMNS = """
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import ocrkit
from ocrkit.interfaces import SequenceSize

@dataclass(frozen=True)
class Columns:
    '''The brightness of columns of pixels: a featurizer without batch norm.'''
    stride = 4

    def output_size(self, input):
        return SequenceSize(input.height, input.width // 4)

    def lengths(self, widths):
        return widths // 4

    def parameters(self, input):
        return {}

def build(definition, input):
    return lambda images, widths: (
        np.ascontiguousarray(images[:, 0, :, : images.shape[3] // 4 * 4 : 4].transpose(0, 2, 1)), widths // 4
    )

@dataclass(frozen=True)
class Spy:
    '''Writes down which images this worker sees.'''
    folder: str = ocrkit.option("", "where")

    def __call__(self, image, rng):
        with (Path(self.folder) / os.environ.get("RANK", "alone")).open("a") as file:
            file.write(hashlib.sha256(image.tobytes()).hexdigest() + "\\n")
        return image

@ocrkit.hookimpl
def ocrkit_featurizers(register):
    register("columns", "columns:Columns")
    register("columns", "columns:build", backend="numpy")

@ocrkit.hookimpl
def ocrkit_augmentations(register):
    register("spy", "columns:Spy")
"""  # noqa: E501


def together(
    count: int, *arguments: object, site: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """``ocrkit`` in so many processes, as torchrun starts it."""
    environment = os.environ | ({"PYTHONPATH": str(site)} if site else {})
    launcher = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        str(count),
    ]
    return subprocess.run(
        [*launcher, "-m", "ocrkit", *map(str, arguments)],
        env=environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def test_two_workers_train_on_disjoint_parts_as_one_does_on_the_whole(
    install: Callable[[str, str], Path], tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    """Without batch norm and dropout two workers compute what one does, but for the order in which
    floats are added up.

    Twelve steps of Adam carry that on to 1e-4 of the loss. Norms of the gradients lie on both sides
    of the clipping, so that a wrong scale would show, which Adam alone would hide.
    """
    site = install("columns", COLUMNS)
    seen = tmp_path / "seen"
    seen.mkdir()
    settings = {
        "featurizer.use": "columns",
        "encoder.dropout": 0.0,
        "training.epochs": 3,
        "training.batch_size": 7,
        "training.clip_norm": 4.0,
        "training.learning_rate": 0.01,
    }
    given = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    given += ["--set", f'training.augment=[{{use="spy",folder="{seen}"}}]']
    run, alone = tmp_path / "run", tmp_path / "alone"
    done = together(
        2,
        "train",
        "--pipeline",
        tiny,
        "--backend",
        "torch",
        "--data",
        words_root,
        "--out",
        run,
        *given,
        site=site,
    )
    assert done.returncode == 0, done.stderr
    assert "ocrkit" not in done.stdout
    assert "epoch" not in done.stdout, "only PyTorch 2.9 has a word of its own there"
    assert done.stderr.count("epoch 1/3") == 1
    assert f"training 'tiny' on torch with 2 workers into {run}" in done.stderr
    assert json.loads((run / "run.json").read_text())["workers"] == 2
    assert sorted(path.name for path in run.iterdir()) == [
        "best.safetensors",
        "curves.svg",
        "last.safetensors",
        "log.jsonl",
        "pipeline.toml",
        "run.json",
    ]

    # Batches of 7, 7, 7 and 3: the first worker has 4 + 4 + 4 + 2 of every epoch's 24 images, the
    # second the others.
    parts = [(seen / rank).read_text().split() for rank in ("0", "1")]
    assert [len(part) for part in parts] == [3 * 14, 3 * 10]
    for epoch in range(3):
        first, second = set(parts[0][14 * epoch :][:14]), set(parts[1][10 * epoch :][:10])
        assert len(first | second) == 24
        assert not first & second

    trained(tiny, alone, words_root, settings)
    assert [line["images"] for line in log_of(run)] == [24] * 3
    assert [line["loss"] for line in log_of(run)] == pytest.approx(
        [line["loss"] for line in log_of(alone)], rel=1e-4
    )
    assert_close(
        arrays_of(run / "last.safetensors"), arrays_of(alone / "last.safetensors"), atol=1e-3
    )


@pytest.mark.parametrize("feed", ["files", "memory"])
def test_several_workers_go_on_exactly_and_name_what_they_skip(
    feed: str, tiny: Path, words_copy: Path, tmp_path: Path
) -> None:
    """With batch norm and dropout, a shard that is empty at the end of an epoch, and images that
    cannot be read."""
    for name in ("a01-003-00-00", "a01-003-00-01", "a01-007-00-02"):
        (words_copy / f"words/a01/{name[:7]}/{name}.png").write_text("no image")
    command = [
        "--pipeline",
        tiny,
        "--backend",
        "torch",
        "--data",
        words_copy,
        "--set",
        "training.batch_size=23",
    ]
    command += ["--set", "training.shortcut=0.1", "--set", "training.ema_decay=0.9"]
    command += ["--set", f"training.feed={feed}"]
    whole, run = tmp_path / "whole", tmp_path / "run"
    ends = workers(2, tmp_path, "train", *command, "--out", whole, "--set", "training.epochs=3")
    assert [status for status, _ in ends] == [0, 0], ends
    said = "".join(text for _, text in ends)
    assert {
        said.count(f"skipped {name}")
        for name in ("a01-003-00-00", "a01-003-00-01", "a01-007-00-02")
    } <= {1, 2}
    assert [(line["images"], line["unreadable"], line["step"]) for line in log_of(whole)] == [
        (21, 3, 2),
        (21, 3, 4),
        (21, 3, 6),
    ]

    ends = workers(2, tmp_path, "train", *command, "--out", run, "--set", "training.epochs=1")
    assert [status for status, _ in ends] == [0, 0], ends
    table = (run / "pipeline.toml").read_text()
    (run / "pipeline.toml").write_text(table.replace("epochs = 1", "epochs = 3"))
    ends = workers(2, tmp_path, "train", "--resume", "--out", run)
    assert [status for status, _ in ends] == [0, 0], ends
    assert "".join(text for _, text in ends).count("going on after epoch 1") == 1
    assert not [text for _, text in ends if "goes on with" in text]
    assert_same(arrays_of(run / "last.safetensors"), arrays_of(whole / "last.safetensors"))
    assert log_of(run) == log_of(whole)


def test_another_number_of_workers_may_go_on_but_is_told_what_that_means(
    tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    trained(tiny, tmp_path / "run", words_root, {"training.epochs": 1})
    table = (tmp_path / "run" / "pipeline.toml").read_text()
    (tmp_path / "run" / "pipeline.toml").write_text(table.replace("epochs = 1", "epochs = 2"))
    done = together(2, "train", "--resume", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert (
        done.stderr.count(
            "started with 1 workers, goes on with 2: not bit for bit as it would have been"
        )
        == 1
    )
    assert [line["images"] for line in log_of(tmp_path / "run")] == [24, 24]


def test_what_stops_one_worker_stops_all(tiny: Path, words_root: Path, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "notes.txt").touch()
    done = together(
        2,
        "train",
        "--pipeline",
        tiny,
        "--backend",
        "torch",
        "--data",
        words_root,
        "--out",
        tmp_path / "used",
    )
    assert done.returncode != 0
    assert (
        "used: not empty; name a new folder, or go on with the run in it: --resume" in done.stderr
    )


def test_one_process_is_alone() -> None:
    assert isinstance(backend.Torch().workers(), SingleProcess)


# ------------------------------------------------------------------------------- averaged weights


def test_weights_are_averaged_on_the_device_to_the_bit_as_in_numpy() -> None:
    network = network_of("torch", SMALL)
    trainer = network.trainer(ADAM)
    begun = random_weights(SMALL.parameters(), 3)
    averages: list[Any] = [network.average(begun), AverageInNumpy(network, begun)]
    for seed, share in enumerate([1.0, 0.3, 1 / 7, 1e-3]):
        steps(trainer, SMALL, [seed])
        for average in averages:
            average.follow(share)
    own = network.state()
    on_device, in_numpy = (average.state() for average in averages)
    assert_same(on_device, in_numpy)
    averages[0].exchange()
    assert_same(network.state(), in_numpy)
    averages[0].exchange()
    assert_same(network.state(), own)
    assert_same(averages[0].state(), in_numpy)


# --------------------------------------------------------------------------------------------- GPUs

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA GPU")


@gpu
@pytest.mark.gpu
@pytest.mark.parametrize("plan", [CALM, NO_NORM], ids=["whole", "encoder"])
def test_a_gpu_takes_the_steps_of_the_cpu(plan: NetworkPlan) -> None:
    on_gpu, gpu_losses = after("torch", plan, ADAMW, [0, 1, 2], device="cuda")
    on_cpu, losses = after("torch", plan, ADAMW, [0, 1, 2])
    assert gpu_losses == pytest.approx(losses, rel=1e-3)
    assert_close(on_gpu, on_cpu, atol=5e-3)


@gpu
@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_deterministic_training_repeats_on_a_gpu(precision: str) -> None:
    options = replace(ADAMW, deterministic=True, precision=precision)
    assert_same(*(after("torch", SMALL, options, [1, 2, 3, 4], device="cuda")[0] for _ in range(2)))


@gpu
@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore")  # PyTorch's own, of itself
@pytest.mark.parametrize(
    "options",
    [replace(ADAM, precision="bf16"), replace(ADAM, compile=True)],
    ids=["bf16", "compiled"],
)
def test_options_learn_on_a_gpu(options: OptimizerOptions) -> None:
    network = network_of("torch", CALM, device="cuda")
    trainer = network.trainer(options)
    losses = [float(trainer.step(batch_of(CALM), learning_rate=0.02, seed=0)) for _ in range(30)]
    assert losses[-1] < losses[0] / 2


@gpu
@pytest.mark.gpu
def test_weights_are_averaged_on_a_gpu() -> None:
    network = network_of("torch", SMALL, device="cuda")
    begun = random_weights(SMALL.parameters(), 3)
    averages: list[Any] = [network.average(begun), AverageInNumpy(network, begun)]
    for average in averages:
        average.follow(0.3)
    assert_close(averages[0].state(), averages[1].state(), atol=1e-6)


@gpu
@pytest.mark.gpu
def test_a_worker_trains_on_a_gpu(tiny: Path, words_root: Path, tmp_path: Path) -> None:
    command = [
        "--pipeline",
        tiny,
        "--backend",
        "torch",
        "--device",
        "cuda",
        "--data",
        words_root,
        "--out",
        tmp_path / "run",
    ]
    done = together(torch.cuda.device_count(), "train", *command)
    assert done.returncode == 0, done.stderr
    assert len(log_of(tmp_path / "run")) == 2
