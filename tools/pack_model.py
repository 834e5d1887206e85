"""Makes a zoo model of a training run: weights rounded to float16, then measured, then described in a manifest.

    python tools/pack_model.py RUN [EARLIER_RUN ...] --to zoo/ocrkit_zoo/iam-crnn --data IAM --split aachen/validation

The folder must hold the pipeline.toml. ``weights.safetensors`` and ``manifest.toml`` are written; CARD.md is for people.
EARLIER_RUN are the runs that RUN started from (``--init``), the latest first.
"""

import argparse
import json
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

import ocrkit
from ocrkit import weights as weight_files
from ocrkit.config import load_spec
from ocrkit.files import write_atomically
from ocrkit.pipeline import assemble

TERMS = {
    "licence": "LicenseRef-IAM-noncommercial-research",
    "terms": "Trained on the IAM Handwriting Database: for non-commercial research only; cite Marti and Bunke 2002.",
}


def describe_run(run: Path, best: weight_files.Weights) -> dict[str, Any]:
    """What a manifest says of a training run; paths of the machine that it ran on are left out."""
    about = json.loads((run / "run.json").read_text(encoding="utf-8"))
    log = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    options = tomllib.loads((run / "pipeline.toml").read_text(encoding="utf-8"))["training"]
    return {
        "command": about["command"],
        "backend": about["backend"],
        "device": about["device"],
        "seed": about["seed"],
        "versions": about["versions"],
        "samples": about["samples"],
        "epochs": len(log),
        "chosen_epoch": best.about["training"]["epoch"],
        "images_per_second": round(sum(line["images"] for line in log) / sum(line["seconds"] for line in log), 1),
        "options": {name: value for name, value in options.items() if name not in ("exclude", "only", "validation_only")},
        "skipped": [item["id"] for item in about["skipped"]],
        "forms": about["forms"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--to", required=True, type=Path, help="the model's folder, with its pipeline.toml")
    parser.add_argument("--data", required=True, help="the data set to measure on")
    parser.add_argument("--split", required=True, help="the split to measure on; nothing may have been chosen by it")
    parser.add_argument("--chosen-by", required=True, type=Path, help="file of the form ids that early stopping watched")
    arguments = parser.parse_args()

    best = weight_files.read(arguments.runs[0] / "best.safetensors")
    assembly = assemble(load_spec(arguments.to / "pipeline.toml"))
    if differences := assembly.differences(best.about):
        parser.error(f"the run is of another network: {'; '.join(differences)}")
    path = arguments.to / "weights.safetensors"
    weight_files.write(path, {name: array.astype(np.float16) for name, array in best.arrays.items()}, assembly.identity())

    chosen = sorted(arguments.chosen_by.read_text(encoding="utf-8").split())
    manifest: dict[str, Any] = {
        "schema": 1,
        "name": assembly.spec.name,
        "summary": assembly.spec.summary,
        **TERMS,
        "weights": {
            "file": path.name,
            "sha256": weight_files.sha256_of(path),
            "bytes": path.stat().st_size,
            "dtype": "float16",
            "parameters": sum(int(np.prod(shape)) for shape in assembly.plan.parameters().values()),
        },
        "network": assembly.identity(),
        "training": {
            "data": "IAM words flagged ok of the Aachen training forms at hand, less the forms of `choosing`",
            "runs": [describe_run(run, weight_files.read(run / "best.safetensors")) for run in arguments.runs],
        },
        "choosing": {"purpose": "the best epoch by CER, and early stopping", "forms": chosen},
    }
    write(arguments.to / "manifest.toml", manifest)

    result = ocrkit.load(arguments.to / "pipeline.toml").evaluate(arguments.split, data=arguments.data)
    forms = result.dataset["forms"]
    manifest["results"] = {
        "dataset": f"{result.dataset['name']} {result.dataset['split']}",
        "forms": {name: count for name, count in forms.items() if count is not None},
        "samples": result.samples,
        "command": f"ocrkit run --pipeline {assembly.spec.name} --data IAM --split {arguments.split} --json",
        "counted": "case, punctuation and punctuation-only words",
        "backend": result.backend,
        "versions": result.versions,
        "metrics": {name: asdict(score) for name, score in result.metrics.items()},
    }
    write(arguments.to / "manifest.toml", manifest)
    print(json.dumps(manifest["results"], indent=2))  # noqa: T201  (a script's result)


def write(path: Path, manifest: dict[str, Any]) -> None:
    with write_atomically(path) as temporary:
        temporary.write_text(tomli_w.dumps(manifest), encoding="utf-8")


if __name__ == "__main__":
    main()
