"""The backend gluon on real MXNet: what is MXNet's own. What its networks compute is in
test_backends.py, how they are trained in test_backends_training.py."""

import os
import platform
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
from click.testing import CliRunner

import ocrkit
import ocrkit_gluon
from networks import NEEDS_GLUON, images_of, network_of, plan_of
from ocrkit import ConfigError, ImageSize
from ocrkit.cli import main
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec
from ocrkit.training import train
from ocrkit_crnn.bilstm import BiLstm
from ocrkit_crnn.cnn import Cnn

mxnet = pytest.importorskip("ocrkit_gluon.mxnet", exc_type=ImportError).mxnet
backend = pytest.importorskip("ocrkit_gluon.backend")
pytestmark = NEEDS_GLUON


def test_features_are_zero_beyond_the_width() -> None:
    options = Cnn(channels=3, columns=1)
    plan = plan_of("gluon", ImageSize(8, None), options, BiLstm(hidden=2))
    block = network_of("gluon", plan).whole.featurizer  # type: ignore[attr-defined]
    features, lengths = block(*map(mxnet.nd.array, images_of(plan, [5, 24])))
    assert lengths.asnumpy().tolist() == [2, 12]
    assert not features.asnumpy()[0, 2:].any()
    assert features.asnumpy()[0, :2].any(axis=1).all()


# ------------------------------------------------------------------------------------ what it lacks


