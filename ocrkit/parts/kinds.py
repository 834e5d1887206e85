"""The kinds of parts: the hook that registers each, what it is called, and where a pipeline's file
names it."""

from collections.abc import Collection
from typing import NamedTuple

COMMANDS = {
    "run": "Read images, or score a pipeline on a data set.",
    "score": "Score a result file again.",
    "compare": "Compare two result files: is one run better than the other?",
    "calibrate": "Find the temperature that makes a pipeline's confidences fit.",
    "train": "Train a pipeline's network.",
    "check": "Check that a pipeline's parts fit together; read no data.",
    "export": "Write a pipeline's network into an ONNX file.",
    "new": "Write files to begin with.",
    "plugins": "The parts that are installed.",
    "zoo": "The trained models that are installed.",
    "data": "Get, check and look at data sets.",
}
"""The command line's own commands, and what each is for; plugins add others."""


class Kind(NamedTuple):
    """A kind of part."""

    hook: str
    words: str
    place: str = ""
    """Where a pipeline's file names such parts, if it does."""
    by_backend: bool = False
    """Whether its parts have an implementation for each backend, besides their definition."""
    has_options: bool = True
    """Whether its parts are dataclasses, whose fields are their options."""
    taken: Collection[str] = ()
    """Names that no plugin's part can have."""

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
    "backend": Kind("ocrkit_backends", "backend", "backends", has_options=False),
    "zoo": Kind("ocrkit_zoos", "zoo model", has_options=False),
    "importer": Kind("ocrkit_importers", "importer"),
    "language_model": Kind("ocrkit_language_models", "language model", has_options=False),
    "language_model_format": Kind(
        "ocrkit_language_model_formats", "language model format", has_options=False
    ),
    "command": Kind("ocrkit_commands", "command", has_options=False, taken=COMMANDS),
}
"""By the name of the kind, in the order in which lists show them."""
