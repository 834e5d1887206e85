"""Networks on PyTorch: built from a plan, run, exported."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ocrkit.errors import ConfigError, WeightsError
from ocrkit.interfaces import Arrays, FloatArray, IntArray, NetworkPlan, OptimizerOptions, Workers
from ocrkit_torch import workers
from ocrkit_torch.floats import exact_float32
from ocrkit_torch.threads import in_its_thread, lasting_thread
from ocrkit_torch.trainer import TorchTrainer


class Torch:
    """Backend ``torch``."""

    def devices(self) -> list[str]:
        return ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]

    def versions(self) -> dict[str, str]:
        return {"torch": torch.__version__}

    def network(self, plan: NetworkPlan, *, device: str, threads: int) -> "TorchNetwork":
        return TorchNetwork(plan, device=device, threads=threads)

    def workers(self) -> Workers:
        return workers.find()

    def export_onnx(self, plan: NetworkPlan, arrays: Arrays, /) -> bytes:
        """The network with these weights as an ONNX file; see :func:`ocrkit_torch.onnx.export`."""
        from ocrkit_torch import onnx

        network = self.network(plan, device="cpu", threads=0)
        network.load_state(arrays)
        return onnx.export(network.whole, plan)


class Whole(nn.Module):
    """Featurizer, encoder and head: class scores (N, T, K) before the softmax, and lengths (N,)."""

    def __init__(self, plan: NetworkPlan) -> None:
        super().__init__()
        if plan.featurizer is not None and plan.build_featurizer is not None:
            self.featurizer = plan.build_featurizer(plan.featurizer, plan.image)
        self.encoder = plan.build_encoder(plan.encoder, plan.sequence)
        self.head = nn.Linear(plan.encoded.features, plan.classes)
        nn.init.xavier_uniform_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self._featurizes = plan.featurizer is not None

    def forward(self, inputs: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor]:
        features, lengths = self.featurizer(inputs, sizes) if self._featurizes else (inputs, sizes)
        return self.scores(features, lengths), lengths

    def scores(self, features: Tensor, lengths: Tensor) -> Tensor:
        scores: Tensor = self.head(self.encoder(features, lengths))
        return scores


def built(plan: NetworkPlan, seed: int | None = None) -> Whole:
    """The network on the CPU, as its modules' constructors initialise it. Nobody else's random
    numbers are touched.

    Without a seed no two are alike. What a module draws and does not register, and so does not
    save, then shows at once.
    """
    with torch.random.fork_rng(devices=[]):
        if seed is None:
            torch.default_generator.seed()
        else:
            torch.default_generator.manual_seed(seed)
        return Whole(plan)


def state_of(whole: Whole) -> dict[str, Tensor]:
    """What a checkpoint stores. A batch norm's count of batches changes nothing where it has a
    momentum."""
    return {
        name: tensor
        for name, tensor in whole.state_dict().items()
        if not name.endswith(".num_batches_tracked")
    }


class TorchNetwork:
    """A network on a PyTorch device. What it computes is computed in a thread of its own."""

    def __init__(self, plan: NetworkPlan, *, device: str, threads: int) -> None:
        self.device = device
        self.torch_device = torch.device(workers.cuda_device() if device == "cuda" else device)
        self.plan = plan
        self.thread = lasting_thread(threads, self.torch_device)
        self._build(plan)

    @in_its_thread
    def _build(self, plan: NetworkPlan) -> None:
        # Convolutions are faster with the channels last in memory, on the CPU too.
        self.whole = built(plan).to(self.torch_device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        for module in self.whole.modules():
            # Of images of a few columns oneDNN then reads what lies behind them, in these
            # convolutions (PyTorch 2.9 and 2.13).
            if (
                isinstance(module, nn.Conv2d)
                and module.in_channels == 1 == module.stride[0] < module.stride[1]
            ):
                module.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        found = {name: tuple(tensor.shape) for name, tensor in state_of(self.whole).items()}
        if wrong := plan.mismatch(found):
            raise ConfigError(
                [f"the torch network has other parameters than its definition says: {wrong}"]
            )

    @in_its_thread
    def predict(self, inputs: FloatArray, sizes: IntArray, /) -> tuple[FloatArray, IntArray]:
        self.whole.eval()
        with torch.inference_mode(), exact_float32():
            scores, lengths = self.whole(*self.tensors(inputs, sizes))
            log_probs = scores.float().log_softmax(
                dim=2
            )  # whoever reads in bf16 does so under autocast
        return log_probs.cpu().numpy(), lengths.cpu().numpy().astype(np.int32)

    def tensors(self, *arrays: Any) -> list[Tensor]:
        """Arrays on the network's device; whole numbers as int64."""
        tensors = [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]
        return [
            tensor.to(
                self.torch_device,
                torch.float32 if tensor.is_floating_point() else torch.int64,
                non_blocking=True,
            )
            for tensor in tensors
        ]

    @in_its_thread
    def state(self) -> Arrays:
        return {
            name: np.array(tensor.cpu().numpy(), np.float32, order="C")
            for name, tensor in state_of(self.whole).items()
        }

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
        """As the modules' own constructors do; ``cnn``, ``bilstm`` and the head: Xavier's uniform
        initialisation (Glorot & Bengio 2010), biases zero."""
        self.whole.load_state_dict(
            built(self.plan, seed).state_dict()
        )  # a trainer may hold the module already

    @in_its_thread
    def trainer(self, options: OptimizerOptions, /) -> TorchTrainer:
        return TorchTrainer(self, options, workers.find())
