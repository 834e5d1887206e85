"""Checkpoints: named arrays in the canonical layout ↔ safetensors files. ``docs/weights.md`` states
names and shapes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ocrkit.errors import WeightsError
from ocrkit.parts.values import Arrays
from ocrkit.support.files import read_bytes, write_atomically
from ocrkit.support.parsing import parse_json


@dataclass(frozen=True, slots=True)
class Weights:
    """Arrays by name, and what the file says about them (``alphabet``, ``featurizer``, ``encoder``,
    …)."""

    arrays: Arrays
    about: dict[str, Any]
    path: Path
    sha256: str


def write(path: Path, arrays: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    """Writes a checkpoint, whole or not at all."""
    with write_atomically(path) as temporary:
        contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
        # Not save_file, which makes a file of its own that only its owner may read.
        temporary.write_bytes(
            save(
                contiguous,
                metadata={"ocrkit": json.dumps(about, sort_keys=True, ensure_ascii=False)},
            )
        )


def read(path: Path, *, sha256: str | None = None) -> Weights:
    """Reads a checkpoint. Raises WeightsError where it is missing, damaged, or not the file that
    ``sha256`` names."""
    if not path.is_file():
        raise WeightsError(f"{path}: no such weights; expected a .safetensors file")
    data = read_bytes(path, WeightsError, "a .safetensors file")
    digest = hashlib.sha256(data).hexdigest()
    if sha256 is not None and digest != sha256:
        raise WeightsError(
            f"{path}: sha256 {digest[:12]}…, but its manifest says {sha256[:12]}…: damaged or "
            "replaced; install it anew"
        )
    try:
        arrays, about = parse(data)
        for name, array in arrays.items():
            if (
                array.dtype.kind not in "fiu"
            ):  # bfloat16 is a type of NumPy's once some package has taught it
                raise TypeError(f"{name} is {array.dtype}; expected float32 or float16")
    except (ValueError, TypeError) as error:
        raise WeightsError(f"{path}: not a safetensors checkpoint ({error})") from error
    return Weights(arrays, about, path, digest)


def parse(data: bytes) -> tuple[Arrays, dict[str, Any]]:
    """The arrays of a safetensors file's bytes, and the JSON object that :func:`write` puts beside
    them.

    Bytes, since a file that is mapped into memory and then cut ends the process. Raises ValueError
    where they are damaged.
    """
    try:
        arrays = load(data)
    except (
        SafetensorError,
        KeyError,
        TypeError,
    ) as error:  # KeyError: a type of numbers that NumPy lacks
        raise ValueError(error) from None
    header = parse_json(data[8 : 8 + int.from_bytes(data[:8], "little")])
    about = parse_json(header.get("__metadata__", {}).get("ocrkit", "{}"))
    if not isinstance(about, dict):
        raise TypeError("its description is no JSON object")
    return arrays, about


def check_shapes(weights: Weights, shapes: Mapping[str, tuple[int, ...]]) -> Arrays:
    """The arrays of a network as float32. Raises WeightsError that names what is missing, left over
    or of another shape."""
    problems = [f"{name} is missing" for name in shapes if name not in weights.arrays]
    problems += [
        f"{name} is not part of the network" for name in weights.arrays if name not in shapes
    ]
    problems += [
        f"{name} is {weights.arrays[name].shape}, the network's is {shape}"
        for name, shape in shapes.items()
        if name in weights.arrays and weights.arrays[name].shape != shape
    ]
    if problems:
        more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        raise WeightsError(
            f"{weights.path}: made for another network: {'; '.join(problems[:3])}{more}"
        )
    return {name: np.asarray(weights.arrays[name], np.float32) for name in shapes}
