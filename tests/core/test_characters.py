"""Characters that nobody sees are named by their code points, and counted by texts."""

import pytest

from ocrkit.parts.characters import is_hidden, lacking, named, unwritable
from ocrkit.parts.codec import Alphabet

ALPHABET = Alphabet("abceé ")


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("a", "a"),
        ("é", "é"),
        ("ß", "ß"),
        ("漢", "漢"),
        ("-", "-"),
        ("’", "’ U+2019"),
        ("‐", "‐ U+2010"),
        (" ", "the space"),
        ("\u00a0", "U+00A0 NO-BREAK SPACE"),
        ("\u200b", "U+200B ZERO WIDTH SPACE"),
        ("\u200f", "U+200F RIGHT-TO-LEFT MARK"),
        ("\ufeff", "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
        ("\u0301", "U+0301 COMBINING ACUTE ACCENT"),
        ("\t", "U+0009 unnamed character"),
        ("\ue000", "U+E000 unnamed character"),
    ],
)
def test_what_cannot_be_seen_has_a_name(character, name):
    assert named(character) == name
    assert is_hidden(character) == (name.startswith("U+") and character != "\u0301")


def test_texts_are_counted_with_the_characters_that_the_alphabet_lacks():
    texts = ["a\u200b", "\u200bb\u200bß", "abc", "a’b", "", "é"]
    assert lacking(texts, ALPHABET) == (
        "3 texts have characters that the alphabet lacks: U+200B ZERO WIDTH SPACE (2), ß (1), ’ "
        "U+2019 (1)"
    )
    assert lacking(["ab", ""], ALPHABET) == ""


def test_texts_in_another_form_than_the_alphabet_s_lack_nothing():
    assert lacking(["e\u0301", "ß"], ALPHABET) == (
        "1 text has characters that the alphabet lacks: ß (1)"
    )


def test_texts_in_another_form_are_mistakes_where_they_are_compared_as_they_are():
    texts = ["be\u0301", "ß", "é"]
    assert list(unwritable(texts, ALPHABET, None)) == [
        "1 text has characters that the alphabet lacks: ß (1); these count as mistakes",
        (
            "1 text is in another Unicode form than the alphabet's, which counts as a mistake; "
            "--unicode NFC compares both in one"
        ),
    ]
    assert list(unwritable(texts[::2], ALPHABET, "NFC")) == []
    assert list(unwritable(["ａ", "é"], ALPHABET, "NFKC")) == []


def test_a_foreign_script_makes_no_endless_line():
    said = lacking([chr(0x4E00 + index) for index in range(100)], ALPHABET)
    assert said.startswith("100 texts have")
    assert said.endswith(" and 90 more")
