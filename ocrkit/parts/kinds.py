"""The kinds of parts: the hook that registers each, what it is called, and where a pipeline's file
names it."""

from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of part."""

    hook: str
    words: str
    place: str = ""
    """Where a pipeline's file names such parts, if it does."""
    by_backend: bool = False
    """Whether its parts have an implementation for each backend, besides their definition."""

    def __str__(self) -> str:
        """``an encoder``, for messages."""
        return f"{'an' if self.words[0] in 'aeiou' else 'a'} {self.words}"


KINDS = {
    "reader": Kind("ocrkit_readers", "reader", "[reader]"),
    "preprocessor": Kind("ocrkit_preprocessors", "preprocessor", "[preprocessor]"),
    "augmentation": Kind("ocrkit_augmentations", "augmentation", "training.augment"),
    "featurizer": Kind("ocrkit_featurizers", "featurizer", "[featurizer]", by_backend=True),
    "encoder": Kind("ocrkit_encoders", "encoder", "[encoder]", by_backend=True),
    "decoder": Kind("ocrkit_decoders", "decoder", "[decoder]"),
    "metric": Kind("ocrkit_metrics", "metric", "[[metrics]]"),
    "backend": Kind("ocrkit_backends", "backend", "backends"),
    "zoo": Kind("ocrkit_zoos", "zoo model"),
    "importer": Kind("ocrkit_importers", "importer"),
    "language_model": Kind("ocrkit_language_models", "language model"),
}
"""By the name of the kind, in the order in which lists show them."""
