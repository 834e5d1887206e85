"""Pipelines with their networks and weights, ready to run."""

from dataclasses import dataclass, replace

from ocrkit.networks.network_file import Exported, network_files
from ocrkit.parts.networks import Network
from ocrkit.pipelines.assembly import Assembly, Surroundings
from ocrkit.pipelines.backends import choose_device
from ocrkit.pipelines.build import assemble, build_network, surround, surround_without_network
from ocrkit.pipelines.spec import PipelineSpec
from ocrkit.pipelines.trained import (
    Trained,
    calibrated,
    trained_in,
    weights_to_read_with,
    with_graph,
)


@dataclass(frozen=True, slots=True)
class Parts:
    """A pipeline's parts, made and found to fit each other."""

    around: Surroundings
    exported: Exported | None = None
    """What an exported network says of itself."""
    called: str = ""
    """What its weights are called where it is a model's own; else they are called as its file
    is."""

    @property
    def has_network(self) -> bool:
        """Not where lines are found by a segmenter alone."""
        return self.exported is not None or isinstance(self.around, Assembly)

    def open(self, device: str, threads: int) -> "Opened":
        """The pipeline with its network. Raises WeightsError where there are no weights for it."""
        around = self.around
        if isinstance(around, Assembly):
            arrays, weights = weights_to_read_with(around)
            network = build_network(around, device, threads)
            network.load_state(arrays)
        else:
            assert self.exported is not None  # noqa: S101  (or else it has no network)
            path = around.spec.folder / around.spec.network
            network = network_files(path).open(
                path,
                around.objective.outputs,
                device=choose_device(around.backend_name, around.backend, device),
                threads=threads,
            )
            weights = trained_in(path, self.exported)
            weights = replace(weights, reference=self.called or weights.reference)
        if around.decoder is not None:
            around = replace(around, decoder=calibrated(around.decoder, weights.temperature))
        return Opened(around, network, weights)


@dataclass(frozen=True, slots=True)
class Opened:
    """A pipeline's parts, its network with its weights, and what is known of these."""

    around: Surroundings
    network: Network
    weights: Trained


def make_parts(spec: PipelineSpec, backend: str | None) -> Parts:
    """Makes all parts of a pipeline. Raises ConfigError where they do not fit together."""
    if spec.network:
        return Parts(*surround(spec, backend))
    if spec.segmenter.use and not spec.network_parts:
        return Parts(surround_without_network(spec))
    if exported := with_graph(spec, backend):
        return Parts(*surround(exported, backend), called=spec.weights)
    return Parts(assemble(spec, backend=backend))
