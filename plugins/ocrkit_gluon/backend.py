"""Networks on MXNet: built from a plan, hybridized whole, trained with Adam."""

import threading
from typing import Any

import numpy as np

from ocrkit.errors import ConfigError, WeightsError
from ocrkit.interfaces import Arrays, Batch, NetworkPlan, OptimizerOptions
from ocrkit.support.parallel import ProcessLock
from ocrkit_gluon.mxnet import BATCHES, READING, mxnet

nd, nn = mxnet.nd, mxnet.gluon.nn

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
"""Adam's moment decays and the term that keeps its division finite, as Kingma & Ba propose."""

_TRACING = ProcessLock()
"""Held while a block is called: the first call traces it, in global variables. What it computes is
ready only later."""


class Gluon:
    """Backend ``gluon``."""

    def devices(self) -> list[str]:
        return ["cpu", "cuda"] if mxnet.context.num_gpus() else ["cpu"]

    def versions(self) -> dict[str, str]:
        return {"mxnet": mxnet.__version__}

    def network(self, plan: NetworkPlan, *, device: str, threads: int) -> "GluonNetwork":
        return GluonNetwork(plan, device=device, threads=threads)


def _canonical(name: str) -> str:
    """Gluon's batch norms say gamma and beta; all else is named as PyTorch would."""
    stem, _, last = name.rpartition(".")
    return f"{stem}.{ {'gamma': 'weight', 'beta': 'bias'}.get(last, last) }"


class GluonNetwork:
    """A network on an MXNet context. Its blocks are hybridized with static allocation, the fastest
    form that MXNet has.

    On a CPU it works on two batches at a time, unless somebody says how many threads it may have.
    How many MXNet's operators have is the process's, and fixed when MXNet is imported.
    """

    def __init__(self, plan: NetworkPlan, *, device: str, threads: int) -> None:
        self.device = device
        self.context = mxnet.gpu() if device == "cuda" else mxnet.cpu()
        self._plan = plan
        self.objective = plan.objective_built()
        self.whole = self.objective.network()
        self.callers = BATCHES if device == "cpu" and not threads else 1
        self._of_thread = threading.local()
        self.whole.initialize(mxnet.init.Zero(), ctx=self.context)
        self.parameters: dict[str, Any] = {
            _canonical(name): parameter
            # the only structural names
            for name, parameter in self.whole._collect_params_with_prefix().items()
        }
        built = {name: parameter.shape for name, parameter in self.parameters.items()}
        if wrong := plan.mismatch(built):
            raise ConfigError(
                [f"the gluon network has other parameters than its definition says: {wrong}"]
            )

    def run(self, inputs: Arrays, /) -> Arrays:
        return READING.call(self._run, inputs)

    def _run(self, inputs: Arrays) -> Arrays:
        if not hasattr(self._of_thread, "reading"):  # which has memory for one call
            self._of_thread.reading = self.objective.reading(self.whole)
            self._of_thread.reading.hybridize(static_alloc=True)
        with _TRACING:
            outputs = self._of_thread.reading(*self.inputs(inputs))
        return {
            port.name: output.asnumpy().astype("int32" if port.dtype == "int64" else port.dtype)
            for port, output in zip(self._plan.outputs, outputs, strict=True)
        }

    def inputs(self, inputs: Arrays) -> list[Any]:
        """A batch's inputs on the network's device, in the plan's order."""
        return self.arrays(*(inputs[port.name] for port in self._plan.inputs))

    def arrays(self, *arrays: Any) -> list[Any]:
        return [nd.array(array, ctx=self.context, dtype="float32") for array in arrays]

    def state(self) -> Arrays:
        return {
            name: parameter.data(self.context).asnumpy()
            for name, parameter in self.parameters.items()
        }

    def load_state(self, arrays: Arrays, /) -> None:
        missing = self.parameters.keys() - arrays.keys()
        if missing:
            raise WeightsError(f"the network's {sorted(missing)[0]} is not among the weights")
        for name, parameter in self.parameters.items():
            parameter.set_data(nd.array(arrays[name], ctx=self.context, dtype="float32"))

    def initialize(self, seed: int, /) -> None:
        """Xavier's uniform initialisation (Glorot & Bengio 2010), as the seed notebook's; biases
        zero."""
        mxnet.random.seed(seed)
        self.whole.initialize(mxnet.init.Xavier(), ctx=self.context, force_reinit=True)

    def trainer(self, options: OptimizerOptions, /) -> "GluonTrainer":
        cannot = {
            "precision": options.precision != "float32",
            "accumulate": options.accumulate > 1,
            "deterministic": options.deterministic and self.device != "cpu",  # there it is already
            "compile": options.compile,
            "keep_statistics": options.keep_statistics,
        }
        problems = [
            f"training.{name}: backend 'gluon' does not have it; try --backend torch"
            for name in cannot
            if cannot[name]
        ]
        if problems:
            raise ConfigError(problems)
        return GluonTrainer(self, self.objective.loss(self.whole), options)


