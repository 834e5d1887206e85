"""Says of a folder of Parquet files what is there, and what is missing, wrong or odd."""

import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ocrkit import DataError
from ocrkit.data.findings import Finding, counted, unreadable
from ocrkit.parts.characters import is_hidden, listed
from ocrkit_parquet.contents import Contents, Row
from ocrkit_parquet.files import Columns


@dataclass(frozen=True)
class Report:
    """What a folder holds."""

    root: str
    usable: bool
    """Whether any image can be read."""
    counts: dict[str, int]
    """Files and rows, how many of these have an image that can be read and a text."""
    splits: dict[str, int]
    """Rows of every split."""
    characters: dict[str, int]
    """How often every character occurs in the texts, the most frequent first."""
    findings: list[Finding]

    def lines(self) -> list[str]:
        """The report as text."""
        rows = [f"  {name:<30}{count:>9,}" for name, count in self.counts.items()]
        rows += [f"  {f'rows of {split}':<30}{count:>9,}" for split, count in self.splits.items()]
        alphabet = "".join(sorted(each for each in self.characters if not is_hidden(each)))
        return [
            f"rows of Parquet files under {self.root}",
            *rows,
            *([f"  characters: {alphabet}"] if alphabet else []),
            *map(str, self.findings),
            "Rows can be read." if self.usable else "No row can be read.",
        ]


def examine(root: Path, columns: Columns) -> Report:
    """Examines a folder and decodes every image. Raises DataError where there is no such folder."""
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; expected one with Parquet files in it")
    contents = Contents(root, columns)
    rows = contents.rows
    broken = unreadable({row.id: row for row in rows}, contents.load)
    texts = {row.id: row.text for row in rows if row.text is not None}
    characters = Counter("".join(texts.values()))
    return Report(
        root=str(root),
        usable=len(broken) < len(rows),
        counts={
            "files": len({row.shard for row in rows}),
            "rows": len(rows),
            "rows with a readable image": len(rows) - len(broken),
            "rows with a text": len(texts),
            "different texts": len(set(texts.values())),
            "different characters": len(characters),
        },
        splits=dict(sorted(Counter(row.shard.split for row in rows).items())),
        characters=dict(characters.most_common()),
        findings=[*_of_rows(contents, broken), *_of_texts(rows, texts)],
    )


def _of_rows(contents: Contents, broken: dict[str, str]) -> Iterator[Finding]:
    if contents.skipped:
        names = tuple(f"{item.id} ({item.reason})" for item in contents.skipped)
        yield Finding("problem", f"{len(names):,} left out", names)
    if broken:
        text = f"{counted(broken, 'row')} whose image cannot be read"
        yield Finding("problem", text, tuple(broken.values()))


def _of_texts(rows: list[Row], texts: dict[str, str]) -> Iterator[Finding]:
    if without := [row.id for row in rows if row.text is None]:
        yield Finding("note", f"{counted(without, 'row')} without a text", without)
    if empty := [id_ for id_, text in texts.items() if not text.strip()]:
        text = f"{counted(empty, 'empty text')}: nothing is written on the image"
        yield Finding("note", text, empty)
    if hidden := [id_ for id_, text in texts.items() if any(map(is_hidden, text))]:
        which = Counter(each for id_ in hidden for each in set(texts[id_]) if is_hidden(each))
        text = f"{counted(hidden, 'text')} with characters that nobody sees: {listed(which)}"
        yield Finding("problem", text, hidden)
    if other := [id_ for id_, text in texts.items() if not unicodedata.is_normalized("NFC", text)]:
        text = (
            f"{counted(other, 'text')} not in Unicode's form NFC, in which an accent and its "
            "letter are one character"
        )
        yield Finding("note", text, other)
