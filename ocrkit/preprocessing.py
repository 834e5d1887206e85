"""A pipeline's preprocessors, one after the other."""

from dataclasses import dataclass

from ocrkit.config import PartSpec, PipelineSpec
from ocrkit.interfaces import Image, ImageSize, Preprocessor, SizedPreprocessor
from ocrkit.registry import registry


@dataclass(frozen=True, slots=True)
class Chain:
    """Preprocessors in the order in which they run; the last one alone says what size comes out.

    uint8 (H, W) → uint8 (H', W'), a pure function. Raises ImageError where one of them refuses the image.
    """

    before: tuple[Preprocessor, ...]
    last: SizedPreprocessor

    def __call__(self, image: Image, /) -> Image:
        for part in self.before:
            image = part(image)
        return self.last(image)

    def output_size(self) -> ImageSize:
        return self.last.output_size()


def describe_preprocessing(spec: PipelineSpec, chain: Chain) -> str:
    """Everything that preprocessed pixels depend on besides the image, for the cache."""
    parts = zip((*spec.before, spec.preprocessor), (*chain.before, chain.last), strict=True)
    return "; ".join(_described(part, made) for part, made in parts)


def _described(part: PartSpec, made: Preprocessor) -> str:
    entry = registry().get(part.kind, part.use)
    return f"{entry.target} {entry.plugin.distribution} {entry.plugin.version} {made!r}"
