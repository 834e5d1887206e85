"""The encoder ``bilstm`` in Gluon."""

from typing import Any

import ocrkit_crnn.bilstm as definition
from ocrkit.interfaces import SequenceSize
from ocrkit_gluon.mxnet import mxnet


class BiLstm(mxnet.gluon.HybridBlock):  # type: ignore[misc]  # MXNet has no types
    """See :class:`ocrkit_crnn.bilstm.BiLstm`.

    Two directions, each a fused operator of its own: on the CPU MXNet's bidirectional one ignores
    lengths, so the reverse direction is turned round by length before and after. Its parameters
    bear the canonical names.
    """

    def __init__(self, options: definition.BiLstm, input: SequenceSize) -> None:
        super().__init__()
        self._options = options
        with self.name_scope():
            for name, shape in options.parameters(input).items():
                setattr(
                    self,
                    name,
                    self.params.get(
                        name, shape=shape, init="zeros" if name.startswith("bias") else None
                    ),
                )
            self.dropout = mxnet.gluon.nn.Dropout(options.dropout)

    def hybrid_forward(self, F: Any, features: Any, lengths: Any, **parameters: Any) -> Any:
        x = F.transpose(features, (1, 0, 2))
        for layer in range(self._options.layers):
            outputs = []
            for direction in definition.DIRECTIONS:
                end = f"l{layer}{direction}"
                names = [
                    f"{kind}_{end}" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
                ]
                packed = F.concat(*[F.reshape(parameters[name], (-1,)) for name in names], dim=0)
                outputs.append(self._run(F, x, lengths, packed, reverse=bool(direction)))
            x = self.dropout(F.concat(*outputs, dim=2))
        return F.transpose(x, (1, 0, 2))

    def _run(self, F: Any, x: Any, lengths: Any, packed: Any, *, reverse: bool) -> Any:
        """One direction over x (T, N, D): (T, N, hidden)."""
        if reverse:
            x = F.SequenceReverse(x, lengths, use_sequence_length=True)
        first = F.slice(x, begin=(0, None, 0), end=(1, None, 1))
        zeros = F.broadcast_mul(F.zeros_like(first), F.ones((1, 1, self._options.hidden)))
        y = F.RNN(
            x,
            packed,
            zeros,
            zeros,
            state_size=self._options.hidden,
            num_layers=1,
            mode="lstm",
            state_outputs=False,
        )
        return F.SequenceReverse(y, lengths, use_sequence_length=True) if reverse else y