@pytest.mark.parametrize(
    ("setting", "given"),
    [("precision", "bf16"), ("accumulate", 2), ("compile", True), ("shortcut", 0.1)],
)
def test_gluon_says_which_options_it_lacks_and_who_has_them(
    setting: str, given: object, tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    assembly = assemble(load_spec(tiny, {f"training.{setting}": given}), backend="gluon")
    with pytest.raises(
        ConfigError,
        match=rf"training\.{setting}: backend 'gluon' does not have it; try --backend torch",
    ):
        train(assembly, tmp_path / "run", data=words_root)
    assert not (tmp_path / "run").exists()


def test_gluon_trains_in_one_process(
    tiny: Path, words_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    command = [
        "train",
        "--pipeline",
        tiny,
        "--backend",
        "gluon",
        "--data",
        words_root,
        "--out",
        tmp_path / "run",
    ]
    result = CliRunner().invoke(main, list(map(str, command)))
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (
        1, "ocrkit: backend 'gluon' trains in one process, not in several; try --backend torch",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("what", "name", "value"),
    [
        (sys, "version_info", (3, 13, 0)),
        (sys, "platform", "darwin"),
        (platform, "machine", lambda: "aarch64"),
    ],
)
def test_nobody_is_told_to_install_an_extra_that_is_empty(
    what: object, name: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def extras() -> set[str | None]:
        found = set()
        for hook in (
            ocrkit_gluon.ocrkit_backends,
            ocrkit_gluon.ocrkit_featurizers,
            ocrkit_gluon.ocrkit_encoders,
            ocrkit_gluon.ocrkit_objectives,
        ):
            hook(lambda *_, extra, **__: found.add(extra))
        return found

    assert extras() == {"gluon"}
    monkeypatch.setattr(what, name, value)
    assert extras() == {None}


# ------------------------------------------------------------------------------------ the framework

QUIET = """
import os
import numpy as np
from ocrkit.pipelines.file import load_spec
from ocrkit.interfaces import Batch, OptimizerOptions
from ocrkit.pipelines.build import assemble, build_network
import sys

spec = load_spec(sys.argv[1], ["preprocessor.use=fit-height", "preprocessor.height=16"])
network = build_network(assemble(spec, backend="gluon"), threads=1)
network.initialize(0)
images, sizes = np.ones((2, 1, 16, 48), np.float32), np.array([48, 30], np.int32)
inputs = {"images": images, "widths": sizes}
labels, lengths = np.array([[0, 1], [1, -1]], np.int32), np.array([2, 1], np.int32)
targets = {"labels": labels, "label_lengths": lengths}
batch = Batch(inputs, targets, 2)
network.run(inputs)
trainer = network.trainer(OptimizerOptions("adamw", 0.1, 1.0))
trainer.step(batch, learning_rate=0.1, seed=0)
trainer.step(batch, learning_rate=float("inf"), seed=0)
trainer.step(batch, learning_rate=0.1, seed=0)
assert "OMP_NUM_THREADS" not in os.environ
"""


def test_mxnet_keeps_its_noise_to_itself(tiny: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", QUIET, str(tiny)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


TRAINED = """
import sys
import numpy as np
from safetensors.numpy import save
from ocrkit.pipelines.build import assemble, build_network
from ocrkit.pipelines.file import load_spec
from ocrkit.interfaces import Batch, OptimizerOptions

assembly = assemble(load_spec(sys.argv[1]), backend="gluon")
network = build_network(assembly)
network.initialize(0)
trainer = network.trainer(OptimizerOptions("adamw", 0.1, 1.0))
random = np.random.default_rng(0)
height, width = assembly.image.height, assembly.image.width
for step in range(6):
    images = random.random((16, 1, height, width), np.float32)
    labels = random.integers(len(assembly.alphabet), size=(16, 2), dtype=np.int32)
    inputs = {"images": images, "widths": np.full(16, width, np.int32)}
    batch = Batch(inputs, {"labels": labels, "label_lengths": np.full(16, 2, np.int32)}, 16)
    trainer.step(batch, learning_rate=0.01, seed=step)
sys.stdout.buffer.write(save(network.state()))
"""


def test_weights_are_the_same_however_many_operators_mxnet_computes_at_a_time(tiny: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    one, *others = (
        subprocess.run(
            [sys.executable, "-c", TRAINED, str(tiny)],
            env={**environment, **more},
            capture_output=True,
            check=True,
        ).stdout
        for more in ({"MXNET_CPU_WORKER_NTHREADS": "1"}, {}, {})
    )
    assert len(one) > 1000
    assert others == [one, one]


def test_the_backend_names_its_devices_and_its_version() -> None:
    assert backend.Gluon().devices()[0] == "cpu"
    assert backend.Gluon().versions() == {"mxnet": "1.9.1"}


@pytest.mark.parametrize("distribution", ["mxnet-cu112", "another"])
def test_libraries_of_the_cuda_wheels_are_loaded_for_the_cuda_build_alone(
    distribution: str, tmp_path: Path
) -> None:
    """A library of Python's own stands in for CUDA's."""
    (tmp_path / f"{distribution.replace('-', '_')}-1.9.1.dist-info").mkdir()
    (tmp_path / f"{distribution.replace('-', '_')}-1.9.1.dist-info" / "METADATA").write_text(
        f"Name: {distribution}\n"
    )
    library = tmp_path / "nvidia" / "cudnn" / "lib" / "libcudnn.so.8"
    library.parent.mkdir(parents=True)
    origin = find_spec("_ctypes").origin  # type: ignore[union-attr]
    copyfile(str(origin), library)
    code = (
        "from ocrkit_gluon import cuda_wheels; cuda_wheels.preload(); "
        "print(open('/proc/self/maps').read())"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]),
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert (str(library) in done.stdout) == (distribution == "mxnet-cu112")


def test_mxnet_is_called_in_few_threads_that_last(
    tiny_run: Path, words_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps megabytes for every thread that has ever called it, and reading had new ones for
    every call."""
    called_in = set()
    run = backend.GluonNetwork._run

    def watched(*arguments: Any) -> Any:
        called_in.add(threading.get_ident())
        return run(*arguments)

    monkeypatch.setattr(backend.GluonNetwork, "_run", watched)
    paths = sorted(words_root.rglob("*.png"))
    for _ in range(2):
        pipeline = ocrkit.load(tiny_run, backend="gluon", batch_size=4)
        expected = [item.text for item in pipeline.read_many(paths)]
        with ThreadPoolExecutor(8) as threads:
            assert (
                list(threads.map(lambda path, pipeline=pipeline: pipeline.read(path).text, paths))
                == expected
            )
    assert len(called_in) <= backend.BATCHES
