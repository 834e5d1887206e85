"""IAM's words: where the files are, what the rows say, and the reader that puts both together.

Layout (the archives words.tgz, ascii.tgz and xml.tgz, each extracted into its own folder, or all
straight into the root)::

    ROOT/words/a01/a01-000u/a01-000u-00-00.png      or ROOT/a01/a01-000u/…
    ROOT/ascii/words.txt, forms.txt                 or ROOT/words.txt, forms.txt
    ROOT/xml/a01-000u.xml                           or ROOT/a01-000u.xml

Texts come from words.txt, and where that is missing from the XML files; both say the same.
"""

import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from ocrkit.errors import DataError
from ocrkit.files import open_regular, read_bytes, read_text
from ocrkit.images import read_image
from ocrkit.interfaces import FormCount, Sample, Skipped, option

if TYPE_CHECKING:
    from ocrkit_iam.doctor import Report

_FOLDER = Path(__file__).parent
RANDOM_SPLITS = ("random-80-20/train", "random-80-20/test")
LISTED_SPLITS = tuple(
    f"{family}/{part}"
    for family, parts in {
        "aachen": ("train", "validation", "test"),
        "official": ("train", "validation1", "validation2", "test"),
    }.items()
    for part in parts
)
SPLITS = ("all", *LISTED_SPLITS, *RANDOM_SPLITS)

_LARGEST_XML = 64 << 20
"""Bytes; IAM's files have some 100,000."""
# An id becomes part of a file's path, so nothing but letters, digits and hyphens may be in it.
_WORD_ID = re.compile(r"([A-Za-z0-9]+-[A-Za-z0-9]+)-[0-9]+-[0-9]+")
_ROW = re.compile(
    r"(?P<id>\S+) (?P<flag>ok|err|er) -?\d+ -?\d+ -?\d+ -?\d+ -?\d+ \S+ (?P<text>\S.*)", re.ASCII
)


class Word(NamedTuple):
    """What words.txt or the XML say of a word."""

    id: str
    form: str
    ok: bool
    """Whether its line was cut into words correctly; the flag is the line's."""
    text: str


class Words(NamedTuple):
    """What is known of some words, and the rows that make no sense."""

    words: list[Word]
    malformed: list[Skipped]


# -------------------------------------------------------------------------------------------- files


def images_folder(root: Path) -> Path:
    """The folder that holds ``a01/a01-000u/…png``."""
    return root / "words" if (root / "words").is_dir() else root


def ascii_file(root: Path, name: str) -> Path | None:
    """``words.txt`` or ``forms.txt``, or None."""
    return next((path for path in (root / "ascii" / name, root / name) if path.is_file()), None)


def xml_folder(root: Path) -> Path | None:
    """The folder that holds the XML files, or None."""
    return next((folder for folder in (root / "xml", root) if any(folder.glob("*.xml"))), None)


def form_folder(images: Path, form: str) -> Path:
    return images / form.partition("-")[0] / form


def image_sizes(images: Path, form: str) -> dict[str, int] | None:
    """Bytes of every image of a form, by word id; None where the form has no folder. Raises
    DataError for a locked one."""
    folder = form_folder(images, form)
    try:
        with os.scandir(folder) as entries:
            return {
                entry.name.removesuffix(".png"): entry.stat().st_size
                for entry in entries
                if entry.name.endswith(".png") and entry.is_file()
            }
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise DataError(f"{folder}: {error.strerror}") from None


def any_form_folder(images: Path) -> bool:
    """Whether there are images of any form."""
    return any(folder == form_folder(images, folder.name) for folder in images.glob("*/*-*/"))


def split_forms(split: str) -> list[str]:
    """The form ids of a listed split."""
    return (_FOLDER / "splits" / f"{split.replace('/', '-')}.txt").read_text("utf-8").split()


# -------------------------------------------------------------------------------------------- texts


def parse_words(text: str, name: str = "words.txt") -> Words:
    """The rows ``id ok|err graylevel x y w h tag text`` of words.txt; a text may hold spaces.

    Its header documents a tenth field and the flag ``er``; the rows have nine, and say ``err``.
    Lines that start with ``#`` are comments before the first row only, since ``#`` is also a token.
    A malformed row is named by its line number.
    """
    words: dict[str, Word] = {}
    malformed: list[Skipped] = []
    in_header = True
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.rstrip()
        if not line or (in_header and line.startswith("#")):
            continue
        in_header = False
        row = _ROW.fullmatch(line)
        word_id = _WORD_ID.fullmatch(row["id"]) if row else None
        if row is None or word_id is None:
            malformed.append(
                Skipped(
                    f"{name}:{number}",
                    "malformed row; expected: id ok|err graylevel x y w h tag text",
                )
            )
        elif row["id"] in words:
            malformed.append(Skipped(f"{name}:{number}", f"second row of {row['id']}"))
        else:
            words[row["id"]] = Word(row["id"], word_id[1], row["flag"] == "ok", row["text"])
    return Words(list(words.values()), malformed)


