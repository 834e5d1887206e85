"""Networks in files of their own, as ``ocrkit export`` writes them: everything that reading with
one needs is in the file.

The ending names the backend that runs such a file: ``model.onnx`` is the backend ``onnx``'s. Its
metadata entry ``ocrkit`` is a JSON object with the fields of :class:`Exported`.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from ocrkit.errors import OcrkitError
from ocrkit.parts.checked import Count, Positive, Rule, Sha256, checked
from ocrkit.parts.networks import NetworkFiles
from ocrkit.parts.registry import is_network_file, registry
from ocrkit.parts.values import ImageSize
from ocrkit.support.parsing import parse_json

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Exported:
    """What an exported network's file says of itself."""

    schema: Annotated[int, Rule(f"{SCHEMA}, of this version", lambda schema: schema == SCHEMA)]
    pipeline: Annotated[
        dict[str, Any],
        Rule("a pipeline's table", lambda table: isinstance(table.get("alphabet", ""), str)),
    ]
    """The pipeline's table, its ``network`` the file, so without featurizer, encoder and
    weights."""
    height: Count | None
    width: Count | None
    """Of the input in pixels; None where any goes that is a multiple of ``stride``."""
    stride: Count
    """Pixels of the image's width in a step."""
    steps: Count | None
    parameters: Count
    weights: str
    """Where the weights were exported from: ``zoo:NAME`` or a file's name."""
    sha256: Sha256
    """Of the weights' file."""
    precision: str
    """``float32`` or ``int8``."""
    licence: str
    """What the weights may be used for, with its terms; empty where nobody has said."""
    temperature: Positive | None
    """What makes confidences fit, where somebody has found that out."""
    channels: Annotated[int, Rule("1 or 3", lambda channels: channels in (1, 3))] = 1
    """Of the input: 1, or 3 where it is in colour."""

    @property
    def image(self) -> ImageSize:
        return ImageSize(self.height, self.width, self.channels)

    def metadata(self, output: str) -> dict[str, str]:
        """For the file: the entry ``ocrkit``, and in plain words what another program needs, its
        ``output`` too."""
        width = "W" if self.width is None else self.width
        height = "H" if self.height is None else self.height
        varying = [name for name in ("H", "W") if name in (height, width)]
        return {
            "ocrkit": json.dumps(asdict(self), ensure_ascii=False),
            **({"alphabet": self.pipeline["alphabet"]} if "alphabet" in self.pipeline else {}),
            "input": f"images: float32 (N, {self.channels}, {height}, {width}), "
            f"{'grey values' if self.channels == 1 else 'red, green and blue'} / 255, "
            "zeros beyond each image's width"
            + "".join(f", {name} a multiple of {self.stride}" for name in varying)
            + "; widths: int64 (N,), each image's width in pixels; N may be 0",
            "output": output,
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
        exported = checked(Exported, parse_json(text))
    except ValueError as error:
        raise OcrkitError(
            f"{path}: its description is damaged or another version's ({error}); export it anew"
        ) from error
    return replace(exported, pipeline={**exported.pipeline, "network": path.name})
