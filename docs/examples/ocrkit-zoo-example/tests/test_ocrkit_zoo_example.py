"""Whether the model is what its manifest says, on every backend that is installed."""

from ocrkit.testing import ZooConformance


class TestConformance(ZooConformance):
    name = "sample-tiny"
