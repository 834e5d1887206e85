"""Reads Gluon's ``.params`` files. It needs no MXNet: the format is plain, and nothing in a file is
run or unpickled."""

import math
import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ocrkit.errors import WeightsError
from ocrkit.interfaces import Arrays, NetworkPlan
from ocrkit.support.files import read_bytes
from ocrkit_crnn.bilstm import DIRECTIONS, BiLstm
from ocrkit_crnn.cnn import Cnn

Array = npt.NDArray[Any]
Shapes = Mapping[str, tuple[int, ...]]

_LIST = struct.pack("<Q", 0x112)
_VERSIONS = {0xF993FAC8: 1, 0xF993FAC9: 2, 0xF993FACA: 3}
_TYPES: dict[int, np.dtype[Any]] = {0: np.dtype("<f4"), 1: np.dtype("<f8"), 2: np.dtype("<f2")}
_MOST_AXES = 8
_LONGEST_NAME = 1024


@dataclass(frozen=True)
class GluonParams:
    """Gluon's ``.params`` files, of a network built as the seed notebook builds it: ``cnn`` and
    ``bilstm``.

    Reads what MXNet 0.11 to 1.9 write, in either spelling: ``save_parameters`` names by place
    (``0.0.weight``), ``save_params`` and ``collect_params().save`` by layer (``conv0_weight``),
    with or without the network's prefix.

    Only names have to be mapped. The notebook scales pixels to 0..1, cuts its features into steps,
    orders an LSTM's gates, adds 1e-5 to variances and puts the blank last as ocrkit does.
    """

    def __call__(self, path: Path, plan: NetworkPlan, /) -> Arrays:
        """The network's arrays by canonical name, as the file stores them: float16, float32 or
        float64.

        Raises WeightsError for a file that is damaged or of another format, and where its arrays
        are not the network's.
        """
        definitions = {name: part.definition for name, part in plan.parts.items()}
        if not isinstance(definitions.get("featurizer"), Cnn) or not isinstance(
            definitions.get("encoder"), BiLstm
        ):
            raise WeightsError(
                f"{path}: a .params file has weights for 'cnn' and 'bilstm'; the pipeline has "
                "other parts"
            )
        return _canonical(path, _File(path).arrays(), plan.parameters())


# ----------------------------------------------------------------------------------------- the file


class _File:
    """The bytes of a file, taken in order. No size that it states is believed before as many bytes
    are found to be there.

    A list of arrays, then their names, little-endian, as ``NDArray::Save`` writes them in MXNet's
    ``src/ndarray/ndarray.cc``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._bytes = memoryview(read_bytes(path, WeightsError, "a .params file"))

    def arrays(self) -> Arrays:
        """All arrays by name, in the file's order. Raises WeightsError for anything but a whole and
        sound file."""
        start = bytes(self._bytes[: len(_LIST)])
        if start != _LIST:
            raise WeightsError(
                f"{self._path}: no .params file of Gluon, as save_parameters and save_params write "
                f"it: it begins with {start!r}"
            )
        self._take(len(_LIST))
        self._take(8)  # reserved
        arrays = [self._array() for _ in range(self._number("<Q"))]
        names = [self._name() for _ in range(self._number("<Q"))]
        if not arrays:
            raise self._broken("it has no arrays")
        if len(names) != len(arrays):
            raise self._broken(
                f"{len(arrays)} arrays and {len(names)} names; expected a name for each"
            )
        if len(set(names)) != len(names):
            raise self._broken("two arrays have one name")
        if self._at != len(self._bytes):
            raise self._broken(f"{len(self._bytes) - self._at:,} bytes behind its end")
        return dict(zip(names, arrays, strict=True))

    def _array(self) -> Array:
        begin = self._at
        version = _VERSIONS.get(self._number("<I"))
        if version is None:
            raise self._broken(f"no array at byte {begin:,}")
        if version > 1 and (storage := self._number("<i")) != 0:
            raise self._broken(
                f"storage type {storage} of the array at byte {begin:,}; expected 0, a dense array"
            )
        axes = self._number("<I")
        if not 1 <= axes <= _MOST_AXES:
            raise self._broken(
                f"{axes:,} axes of the array at byte {begin:,}; expected 1 to {_MOST_AXES}"
            )
        shape = [self._number("<q") for _ in range(axes)]
        if min(shape) < 1:
            raise self._broken(
                f"shape {shape} of the array at byte {begin:,}; expected positive lengths"
            )
        self._take(8)  # the device that it was on, and that device's number
        flag = self._number("<i")
        if flag not in _TYPES:
            raise self._broken(
                f"type {flag} of the array at byte {begin:,}; expected 0, 1 or 2, floating-point "
                "numbers"
            )
        numbers = self._take(math.prod(shape) * _TYPES[flag].itemsize)
        return (
            np.frombuffer(numbers, _TYPES[flag]).reshape(shape).copy()
        )  # the file's own are read-only and not aligned

    def _name(self) -> str:
        begin, length = self._at, self._number("<Q")
        if length > _LONGEST_NAME:
            raise self._broken(
                f"a name of {length:,} bytes at byte {begin:,}; expected at most {_LONGEST_NAME:,}"
            )
        try:
            return str(self._take(length), "utf-8")
        except UnicodeDecodeError:
            raise self._broken(f"the name at byte {begin:,} is not UTF-8") from None

    def _number(self, layout: str) -> int:
        number: int
        (number,) = struct.unpack(layout, self._take(struct.calcsize(layout)))
        return number

    def _take(self, count: int) -> memoryview:
        end = self._at + count
        if end > len(self._bytes):
            raise self._broken(f"it ends at byte {len(self._bytes):,}, in the midst of its content")
        taken = self._bytes[self._at : end]
        self._at = end
        return taken

    def _broken(self, what: str) -> WeightsError:
        return WeightsError(f"{self._path}: damaged, or not of a Gluon network: {what}")


# -------------------------------------------------------------------------------------------- names

_LAYERS = {
    "convolution": ("featurizer.conv1", "featurizer.conv2", "featurizer.conv3", "featurizer.conv4"),
    "batch norm": ("featurizer.norm1", "featurizer.norm3", "featurizer.norm4"),
    "LSTM": ("encoder",),
    "dense layer": ("head",),
}
"""The notebook's layers, in their order, by canonical name."""
_NORM = {
    "gamma": "weight",
    "beta": "bias",
    "running_mean": "running_mean",
    "running_var": "running_var",
}
_KINDS = {4: "convolution", 2: "dense layer"}
"""Whose a weight is, by its axes."""
_NAME = re.compile(
    r"(?:arg:|aux:)?(?P<layer>.*?)[._]?(?P<end>weight|bias|gamma|beta|running_mean|running_var)",
    re.DOTALL,
)
# By layer lstm0_l0_i2h_weight; by place lstm.l0_i2h_weight or, of its cells,
# lstm._unfused.0.l_cell.i2h_weight.
_LSTM_NAME = re.compile(
    r"(?:arg:)?(?P<layer>.*?)[._]?"
    r"(?:(?P<side>[lr])(?P<number>\d+)_|_unfused\.(?P<place>\d+)\.(?P<cell>[lr])_cell\.)"
    r"(?P<gate>[ih])2h_(?P<end>weight|bias)",
    re.DOTALL,
)


