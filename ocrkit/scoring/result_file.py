"""Result files: what was read, one JSON object a line, written as it comes and whole only under its
final name.

``docs/results.md`` says what the first line, the header, and the rows hold.
"""

import os
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

from ocrkit.errors import OcrkitError
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.parts.protocols import Metric
from ocrkit.parts.values import Decoded, Sample, Skipped
from ocrkit.scoring.contamination import Contamination, Overlap
from ocrkit.scoring.result import Result, found_by
from ocrkit.scoring.rules import RAW, Outcome, Rules
from ocrkit.scoring.scores import Scorer
from ocrkit.support.files import lock, text_lines, writing
from ocrkit.support.parsing import json_text, parse_json

_DIGITS = 4
"""After the point, of what is there for people: characters' confidences and scores of
alternatives."""


class ResultFile:
    """``FILE``, or until it is complete ``FILE.part``: a header that says what produced it, then a
    row an image.

    Where ``resume`` is set, the first ``kept`` rows are those of an interrupted run, which
    :meth:`rows` reads one by one: as many as there are whole, and of which ``may_go_on_after`` says
    that a resumed run ends as an uninterrupted one. Raises OcrkitError where that run was another
    one, where another run is writing the file right now, and where it cannot be written.
    """

    def __init__(
        self,
        path: Path,
        header: Mapping[str, Any],
        *,
        resume: bool,
        may_go_on_after: Callable[[int], bool],
    ) -> None:
        self._path, self._target = (
            path,
            Path(os.path.realpath(path)),
        )  # where it is a link, the link stays
        self._part = self._target.with_name(f"{self._target.name}.part")
        self._first = _line({"header": dict(header)})
        self.kept = 0
        with writing(path, self._part):
            for each in (self._target, self._part):
                if each.exists() and not each.is_file():  # it would be replaced, or be waited for
                    raise OcrkitError(f"{path}: cannot be written: {each} is no ordinary file")
            self._file = self._part.open("ab")
            try:
                self._begin(resume, may_go_on_after)
            except BaseException:
                self._file.close()
                raise

    def _begin(self, resume: bool, may_go_on_after: Callable[[int], bool]) -> None:
        # The other run's file has its final name by the time that this one has the lock, or is no
        # longer there.
        if not lock(self._file) or not self._is_part():
            raise OcrkitError(
                f"{self._path}: in use by another run; wait for its end, or name another file"
            )
        end = self._interrupted(may_go_on_after) if resume else 0
        self._file.truncate(end)  # what is written goes to the end
        if not end:
            self._file.write(self._first)
            self._file.flush()

    def _is_part(self) -> bool:
        return self._part.exists() and os.path.samestat(
            self._part.stat(), os.fstat(self._file.fileno())
        )

    def _interrupted(self, may_go_on_after: Callable[[int], bool]) -> int:
        """Counts the rows that are kept, and says where in the file they end: a run may have read
        millions."""
        with self._part.open("rb") as file:
            line = file.readline()
            if not line.endswith(b"\n"):
                return 0
            if line.removeprefix(BOM_UTF8) != self._first:
                raise OcrkitError(
                    f"{self._part}: was begun by another run (pipeline, weights, data or versions "
                    "differ); "
                    "delete it to start anew"
                )
            end = position = len(line)
            for number, line in enumerate(file, start=1):
                position += len(line)
                if line.endswith(b"\n") and may_go_on_after(number):
                    self.kept, end = number, position
        return end

    def rows(self) -> Iterator[dict[str, Any]]:
        """Those of the interrupted run, in order."""
        with self._part.open("rb") as file:
            yield from map(parse_json, islice(file, 1, 1 + self.kept))

    def write(self, row: Mapping[str, Any]) -> None:
        with writing(self._path):
            self._file.write(_line(row))
            self._file.flush()

    def __enter__(self) -> "ResultFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with writing(self._path, self._target, self._part):
            try:
                if kind is None:
                    os.fsync(self._file.fileno())
                    self._part.replace(self._target)
            finally:
                self._file.close()


def _line(row: Mapping[str, Any]) -> bytes:
    return f"{json_text(row)}\n".encode()


# --------------------------------------------------------------------------------------------- rows


def sample_row(sample: Sample, decoded: Decoded) -> dict[str, Any]:
    """The row of a sample whose text is known; what is not known is not in it."""
    known = {"writer": sample.writer, "form": sample.form, "truth": sample.text}
    return {
        "id": sample.id,
        **{name: value for name, value in known.items() if value is not None},
        "prediction": decoded.text,
        **decoded_fields(decoded),
    }


def decoded_fields(decoded: Decoded) -> dict[str, Any]:
    """What a decoder says besides the text, without what is empty."""
    lists = {
        "characters": [round(float(confidence), _DIGITS) for confidence in decoded.characters],
        "spans": [[span.start, span.end] for span in decoded.spans],
        "alternatives": [
            [each.text, round(float(each.score), _DIGITS)] for each in decoded.alternatives
        ],
    }
    return {
        "confidence": float(decoded.confidence),
        **{name: values for name, values in lists.items() if values},
    }


