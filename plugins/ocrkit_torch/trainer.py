"""Training on PyTorch: one optimizer step a batch, in one process or, under ``torchrun``, in
several."""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any, SupportsFloat

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from ocrkit.errors import OcrkitError, WeightsError
from ocrkit.interfaces import Arrays, Batch, NetworkPlan, OptimizerOptions, Workers
from ocrkit.support.parallel import LastingThreads
from ocrkit_torch.floats import exact_float32
from ocrkit_torch.network import Fetched, array_of, tensors
from ocrkit_torch.objective import TorchObjective
from ocrkit_torch.threads import in_its_thread

MOMENTS = {"mean": "exp_avg", "variance": "exp_avg_sq"}
"""The optimizer's two arrays a parameter: as checkpoints name them, as PyTorch does."""


class TorchTrainer:
    """Adam or AdamW on a network. Where there are several workers, DistributedDataParallel averages
    their gradients."""

    def __init__(
        self,
        whole: nn.Module,
        objective: TorchObjective,
        plan: NetworkPlan,
        options: OptimizerOptions,
        workers: Workers,
        *,
        device: torch.device,
        thread: LastingThreads,
    ) -> None:
        self._objective = objective
        self._plan = plan
        self._device = device
        self.thread = thread
        self._options = options
        self._workers = workers
        self._trained = {
            name: weight for name, weight in whole.named_parameters() if weight.requires_grad
        }
        self._module = objective.trained(whole).to(device)
        own = {id(weight) for weight in whole.parameters()}
        self._more = {
            name: weight
            for name, weight in self._module.named_parameters()
            if id(weight) not in own
        }
        """What is there in training only, so that the trainer's state holds it."""
        self._trained |= self._more
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
    def step(self, batch: Batch | None, *, learning_rate: float, seed: int) -> SupportsFloat:
        torch.manual_seed(seed)
        samples = self._workers.sum(batch.count if batch is not None else 0)
        self._optimizer.zero_grad()
        with exact_float32(), _deterministic() if self._options.deterministic else nullcontext():
            loss = Fetched(self._gradients(batch, samples))
            if self._options.clip_norm:
                nn.utils.clip_grad_norm_(self._trained.values(), self._options.clip_norm)
            for group in self._optimizer.param_groups:
                group["lr"] = learning_rate
            self._optimizer.step()
        return _Loss(loss, samples, self._workers)

    def _gradients(self, batch: Batch | None, samples: float) -> Tensor:
        """Adds the batch's gradients, piece by piece, to the parameters'; the sum of the losses of
        its samples.

        Gradients are of the mean over ``samples``, all workers' together. DistributedDataParallel
        takes the mean over workers, so each multiplies by their count.
        """
        if batch is None:
            self._take_part()
            return torch.zeros((), dtype=torch.float64)
        scale = self._options.loss_weight * self._workers.count / samples
        pieces = self._options.accumulate * batch.pieces
        rows = [
            slice(piece[0], piece[-1] + 1)
            for piece in np.array_split(np.arange(batch.count), pieces)
            if len(piece)
        ]
        total = torch.zeros((), dtype=torch.float64, device=self._device)
        self._in_training()
        for index, piece in enumerate(rows):
            inputs = self._piece((batch.inputs[port.name] for port in self._plan.inputs), piece)
            targets = dict(
                zip(batch.targets, self._piece(batch.targets.values(), piece), strict=True)
            )
            with ExitStack() as stack:
                if isinstance(self._module, DistributedDataParallel) and index < len(rows) - 1:
                    stack.enter_context(self._module.no_sync())
                losses, minimised = self._objective.losses(targets, *self._computed(inputs))
                (minimised.sum() * scale).backward()
            total += losses.detach().sum()
        return total

    def _in_training(self) -> None:
        self._module.train()
        if self._options.keep_statistics:
            for module in self._module.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()

    def _piece(self, arrays: Iterable[Any], rows: slice) -> list[Tensor]:
        return tensors(self._device, *(array[rows] for array in arrays))

    def _computed(self, inputs: list[Tensor]) -> tuple[Tensor, ...]:
        """What the module gives, in the precision of training."""
        bf16 = self._options.precision == "bf16"
        with torch.autocast(self._device.type, torch.bfloat16, enabled=bf16), _compiling():
            given: tuple[Tensor, ...] = self._module(*inputs)
        return given

    def _take_part(self) -> None:
        """Gradients of zero, of one blank sample: workers wait for each other. Its statistics are
        not to count, so eval()."""
        self._module.eval()
        blank = self._plan.blank()
        given = self._module(*self._piece((blank[p.name] for p in self._plan.inputs), slice(None)))
        total = sum((each.sum() for each in given if each.requires_grad), torch.zeros(()))
        (total * 0).backward()

    def state(self) -> Arrays:
        arrays: Arrays = {name: array_of(weight) for name, weight in self._more.items()}
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
            for name, weight in self._more.items():
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


class _Loss:
    """The mean loss of all workers' samples; ``float()`` waits for it, and for theirs."""

    def __init__(self, losses: Fetched, samples: float, workers: Workers) -> None:
        self._losses, self._samples, self._workers = losses, samples, workers

    def __float__(self) -> float:
        (losses,) = self._losses.wait()
        return self._workers.sum(losses.item()) / self._samples


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
