"""Pages as JSON: an object of the fields of :class:`ocrkit.Page`, and so with all that is in it.

``docs/pages.md`` shows one, and has a table of the fields.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from ocrkit.errors import DataError
from ocrkit.parts.checked import CheckError, checked
from ocrkit.parts.page import Line, Page, Region


def page_to_json(page: Page) -> dict[str, Any]:
    """The page as ``json.dumps`` takes it: dictionaries, lists, texts and numbers; every field is
    there.

    >>> page_to_json(Page("note", 300, 200))["lines"]
    []
    """
    return asdict(page, dict_factory=_plain_fields)


def _plain_fields(items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in items}


def _plain(value: Any) -> Any:
    """Lists where a tuple is, and Python's own numbers where NumPy's are."""
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value.tolist() if hasattr(value, "tolist") else value


def page_from_json(value: Any) -> Page:
    """The page of a JSON object, as Python has it once it is parsed.

    Fields that a page can do without may be missing, and names that no page has are passed over.
    Raises DataError, in one line that names every place, for anything else: a value of another type
    or outside its range, an id that is there twice, a line of a region that is not there.

    >>> page_from_json({"id": "note", "width": 300, "height": -200})
    Traceback (most recent call last):
    ocrkit.errors.DataError: page: height: -200; expected a whole number above 0
    """
    try:
        page = checked(Page, value)
    except CheckError as error:
        raise DataError(f"page: {error}") from error
    if problems := _problems(page):
        raise DataError(f"page: {CheckError(problems)}")
    return page


def _problems(page: Page) -> list[str]:
    """Where the parts of a page do not go together, a line each."""
    problems = []
    both: dict[str, Sequence[Region | Line]] = {"regions": page.regions, "lines": page.lines}
    for name, parts in both.items():
        counts = Counter(each.id for each in parts)
        problems += [
            f"{name}: {count} of them have the id {id_!r}; expected one"
            for id_, count in counts.items()
            if count > 1
        ]
    areas = {f"regions[{place}]": region.boundary for place, region in enumerate(page.regions)}
    regions = {region.id for region in page.regions}
    for place, line in enumerate(page.lines):
        where = f"lines[{place}]"
        areas[where] = line.boundary
        areas |= {f"{where}.words[{n}]": word.boundary for n, word in enumerate(line.words)}
        if len(line.baseline) == 1:
            problems.append(f"{where}.baseline: a single point; expected 2 or more")
        if not line.baseline and not line.boundary:
            problems.append(f"{where}: neither a baseline nor a boundary; expected one of them")
        if line.region is not None and line.region not in regions:
            problems.append(f"{where}.region: {line.region!r} is not among the page's regions")
    return problems + [
        f"{where}.boundary: {len(area)} points; expected 3 or more"
        for where, area in areas.items()
        if len(area) in (1, 2)
    ]
