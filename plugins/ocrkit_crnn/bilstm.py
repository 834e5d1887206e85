"""The seed's sequence encoder: bidirectional LSTM layers."""

from collections.abc import Mapping
from dataclasses import dataclass

from ocrkit.interfaces import SequenceSize, option

DIRECTIONS = ("", "_reverse")
"""Suffixes of the canonical parameter names; the reverse direction starts at each sequence's own
last step."""


@dataclass(frozen=True)
class BiLstm:
    """Bidirectional LSTM (Graves & Schmidhuber 2005), each direction starting from zeros; E = 2 ·
    hidden.

    Parameters as PyTorch names and orders them: gates input, forget, cell, output; two biases.
    """

    hidden: int = option(200, "units of each direction", minimum=1)
    layers: int = option(1, "stacked layers, each fed both directions of the one before", minimum=1)
    dropout: float = option(
        0.5,
        "share of activations dropped in training, after every layer",
        minimum=0.0,
        maximum=0.95,
    )

    def output_size(self, input: SequenceSize, /) -> SequenceSize:
        return SequenceSize(2 * self.hidden, input.steps)

    def parameters(self, input: SequenceSize, /) -> Mapping[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {}
        for layer in range(self.layers):
            inputs = input.features if layer == 0 else 2 * self.hidden
            for direction in DIRECTIONS:
                end = f"l{layer}{direction}"
                shapes[f"weight_ih_{end}"] = (4 * self.hidden, inputs)
                shapes[f"weight_hh_{end}"] = (4 * self.hidden, self.hidden)
                shapes[f"bias_ih_{end}"] = shapes[f"bias_hh_{end}"] = (4 * self.hidden,)
        return shapes
