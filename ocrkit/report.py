"""What an evaluation found, for people: tables for the terminal, one HTML page, and a picture of words with their readings."""

import base64
import io
import statistics
import unicodedata
from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow
from rapidfuzz.distance import Levenshtein
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ocrkit.errors import OcrkitError
from ocrkit.evaluation import Character, Confusion, Details, Kept, Outcome, Part, Rules, Score, about_metric
from ocrkit.evaluation_result import Result
from ocrkit.files import write_atomically
from ocrkit.grid import draw_grid
from ocrkit.interfaces import Image, Skipped
from ocrkit.recogniser import Reading, Seconds

_GRID = (6, 3)
_OPEN_SKIPPED = 5
"""So many skipped samples are shown at once; more are folded away."""
_MOST_SKIPPED = 500
_CONFUSIONS = 20
_CHARACTERS = 40
_OPEN_WRITERS = 10
"""So many writers are shown at once, those who are read worst; the others are folded away."""
_SHOWN_SHARES = (1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5)
_WIDE = 8
"""Images that are so many times wider than high are lines rather than words, and get the page's full width."""

# --------------------------------------------------------------------------------------------------------------- gallery


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A sample as it was read. ``image``: uint8 (H, W) as the network saw it, None where a result file is all there is;
    ``confidence``: 0 to 1, None where the decoder gives none."""

    id: str
    image: Image | None
    truth: str
    prediction: str
    confidence: float | None

    @property
    def errors(self) -> float:
        """Edits a character of the truth."""
        return Levenshtein.distance(self.truth, self.prediction) / max(len(self.truth), 1)


class Gallery:
    """Keeps the worst and some random readings of any number of samples in constant memory.

    The worst have the most edits for their length; of equally bad ones, those the decoder was least sure of. Which samples are
    the random ones depends on the seed and their ids alone, so that two models can be compared on the same words.
    """

    def __init__(self, worst: int = 30, random: int = 30, seed: int = 0) -> None:
        self._seed = seed
        self._worst = _First(worst)
        self._random = _First(random)

    def add(self, reading: Reading | Skipped) -> None:
        """Is told of every sample; skipped ones and those without a text change nothing."""
        if isinstance(reading, Reading) and reading.sample.text is not None:
            self.add_outcome(reading.outcome, np.array(reading.image))  # a copy: it may be a view into an array of many

    def add_outcome(self, outcome: Outcome, image: Image | None = None) -> None:
        """Is told of a sample of which only a result file knows."""
        exhibit = Exhibit(outcome.id, image, outcome.reference, outcome.prediction, outcome.confidence)
        if errors := exhibit.errors:
            self._worst.add((-errors, exhibit.confidence or 0.0, exhibit.id), exhibit)
        key = f"{self._seed} {exhibit.id}".encode(errors="surrogatepass")
        self._random.add(blake2b(key, digest_size=8).digest(), exhibit)

    @property
    def worst(self) -> list[Exhibit]:
        """The worst first; none that is right."""
        return self._worst.exhibits

    @property
    def random(self) -> list[Exhibit]:
        """In random order, so that the first few are a random choice too."""
        return self._random.exhibits

    def write_grid(self, path: Path) -> None:
        """Writes 18 random images as a PNG, 6 rows of 3, each titled ``truth | prediction``. Raises OcrkitError."""
        rows, columns = _GRID
        chosen = [(item, item.image) for item in self.random if item.image is not None][: rows * columns]
        titles = [f"{item.truth} | {item.prediction}" for item, _ in chosen]
        with _one_line_for_errors(path):
            draw_grid([image for _, image in chosen], titles, columns, path)


class _First:
    """The exhibits with the lowest ranks, the lowest first, of all that were added."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._ranked: list[tuple[Any, Exhibit]] = []

    def add(self, rank: Any, exhibit: Exhibit) -> None:
        insort(self._ranked, (rank, exhibit), key=lambda pair: pair[0])
        del self._ranked[self._size :]

    @property
    def exhibits(self) -> list[Exhibit]:
        return [exhibit for _, exhibit in self._ranked]


