"""The characters that a network can write, and their class ids."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from ocrkit.errors import ConfigError


class Alphabet:
    """The codec that ships: a class for each character, and the blank of CTC after them.

    Texts are taken and given in logical order, the order in which they are read and typed, whatever
    the direction of their script. A class is one code point. Every look-up takes the same time,
    however many characters there are.

    >>> alphabet = Alphabet("abé")
    >>> alphabet.encode("bae\\u0301")  # typed as a letter and its accent
    [1, 0, 2]
    >>> alphabet.decode([1, 0, 2])
    'baé'

    Raises ConfigError for an empty alphabet and for characters that occur twice.
    """

    def __init__(self, characters: str) -> None:
        twice = sorted(each for each, count in Counter(characters).items() if count > 1)
        if not characters:
            raise ConfigError(
                ["alphabet: empty; expected the characters that the network can write"]
            )
        if twice:
            raise ConfigError(
                [
                    (
                        f"alphabet: {''.join(twice)!r} occurs more than once; every character "
                        "needs "
                        "one class"
                    )
                ]
            )
        self.characters = characters
        self._ids = {character: index for index, character in enumerate(characters)}

    def __len__(self) -> int:
        return len(self.characters)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Alphabet) and other.characters == self.characters

    def __hash__(self) -> int:
        return hash(self.characters)

    def __repr__(self) -> str:
        return f"Alphabet({self.characters!r})"

    @property
    def blank(self) -> int:
        """The class that writes nothing, K − 1."""
        return len(self.characters)

    @property
    def classes(self) -> int:
        """K: the characters and the blank."""
        return len(self.characters) + 1

    def normalize(self, text: str) -> str:
        """The text in the Unicode form in which the alphabet can write it: NFC, else as it is, else
        NFD; NFC where in none (Unicode Standard Annex 15).

        What looks the same is the same then, however a person's keyboard or system writes an é,
        also for an alphabet that has letters and accents apart.
        """
        composed = unicodedata.normalize("NFC", text)
        forms = (composed, text, unicodedata.normalize("NFD", text))
        return next((form for form in forms if self._ids.keys() >= set(form)), composed)

    def unknown(self, text: str) -> str:
        """The characters of a text, once normalised, that the alphabet lacks: in order, each
        once."""
        return "".join(
            character
            for character in dict.fromkeys(self.normalize(text))
            if character not in self._ids
        )

    def encode(self, text: str) -> list[int]:
        """Class ids of a text, once normalised. Raises KeyError for a character that the alphabet
        lacks (see :meth:`unknown`)."""
        return [self._ids[character] for character in self.normalize(text)]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of class ids, none of them the blank: a character for each."""
        return "".join(self.characters[index] for index in ids)


def steps_needed(label: Sequence[int] | str) -> int:
    """The fewest time steps in which CTC can write a label: its length, and a blank between any two
    equal neighbours."""
    return len(label) + sum(first == second for first, second in pairwise(label))
