"""Models' manifests: what is in them, who needs it, and how they are written. ``docs/zoo.md`` says
what it all means."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from ocrkit.networks.seen_forms import FileName, SeenList
from ocrkit.parts.checked import CheckError, Count, Positive, Rule, Sha256, Share, checked
from ocrkit.support.files import write_atomically

SCHEMA = 2
MOST_TOLERANCE = 1e-3
"""The largest difference in log-probabilities (nats, float32) that a golden set may allow."""


def _is_address(value: str) -> bool:
    from ocrkit.support.web import is_safe  # which imports what speaks HTTP and TLS

    return is_safe(value)


Schema = Annotated[
    int,
    Rule(f"{SCHEMA}: it was made for another version of ocrkit", lambda schema: schema == SCHEMA),
]
Address = Annotated[str, Rule("an https address without a login", _is_address)]
Tolerance = Annotated[
    float,
    Rule(
        f"a number above 0, at most {MOST_TOLERANCE:g}", lambda value: 0 < value <= MOST_TOLERANCE
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedWeights:
    """``[weights]``: their file. What may be left out is empty or 0 then."""

    file: FileName
    sha256: Sha256
    url: Address | None = None
    """Where the file is fetched from; None where it is in the model's folder."""
    bytes: Count = 0
    dtype: str = ""
    parameters: Count = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedNetwork:
    """``[network]``: what the weights are made for; its parts are those of its task."""

    alphabet: str = ""
    height: Count | None = None
    """Of images in pixels; None where it varies."""
    featurizer: dict[str, Any] | None = None
    encoder: dict[str, Any] | None = None
    model: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedGraph:
    """``[graph]``: the network with its weights in a file whose ending names the backend that runs
    it."""

    file: FileName
    sha256: Sha256
    bytes: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedGolden:
    """``[golden]``: the golden set, its tolerance and margin in nats, and what computed it."""

    file: FileName
    sha256: Sha256
    bytes: Count
    items: Count
    tolerance: Tolerance
    margin: Positive
    source: str = ""
    backend: str = ""
    device: str = ""
    versions: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedPages:
    """``[pages]`` of a page pipeline: pages with what was read of them, how far, in pixels, a
    line's baseline may be from the stored one, and what read them."""

    file: FileName
    sha256: Sha256
    bytes: Count
    items: Count
    tolerance: Positive
    source: str = ""
    backend: str = ""
    versions: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedTraining:
    """``[training]``: the runs that led to the weights are free tables, the last run first."""

    data: str = ""
    runs: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedChoosing:
    """``[choosing]``: what the forms served for that something was chosen by."""

    purpose: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedConfidence:
    """``[confidence]``: what ``ocrkit calibrate`` found."""

    temperature: Positive
    fitted_on: str = ""
    measured_on: str = ""
    ece_before: Share | None = None
    ece_after: Share | None = None
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedScore:
    """A metric's value, which may have a ``low`` and a ``high`` beside it."""

    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedResults:
    """``[results]``: what the model scores."""

    dataset: str
    metrics: dict[str, StatedScore]
    samples: Count = 0
    command: str = ""
    source: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A model's manifest, as far as ocrkit uses it: other keys are the author's own."""

    schema: Schema
    name: str = ""
    summary: str = ""
    licence: str = ""
    terms: str = ""
    weights: StatedWeights | None = None
    """None of a page pipeline, which reads with those of other models."""
    network: StatedNetwork | None = None
    graph: StatedGraph | None = None
    golden: StatedGolden | None = None
    pages: StatedPages | None = None
    training: StatedTraining = StatedTraining()
    choosing: StatedChoosing | None = None
    forms: SeenList | None = None
    images: SeenList | None = None
    confidence: StatedConfidence | None = None
    results: StatedResults | None = None


_VERIFIED = ("name", "licence")
"""What ``ocrkit zoo verify`` needs besides; with weights, their size and the following two."""
_VERIFIED_WITH_WEIGHTS = ("network", "golden")


def manifest_problems(table: Mapping[str, Any], *, verifying: bool = False) -> list[str]:
    """All that is wrong with a manifest, a line each. ``verifying`` asks for what ``ocrkit zoo
    verify`` needs too."""
    problems = []
    try:
        checked(Manifest, table)
    except CheckError as error:
        problems = error.problems
    if "pages" not in table and "weights" not in table:
        problems.append("weights: missing; expected a table, or [pages] of a page pipeline")
    if verifying:
        needed = _VERIFIED if "pages" in table else (*_VERIFIED, *_VERIFIED_WITH_WEIGHTS)
        problems += [f"{name}: missing; verifying needs it" for name in needed if name not in table]
    network = table.get("network")
    if isinstance(network, Mapping) and "model" not in network:
        kinds = {"alphabet": "a text", "featurizer": "a table", "encoder": "a table"}
        problems += [
            f"network.{name}: missing; expected {words}"
            for name, words in kinds.items()
            if name not in network
        ]
    weights = table.get("weights")
    if isinstance(weights, Mapping) and "bytes" not in weights and (verifying or "url" in weights):
        problems.append("weights.bytes: missing; expected a whole number above 0")
    return problems


def checked_manifest(table: Mapping[str, Any]) -> Manifest:
    """The manifest that a table is. Raises CheckError with all that is wrong."""
    if problems := manifest_problems(table):
        raise CheckError(problems)
    return checked(Manifest, table)


def write_manifest(path: Path, table: Mapping[str, Any]) -> Manifest:
    """Writes a manifest, whole or not at all. Raises CheckError for one that could not be read."""
    import tomli_w

    manifest = checked_manifest(table)
    with write_atomically(path) as temporary:
        temporary.write_text(tomli_w.dumps(table), encoding="utf-8")
    return manifest
