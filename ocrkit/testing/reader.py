"""Whether a reader does what the interface says."""

import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path
from typing import Any, ClassVar
from unittest import SkipTest

import numpy as np

from ocrkit.errors import DataError, ImageError
from ocrkit.images.grey import are_pixels
from ocrkit.parts.page_protocols import CutsLines
from ocrkit.parts.protocols import Reader
from ocrkit.parts.values import Sample
from ocrkit.testing.another_process import ids_in_another_process
from ocrkit.testing.base import PartConformance, skipped_where_missing
from ocrkit.testing.cutter import STAMP, Stamp

_IMAGES = 16
"""How many images are loaded, of those that a data set has."""


class ReaderConformance(PartConformance):
    """Checks of a reader, on the data set that its options name, else on the sample that ships with
    its plugin.

    The data set is only read; what is damaged is a copy made of links.
    """

    kind = "reader"
    disjoint_splits: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Groups of splits, such as ("train", "test"), no two of which share a writer."""

    def part(self, **more: Any) -> Any:
        if "root" not in {**self.options, **more}:
            with skipped_where_missing(self.entry):
                more["root"] = self.entry.load().sample_root()
            if more["root"] is None:
                how = "ocrkit plugins test --data ROOT, or the option root in a test"
                raise SkipTest(f"ships no sample; name a data set: {how}")
        return self._made(**more)

    def reader(self, **more: Any) -> Reader:
        with self.works("to open its data set", DataError):
            reader: Reader = self.part(**more)
        return reader

    def test_it_is_sized_and_indexable(self) -> None:
        """Length, indexing and iteration agree; an index outside raises IndexError."""
        reader = self.reader()
        self.check(
            isinstance(reader, Reader),
            "lacks one of root, split, __len__, __getitem__, skipped, forms, sample_root",
        )
        size = len(reader)
        self.check(size > 0, "has no samples, and did not raise DataError")
        indexed = [reader[index].id for index in range(size)]
        iterated = [sample.id for sample in reader]  # type: ignore[attr-defined]  # by __getitem__, until IndexError
        self.check(
            indexed == iterated,
            f"has {size} samples by its length, but {len(iterated)} when it is walked through",
        )
        for index in (size, size + 1, -size - 1):
            try:
                sample = reader[index]
            except IndexError:
                continue
            self.check(False, f"has {sample.id!r} at index {index} of {size}; expected IndexError")
        try:
            last = reader[-1].id
        except IndexError:
            return
        self.check(
            last == indexed[-1],
            f"gives {last!r} for index -1; expected the last sample, {indexed[-1]!r}, or "
            "IndexError",
        )

    def test_samples_say_what_they_are(self) -> None:
        """Ids are unique texts; text, writer and form are texts or None; what it notes besides are
        sentences."""
        seen: set[str] = set()
        for sample in self._samples():
            self.check(
                isinstance(sample, Sample), f"gives {type(sample).__name__}; expected ocrkit.Sample"
            )
            self.check(
                isinstance(sample.id, str) and sample.id,
                f"gives the id {sample.id!r}; expected a text",
            )
            self.check(sample.id not in seen, f"gives two samples the id {sample.id!r}")
            seen.add(sample.id)
            for name in ("text", "writer", "form"):
                value = getattr(sample, name)
                self.check(
                    value is None or isinstance(value, str),
                    f"says {name} {value!r} of {sample.id}; expected a text",
                )
            self.check(
                isinstance(sample.variant, str),
                f"says variant {sample.variant!r} of {sample.id}; expected a text",
            )
        notes = list(getattr(self.reader(), "notes", ()))
        self.check(
            all(isinstance(note, str) for note in notes),
            f"has the notes {notes!r}; expected sentences",
        )

    def test_it_is_the_same_every_time(self) -> None:
        """Opened twice, it has the same samples in the same order."""
        first, second = (
            [(s.id, s.text, s.writer, s.form) for s in self._samples()] for _ in range(2)
        )
        self.check(
            first == second, "has other samples, or another order, when it is opened a second time"
        )

    def test_it_is_the_same_in_another_process(self) -> None:
        """Ids and order do not depend on Python's hashes, which each process makes anew: runs that
        resume count on it."""
        reader = self.reader()
        ids = [sample.id for sample in self._samples(reader)]
        options = {**self.options, "root": str(Path(reader.root).absolute())}
        try:
            there = ids_in_another_process(self.name, options)
        except ChildProcessError as error:
            self.check(False, f"cannot be opened in another process: {error}")
        else:
            self.check(
                there == ids,
                "has other ids, or another order, in another process; sort what comes from a set "
                "or a folder, and use no hash()",
            )

    def test_images_are_grey_pixels(self) -> None:
        """``load`` gives uint8 (H, W), or in colour (H, W, 3), the same every time and from several
        threads."""
        samples = self._samples()[:_IMAGES]
        images = []
        for sample in samples:
            with self.works(f"to load {sample.id}", ImageError):
                image = sample.load()
            named = (
                f"{image.dtype} {image.shape}"
                if isinstance(image, np.ndarray)
                else type(image).__name__
            )
            self.check(
                are_pixels(image),
                f"loads {sample.id} as {named}; expected grey pixels uint8 (height, width), or "
                "RGB (height, width, 3)",
            )
            images.append(image)
        with ThreadPoolExecutor(4) as pool, self.works("to load images from several threads"):
            again = list(pool.map(lambda sample: sample.load(), samples))
        same = all(np.array_equal(one, two) for one, two in zip(images, again, strict=True))
        self.check(same, "loads other pixels when it loads from several threads")

    def test_it_cuts_with_the_cutter_that_it_is_given(self) -> None:
        """A reader with ``cut_with`` gives what that cutter makes of its lines."""
        reader = self.reader()
        if not isinstance(reader, CutsLines) or not reader.cut_with(Stamp()):
            raise SkipTest("cuts no lines out of pages (cut_with)")
        with self.works("to cut lines with a cutter that it is given", ImageError):
            images = [sample.load() for sample in self._samples(reader)[:_IMAGES]]
        cut = all(np.array_equal(image, STAMP) for image in images)
        self.check(cut, "cuts lines with another cutter than the one that it is given")

    def test_what_is_skipped_is_named(self) -> None:
        """Id and reason of each sample that is left out, none of which is among the samples."""
        reader = self.reader()
        ids = {sample.id for sample in self._samples(reader)}
        for skipped in reader.skipped:
            self.check(
                skipped.id and skipped.reason.strip(),
                f"skips {skipped.id!r} for the reason {skipped.reason!r}",
            )
            self.check(
                skipped.id not in ids,
                f"says that it skips {skipped.id}, and has it among its samples",
            )

    def test_damaged_files_are_skipped_and_named(self) -> None:
        """A file that is missing, empty or no image takes its samples away and nothing else; their
        ids are told, or the file's path from the root."""
        whole = self._samples()
        first, root = whole[0], Path(self.reader().root).absolute()
        path = Path(first.path or "").absolute()
        if len(whole) < 2 or first.path is None or not path.is_relative_to(root):
            raise SkipTest(
                "its samples do not say which files under its root they are from, or there is only "
                "one"
            )
        kept = {sample.id for sample in whole if sample.path != first.path}
        for fault, content in (
            ("missing", None),
            ("empty", b""),
            ("no image", b"these bytes are no image"),
        ):
            with tempfile.TemporaryDirectory() as folder:
                copy = shutil.copytree(root, Path(folder) / "data", copy_function=os.symlink)
                victim = copy / path.relative_to(root)
                victim.unlink()
                if content is not None:
                    victim.write_bytes(content)
                file = path.relative_to(root).as_posix()
                self._check_damaged(copy, first.id, file, kept, fault)

    def _check_damaged(
        self, root: Path, damaged: str, file: str, kept: set[str], fault: str
    ) -> None:
        with self.works(f"on a data set with one file that is {fault}"):
            reader = self.part(root=str(root))
        samples = {sample.id: sample for sample in self._samples(reader)}
        self.check(
            kept <= samples.keys(),
            f"loses other samples too where one file is {fault}: "
            f"{sorted(kept - samples.keys())[:3]}",
        )
        if damaged in samples:
            with self.works(
                f"to load an image whose file is {fault}; expected ImageError", ImageError
            ):
                try:
                    samples[damaged].load()
                except ImageError as error:
                    self.check(
                        str(error).strip(),
                        f"does not say why it cannot load an image whose file is {fault}",
                    )
                    return
            self.check(
                False, f"loads something for {damaged}, whose file is {fault}; expected ImageError"
            )
        skipped = {each.id for each in reader.skipped}
        named = damaged in skipped or file in skipped
        self.check(
            named or fault == "missing",
            f"leaves out {damaged}, whose file is {fault}, and does not say so in skipped",
        )

    def test_it_knows_the_split_all(self) -> None:
        reader = self.reader()
        with self.works("to open the split 'all'"):
            every = {sample.id for sample in self._samples(self.part(split="all"))}
        lost = sorted({sample.id for sample in self._samples(reader)} - every)
        self.check(
            not lost,
            f"has samples in the split {reader.split!r} that 'all' lacks: {', '.join(lost[:3])}",
        )

    def test_what_is_not_there_is_refused(self) -> None:
        """DataError for an unknown split, and for a root that is missing or empty."""
        self.reader()
        with tempfile.TemporaryDirectory() as empty:
            cases = {
                "an unknown split": {"split": "no-such-split"},
                "an empty folder": {"root": empty},
            }
            for named, options in {
                **cases,
                "a missing folder": {"root": f"{empty}/missing"},
            }.items():
                try:
                    with self.works(f"on {named}; expected DataError", DataError):
                        self.part(**options)
                except DataError as error:
                    self.check(str(error).strip(), f"refuses {named}, but does not say why")
                else:
                    self.check(False, f"opens {named}; expected DataError")

    def test_splits_share_no_writer(self) -> None:
        """Those of ``disjoint_splits``."""
        self.reader()
        if not self.disjoint_splits:
            raise SkipTest("claims no splits without common writers (disjoint_splits)")
        for group in self.disjoint_splits:
            writers = {}
            for split in group:
                writers[split] = {
                    sample.writer for sample in self._samples(self.reader(split=split))
                }
                self.check(
                    None not in writers[split], f"does not know all writers of the split {split!r}"
                )
            for one, other in combinations(group, 2):
                common = sorted(map(str, writers[one] & writers[other]))
                self.check(
                    not common,
                    f"has writers in both {one!r} and {other!r}: {', '.join(common[:3])}",
                )

    def _samples(self, reader: Reader | None = None) -> list[Sample]:
        reader = reader or self.reader()
        with self.works("to index its samples"):
            return [reader[index] for index in range(len(reader))]
