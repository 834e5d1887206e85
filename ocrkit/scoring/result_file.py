"""Result files: what was read, one JSON object a line.

``docs/results.md`` says what the first line, the header, and the rows hold.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from ocrkit.errors import OcrkitError
from ocrkit.parts.checked import CheckError, Rule, Whole, checked
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.parts.page_protocols import PageMetric
from ocrkit.parts.protocols import Metric
from ocrkit.parts.values import FormCount, Skipped
from ocrkit.scoring.contamination import Contamination
from ocrkit.scoring.result import Result, found_by
from ocrkit.scoring.result_rows import outcome_of
from ocrkit.scoring.rules import RAW, Outcome, Rules
from ocrkit.scoring.scores import Scorer
from ocrkit.support.files import text_lines
from ocrkit.support.parsing import parse_json

MetricTable = Annotated[
    dict[str, Any],
    Rule(
        'a table with use = "NAME"',
        lambda table: isinstance(table.get("use"), str) and isinstance(table.get("name", ""), str),
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredData:
    """What a header says of the data set."""

    name: str
    root: str
    split: str
    limit: int | None
    forms: FormCount | None
    samples: Whole
    skipped: tuple[Skipped, ...]
    """Those that the data set names and that could not be looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredBy:
    """Of a header's parts, those by which samples are scored; the others are for people."""

    metrics: tuple[MetricTable, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Which share of the samples a file has, of how many, from 1."""

    number: Whole
    of: Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What scoring needs of a result file's header."""

    pipeline: str
    backend: str
    device: str
    versions: dict[str, str]
    dataset: ScoredData
    parts: ScoredBy
    contamination: Contamination | None
    """What of the data the model had seen, as far as the run knew."""
    share: Share = Share(number=1, of=1)

    @property
    def rows(self) -> int:
        """How many samples the file has a row of."""
        first, end = (
            each * self.dataset.samples // max(self.share.of, 1)
            for each in (self.share.number - 1, self.share.number)
        )
        return end - first


@dataclass(frozen=True, slots=True)
class _FirstLine:
    header: Header


@dataclass(frozen=True)
class Results:
    """A complete result file of a scored run."""

    path: Path
    header: Header
    table: dict[str, Any]
    """The header as it is in the file, with all that was said of the run."""
    outcomes: list[Outcome]
    skipped: list[Skipped]
    metrics: dict[str, Metric | PageMetric]
    """Those that the run was scored by."""

    def score(self, rules: Rules = RAW, min_confidence: float | None = None) -> Result:
        """The run's own result, or what it would have been by these rules. Raises OcrkitError where
        no sample counts."""
        scorer = Scorer(self.metrics, rules)
        for outcome in self.outcomes:
            scorer.add(outcome)
        if not len(scorer):
            raise OcrkitError(
                f"{self.path}: all {scorer.left_out:,} samples are left out as punctuation"
            )
        header = self.header
        data = asdict(header.dataset)
        del data["samples"]
        return Result(
            pipeline=header.pipeline,
            backend=header.backend,
            device=header.device,
            dataset=data | {"skipped": [asdict(item) for item in self.skipped]},
            seconds=None,
            samples_per_second=None,
            versions=header.versions,
            contamination=header.contamination,
            **found_by(scorer, min_confidence),
        )


def read_results(path: Path) -> Results:
    """Reads a file that ``ocrkit run --output`` wrote. Raises OcrkitError where it is not one, or
    is not complete."""
    lines = _lines(path)
    table, header = _header(path, next(lines, {}))
    outcomes: list[Outcome] = []
    skipped: list[Skipped] = []
    for number, row in enumerate(lines, start=2):
        try:
            found = outcome_of(row)
        except (KeyError, TypeError) as error:
            raise OcrkitError(
                f"{path}: line {number} is no result of a sample ({error})"
            ) from error
        if isinstance(found, Skipped):
            skipped.append(found)
        else:
            outcomes.append(found)
    rows = len(outcomes) + len(skipped)
    if rows != header.rows:
        raise OcrkitError(
            f"{path}: {rows:,} rows for {header.rows} samples; go on with that run by "
            "--resume, or run it anew"
        )
    if not outcomes:
        raise OcrkitError(f"{path}: no sample in it was read")
    metrics = {str(each.get("name", each["use"])): _metric(each) for each in header.parts.metrics}
    return Results(path, header, table, outcomes, [*header.dataset.skipped, *skipped], metrics)


def read_shares(paths: Sequence[Path]) -> Results:
    """Reads the files of all shares of a run, in any order, as the file of the run alone. Raises
    OcrkitError where they are no such files."""
    first, *more = sorted(map(read_results, paths), key=lambda each: each.header.share.number)
    of = first.header.share.of
    numbers = [each.header.share.number for each in (first, *more)]
    if numbers != list(range(1, of + 1)):
        named = ", ".join(map(str, numbers))
        raise OcrkitError(f"{first.path}: one of {of:,} shares; expected each once, not {named}")
    for other in more:
        if _unshared(other.table) != _unshared(first.table):
            raise OcrkitError(
                f"{first.path} and {other.path}: of two runs (pipeline, weights, data or versions "
                "differ)"
            )
    known = len(first.header.dataset.skipped)
    return replace(
        first,
        outcomes=[outcome for each in (first, *more) for outcome in each.outcomes],
        skipped=first.skipped + [one for each in more for one in each.skipped[known:]],
    )


def _unshared(table: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name != "share"}


def _header(path: Path, line: dict[str, Any]) -> tuple[dict[str, Any], Header]:
    """The header in a file's first line, as it is and checked."""
    table = line.get("header")
    if isinstance(table, dict) and "images" in table:
        raise OcrkitError(
            f"{path}: made of single images, whose texts nobody has said; score a data set"
        )
    try:
        header = checked(_FirstLine, line).header
    except CheckError as error:
        raise OcrkitError(
            f"{path}: no result file of this version; expected one that ocrkit run --output wrote "
            f"({error})"
        ) from error
    return line["header"], header


def _metric(part: dict[str, Any]) -> Metric | PageMetric:
    options = {name: value for name, value in part.items() if name not in ("use", "name")}
    metric: Metric | PageMetric = make_part(PartSpec("metric", part["use"], options))
    return metric


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        for number, line in enumerate(text_lines(path, expected="a result file"), start=1):
            value = parse_json(line)
            if not isinstance(value, dict):
                raise OcrkitError(f"{path}: line {number} is no JSON object")
            yield value
    except ValueError as error:
        raise OcrkitError(f"{path}: not a result file: {error}") from error
