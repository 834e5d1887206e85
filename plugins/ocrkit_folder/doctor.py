"""Says of a folder of images and texts what is there, and what is missing, wrong or odd."""

import hashlib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ocrkit import DataError, Sample
from ocrkit.data.findings import Finding, counted, unreadable
from ocrkit.images import passed_over
from ocrkit.parts.characters import is_hidden, listed
from ocrkit_folder.folder import Folder, is_quoted


@dataclass(frozen=True)
class Report:
    """What a folder holds."""

    root: str
    usable: bool
    """Whether any image can be read."""
    counts: dict[str, int]
    """Images, of which readable and with a text; characters and writers of the texts."""
    splits: dict[str, int]
    """Images of every folder in the root that has any."""
    characters: dict[str, int]
    """How often every character occurs in the texts, the most frequent first."""
    findings: list[Finding]

    def lines(self) -> list[str]:
        """The report as text."""
        rows = [f"  {name:<30}{count:>9,}" for name, count in self.counts.items()]
        rows += [
            f"  {f'images in {split}/':<30}{count:>9,}" for split, count in self.splits.items()
        ]
        alphabet = "".join(
            sorted(character for character in self.characters if not is_hidden(character))
        )
        return [
            f"images and texts under {self.root}",
            *rows,
            *([f"  characters: {alphabet}"] if alphabet else []),
            *map(str, self.findings),
            "Images can be read." if self.usable else "No image can be read.",
        ]


def examine(root: Path) -> Report:
    """Examines a folder and decodes every image. Raises DataError where there is no such folder."""
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; expected one with images and texts in it")
    try:
        reader = Folder(root)
    except DataError as error:
        return Report(str(root), False, {}, {}, {}, [Finding("problem", str(error))])
    samples = [reader[index] for index in range(len(reader))]
    texts = {sample.id: sample.text for sample in samples if sample.text is not None}
    broken = unreadable({sample.id: Path(str(sample.path)) for sample in samples})
    characters = Counter("".join(texts.values()))
    findings = [Finding("problem", sentence) for sentence in passed_over(reader.files)]
    if reader.skipped:
        rows = tuple(f"{item.id} ({item.reason})" for item in reader.skipped)
        findings.append(Finding("problem", f"{len(rows):,} left out", rows))
    if broken:
        findings.append(
            Finding("problem", f"{counted(broken, 'image')} cannot be read", tuple(broken.values()))
        )
    findings += [
        *_of_texts(reader, samples, texts),
        *_twice(sample for sample in samples if sample.id not in broken),
    ]
    return Report(
        root=str(root),
        usable=len(broken) < len(samples),
        counts={
            "images": len(samples),
            "readable images": len(samples) - len(broken),
            "images with a text": len(texts),
            "different texts": len(set(texts.values())),
            "different characters": len(characters),
            "writers": len({sample.writer for sample in samples if sample.writer}),
        },
        splits=dict(
            sorted(
                Counter(sample.id.split("/")[0] for sample in samples if "/" in sample.id).items()
            )
        ),
        characters=dict(characters.most_common()),
        findings=findings,
    )


def _of_texts(reader: Folder, samples: list[Sample], texts: dict[str, str]) -> Iterable[Finding]:
    """What is odd about texts: those that are missing, empty, quoted, with hidden characters, …"""

    def those(odd: Callable[[str], bool]) -> tuple[str, ...]:
        return tuple(id_ for id_, text in texts.items() if odd(text))

    if without := [sample.id for sample in samples if sample.text is None]:
        yield Finding(
            "problem",
            f"{counted(without, 'image')} without a text; expected {reader.expected(without[0])}",
            without,
        )
    if empty := those(lambda text: not text):
        yield Finding(
            "note", f"{counted(empty, 'empty text')}: nothing is written on the image", empty
        )
    if hidden := those(lambda text: any(map(is_hidden, text))):
        counts = Counter(
            character for id_ in hidden for character in set(texts[id_]) if is_hidden(character)
        )
        yield Finding(
            "problem",
            f"{counted(hidden, 'text')} with characters that nobody sees: {listed(counts)}",
            hidden,
        )
    if other_form := those(lambda text: not unicodedata.is_normalized("NFC", text)):
        yield Finding(
            "problem",
            f"{counted(other_form, 'text')} not in Unicode's form NFC, in which an accent and its "
            "letter are one character",
            other_form,
        )
    if quoted := those(is_quoted):
        yield Finding(
            "note",
            f"{counted(quoted, 'text')} with quotation marks around; they count as written on the "
            "image",
            quoted,
        )
    if backwards := those(
        lambda text: any(unicodedata.bidirectional(character) in {"R", "AL"} for character in text)
    ):
        yield Finding(
            "note",
            f"{counted(backwards, 'text')} of a script that runs from right to left; networks read "
            "from left to right, so "
            "texts to train on have their characters in the order of the image",
            backwards,
        )


def _twice(samples: Iterable[Sample]) -> Iterable[Finding]:
    """Images whose files are the same to the byte."""
    same: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        with suppress(OSError), Path(str(sample.path)).open("rb") as file:
            same[hashlib.file_digest(file, "sha256").hexdigest()].append(sample)
    alike = [group for group in same.values() if len(group) > 1]
    agree = [group for group in alike if len({sample.text for sample in group}) == 1]
    if agree:
        yield Finding(
            "note", f"{counted(agree, 'image')} more than once", tuple(map(_together, agree))
        )
    if differ := [group for group in alike if group not in agree]:
        yield Finding(
            "problem",
            f"{counted(differ, 'image')} more than once with different texts",
            tuple(map(_together, differ)),
        )


def _together(group: list[Sample]) -> str:
    return " = ".join(sample.id for sample in group)
