"""The encoder ``bilstm`` in PyTorch."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.backends.cudnn import rnn as cudnn

import ocrkit_crnn.bilstm as definition
from ocrkit.interfaces import SequenceSize


class BiLstm(nn.Module):
    """See :class:`ocrkit_crnn.bilstm.BiLstm`.

    Two directions, each an LSTM operator of its own, the reverse one fed sequences that are turned
    round by length. A packed sequence and ``nn.LSTM`` would compute the same, but the ONNX exporter
    takes neither packing nor two directions at once. ``torch.compile`` leaves the module as it is:
    it would unroll the steps, minutes of work for what the operator does better.
    """

    def __init__(self, options: definition.BiLstm, input: SequenceSize) -> None:
        super().__init__()
        self._options = options
        self._varies = input.steps is None
        for name, shape in options.parameters(input).items():
            parameter = nn.Parameter(torch.zeros(shape))
            if name.startswith("weight"):
                nn.init.xavier_uniform_(parameter)
            self.register_parameter(name, parameter)
        self.dropout = nn.Dropout(options.dropout)

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        turn = self._turning(features, lengths)
        x = features
        for layer in range(self._options.layers):
            forward, backward = (
                self._weights(layer, direction) for direction in definition.DIRECTIONS
            )
            x = self.dropout(torch.cat([_lstm(x, forward), turn(_lstm(turn(x), backward))], dim=2))
        return x

    def _weights(self, layer: int, direction: str) -> list[Tensor]:
        kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return [self.get_parameter(f"{kind}_l{layer}{direction}") for kind in kinds]

    def _turning(self, features: Tensor, lengths: Tensor) -> Callable[[Tensor], Tensor]:
        """A function that turns the first ``lengths`` steps of sequences (N, T, …) back to front
        and leaves the others."""
        if not self._varies:
            return lambda x: x.flip(1)
        steps = torch.arange(features.shape[1], device=features.device)
        lengths = lengths[:, None].to(steps.dtype)
        source = torch.where(steps < lengths, lengths - 1 - steps, steps)[..., None]
        return lambda x: x.gather(1, source.expand(-1, -1, x.shape[2]))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "BiLstm":
        """As ``nn.LSTM`` does it, every direction's weights go into one piece of memory after a
        move; cuDNN wants it so."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for layer in range(self._options.layers):
            for direction in definition.DIRECTIONS:
                weights = self._weights(layer, direction)
                if torch.backends.cudnn.is_acceptable(weights[0]):
                    with torch.no_grad(), torch.cuda.device_of(weights[0]):
                        torch._cudnn_rnn_flatten_weight(
                            weights,
                            len(weights),
                            weights[0].shape[1],
                            cudnn.get_cudnn_mode("LSTM"),
                            self._options.hidden,
                            proj_size=0,
                            num_layers=1,
                            batch_first=True,
                            bidirectional=False,
                        )
        return self


def _lstm(x: Tensor, weights: list[Tensor]) -> Tensor:
    """One direction over x (N, T, D), from zeros: (N, T, hidden)."""
    zeros = x.new_zeros(1, x.shape[0], weights[1].shape[1])
    y, _, _ = torch.lstm(
        x,
        [zeros, zeros],
        weights,
        has_biases=True,
        num_layers=1,
        dropout=0.0,
        train=torch.is_grad_enabled(),
        bidirectional=False,
        batch_first=True,
    )
    return y
