"""Makes a zoo model of a training run: weights rounded to float16, then measured, then described in
a manifest.

    python tools/pack_model.py RUN [EARLIER_RUN ...] --to zoo/ocrkit_zoo/iam-crnn --data IAM --split aachen/validation

The folder must hold the pipeline.toml. ``weights.safetensors``, ``golden.safetensors``,
``forms.txt`` and ``manifest.toml`` are written; CARD.md is for people. EARLIER_RUN are the runs
that RUN started from (``--init``), the latest first.

A model that has not seen IAM has other terms, which `--licence` and `--trained-on` say; without
`--chosen-by` its epoch was chosen by nothing of IAM.
"""  # noqa: E501

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import ocrkit
from ocrkit.publishing.pack import pack
from ocrkit.support.files import read_text
from ocrkit.zoo.manifest import write_manifest
from ocrkit.zoo.models import MANIFEST, manifest_table

LICENCE = "LicenseRef-IAM-noncommercial-research"
TERMS = (
    "Trained on the IAM Handwriting Database: for non-commercial research only; cite Marti and "
    "Bunke 2002."
)
DATA = "IAM words flagged ok of the Aachen training forms at hand, less the forms of `choosing`"


def also(runs: list[Path]) -> list[str]:
    """What was trained on besides, in any of the runs."""
    found = (
        each for run in runs for each in json.loads((run / "run.json").read_text("utf-8"))["also"]
    )
    return sorted(
        {
            f"{each['samples']:,} samples of reader `{each['name']}` in {each['root']}"
            for each in found
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument(
        "--to", required=True, type=Path, help="the model's folder, with its pipeline.toml"
    )
    parser.add_argument("--data", required=True, help="the data set to measure on")
    parser.add_argument(
        "--split", required=True, help="the split to measure on; nothing may have been chosen by it"
    )
    parser.add_argument(
        "--chosen-by", type=Path, help="file of the form ids that early stopping watched"
    )
    parser.add_argument("--items", type=int, default=36, help="images of the golden set")
    parser.add_argument("--licence", default=LICENCE, help="SPDX id (default: IAM's terms)")
    parser.add_argument(
        "--trained-on", default=DATA, help="in words; other readers' samples are named after it"
    )
    arguments = parser.parse_args()

    about: dict[str, Any] = {"licence": arguments.licence}
    if arguments.licence == LICENCE:
        about["terms"] = TERMS
    about["training"] = {
        "data": arguments.trained_on + "".join(f", and {each}" for each in also(arguments.runs))
    }
    if arguments.chosen_by:
        about["choosing"] = {"purpose": "the best epoch by CER, and the temperature of confidences"}
    chosen = read_text(arguments.chosen_by).split() if arguments.chosen_by else []
    manifest = pack(arguments.to, arguments.runs, about, chosen=chosen, items=arguments.items)
    table = manifest_table(arguments.to)

    result = ocrkit.load(arguments.to / "pipeline.toml").evaluate(
        arguments.split, data=arguments.data
    )
    forms = result.dataset["forms"]
    table["results"] = {
        "dataset": f"{result.dataset['name']} {result.dataset['split']}",
        "forms": {name: count for name, count in forms.items() if count is not None},
        "samples": result.samples,
        "command": (
            f"ocrkit run --pipeline {manifest.name} --data IAM --split {arguments.split} --json"
        ),
        "counted": "case, punctuation and punctuation-only words",
        "backend": result.backend,
        "versions": result.versions,
        "metrics": {name: asdict(score) for name, score in result.metrics.items()},
    }
    write_manifest(arguments.to / MANIFEST, table)
    print(json.dumps(table["results"], indent=2))  # noqa: T201  (a script's result)


if __name__ == "__main__":
    main()
