"""Tables for the terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ocrkit.printable import printable
from ocrkit.reports import facts
from ocrkit.scoring.counts import full_name
from ocrkit.scoring.result import Result
from ocrkit.scoring.scores import Details

_CONFUSIONS = 20


def score_table(result: Result, verdict: str) -> RenderableType:
    """A sentence, the scores with their intervals, and what was scored, for a rich console of 80
    columns or more, in colour or not."""
    scores = _table("", "", ">value", "95 % interval", "better")
    for name, score in result.metrics.items():
        full, better = full_name(name), facts.better(result, name)
        short = name if name != full else ""
        _add_row(scores, full, short, facts.decimals(score.value), facts.interval(score), better)
    rest = _table("", "")
    rest.show_header = False
    for key, value in _about(result).items():
        if value:
            _add_row(rest, key, value)
    said = [Text(f"{printable(verdict)}\n")] if verdict else []
    return Group(*said, scores, "", rest)


def _about(result: Result) -> dict[str, str]:
    data = result.dataset
    counted = [facts.samples(result)]
    if data["skipped"]:
        counted.append(f"{len(data['skipped']):,} skipped")
    if result.left_out:
        counted.append(f"{result.left_out:,} left out")
    sure = ""
    if result.kept:
        sure = f"{facts.what_is_left(result.kept)} at {result.kept.min_confidence:g} or more"
    return {
        "pipeline": f"{result.pipeline} on {result.backend} ({result.device})",
        "data": ", ".join(
            filter(None, [data["name"], f"split {data['split']}", facts.forms(result)])
        ),
        "root": data["root"],
        "samples": ", ".join(counted),
        "compared": facts.changed_rules(result.rules),
        "sure": sure,
        "ECE": facts.decimals(result.confidence.ece) if result.confidence else "",
        "warning": ". ".join(result.contamination.in_words()) if result.contamination else "",
        "speed": f"{facts.rate(result.samples_per_second)} samples a second"
        if result.samples_per_second
        else "",
    }


def detail_tables(details: Details) -> RenderableType:
    """Scores by writer and by length, characters and confusions, for a rich console."""
    metrics = list(details.lengths[0].metrics) if details.lengths else []
    tables: list[RenderableType] = []
    for heading, parts in (("writer", details.writers), ("length", details.lengths)):
        table = _table(heading, ">samples", *(f">{facts.heading(name)}" for name in metrics))
        for part in parts:
            _add_row(
                table, part.name, f"{part.samples:,}", *map(facts.decimals, part.metrics.values())
            )
        tables += [table, ""] if parts else []
    characters = _table("character", ">written", ">read right")
    for each in details.characters:
        _add_row(
            characters,
            _shown(each.character),
            f"{each.count:,}",
            facts.percent(each.right / each.count, 1),
        )
    confusions = _table("written", "read as", ">times")
    for confusion in details.confusions[:_CONFUSIONS]:
        written, read = _shown(confusion.reference), _shown(confusion.prediction)
        _add_row(confusions, written, read, f"{confusion.count:,}")
    return Group(*tables, characters, "", confusions)


def _shown(character: str) -> str:
    return facts.unseen(character) or character


def stage_table(result: Result) -> RenderableType:
    """Seconds by stage, their shares, and how many samples a second each stage alone would do."""
    table = _table(*facts.STAGE_HEADINGS)
    for row in facts.stage_rows(result):
        _add_row(table, *row)
    return Group(table, Text(f"\n{facts.OVERLAP}\n{facts.bound(result)}"))


def _table(*headings: str) -> Table:
    """A table without lines, which also reads well in a file. A heading that begins with ``>`` is
    for numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for heading in headings:
        name = Text(printable(heading.removeprefix(">")))
        table.add_column(
            name, justify="right" if heading.startswith(">") else "left", overflow="fold"
        )
    return table


def _add_row(table: Table, *cells: str) -> None:
    # Plain strings would be searched for rich's markup, such as [red], and could hold the
    # terminal's own.
    table.add_row(*(Text(printable(cell)) for cell in cells))
