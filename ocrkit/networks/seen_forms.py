"""What weights have seen: the data that they were trained on, and those by which they were chosen.

Lists of it are text files with a line each: ``trained`` or ``chosen``, a tab, and an id.
``forms.txt`` beside a zoo model's manifest lists forms; ``seen.txt``, there and in the folder of a
training run, the keys of samples that are of no form. They are read when something is scored.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated

from ocrkit.errors import OcrkitError, WeightsError
from ocrkit.parts.checked import Rule, Whole, checked
from ocrkit.parts.values import Sample
from ocrkit.support.files import read_bytes, read_text, write_atomically
from ocrkit.support.parsing import parse_json

FORMS, IMAGES = "forms.txt", "seen.txt"

FileName = Annotated[
    str,
    Rule(
        "the name of a file beside the manifest",
        lambda name: re.fullmatch(r"[^/\\\0]+", name) is not None and name not in (".", ".."),
    ),
]


@dataclass(frozen=True, slots=True)
class SeenList:
    """What a manifest says of a list: its file, and how many are ``trained`` and ``chosen`` in
    it."""

    file: FileName
    trained: Whole
    chosen: Whole


@dataclass(frozen=True, slots=True)
class SeenForms:
    """What weights have seen, as far as their model or their training run says: forms, and of
    samples that are of no form the keys (:func:`key_of`)."""

    trained: frozenset[str] = frozenset()
    chosen: frozenset[str] = frozenset()
    """Those by which something was chosen: the best epoch, say, or a temperature."""
    trained_keys: frozenset[str] = frozenset()
    chosen_keys: frozenset[str] = frozenset()


def together(all_seen: Iterable[SeenForms]) -> SeenForms:
    """What several weights have seen that read together."""
    seen = list(all_seen)
    return SeenForms(
        *(
            frozenset().union(*(getattr(each, field.name) for each in seen))
            for field in fields(SeenForms)
        )
    )


def key_of(sample: Sample) -> str:
    """What a sample is known by that is of no form, 16 hexadecimal digits: its image file's bytes,
    so that files may be moved and renamed; of one without a file, its id and text. Empty where the
    file cannot be read."""
    if sample.path is None:
        return hashlib.sha256(
            f"{sample.id}\0{sample.text}".encode(errors="surrogatepass")
        ).hexdigest()[:16]
    try:
        with Path(sample.path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError:
        return ""


def forms_of(samples: Iterable[Sample]) -> list[str]:
    return sorted({sample.form for sample in samples if sample.form})


def keys_of(samples: Iterable[Sample]) -> frozenset[str]:
    """The keys of those that are of no form."""
    return frozenset(key_of(sample) for sample in samples if not sample.form) - {""}


# -------------------------------------------------------------------------------------------- lists


def write_list(path: Path, trained: Iterable[str], chosen: Iterable[str]) -> SeenList:
    """Writes a list, whole or not at all; returns what a manifest says of it.

    Raises WeightsError for an id that goes over the end of a line.
    """
    lists = {"trained": sorted(trained), "chosen": sorted(chosen)}
    ids = [each for listed in lists.values() for each in listed]
    if broken := [each for each in ids if len(f"{each}.".splitlines()) > 1]:
        raise WeightsError(f"{broken[0]!r}: an id of several lines cannot be listed in {path.name}")
    text = "".join(f"{use}\t{each}\n" for use, listed in lists.items() for each in listed)
    with write_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return SeenList(path.name, **{use: len(listed) for use, listed in lists.items()})


def read_list(path: Path) -> dict[str, frozenset[str]]:
    """The ids of a list, ``trained`` and ``chosen``. Raises WeightsError where it is missing or
    damaged."""
    found: dict[str, set[str]] = {"trained": set(), "chosen": set()}
    expected = "the list of what the weights have seen; install the model anew"
    for number, line in enumerate(read_text(path, WeightsError, expected).splitlines(), 1):
        use, tab, each = line.partition("\t")
        if use not in found or not tab or not each:
            raise WeightsError(
                f"{path}: line {number}: {line!r}; expected 'trained' or 'chosen', a tab and an id"
            )
        found[use].add(each)
    return {use: frozenset(ids) for use, ids in found.items()}


def write_seen(folder: Path, seen: SeenForms) -> tuple[SeenList, SeenList | None]:
    """Writes a model's lists; returns ``forms`` and ``images`` of its manifest, ``images`` where
    there are any."""
    forms = write_list(folder / FORMS, seen.trained, seen.chosen)
    if not seen.trained_keys and not seen.chosen_keys:
        return forms, None
    return forms, write_list(folder / IMAGES, seen.trained_keys, seen.chosen_keys)


def of_model(folder: Path, forms: SeenList | None, images: SeenList | None) -> SeenForms:
    """What the model in a folder says; nothing where its manifest names no list.

    Raises WeightsError where a list is missing or damaged, or has not as many lines as the manifest
    says.
    """
    return SeenForms(*_listed(folder, forms, "forms"), *_listed(folder, images, "images"))


def _listed(
    folder: Path, stated: SeenList | None, name: str
) -> tuple[frozenset[str], frozenset[str]]:
    """What was trained on and chosen by, of the list of this name."""
    if stated is None:
        return frozenset(), frozenset()
    path = folder / stated.file
    found = read_list(path)
    for use, count in (("trained", stated.trained), ("chosen", stated.chosen)):
        if len(found[use]) != count:
            raise WeightsError(
                f"{path}: {len(found[use]):,} {name} are {use!r}, the manifest says {count:,}: "
                "cut off or replaced; install the model anew"
            )
    return found["trained"], found["chosen"]


@dataclass(frozen=True, slots=True)
class _Before:
    """What the weights had seen that a run began from, or learnt from."""

    trained: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Validation:
    forms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Run:
    """What of ``run.json`` says what a run has seen; an earlier ocrkit's too."""

    forms: tuple[str, ...]
    validation: _Validation | None = None
    init: _Before | None = None
    teacher: _Before | None = None


def of_run(folder: Path) -> SeenForms:
    """What ``run.json`` and ``seen.txt`` in the folder of a training run say; nothing where it is
    no such folder.

    Raises WeightsError where ``seen.txt`` is damaged.
    """
    try:
        run = checked(_Run, parse_json(read_bytes(folder / "run.json")))
    except (OcrkitError, ValueError):
        return SeenForms()
    before, teacher = run.init or _Before(), run.teacher or _Before()
    validation = run.validation or _Validation()
    seen = SeenForms(
        frozenset([*run.forms, *before.trained, *teacher.trained]),
        frozenset([*validation.forms, *before.chosen, *teacher.chosen]),
    )
    if not (folder / IMAGES).is_file():
        return seen
    keys = read_list(folder / IMAGES)
    return replace(seen, trained_keys=keys["trained"], chosen_keys=keys["chosen"])
