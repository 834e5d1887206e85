"""What may be odd about a copy of IAM: what is missing, wrong, damaged or left over."""

from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from pathlib import Path

from ocrkit.data.findings import Finding, counted
from ocrkit_iam.files import LEVELS, Level, ascii_file, form_folder, images_folder
from ocrkit_iam.hints import elsewhere
from ocrkit_iam.inventory import Images, Texts
from ocrkit_iam.texts import Line, Word

KNOWN_EMPTY = {"a01-117-05-02", "r06-022-03-05"}
"""Images of words that are empty in IAM's own archive."""


def of_images(
    rows: Mapping[str, Word | Line], images: Images, broken: Collection[str], mend: str
) -> Iterator[Finding]:
    """What is odd about images of words or of lines, of which ``broken`` cannot be decoded;
    ``mend`` says what to do about those."""
    files = images.files()
    empty = [id_ for id_, size in files.items() if not size]
    if known := [id_ for id_ in empty if id_ in KNOWN_EMPTY]:
        yield Finding("note", f"{counted(known, 'empty image')}, as in IAM's own archive", known)
    if unknown := [id_ for id_ in empty if id_ not in KNOWN_EMPTY]:
        yield Finding("problem", f"{counted(unknown, 'empty image')}; {mend}", unknown)
    if broken:
        yield Finding("problem", f"{counted(broken, 'damaged image')}; {mend}", sorted(broken))
    of_forms_there = [row.id for row in rows.values() if row.form in images.sizes]
    if missing := [id_ for id_ in of_forms_there if id_ not in files]:
        text = f"{counted(missing, 'image')} missing, though the form is there"
        yield Finding("problem", text, missing)
    if rows and (extra := [id_ for id_ in files if id_ not in rows]):
        yield Finding("problem", f"{counted(extra, 'image')} without a text", extra)
    if images.sizes and (absent := {row.form for row in rows.values()} - images.sizes.keys()):
        forms = f"{counted(absent, 'form')} with texts but without a folder of images"
        yield Finding("note", f"a part of IAM: {forms}", sorted(absent))


def of_writers(forms: Iterable[str], writers: Container[str]) -> Iterator[Finding]:
    """That the writers of forms are not known."""
    if anonymous := [form for form in forms if form not in writers]:
        text = f"{counted(anonymous, 'form')} without a writer, which forms.txt and XML files name"
        yield Finding("note", text, anonymous)


def of_archive(archive: Path, extracted: bool) -> Iterator[Finding]:
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
        level = " --level lines" if archive.stem == "lines" else ""
        text = f"not extracted yet; try: ocrkit data fetch iam --dest {archive.parent}{level}"
    else:
        return
    yield Finding("problem", f"{archive}: {text}")


def differences(tables: Texts, xml: Texts) -> Iterator[Finding]:
    """What ascii/ and xml/ say differently of the forms that both know."""
    for level in LEVELS:
        ours, theirs = tables.rows(level), xml.rows(level)
        both = {row.form for row in ours.values()} & {row.form for row in theirs.values()}
        first, second = (
            {id_: _told(row) for id_, row in rows.items() if row.form in both}
            for rows in (ours, theirs)
        )
        ids = first.keys() | second.keys()
        if differ := sorted(id_ for id_ in ids if first.get(id_) != second.get(id_)):
            text = f"ascii/ and xml/ disagree on {counted(differ, level.removesuffix('s'))}"
            yield Finding("problem", text, differ)
    forms = tables.writers.keys() & xml.writers.keys()
    if others := sorted(form for form in forms if tables.writers[form] != xml.writers[form]):
        text = f"forms.txt and xml/ disagree on the writer of {counted(others, 'form')}"
        yield Finding("problem", text, others)


def _told(row: Word | Line) -> tuple[object, ...]:
    """What both tell; how a line was written only the XML does."""
    return (row.ok, row.text if isinstance(row, Word) else row.tokens)


def nothing_there(root: Path, there: Mapping[Level, bool], xml: Texts) -> Iterator[Finding]:
    """That there are no images, or no texts of those that are there, and what is there in their
    place."""
    levels: list[Level] = [level for level in LEVELS if there[level]] or ["words"]
    mute = [
        level for level in levels if ascii_file(root, f"{level}.txt") is None and xml.place is None
    ]
    if (mute or not any(there.values())) and (hint := elsewhere(root)):
        yield Finding("problem", hint)
    for level in mute:
        yield Finding(
            "problem",
            f"no texts: neither {level}.txt nor XML files; extract ascii.tgz into ascii/, or "
            "xml.tgz into xml/",
        )
    if not any(there.values()):
        example = form_folder(images_folder(root, "words"), "a01-000u") / "a01-000u-00-00.png"
        yield Finding("problem", f"no images of words or lines; expected files such as {example}")
