"""The objective ``ctc`` in Gluon."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ocrkit.errors import ConfigError
from ocrkit.interfaces import NetworkPlan
from ocrkit_gluon.mxnet import mxnet

nd, nn = mxnet.nd, mxnet.gluon.nn


class Ctc:
    """See :class:`ocrkit_ctc.objective.Ctc`. What a backend's objective has here: a network, a
    block that reads with it, and its loss."""

    def __init__(self, options: Any, plan: NetworkPlan) -> None:
        self._options = options
        self._plan = plan

    def network(self) -> "CtcNetwork":
        return CtcNetwork(self._plan)

    def reading(self, network: "CtcNetwork") -> Any:
        """A block from the plan's inputs to its outputs, in their order."""
        return _Reading(network)

    def loss(
        self, network: "CtcNetwork"
    ) -> Callable[[Sequence[Any], Mapping[str, Any]], tuple[Any, Any]]:
        """What maps a batch's inputs and targets to each sample's loss (N,), as it is reported and
        as it is minimised. Raises ConfigError where the network cannot be trained so."""
        if self._options.shortcut:
            refused = "backend 'gluon' does not have it; try --backend torch"
            raise ConfigError([f"training.shortcut: {refused}"])
        loss, empty = _Loss(network), _EmptyLoss(network)
        for block in (loss, empty):
            block.hybridize(static_alloc=True)

        def losses(inputs: Sequence[Any], targets: Mapping[str, Any]) -> tuple[Any, Any]:
            labels, lengths = targets["labels"], targets["label_lengths"]
            some = bool(lengths.asnumpy().any())
            found = loss(*inputs, labels, lengths) if some else empty(*inputs)
            weighted = self._options.length_weighted
            return found, found * nd.maximum(lengths, 1) if weighted else found

        return losses


class CtcNetwork(nn.HybridBlock):  # type: ignore[misc, name-defined]  # MXNet has no types
    """Featurizer, encoder and head: class scores (N, T, K) before the softmax, and lengths (N,)."""

    def __init__(self, plan: NetworkPlan) -> None:
        super().__init__()
        self._featurizes = "featurizer" in plan.parts
        head = plan.parts["head"]
        with self.name_scope():
            if self._featurizes:
                self.featurizer = plan.parts["featurizer"].built()
            self.encoder = plan.parts["encoder"].built()
            self.head = nn.Dense(
                head.definition.classes,
                flatten=False,
                in_units=head.size.features,  # type: ignore[union-attr]
            )

    def hybrid_forward(self, F: Any, inputs: Any, sizes: Any) -> tuple[Any, Any]:
        features, lengths = self.featurizer(inputs, sizes) if self._featurizes else (inputs, sizes)
        return self.head(self.encoder(features, lengths)), lengths


class _Reading(nn.HybridBlock):  # type: ignore[misc, name-defined]
    def __init__(self, whole: CtcNetwork) -> None:
        super().__init__()
        self.whole = whole

    def hybrid_forward(self, F: Any, inputs: Any, sizes: Any) -> tuple[Any, Any]:
        scores, lengths = self.whole(inputs, sizes)
        return F.log_softmax(scores, axis=2), lengths


class _Loss(nn.HybridBlock):  # type: ignore[misc, name-defined]
    """The CTC loss (N,) of every sample in nats (Graves et al. 2006)."""

    def __init__(self, whole: CtcNetwork) -> None:
        super().__init__()
        self.whole = whole

    def hybrid_forward(
        self, F: Any, inputs: Any, sizes: Any, labels: Any, label_lengths: Any
    ) -> Any:
        scores, lengths = self.whole(inputs, sizes)
        return F.ctc_loss(
            F.transpose(scores, (1, 0, 2)), labels, lengths, label_lengths,
            use_data_lengths=True, use_label_lengths=True, blank_label="last",
        )  # fmt: skip


class _EmptyLoss(nn.HybridBlock):  # type: ignore[misc, name-defined]
    """The CTC loss of samples whose labels are all empty, where MXNet's own is 0: all steps are to
    be blank."""

    def __init__(self, whole: CtcNetwork) -> None:
        super().__init__()
        self.whole = whole

    def hybrid_forward(self, F: Any, inputs: Any, sizes: Any) -> Any:
        scores, lengths = self.whole(inputs, sizes)
        blank = F.slice_axis(F.log_softmax(scores, axis=2), axis=2, begin=-1, end=None).transpose(
            (1, 0, 2)
        )
        return -F.SequenceMask(blank, lengths, use_sequence_length=True).sum(axis=(0, 2))
