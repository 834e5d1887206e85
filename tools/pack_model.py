"""Makes a zoo model of a training run: weights rounded to float16, then measured, then described in
a manifest. Or of a page pipeline, which has no weights and no RUN.

    python tools/pack_model.py RUN [EARLIER_RUN ...] --to zoo/ocrkit_zoo/iam-crnn --data IAM --split aachen/validation
    python tools/pack_model.py --to zoo/ocrkit_zoo/iam-pages --data PAGES --split validation

The folder must hold the pipeline.toml. ``weights.safetensors``, ``golden.safetensors``,
``forms.txt`` and ``manifest.toml`` are written, of a page pipeline ``pages.safetensors`` and
``manifest.toml``; CARD.md is for people. EARLIER_RUN are the runs that RUN started from
(``--init``), the latest first. A network that finds lines is measured by the lines that it finds.

A model that has not seen IAM has other terms, which `--licence`, `--terms` and `--trained-on` say;
without `--chosen-by` its epoch was chosen by nothing of IAM. A page pipeline has those of the models
that it names.
"""  # noqa: E501

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import ocrkit
from ocrkit.data.datasets import open_dataset
from ocrkit.images.grey import as_grey
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.pipelines.file import load_spec, read_recipe
from ocrkit.pipelines.opened import make_parts
from ocrkit.pipelines.page_spec import PageSpec
from ocrkit.publishing.pack import pack
from ocrkit.publishing.pack_pages import pack_pages
from ocrkit.reading.finding import Finder
from ocrkit.scoring.result_rows import page_outcome
from ocrkit.scoring.rules import RAW
from ocrkit.scoring.scores import Scorer
from ocrkit.support.files import read_text
from ocrkit.zoo.manifest import write_manifest
from ocrkit.zoo.models import MANIFEST, manifest_table

LICENCE = "LicenseRef-IAM-noncommercial-research"
TERMS = (
    "Trained on the IAM Handwriting Database: for non-commercial research only; cite Marti and "
    "Bunke 2002."
)
DATA = "IAM words flagged ok of the Aachen training forms at hand, less the forms of `choosing`"

LINES = ("line-recall", "line-precision", "line-f1")


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
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN")
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
    parser.add_argument("--terms", default="", help="what holds for those who use it")
    arguments = parser.parse_args()
    recipe = read_recipe(arguments.to / "pipeline.toml")
    if isinstance(recipe, PageSpec) == bool(arguments.runs):
        parser.error("a page pipeline is packed without RUN, all others with one")
    if isinstance(recipe, PageSpec):
        pack_pages(arguments.to, {})
    else:
        pack_weights(arguments)
    table = manifest_table(arguments.to)
    measure = measured_lines if recipe.task == "segment" else measured_texts
    table["results"] = measure(arguments.to, arguments.data, arguments.split)
    write_manifest(arguments.to / MANIFEST, table)
    print(json.dumps(table["results"], indent=2))  # noqa: T201  (a script's result)


def pack_weights(arguments: argparse.Namespace) -> None:
    """The model of a training run, not measured yet."""
    about: dict[str, Any] = {"licence": arguments.licence}
    if terms := arguments.terms or (TERMS if arguments.licence == LICENCE else ""):
        about["terms"] = terms
    about["training"] = {
        "data": arguments.trained_on + "".join(f", and {each}" for each in also(arguments.runs))
    }
    if arguments.chosen_by:
        about["choosing"] = {"purpose": "the best epoch by CER, and the temperature of confidences"}
    chosen = read_text(arguments.chosen_by).split() if arguments.chosen_by else []
    pack(arguments.to, arguments.runs, about, chosen=chosen, items=arguments.items)


def measured_texts(folder: Path, data: str, split: str) -> dict[str, Any]:
    """``[results]`` of a model that reads words, lines or pages."""
    result = ocrkit.load(folder / "pipeline.toml").evaluate(split, data=data)
    forms = result.dataset["forms"] or {}
    return {
        "dataset": f"{result.dataset['name']} {result.dataset['split']}",
        "forms": {name: count for name, count in forms.items() if count is not None},
        "samples": result.samples,
        "command": f"ocrkit run --pipeline {folder.name} --data DATA --split {split} --json",
        "counted": "case, punctuation and punctuation-only words",
        "backend": result.backend,
        "versions": result.versions,
        "metrics": {name: asdict(score) for name, score in result.metrics.items()},
    }


def measured_lines(folder: Path, data: str, split: str) -> dict[str, Any]:
    """``[results]`` of a model that finds lines."""
    spec = load_spec(folder / "pipeline.toml")
    dataset = open_dataset(spec.reader, root=data, split=split)
    opened = make_parts(replace(spec, weights=str(folder.absolute())), None).open("cpu", 0)
    finder = Finder(opened.around, opened.network)
    metrics = {name: make_part(PartSpec("metric", name, {})) for name in LINES}
    scorer = Scorer(metrics, RAW)
    for sample in dataset:
        scorer.add(page_outcome(sample, finder(as_grey(sample.load()))))
    return {
        "dataset": f"{dataset.name} {dataset.split}",
        "samples": len(scorer),
        "source": "tools/pack_model.py",
        "backend": opened.around.backend_name,
        "versions": opened.around.backend.versions(),
        "metrics": {name: asdict(score) for name, score in scorer.result().items()},
    }


if __name__ == "__main__":
    main()
