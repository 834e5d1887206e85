"""ocrkit: handwriting recognition put together from parts, every part a plugin, with trained
weights from a zoo.

The names below are the public interface; each is imported when it is first used, so that importing
ocrkit costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ocrkit.actions import compare as compare
    from ocrkit.actions import export as export
    from ocrkit.actions import train as train
    from ocrkit.choosing.finetune import FineTuned as FineTuned
    from ocrkit.choosing.finetune import finetune as finetune
    from ocrkit.errors import ConfigError as ConfigError
    from ocrkit.errors import DataError as DataError
    from ocrkit.errors import ImageError as ImageError
    from ocrkit.errors import OcrkitError as OcrkitError
    from ocrkit.errors import PluginError as PluginError
    from ocrkit.errors import WeightsError as WeightsError
    from ocrkit.hookspecs import Register as Register
    from ocrkit.hookspecs import hookimpl as hookimpl
    from ocrkit.images import read_image as read_image
    from ocrkit.interfaces import Alternative as Alternative
    from ocrkit.interfaces import Augmentation as Augmentation
    from ocrkit.interfaces import Backend as Backend
    from ocrkit.interfaces import Decoded as Decoded
    from ocrkit.interfaces import Decoder as Decoder
    from ocrkit.interfaces import EncoderDefinition as EncoderDefinition
    from ocrkit.interfaces import FeaturizerDefinition as FeaturizerDefinition
    from ocrkit.interfaces import FormCount as FormCount
    from ocrkit.interfaces import ImageSize as ImageSize
    from ocrkit.interfaces import Metric as Metric
    from ocrkit.interfaces import Preprocessor as Preprocessor
    from ocrkit.interfaces import Reader as Reader
    from ocrkit.interfaces import Sample as Sample
    from ocrkit.interfaces import SequenceSize as SequenceSize
    from ocrkit.interfaces import Skipped as Skipped
    from ocrkit.interfaces import Span as Span
    from ocrkit.interfaces import option as option
    from ocrkit.parts.codec import Alphabet as Alphabet
    from ocrkit.parts.page import Line as Line
    from ocrkit.parts.page import Maker as Maker
    from ocrkit.parts.page import Page as Page
    from ocrkit.parts.page import PageImage as PageImage
    from ocrkit.parts.page import Region as Region
    from ocrkit.parts.page import Word as Word
    from ocrkit.parts.page_json import page_from_json as page_from_json
    from ocrkit.parts.page_json import page_to_json as page_to_json
    from ocrkit.pipeline import Pipeline as Pipeline
    from ocrkit.pipeline import load as load

_MODULES = {
    "actions": ["compare", "export", "train"],
    "choosing.finetune": ["FineTuned", "finetune"],
    "parts.codec": ["Alphabet"],
    "errors": [
        "ConfigError",
        "DataError",
        "ImageError",
        "OcrkitError",
        "PluginError",
        "WeightsError",
    ],
    "hookspecs": ["Register", "hookimpl"],
    "images": ["read_image"],
    "interfaces": [
        "Alternative",
        "Augmentation",
        "Backend",
        "Decoded",
        "Decoder",
        "EncoderDefinition",
        "FeaturizerDefinition",
        "FormCount",
        "ImageSize",
        "Metric",
        "Preprocessor",
        "Reader",
        "Sample",
        "SequenceSize",
        "Skipped",
        "Span",
        "option",
    ],
    "parts.page": ["Line", "Maker", "Page", "PageImage", "Region", "Word"],
    "parts.page_json": ["page_from_json", "page_to_json"],
    "pipeline": ["Pipeline", "load"],
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604  (names, built from the table above)
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ocrkit' has no attribute {name!r}")
    return getattr(import_module(f"ocrkit.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
