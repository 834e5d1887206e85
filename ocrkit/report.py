"""What an evaluation found, for people: tables for the terminal, one HTML page, and a picture of words with their readings."""

import base64
import io
import statistics
import unicodedata
from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
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

from ocrkit.errors import OcrkitError, PluginError
from ocrkit.evaluation import Confusion, Confusions, Score
from ocrkit.files import write_atomically
from ocrkit.grid import draw_grid
from ocrkit.interfaces import Image, Skipped
from ocrkit.pipeline import Reading, Result
from ocrkit.registry import registry

_GRID = (6, 3)
_OPEN_SKIPPED = 5
"""So many skipped samples are shown at once; more are folded away."""
_MOST_SKIPPED = 500
_WIDE = 8
"""Images that are so many times wider than high are lines rather than words, and get the page's full width."""

# --------------------------------------------------------------------------------------------------------------- gallery


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A sample as it was read. ``image``: uint8 (H, W) as the network saw it; ``confidence``: 0 to 1."""

    id: str
    image: Image
    truth: str
    prediction: str
    confidence: float

    @property
    def errors(self) -> float:
        """Edits a character of the truth."""
        return Levenshtein.distance(self.truth, self.prediction) / max(len(self.truth), 1)


class Gallery:
    """Keeps the worst and some random readings, and counts confusions, of any number of samples in constant memory.

    The worst have the most edits for their length; of equally bad ones, those the decoder was least sure of. Which samples are
    the random ones depends on the seed and their ids alone, so that two models can be compared on the same words.
    """

    def __init__(self, worst: int = 30, random: int = 30, seed: int = 0) -> None:
        self.samples = 0
        self.confusions = Confusions()
        self._seed = seed
        self._worst = _First(worst)
        self._random = _First(random)

    def add(self, reading: Reading | Skipped) -> None:
        """Is told of every sample; skipped ones and those without a text change nothing."""
        if isinstance(reading, Skipped) or (truth := reading.sample.text) is None:
            return
        # A copy, since the image may be a view into an array of many.
        image, decoded = np.array(reading.image), reading.decoded
        exhibit = Exhibit(reading.sample.id, image, truth, decoded.text, decoded.confidence)
        self.samples += 1
        self.confusions.add(exhibit.truth, exhibit.prediction)
        if errors := exhibit.errors:
            self._worst.add((-errors, exhibit.confidence, exhibit.id), exhibit)
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
        chosen = self.random[: rows * columns]
        titles = [f"{item.truth} | {item.prediction}" for item in chosen]
        with _one_line_for_errors(path):
            draw_grid([item.image for item in chosen], titles, columns, path)


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


def _about_metric(name: str) -> tuple[str, str]:
    """A metric's full name, which is what its summary says before the colon, and whether lower or higher is better."""
    try:
        entry = registry().get("metric", name)
        better = "higher" if entry.load().higher_is_better else "lower"
    except PluginError:  # a result can be older than the plugins that are installed
        return name, ""
    return entry.summary.partition(":")[0] or name, better


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
    """Seconds by stage, without the total."""
    return {name: seconds for name, seconds in asdict(result.seconds).items() if name != "total"}


_STAGE_HEADINGS = ("stage", ">seconds", ">share", ">samples a second")
_OVERLAP = "Stages overlap, and reading and preprocessing count every thread's seconds."


def _stage_rows(result: Result) -> list[tuple[str, str, str, str]]:
    stages = _stages(result)
    whole = sum(stages.values())
    rows = [
        (name, f"{seconds:.2f}", _percent(seconds / whole, 1) if whole else "-", _rate(result.samples, seconds))
        for name, seconds in stages.items()
    ]
    total = result.seconds.total
    return [*rows, ("from start to end", f"{total:.2f}", "", _rate(result.samples, total))]


def _samples(result: Result) -> str:
    return f"{result.samples:,}" + (" (the first of the split: --limit)" if result.dataset["limit"] else "")


def _forms(result: Result) -> str:
    forms = result.dataset["forms"]
    if forms is None:
        return ""
    return f"{forms['found']:,} forms" if forms["expected"] is None else f"{forms['found']:,} of {forms['expected']:,} forms"


# -------------------------------------------------------------------------------------------------------------- terminal


def score_table(result: Result) -> RenderableType:
    """The scores with their intervals, and what was scored, for a rich console of 80 columns or more, in colour or not."""
    scores = _table("", "", ">value", "95 % interval", "better")
    for name, score in result.metrics.items():
        full, better = _about_metric(name)
        _add_row(scores, full, name if name != full else "", _decimals(score.value), _interval(score), better)
    skipped = len(result.dataset["skipped"])
    facts = {
        "pipeline": f"{result.pipeline} on {result.backend} ({result.device})",
        "data": ", ".join(filter(None, [result.dataset["name"], f"split {result.dataset['split']}", _forms(result)])),
        "root": result.dataset["root"],
        "samples": _samples(result) + (f", {skipped:,} skipped" if skipped else ""),
        "speed": f"{_rate(result.samples_per_second)} samples a second",
    }
    rest = _table("", "")
    rest.show_header = False
    for key, value in facts.items():
        _add_row(rest, key, value)
    return Group(scores, "", rest)


