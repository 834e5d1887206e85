"""How well a model foretells a text."""

import math
from collections.abc import Mapping

import numpy as np

from ocrkit.language_model import LanguageModel


def bits(model: LanguageModel, texts: Mapping[str, int]) -> tuple[float, int, int]:
    """The bits of texts, ends included, how many characters and ends these are, and how many texts
    the model cannot write."""
    known = set(model.characters)
    fitting = sorted((text for text in texts if known.issuperset(text)), key=len, reverse=True)
    weights = np.array([texts[text] for text in fitting], np.int64)
    lengths = np.array([len(text) for text in fitting], np.int64)
    states = np.full(len(fitting), model.start, np.int32)
    total = 0.0
    for place in range(int(lengths[0]) if fitting else 0):
        writing = int(np.searchsorted(-lengths, -place))  # the first so many texts go on here
        ids = model.ids("".join(text[place] for text in fitting[:writing]))
        scores, states[:writing] = model.score(states[:writing], ids)
        total += float(scores @ weights[:writing])
    if fitting:
        total += float(model.end(states) @ weights)
    return (
        -total / math.log(2),
        int(weights @ (lengths + 1)),
        sum(texts.values()) - int(weights.sum()),
    )
