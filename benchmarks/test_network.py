"""Images a second through the network alone, and training steps; the words are preprocessed and in
memory."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from itertools import cycle, islice
from typing import Any

import limits
import numpy as np
import pytest
from cases import Case, Measured, tf32

from ocrkit.interfaces import Arrays, Batch, ConcurrentNetwork, OptimizerOptions

WARM_UP = 3
BATCHES = 4
"""That every caller takes in a round, where there are several: at a round's end they wait for each
other."""


@pytest.mark.network
def test_network(
    case: Case, measured: Callable[[Case], Measured], benchmark: Any, note: Callable[..., None]
) -> None:
    """Batches of words through the network: arrays in the host's memory to log-probabilities there.

    As many threads call it as it takes, as in a run; but a single image is timed alone, since there
    it counts how long it takes. A GPU has finished when its results have been copied.
    """
    network = measured(case)
    batch = network.batch(case.batch_size)
    whole = network.recogniser.network
    callers = whole.callers if isinstance(whole, ConcurrentNetwork) and case.batch_size > 1 else 1
    batches = [batch] * (BATCHES * callers if callers > 1 else 1)
    with ThreadPoolExecutor(callers) as threads:

        def predict() -> list[Arrays]:
            return list(threads.map(whole.run, batches))

        for _ in range(WARM_UP):
            predict()
        benchmark.group = (
            f"network alone: {case.model}, {case.device}, batches of {case.batch_size}"
        )
        outputs = benchmark(predict)
    sizes = [len(each["widths"]) for each in batches]
    assert [len(each["log_probs"]) for each in outputs] == sizes
    samples = sum(sizes)
    note(samples, batch_size=case.batch_size, batches=len(batches), **network.about)
    if benchmark.stats is not None:
        benchmark.extra_info |= limits.rates(case, batch["images"].shape[3], passes=1)


@pytest.mark.training
def test_training_step(
    case: Case, measured: Callable[[Case], Measured], benchmark: Any, note: Callable[..., None]
) -> None:
    """A training step on a batch of words, the loss copied to the host, which a GPU has to finish
    for."""
    if case.backend == "onnx" or case.precision == "int8":
        pytest.skip("trains with torch and gluon only")
    if case.backend == "torch" and case.device == "cpu" and case.precision != "float32":
        pytest.skip("bf16 on a CPU is measured for reading only")
    network = measured(case)
    about = network.about
    batch = _batch(network, case.batch_size)
    fresh = network.recogniser.assembly.backend.network(
        network.recogniser.assembly.plan, device=case.device, threads=0
    )
    fresh.initialize(1)
    options = OptimizerOptions(
        "adamw",
        1e-4,
        5.0,
        precision="bf16" if "bf16" in case.precision else "float32",
        compile="compiled" in case.precision,
    )
    within = tf32 if case.precision == "tf32" else nullcontext
    trainer = fresh.trainer(options)
    seeds = iter(range(10**9))

    def step() -> float:
        with within():
            return float(trainer.step(batch, learning_rate=1e-3, seed=next(seeds)))

    for _ in range(WARM_UP):
        step()
    benchmark.group = f"training step: {case.model}, {case.device}, batches of {case.batch_size}"
    assert np.isfinite(benchmark(step))
    note(batch.count, batch_size=case.batch_size, **(about | {"cer": None}))
    if case.device == "cuda" and benchmark.stats is not None:
        width = batch.inputs["images"].shape[3]
        benchmark.extra_info |= limits.rates(case, width, passes=3)


def _batch(network: Measured, size: int) -> Batch:
    assembly = network.recogniser.assembly
    inputs = network.batch(size)
    labels = [
        assembly.alphabet.encode(sample.text or "")
        for sample in islice(cycle(network.words.samples), size)
    ]
    lengths = np.array([len(label) for label in labels], np.int32)
    padded = np.full((len(labels), lengths.max()), -1, np.int32)
    for row, label in zip(padded, labels, strict=True):
        row[: len(label)] = label
    return Batch(inputs, {"labels": padded, "label_lengths": lengths}, len(labels))
