"""Says of a folder of images and texts what is there, and what is missing, wrong or odd."""

import hashlib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ocrkit import DataError
from ocrkit.data.findings import Finding, counted, unreadable
from ocrkit.images import passed_over
from ocrkit.parts.characters import is_hidden, listed
from ocrkit_folder.contents import Contents
from ocrkit_folder.labels import is_quoted


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
        splits = {f"images in {split}/": count for split, count in self.splits.items()}
        rows += [f"  {name:<30}{count:>9,}" for name, count in splits.items()]
        shown = sorted(each for each in self.characters if not is_hidden(each))
        alphabet = "".join(shown)
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
        contents = Contents(root, inside=PurePosixPath())
    except DataError as error:
        return Report(str(root), False, {}, {}, {}, [Finding("problem", str(error))])
    labels = contents.labels
    texts = {image: label.text for image, label in labels.items() if label.text is not None}
    broken = unreadable({image: root / image for image in labels})
    characters = Counter("".join(texts.values()))
    splits = Counter(image.split("/")[0] for image in labels if "/" in image)
    findings = [Finding("problem", sentence) for sentence in passed_over(contents.files)]
    if contents.skipped:
        rows = tuple(f"{item.id} ({item.reason})" for item in contents.skipped)
        findings.append(Finding("problem", f"{len(rows):,} left out", rows))
    if broken:
        findings.append(
            Finding("problem", f"{counted(broken, 'image')} cannot be read", tuple(broken.values()))
        )
    findings += _of_texts(contents, texts)
    findings += _twice(contents, [image for image in labels if image not in broken])
    return Report(
        root=str(root),
        usable=len(broken) < len(labels),
        counts={
            "images": len(labels),
            "readable images": len(labels) - len(broken),
            "images with a text": len(texts),
            "different texts": len(set(texts.values())),
            "different characters": len(characters),
            "writers": len({label.writer for label in labels.values() if label.writer}),
        },
        splits=dict(sorted(splits.items())),
        characters=dict(characters.most_common()),
        findings=findings,
    )


def _of_texts(contents: Contents, texts: dict[str, str]) -> Iterable[Finding]:
    """What is odd about texts: those that are missing, empty, quoted, with hidden characters, …"""

    def those(odd: Callable[[str], bool]) -> tuple[str, ...]:
        return tuple(id_ for id_, text in texts.items() if odd(text))

    if without := [image for image in contents.labels if image not in texts]:
        yield Finding(
            "problem",
            f"{counted(without, 'image')} without a text; expected {contents.expected(without[0])}",
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
    if backwards := those(_runs_from_right_to_left):
        yield Finding(
            "note",
            f"{counted(backwards, 'text')} of a script that runs from right to left; networks read "
            "from left to right, so texts to train on have their characters in the order of the "
            "image",
            backwards,
        )


def _runs_from_right_to_left(text: str) -> bool:
    return any(unicodedata.bidirectional(character) in {"R", "AL"} for character in text)


def _twice(contents: Contents, images: Iterable[str]) -> Iterable[Finding]:
    """Images whose files are the same to the byte."""
    same: defaultdict[str, list[str]] = defaultdict(list)
    for image in images:
        with suppress(OSError), (contents.root / image).open("rb") as file:
            same[hashlib.file_digest(file, "sha256").hexdigest()].append(image)
    agree: list[str] = []
    differ: list[str] = []
    for group in same.values():
        if len(group) > 1:
            texts = {contents.labels[image].text for image in group}
            (agree if len(texts) == 1 else differ).append(" = ".join(group))
    if agree:
        yield Finding("note", f"{counted(agree, 'image')} more than once", agree)
    if differ:
        text = f"{counted(differ, 'image')} more than once with different texts"
        yield Finding("problem", text, differ)