def _canonical(path: Path, arrays: Arrays, shapes: Shapes) -> Arrays:
    """The file's arrays by the network's names. Raises WeightsError with what is missing, left over
    or of another shape."""
    layers: dict[str, dict[str, dict[str, str]]] = {kind: {} for kind in _LAYERS}
    left_over = []
    for name in arrays:
        kind, layer, end = _place(name, arrays)
        if kind is None or end in layers[kind].setdefault(layer, {}):
            left_over.append(name)
        else:
            layers[kind][layer][end] = name
    problems = [
        f"it has {len(layers[kind])} {kind}s, expected {len(targets)}"
        for kind, targets in _LAYERS.items()
        if len(layers[kind]) != len(targets)
    ]
    if problems:
        raise _other_network(path, problems)
    sources = {
        f"{target}.{end}": name
        for kind, targets in _LAYERS.items()
        for target, layer in zip(targets, _in_order(path, kind, layers[kind]), strict=True)
        for end, name in layers[kind][layer].items()
    }
    left_over += [name for canonical, name in sources.items() if canonical not in shapes]
    problems = [
        f"{canonical} {shape} is missing"
        for canonical, shape in shapes.items()
        if canonical not in sources
    ]
    problems += [f"{name!r} {arrays[name].shape} has no place in it" for name in left_over]
    problems += [
        f"{name!r} is {arrays[name].shape}, expected {shapes[canonical]}"
        for canonical, name in sources.items()
        if canonical in shapes and arrays[name].shape != shapes[canonical]
    ]
    if problems:
        raise _other_network(path, problems)
    return {canonical: arrays[name] for canonical, name in sources.items()}


def _place(name: str, arrays: Arrays) -> tuple[str | None, str, str]:
    """The kind of layer that an array is of, what the file calls the layer, and the array's
    canonical name in it."""
    if match := _LSTM_NAME.fullmatch(name):
        reverse = DIRECTIONS["lr".index(match["side"] or match["cell"])]
        return (
            "LSTM",
            match["layer"],
            f"{match['end']}_{match['gate']}h_l{match['number'] or match['place']}{reverse}",
        )
    if not (match := _NAME.fullmatch(name)):
        return None, "", ""
    layer, end = match["layer"], match["end"]
    if end in _NORM:
        return "batch norm", layer, _NORM[end]
    weight = arrays.get(name.removesuffix(end) + "weight")
    return (None if weight is None else _KINDS.get(weight.ndim)), layer, end


def _in_order(path: Path, kind: str, layers: Iterable[str]) -> list[str]:
    """Layers of one kind by the numbers in their names. The file's own order says nothing: older
    Pythons saved in any."""
    numbers = {layer: tuple(map(int, re.findall(r"\d+", layer))) for layer in layers}
    if len({re.sub(r"\d+", "0", layer) for layer in numbers}) > 1 or len(
        set(numbers.values())
    ) < len(numbers):
        named = ", ".join(map(repr, numbers))
        raise WeightsError(
            f"{path}: the names {named} do not say which {kind} comes first; expected them to "
            "differ by numbers"
        )
    return sorted(numbers, key=numbers.__getitem__)


def _other_network(path: Path, problems: list[str]) -> WeightsError:
    more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
    return WeightsError(
        f"{path}: of another network than the pipeline's: {'; '.join(problems[:3])}{more}; "
        "give the pipeline the alphabet and the options that it was trained with, with --set"
    )
