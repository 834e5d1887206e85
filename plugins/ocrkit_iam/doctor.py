"""Says of a copy of IAM what is there, and what is missing, wrong or damaged."""

from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ocrkit.data.findings import Finding, counted, unreadable
from ocrkit.errors import DataError
from ocrkit.interfaces import FormCount
from ocrkit.support.files import read_text
from ocrkit_iam.files import ascii_file, form_folder, image_sizes, images_folder, xml_folder
from ocrkit_iam.hints import elsewhere
from ocrkit_iam.splits import LISTED_SPLITS, split_forms
from ocrkit_iam.texts import Word, Words, parse_forms, parse_words
from ocrkit_iam.xml_forms import read_xml

KNOWN = {"forms": 1_539, "writers": 657, "words": 115_320, "ok words": 96_456, "images": 115_320}
"""The whole of IAM."""
KNOWN_EMPTY = {"a01-117-05-02", "r06-022-03-05"}
"""Images that are empty in IAM's own archive."""


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
        splits = {f"forms of {split}": count for split, count in self.splits.items()}
        for name, count in (self.counts | splits).items():
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
    images = images_folder(root, "words")
    sizes = _all_images(images)
    findings: list[Finding] = []
    table, ascii_words, ascii_writers = _read_ascii(root, findings)
    xml, xml_words, xml_writers = _read_xml(root, findings)
    extracted = {"words": bool(sizes), "ascii": bool(table), "xml": bool(xml)}
    for name, there in extracted.items():
        findings += _of_archive(root / f"{name}.tgz", there)
    if ascii_words.words and xml_words.words:
        findings += _differences(ascii_words, xml_words, ascii_writers, xml_writers)
    findings += _nothing_there(root, images, texts=bool(table or xml), any_images=bool(sizes))

    rows = {word.id: word for word in ascii_words.words or xml_words.words}
    files = {word: size for form in sizes.values() for word, size in form.items()}
    broken = unreadable(_not_empty(images, sizes))
    findings += _of_images(rows, sizes, files, broken)
    writers = xml_writers | ascii_writers
    findings += _of_writers(sizes, writers)

    found = {
        "forms": len(sizes),
        "writers": len({writers[form] for form in sizes if form in writers}),
        "words": len(rows),
        "ok words": sum(word.ok for word in rows.values()),
        "images": len(files),
    }
    pictures = f"{len(files):,} images of {len(sizes):,} forms in {images}"
    readable = (files.get(word.id) and word.id not in broken for word in rows.values() if word.ok)
    return Report(
        root=str(root),
        usable=any(readable),
        places={
            "words": pictures if sizes else "no images",
            "ascii": f"{len(ascii_words.words):,} words in {table}" if table else "no words.txt",
            "xml": f"{len(xml_words.words):,} words in {xml}" if xml else "no XML files",
        },
        counts={name: FormCount(count, KNOWN[name]) for name, count in found.items()},
        splits={split: _count(split_forms(split), sizes) for split in LISTED_SPLITS},
        findings=findings,
    )


def _count(forms: Collection[str], there: Container[str]) -> FormCount:
    return FormCount(sum(form in there for form in forms), len(forms))


# ----------------------------------------------------------------------------------------- findings


def _of_images(
    rows: Mapping[str, Word],
    sizes: Mapping[str, Mapping[str, int]],
    files: Mapping[str, int],
    broken: Collection[str],
) -> Iterator[Finding]:
    """What is odd about images: ``sizes`` are their bytes by form and word, ``files`` by word
    alone, ``broken`` are words whose images cannot be decoded."""
    empty = [word for word, size in files.items() if not size]
    if known := [word for word in empty if word in KNOWN_EMPTY]:
        yield Finding("note", f"{counted(known, 'empty image')}, as in IAM's own archive", known)
    if unknown := [word for word in empty if word not in KNOWN_EMPTY]:
        text = f"{counted(unknown, 'empty image')}; extract words.tgz again"
        yield Finding("problem", text, unknown)
    if broken:
        text = f"{counted(broken, 'damaged image')}; extract words.tgz again"
        yield Finding("problem", text, sorted(broken))
    of_forms_there = [word.id for word in rows.values() if word.form in sizes]
    if missing := [word for word in of_forms_there if word not in files]:
        text = f"{counted(missing, 'image')} missing, though the form is there"
        yield Finding("problem", text, missing)
    if rows and (extra := [word for word in files if word not in rows]):
        yield Finding("problem", f"{counted(extra, 'image')} without a text", extra)
    if sizes and (absent := {word.form for word in rows.values()} - sizes.keys()):
        forms = f"{counted(absent, 'form')} with texts but without a folder of images"
        yield Finding("note", f"a part of IAM: {forms}", sorted(absent))


