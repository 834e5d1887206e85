"""The characters that a network can write, and their class ids."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from ocrkit.errors import ConfigError


class Alphabet:
    """Characters ↔ class ids 0 … len − 1; the blank of CTC is the class after the last character.

    Raises ConfigError for an empty alphabet and for characters that occur twice.
    """

    def __init__(self, characters: str) -> None:
        twice = sorted({character for character in characters if characters.count(character) > 1})
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
        return len(self.characters)

    @property
    def classes(self) -> int:
        """K: the characters and the blank."""
        return len(self.characters) + 1

    def unknown(self, text: str) -> str:
        """The characters of a text that the alphabet lacks, in order, each once."""
        return "".join(dict.fromkeys(character for character in text if character not in self._ids))

    def encode(self, text: str) -> list[int]:
        """Class ids of a text. Raises KeyError for a character that the alphabet lacks (see
        :meth:`unknown`)."""
        return [self._ids[character] for character in text]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of class ids, none of them the blank."""
        return "".join(self.characters[index] for index in ids)


def steps_needed(label: Sequence[int] | str) -> int:
    """The fewest time steps in which CTC can write a label: its length, and a blank between any two
    equal neighbours."""
    return len(label) + sum(first == second for first, second in pairwise(label))
