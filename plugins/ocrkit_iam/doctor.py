"""Says of a copy of IAM what is there, and what is missing, wrong or damaged."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ocrkit.errors import DataError
from ocrkit.files import read_text
from ocrkit.findings import Finding, counted, unreadable
from ocrkit.interfaces import FormCount
from ocrkit_iam.hints import elsewhere
from ocrkit_iam.words import (
    LISTED_SPLITS,
    Words,
    ascii_file,
    form_folder,
    image_sizes,
    images_folder,
    parse_forms,
    parse_words,
    read_xml,
    split_forms,
    xml_folder,
)

KNOWN = {"forms": 1_539, "writers": 657, "words": 115_320, "ok words": 96_456, "images": 115_320}
"""The whole of IAM."""
KNOWN_EMPTY = {"a01-117-05-02", "r06-022-03-05"}
"""Images that are empty in IAM's own archive."""
ARCHIVES = ("words", "ascii", "xml")


@dataclass(frozen=True)
class Report:
    """What a folder holds of IAM."""

    root: str
    usable: bool
    """Whether any word can be read."""
    places: dict[str, str]
    """What was found in words/, ascii/ and xml/, in words."""
    counts: dict[str, FormCount]
    """Found, and known of the whole of IAM: forms and writers with images, rows of words,
    images."""
    splits: dict[str, FormCount]
    """Forms with images, by split."""
    findings: list[Finding]

    def lines(self) -> list[str]:
        """The report as text."""
        width = max(map(len, self.places))
        rows = [f"  {'':<30}{'found':>9}{'whole':>9}"]
        for name, count in (
            self.counts | {f"forms of {split}": count for split, count in self.splits.items()}
        ).items():
            rows.append(f"  {name:<30}{count.found:>9,}{count.expected:>9,}")
        return [
            f"IAM under {self.root}",
            *(f"  {place:<{width}}  {what}" for place, what in self.places.items()),
            *rows,
            *map(str, self.findings),
            "Words can be read." if self.usable else "No word can be read.",
        ]


def examine(root: Path) -> Report:
    """Examines everything under ``root`` and decodes every image. Raises DataError where there is
    no such folder."""
    if not root.is_dir():
        raise DataError(
            f"{root}: no such folder; expected one that words.tgz and ascii.tgz were extracted into"
        )
    findings: list[Finding] = []

    def note(level: Literal["problem", "note"], text: str, names: Iterable[str] = ()) -> None:
        findings.append(Finding(level, text, tuple(names)))

    images = images_folder(root)
    sizes = _all_images(images)
    table, ascii_words, writers = _read_ascii(root, findings)
    xml, xml_words, xml_writers = _read_xml(root, findings)
    for name in ARCHIVES:
        _check_archive(
            root / f"{name}.tgz",
            {"words": bool(sizes), "ascii": bool(table), "xml": bool(xml)}[name],
            findings,
        )

    if ascii_words.words and xml_words.words:
        _compare(ascii_words, xml_words, writers, xml_writers, findings)
    findings += _nothing_there(root, images, texts=bool(table or xml), any_images=bool(sizes))

    rows = {word.id: word for word in ascii_words.words or xml_words.words}
    files = {word: size for form in sizes.values() for word, size in form.items()}
    empty = [word for word, size in files.items() if not size]
    broken = unreadable(
        {
            word: form_folder(images, form) / f"{word}.png"
            for form, of in sizes.items()
            for word, size in of.items()
            if size
        }
    )
    missing = [word.id for word in rows.values() if word.form in sizes and word.id not in files]
    extra = [word for word in files if word not in rows]
    absent = {word.form for word in rows.values()} - sizes.keys()
    known, unknown = (
        [word for word in empty if word in KNOWN_EMPTY],
        [word for word in empty if word not in KNOWN_EMPTY],
    )
    if known:
        note("note", f"{counted(known, 'empty image')}, as in IAM's own archive", known)
    if unknown:
        note("problem", f"{counted(unknown, 'empty image')}; extract words.tgz again", unknown)
    if broken:
        note(
            "problem",
            f"{counted(broken, 'damaged image')}; extract words.tgz again",
            sorted(broken),
        )
    if missing:
        note("problem", f"{counted(missing, 'image')} missing, though the form is there", missing)
    if rows and extra:
        note("problem", f"{counted(extra, 'image')} without a text", extra)
    if sizes and absent:
        note(
            "note",
            f"a part of IAM: {counted(absent, 'form')} with texts but without a folder of images",
            sorted(absent),
        )
    writers = xml_writers | writers
    anonymous = [form for form in sizes if form not in writers]
    if anonymous:
        note(
            "note",
            f"{counted(anonymous, 'form')} without a writer, which forms.txt and XML files name",
            anonymous,
        )

    found = {
        "forms": len(sizes),
        "writers": len({writers[form] for form in sizes if form in writers}),
        "words": len(rows),
        "ok words": sum(word.ok for word in rows.values()),
        "images": len(files),
    }
    return Report(
        root=str(root),
        usable=any(
            word.ok and files.get(word.id) for word in rows.values() if word.id not in broken
        ),
        places={
            "words": f"{len(files):,} images of {len(sizes):,} forms in {images}"
            if sizes
            else "no images",
            "ascii": f"{len(ascii_words.words):,} words in {table}" if table else "no words.txt",
            "xml": f"{len(xml_words.words):,} words in {xml}" if xml else "no XML files",
        },
        counts={name: FormCount(count, KNOWN[name]) for name, count in found.items()},
        splits={
            split: FormCount(sum(form in sizes for form in forms), len(forms))
            for split, forms in _splits().items()
        },
        findings=findings,
    )


