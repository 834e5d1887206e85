"""Characters that nobody sees, or that an alphabet lacks, told so that people find them."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Literal

from ocrkit.parts.protocols import Codec

_SHOWN = 10
"""Characters that a sentence names; of more it says how many."""


def is_hidden(character: str) -> bool:
    """Whether nobody sees it, or takes it for a space: a zero-width space, a byte-order mark, …"""
    category = unicodedata.category(character)
    return category in {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"} or (
        category == "Zs" and character != " "
    )


def named(character: str) -> str:
    """A character as a message shows it: ``é``, but ``U+200B ZERO WIDTH SPACE`` where it is hidden
    or belongs to another, and ``’ U+2019`` where it looks like one of ASCII."""
    code = f"U+{ord(character):04X}"
    if is_hidden(character) or unicodedata.combining(character):
        return f"{code} {unicodedata.name(character, 'unnamed character')}"
    if character == " ":
        return "the space"
    is_sign = not character.isascii() and not character.isalnum()
    return f"{character} {code}" if is_sign else character


def hidden_in(text: str) -> str:
    """``, with U+200B ZERO WIDTH SPACE in it`` for a message that names the text: nobody sees why
    it matches nothing. Nothing where none is hidden."""
    hidden = dict.fromkeys(filter(is_hidden, text))
    return f", with {', '.join(map(named, hidden))} in it" if hidden else ""


def wrong_alphabet(characters: str) -> str:
    """Why they are no alphabet: ``'a' U+0061 twice; …``. Nothing where each is there once."""
    if not characters:
        return "empty; expected the characters that the network can write, each once"
    counts = Counter(characters)
    repeated = [
        f"{character!r} U+{ord(character):04X} {'twice' if count == 2 else f'{count} times'}"
        for character, count in counts.items()
        if count > 1
    ]
    if not repeated:
        return ""
    pairs = (unicodedata.normalize("NFC", first + second) for first, second in pairwise(characters))
    composed = list(dict.fromkeys(pair for pair in pairs if len(pair) == 1))
    some = ", ".join(f"{each!r} U+{ord(each):04X}" for each in composed[:_SHOWN])
    hint = (
        f". Some are typed as a letter and its accent; in Unicode's form NFC they are one: {some}"
        if composed
        else ""
    )
    return f"{', '.join(repeated)}; every character needs one class, so name it once{hint}"


def lacking(texts: Iterable[str], codec: Codec) -> str:
    """``3 texts have characters that the alphabet lacks: U+200B ZERO WIDTH SPACE (2), é (1)``.

    The numbers are those of texts. Nothing where the alphabet has all characters.
    """
    counts: Counter[str] = Counter()
    found = 0
    for text in texts:
        if unknown := codec.unknown(text):
            counts.update(unknown)
            found += 1
    have = "texts have" if found > 1 else "text has"
    return f"{found:,} {have} characters that the alphabet lacks: {listed(counts)}" * (found > 0)


def unwritable(
    texts: Sequence[str], codec: Codec, form: Literal["NFC", "NFKC"] | None
) -> Iterator[str]:
    """What is to be said of texts that a network is scored by and can never write, as they are
    compared: in a Unicode form, or as they are."""
    compared = [unicodedata.normalize(form, text) for text in texts] if form else texts
    if said := lacking(compared, codec):
        yield f"{said}; these count as mistakes"
    elsewhere = 0
    if form is None:
        known = [text for text in texts if not codec.unknown(text)]
        elsewhere = sum(codec.normalize(text) != text for text in known)
    if elsewhere:
        yield (
            f"{elsewhere:,} {'texts are' if elsewhere > 1 else 'text is'} in another Unicode form "
            "than the alphabet's, which counts as a mistake; --unicode NFC compares both in one"
        )


def listed(counts: Counter[str]) -> str:
    """Characters with their counts, the most frequent first: ``’ U+2019 (12), é (1)``."""
    shown = [f"{named(character)} ({count:,})" for character, count in counts.most_common(_SHOWN)]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")