class GluonTrainer:
    """Adam or AdamW on a network. Its state is in plain arrays, since MXNet's own trainer pickles
    its."""

    def __init__(self, network: GluonNetwork, loss: Any, options: OptimizerOptions) -> None:
        self._network = network
        self._options = options
        self._loss = loss
        self._steps = 0
        self._trained = {name: p for name, p in network.parameters.items() if p.grad_req != "null"}
        self._means = {
            name: nd.zeros(p.shape, ctx=network.context) for name, p in self._trained.items()
        }
        self._variances = {
            name: nd.zeros(p.shape, ctx=network.context) for name, p in self._trained.items()
        }

    def step(self, batch: Batch | None, *, learning_rate: float, seed: int) -> float:
        assert batch is not None  # noqa: S101  (there is no other worker)
        mxnet.random.seed(seed)
        inputs = self._network.inputs(batch.inputs)
        targets = dict(
            zip(batch.targets, self._network.arrays(*batch.targets.values()), strict=True)
        )
        with mxnet.autograd.record():
            losses, minimised = self._loss(inputs, targets)
            objective = minimised.mean() * self._options.loss_weight
        objective.backward()
        gradients = {
            name: parameter.grad(self._network.context) for name, parameter in self._trained.items()
        }
        if self._options.clip_norm:
            # Of a norm that is not finite the training loop hears by the loss; MXNet's own check
            # would warn beside it.
            mxnet.gluon.utils.clip_global_norm(
                list(gradients.values()), self._options.clip_norm, check_isfinite=False
            )
        self._steps += 1
        # adam_update knows no step count, so the correction of the moments' bias towards zero goes
        # into rate and epsilon.
        correction = (1 - BETA2**self._steps) ** 0.5
        rate = learning_rate * correction / (1 - BETA1**self._steps)
        for name, parameter in self._trained.items():
            weight = parameter.data(self._network.context)
            if self._options.name == "adamw" and self._options.weight_decay:
                weight *= 1 - learning_rate * self._options.weight_decay
            nd.adam_update(
                weight, gradients[name], self._means[name], self._variances[name], lr=rate,
                beta1=BETA1, beta2=BETA2, epsilon=EPSILON * correction, out=weight,
            )  # fmt: skip
        return float(losses.mean().asscalar())

    def state(self) -> Arrays:
        arrays = {f"mean.{name}": array.asnumpy() for name, array in self._means.items()}
        arrays |= {f"variance.{name}": array.asnumpy() for name, array in self._variances.items()}
        return arrays | {"steps": np.array(self._steps, np.int64)}

    def load_state(self, arrays: Arrays, /) -> None:
        for name in self._trained:
            self._means[name][:] = nd.array(arrays[f"mean.{name}"], ctx=self._network.context)
            self._variances[name][:] = nd.array(
                arrays[f"variance.{name}"], ctx=self._network.context
            )
        self._steps = int(arrays["steps"].item())