def _of_writers(forms: Iterable[str], writers: Container[str]) -> Iterator[Finding]:
    if anonymous := [form for form in forms if form not in writers]:
        text = f"{counted(anonymous, 'form')} without a writer, which forms.txt and XML files name"
        yield Finding("note", text, anonymous)


def _of_archive(archive: Path, extracted: bool) -> Iterator[Finding]:
    """That an archive is none, or is not extracted."""
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
    yield Finding("problem", f"{archive}: {text}")


def _differences(
    ascii_words: Words,
    xml_words: Words,
    ascii_writers: Mapping[str, str],
    xml_writers: Mapping[str, str],
) -> Iterator[Finding]:
    """What ascii/ and xml/ say differently of the forms that both know."""
    both = {word.form for word in ascii_words.words} & {word.form for word in xml_words.words}
    first, second = (
        {word.id: word for word in words.words if word.form in both}
        for words in (ascii_words, xml_words)
    )
    words = first.keys() | second.keys()
    if differ := sorted(word for word in words if first.get(word) != second.get(word)):
        yield Finding("problem", f"ascii/ and xml/ disagree on {counted(differ, 'word')}", differ)
    forms = ascii_writers.keys() & xml_writers.keys()
    if others := sorted(form for form in forms if ascii_writers[form] != xml_writers[form]):
        text = f"forms.txt and xml/ disagree on the writer of {counted(others, 'form')}"
        yield Finding("problem", text, others)


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


# ------------------------------------------------------------------------------------ what is there


def _all_images(images: Path) -> dict[str, dict[str, int]]:
    """Bytes of every image, by form and word id."""
    folders = sorted(
        folder for folder in images.glob("*/*-*/") if folder == form_folder(images, folder.name)
    )
    return {folder.name: image_sizes(images, folder.name) or {} for folder in folders}


def _not_empty(images: Path, sizes: Mapping[str, Mapping[str, int]]) -> dict[str, Path]:
    """The images that have any bytes, by word id."""
    return {
        word: form_folder(images, form) / f"{word}.png"
        for form, of_form in sizes.items()
        for word, size in of_form.items()
        if size
    }


def _read_ascii(root: Path, findings: list[Finding]) -> tuple[Path | None, Words, dict[str, str]]:
    """The place of words.txt, what it says, and the writers of forms.txt."""
    table, forms = ascii_file(root, "words.txt"), ascii_file(root, "forms.txt")
    words, writers = Words([], []), dict[str, str]()
    try:
        writers = parse_forms(read_text(forms, DataError)) if forms else {}
        if table:
            words = parse_words(read_text(table, DataError), table.relative_to(root).as_posix())
    except DataError as error:
        findings.append(Finding("problem", str(error)))
    _report_malformed(words, findings)
    return table, words, writers


def _read_xml(root: Path, findings: list[Finding]) -> tuple[Path | None, Words, dict[str, str]]:
    """The folder of XML files, what they say, and the writers."""
    folder = xml_folder(root)
    writers, words, _ = read_xml(folder) if folder else ({}, Words([], []), None)
    _report_malformed(words, findings)
    return folder, words, writers


def _report_malformed(words: Words, findings: list[Finding]) -> None:
    if words.malformed:
        names = tuple(f"{row.id} ({row.reason})" for row in words.malformed)
        findings.append(Finding("problem", f"{len(names):,} malformed", names))
