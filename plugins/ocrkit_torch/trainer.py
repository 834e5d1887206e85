"""Training on PyTorch: one optimizer step a batch, in one process or, under ``torchrun``, in
several."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from ocrkit.errors import ConfigError, OcrkitError, WeightsError
from ocrkit.interfaces import Arrays, Batch, NetworkPlan, OptimizerOptions, Workers
from ocrkit.support.parallel import LastingThreads
from ocrkit_torch.floats import exact_float32
from ocrkit_torch.network import Whole, array_of, tensors
from ocrkit_torch.threads import in_its_thread

MOMENTS = {"mean": "exp_avg", "variance": "exp_avg_sq"}
"""The optimizer's two arrays a parameter: as checkpoints name them, as PyTorch does."""


class WithShortcut(nn.Module):
    """A network with a CTC shortcut: a second head that maps the featurizer's output to class
    scores, past the encoder, by a convolution over three steps (Retsinas et al., "Best Practices
    for a Handwritten Text Recognition System", 2022)."""

    def __init__(self, whole: Whole, plan: NetworkPlan) -> None:
        super().__init__()
        self.whole = whole
        # Zeros need no random numbers. Their gradients are not zero.
        self.weight = nn.Parameter(torch.zeros(plan.classes, plan.sequence.features, 3))
        self.bias = nn.Parameter(torch.zeros(plan.classes))

    def forward(self, images: Tensor, widths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The network's class scores (N, T, K), lengths (N,), and the shortcut's class scores."""
        features, lengths = self.whole.featurizer(images, widths)
        shortcut = nn.functional.conv1d(
            features.transpose(1, 2), self.weight, self.bias, padding=1
        ).transpose(1, 2)
        return self.whole.scores(features, lengths), lengths, shortcut


class TorchTrainer:
    """Adam or AdamW on a network. Where there are several workers, DistributedDataParallel averages
    their gradients."""

    def __init__(
        self,
        whole: Whole,
        plan: NetworkPlan,
        options: OptimizerOptions,
        workers: Workers,
        *,
        device: torch.device,
        thread: LastingThreads,
    ) -> None:
        self._plan = plan
        self._device = device
        self.thread = thread
        self._options = options
        self._workers = workers
        self._trained = {
            name: weight for name, weight in whole.named_parameters() if weight.requires_grad
        }
        self._module: nn.Module = whole
        self._shortcut: dict[str, nn.Parameter] = {}
        if options.shortcut:
            if plan.featurizer is None:
                wrong = "needs a featurizer of backend 'torch', which it is to train"
                raise ConfigError([f"training.shortcut: {wrong}"])
            self._module = WithShortcut(whole, plan).to(device)
            self._shortcut = {
                "shortcut.weight": self._module.weight,
                "shortcut.bias": self._module.bias,
            }
            self._trained |= self._shortcut
        self._optimizer: torch.optim.Optimizer
        if options.name == "adamw":
            self._optimizer = torch.optim.AdamW(
                self._trained.values(), weight_decay=options.weight_decay
            )
        else:
            self._optimizer = torch.optim.Adam(self._trained.values())
        self._set_state({name: {} for name in self._trained}, 0)
        if options.deterministic:
            # what cuBLAS needs to repeat itself
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        if options.compile:
            self._module = torch.compile(self._module)  # type: ignore[assignment]  # it wraps a module in a module
        if workers.count > 1:
            self._module = DistributedDataParallel(self._module)

    @in_its_thread
    def step(self, batch: Batch | None, *, learning_rate: float, seed: int) -> float:
        torch.manual_seed(seed)
        samples = self._workers.sum(batch.count if batch is not None else 0)
        self._optimizer.zero_grad()
        with exact_float32(), _deterministic() if self._options.deterministic else nullcontext():
            losses = self._gradients(batch, samples)
            if self._options.clip_norm:
                nn.utils.clip_grad_norm_(self._trained.values(), self._options.clip_norm)
            for group in self._optimizer.param_groups:
                group["lr"] = learning_rate
            self._optimizer.step()
        return self._workers.sum(losses) / samples

    def _gradients(self, batch: Batch | None, samples: float) -> float:
        """Adds the batch's gradients, piece by piece, to the parameters'; the sum of the CTC losses
        of its samples.

        Gradients are of the mean over ``samples``, all workers' together. DistributedDataParallel
        takes the mean over workers, so each multiplies by their count.
        """
        if batch is None:
            self._take_part()
            return 0.0
        scale = self._options.loss_weight * self._workers.count / samples
        rows = [
            piece
            for piece in np.array_split(np.arange(batch.count), self._options.accumulate)
            if len(piece)
        ]
        total = 0.0
        self._module.train()
        for index, piece in enumerate(rows):
            arrays = (
                *(batch.inputs[port.name] for port in self._plan.inputs),
                batch.targets["labels"],
                batch.targets["label_lengths"],
            )
            inputs, sizes, labels, label_lengths = tensors(
                self._device, *(array[piece] for array in arrays)
            )
            with ExitStack() as stack:
                if isinstance(self._module, DistributedDataParallel) and index < len(rows) - 1:
                    stack.enter_context(self._module.no_sync())
                losses = self._losses(inputs, sizes, labels, label_lengths)
                minimised = losses[0]
                if self._options.shortcut:
                    minimised = minimised + self._options.shortcut * losses[1]
                if self._options.length_weighted:
                    minimised = minimised * label_lengths.clamp(min=1)
                (minimised.sum() * scale).backward()
            total += losses[0].detach().sum().item()
        return total

    def _losses(
        self, inputs: Tensor, sizes: Tensor, labels: Tensor, label_lengths: Tensor
    ) -> list[Tensor]:
        """The CTC loss (N,) of every sample in nats (Graves et al. 2006), and the shortcut's if
        there is one."""
        bf16 = self._options.precision == "bf16"
        with torch.autocast(self._device.type, torch.bfloat16, enabled=bf16), _compiling():
            first, lengths, *others = self._module(inputs, sizes)
        return [
            self._ctc_loss(scores, lengths, labels, label_lengths) for scores in (first, *others)
        ]

    def _ctc_loss(
        self, scores: Tensor, lengths: Tensor, labels: Tensor, label_lengths: Tensor
    ) -> Tensor:
        if self._options.deterministic:  # CUDA's own adds up gradients in any order
            scores, lengths, labels, label_lengths = (
                each.cpu() for each in (scores, lengths, labels, label_lengths)
            )
        losses = nn.functional.ctc_loss(
            scores.float().log_softmax(dim=2).transpose(0, 1),
            labels.clamp(min=0),
            lengths,
            label_lengths,
            blank=scores.shape[2] - 1,
            reduction="none",
        )
        return losses.to(self._device)

    def _take_part(self) -> None:
        """Gradients of zero, of one blank image: workers wait for each other. Its statistics are
        not to count, so eval()."""
        self._module.eval()
        scores, _, *others = self._module(*tensors(self._device, *blank_input(self._plan)))
        (sum((each.sum() for each in others), scores.sum()) * 0).backward()

    def state(self) -> Arrays:
        arrays: Arrays = {name: array_of(weight) for name, weight in self._shortcut.items()}
        steps = 0
        for name, weight in self._trained.items():
            state = self._optimizer.state[weight]
            arrays |= {f"{moment}.{name}": array_of(state[key]) for moment, key in MOMENTS.items()}
            steps = int(state["step"].item())
        return arrays | {"steps": np.array(steps, np.int64)}

    def load_state(self, arrays: Arrays, /) -> None:
        missing = self.state().keys() - arrays.keys()
        if missing:
            raise WeightsError(
                f"the checkpoint lacks the optimizer's {min(missing)}; resume with the options of "
                "the run's start"
            )
        with torch.no_grad():
            for name, weight in self._shortcut.items():
                weight.copy_(torch.from_numpy(np.array(arrays[name], np.float32)))
        moments = {
            name: {
                key: torch.from_numpy(np.array(arrays[f"{moment}.{name}"], np.float32))
                for moment, key in MOMENTS.items()
            }
            for name in self._trained
        }
        self._set_state(moments, int(arrays["steps"].item()))

    def _set_state(self, moments: dict[str, dict[str, Tensor]], steps: int) -> None:
        """The optimizer's state, as it would be after so many steps; moments that are not given are
        zero."""
        for name, weight in self._trained.items():
            state: dict[str, Any] = {key: torch.zeros_like(weight) for key in MOMENTS.values()}
            for key, moment in moments[name].items():
                state[key].copy_(moment)
            self._optimizer.state[weight] = {"step": torch.tensor(float(steps)), **state}


def blank_input(plan: NetworkPlan) -> tuple[Any, Any]:
    """A batch of one image, or one sequence behind a featurizer of backend ``numpy``, of zeros,
    with its size."""
    if plan.featurizer is None:
        steps = plan.sequence.steps or 1
        return np.zeros((1, steps, plan.sequence.features), np.float32), np.array([steps], np.int32)
    width = plan.image.width or plan.featurizer.stride
    return np.zeros((1, plan.image.channels, plan.image.height, width), np.float32), np.array(
        [width], np.int32
    )


@contextmanager
def _compiling() -> Iterator[None]:
    """Says in one line what ``torch.compile``, which works when its module is first called, says in
    many."""
    try:
        yield
    except RuntimeError as error:
        if not type(error).__module__.startswith(("torch._dynamo.", "torch._inductor.")):
            raise
        first = str(error).strip().splitlines()[0]
        raise OcrkitError(
            f"training.compile: PyTorch cannot compile this network here ({first}); train without "
            "it"
        ) from error


@contextmanager
def _deterministic() -> Iterator[None]:
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
