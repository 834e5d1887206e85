"""Says of a copy of IAM what is there, and what is missing, wrong or damaged."""

from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass
from pathlib import Path

from ocrkit.data.findings import Finding, unreadable
from ocrkit.errors import DataError
from ocrkit.interfaces import FormCount
from ocrkit_iam.files import BEGUN, LEVELS, Level
from ocrkit_iam.inventory import Images, Texts, all_images, ascii_texts, xml_texts
from ocrkit_iam.oddities import differences, nothing_there, of_archive, of_images, of_writers
from ocrkit_iam.splits import LISTED_SPLITS, split_forms
from ocrkit_iam.texts import Line, Word

KNOWN = {
    "forms": 1_539,
    "writers": 657,
    "words": 115_320,
    "ok words": 96_456,
    "images": 115_320,
    "lines": 13_353,
    "ok lines": 11_344,
    "line images": 13_353,
}
"""The whole of IAM."""


@dataclass(frozen=True)
class Report:
    """What a folder holds of IAM."""

    root: str
    usable: bool
    """Whether any word or line can be read."""
    places: dict[str, str]
    """What was found in words/, lines/, ascii/ and xml/, in words."""
    counts: dict[str, FormCount]
    """Found, and known of the whole of IAM: forms and writers with images, rows of words and lines,
    images."""
    splits: dict[str, FormCount]
    """Forms with images, by split."""
    readable: list[Level]
    """The levels of which anything can be read."""
    findings: list[Finding]

    def lines(self) -> list[str]:
        """The report as text."""
        width = max(map(len, self.places))
        rows = [f"  {'':<30}{'found':>9}{'whole':>9}"]
        splits = {f"forms of {split}": count for split, count in self.splits.items()}
        for name, count in (self.counts | splits).items():
            rows.append(f"  {name:<30}{count.found:>9,}{count.expected:>9,}")
        can = f"{' and '.join(self.readable).capitalize()} can be read."
        return [
            f"IAM under {self.root}",
            *(f"  {place:<{width}}  {what}" for place, what in self.places.items()),
            *rows,
            *map(str, self.findings),
            can if self.usable else "No word and no line can be read.",
        ]


def examine(root: Path) -> Report:
    """Examines everything under ``root`` and decodes every image. Raises DataError where there is
    no such folder."""
    if not root.is_dir():
        raise DataError(
            f"{root}: no such folder; expected one that words.tgz or lines.tgz, and ascii.tgz were "
            "extracted into"
        )
    images = {level: all_images(root, level) for level in LEVELS}
    there = {level: bool(images[level].sizes) for level in LEVELS}
    findings: list[Finding] = []
    tables, xml = ascii_texts(root, findings), xml_texts(root, findings)
    for level in LEVELS:
        findings += of_archive(root / f"{level}.tgz", there[level])
    findings += of_archive(root / "ascii.tgz", tables.place is not None)
    findings += of_archive(root / "xml.tgz", xml.place is not None)
    findings += differences(tables, xml)
    findings += nothing_there(root, there, xml)
    rows = {level: tables.rows(level) or xml.rows(level) for level in LEVELS}
    readable = [
        level
        for level in LEVELS
        if there[level] and _examine_images(root, level, rows[level], images[level], findings)
    ]
    forms = sorted({form for level in LEVELS for form in images[level].sizes})
    writers = xml.writers | tables.writers
    findings += of_writers(forms, writers)
    found = {
        "forms": len(forms),
        "writers": len({writers[form] for form in forms if form in writers}),
        **_counts("words", rows["words"], images["words"]),
        **_counts("lines", rows["lines"], images["lines"]),
    }
    return Report(
        root=str(root),
        usable=bool(readable),
        readable=readable,
        places={
            **{level: _pictures(images[level]) for level in LEVELS},
            "ascii": _said(tables) or "no words.txt and no lines.txt",
            "xml": _said(xml) or "no XML files",
        },
        counts={name: FormCount(count, KNOWN[name]) for name, count in found.items()},
        splits={split: _count(split_forms(split), forms) for split in LISTED_SPLITS},
        findings=findings,
    )


def _examine_images(
    root: Path,
    level: Level,
    rows: Mapping[str, Word | Line],
    images: Images,
    findings: list[Finding],
) -> bool:
    """Decodes the images of a level. Whether a word or a line can be read."""
    broken = unreadable(images.not_empty())
    put_together = level == "lines" and (root / BEGUN).is_file()
    again = "run ocrkit data lines again" if put_together else f"extract {level}.tgz again"
    findings += of_images(rows, images, broken, again)
    files = images.files()
    return any(
        files.get(row.id) and row.id not in broken
        for row in rows.values()
        if row.ok or level == "lines"
    )


def _pictures(images: Images) -> str:
    if not images.sizes:
        return "no images"
    return f"{len(images.files()):,} images of {len(images.sizes):,} forms in {images.folder}"


def _said(texts: Texts) -> str:
    counts = [f"{len(texts.rows(level)):,} {level}" for level in LEVELS if texts.rows(level)]
    return f"{' and '.join(counts) or 'nothing'} in {texts.place}" if texts.place else ""


def _counts(level: Level, rows: Mapping[str, Word | Line], images: Images) -> dict[str, int]:
    return {
        level: len(rows),
        f"ok {level}": sum(row.ok for row in rows.values()),
        "images" if level == "words" else "line images": len(images.files()),
    }


def _count(forms: Collection[str], there: Container[str]) -> FormCount:
    return FormCount(sum(form in there for form in forms), len(forms))
