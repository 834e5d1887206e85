"""Whether resnet does what ocrkit expects of every featurizer."""

from ocrkit.testing import FeaturizerConformance


class TestConformance(FeaturizerConformance):
    name = "resnet"


class TestOneNarrowBlock(FeaturizerConformance):
    name = "resnet"
    options = {"channels": 5, "blocks": 1}
    height, width = 17, 63
