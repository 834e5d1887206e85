"""Makes the model's files of a training run, and measures the model on forms that it has not seen.

    python pack.py RUN SAMPLE

The plugin must be installed (pip install -e .). SAMPLE is the data that the run was trained on,
less what held-out.txt names: the model is measured on that.
"""

import sys
from dataclasses import asdict
from pathlib import Path

import ocrkit
from ocrkit.publishing.pack import pack
from ocrkit.zoo.manifest import write_manifest

HERE = Path(__file__).parent
FOLDER = HERE / "ocrkit_zoo_example" / "sample-tiny"
ABOUT = {
    "licence": "Apache-2.0",
    "terms": (
        "Trained on images that ocrkit's authors rendered from handwriting fonts; use it as "
        "you like."
    ),
    "training": {
        "data": "the rendered sample of ocrkit's reader iam, less the forms of held-out.txt"
    },
}
"""What no run knows."""


def main(run: Path, sample: Path) -> None:
    manifest = pack(FOLDER, [run], ABOUT)
    only = HERE / "held-out.txt"
    result = ocrkit.load(FOLDER / "pipeline.toml", {"reader.only": str(only)}).evaluate(data=sample)
    manifest["results"] = {
        "dataset": "the forms of held-out.txt of the rendered sample",
        "samples": result.samples,
        "command": (
            f"ocrkit run --pipeline {manifest['name']} --data SAMPLE --set "
            "reader.only=held-out.txt --json"
        ),
        "backend": result.backend,
        "versions": result.versions,
        "metrics": {name: asdict(score) for name, score in result.metrics.items()},
    }
    write_manifest(FOLDER / "manifest.toml", manifest)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
