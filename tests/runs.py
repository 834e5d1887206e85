"""Training runs of the tiny pipeline, and data for them."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ocrkit.networks import weights as weight_files
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec
from ocrkit.training import Progress, train


def trained(
    source: Path, folder: Path, data: Path, settings: dict[str, Any] | None = None, **options: Any
) -> tuple[Progress, list[dict[str, Any]]]:
    """What training came to, and the events that it reported."""
    events: list[dict[str, Any]] = []
    assembly = assemble(load_spec(source, settings or {}), training=True)
    return train(assembly, folder, data=data, report=events.append, **options), events


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    return weight_files.read(path).arrays


def same(first: Path, second: Path) -> bool:
    """Whether two checkpoints hold the same bits."""
    one, other = arrays_of(first), arrays_of(second)
    return one.keys() == other.keys() and all(
        one[name].tobytes() == other[name].tobytes() for name in one
    )


FOLDER = {"reader.use": "folder", "training.split": "train", "training.validation": "val"}
"""Settings to train on a folder that :func:`make_folder` made."""


def make_folder(words_root: Path, root: Path) -> Path:
    """The drawn words as the reader ``folder`` has them: 24 in ``train``, 7 in ``val``, a text
    beside each."""
    rows = [line.split() for line in (words_root / "ascii" / "words.txt").read_text().splitlines()]
    for split in ("train", "val"):
        (root / split).mkdir(parents=True)
    for row in rows:
        name = row[0]
        split = root / ("train" if name.startswith("a01") else "val")
        image = cv2.imread(
            str(words_root / "words" / name[:3] / "-".join(name.split("-")[:2]) / f"{name}.png"), 0
        )
        image[0, 0] = len(list(root.rglob("*.png")))  # no two are the same
        cv2.imwrite(str(split / f"{name}.png"), image)
        (split / f"{name}.gt.txt").write_text(row[8], encoding="utf-8")
    return root
