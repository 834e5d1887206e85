"""Makes weights between those that a training run started from and those that it ended with, or
between the best of two runs.

    python tools/mix_weights.py RUN --share 0.35 --to NEW_RUN
    python tools/mix_weights.py RUN --with EARLIER_RUN --share 0.7 --to NEW_RUN

A network that was tuned on pictures of another kind reads these better, and what it read before
worse; weights on the straight line between the two may read both well (Wortsman et al., "Robust
fine-tuning of zero-shot models", 2022). NEW_RUN is a copy of RUN with these as its best weights,
which `tools/pack_model.py` takes. Without `--with`, RUN must have averaged its weights
(`training.ema_decay`) and begun with others (`--init`); with it, one must have come of the other.
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np

from ocrkit.interfaces import Arrays
from ocrkit.networks import weights as weight_files
from ocrkit.zoo.models import model, read_model_weights

AVERAGE = "average."


def weights_of(source: str) -> Arrays:
    """Of a model of the zoo, a training run, or a file."""
    if source.startswith("zoo:"):
        return read_model_weights(model(source.removeprefix("zoo:"))).arrays
    path = Path(source)
    return weight_files.read(path / "best.safetensors" if path.is_dir() else path).arrays


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--share", required=True, type=float, help="of the run's weights, 0 to 1")
    parser.add_argument(
        "--with",
        dest="other",
        metavar="EARLIER_RUN",
        help="whose best weights are mixed with the run's best; else what the run began with, with "
        "its last epoch's average",
    )
    parser.add_argument("--to", required=True, type=Path, metavar="NEW_RUN")
    arguments = parser.parse_args()
    run, share = arguments.run, np.float32(arguments.share)

    about = json.loads((run / "run.json").read_text("utf-8"))
    best = weight_files.read(run / "best.safetensors")
    other, ours = arguments.other or about["init"]["weights"], best.arrays
    if not arguments.other:
        last = weight_files.read(run / "last.safetensors")
        ours = {
            name.removeprefix(AVERAGE): array
            for name, array in last.arrays.items()
            if name.startswith(AVERAGE)
        }
        best.about["training"] = {"epoch": last.about["progress"]["epoch"]}
    theirs = weights_of(other)
    mixed = {
        name: share * array + (1 - share) * theirs[name].astype(np.float32)
        for name, array in ours.items()
    }

    arguments.to.mkdir(parents=True)
    for name in ("pipeline.toml", "log.jsonl", "seen.txt"):
        shutil.copy(run / name, arguments.to)
    about |= {"share": arguments.share, "mixed_with": other}
    (arguments.to / "run.json").write_text(json.dumps(about, indent=2), "utf-8")
    weight_files.write(arguments.to / "best.safetensors", mixed, best.about)


if __name__ == "__main__":
    main()
