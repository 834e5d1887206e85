"""The conformance kit: whether a part does what its interface says. ``docs/conformance.md`` shows
how to use it.

One class for each kind of part. A test of a part is a subclass that names it::

    from ocrkit.testing import FeaturizerConformance

    class TestMyFeatures(FeaturizerConformance):
        name = "my-features"
        options = {"channels": 8}
"""

from ocrkit.testing.augmentation import AugmentationConformance as AugmentationConformance
from ocrkit.testing.backend import BackendConformance as BackendConformance
from ocrkit.testing.base import Conformance as Conformance
from ocrkit.testing.base import Finding as Finding
from ocrkit.testing.base import examine as examine
from ocrkit.testing.command import CommandConformance as CommandConformance
from ocrkit.testing.cutter import CutterConformance as CutterConformance
from ocrkit.testing.decoder import DecoderConformance as DecoderConformance
from ocrkit.testing.encoder import EncoderConformance as EncoderConformance
from ocrkit.testing.engine import EngineConformance as EngineConformance
from ocrkit.testing.featurizer import FeaturizerConformance as FeaturizerConformance
from ocrkit.testing.format import FormatConformance as FormatConformance
from ocrkit.testing.images import PreprocessorConformance as PreprocessorConformance
from ocrkit.testing.importer import ImporterConformance as ImporterConformance
from ocrkit.testing.installed import Examined as Examined
from ocrkit.testing.installed import examine_plugin as examine_plugin
from ocrkit.testing.language_model import LanguageModelConformance as LanguageModelConformance
from ocrkit.testing.language_model import (
    LanguageModelFormatConformance as LanguageModelFormatConformance,
)
from ocrkit.testing.metric import MetricConformance as MetricConformance
from ocrkit.testing.model import ModelConformance as ModelConformance
from ocrkit.testing.objective import ObjectiveConformance as ObjectiveConformance
from ocrkit.testing.order import OrderConformance as OrderConformance
from ocrkit.testing.reader import ReaderConformance as ReaderConformance
from ocrkit.testing.segmenter import SegmenterConformance as SegmenterConformance
from ocrkit.testing.zoo import ZooConformance as ZooConformance
