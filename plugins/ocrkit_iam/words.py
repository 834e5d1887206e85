"""The reader of IAM's words: images, and the texts of words.txt, or where that is missing of the
XML files; both say the same."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ocrkit.errors import DataError
from ocrkit.images import read_image
from ocrkit.interfaces import FormCount, Sample, Skipped, option
from ocrkit.support.files import read_text
from ocrkit_iam.files import (
    any_form_folder,
    ascii_file,
    form_folder,
    image_sizes,
    images_folder,
    xml_folder,
)
from ocrkit_iam.splits import LISTED_SPLITS, SPLITS, in_split, split_forms
from ocrkit_iam.texts import Word, parse_forms, parse_words, read_xml, xml_writers

if TYPE_CHECKING:
    from ocrkit_iam.doctor import Report


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
        chosen_by = in_split(self.split)
        if not self.root.is_dir():
            raise DataError(
                f"iam: {self.root}: no such folder; expected one that words.tgz and ascii.tgz were "
                "extracted into"
            )
        words, malformed, writers = self._texts()
        chosen = [word for word in words if chosen_by(word)]
        images = images_folder(self.root)
        forms = dict.fromkeys(word.form for word in chosen)
        sizes = {form: image_sizes(images, form) for form in forms}
        there = [form for form, found in sizes.items() if found is not None]
        self._check_found(images, there)

        self._images = images
        self._writers = writers or xml_writers(xml_folder(self.root) or self.root, there)
        listed = self._listed_forms()
        self.forms = FormCount(len(there), None if listed is None else len(listed))
        self.skipped = malformed
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
                reason = "empty file" if word.id in form_sizes else "missing"
                self.skipped.append(Skipped(word.id, reason))
        if not self._words:
            raise DataError(
                f"iam: no word of {self.split} can be read under {self.root}; {self._advice()}"
            )

    def _listed_forms(self) -> list[str] | None:
        """The forms of the split, of which a partial copy lacks some; None where it lists none."""
        return split_forms(self.split) if self.split in LISTED_SPLITS else None

    def _texts(self) -> tuple[list[Word], list[Skipped], dict[str, str]]:
        """Words, malformed rows, and writers by form, from ``ascii/`` or else from ``xml/``."""
        table, xml = ascii_file(self.root, "words.txt"), xml_folder(self.root)
        if table is not None:
            forms = ascii_file(self.root, "forms.txt")
            writers = parse_forms(read_text(forms, DataError)) if forms else {}
            name = table.relative_to(self.root).as_posix()
            words, malformed = parse_words(read_text(table, DataError), name)
        elif xml is not None:
            table = xml
            writers, (words, malformed) = read_xml(xml, self._listed_forms())
        else:
            raise DataError(
                f"iam: no texts under {self.root}: neither ascii/words.txt, words.txt, xml/*.xml "
                f"nor *.xml is there; {self._advice()}"
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
        """A word; its image is read when ``load`` is called. Raises IndexError.

        >>> sample = IamWords(IamWords.sample_root())[0]
        >>> sample.id, sample.text, sample.writer, sample.form
        ('z00-000-00-00', 'The', '900', 'z00-000')
        >>> sample.load().shape
        (49, 85)
        """
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
    def fetch(cls, dest: Path, url: str | None = None) -> None:
        """Downloads and extracts the archives with the user's own login (``ocrkit data fetch iam
        --dest DIR``)."""
        from ocrkit_iam.fetch import fetch

        fetch(dest, url)
