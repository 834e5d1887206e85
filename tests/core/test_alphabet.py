"""Characters, class ids and the steps that CTC needs."""

from itertools import groupby, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrkit.errors import ConfigError
from ocrkit.parts.codec import Alphabet, steps_needed

ALPHABETS = st.lists(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30, unique=True
).map("".join)


@given(st.data())
def test_decoding_undoes_encoding(data: st.DataObject) -> None:
    alphabet = Alphabet(data.draw(ALPHABETS))
    text = data.draw(st.text(alphabet.characters))
    ids = alphabet.encode(text)
    assert alphabet.decode(ids) == text
    assert all(0 <= index < alphabet.blank for index in ids)


@given(ALPHABETS)
def test_the_blank_is_the_class_after_the_last_character(characters: str) -> None:
    alphabet = Alphabet(characters)
    assert alphabet.blank == len(alphabet) == len(characters)
    assert alphabet.classes == len(characters) + 1


def test_unknown_characters_are_named_once_in_order() -> None:
    alphabet = Alphabet("abc")
    assert alphabet.unknown("cab") == ""
    assert alphabet.unknown("éaéßb") == "éß"
    with pytest.raises(KeyError):
        alphabet.encode("é")


@pytest.mark.parametrize(
    ("characters", "message"), [("", "empty"), ("abcabd", "'ab' occurs more than once")]
)
def test_an_alphabet_that_cannot_be_is_refused(characters: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Alphabet(characters)


def test_alphabets_are_equal_when_their_characters_are_in_their_order() -> None:
    assert Alphabet("ab") == Alphabet("ab")
    assert Alphabet("ab") != Alphabet("ba")
    assert Alphabet("ab") != "ab"
    assert len({Alphabet("ab"), Alphabet("ab"), Alphabet("ba")}) == 2


def spelled(path: tuple[str, ...]) -> str:
    """What CTC makes of a path of characters and blanks (-)."""
    return "".join(character for character, _ in groupby(path)).replace("-", "")


@pytest.mark.parametrize("label", ["", "a", "b", "ab", "aa", "aab", "aba", "abba", "aaa"])
def test_the_steps_needed_are_those_of_the_shortest_path_that_spells_the_label(label: str) -> None:
    shortest = next(
        length for length in range(6) if label in map(spelled, product("ab-", repeat=length))
    )
    assert steps_needed(label) == steps_needed([ord(character) for character in label]) == shortest
