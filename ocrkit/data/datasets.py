"""A reader's samples for a run: root and split resolved, narrowed by ids and by a limit."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from ocrkit.data import lines
from ocrkit.errors import DataError, ImageError, OcrkitError, warn
from ocrkit.parts.characters import hidden_in
from ocrkit.parts.fingerprint import code_of, fingerprint
from ocrkit.parts.guests import guest
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.parts.page_protocols import CutsLines, Cutter
from ocrkit.parts.protocols import Reader
from ocrkit.parts.registry import registry
from ocrkit.parts.values import FormCount, Image, Sample, Skipped
from ocrkit.support.files import read_text

_DEFAULT = PartSpec("cutter", "", {})
KEPT = 50_000
"""Samples of a data set that are kept in memory; where there are more, they are made again whenever
they are needed."""


@dataclass(frozen=True)
class Dataset(Sequence[Sample]):
    """Samples with what is to be said of them."""

    name: str
    root: Path
    split: str
    skipped: tuple[Skipped, ...]
    """Known to be unusable without reading an image."""
    forms: FormCount | None
    limit: int | None
    """Only the first so many samples were asked for."""
    is_sample: bool
    """Whether this is the small sample that ships with the reader's plugin."""
    _reader: Reader
    _indices: Sequence[int]
    cutter: Cutter | None = None
    """What its reader cuts lines out of pages with; None for other readers."""

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> Sample:  # type: ignore[override]  # no slices: a data set is narrowed, not cut
        return self._sample(self._indices[index])

    def __iter__(self) -> Iterator[Sample]:
        return iter(self._kept) if len(self) <= KEPT else self._made()

    def _made(self) -> Iterator[Sample]:
        return map(self._sample, self._indices)

    def _sample(self, index: int) -> Sample:
        """One that cannot be made says why when its image is read, so that it is skipped as others
        that cannot be read."""
        try:
            with guest("reader", self.name):
                return _checked(self._reader[index])
        except OcrkitError as error:
            return Sample(f"sample {index + 1}", "", None, partial(_refuse, str(error)))

    @cached_property
    def _kept(self) -> list[Sample]:
        """The samples, which several walks through them need: the digest, the cache's key, the run
        itself."""
        return list(self._made())

    def sha256(self) -> str:
        """Of id, writer, form and text of every sample, in order; of no image."""
        digest = hashlib.sha256()
        for sample in self:
            digest.update(json.dumps([sample.id, sample.writer, sample.form, sample.text]).encode())
        return digest.hexdigest()

    def fingerprint(self) -> str | None:
        """Of all that decides on the samples' pixels besides their files; None where that cannot be
        told."""
        if self.cutter is None:
            return fingerprint(self._reader)
        found = (fingerprint(self._reader, self.cutter), code_of(lines.__name__))
        return None if None in found else " ".join(map(str, found))

    def after(self, count: int) -> "Dataset":
        """The same without its first samples."""
        if not count:
            return self
        return replace(self, _indices=self._indices[count:])

    def share(self, number: int, of: int) -> "Dataset":
        """Share ``number``, from 1, of so many: samples that stand beside each other. Raises
        DataError where there are fewer samples than shares."""
        if of > len(self):
            raise DataError(f"{self.root}: {len(self):,} samples are too few for {of:,} shares")
        first, end = (each * len(self) // of for each in (number - 1, number))
        return replace(self, _indices=self._indices[first:end])


def _checked(sample: Any) -> Sample:
    if not isinstance(sample, Sample):
        raise TypeError(f"it gave {type(sample).__name__} in place of a Sample")
    if not isinstance(sample.id, str):
        raise TypeError(f"it gave the id {sample.id!r}; expected a text")
    for value in (sample.text, sample.writer, sample.form):
        if not (value is None or isinstance(value, str)):
            raise TypeError(f"it said {value!r} of {sample.id}; expected texts, or None")
    return sample


def _refuse(reason: str) -> Image:
    raise ImageError(reason)


def _ids_in(name: str) -> set[str]:
    lines = read_text(Path(name), DataError, "ids of forms or samples, one a line").split("\n")
    ids = {line.strip() for line in lines if line.strip()}
    if not ids:
        warn(f"{name}: no ids in it")
    return ids


def _all_ids(part: PartSpec, options: Mapping[str, Any], root: str | Path) -> set[str | None]:
    """The ids of the samples and of the forms of all splits of a reader."""
    try:
        with guest("reader", part.use):
            whole = make_part(
                PartSpec("reader", part.use, {**options, "split": "all"}), root=str(root)
            )
            samples = (whole[index] for index in range(len(whole)))
            return {each for sample in samples for each in (sample.id, sample.form)}
    except OcrkitError:
        return set()


def _name_unknown(file: str, ids: Set[str], known: Set[str | None]) -> None:
    """Warns of ids that no form and no sample of the data has: narrowing by them does nothing."""
    if not (unknown := sorted(ids - known)):
        return
    some = ", ".join(f"{each}{hidden_in(each)}" for each in unknown[:3]) + ", …" * (
        len(unknown) > 3
    )
    warn(
        f"{file}: {len(unknown):,} of {len(ids):,} ids are no form and no sample of this data: "
        f"{some}"
    )


def default_root(reader: str) -> Path | None:
    """The root that the environment variable ``OCRKIT_<READER>`` names, for example
    ``OCRKIT_IAM``."""
    value = os.environ.get(_variable(reader))
    return Path(value) if value else None


def _variable(reader: str) -> str:
    return f"OCRKIT_{reader.upper().replace('-', '_')}"


def open_dataset(
    part: PartSpec,
    *,
    cutter: PartSpec = _DEFAULT,
    root: str | Path | None = None,
    split: str | None = None,
    only: str | None = None,
    exclude: str | None = None,
    limit: int | None = None,
) -> Dataset:
    """The samples of a reader. Without a root: what the environment names, else the sample of the
    reader's plugin, whole.

    ``cutter`` is the pipeline's, for readers that cut lines out of pages; one without a name is the
    default. ``only`` and ``exclude`` name files of ids, of forms or of samples, one a line, and
    replace the options of these names in ``[reader]``; ``limit`` keeps the first so many samples.
    Raises DataError where nothing is left, ConfigError for a cutter that cannot be made.
    """
    options = dict(part.options)
    named = (options.pop("only", ""), options.pop("exclude", ""))
    only = named[0] if only is None else only
    exclude = named[1] if exclude is None else exclude
    found = _root(part.use, root or options.get("root"))
    is_sample = found is None
    if found is None:
        found = _sample_root(part.use)
        options["split"], only, exclude = "all", "", ""
    elif split is not None:
        options["split"] = split
    reader: Reader = make_part(PartSpec("reader", part.use, options), root=str(found))
    whole = _whole(part.use, found, reader, limit, is_sample)
    if isinstance(reader, CutsLines):
        made: Cutter = make_part(cutter)
        with guest("reader", part.use):
            cuts = reader.cut_with(made)
        whole = replace(whole, cutter=made if cuts else None)
    if only or exclude:
        whole = _narrowed(whole, PartSpec("reader", part.use, options), only, exclude)
    narrowed = replace(whole, _indices=whole._indices[:limit])
    if not narrowed:
        by = " after narrowing it by ids" if only or exclude else ""
        raise DataError(f"{found}: no samples in split {narrowed.split!r}{by}")
    return narrowed


def _root(reader: str, root: str | Path | None) -> Path | None:
    """The root that is given, or that the environment names; None where nobody names one.

    Raises DataError where it is not there.
    """
    named = root if root is not None else default_root(reader)
    if named is None or Path(named).exists():
        return None if named is None else Path(named)
    by = f" ({_variable(reader)} names it)" if named == default_root(reader) else ""
    raise DataError(f"{named}: no such folder{by}; expected the data of reader {reader!r}")


def _sample_root(reader: str) -> Path:
    """Where the reader's plugin has its sample. Raises DataError where it has none."""
    with guest("reader", reader):
        root = registry().get("reader", reader).load().sample_root()
        found = None if root is None else Path(root)
    if found is None:
        raise DataError(f"reader {reader!r} ships no sample; name a data set with --data ROOT")
    return found


def _whole(name: str, root: Path, reader: Reader, limit: int | None, is_sample: bool) -> Dataset:
    """All samples of a reader, and what it says of them."""
    with guest("reader", name):
        indices, split = range(len(reader)), reader.split
        skipped, forms = tuple(reader.skipped), reader.forms
        if not all(isinstance(each, Skipped) for each in skipped) or not isinstance(
            forms, FormCount | None
        ):
            raise TypeError(
                f"it says skipped {skipped[:3]!r}, forms {forms!r}; expected Skipped, and a "
                "FormCount or None"
            )
        for sentence in getattr(reader, "notes", ()):
            warn(sentence)
    return Dataset(name, root, split, skipped, forms, limit, is_sample, reader, indices)


def _narrowed(whole: Dataset, part: PartSpec, only: str, exclude: str) -> Dataset:
    """The samples that the file ``only`` names, themselves or by their forms, if any, without those
    that ``exclude`` names."""
    wanted = _ids_in(only) if only else None
    unwanted = _ids_in(exclude) if exclude else set()
    with guest("reader", part.use):
        samples = ((index, whole._reader[index]) for index in whole._indices)
        of_index = {index: (sample.id, sample.form) for index, sample in samples}
    here = {each for ids in of_index.values() for each in ids}
    for file, ids in ((only, wanted or set()), (exclude, unwanted)):
        if ids - here:
            _name_unknown(file, ids, here | _all_ids(part, part.options, whole.root))
    indices = [
        index
        for index, ids in of_index.items()
        if (wanted is None or not wanted.isdisjoint(ids)) and unwanted.isdisjoint(ids)
    ]
    left = {form for index in indices if (form := of_index[index][1])}
    named = {sample for sample, _ in of_index.values()}
    asked_for = len(wanted - named) or None if wanted is not None else None
    return replace(
        whole,
        skipped=tuple(each for each in whole.skipped if _may_belong(each.id, left)),
        forms=whole.forms and FormCount(len(left), asked_for),
        _indices=indices,
    )


def _may_belong(sample_id: str, forms: set[str]) -> bool:
    """Whether a skipped sample is of one of these forms, as far as its id shows that."""
    return any(sample_id.startswith((f"{form}-", f"{form}/", f"{form}#")) for form in forms)
