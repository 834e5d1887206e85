"""The spaces of a line as it was written, out of the tokens that IAM cut it into.

IAM's texts are LOB's, in which punctuation marks and the endings of contractions stand apart. The
XML files have each line as it was written; for lines.txt a rule has to do.
"""

import re

_TO_THE_LEFT = re.compile(r"[.,;:!?)\]}]+|n't|'(?:s|S|d|m|t|ll|re|ve)")
"""Tokens that are written close behind the one before."""
_TO_THE_RIGHT = frozenset("([{")
"""Tokens that are written close before the next one."""
_QUOTES = frozenset("\"'")
_ENDS_QUOTATIONS = re.compile(r"[.,;:!?)\]}]+")


def as_written(tokens: tuple[str, ...]) -> str:
    """The tokens of a line with the spaces that people write.

    Quotation marks open and close in turn. One that comes when none is open closes a quotation of
    a line before where it stands before a comma or full stop, or at the line's end and not behind a
    colon. Hyphens that are tokens are dashes, with spaces around them.

    >>> as_written(("he", "said", ",", '"', "I", "do", "n't", "(", "yet", ")", "!", '"'))
    'he said, "I don\\'t (yet)!"'
    >>> as_written(("a", "Senator", "-", "Willis", "Robertson", ",", "of", "Virginia"))
    'a Senator - Willis Robertson, of Virginia'
    """
    text, close, is_open = "", True, dict.fromkeys(_QUOTES, False)
    for index, token in enumerate(tokens):
        opens = token in _TO_THE_RIGHT
        joins = _TO_THE_LEFT.fullmatch(token) is not None
        if token in _QUOTES:
            before, behind = tokens[:index][-1:], tokens[index + 1 :]
            ends = _ENDS_QUOTATIONS.fullmatch(behind[0]) if behind else before != (":",)
            joins = is_open[token] or bool(ends)
            opens, is_open[token] = not joins, not joins
        text += token if close or joins else f" {token}"
        close = opens
    return text