def parse_xml(data: bytes, name: str = "form.xml") -> tuple[str | None, Words]:
    """The writer and the words of a form's XML file.

    IAM escapes its texts twice (``&amp;quot;``), so the five XML entities are resolved once more.
    Boxes (``cmp``) are not needed: a word may have none. A DOCTYPE that names a file is passed
    over, the file never read. Raises DataError for broken XML, and for a DOCTYPE with declarations
    of its own, whose entities can grow without bound.
    """
    from xml.parsers import expat
    from xml.sax.saxutils import unescape

    words: dict[str, Word] = {}
    malformed: list[Skipped] = []
    writer: str | None = None
    line_ok = True

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal writer, line_ok
        if tag == "form":
            writer = attributes.get("writer-id")
        elif tag == "line":
            line_ok = attributes.get("segmentation", "ok") == "ok"
        elif tag == "word":
            word_id = _WORD_ID.fullmatch(attributes.get("id", ""))
            text = unescape(attributes.get("text", ""), {"&quot;": '"', "&apos;": "'"})
            if word_id is None or not text or word_id[0] in words:
                number = parser.CurrentLineNumber
                malformed.append(
                    Skipped(f"{name}:{number}", "malformed word; expected a new id and a text")
                )
            else:
                words[word_id[0]] = Word(word_id[0], word_id[1], line_ok, text)

    def refuse_declarations(
        doctype: str, system: str | None, public: str | None, has_declarations: bool
    ) -> None:
        if has_declarations:
            raise DataError(
                f"{name}: its DOCTYPE declares things of its own, which IAM's files do not; refused"
            )

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse_declarations
    try:
        parser.Parse(data, True)
    except (
        expat.ExpatError,
        LookupError,
        ValueError,
    ) as error:  # the others: encodings that Python or expat lacks
        raise DataError(f"{name}: broken XML ({error})") from None
    return writer, Words(list(words.values()), malformed)


def read_xml(folder: Path, forms: Collection[str] | None = None) -> tuple[dict[str, str], Words]:
    """Writers by form, and the words of the folder's XML files (all of them, or those of
    ``forms``).

    A broken file is one entry of ``malformed``.
    """
    writers: dict[str, str] = {}
    words: list[Word] = []
    malformed: list[Skipped] = []
    for path in sorted(folder.glob("*.xml")):
        if forms is not None and path.stem not in forms:
            continue
        try:
            writer, found = parse_xml(
                read_bytes(path, DataError, "XML", most=_LARGEST_XML), path.name
            )
        except DataError as error:
            reason = str(error).removeprefix(f"{path}: ").removeprefix(f"{path.name}: ")
            malformed.append(Skipped(path.name, reason))
            continue
        if writer:
            writers[path.stem] = writer
        words += found.words
        malformed += found.malformed
    return writers, Words(words, malformed)


def parse_forms(text: str) -> dict[str, str]:
    """Writers by form, from the rows ``form writer …`` of forms.txt."""
    rows = (line.split() for line in text.split("\n") if not line.startswith("#"))
    return {row[0]: row[1] for row in rows if len(row) > 1}


def xml_writers(folder: Path, forms: Iterable[str]) -> dict[str, str]:
    """Writers by form, from the first few bytes of each form's XML file."""
    writers: dict[str, str] = {}
    for form in forms:
        try:
            with open_regular(folder / f"{form}.xml", DataError) as file:
                found = re.search(rb'<form\b[^>]*\bwriter-id="(\w+)"', file.read(4096))
        except (DataError, OSError):
            continue
        if found:
            writers[form] = found[1].decode()
    return writers


# ------------------------------------------------------------------------------------------- reader


