"""Whether a whole network's definition does what the interface says."""

from ocrkit.errors import ConfigError
from ocrkit.parts.objectives import ModelDefinition
from ocrkit.parts.values import ImageSize
from ocrkit.testing.base import PartConformance
from ocrkit.testing.small_networks import is_frozen


class ModelConformance(PartConformance):
    """Checks of a whole network's definition."""

    kind = "model"
    height: int = 64
    """Of the images to test with, in pixels."""
    width: int = 128

    def test_its_definition_computes_sizes(self) -> None:
        """A frozen dataclass that says the size of its maps and its parameters' shapes."""
        model = self.part()
        self.check(isinstance(model, ModelDefinition), "lacks stride, output_size or parameters")
        self.check(is_frozen(model), "has a definition that can be changed; freeze it")
        for size in (ImageSize(self.height, self.width), ImageSize(self.height, None)):
            with self.works(f"to compute its sizes for {size}", ConfigError):
                maps, shapes = model.output_size(size), model.parameters(size)
            self.check(isinstance(maps, ImageSize), f"declares maps {maps!r}; expected ImageSize")
            tuples = all(isinstance(shape, tuple) for shape in shapes.values())
            self.check(tuples, "declares shapes that are no tuples")
