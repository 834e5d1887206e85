"""Says of a folder of images and XML what is there, and what is missing, wrong or odd."""

import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
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
    contents, seen = Contents(root), _Seen()
    for file, page in contents.pages():
        seen.add(file, page)
    broken = unreadable({file.id: file for file in seen.usable}, PixelPages(root).__getitem__)
    whole = [count for file, count in seen.usable.items() if file.id not in broken]
    placed, readable = sum(each.placed for each in whole), sum(each.readable for each in whole)
    return Report(
        root=str(root),
        usable=bool(placed),
        counts={
            "documents": len({file.document for file in seen.usable}),
            "pages with an image": len(seen.usable),
            "readable pages": len(seen.usable) - len(broken),
            "lines": seen.lines,
            "lines with a text": seen.lines - len(seen.empty),
            "readable lines with a place": placed,
            "readable lines with a text": readable,
            "different characters": len(seen.characters),
        },
        kinds=dict(sorted(seen.kinds.items())),
        characters=dict(seen.characters.most_common()),
        findings=[*_of_files(contents, seen, broken), *_of_texts(seen), *_of_places(seen)],
    )


@dataclass
class _Usable:
    """How many lines of a page have a place, and a text as well."""

    placed: int = 0
    readable: int = 0


@dataclass
class _Seen:
    """What is counted and noted of pages, one after the other, so that none has to be kept."""

    usable: dict[PageFile, _Usable] = field(default_factory=dict)
    """Every page."""
    lines: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    characters: Counter[str] = field(default_factory=Counter)
    lines_with: Counter[str] = field(default_factory=Counter)
    """How many lines have a character."""
    first_with: dict[str, str] = field(default_factory=dict)
    """The first of them."""
    placeless: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    """Lines with characters that nobody sees."""
    decomposed: list[str] = field(default_factory=list)

    def add(self, file: PageFile, page: Page) -> None:
        regions = {region.id: region.kind for region in page.regions}
        usable = self.usable[file] = _Usable()
        for line in page.lines:
            self.lines += 1
            self.kinds[f"lines of kind {line.kind}"] += 1
            self.kinds[f"lines in {regions.get(line.region or '', 'no region')}"] += 1
            has_place = bool(line.baseline or line.boundary)
            usable.placed += has_place
            usable.readable += has_place and bool(line.text)
            id_ = f"{file.id}#{line.id}"
            if not has_place:
                self.placeless.append(id_)
            self._add_text(id_, line.text or "")

    def _add_text(self, id_: str, text: str) -> None:
        self.characters.update(text)
        for character in set(text):
            self.lines_with[character] += 1
            self.first_with.setdefault(character, id_)
        if not text:
            self.empty.append(id_)
        if any(map(is_hidden, set(text))):
            self.hidden.append(id_)
        if not unicodedata.is_normalized("NFC", text):
            self.decomposed.append(id_)


def _of_files(contents: Contents, seen: _Seen, broken: dict[str, str]) -> Iterator[Finding]:
    if contents.skipped:
        rows = tuple(f"{item.id} ({item.reason})" for item in contents.skipped)
        yield Finding("problem", f"{len(rows):,} left out", rows)
    if broken:
        text = f"{counted(broken, 'page')} whose image cannot be used"
        yield Finding("problem", text, tuple(broken.values()))
    used = {file.image for file in seen.usable}
    if unused := [str(image) for image in contents.images if str(image) not in used]:
        yield Finding("note", f"{counted(unused, 'image')} without XML", unused)


def _of_texts(seen: _Seen) -> Iterator[Finding]:
    """What is odd about texts: those that are missing, hidden characters, rare ones, …"""
    if seen.empty:
        yield Finding("note", f"{counted(seen.empty, 'line')} without a text", seen.empty)
    if seen.hidden:
        which = Counter({each: n for each, n in seen.lines_with.items() if is_hidden(each)})
        text = f"{counted(seen.hidden, 'line')} with characters that nobody sees: {listed(which)}"
        yield Finding("problem", text, seen.hidden)
    if seen.decomposed:
        text = f"{counted(seen.decomposed, 'text')} not in Unicode's form NFC; they are read in it"
        yield Finding("note", text, seen.decomposed)
    rare = sorted(each for each, count in seen.lines_with.items() if count <= _RARE)
    if rare and seen.lines > 100 * _RARE:
        yield Finding(
            "note",
            f"{counted(rare, 'character')} in {_RARE} lines or fewer",
            [f"{character} ({seen.first_with[character]})" for character in rare],
        )


def _of_places(seen: _Seen) -> Iterator[Finding]:
    if seen.placeless:
        text = f"{counted(seen.placeless, 'line')} without a baseline or boundary that can be read"
        yield Finding("problem", text, seen.placeless)
