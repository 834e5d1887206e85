"""A training run made into a model of the zoo: weights in float16, a golden set, a manifest that
says where they are from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from ocrkit.data.datasets import Dataset, open_dataset
from ocrkit.errors import DataError, WeightsError
from ocrkit.networks import weights as weight_files
from ocrkit.networks.seen_forms import of_run, write_seen
from ocrkit.parts.networks import ExportsOnnx
from ocrkit.parts.options import PartSpec
from ocrkit.parts.registry import registry
from ocrkit.pipelines.assembly import Assembly
from ocrkit.pipelines.build import assemble, build_network
from ocrkit.pipelines.file import load_spec, read_spec
from ocrkit.pipelines.relative_paths import files_in
from ocrkit.pipelines.spec import PipelineSpec
from ocrkit.pipelines.trained import lacking
from ocrkit.pipelines.training_options import Training
from ocrkit.publishing.export import export
from ocrkit.publishing.golden_set import choose, write_golden
from ocrkit.publishing.runs import OF_ONE_MACHINE, about_run, chosen_epoch, log_of, runs_of, seen_by
from ocrkit.support.checksums import sha256_of
from ocrkit.training.run_file import Init, RunFile
from ocrkit.zoo.manifest import SCHEMA, Manifest, write_manifest
from ocrkit.zoo.models import MANIFEST

_ANY_CUTTER = PartSpec("cutter", "", {})
ITEMS, TOLERANCE, MARGIN = 8, 1e-3, 0.01
"""Golden sets: how many images, and what backends may differ by. Two log-probabilities, each off by
the tolerance, come 0.002 closer; the margin is five times what keeps the texts the same. Of a
network that is not sure few lines have no step that is nearer to a tie."""


def pack(
    folder: Path,
    runs: Sequence[Path],
    about: Mapping[str, Any],
    *,
    chosen: Iterable[str] = (),
    items: int = ITEMS,
) -> Manifest:
    """Makes a model of a training run in ``folder``, which has its ``pipeline.toml``, and returns
    the manifest.

    ``weights.safetensors`` (the run's best, rounded to float16), ``golden.safetensors`` (``items``
    images of the sample that a reader ships), the lists of what it has seen and ``manifest.toml``
    are written; where backend ``onnx`` lacks a part of the network also ``network.onnx``, by which
    it runs without the framework that it was trained with.

    ``runs``: the run, then those that it started from, the latest first. The manifest lists them,
    and those that made the weights which the earliest started from, as far as anybody knows.
    ``about``: what no run knows, ``licence`` above all; it is put into the manifest, table by
    table. ``chosen``: forms by which something was chosen besides the runs' best epochs.

    Raises WeightsError where the run is missing, damaged or of another network, and DataError where
    there are no images.
    """
    best = weight_files.read(runs[0] / "best.safetensors")
    assembly = assemble(read_spec(folder / "pipeline.toml"))
    if differences := assembly.differences(best.about):
        raise WeightsError(
            f"{best.path}: of another network than {folder / 'pipeline.toml'}: "
            f"{'; '.join(differences)}"
        )
    with np.errstate(
        over="ignore"
    ):  # what float16 cannot hold becomes infinite, and is named below
        arrays = {name: array.astype(np.float16) for name, array in best.arrays.items()}
    if broken := [name for name, array in arrays.items() if not np.isfinite(array).all()]:
        raise WeightsError(
            f"{best.path}: {broken[0]} has NaN, or numbers that float16 cannot hold; its training "
            "had diverged"
        )
    path = folder / "weights.safetensors"
    weight_files.write(path, arrays, assembly.identity())
    weights = {
        **file_facts(path),
        "dtype": "float16",
        "parameters": sum(array.size for array in arrays.values()),
    }
    forms, images = write_seen(folder, seen_by(runs, chosen))
    table = {
        "schema": SCHEMA,
        "name": assembly.spec.name,
        "summary": assembly.spec.summary,
        **about,
        "weights": weights,
        "network": assembly.identity(),
        "training": {**about.get("training", {}), "runs": runs_of(runs)},
        "forms": asdict(forms),
        **({"images": asdict(images)} if images else {}),
        "golden": _golden(folder, assembly, items),
    }
    manifest = write_manifest(folder / MANIFEST, table)
    graph = folder / "network.onnx"
    needed = graph.suffix[1:] in lacking(assembly.spec)
    if not needed or not isinstance(assembly.backend, ExportsOnnx) or assembly.numpy_featurizer:
        return manifest
    export(replace(assembly.spec, weights=path.name), graph)
    return write_manifest(folder / MANIFEST, table | {"graph": file_facts(graph)})


def pack_run(run: Path, folder: Path, *, name: str, licence: str) -> Manifest:
    """Makes the model ``name`` of a training run in ``folder``, which is new, card and all; returns
    its manifest.

    Its pipeline is the run's. Its scores are those by which the run chose its best epoch, and are
    called that. Raises as
    :func:`pack` does.
    """
    about, spec = about_run(run), load_spec(run)
    table = dict(spec.table)
    for part, names in OF_ONE_MACHINE.items():
        if part in table:
            table[part] = {key: value for key, value in table[part].items() if key not in names}
    if files := files_in(table, Training):
        raise WeightsError(
            f"{run}: its pipeline names files of this machine, which a model cannot take along: "
            f"{'; '.join(files)}. Take them "
            f"out of {run / 'pipeline.toml'}"
        )
    summary = f"{spec.name}, trained by ocrkit train"
    table |= {
        "name": name,
        "summary": summary,
        "weights": f"zoo:{name}",
        "backends": _backends(spec, about.backend),
    }
    folder.mkdir(parents=True)
    (folder / "pipeline.toml").write_text(tomli_w.dumps(table), encoding="utf-8")
    data, init = about.data, about.init
    trained_on = (
        f"the sample that ships with {data.name}"
        if data.is_sample
        else f"{data.name}, split {data.split}"
    )
    trained_on += "".join(f", and {each.samples:,} samples of {each.name}" for each in about.also)
    stated: dict[str, Any] = {"licence": licence, "training": {"data": trained_on}}
    terms = [
        f"Trained {how} {each.weights}, of which holds on: {each.licence}"
        for how, each in (("from", init), ("on what was read by", about.teacher))
        if each and each.licence
    ]
    if terms:
        stated["terms"] = " ".join(terms)
    if init and init.temperature:
        stated["confidence"] = {
            "temperature": init.temperature,
            "fitted_on": f"with the weights {init.weights}",
        }
    if of_run(run).chosen:
        stated["choosing"] = {"purpose": "the best epoch"}
    if results := _results(run, about):
        stated["results"] = results
    manifest = pack(folder, [run], stated)
    (folder / "CARD.md").write_text(_card(manifest, init), encoding="utf-8")
    return manifest


def distributions_of(run: Path) -> list[str]:
    """The packages that a run's parts come from, by name."""
    spec = load_spec(run)
    parts = (
        spec.reader, spec.cutter, *spec.before, spec.preprocessor, *spec.network_parts.values(),
        spec.objective, spec.decoder, spec.segmenter, *spec.metrics.values(), *spec.augment,
        *spec.also,
    )  # fmt: skip
    entries = (registry().get(part.kind, part.use) for part in parts if part.use)
    return sorted({entry.plugin.distribution for entry in entries})


