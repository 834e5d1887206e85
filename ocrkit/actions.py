"""What the commands train, compare and export do, for Python: names and paths in, results out."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import read_spec
from ocrkit.publishing.export import Export
from ocrkit.publishing.export import export as export_network
from ocrkit.scoring.comparison import Comparison, compare_results
from ocrkit.scoring.result_file import read_results
from ocrkit.scoring.rules import RAW, Rules
from ocrkit.training.progress import Progress
from ocrkit.training.start import train as train_assembly


def train(
    pipeline: str | Path,
    out: str | Path,
    *,
    data: str | Path | None = None,
    split: str | None = None,
    init: str | None = None,
    settings: Sequence[str] | Mapping[str, Any] = (),
    backend: str | None = None,
    device: str = "auto",
    threads: int = 0,
    report: Callable[[dict[str, Any]], None] = lambda _: None,
) -> Progress:
    """Trains a pipeline's network into the folder ``out``, as ``ocrkit train`` does; returns where
    training ended, with a line an epoch in ``history``.

    ``pipeline`` is a zoo model, a pipeline's file or a training run, ``init`` weights to begin from
    (``"zoo:NAME"``, a run, a file), ``data`` the data set's folder, and ``settings`` are those of
    ``--set``: ``["training.epochs=3"]`` or ``{"training.epochs": 3}``. ``report`` is told of
    events: a dict with ``event`` and what belongs to it.

    Raises ConfigError, DataError or OcrkitError for options, data or a folder that cannot be used.

    Example, with a copy of IAM::

        print(train("iam-crnn", "runs/first", data="IAM").best_epoch)
    """
    assembly = assemble(read_spec(pipeline, settings), backend=backend, training=True)
    return train_assembly(
        assembly,
        Path(out),
        data=data,
        split=split,
        init=init,
        device=device,
        threads=threads,
        command=f"ocrkit.train({str(pipeline)!r}, {str(out)!r})",
        report=report,
    )


def compare(a: str | Path, b: str | Path, rules: Rules = RAW) -> Comparison:
    """Compares two result files of the same samples, as ``ocrkit compare`` does: what B's scores
    differ from A's in, with 95 % intervals, in numbers and in sentences (``summary``).

    Raises OcrkitError where they are of different samples, or are no result files.

    Example, with two files of ``ocrkit run --output``::

        print(compare("before.jsonl", "after.jsonl").metrics["cer"].better)  # a, b or None
    """
    return compare_results(read_results(Path(a)), read_results(Path(b)), rules)


def export(
    pipeline: str | Path,
    to: str | Path,
    *,
    precision: str = "float32",
    data: str | Path | None = None,
    settings: Sequence[str] | Mapping[str, Any] = (),
) -> Export:
    """Writes a pipeline's network with its weights into one file, as ``ocrkit export`` does, and
    only if that computes the same.

    ``precision`` is ``float32`` or ``int8``, for which ``data`` names a data set to calibrate and
    to measure on. Raises ConfigError, OcrkitError or WeightsError for what cannot be exported.

    Example::

        print(export("iam-crnn", "iam-crnn.onnx").differences)
    """
    return export_network(read_spec(pipeline, settings), Path(to), precision=precision, data=data)