def _in_split(split: str) -> Callable[[Word], bool]:
    """Whether a word is of the split. Raises DataError for a split that does not exist."""
    if split == "all":
        return lambda word: True
    if split in RANDOM_SPLITS:
        # By a hash of the id instead of a shuffle: the draw is the same in a partial copy, and with
        # or without `err` rows.
        test = split.endswith("/test")
        return lambda word: (
            (hashlib.blake2b(word.id.encode(), digest_size=2).digest() < b"\x33\x33") == test
        )
    if split in LISTED_SPLITS:
        forms = frozenset(split_forms(split))
        return lambda word: word.form in forms
    from difflib import get_close_matches

    near = get_close_matches(split, SPLITS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise DataError(f"iam: no split named {split!r}.{hint} Available: {', '.join(SPLITS)}.")


@dataclass
class IamWords:
    """Words of the IAM Handwriting Database (Marti & Bunke 2002).

    Splits: ``aachen/{train,validation,test}`` and ``official/{train,validation1,validation2,test}``
    by lists of forms that share no writer; ``random-80-20/{train,test}``, the seed notebook's kind
    of split, which shares forms and writers between its two parts and so flatters; ``all``. Raises
    DataError where nothing can be read.
    """

    root: Path = option(
        Path(), "the folder that words.tgz, ascii.tgz and xml.tgz were extracted into"
    )
    split: str = option("all", f"one of {', '.join(SPLITS)}")
    level: Literal["words"] = option("words", "what an image shows")
    include_err: bool = option(
        False, "also words of lines that were not cut into words correctly (flag err)"
    )

    def __post_init__(self) -> None:
        in_split = _in_split(self.split)
        if not self.root.is_dir():
            raise DataError(
                f"iam: {self.root}: no such folder; expected one that words.tgz and ascii.tgz were "
                "extracted into"
            )
        words, malformed, writers = self._texts()
        chosen = [word for word in words if in_split(word)]
        images = images_folder(self.root)
        sizes = {
            form: image_sizes(images, form) for form in dict.fromkeys(word.form for word in chosen)
        }
        there = [form for form, found in sizes.items() if found is not None]
        self._check_found(images, there)

        self._images = images
        self._writers = writers or xml_writers(xml_folder(self.root) or self.root, there)
        self._forms = FormCount(
            len(there), len(split_forms(self.split)) if self.split in LISTED_SPLITS else None
        )
        self._skipped = malformed
        self._words: list[Word] = []
        for word in chosen:
            form_sizes = sizes[word.form]
            # A form without a folder is simply not in a partial copy: it lowers the count of forms,
            # its words are not missing.
            if form_sizes is None or not (word.ok or self.include_err):
                continue
            if form_sizes.get(word.id):
                self._words.append(word)
            else:
                self._skipped.append(
                    Skipped(word.id, "empty file" if word.id in form_sizes else "missing")
                )
        if not self._words:
            raise DataError(
                f"iam: no word of {self.split} can be read under {self.root}; {self._advice()}"
            )

    def _texts(self) -> tuple[list[Word], list[Skipped], dict[str, str]]:
        """Words, malformed rows, and writers by form, from ``ascii/`` or else from ``xml/``."""
        table, xml = ascii_file(self.root, "words.txt"), xml_folder(self.root)
        if table is not None:
            forms = ascii_file(self.root, "forms.txt")
            writers = parse_forms(read_text(forms, DataError)) if forms else {}
            words, malformed = parse_words(
                read_text(table, DataError), table.relative_to(self.root).as_posix()
            )
        elif xml is not None:
            table = xml
            writers, (words, malformed) = read_xml(
                xml, split_forms(self.split) if self.split in LISTED_SPLITS else None
            )
        else:
            raise DataError(
                f"iam: no texts under {self.root}: neither ascii/words.txt, words.txt, xml/*.xml "
                "nor *.xml is there; "
                f"{self._advice()}"
            )
        if malformed and not words:
            raise DataError(
                f"iam: no row of {table} is a word's ({malformed[0].id}: {malformed[0].reason}); "
                f"{self._advice()}"
            )
        return words, malformed, writers

    def _check_found(self, images: Path, there: list[str]) -> None:
        if there:
            return
        if self.split != "all" and any_form_folder(images):
            raise DataError(
                f"iam: none of the forms of {self.split} is under {images}, though others are; "
                f"{self._advice()}"
            )
        raise DataError(
            f"iam: no word images under {self.root}: looked for words/FORM and FORM such as "
            f"{form_folder(images, 'a01-000u')}; "
            f"{self._advice()}"
        )

    def _advice(self) -> str:
        from ocrkit_iam.hints import elsewhere

        return elsewhere(self.root) or f"see what is there with: ocrkit data check iam {self.root}"

    def __len__(self) -> int:
        return len(self._words)

    def __getitem__(self, index: int) -> Sample:
        word = self._words[index]
        # a Path would double a cached start
        path = f"{self._images}/{word.form.partition('-')[0]}/{word.form}/{word.id}.png"
        return Sample(
            word.id,
            word.text,
            self._writers.get(word.form),
            partial(read_image, path),
            word.form,
            path,
        )

    @property
    def skipped(self) -> Sequence[Skipped]:
        return self._skipped

    @property
    def forms(self) -> FormCount:
        return self._forms

    @classmethod
    def sample_root(cls) -> Path:
        """About 300 rendered words of made-up forms, to be read as ``all``."""
        return _FOLDER / "sample"

    @classmethod
    def check(cls, root: Path) -> "Report":
        """What is there, missing, wrong or damaged (``ocrkit data check iam ROOT``)."""
        from ocrkit_iam.doctor import examine

        return examine(root)

    @classmethod
    def fetch(cls, dest: Path, url: str | None = None) -> None:
        """Downloads and extracts the archives with the user's own login (``ocrkit data fetch iam
        --dest DIR``)."""
        from ocrkit_iam.fetch import fetch

        fetch(dest, url)
