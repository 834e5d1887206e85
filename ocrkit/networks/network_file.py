"""Networks in files of their own, as ``ocrkit export`` writes them: everything that reading with
one needs is in the file.

The ending names the backend that runs such a file: ``model.onnx`` is the backend ``onnx``'s. Its
metadata entry ``ocrkit`` is a JSON object with the fields of :class:`Exported`.
"""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ocrkit.errors import OcrkitError
from ocrkit.parts.networks import NetworkFiles
from ocrkit.parts.registry import is_network_file, registry
from ocrkit.parts.values import ImageSize
from ocrkit.support.parsing import parse_json

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Exported:
    """What an exported network's file says of itself."""

    pipeline: dict[str, Any]
    """The pipeline's table, its ``network`` the file, so without featurizer, encoder and
    weights."""
    height: int
    width: int | None
    """Of the input in pixels; None where any width goes that is a multiple of ``stride``."""
    stride: int
    """Pixels of the image's width in a step."""
    steps: int | None
    parameters: int
    weights: str
    """Where the weights were exported from: ``zoo:NAME`` or a file's name."""
    sha256: str
    """Of the weights' file."""
    precision: str
    """``float32`` or ``int8``."""
    licence: str
    """What the weights may be used for, with its terms; empty where nobody has said."""
    temperature: float | None
    """What makes confidences fit, where somebody has found that out."""
    channels: int = 1
    """Of the input: 1, or 3 where it is in colour."""

    @property
    def image(self) -> ImageSize:
        return ImageSize(self.height, self.width, self.channels)

    def metadata(self) -> dict[str, str]:
        """For the file: the entry ``ocrkit``, and in plain words what another program needs."""
        width = "W" if self.width is None else self.width
        return {
            "ocrkit": json.dumps({"schema": SCHEMA, **asdict(self)}, ensure_ascii=False),
            "alphabet": self.pipeline["alphabet"],
            "input": f"images: float32 (N, {self.channels}, {self.height}, {width}), "
            f"{'grey values' if self.channels == 1 else 'red, green and blue'} / 255, "
            "zeros beyond each image's width"
            + (f", W a multiple of {self.stride}" if self.width is None else "")
            + "; widths: int64 (N,), each image's width in pixels; N may be 0",
            "output": "log_probs: float32 (N, T, K), natural logarithms, class k is the alphabet's "
            "character k, class K - 1 the blank of CTC; lengths: int64 (N,), "
            "the steps of each image that count",
            "weights_sha256": self.sha256,
            "licence": self.licence,
        }


def network_files(path: Path) -> NetworkFiles:
    """The backend that runs the file. Raises OcrkitError where it runs no files, PluginError where
    it is not installed."""
    name = path.suffix[1:]
    if not is_network_file(path):
        raise OcrkitError(
            f"{path}: no exported network; expected a file like model.onnx, whose ending names a "
            "backend"
        )
    engine = registry().get("backend", name).load()()
    if not isinstance(engine, NetworkFiles):
        raise OcrkitError(f"{path}: backend {name!r} runs no network files")
    return engine


def read_exported(path: Path) -> Exported:
    """What the file says of itself. Raises OcrkitError where it is missing, damaged or not from
    ``ocrkit export``."""
    text = network_files(path).metadata(path).get("ocrkit")
    if text is None:
        raise OcrkitError(
            f"{path}: it does not say what it reads; expected a network that ocrkit export wrote"
        )
    try:
        about = parse_json(text)
        if about["schema"] != SCHEMA:
            raise ValueError(f"schema {about['schema']!r}, expected {SCHEMA}")
        exported = Exported(
            **{field.name: about[field.name] for field in fields(Exported) if field.name in about}
        )
        exported.pipeline["network"] = path.name
    except (ValueError, KeyError, TypeError) as error:
        raise OcrkitError(
            f"{path}: its description is damaged or another version's ({error}); export it anew"
        ) from error
    return exported
