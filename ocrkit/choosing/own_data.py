"""Somebody's own words or lines with their texts: found in a folder, checked, and split."""

import hashlib
import random
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from statistics import median

from ocrkit.data.datasets import open_dataset
from ocrkit.errors import DataError, ImageError, OcrkitError
from ocrkit.images.layout import Shown
from ocrkit.parts.characters import hidden_in
from ocrkit.parts.guests import guest
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.parts.protocols import Reader
from ocrkit.parts.registry import registry
from ocrkit.parts.values import Sample, Skipped
from ocrkit.reading.preparing import loaded

FEWEST = 20
"""Samples that it takes, or there is nothing to measure by."""
TEST, VALIDATION = 0.2, 0.15
"""Shares of the samples that are put aside, to measure by and to choose the best epoch by."""
ENOUGH = 5
"""Documents that can be split between training, choosing and measuring; of fewer, their parts
are."""
_LEFT = 0.5
"""The share of the samples that training is left with at least."""
_ODD = 2
"""A letter that fewer texts have is taken for a slip of the pen."""
_SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class OwnData:
    """What can be learnt of a folder."""

    reader: PartSpec
    shows: Shown
    """What a picture shows: a word, or a line."""
    samples: list[Sample]
    left_out: list[Skipped]
    """What cannot be used, and why."""


@dataclass(frozen=True)
class Split:
    """Samples to learn from, to choose the best epoch by, and to measure by."""

    train: list[Sample]
    validation: list[Sample]
    test: list[Sample]
    by: str
    """What is never in two of them: a document, a subfolder, a page, a sample; or ``folders``, for
    train, validation and test that were there."""


def open_own(
    root: Path, reader: str | None = None, report: Callable[[int, int], None] = lambda *_: None
) -> OwnData:
    """The words or lines of a folder that have a text and can be read, with the reader that finds
    the most texts there, unless one is named.

    Every picture is decoded; ``report`` is told how many of how many are. Pictures without a text,
    with characters that nobody sees, or that are there twice, are left out: of two with different
    texts both. Raises DataError where fewer than 20 are left.
    """
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; expected one with pictures and their texts")
    part = PartSpec("reader", reader or _reader_of(root), {"split": "all"})
    dataset = open_dataset(part, root=root)
    samples: dict[str, Sample] = {}
    left_out = list(dataset.skipped)
    for number, sample in enumerate(dataset, 1):
        report(number, len(dataset))
        try:
            _take(sample, samples, left_out)
        except ImageError as error:
            left_out.append(Skipped(sample.id, str(error)))
    usable = list(samples.values())
    if len(usable) < FEWEST:
        first = f"; the first left out: {left_out[0].id}: {left_out[0].reason}" if left_out else ""
        raise DataError(
            f"{root}: {len(usable)} pictures with a text; expected {FEWEST} at least, some to "
            f"learn from and some to measure by{first}"
        )
    words = median(len((sample.text or "").split()) for sample in usable)
    return OwnData(part, "line" if words > 1 else "word", usable, left_out)


def _reader_of(root: Path) -> str:
    """The reader that finds the most texts. Raises DataError where none finds any."""
    found = {name: _texts(name, root) for name in registry().names("reader")}
    best = max(found, key=lambda name: found[name], default="")
    if not best or not found[best]:
        raise DataError(
            f"{root}: no picture with a text is found here; expected words or lines with a table "
            "of their texts or a file beside each, or pages with PAGE or ALTO"
        )
    return best


def _texts(name: str, root: Path) -> int:
    """How many texts a reader finds; none where it cannot read what is there."""
    try:
        with guest("reader", name):
            part = PartSpec("reader", name, {"split": "all"})
            reader: Reader = make_part(part, root=str(root))
            return sum(reader[index].text is not None for index in range(len(reader)))
    except OcrkitError:
        return 0


def _take(sample: Sample, taken: dict[str, Sample], left_out: list[Skipped]) -> None:
    """Adds a sample to those that are taken, by its pixels, or to those left out. Raises ImageError
    where it cannot be read."""
    if sample.text is None:
        left_out.append(Skipped(sample.id, "has no text"))
    elif hidden := hidden_in(sample.text):
        left_out.append(Skipped(sample.id, f"a text{hidden}"))
    else:
        pixels = loaded(sample.load)
        key = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
        twin = taken.get(key)
        if twin is None:
            taken[key] = sample
            return
        left_out.append(Skipped(sample.id, f"the same picture as {twin.id}"))
        if twin.text != sample.text:
            left_out[-1] = Skipped(sample.id, f"the same picture as {twin.id}, with another text")
            left_out.append(Skipped(twin.id, f"the same picture as {sample.id}, with another text"))
            del taken[key]


def letters(samples: Iterable[Sample], alphabet: str) -> tuple[str, dict[str, str]]:
    """The letters that an alphabet lacks: those that are to be learnt, and those that a single text
    has, by letter with the sample's id."""
    texts = {sample.id: unicodedata.normalize("NFC", sample.text or "") for sample in samples}
    having: Counter[str] = Counter()
    first: dict[str, str] = {}
    for id_, text in texts.items():
        for letter in set(text) - set(alphabet):
            having[letter] += 1
            first.setdefault(letter, id_)
    new = "".join(sorted(each for each, count in having.items() if count >= _ODD))
    odd = {each: first[each] for each in sorted(having) if having[each] < _ODD}
    return new, odd


def split(own: OwnData, root: Path) -> Split:
    """The samples in three, whole documents each where there are five or more, else whole folders,
    pages, or samples. Folders and lists train, validation and test that are there are kept to.

    The same samples are always split in the same way.
    """
    if given := _given(own, root):
        return given
    keys: dict[str, Callable[[Sample], str | None]] = {
        "document": lambda sample: sample.form,
        "subfolder": lambda sample: str(PurePosixPath(sample.id).parent),
        "page": lambda sample: str(sample.path),
        own.shows: lambda sample: sample.id,
    }
    for by, key in keys.items():
        groups: defaultdict[str, list[Sample]] = defaultdict(list)
        for sample in own.samples:
            groups[key(sample) or ""].append(sample)
        is_last = by == own.shows
        if ENOUGH <= len(groups) < len(own.samples) + is_last and (found := _in_three(groups, by)):
            return found
    raise AssertionError("single samples can always be split")


def _in_three(groups: dict[str, list[Sample]], by: str) -> Split | None:
    """Whole groups in random order: to measure by until these are enough, then to choose by, the
    rest to learn from. None where too few are left for that."""
    names = sorted(groups)
    random.Random(0).shuffle(names)  # noqa: S311 (no secret)
    total = sum(map(len, groups.values()))
    parts: list[list[Sample]] = []
    for share in (TEST, VALIDATION):
        part: list[Sample] = []
        while names and len(part) < share * total:
            part += groups[names.pop()]
        parts.append(part)
    train = [sample for name in names for sample in groups[name]]
    return Split(train, parts[1], parts[0], by) if len(train) >= _LEFT * total else None


def _given(own: OwnData, root: Path) -> Split | None:
    """The folders or lists train, validation and test, where the reader knows all three."""
    parts: list[list[Sample]] = []
    usable = {sample.id: sample for sample in own.samples}
    for name in _SPLITS:
        try:
            with guest("reader", own.reader.use):
                part = PartSpec("reader", own.reader.use, {"split": name})
                reader: Reader = make_part(part, root=str(root))
                ids = [reader[index].id for index in range(len(reader))]
        except OcrkitError:
            return None
        parts.append([usable[id_] for id_ in ids if id_ in usable])
    return Split(parts[0], parts[1], parts[2], "folders") if all(parts) else None
