"""Says of a folder of images and XML what is there, and what is missing, wrong or odd."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ocrkit import DataError, Page
from ocrkit.data.findings import Finding, counted, unreadable
from ocrkit.parts.characters import is_hidden, listed
from ocrkit_pagexml.contents import Contents, PageFile
from ocrkit_pagexml.pixels import PixelPages

_RARE = 3
"""Lines that have a character, of one that is rare if there are no more."""


@dataclass(frozen=True)
class Report:
    """What a folder holds."""

    root: str
    usable: bool
    """Whether anything can be read: a line, or a page that says where its lines are."""
    counts: dict[str, int]
    """Documents, pages, lines, and how many of them can be read."""
    kinds: dict[str, int]
    """Lines of every kind, as the XML calls them, and of every kind of region."""
    characters: dict[str, int]
    """How often every character occurs in the texts, the most frequent first."""
    findings: list[Finding]

    def lines(self) -> list[str]:
        """The report as text."""
        rows = [f"  {name:<30}{count:>9,}" for name, count in self.counts.items()]
        rows += [f"  {name[:29]:<30}{count:>9,}" for name, count in self.kinds.items()]
        alphabet = "".join(sorted(each for each in self.characters if not is_hidden(each)))
        return [
            f"pages and lines under {self.root}",
            *rows,
            *([f"  characters: {alphabet}"] if alphabet else []),
            *map(str, self.findings),
            _verdict(self.counts),
        ]


def _verdict(counts: dict[str, int]) -> str:
    if counts["readable lines with a text"]:
        return "Lines can be read, and pages."
    if counts["readable lines with a place"]:
        return "Pages can be read, to find lines in; no line can."
    return "No line can be read."


def examine(root: Path) -> Report:
    """Examines a folder and decodes every page. Raises DataError where there is no such folder."""
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; expected one with images and XML in it")
    contents = Contents(root)
    pages = dict(contents.pages())
    broken = unreadable({file.id: file for file in pages}, PixelPages(root).__getitem__)
    texts = {
        f"{file.id}#{line.id}": line.text or "" for file in pages for line in pages[file].lines
    }
    placeless = [
        f"{file.id}#{line.id}"
        for file in pages
        for line in pages[file].lines
        if not line.baseline and not line.boundary
    ]
    written = {id_: text for id_, text in texts.items() if text}
    placed = {id_ for id_ in texts if id_.rpartition("#")[0] not in broken} - set(placeless)
    readable = placed & written.keys()
    findings = [*_of_files(contents, pages, broken), *_of_texts(texts)]
    if placeless:
        findings.append(
            Finding(
                "problem",
                f"{counted(placeless, 'line')} without a baseline or boundary that can be read",
                placeless,
            )
        )
    return Report(
        root=str(root),
        usable=bool(placed),
        counts={
            "documents": len({file.document for file in pages}),
            "pages with an image": len(pages),
            "readable pages": len(pages) - len(broken),
            "lines": len(texts),
            "lines with a text": len(written),
            "readable lines with a place": len(placed),
            "readable lines with a text": len(readable),
            "different characters": len(set("".join(texts.values()))),
        },
        kinds=_kinds(pages),
        characters=dict(Counter("".join(texts.values())).most_common()),
        findings=findings,
    )


def _kinds(pages: dict[PageFile, Page]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for page in pages.values():
        regions = {region.id: region.kind for region in page.regions}
        for line in page.lines:
            counts[f"lines of kind {line.kind}"] += 1
            counts[f"lines in {regions.get(line.region or '', 'no region')}"] += 1
    return dict(sorted(counts.items()))


def _of_files(
    contents: Contents, pages: dict[PageFile, Page], broken: dict[str, str]
) -> Iterator[Finding]:
    if contents.skipped:
        rows = tuple(f"{item.id} ({item.reason})" for item in contents.skipped)
        yield Finding("problem", f"{len(rows):,} left out", rows)
    if broken:
        text = f"{counted(broken, 'page')} whose image cannot be used"
        yield Finding("problem", text, tuple(broken.values()))
    used = {file.image for file in pages}
    if unused := [str(image) for image in contents.images if str(image) not in used]:
        yield Finding("note", f"{counted(unused, 'image')} without XML", unused)


def _of_texts(texts: dict[str, str]) -> Iterator[Finding]:
    """What is odd about texts: those that are missing, hidden characters, rare ones, …"""
    if empty := [id_ for id_, text in texts.items() if not text]:
        yield Finding("note", f"{counted(empty, 'line')} without a text", empty)
    places: defaultdict[str, list[str]] = defaultdict(list)
    for id_, text in texts.items():
        for character in set(text):
            places[character].append(id_)
    if hidden := Counter({each: len(ids) for each, ids in places.items() if is_hidden(each)}):
        ids = sorted({id_ for each in hidden for id_ in places[each]})
        text = f"{counted(ids, 'line')} with characters that nobody sees: {listed(hidden)}"
        yield Finding("problem", text, ids)
    decomposed = [id_ for id_, text in texts.items() if not unicodedata.is_normalized("NFC", text)]
    if decomposed:
        text = f"{counted(decomposed, 'text')} not in Unicode's form NFC; they are read in it"
        yield Finding("note", text, decomposed)
    rare = {each: ids for each, ids in sorted(places.items()) if len(ids) <= _RARE}
    if rare and len(texts) > 100 * _RARE:
        yield Finding(
            "note",
            f"{counted(rare, 'character')} in {_RARE} lines or fewer",
            [f"{character} ({ids[0]})" for character, ids in rare.items()],
        )
