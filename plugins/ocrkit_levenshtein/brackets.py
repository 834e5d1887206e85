"""A toy: brackets that are not closed."""

from dataclasses import dataclass

from ocrkit import option


@dataclass(frozen=True)
class Brackets:
    """Says which bracket is opened more often than it is closed."""

    pairs: str = option("()[]", "brackets, each with the one that closes it")

    def __call__(self, text: str, /) -> str:
        for opened, closed in zip(self.pairs[::2], self.pairs[1::2], strict=True):
            if text.count(opened) != text.count(closed):
                return f"{opened} and {closed} do not match"
        return ""
