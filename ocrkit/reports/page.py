"""One HTML page of all that an evaluation found. ``page.html.j2`` holds the page; this module, what
is on it."""

import base64
import io
import statistics
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from PIL import Image as Pillow
from rapidfuzz.distance import Levenshtein

from ocrkit.parts.values import Image
from ocrkit.reports import facts
from ocrkit.reports.gallery import Exhibit, Gallery
from ocrkit.scoring.bootstrap import Score
from ocrkit.scoring.confidence import Kept
from ocrkit.scoring.counts import full_name
from ocrkit.scoring.result import Result
from ocrkit.support.files import write_atomically
from ocrkit.support.scales import round_up

_OPEN_SKIPPED = 5
"""So many skipped samples are shown at once; more are folded away."""
_MOST_SKIPPED = 500
_CONFUSIONS = 20
_CHARACTERS = 40
_OPEN_WRITERS = 10
"""So many writers are shown at once, those who are read worst; the others are folded away."""
_SHOWN_SHARES = (1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5)
_WIDE = 8
"""Images that are so many times wider than high are lines rather than words, and get the page's
full width."""
_THUMBNAIL = (1400, 160)
"""Width and height in pixels that the picture of a word or a line is fitted into."""
_T = TypeVar("_T")


def write_html(path: Path, result: Result, gallery: Gallery) -> None:
    """Writes one page that needs no other file, no network and no script. Raises OcrkitError where
    it cannot be written."""
    page = template("page.html.j2").render(
        result=result,
        written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        versions=", ".join(f"{name} {version}" for name, version in result.versions.items()),
        notes=_notes(result),
        scores=scores(result),
        headings=[f">{facts.heading(name)}" for name in result.metrics],
        about=_about(result),
        open_skipped=_OPEN_SKIPPED,
        most_skipped=_MOST_SKIPPED,
        kept=_kept(result),
        mistakes=sum(confusion.count for confusion in result.details.confusions),
        confusions=_halves(result.details.confusions[:_CONFUSIONS]),
        characters=_halves(result.details.characters[:_CHARACTERS]),
        writers=_worst_writers(result, next(iter(result.metrics), "")),
        open_writers=_OPEN_WRITERS,
        worst=gallery.worst,
        best=gallery.best,
        random=gallery.random,
    )
    with write_atomically(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


@cache
def template(name: str) -> Template:
    """A template of this folder, by its file's name."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    helpers = {
        "facts": facts,
        "differences": differences,
        "data_uri": _data_uri,
        "thumbnail": _thumbnail,
        "are_lines": _are_lines,
        "cells": _cells,
    }
    environment.globals.update(helpers)
    return environment.get_template(name)


def _shown(value: Any) -> Any:
    """Of whatever is put on the page: control characters and lone surrogates, which no page may
    hold, are replaced."""
    if hasattr(value, "__html__"):  # markup that the template itself has made
        return value
    return "".join(
        "\ufffd" if unicodedata.category(letter) in {"Cc", "Cs"} else letter
        for letter in str(value)
    )


def _notes(result: Result) -> list[str]:
    """What a reader must know of the scores: what the model has seen of the data, and what is not
    there of the split."""
    forms = result.dataset["forms"]
    notes = (
        [f"{sentence}." for sentence in result.contamination.in_words()]
        if result.contamination
        else []
    )
    if forms is not None and forms["expected"] is not None and forms["found"] < forms["expected"]:
        notes.append(
            f"Only {facts.forms(result)} of this split were found; the scores are of those."
        )
    if rules := facts.changed_rules(result.rules):
        left_out = f"; {result.left_out:,} are left out." if result.left_out else "."
        notes.append(f"Texts are compared {rules}{left_out}")
    return notes


@dataclass(frozen=True)
class _Scale:
    """Where a score and its interval lie on a scale, in percent of it from the left."""

    start: float
    end: float
    mark: float
    band: tuple[float, float] | None
    """Its left end and its width."""


def scores(result: Result) -> list[dict[str, Any]]:
    """The rows of the table of scores."""
    return [_score(result, name) for name in result.metrics]


def _score(result: Result, name: str) -> dict[str, Any]:
    full, score = full_name(name), result.metrics[name]
    about = [name if name != full else "", f"{facts.better(result, name)} is better"]
    return {
        "name": full,
        "about": ", ".join(filter(None, about)),
        "score": score,
        "scale": _scale(score, 1.0 if result.higher_is_better[name] else 0.0),
    }


def _scale(score: Score, perfect: float) -> _Scale | None:
    """From the best that there can be as far as is needed, to a round number."""
    if score.value is None:
        return None
    # Rounded as they are shown: what is shown as 100 % may be a hair beside it.
    known = [round(each, 4) for each in (score.value, score.low, score.high) if each is not None]
    start = perfect - round_up(perfect - min(perfect, *known))
    end = perfect + round_up(max(perfect, *known) - perfect)
    if start == end:
        start, end = (start - 0.01, end) if perfect else (start, end + 0.01)

    def place(value: float) -> float:
        return 100 * (value - start) / (end - start)

    band = None
    if score.low is not None and score.high is not None:
        band = place(score.low), place(score.high) - place(score.low)
    return _Scale(start, end, place(score.value), band)


def _about(result: Result) -> dict[str, str]:
    data = result.dataset
    return {
        "Backend": f"{result.backend} on {result.device}",
        "Data set": f"{data['name']}, split {data['split']}",
        "Folder": data["root"],
        "Forms found": facts.forms(result).removesuffix(" forms"),
        "Samples": facts.samples(result),
        "Speed": f"{facts.rate(result.samples_per_second)} samples a second"
        if result.samples_per_second
        else "",
    }


def _kept(result: Result) -> dict[str, Any] | None:
    """How good the rest is where the least sure samples are put aside: rows of a table, and the
    risk-coverage curve, the share of samples left from left to right and the share of them with a
    mistake upwards."""
    if result.confidence is None:
        return None
    kept = result.confidence.kept
    nearest = (min(kept, key=lambda item: abs(item.share - share)) for share in _SHOWN_SHARES)
    shown = {item.samples: item for item in nearest}
    if result.kept and result.kept.samples:
        shown[result.kept.samples] = result.kept
    highest = round_up(max(item.wrong or 0.0 for item in kept)) or 0.01
    points = ((56 + 250 * item.share, 160 - 150 * (item.wrong or 0.0) / highest) for item in kept)
    return {
        "rows": [_kept_row(item) for item in sorted(shown.values(), key=lambda item: -item.share)],
        "highest": highest,
        "points": " ".join(f"{x:.1f},{y:.1f}" for x, y in points),
    }


def _kept_row(kept: Kept) -> list[str]:
    share, wrong = facts.percent(kept.share, 1), facts.percent(kept.wrong or 0.0, 1)
    sure = facts.percent(kept.min_confidence, 1)
    return [share, sure, wrong, *map(facts.shown, kept.metrics.values())]


def _worst_writers(result: Result, metric: str) -> list[Any]:
    writers = result.details.writers
    sign = -1 if writers and result.higher_is_better[metric] else 1
    return sorted(writers, key=lambda part: -sign * (part.metrics[metric] or 0.0))


def _halves(rows: Sequence[_T]) -> list[Sequence[_T]]:
    """For two columns beside each other."""
    half = -(-len(rows) // 2)
    return [part for part in (rows[:half], rows[half:]) if part]


def _cells(parts: Sequence[Any]) -> list[list[str]]:
    """The rows of a table of writers or of lengths."""
    return [
        [part.name, f"{part.samples:,}", *map(facts.shown, part.metrics.values())] for part in parts
    ]


def _are_lines(exhibits: Sequence[Exhibit]) -> bool:
    ratios = [
        item.image.shape[1] / item.image.shape[0] for item in exhibits if item.image is not None
    ]
    return statistics.median(ratios or [0]) > _WIDE


def differences(truth: str, prediction: str) -> list[list[tuple[str, bool]]]:
    """Both texts in pieces, and of each whether it differs from the other side."""
    sides: list[list[tuple[str, bool]]] = [[], []]
    for edit in Levenshtein.opcodes(truth, prediction):
        parts = (truth[edit.src_start : edit.src_end], prediction[edit.dest_start : edit.dest_end])
        for side, part in zip(sides, parts, strict=True):
            if part:
                side.append((part, edit.tag != "equal"))
    return sides


def _data_uri(image: Image) -> str:
    file = io.BytesIO()
    Pillow.fromarray(image).save(file, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _thumbnail(exhibit: Exhibit) -> str:
    """The original as a data URI, no larger than it is shown; empty where it cannot be read."""
    original = exhibit.original()
    if original is None:
        return ""
    picture = Pillow.fromarray(original)
    picture.thumbnail(_THUMBNAIL)
    return jpeg_uri(picture)


def jpeg_uri(picture: Pillow.Image) -> str:
    """A picture as a data URI, small rather than exact."""
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=70)
    return f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode()}"
