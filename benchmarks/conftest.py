"""What the benchmarks share: which cases there are, the words that are read, and what is written
down beside every time.

Cases are chosen by options (``--backend onnx,torch``), by marks and by ``-k``; what cannot run here
skips and says why.
"""

import os
import platform
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from typing import Any

import limits
import numpy as np
import pytest
from cases import (
    BATCH_SIZES,
    PRECISIONS,
    Case,
    Measured,
    Words,
    character_error_rate,
    exported,
    in_int8,
    in_precision,
    network_of,
    weights,
)

from ocrkit.data.datasets import open_dataset
from ocrkit.errors import OcrkitError
from ocrkit.pipelines.file import load_spec
from ocrkit.pipelines.opened import make_parts
from ocrkit.reading.engine import Recogniser


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("ocrkit's benchmarks")
    for name, default, text in (
        ("backend", "onnx,torch,gluon", "backends"),
        ("device", "cpu,cuda", "devices"),
        ("precision", "float32,int8,tf32,bf16,compiled,bf16-compiled", "precisions"),
        ("batch-size", "", "batch sizes (the default depends on the device)"),
        ("model", "iam-crnn", "models of the zoo, pipelines' files or training runs"),
    ):
        group.addoption(f"--{name}", default=default, metavar="A,B", help=f"{text}: {default}")
    group.addoption(
        "--data",
        default=os.environ.get("OCRKIT_IAM"),
        help="IAM; without it the sample that ships with ocrkit",
    )
    group.addoption("--split", default="aachen/validation", help="the split of IAM that is read")
    group.addoption("--words", type=int, default=None, help="read so many words at most")


def pytest_configure(config: pytest.Config) -> None:
    for name in ("network", "training", "stages", "end_to_end", "startup"):
        config.addinivalue_line("markers", f"{name}: benchmarks of this kind")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    chosen = {
        name: metafunc.config.getoption(name).split(",")
        for name in ("model", "backend", "device", "precision")
    }
    sizes = [int(size) for size in metafunc.config.getoption("batch_size").split(",") if size]
    if "model" in metafunc.fixturenames:
        metafunc.parametrize("model", chosen["model"])
    if "case" not in metafunc.fixturenames:
        return
    reads = metafunc.definition.get_closest_marker("network") is not None
    trains = metafunc.definition.get_closest_marker("training") is not None
    cases = [
        Case(model, backend, device, precision, size)
        for model in chosen["model"]
        for device in chosen["device"]
        for size in (
            (sizes or BATCH_SIZES[device]) if reads or (trains and device == "cuda") else (64,)
        )
        for backend in chosen["backend"]
        for precision in PRECISIONS[backend, device]
        if precision in chosen["precision"]
    ]
    marks = {"cuda": pytest.mark.gpu}
    metafunc.parametrize(
        "case",
        [
            pytest.param(
                case,
                id=f"{case.model}-{case.device}-{case.batch_size}-{case}",
                marks=marks.get(case.device, ()),
            )
            for case in cases
        ],
    )


# -------------------------------------------------------------------------------------------- words


@pytest.fixture(scope="session")
def words(pytestconfig: pytest.Config) -> Callable[[str], Words]:
    """The words of a model."""
    data, split, limit = (pytestconfig.getoption(name) for name in ("data", "split", "words"))

    @cache
    def of_model(model: str) -> Words:
        assembly, _ = weights(model)
        dataset = open_dataset(
            assembly.spec.reader, root=data, split=split if data else None, limit=limit
        )
        samples = tuple(dataset)
        return Words(
            dataset, samples, tuple(assembly.preprocessor(sample.load()) for sample in samples)
        )

    return of_model


@pytest.fixture(scope="session")
def measured(
    words: Callable[[str], Words], pytestconfig: pytest.Config
) -> Callable[[Case], Measured]:
    """A case's network, ready and warm; it skips where the backend or the device is not there."""

    @cache
    def of_network(model: str, backend: str, device: str, precision: str) -> Measured:
        try:
            opened = make_parts(load_spec(model), backend).open(device, 0)
        except OcrkitError as error:
            pytest.skip(str(error))
        around, data = opened.around, pytestconfig.getoption("data")
        in_file = exported(around) if backend == "onnx" else b""
        network = opened.network
        if precision == "int8":
            in_file = in_int8(in_file, around, words(model), data)
            network = network_of(in_file, around)
        elif precision != "float32":
            network = in_precision(network, precision)
        recogniser = Recogniser(around, network)
        assembly, _ = weights(model)
        about = {
            "model": model,
            "backend": backend,
            "device": device,
            "precision": precision,
            "words": words(model).about,
            "parameters": sum(int(np.prod(shape)) for shape in assembly.plan.parameters().values()),
            "million_multiply_adds": round(
                limits.multiply_adds(model, words(model).mean_width) / 1e6, 1
            ),
            "file_mb": round(len(in_file) / 1e6, 2),
            "cer": character_error_rate(recogniser, words(model)),
            "versions": around.backend.versions() | {"numpy": np.__version__},
        }
        return Measured(recogniser, words(model), about)

    return lambda case: of_network(case.model, case.backend, case.device, case.precision)


# -------------------------------------------------------------------------------------- the machine


def pytest_benchmark_update_machine_info(
    config: pytest.Config, machine_info: dict[str, Any]
) -> None:
    machine_info["ocrkit"] = version("ocrkit")
    machine_info["cores"] = len(os.sched_getaffinity(0))
    machine_info["memory_gb"] = round(
        os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1
    )
    machine_info["kernel"] = platform.release()
    machine_info["gpu"] = limits.gpu_name()


def pytest_benchmark_update_json(output_json: dict[str, Any]) -> None:
    """Not of the machine's description, which has to be the same where two runs are compared."""
    output_json["gflops_float32"] = round(limits.product_rate() / 1e9, 1)


@pytest.fixture
def note(benchmark: Any) -> Callable[..., None]:
    """Writes down what goes with a time; ``samples`` is how many images a round reads."""

    def write(samples: int, **about: Any) -> None:
        benchmark.extra_info |= about
        benchmark.extra_info["samples"] = samples
        benchmark.extra_info["memory_mb"] = limits.memory_mb(str(about.get("device", "cpu")))
        if benchmark.stats is not None:  # none with --benchmark-disable
            benchmark.extra_info["images_per_second"] = round(
                samples / benchmark.stats.stats.min, 1
            )

    return write