def stage_table(result: Result) -> RenderableType:
    """Seconds by stage, their shares, and how many samples a second each stage alone would do."""
    table = _table(*_STAGE_HEADINGS)
    for row in _stage_rows(result):
        _add_row(table, *row)
    return Group(table, Text(f"\n{_OVERLAP}"))


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
{_incomplete(result, gallery)}{_scores(result)}
</section>
<section>
<h2>What was scored</h2>
{_facts(result)}
</section>
<section>
<h2>Commonest confusions</h2>
{_confusions(gallery.confusions)}
</section>
<section>
<h2>The worst</h2>
<p>Those with the most wrong characters for their length, the worst first. Images are as the network saw them.</p>
{_words(gallery.worst) or "<p><b>None: everything was read without a mistake.</b></p>"}
</section>
<section>
<h2>Some at random</h2>
<p>Drawn from everything that was read, right or wrong.</p>
{_words(gallery.random)}
</section>
<section>
<h2>Time</h2>
{_time(result)}
</section>
</main>
<footer>Written {written} with {_text(versions)}.</footer>
</body>
</html>
"""


def _text(text: str) -> str:
    """Text as HTML, also in attributes; control characters and lone surrogates, which no page may hold, are replaced."""
    return escape("".join("\ufffd" if unicodedata.category(letter) in {"Cc", "Cs"} else letter for letter in text))


def _incomplete(result: Result, gallery: Gallery) -> str:
    """What keeps this page from being about the whole split."""
    forms = result.dataset["forms"]
    notes = []
    if forms is not None and forms["expected"] is not None and forms["found"] < forms["expected"]:
        notes.append(f"Only {_forms(result)} of this split were found; the scores are of those.")
    if gallery.samples < result.samples:
        notes.append(
            f"The run was resumed: the scores are of all {result.samples:,} samples, confusions and images of the last "
            f"{gallery.samples:,}."
        )
    return "".join(f'<p class="note">{note}</p>\n' for note in notes)


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
        full, better = _about_metric(name)
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
        "Speed": f"{_rate(result.samples_per_second)} samples a second",
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


def _confusions(confusions: Confusions) -> str:
    common = confusions.result()
    if not common:
        return "<p>None: no character was wrong.</p>"
    half = -(-len(common) // 2)
    tables = "".join(_confusion_table(part, common[0].count) for part in (common[:half], common[half:]) if part)
    return f'<p>The commonest of {confusions.total:,} mistakes.</p>\n<div class="columns">{tables}</div>'


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


def _character(character: str) -> str:
    if not character:
        return '<span class="nothing">nothing</span>'
    if character == " ":
        return '<span class="nothing">space</span>'
    if unicodedata.category(character)[0] in "MCZ":  # combining marks, control and format characters, other spaces
        return f'<span class="nothing">U+{ord(character):04X}</span>'
    return f"<kbd>{_text(character)}</kbd>"


def _words(exhibits: Sequence[Exhibit]) -> str:
    if not exhibits:
        return ""
    ratio = statistics.median(item.image.shape[1] / item.image.shape[0] for item in exhibits)
    return f'<ul class="words{" lines" * (ratio > _WIDE)}">{"".join(map(_word, exhibits))}</ul>'


def _word(exhibit: Exhibit) -> str:
    height, width = exhibit.image.shape
    truth, prediction = _differences(exhibit.truth, exhibit.prediction)
    return (
        f'<li><img src="{_data_uri(exhibit.image)}" width="{width}" height="{height}" alt="">'
        f"<dl><dt>truth</dt><dd>{truth}</dd><dt>read</dt><dd>{prediction}</dd></dl>"
        f"<p><span>{_text(exhibit.id)}</span><span>{_percent(exhibit.confidence, 0)} sure</span></p></li>\n"
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
    stages = _stages(result)
    widths = {name: 100 * seconds / (sum(stages.values()) or 1.0) for name, seconds in stages.items()}
    bar = "".join(f'<i class="stage{index}" style="width:{width:.2f}%"></i>' for index, width in enumerate(widths.values()))
    rows = [(f'<i class="key stage{index}"></i>{row[0]}', *row[1:]) for index, row in enumerate(_stage_rows(result))]
    return (
        f'<div class="stages" role="img" aria-label="shares of the stages, as in the table">{bar}</div>\n'
        f"{_html_table('time', _STAGE_HEADINGS, rows)}\n<p>{_OVERLAP}</p>"
    )
