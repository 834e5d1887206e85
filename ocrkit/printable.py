"""Text of data sets, files and models as it may be printed: whatever is in it, it stays on its
line."""

import re

# Controls, line separators, and what turns the direction of the text that follows it round.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """The text with characters that would move the cursor, break the line or colour the terminal as
    ``\\n``, ``\\x1b``, …

    Bytes of a name that are not UTF-8, which Python holds as lone surrogates, stay as they are.
    """
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