def _nothing_there(root: Path, images: Path, *, texts: bool, any_images: bool) -> Iterator[Finding]:
    """That there are no texts or no images, and what is there in their place."""
    if not (texts and any_images) and (hint := elsewhere(root)):
        yield Finding("problem", hint)
    if not texts:
        yield Finding(
            "problem",
            "no texts: neither words.txt nor XML files; extract ascii.tgz into ascii/, or xml.tgz "
            "into xml/",
        )
    if not any_images:
        example = f"{form_folder(images, 'a01-000u')}/a01-000u-00-00.png"
        yield Finding("problem", f"no word images; expected files such as {example}")


def _splits() -> dict[str, list[str]]:
    return {split: split_forms(split) for split in LISTED_SPLITS}


def _all_images(images: Path) -> dict[str, dict[str, int]]:
    """Bytes of every image, by form and word id."""
    folders = sorted(
        folder for folder in images.glob("*/*-*/") if folder == form_folder(images, folder.name)
    )
    return {folder.name: image_sizes(images, folder.name) or {} for folder in folders}


def _read_ascii(root: Path, findings: list[Finding]) -> tuple[Path | None, Words, dict[str, str]]:
    """The place of words.txt, what it says, and the writers of forms.txt."""
    table, forms = ascii_file(root, "words.txt"), ascii_file(root, "forms.txt")
    words, writers = Words([], []), dict[str, str]()
    try:
        writers = parse_forms(read_text(forms, DataError)) if forms else {}
        words = (
            parse_words(read_text(table, DataError), table.relative_to(root).as_posix())
            if table
            else words
        )
    except DataError as error:
        findings.append(Finding("problem", str(error)))
    _report_malformed(words, findings)
    return table, words, writers


def _read_xml(root: Path, findings: list[Finding]) -> tuple[Path | None, Words, dict[str, str]]:
    """The folder of XML files, what they say, and the writers."""
    folder = xml_folder(root)
    writers, words = read_xml(folder) if folder else ({}, Words([], []))
    _report_malformed(words, findings)
    return folder, words, writers


def _report_malformed(words: Words, findings: list[Finding]) -> None:
    if words.malformed:
        names = tuple(f"{row.id} ({row.reason})" for row in words.malformed)
        findings.append(Finding("problem", f"{len(names):,} malformed", names))


def _check_archive(archive: Path, extracted: bool, findings: list[Finding]) -> None:
    if not archive.is_file():
        return
    with archive.open("rb") as file:
        start = file.read(512)
    if start.lstrip().startswith(b"<"):
        text = (
            "a web page saved as an archive, such as the site's login page; log in and download "
            "it again"
        )
    elif not start.startswith(b"\x1f\x8b"):
        text = "not a gzip archive; download it again"
    elif not extracted:
        text = f"not extracted yet; try: ocrkit data fetch iam --dest {archive.parent}"
    else:
        return
    findings.append(Finding("problem", f"{archive}: {text}"))


def _compare(
    ascii_words: Words,
    xml_words: Words,
    writers: dict[str, str],
    xml_writers: dict[str, str],
    findings: list[Finding],
) -> None:
    """What ascii/ and xml/ say differently of the forms that both know."""
    both = {word.form for word in ascii_words.words} & {word.form for word in xml_words.words}
    first, second = (
        {word.id: word for word in words.words if word.form in both}
        for words in (ascii_words, xml_words)
    )
    differ = sorted(
        word for word in first.keys() | second.keys() if first.get(word) != second.get(word)
    )
    if differ:
        findings.append(
            Finding(
                "problem", f"ascii/ and xml/ disagree on {counted(differ, 'word')}", tuple(differ)
            )
        )
    others = sorted(
        form for form in writers.keys() & xml_writers.keys() if writers[form] != xml_writers[form]
    )
    if others:
        findings.append(
            Finding(
                "problem",
                f"forms.txt and xml/ disagree on the writer of {counted(others, 'form')}",
                tuple(others),
            )
        )