def _backends(spec: PipelineSpec, trained_on: str) -> list[str]:
    """The pipeline's backends that have all parts of its network, as far as that is known here."""
    having = [
        (kind, registry().backends(kind, part.use)) for kind, part in spec.network_parts.items()
    ]
    able = [
        name
        for name in spec.backends
        if all(
            name in found or (kind == "featurizer" and "numpy" in found) for kind, found in having
        )
    ]
    return able or [trained_on]


def _results(run: Path, about: RunFile) -> dict[str, Any]:
    """The best epoch's scores on the run's validation split; nothing where it had none."""
    if not about.validation:
        return {}
    epoch = chosen_epoch(run)
    scores = next((line.validation for line in log_of(run) if line.epoch == epoch), None) or {}
    return {
        "dataset": f"{about.data.name} {about.validation.split}",
        "samples": about.validation.samples,
        "source": (
            f"validation in training, epoch {epoch}, which was chosen by it; weights not yet "
            "rounded to float16"
        ),
        "metrics": {name: {"value": value} for name, value in scores.items() if value is not None},
    }


def _card(manifest: Manifest, init: Init | None) -> str:
    """What a manifest says, for people, with room for what only its author knows."""
    run, results = manifest.training.runs[0], manifest.results
    start = f", starting from {init.weights}" if init else ""
    if results:
        rows = "".join(f"| {name} | {its.value:.4f} |\n" for name, its in results.metrics.items())
        scores = f"On {results.samples:,} samples of {results.dataset}: {results.source}.\n\n"
        scores += f"| metric | value |\n|---|---|\n{rows}"
    else:
        scores = "Nobody has measured it: its training had no validation.\n"
    return (
        f"# {manifest.name}\n\n{manifest.summary}.\n\n## What it scores\n\n{scores}\n"
        "## What it is for, and what not\n\nIts author has not said yet.\n\n"
        f"## How it was trained\n\nOn {run['samples']:,} samples of "
        f"{manifest.training.data}{start}:\n\n"
        f"    {run['command']}\n\n`manifest.toml` has versions and seed, `forms.txt` the forms. "
        "The weights were then rounded to float16.\n\n"
        f"## Licence\n\n{manifest.licence}\n" + (f"\n{manifest.terms}\n" if manifest.terms else "")
    )


def file_facts(path: Path) -> dict[str, Any]:
    """What a manifest says of a file beside it."""
    return {"file": path.name, "sha256": sha256_of(path), "bytes": path.stat().st_size}


def _golden(folder: Path, assembly: Assembly, count: int) -> dict[str, Any]:
    """Writes the golden set of the weights in the folder; returns what the manifest says of it."""
    network = build_network(assembly, "cpu")
    network.load_state(
        weight_files.check_shapes(
            weight_files.read(folder / "weights.safetensors"), assembly.plan.parameters()
        )
    )
    sample = sample_of(assembly.spec.reader, assembly.spec.cutter)
    count = min(count, len(sample))
    path = folder / "golden.safetensors"
    items = choose(assembly, network, sample, count=count, margin=MARGIN)
    write_golden(path, items, assembly.spec.objective.use)
    return {
        **file_facts(path),
        "items": count,
        "tolerance": TOLERANCE,
        "margin": MARGIN,
        "source": f"the sample that ships with reader {sample.name}",
        "backend": assembly.backend_name,
        "device": "cpu",
        "versions": assembly.backend.versions(),
    }


def sample_of(own: PartSpec, cutter: PartSpec = _ANY_CUTTER) -> Dataset:
    """Images that may be passed on: the sample that ships with a pipeline's own reader, else with
    any other. Raises DataError where there is none."""
    options = {
        name: value for name, value in own.options.items() if name not in OF_ONE_MACHINE["reader"]
    }
    for reader in dict.fromkeys([own.use, *registry().names("reader")]):
        root = registry().get("reader", reader).load().sample_root()
        if root is not None:
            chosen = {**(options if reader == own.use else {}), "split": "all"}
            return open_dataset(PartSpec("reader", reader, chosen), cutter=cutter, root=root)
    raise DataError("no reader that is installed ships a sample to make a golden set of")