def outcome_of(row: Mapping[str, Any]) -> Outcome | Skipped:
    """What a sample's row says. Raises KeyError or TypeError where it is no such row."""
    if "error" in row:
        _check(row, {"id": str, "error": str}, "row")
        return Skipped(row["id"], row["error"])
    found = Outcome(
        row["id"],
        row["truth"],
        row["prediction"],
        row.get("writer"),
        row.get("form"),
        row.get("confidence"),
    )
    texts = [
        found.id,
        found.reference,
        found.prediction,
        *(each for each in (found.writer, found.form) if each is not None),
    ]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a text is expected for id, truth, prediction, writer and form")
    if found.confidence is not None and not (
        isinstance(found.confidence, int | float) and 0 <= found.confidence <= 1
    ):
        raise TypeError("confidence is not in 0 to 1")
    return found


# ------------------------------------------------------------------------------------------ reading


@dataclass(frozen=True)
class Results:
    """A complete result file of a scored run."""

    path: Path
    header: dict[str, Any]
    outcomes: list[Outcome]
    skipped: list[Skipped]
    metrics: dict[str, Metric]
    """Those that the run was scored by."""

    @property
    def contamination(self) -> Contamination | None:
        """What of the data the model had seen, as far as the run knew."""
        seen = self.header["contamination"]
        if seen is None:
            return None
        found = (seen["trained"], seen["chosen"])
        return Contamination(
            *(Overlap(each["samples"], each["forms"], each.get("images", 0)) for each in found)
        )

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
        about = {
            name: header["dataset"][name] for name in ("name", "root", "split", "limit", "forms")
        }
        return Result(
            pipeline=header["pipeline"],
            backend=header["backend"],
            device=header["device"],
            dataset=about | {"skipped": [asdict(item) for item in self.skipped]},
            seconds=None,
            samples_per_second=None,
            versions=header["versions"],
            contamination=self.contamination,
            **found_by(scorer, min_confidence),
        )


def read_results(path: Path) -> Results:
    """Reads a file that ``ocrkit run --output`` wrote. Raises OcrkitError where it is not one, or
    is not complete."""
    lines = _lines(path)
    try:
        header = next(lines)["header"]
        if "images" in header:
            raise OcrkitError(
                f"{path}: made of single images, whose texts nobody has said; score a data set"
            )
        _check(header, _HEADER, "header")
        dataset = header["dataset"]
        skipped = [Skipped(item["id"], item["reason"]) for item in dataset["skipped"]]
        metrics = {
            part.get("name", part["use"]): _metric(part) for part in header["parts"]["metrics"]
        }
    except (StopIteration, KeyError, TypeError, AttributeError) as error:
        raise OcrkitError(
            f"{path}: no result file of this version; expected one that ocrkit run --output wrote"
        ) from error
    outcomes: list[Outcome] = []
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
    rows = len(outcomes) + len(skipped) - len(dataset["skipped"])
    if rows != dataset["samples"]:
        raise OcrkitError(
            f"{path}: {rows:,} rows for {dataset['samples']} samples; go on with that run by "
            "--resume, or run it anew"
        )
    if not outcomes:
        raise OcrkitError(f"{path}: no sample in it was read")
    return Results(path, header, outcomes, skipped, metrics)


_OVERLAP = {"samples": int, "forms": [str], "images?": int}
_HEADER = {
    "pipeline": str,
    "backend": str,
    "device": str,
    "versions": dict,
    "dataset": {
        "name": str,
        "root": str,
        "split": str,
        "limit": (int, None),
        "forms": ({"found": int, "expected": (int, None)}, None),
        "samples": int,
        "skipped": [{"id": str, "reason": str}],
    },
    "parts": {"metrics": [{"use": str, "name?": str}]},
    "contamination": ({"trained": _OVERLAP, "chosen": _OVERLAP}, None),
}
"""What scoring needs of a header: a type, a list of what is in brackets, a table with these names
(and perhaps those with a question mark), or one of several."""


def _metric(part: dict[str, Any]) -> Metric:
    options = {name: value for name, value in part.items() if name not in ("use", "name")}
    metric: Metric = make_part(PartSpec("metric", part["use"], options))
    return metric


def _check(value: Any, expected: Any, name: str) -> None:
    """Raises KeyError or TypeError where a value is not what is expected."""
    if isinstance(expected, tuple):
        if value is not None or None not in expected:
            _check(value, expected[0], name)
    elif isinstance(expected, dict):
        for key, each in expected.items():
            if not key.endswith("?") or key[:-1] in value:
                _check(value[key.removesuffix("?")], each, f"{name}.{key}")
    elif isinstance(expected, list):
        if not isinstance(value, list):
            raise TypeError(name)
        for each in value:
            _check(each, expected[0], name)
    elif not isinstance(value, expected) or isinstance(value, bool):
        raise TypeError(name)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        for number, line in enumerate(text_lines(path, expected="a result file"), start=1):
            value = parse_json(line)
            if not isinstance(value, dict):
                raise OcrkitError(f"{path}: line {number} is no JSON object")
            yield value
    except ValueError as error:
        raise OcrkitError(f"{path}: not a result file: {error}") from error
