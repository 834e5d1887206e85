"""Builds ONNX models node by node, without the package ``onnx``."""

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np
import numpy.typing as npt

import ocrkit
from ocrkit.errors import ConfigError
from ocrkit.interfaces import Arrays, FloatArray
from ocrkit_onnx.protobuf import data, fields, integer, message, real, text

OPSET = 17
"""The version of ONNX's operators that nodes are of; ONNX 1.12 of 2022 and later know it."""
IR_VERSION = 8
"""The version of the file format that goes with it."""
TYPES = {np.dtype(np.float32): 1, np.dtype(np.int32): 6, np.dtype(np.int64): 7}
"""TensorProto.DataType by NumPy's types: as ``Cast`` wants it in ``to``."""
FLOAT32, INT32, INT64 = TYPES.values()

LARGE = 1024
"""Bytes from which a constant can be left out of a model."""

Size = int | str
"""Of an axis: a number, or a name where it varies."""


class Graph:
    """An ONNX graph under construction. Values are known by their names, which the methods
    return."""

    def __init__(self, weights: Arrays) -> None:
        self._weights = weights
        self._prefix = ""
        self.used: set[str] = set()
        """Canonical names of the weights that were asked for."""
        self._nodes: list[bytes] = []
        self._constants: dict[str, npt.NDArray[Any]] = {}
        self._inputs: list[bytes] = []
        self._outputs: list[bytes] = []

    def part(self, name: str) -> "Graph":
        """The same graph for the part of the network whose weights' names start so."""
        part = copy(self)
        part._prefix = f"{name}."
        return part

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Adds a node of an operator of ONNX and returns the name of its first output.

        An input that is left out is ``""``. Attributes are whole numbers, floats, texts, or
        sequences of whole numbers.
        """
        name = f"{self._prefix}{operator.lower()}_{len(self._nodes)}"
        self._add(operator, inputs, name, attributes)
        return name

    def weight(self, name: str) -> FloatArray:
        """The weights of this part by their canonical name within it, for a layout of its own; see
        :meth:`parameter`."""
        name = self._prefix + name
        if name not in self._weights:
            raise ConfigError(
                [f"the onnx network has other parameters than its definition says: it lacks {name}"]
            )
        self.used.add(name)
        return self._weights[name]

    def parameter(self, name: str) -> str:
        """The weights of this part by their canonical name within it, as a value of the graph."""
        return self._constant(self._prefix + name, self.weight(name))

    def constant(self, value: npt.ArrayLike) -> str:
        """Numbers as a value of the graph: whole ones as int64, others as float32; arrays of int32
        stay so."""
        array = np.asarray(value)
        if array.dtype not in TYPES:
            array = array.astype(np.float32)
        return self._constant(f"{self._prefix}constant_{len(self._constants)}", array)

    def input(self, name: str, dtype: int, shape: Sequence[Size]) -> str:
        """Adds an input of the whole graph."""
        self._inputs.append(_value(11, name, dtype, shape))
        return name

    def output(self, name: str, value: str, dtype: int, shape: Sequence[Size]) -> None:
        """Makes a value an output of the whole graph, under another name."""
        self._add("Identity", [value], name, {})
        self._outputs.append(_value(12, name, dtype, shape))

    @property
    def large_constants(self) -> Arrays:
        """The constants that :meth:`model` can leave out, by name."""
        return {name: array for name, array in self._constants.items() if array.nbytes >= LARGE}

    def model(self, metadata: Mapping[str, str], *, whole: bool = True) -> bytes:
        """The whole as an ONNX file's bytes; or without its large constants, which ONNX Runtime is
        then told of beside it."""
        apart = {} if whole else self.large_constants
        constants = [
            _tensor(name, array, inside=name not in apart)
            for name, array in self._constants.items()
        ]
        return b"".join(
            [
                integer(1, IR_VERSION),
                text(2, "ocrkit"),
                text(3, ocrkit.__version__),
                message(
                    7, *self._nodes, text(2, "ocrkit"), *constants, *self._inputs, *self._outputs
                ),
                message(8, integer(2, OPSET)),
                metadata_entries(metadata),
            ]
        )

    def _add(
        self, operator: str, inputs: Sequence[str], output: str, attributes: Mapping[str, Any]
    ) -> None:
        fields = [text(1, name) for name in inputs]
        fields += [text(2, output), text(3, output), text(4, operator)]
        fields += [_attribute(name, value) for name, value in attributes.items()]
        self._nodes.append(message(1, *fields))

    def _constant(self, name: str, array: npt.NDArray[Any]) -> str:
        self._constants[name] = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
        return name


def _tensor(name: str, array: npt.NDArray[Any], *, inside: bool) -> bytes:
    """A constant of a graph, its numbers in it or, as ONNX calls it, in an external file."""
    dimensions = [integer(1, length) for length in array.shape]
    if inside:
        content = [data(9, array.reshape(-1).view(np.uint8).data)]
    else:
        content = [message(13, text(1, "location"), text(2, "memory")), integer(14, 1)]
    return message(5, *dimensions, integer(2, TYPES[array.dtype]), text(8, name), *content)


def metadata_entries(metadata: Mapping[str, str]) -> bytes:
    """Fields of a model that carry texts by name; put behind a model's bytes, they are added to
    it."""
    return b"".join(message(14, text(1, name), text(2, value)) for name, value in metadata.items())


def metadata_of(model: bytes) -> dict[str, str]:
    """What :func:`metadata_entries` has put into a model. Raises ValueError where it is damaged, or
    is no model."""
    found, graphs = {}, 0
    for field, content in fields(model):
        graphs += field == 7
        if field == 14:
            entry = dict(fields(content))
            found[str(entry.get(1, b""), "utf-8")] = str(entry.get(2, b""), "utf-8")
    if not graphs:
        raise ValueError("it holds no network")
    return found


def _value(field: int, name: str, dtype: int, shape: Sequence[Size]) -> bytes:
    """The type of an input or output."""
    sizes = [
        message(1, text(2, size) if isinstance(size, str) else integer(1, size)) for size in shape
    ]
    return message(
        field, text(1, name), message(2, message(1, integer(1, dtype), message(2, *sizes)))
    )


def _attribute(name: str, value: Any) -> bytes:
    """An AttributeProto: its type is told by the value's."""
    match value:
        case int():
            content = [integer(3, value), integer(20, 2)]
        case float():
            content = [real(2, value), integer(20, 1)]
        case str():
            content = [text(4, value), integer(20, 3)]
        case _:
            content = [*(integer(8, each) for each in value), integer(20, 7)]
    return message(5, text(1, name), *content)
