"""Checkpoints: named arrays in the canonical layout ↔ safetensors files. ``docs/weights.md`` states names and shapes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ocrkit.errors import WeightsError
from ocrkit.files import write_atomically
from ocrkit.interfaces import Arrays, FloatArray

_AT_ONCE = 1 << 17
"""Numbers that are converted at once: few enough for the processor's cache."""
_TOO_LARGE = 65536
"""No finite float16 is so large."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Arrays by name, and what the file says about them (``alphabet``, ``featurizer``, ``encoder``, …)."""

    arrays: Arrays
    about: dict[str, Any]
    path: Path
    sha256: str


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(path: Path, arrays: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    """Writes a checkpoint, whole or not at all."""
    with write_atomically(path) as temporary:
        contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
        # Not save_file, which makes a file of its own that only its owner may read.
        temporary.write_bytes(save(contiguous, metadata={"ocrkit": json.dumps(about, sort_keys=True, ensure_ascii=False)}))


def read(path: Path, *, sha256: str | None = None) -> Weights:
    """Reads a checkpoint. Raises WeightsError where it is missing, damaged, or not the file that ``sha256`` names."""
    if not path.is_file():
        raise WeightsError(f"{path}: no such weights; expected a .safetensors file")
    digest = sha256_of(path)
    if sha256 is not None and digest != sha256:
        raise WeightsError(
            f"{path}: sha256 {digest[:12]}…, but its manifest says {sha256[:12]}…: damaged or replaced; install it anew"
        )
    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (a safe_open is no mapping)
            about = dict(json.loads((file.metadata() or {}).get("ocrkit", "{}")))
        for name, array in arrays.items():
            if array.dtype.kind not in "fiu":  # bfloat16 is a type of NumPy's once some package has taught it
                raise TypeError(f"{name} is {array.dtype}; expected float32 or float16")
    except (SafetensorError, ValueError, TypeError, OSError) as error:
        raise WeightsError(f"{path}: not a safetensors checkpoint ({error})") from error
    return Weights(arrays, about, path, digest)


def check_shapes(weights: Weights, shapes: Mapping[str, tuple[int, ...]]) -> Arrays:
    """The arrays of a network as float32. Raises WeightsError that names what is missing, left over or of another shape."""
    problems = [f"{name} is missing" for name in shapes if name not in weights.arrays]
    problems += [f"{name} is not part of the network" for name in weights.arrays if name not in shapes]
    problems += [
        f"{name} is {weights.arrays[name].shape}, the network's is {shape}"
        for name, shape in shapes.items()
        if name in weights.arrays and weights.arrays[name].shape != shape
    ]
    if problems:
        more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        raise WeightsError(f"{weights.path}: made for another network: {'; '.join(problems[:3])}{more}")
    return {name: as_float32(weights.arrays[name]) for name in shapes}


def as_float32(array: npt.NDArray[Any]) -> FloatArray:
    """The same numbers as float32. Of float16 the bits are moved, in half the time of NumPy's conversion one by one.

    A float16 has a bit of sign, five of exponent (its bias 15, a float32's is 127) and ten of mantissa. Where they are in a
    float32's places the number is too small by 2^112.
    """
    if array.dtype != np.float16:
        return np.asarray(array, np.float32)
    result = np.empty(array.shape, np.float32)
    bits, halves = result.reshape(-1).view(np.int32), array.reshape(-1).view(np.int16)
    for start in range(0, bits.size, _AT_ONCE):
        piece = bits[start : start + _AT_ONCE]
        np.left_shift(halves[start : start + _AT_ONCE], 13, out=piece, dtype=np.int32)
        piece &= ~0x70000000  # copies of the sign
        numbers = piece.view(np.float32)
        numbers *= np.float32(2.0**112)
        if numbers.max() >= _TOO_LARGE or numbers.min() <= -_TOO_LARGE:  # infinite, or NaN
            return array.astype(np.float32)
    return result
