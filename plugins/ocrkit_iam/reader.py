"""The reader of IAM's words and lines: images, and the texts of words.txt and lines.txt, or where
those are missing of the XML files; both say the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ocrkit.errors import DataError
from ocrkit.images import read_image
from ocrkit.interfaces import FormCount, Sample, Skipped, option
from ocrkit.support.files import read_text
from ocrkit_iam.files import (
    Level,
    any_form_folder,
    ascii_file,
    form_folder,
    image_sizes,
    images_folder,
    xml_folder,
)
from ocrkit_iam.splits import LISTED_SPLITS, RANDOM_SPLITS, SPLITS, in_split, split_forms
from ocrkit_iam.texts import Line, Word, parse_forms, parse_lines, parse_words
from ocrkit_iam.xml_forms import Forms, read_xml, xml_writers

if TYPE_CHECKING:
    from ocrkit_iam.assembly import Assembled
    from ocrkit_iam.doctor import Report


@dataclass
class Iam:
    """Words, lines or whole forms of the IAM Handwriting Database (Marti & Bunke 2002).

    Splits: ``aachen/{train,validation,test}`` and ``official/{train,validation1,validation2,test}``
    by lists of forms that share no writer; ``random-80-20/{train,test}``, the seed notebook's kind
    of split, which shares forms and writers between its two parts and so flatters; ``all``. Raises
    DataError where nothing can be read.
    """

    root: Path = option(
        Path(), "the folder that words.tgz or lines.tgz, ascii.tgz and xml.tgz were extracted into"
    )
    split: str = option("all", f"one of {', '.join(SPLITS)}")
    level: Literal["words", "lines", "pages"] = option(
        "words", "what an image shows; pages are whole forms, and what is written on them by hand"
    )
    include_err: bool | None = option(
        None,
        "also what is of lines that were not cut into words correctly (flag err); by default lines "
        "are, and words are not",
    )
    spacing: Literal["tokens", "written"] = option(
        "tokens",
        'a line\'s text: its tokens joined by spaces ("facts , and"), as the literature scores, '
        'or as written ("facts, and")',
    )

    def __post_init__(self) -> None:
        chosen_by = in_split(self.split)
        if not self.root.is_dir():
            raise DataError(
                f"iam: {self.root}: no such folder; expected one that {self.level}.tgz and "
                "ascii.tgz were extracted into"
            )
        if self.level == "pages":
            self._items: list[Word | Line | Sample] = self._pages()
            return
        items, malformed, writers = self._texts()
        chosen = [item for item in items if chosen_by(item)]
        images = images_folder(self.root, self.level)
        forms = dict.fromkeys(item.form for item in chosen)
        sizes = {form: image_sizes(images, form) for form in forms}
        there = [form for form, found in sizes.items() if found is not None]
        self._check_found(images, there)

        self._images = images
        self._writers = writers or xml_writers(xml_folder(self.root) or self.root, there)
        listed = self._listed_forms()
        self.forms = FormCount(len(there), None if listed is None else len(listed))
        self.skipped = malformed
        self._items = []
        for item in chosen:
            form_sizes = sizes[item.form]
            # A form without a folder is simply not in a partial copy: it lowers the count of forms,
            # its words are not missing.
            if form_sizes is None or not self._is_wanted(item):
                continue
            if form_sizes.get(item.id):
                self._items.append(item)
            else:
                reason = "empty file" if item.id in form_sizes else "missing"
                self.skipped.append(Skipped(item.id, reason))
        if not self._items:
            raise DataError(
                f"iam: no {self.level[:-1]} of {self.split} can be read under {self.root}; "
                f"{self._advice()}"
            )

    def _pages(self) -> list[Word | Line | Sample]:
        from ocrkit_iam.forms import open_pages

        if self.split in RANDOM_SPLITS:
            raise DataError(
                f"iam: {self.split} draws words of all forms; pages have the splits that list forms"
            )
        found = open_pages(self.root, self._listed_forms(), self.spacing, self._advice)
        self.skipped, self.forms = found.skipped, found.forms
        return list(found.samples)

    def _is_wanted(self, item: Word | Line) -> bool:
        """A line's flag tells of its words alone: its image and its text are right all the same,
        and the lines that papers count have either flag."""
        with_err = self.level == "lines" if self.include_err is None else self.include_err
        return item.ok or with_err

    def _listed_forms(self) -> list[str] | None:
        """The forms of the split, of which a partial copy lacks some; None where it lists none."""
        return split_forms(self.split) if self.split in LISTED_SPLITS else None

    def _of_xml(self, folder: Path) -> Forms:
        return read_xml(folder, self._listed_forms())

    def _texts(self) -> tuple[Sequence[Word | Line], list[Skipped], dict[str, str]]:
        """Words or lines, malformed rows, and writers by form, from ``ascii/`` or else from
        ``xml/``."""
        table, xml = ascii_file(self.root, f"{self.level}.txt"), xml_folder(self.root)
        items: Sequence[Word | Line]
        if table is not None:
            forms = ascii_file(self.root, "forms.txt")
            writers = parse_forms(read_text(forms, DataError)) if forms else {}
            name = table.relative_to(self.root).as_posix()
            if self.level == "words":
                items, malformed = parse_words(read_text(table, DataError), name)
            else:
                items, malformed = parse_lines(read_text(table, DataError), name)
                if xml and self.spacing == "written":
                    own = {line.id: line.written for line in self._of_xml(xml).lines.lines}
                    items = [
                        line._replace(written=own.get(line.id, line.written)) for line in items
                    ]
        elif xml is not None:
            table = xml
            writers, words, lines = self._of_xml(xml)
            items, malformed = words if self.level == "words" else lines
        else:
            raise DataError(
                f"iam: no texts under {self.root}: neither ascii/{self.level}.txt, "
                f"{self.level}.txt, xml/*.xml nor *.xml is there; {self._advice()}"
            )
        if malformed and not items:
            raise DataError(
                f"iam: no row of {table} is a {self.level[:-1]}'s ({malformed[0].id}: "
                f"{malformed[0].reason}); {self._advice()}"
            )
        return items, malformed, writers

    def _check_found(self, images: Path, there: list[str]) -> None:
        if there:
            return
        if self.split != "all" and any_form_folder(images):
            raise DataError(
                f"iam: none of the forms of {self.split} is under {images}, though others are; "
                f"{self._advice()}"
            )
        raise DataError(
            f"iam: no {self.level[:-1]} images under {self.root}: looked for {self.level}/FORM and "
            f"FORM such as "
            f"{form_folder(images, 'a01-000u')}; "
            f"{self._advice()}"
        )

    def _advice(self) -> str:
        from ocrkit_iam.hints import elsewhere

        return elsewhere(self.root) or f"see what is there with: ocrkit data check iam {self.root}"

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Sample:
        """A word, a line or a page; its image is read when ``load`` is called. Raises IndexError.

        >>> sample = Iam(Iam.sample_root())[0]
        >>> sample.id, sample.text, sample.writer, sample.form
        ('z00-000-00-00', 'The', '900', 'z00-000')
        >>> sample.load().shape
        (49, 85)
        """
        item = self._items[index]
        if isinstance(item, Sample):
            return item
        # a Path would double a cached start
        path = f"{self._images}/{item.form.partition('-')[0]}/{item.form}/{item.id}.png"
        return Sample(
            item.id,
            item.text if isinstance(item, Word) else item.text(self.spacing),
            self._writers.get(item.form),
            partial(read_image, path),
            item.form,
            path,
        )

    @classmethod
    def sample_root(cls) -> Path:
        """About 300 rendered words of made-up forms, to be read as ``all``."""
        return Path(__file__).parent / "sample"

    @classmethod
    def check(cls, root: Path) -> "Report":
        """What is there, missing, wrong or damaged (``ocrkit data check iam ROOT``)."""
        from ocrkit_iam.doctor import examine

        return examine(root)

    @classmethod
    def fetch(cls, dest: Path, url: str | None = None, level: Level = "words") -> None:
        """Downloads and extracts the archives with the user's own login (``ocrkit data fetch iam
        --dest DIR``)."""
        from ocrkit_iam.fetch import fetch

        fetch(dest, url, level)

    @classmethod
    def assemble_lines(cls, root: Path, to: Path) -> "Assembled":
        """Lines out of the images of words (``ocrkit data lines iam ROOT``)."""
        from ocrkit_iam.assembly import assemble

        return assemble(root, to)
