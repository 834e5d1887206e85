"""What the peers have read, all scored by the same ruler: ocrkit's own metrics."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from peer_data import Item
from peer_list import PAGES

from ocrkit import DataError, Page
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.parts.page_json import page_from_json
from ocrkit.scoring.rules import Outcome, Rules
from ocrkit.scoring.scores import Scorer

FOUND = ("line-recall", "line-precision", "line-f1")
READ = ("page-cer", "order-free-cer", "bag-of-words-f1")
WORDS = "word-box-f1"
"""Of peers that say where words are."""
LINE = ("cer", "wer")
RULES = Rules(unicode="NFC")


def page_of(found: Mapping[str, Any], truth: Page) -> Page:
    """A page as a peer's driver tells it. What lies outside the picture is drawn to its edge, and
    a line without a place that makes one is left out."""
    lines = [
        line | {"id": f"l{number}"}
        for number, line in enumerate(_placed(found["lines"], truth), start=1)
    ]
    size = {"width": truth.width, "height": truth.height}
    return page_from_json({"id": truth.id, **size, "lines": lines})


def _placed(lines: Iterable[Mapping[str, Any]], truth: Page) -> Iterator[dict[str, Any]]:
    for line in lines:
        inside = {
            "baseline": _inside(line.get("baseline") or [], truth, 2),
            "boundary": _inside(line.get("boundary") or [], truth, 3),
        }
        if not any(inside.values()):
            continue
        words = [
            {"text": word["text"], "boundary": _inside(word["boundary"] or [], truth, 3)}
            for word in line.get("words") or ()
        ]
        yield {"text": line.get("text"), "words": words, **inside}


def _inside(points: Sequence[Sequence[float]], page: Page, least: int) -> list[list[float]]:
    found = [
        [min(max(float(x), 0.0), page.width), min(max(float(y), 0.0), page.height)]
        for x, y in points
    ]
    return found if len(found) >= least else []


def scored(task: str, items: Sequence[Item], images: Sequence[Any], reads: bool) -> dict[str, Any]:
    """Scores with intervals by writer, or by document where no writer is known; of a peer that
    reads nothing, those of lines."""
    names = _metrics(task, images) if reads else FOUND if task == PAGES else ()
    if not names:
        return {}
    metrics = {name: make_part(PartSpec("metric", name, {})) for name in names}
    scorer = Scorer(metrics, RULES)
    for item, found in zip(items, images, strict=True):
        scorer.add(_outcome(item, found))
    return {
        name: {"value": score.value, "low": score.low, "high": score.high}
        for name, score in scorer.result().items()
        if score.value is not None
    }


def _metrics(task: str, images: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    if task != PAGES:
        return LINE
    placed = any(
        word["boundary"]
        for image in images
        for line in image["lines"]
        for word in line.get("words") or ()
    )
    return (*FOUND, *READ, *((WORDS,) if placed else ()))


def _outcome(item: Item, found: Mapping[str, Any]) -> Outcome:
    if isinstance(item.truth, str):
        return Outcome(item.id, item.truth, found["text"], item.writer)
    try:
        page = page_of(found, item.truth)
    except DataError as error:
        raise SystemExit(f"{item.id}: a driver told no page: {error}") from error
    return Outcome(item.id, item.truth.text, page.text, item.writer, pages=(item.truth, page))


def times(groups: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Seconds a picture: medians over all of them; those of the first picture of a process, its
    start included, over processes; memory at most."""
    images = [image for group in groups for image in group["images"]]
    stages = sorted({name for image in images for name in image.get("stages", {})})
    return {
        "first_seconds": median(group["first_seconds"] for group in groups),
        "seconds": median(image["seconds"] for image in images),
        "processor_seconds": median(image["processor_seconds"] for image in images),
        "stages": {
            name: median(image.get("stages", {}).get(name, 0.0) for image in images)
            for name in stages
        },
        "memory_mb": max(group["memory_mb"] for group in groups),
        "load": median(group["load"] for group in groups),
    }
