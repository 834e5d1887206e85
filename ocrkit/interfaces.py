"""What the parts of a pipeline look like: the values that flow between them, and one protocol for
every kind of part. All that a plugin implements or is given can be imported from here.

A part is a dataclass: its fields are its options (see :func:`option`), and the methods named here
are what the pipeline calls. Nothing has to inherit from these protocols; a class with these methods
is a part.

Axes: N images in a batch, H × W pixels, T time steps, D features of a step, E numbers of an encoded
step, K classes (the characters of the alphabet, then the blank).
"""

from ocrkit.parts.feeding import Feeder, Feeds, Pictures
from ocrkit.parts.networks import (
    AveragesWeights,
    Backend,
    Batch,
    ConcurrentNetwork,
    Distributed,
    ExportsOnnx,
    Importer,
    Network,
    NetworkFiles,
    OptimizerOptions,
    SingleProcess,
    Trainer,
    WeightAverage,
    Workers,
)
from ocrkit.parts.objectives import ModelDefinition, Objective
from ocrkit.parts.page import Alternative
from ocrkit.parts.page_protocols import (
    ChoosesScale,
    CutsLines,
    Cutter,
    Format,
    Order,
    PageMetric,
    Parses,
    Picture,
    Scalable,
    Segmenter,
)
from ocrkit.parts.plans import NetworkPlan, PlannedPart, Port
from ocrkit.parts.protocols import (
    Augmentation,
    Codec,
    Decoder,
    EncoderDefinition,
    FeaturizerDefinition,
    MapsToSource,
    Metric,
    MovesPoints,
    Preprocessor,
    Reader,
    SizedPreprocessor,
    TakesColour,
)
from ocrkit.parts.values import (
    Arrays,
    Decoded,
    FloatArray,
    FormCount,
    Image,
    ImageSize,
    IntArray,
    PointMap,
    Sample,
    SequenceSize,
    Skipped,
    Span,
    option,
)

__all__ = [
    "Alternative",
    "Arrays",
    "Augmentation",
    "AveragesWeights",
    "Backend",
    "Batch",
    "ChoosesScale",
    "Codec",
    "ConcurrentNetwork",
    "CutsLines",
    "Cutter",
    "Decoded",
    "Decoder",
    "Distributed",
    "EncoderDefinition",
    "ExportsOnnx",
    "FeaturizerDefinition",
    "Feeder",
    "Feeds",
    "FloatArray",
    "FormCount",
    "Format",
    "Image",
    "ImageSize",
    "Importer",
    "IntArray",
    "MapsToSource",
    "Metric",
    "ModelDefinition",
    "MovesPoints",
    "Network",
    "NetworkFiles",
    "NetworkPlan",
    "Objective",
    "OptimizerOptions",
    "Order",
    "PageMetric",
    "Parses",
    "Picture",
    "Pictures",
    "PlannedPart",
    "PointMap",
    "Port",
    "Preprocessor",
    "Reader",
    "Sample",
    "Scalable",
    "Segmenter",
    "SequenceSize",
    "SingleProcess",
    "SizedPreprocessor",
    "Skipped",
    "Span",
    "TakesColour",
    "Trainer",
    "WeightAverage",
    "Workers",
    "option",
]
