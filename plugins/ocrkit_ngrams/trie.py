"""Character n-gram models: how likely a character is after those before it, for decoders.

A model is a back-off model (Katz 1987, as ARPA files have it): ``log p(w | h)`` where the model has
the n-gram ``hw``, else ``backoff(h) + log p(w | h without its first character)``. Models smoothed
by interpolation (:mod:`ocrkit_ngrams.smoothing`) are stored in this form too, without loss.

The n-grams are a trie in breadth-first order. A node is a text of up to ``order`` symbols; its
children are that text with one symbol more, and lie side by side, ordered by symbol. Symbols 0 … C
− 1 are the characters; the end of a text is C, its beginning C + 1, and C + 2 stands for every
unknown character where an ARPA file has ``<unk>``. A state, the context in which a decoder stands,
is the number of a node: that of the longest end of what it has written from which the model can go
on.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_LONGEST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class NGrams:
    """A back-off model's numbers, as its file has them. Raises ValueError unless they are a trie
    over these characters."""

    characters: str
    order: int
    """Symbols of the longest n-grams, 1 to 1000."""
    children: npt.NDArray[Any]
    """How many children each node shorter than ``order`` has, the empty text first: it has all
    symbols."""
    symbols: npt.NDArray[Any]
    """The last symbol of each node but the empty text."""
    log_probs: npt.NDArray[Any]
    """Of the same nodes: of their last symbol after those before it. Natural logarithms."""
    backoffs: npt.NDArray[Any]
    """Of each node shorter than ``order``: what is added where the next symbol is none of its
    children."""
    about: dict[str, Any]

    def __post_init__(self) -> None:
        characters, order = self.characters, self.order
        if not isinstance(characters, str) or len(set(characters)) != len(characters):
            raise ValueError("its characters are none")
        if not isinstance(order, int) or not 1 <= order <= _LONGEST:
            raise ValueError(f"its order is {order!r}; expected 1 to {_LONGEST}")
        begin, end = 0, 1
        for _ in range(order):
            begin, end = end, end + int(self.children[begin:end].sum(dtype=np.int64))
        arcs = (end - 1,)
        if (
            not self.children.shape == self.backoffs.shape == (begin,)
            or not self.symbols.shape == self.log_probs.shape == arcs
        ):
            raise ValueError("its n-grams do not fit together")
        width = int(self.children[0])
        if (
            width - len(characters) not in (2, 3)
            or self.symbols.max() >= width
            or (self.symbols[:width] != range(width)).any()
        ):
            raise ValueError("its symbols are not its characters")
        if not (self.log_probs <= 1e-3).all() or not np.isfinite(self.backoffs).all():
            raise ValueError("it has probabilities above 1, or that are no numbers")
