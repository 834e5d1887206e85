"""Networks on PyTorch: built from a plan, run, exported."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ocrkit.errors import ConfigError, WeightsError
from ocrkit.interfaces import Arrays, NetworkPlan, OptimizerOptions, Workers
from ocrkit_torch import workers
from ocrkit_torch.averaging import TorchAverage
from ocrkit_torch.feeder import Feeder
from ocrkit_torch.floats import exact_float32
from ocrkit_torch.network import Fetched, array_of, built, state_of, tensors
from ocrkit_torch.objective import TorchObjective
from ocrkit_torch.stages import Fits, Stage
from ocrkit_torch.threads import in_its_thread, lasting_thread
from ocrkit_torch.trainer import TorchTrainer


class Torch:
    """Backend ``torch``."""

    def devices(self) -> list[str]:
        return ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]

    def versions(self) -> dict[str, str]:
        """PyTorch's, and the GPU that it sees: a run's and a model's manifest name it."""
        gpu = {"gpu": torch.cuda.get_device_name()} if torch.cuda.is_available() else {}
        return {"torch": torch.__version__} | gpu

    def network(self, plan: NetworkPlan, *, device: str, threads: int) -> "TorchNetwork":
        return TorchNetwork(plan, device=device, threads=threads)

    def workers(self) -> Workers:
        return workers.find()

    def export_onnx(self, plan: NetworkPlan, arrays: Arrays, /) -> bytes:
        """The network with these weights as an ONNX file; see :func:`ocrkit_torch.onnx.export`."""
        from ocrkit_torch import onnx

        network = self.network(plan, device="cpu", threads=0)
        network.load_state(arrays)
        return onnx.export(network.whole, network.objective, plan)


class TorchNetwork:
    """A network on a PyTorch device. What it computes is computed in a thread of its own."""

    def __init__(self, plan: NetworkPlan, *, device: str, threads: int) -> None:
        self.device = device
        self.callers = 2 if device == "cuda" else 1
        """One fetches what the device has computed while it computes for the other."""
        self.torch_device = torch.device(workers.cuda_device() if device == "cuda" else device)
        self.plan = plan
        self.objective: TorchObjective = plan.objective_built()
        self.thread = lasting_thread(threads, self.torch_device)
        self._build(plan)

    @in_its_thread
    def _build(self, plan: NetworkPlan) -> None:
        # Convolutions are faster with the channels last in memory, on the CPU too.
        self.whole = built(self.objective).to(self.torch_device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        for module in self.whole.modules():
            if isinstance(module, nn.Conv2d) and _reads_beyond(module):
                module.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        found = {name: tuple(tensor.shape) for name, tensor in state_of(self.whole).items()}
        if wrong := plan.mismatch(found):
            raise ConfigError(
                [f"the torch network has other parameters than its definition says: {wrong}"]
            )

    def run(self, inputs: Arrays, /) -> Arrays:
        outputs = self._begun(inputs).wait()  # in the caller's thread: the device has another call
        return {
            port.name: _as_output(tensor)
            for port, tensor in zip(self.plan.outputs, outputs, strict=True)
        }

    @in_its_thread
    def _begun(self, inputs: Arrays) -> Fetched:
        self.whole.eval()
        arrays = (inputs[port.name] for port in self.plan.inputs)
        with torch.inference_mode(), exact_float32():
            outputs = self.objective.outputs(*self.whole(*tensors(self.torch_device, *arrays)))
            return Fetched(*outputs)

    @in_its_thread
    def state(self) -> Arrays:
        return {name: array_of(tensor) for name, tensor in state_of(self.whole).items()}

    @in_its_thread
    def load_state(self, arrays: Arrays, /) -> None:
        state = state_of(self.whole)
        missing = state.keys() - arrays.keys()
        if missing:
            raise WeightsError(f"the network's {sorted(missing)[0]} is not among the weights")
        with torch.no_grad():
            for name, tensor in state.items():
                tensor.copy_(torch.from_numpy(np.asarray(arrays[name], np.float32, order="C")))

    @in_its_thread
    def initialize(self, seed: int, /) -> None:
        """As the modules' own constructors do; ``cnn``, ``bilstm`` and CTC's head: Xavier's uniform
        initialisation (Glorot & Bengio 2010), biases zero."""
        # into the same module, which a trainer may hold already
        self.whole.load_state_dict(built(self.objective, seed).state_dict())

    @in_its_thread
    def trainer(self, options: OptimizerOptions, /) -> TorchTrainer:
        return TorchTrainer(
            self.whole,
            self.objective,
            self.plan,
            options,
            workers.find(),
            device=self.torch_device,
            thread=self.thread,
        )

    def average(self, arrays: Arrays, /) -> TorchAverage:
        return TorchAverage(self.whole, arrays, self.thread)

    def feeder(self, augmentations: Sequence[Stage], preprocessor: Fits, /) -> Feeder:
        return Feeder(
            augmentations, preprocessor, self.plan, device=self.torch_device, thread=self.thread
        )


def _as_output(tensor: Tensor) -> Any:
    """In NumPy; whole numbers as int32."""
    array = tensor.numpy()
    return array if tensor.is_floating_point() else array.astype(np.int32)


def _reads_beyond(convolution: nn.Conv2d) -> bool:
    """Whether oneDNN, with the channels last, reads what lies behind images of a few columns
    (PyTorch 2.9 and 2.13)."""
    down, across = convolution.stride
    return convolution.in_channels == 1 and down == 1 and across > 1