@contextmanager
def _one_line_for_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OcrkitError(f"{path}: cannot be written ({error.strerror or error})") from error


# -------------------------------------------------------------------------------------------------- what all reports say


def _decimals(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _interval(score: Score) -> str:
    return "-" if score.low is None or score.high is None else f"{score.low:.4f} to {score.high:.4f}"


def _percent(share: float, decimals: int) -> str:
    return f"{100 * share:.{decimals}f} %"


def _rate(samples: float, seconds: float = 1.0) -> str:
    if seconds <= 0:
        return "-"
    rate = samples / seconds
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def _stages(result: Result) -> dict[str, float]:
    """Seconds of work by stage."""
    seconds = result.seconds or Seconds()
    return {name: getattr(seconds, name) for name in ("read", "preprocess", "network", "decode", "score")}


_STAGE_HEADINGS = ("stage", ">seconds", ">share", ">samples a second")
_OVERLAP = "Stages overlap, and reading and preprocessing count every thread's seconds."


def _bound(result: Result) -> str:
    """What a run waited for, apart from the work above, and what therefore bounds it."""
    seconds = result.seconds or Seconds()
    waits = {"reading and preprocessing": seconds.wait_images, "the network": seconds.wait_network}
    rest = seconds.total - sum(waits.values())
    longest = max({**waits, "decoding, scoring and writing": rest}.items(), key=lambda each: each[1])[0]
    waited = " and ".join(f"{wait:.2f} s for {stage}" for stage, wait in waits.items())
    return f"The run waited {waited}, and did the rest in {rest:.2f} s: {longest} bound it."


def _stage_rows(result: Result) -> list[tuple[str, str, str, str]]:
    stages = _stages(result)
    whole = sum(stages.values())
    rows = [
        (name, f"{seconds:.2f}", _percent(seconds / whole, 1) if whole else "-", _rate(result.samples, seconds))
        for name, seconds in stages.items()
    ]
    total = (result.seconds or Seconds()).total
    return [*rows, ("from start to end", f"{total:.2f}", "", _rate(result.samples, total))]


def _samples(result: Result) -> str:
    return f"{result.samples:,}" + (" (the first of the split: --limit)" if result.dataset["limit"] else "")


def _forms(result: Result) -> str:
    forms = result.dataset["forms"]
    if forms is None:
        return ""
    return f"{forms['found']:,} forms" if forms["expected"] is None else f"{forms['found']:,} of {forms['expected']:,} forms"


def _rules(rules: Rules) -> str:
    """What is not as it is by default; empty where all is."""
    said = {
        "in small letters": rules.lowercase,
        f"in form {rules.unicode}": rules.unicode,
        "without punctuation-only samples": rules.skip_punctuation,
    }
    return ", ".join(name for name, applies in said.items() if applies)


def _kept(kept: Kept) -> str:
    wrong = "" if kept.wrong is None else f", {_percent(kept.wrong, 1)} of them with a mistake"
    return f"{kept.samples:,} ({_percent(kept.share, 1)}){wrong}"


# -------------------------------------------------------------------------------------------------------------- terminal


def score_table(result: Result) -> RenderableType:
    """The scores with their intervals, and what was scored, for a rich console of 80 columns or more, in colour or not."""
    scores = _table("", "", ">value", "95 % interval", "better")
    for name, score in result.metrics.items():
        full, better = about_metric(name)
        _add_row(scores, full, name if name != full else "", _decimals(score.value), _interval(score), better)
    skipped = len(result.dataset["skipped"])
    facts = {
        "pipeline": f"{result.pipeline} on {result.backend} ({result.device})",
        "data": ", ".join(filter(None, [result.dataset["name"], f"split {result.dataset['split']}", _forms(result)])),
        "root": result.dataset["root"],
        "samples": _samples(result)
        + (f", {skipped:,} skipped" if skipped else "")
        + (f", {result.left_out:,} left out" if result.left_out else ""),
        "compared": _rules(result.rules),
        "sure": f"{_kept(result.kept)} at {result.kept.min_confidence:g} or more" if result.kept else "",
        "ECE": _decimals(result.confidence.ece) if result.confidence else "",
        "warning": ". ".join(result.contamination.in_words()) if result.contamination else "",
        "speed": f"{_rate(result.samples_per_second)} samples a second" if result.samples_per_second else "",
    }
    rest = _table("", "")
    rest.show_header = False
    for key, value in facts.items():
        if value:
            _add_row(rest, key, value)
    return Group(scores, "", rest)


def detail_tables(details: Details) -> RenderableType:
    """Scores by writer and by length, characters and confusions, for a rich console."""
    metrics = list(details.lengths[0].metrics) if details.lengths else []
    tables: list[RenderableType] = []
    for heading, parts in (("writer", details.writers), ("length", details.lengths)):
        table = _table(heading, ">samples", *(f">{name}" for name in metrics))
        for part in parts:
            _add_row(table, part.name, f"{part.samples:,}", *map(_decimals, part.metrics.values()))
        tables += [table, ""] if parts else []
    characters = _table("character", ">written", ">read right")
    for each in details.characters:
        _add_row(characters, _shown(each.character), f"{each.count:,}", _percent(each.right / each.count, 1))
    confusions = _table("written", "read as", ">times")
    for confusion in details.confusions[:_CONFUSIONS]:
        _add_row(confusions, _shown(confusion.reference), _shown(confusion.prediction), f"{confusion.count:,}")
    return Group(*tables, characters, "", confusions)


def _shown(character: str) -> str:
    return _name(character) or character


def stage_table(result: Result) -> RenderableType:
    """Seconds by stage, their shares, and how many samples a second each stage alone would do."""
    table = _table(*_STAGE_HEADINGS)
    for row in _stage_rows(result):
        _add_row(table, *row)
    return Group(table, Text(f"\n{_OVERLAP}\n{_bound(result)}"))


def _table(*headings: str) -> Table:
    """A table without lines, which also reads well in a file. A heading that begins with ``>`` is for numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(
            Text(heading.removeprefix(">")), justify="right" if heading.startswith(">") else "left", overflow="fold"
        )
    return table


def _add_row(table: Table, *cells: str) -> None:
    table.add_row(*map(Text, cells))  # plain strings would be searched for rich's markup, such as [red]


# ------------------------------------------------------------------------------------------------------------------ HTML


def write_html(path: Path, result: Result, gallery: Gallery) -> None:
    """Writes one page that needs no other file, no network and no script. Raises OcrkitError where it cannot be written."""
    page = _page(result, gallery)
    with _one_line_for_errors(path), write_atomically(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _page(result: Result, gallery: Gallery) -> str:
    data = result.dataset
    style = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    written = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    # The policy forbids every request, even if a text of the data set found a way to ask for one.
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{_text(result.pipeline)} on {_text(data["name"])} {_text(data["split"])}</title>
<link rel="icon" href="data:,">
<style>
{style}</style>
</head>
<body>
<header>
<h1>{_text(result.pipeline)}</h1>
<p>on {_text(data["name"])}, split <b>{_text(data["split"])}</b></p>
</header>
<main>
<section>
<h2>Scores</h2>
{_notes(result)}{_scores(result)}
</section>
<section>
<h2>What was scored</h2>
{_facts(result)}
</section>
{_confidence(result)}<section>
<h2>Commonest confusions</h2>
{_confusions(result.details.confusions)}
</section>
{_details(result)}<section>
<h2>The worst</h2>
<p>Those with the most wrong characters for their length, the worst first. Images are as the network saw them.</p>
{_words(gallery.worst) or "<p><b>None: everything was read without a mistake.</b></p>"}
</section>
<section>
<h2>Some at random</h2>
<p>Drawn from everything that was read, right or wrong.</p>
{_words(gallery.random)}
</section>
{_time(result)}</main>
<footer>Written {written} with {_text(versions)}.</footer>
</body>
</html>
"""


def _text(text: str) -> str:
    """Text as HTML, also in attributes; control characters and lone surrogates, which no page may hold, are replaced."""
    return escape("".join("\ufffd" if unicodedata.category(letter) in {"Cc", "Cs"} else letter for letter in text))


def _notes(result: Result) -> str:
    """What a reader must know of the scores: what the model has seen of the data, and what is not there of the split."""
    forms = result.dataset["forms"]
    notes = [f"{sentence}." for sentence in result.contamination.in_words()] if result.contamination else []
    if forms is not None and forms["expected"] is not None and forms["found"] < forms["expected"]:
        notes.append(f"Only {_forms(result)} of this split were found; the scores are of those.")
    if rules := _rules(result.rules):
        notes.append(f"Texts are compared {rules}" + (f"; {result.left_out:,} are left out." if result.left_out else "."))
    return "".join(f'<p class="note">{_text(note)}</p>\n' for note in notes)


def _html_table(class_: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Headings and cells are HTML. A heading that begins with ``>`` is of a column of numbers."""
    classes = [' class="number"' if heading.startswith(">") else "" for heading in headings]
    columns = list(zip(headings, classes, strict=True))
    head = "".join(f'<th scope="col"{number}>{heading.removeprefix(">")}</th>' for heading, number in columns)
    body = "\n".join(
        f"<tr>{''.join(f'<td{number}>{cell}</td>' for cell, number in zip(row, classes, strict=True))}</tr>" for row in rows
    )
    return f'<table class="{class_}"><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>'


def _scores(result: Result) -> str:
    rows = []
    for name, score in result.metrics.items():
        full, better = about_metric(name)
        about = ", ".join(filter(None, [name if name != full else "", f"{better} is better" if better else ""]))
        metric = f"{_text(full)}<small>{_text(about)}</small>"
        rows.append([metric, _decimals(score.value), _interval(score), _interval_bar(score)])
    return (
        f"{_html_table('scores', ('Metric', 'Value', '95 % interval', ''), rows)}\n"
        "<p>The interval is of a bootstrap over writers where all are known, else over forms, else over samples.</p>"
    )


def _interval_bar(score: Score) -> str:
    """The value as a mark and the interval as a band, on a scale from 0 to 1 or as far as is needed."""
    known = [value for value in (score.value, score.low, score.high) if value is not None]
    if score.value is None:
        return ""
    start, end = min(0.0, *known), max(1.0, *known)

    def place(value: float) -> str:
        return f"{100 * (value - start) / (end - start):.2f}%"

    band = ""
    if score.low is not None and score.high is not None:
        width = f"{100 * (score.high - score.low) / (end - start):.2f}%"
        band = f'<i class="band" style="left:{place(score.low)};width:{width}"></i>'
    return (
        f'<span class="scale"><span>{start:.3g}</span><span class="axis" role="img" aria-label="value and interval on a scale">'
        f'{band}<i class="mark" style="left:{place(score.value)}"></i></span><span>{end:.3g}</span></span>'
    )


def _facts(result: Result) -> str:
    data = result.dataset
    facts = {
        "Backend": f"{_text(result.backend)} on {_text(result.device)}",
        "Data set": f"{_text(data['name'])}, split {_text(data['split'])}",
        "Folder": f"<code>{_text(data['root'])}</code>",
        "Forms found": _text(_forms(result).removesuffix(" forms")),
        "Samples": _samples(result),
        "Speed": f"{_rate(result.samples_per_second)} samples a second" if result.samples_per_second else "",
    }
    rows = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts.items() if value)
    return f"<dl>{rows}</dl>\n{_skipped(data['skipped'])}"


def _skipped(skipped: Sequence[dict[str, str]]) -> str:
    if not skipped:
        return "<p>No sample was skipped.</p>"
    rows = [f"<li><code>{_text(item['id'])}</code>: {_text(item['reason'])}</li>" for item in skipped[:_MOST_SKIPPED]]
    if len(skipped) > _MOST_SKIPPED:
        rows.append(f"<li>and {len(skipped) - _MOST_SKIPPED:,} more, which <code>ocrkit run --json</code> names</li>")
    opened = " open" if len(skipped) <= _OPEN_SKIPPED else ""
    return f"<details{opened}><summary>Skipped: {len(skipped):,}</summary><ul>{''.join(rows)}</ul></details>"


def _confidence(result: Result) -> str:
    """How good the rest is where the least sure samples are put aside, as a plot and a table."""
    if result.confidence is None:
        return ""
    kept = result.confidence.kept
    shown = {item.samples: item for share in _SHOWN_SHARES for item in [min(kept, key=lambda item: abs(item.share - share))]}
    if result.kept and result.kept.samples:
        shown[result.kept.samples] = result.kept
    rows = [
        [
            _percent(item.share, 1),
            f"{item.min_confidence:.3f}",
            _percent(item.wrong or 0.0, 1),
            *map(_decimals, item.metrics.values()),
        ]
        for item in sorted(shown.values(), key=lambda item: -item.share)
    ]
    names = (f">{_text(name)}" for name in result.metrics)
    asked = f"<p>At a confidence of {result.kept.min_confidence:g} or more: {_kept(result.kept)}.</p>\n" if result.kept else ""
    return (
        "<section>\n<h2>Confidence</h2>\n"
        "<p>What is left where the samples that the decoder was least sure of are put aside, and how many of those left have a "
        f"mistake. Expected calibration error: {_decimals(result.confidence.ece)}.</p>\n{asked}"
        f'<div class="columns">{_risk_plot(kept)}\n'
        f"{_html_table('kept', ('>Left', '>Confidence from', '>With a mistake', *names), rows)}</div>\n</section>\n"
    )


def _risk_plot(kept: Sequence[Kept]) -> str:
    """The risk-coverage curve: the share of samples left from left to right, the share of them with a mistake upwards."""
    highest = max(item.wrong or 0.0 for item in kept) or 1.0
    points = " ".join(f"{40 + 250 * item.share:.1f},{160 - 150 * (item.wrong or 0.0) / highest:.1f}" for item in kept)
    return (
        '<svg class="plot" viewBox="0 0 300 195" role="img" aria-label="share with a mistake by share left, as in the table">'
        '<path d="M40 10V160H290"/>'
        f'<text x="36" y="16" text-anchor="end">{_percent(highest, 0)}</text><text x="36" y="164" text-anchor="end">0</text>'
        '<text x="40" y="176">0 left</text><text x="290" y="176" text-anchor="end">all left</text>'
        f'<polyline points="{points}"/></svg>'
    )


def _details(result: Result) -> str:
    """Scores by writer, by length and by character."""
    details = result.details
    names = [f">{_text(name)}" for name in result.metrics]

    def table(heading: str, parts: Iterable[Part]) -> str:
        rows = [[_text(part.name), f"{part.samples:,}", *map(_decimals, part.metrics.values())] for part in parts]
        return _html_table("parts", (heading, ">Samples", *names), rows)

    sections = []
    if details.writers:
        first = next(iter(result.metrics))
        sign = -1 if about_metric(first)[1] == "higher" else 1
        worst = sorted(details.writers, key=lambda part: -sign * (part.metrics[first] or 0.0))
        rest = worst[_OPEN_WRITERS:]
        more = f"<details><summary>{len(rest):,} more</summary>{table('Writer', rest)}</details>" if rest else ""
        sections.append(
            f"<h2>By writer</h2>\n<p>Those who are read worst first.</p>\n{table('Writer', worst[:_OPEN_WRITERS])}{more}"
        )
    if details.lengths:
        sections.append(f"<h2>By length</h2>\n<p>Characters of the truth.</p>\n{table('Length', details.lengths)}")
    if details.characters:
        tables = [_character_table(part) for part in _halves(details.characters[:_CHARACTERS])]
        sections.append(f"<h2>By character</h2>\n<p>The commonest first.</p>\n{_columns(tables)}")
    return "".join(f"<section>\n{section}\n</section>\n" for section in sections)


def _character_table(characters: Iterable[Character]) -> str:
    rows = [[_character(each.character), f"{each.count:,}", _percent(each.right / each.count, 1)] for each in characters]
    return _html_table("parts", ("Character", ">Written", ">Read right"), rows)


def _confusions(confusions: Sequence[Confusion]) -> str:
    if not confusions:
        return "<p>None: no character was wrong.</p>"
    common = confusions[:_CONFUSIONS]
    tables = _columns([_confusion_table(part, common[0].count) for part in _halves(common)])
    return f"<p>The commonest of {sum(item.count for item in confusions):,} mistakes.</p>\n{tables}"


def _halves(rows: Sequence[Any]) -> list[Sequence[Any]]:
    half = -(-len(rows) // 2)
    return [part for part in (rows[:half], rows[half:]) if part]


def _columns(tables: Iterable[str]) -> str:
    return f'<div class="columns">{"".join(tables)}</div>'


def _confusion_table(confusions: Iterable[Confusion], most: int) -> str:
    rows = (
        (
            _character(item.reference),
            _character(item.prediction),
            f"{item.count:,}",
            f'<i class="bar" style="width:{100 * item.count / most:.1f}%"></i>',
        )
        for item in confusions
    )
    return _html_table("confusions", ("Written", "Read as", ">Times", ""), rows)


def _name(character: str) -> str:
    """What is said in place of a character that cannot be seen; empty for those that can."""
    if not character:
        return "nothing"
    if character == " ":
        return "space"
    if unicodedata.category(character)[0] in "MCZ":  # combining marks, control and format characters, other spaces
        return f"U+{ord(character):04X}"
    return ""


def _character(character: str) -> str:
    name = _name(character)
    return f'<span class="nothing">{name}</span>' if name else f"<kbd>{_text(character)}</kbd>"


def _words(exhibits: Sequence[Exhibit]) -> str:
    if not exhibits:
        return ""
    ratios = [item.image.shape[1] / item.image.shape[0] for item in exhibits if item.image is not None]
    ratio = statistics.median(ratios or [0])
    return f'<ul class="words{" lines" * (ratio > _WIDE)}">{"".join(map(_word, exhibits))}</ul>'


def _word(exhibit: Exhibit) -> str:
    truth, prediction = _differences(exhibit.truth, exhibit.prediction)
    picture = ""
    if exhibit.image is not None:
        height, width = exhibit.image.shape
        picture = f'<img src="{_data_uri(exhibit.image)}" width="{width}" height="{height}" alt="">'
    sure = "" if exhibit.confidence is None else f"<span>{_percent(exhibit.confidence, 0)} sure</span>"
    return (
        f"<li>{picture}<dl><dt>truth</dt><dd>{truth}</dd><dt>read</dt><dd>{prediction}</dd></dl>"
        f"<p><span>{_text(exhibit.id)}</span>{sure}</p></li>\n"
    )


def _differences(truth: str, prediction: str) -> tuple[str, str]:
    """Both texts as HTML, the characters that differ marked."""
    sides = ["", ""]
    for edit in Levenshtein.opcodes(truth, prediction):
        parts = (truth[edit.src_start : edit.src_end], prediction[edit.dest_start : edit.dest_end])
        for side, part in enumerate(parts):
            if part:
                sides[side] += _text(part) if edit.tag == "equal" else f"<mark>{_text(part)}</mark>"
    # <bdi>: a text from right to left must not turn round what is beside it
    first, second = (f"<bdi>{side}</bdi>" if side else '<span class="nothing">nothing</span>' for side in sides)
    return first, second


def _data_uri(image: Image) -> str:
    file = io.BytesIO()
    Pillow.fromarray(image).save(file, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _time(result: Result) -> str:
    if result.seconds is None:
        return ""
    stages = _stages(result)
    widths = {name: 100 * seconds / (sum(stages.values()) or 1.0) for name, seconds in stages.items()}
    bar = "".join(f'<i class="stage{index}" style="width:{width:.2f}%"></i>' for index, width in enumerate(widths.values()))
    rows = [(f'<i class="key stage{index}"></i>{row[0]}', *row[1:]) for index, row in enumerate(_stage_rows(result))]
    return (
        "<section>\n<h2>Time</h2>\n"
        f'<div class="stages" role="img" aria-label="shares of the stages, as in the table">{bar}</div>\n'
        f"{_html_table('time', _STAGE_HEADINGS, rows)}\n<p>{_OVERLAP} {_bound(result)}</p>\n</section>\n"
    )
