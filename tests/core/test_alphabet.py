"""Characters, class ids and the steps that CTC needs."""

from itertools import groupby, product
from unicodedata import normalize

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
    """Of texts in NFC; of others it gives their NFC where the alphabet has it."""
    alphabet = Alphabet(data.draw(ALPHABETS))
    text = data.draw(st.text(alphabet.characters))
    ids = alphabet.encode(text)
    assert alphabet.decode(ids) == alphabet.normalize(text)
    assert all(0 <= index < alphabet.blank for index in ids)
    composed = normalize("NFC", text)
    if set(composed) <= set(alphabet.characters):
        assert alphabet.decode(alphabet.encode(composed)) == composed == alphabet.normalize(text)


LETTERS = st.sampled_from("aeno \u0301\u0303\u0323éñạ\u212b\u00c5\u0958ह\u093cשׁ한글")


@given(st.text(LETTERS), st.sampled_from(["NFC", "NFD"]), st.sampled_from(["NFC", "NFD"]))
def test_what_looks_the_same_is_the_same_class(text: str, own: str, given: str) -> None:
    """Whichever form of Unicode the alphabet is in, and the text."""
    text = normalize(own, text)
    alphabet = Alphabet("".join(dict.fromkeys(text + "z")))
    assert not alphabet.unknown(normalize(given, text))
    assert alphabet.decode(alphabet.encode(normalize(given, text))) == text


def test_characters_that_nfc_has_other_ones_for_are_still_written() -> None:
    """An alphabet may have code points that NFC replaces: the Ångström sign, a letter of Hindi."""
    alphabet = Alphabet("\u212b\u0958\uf900")
    assert alphabet.decode(alphabet.encode("\u0958\uf900\u212b")) == "\u0958\uf900\u212b"
    assert alphabet.unknown("\u212bb") == "\u00c5b", "as a person finds it in Unicode's tables"


def test_texts_stay_in_logical_order() -> None:
    word = "שלום abc"
    alphabet = Alphabet("".join(sorted(set(word))))
    assert alphabet.decode(alphabet.encode(word)) == word
    assert alphabet.characters[alphabet.encode(word)[0]] == "ש"


def test_an_alphabet_in_both_forms_learns_one_of_them() -> None:
    both = Alphabet("eé\u0301")
    assert both.encode("é") == both.encode("e\u0301") == [1]


@given(ALPHABETS)
def test_the_blank_is_the_class_after_the_last_character(characters: str) -> None:
    alphabet = Alphabet(characters)
    assert alphabet.blank == len(alphabet) == len(characters)
    assert alphabet.classes == len(characters) + 1


def test_unknown_characters_are_named_once_in_order() -> None:
    alphabet = Alphabet("abc")
    assert alphabet.unknown("cab") == ""
    assert alphabet.unknown("éaéßb") == alphabet.unknown("e\u0301aéßb") == "éß"
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
