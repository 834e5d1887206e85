"""The splits of IAM's words and lines: by lists of forms, and by chance."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from ocrkit.errors import DataError
from ocrkit_iam.texts import Line, Word

_FOLDER = Path(__file__).parent / "splits"
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


def split_forms(split: str) -> list[str]:
    """The form ids of a listed split.

    >>> len(split_forms("aachen/train"))
    747
    """
    return (_FOLDER / f"{split.replace('/', '-')}.txt").read_text("utf-8").split()


def in_split(split: str) -> Callable[[Word | Line], bool]:
    """Whether a word or a line is of the split. Raises DataError for one that does not exist."""
    if split == "all":
        return lambda item: True
    if split in RANDOM_SPLITS:
        for_test = split.endswith("/test")
        return lambda item: _drawn_for_test(item.id) == for_test
    if split in LISTED_SPLITS:
        forms = frozenset(split_forms(split))
        return lambda item: item.form in forms
    from difflib import get_close_matches

    near = get_close_matches(split, SPLITS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise DataError(f"iam: no split named {split!r}.{hint} Available: {', '.join(SPLITS)}.")


def _drawn_for_test(item: str) -> bool:
    """One word or line in five: by a hash of its id instead of a shuffle, so that the draw is the
    same in a partial copy, and with or without ``err`` rows."""
    return hashlib.blake2b(item.encode(), digest_size=2).digest() < b"\x33\x33"
