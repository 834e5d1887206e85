"""A plugin whose every part fails or gives something else on demand, and the commands that meet it.

The environment variable ``ODD`` says where and how: ``PLACE WHAT``. ``PLACES`` names places and
commands, ``RAISED`` ways to fail; ``gives`` is a wrong value, and a number one of ``VALUES`` of
``trials.guests``. What is added here is tried by ``make trials`` too.
"""

FAULTS = '''
import os, sys

class Base(BaseException):
    pass

class Mute(Exception):
    def __str__(self):
        raise KeyError("no words")

def at(place):
    """Does what the environment variable ODD says of this place: ``place what``."""
    where, _, what = os.environ.get("ODD", "").partition(" ")
    if where != place:
        return False
    if what == "raises":
        raise LookupError("lost\\nin \\x1b[31m thought")
    if what == "exits":
        sys.exit(5)
    if what == "leaves":
        raise GeneratorExit
    if what == "is none":
        raise Base("of no Exception")
    if what == "is mute":
        raise Mute
    return True

def given(place, usual, wrong=None):
    """The usual value, or at this place a wrong one."""
    if not at(place):
        return usual
    what = os.environ["ODD"].partition(" ")[2]
    if what == "gives":
        return wrong
    from trials.guests import VALUES
    return VALUES[int(what)]
'''

PARTS = (
    FAULTS
    + """
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import ocrkit
from ocrkit import Decoded, ImageSize, Sample, SequenceSize, option


@dataclass(frozen=True)
class OddReader:
    root: Path = option(Path("."), "the folder")
    split: str = option("all", "the split")

    def __post_init__(self):
        at("reader-made")

    def __len__(self):
        return given("reader-length", 4, -3)

    def __getitem__(self, index):
        if index >= 4:
            raise IndexError
        sample = Sample(f"s{index}", "one", None, lambda: self._load(index))
        return given("sample", sample) if index == 1 else sample

    def _load(self, index):
        image = np.full((20, 30), 40 * index + 10, np.uint8) + np.arange(30, dtype=np.uint8)
        return given("image", image, np.zeros((4, 4))) if index == 1 else image

    @property
    def skipped(self):
        return given("skipped", [], [1, 2])

    @property
    def forms(self):
        return given("forms", None, 7)

    @classmethod
    def sample_root(cls):
        return given("sample-root", Path(__file__).parent)

    @classmethod
    def check(cls, root):
        return given("check", None)


@dataclass(frozen=True)
class OddSize:
    def __call__(self, image):
        usual = np.full((16, 48), image[0, 0], np.uint8) - np.arange(48, dtype=np.uint8)
        return given("preprocessor", usual)

    def output_size(self):
        return given("size", ImageSize(16, 48), (16, 48))


@dataclass(frozen=True)
class OddDecoder:
    def __post_init__(self):
        at("decoder-made")

    def check(self, alphabet):
        return given("decoder-check", None)

    def __call__(self, log_probs, lengths, alphabet):
        text = given("decoder-text", "one", "\\ud800")
        confidence = given("decoder", np.float32(0.5), "much")
        characters = given("decoder-characters", (), ("a", None, 3))
        read = Decoded(text, confidence, characters=characters)
        return given("decoder-all", [read] * len(lengths), [])


@dataclass(frozen=True)
class OddMetric:
    higher_is_better = True

    def counts(self, reference, prediction):
        return given("metric", (1, 1), (float("nan"), "1"))


@dataclass(frozen=True)
class OddAugmentation:
    def __call__(self, image, rng):
        return given("augmentation", image, image[0])


@dataclass(frozen=True)
class OddFeatures:
    @property
    def stride(self):
        return given("stride", 4)

    def output_size(self, input):
        return given("featurizer-size", SequenceSize(4, input.width // 4), 7)

    def lengths(self, widths):
        return given("lengths", widths // 4)

    def parameters(self, input):
        return given("parameters", {})


def build(definition, input):
    def features(images, widths):
        usual = images.reshape(len(images), -1, 4)[:, :12].copy(), widths // 4
        return given("features", usual, (images, widths[:0]))

    return given("build", features)


def read(path, plan):
    return given("importer", {})


@dataclass(frozen=True)
class OddImporter:
    def __call__(self, path, plan):
        return read(path, plan)


@dataclass(frozen=True)
class OddBackend:
    def __post_init__(self):
        at("backend-made")

    def devices(self):
        return given("devices", ["cpu"])


@ocrkit.hookimpl
def ocrkit_readers(register):
    register("odd-reader", OddReader)

@ocrkit.hookimpl
def ocrkit_preprocessors(register):
    register("odd-size", OddSize)

@ocrkit.hookimpl
def ocrkit_decoders(register):
    register("odd-decoder", OddDecoder)

@ocrkit.hookimpl
def ocrkit_metrics(register):
    register("odd-metric", OddMetric)

@ocrkit.hookimpl
def ocrkit_augmentations(register):
    register("odd-augmentation", OddAugmentation)

@ocrkit.hookimpl
def ocrkit_featurizers(register):
    register("odd-features", OddFeatures)
    register("odd-features", build, backend="numpy")

@ocrkit.hookimpl
def ocrkit_importers(register):
    register("odd-importer", OddImporter)

@ocrkit.hookimpl
def ocrkit_backends(register):
    register("odd-backend", OddBackend)
"""
)

RAISED = {
    "raises": r"LookupError: lost in \x1b[31m thought",
    "exits": "SystemExit: 5",
    "leaves": "GeneratorExit",
    "is none": "Base: of no Exception",
    "is mute": "Mute: its message cannot be told",
}
RUN = "run --pipeline RUN --set reader.use=odd-reader --data SITE"

# Where something goes wrong, by which command it is met, how its line names what did it, and what
# is wrong where it is a value.
PLACES = [
    ("reader-made", RUN, "reader 'odd-reader' (plugin 'odd') failed", None),
    (
        "reader-length",
        RUN,
        "reader 'odd-reader' (plugin 'odd') failed",
        "ValueError: __len__() should return >= 0",
    ),
    (
        "skipped",
        RUN,
        "reader 'odd-reader' (plugin 'odd') failed",
        "TypeError: it says skipped (1, 2)",
    ),
    (
        "forms",
        RUN,
        "reader 'odd-reader' (plugin 'odd') failed",
        "forms 7; expected Skipped, and a FormCount or None",
    ),
    ("sample-root", RUN.partition(" --data")[0], "reader 'odd-reader' (plugin 'odd') failed", None),
    ("check", "data check odd-reader SITE", "reader 'odd-reader' (plugin 'odd') failed", None),
    (
        "reader-made",
        "data show odd-reader SITE --output TO",
        "reader 'odd-reader' (plugin 'odd') failed",
        None,
    ),
    (
        "size",
        "check RUN --set preprocessor.use=odd-size",
        "preprocessor 'odd-size' (plugin 'odd')",
        "expected ImageSize",
    ),
    (
        "decoder-made",
        "check RUN --set decoder.use=odd-decoder",
        "decoder 'odd-decoder' (plugin 'odd') failed",
        None,
    ),
    (
        "decoder-check",
        "check RUN --set decoder.use=odd-decoder",
        "decoder 'odd-decoder' (plugin 'odd') failed",
        None,
    ),
    (
        "featurizer-size",
        "check RUN --set featurizer.use=odd-features",
        "featurizer 'odd-features' (plugin 'odd') failed",
        "TypeError: its output_size gave 7; expected SequenceSize",
    ),
    (
        "stride",
        "check RUN --set featurizer.use=odd-features",
        "featurizer 'odd-features' for numpy (plugin 'odd')",
        None,
    ),
    (
        "parameters",
        "check RUN --set featurizer.use=odd-features",
        "featurizer 'odd-features' for numpy (plugin 'odd')",
        None,
    ),
    (
        "build",
        "check RUN --set featurizer.use=odd-features",
        "featurizer 'odd-features' for numpy (plugin 'odd')",
        None,
    ),
    (
        "features",
        "train --pipeline RUN --data DATA --set featurizer.use=odd-features --out TO",
        "plugin 'odd'",
        None,
    ),
    (
        "importer",
        "zoo import --pipeline RUN --params TEXT --importer odd-importer --to TO",
        "importer 'odd-importer' (plugin 'odd') failed",
        "TypeError: it gave NoneType; expected a dictionary of NumPy's arrays",
    ),
    (
        "preprocessor",
        "run --pipeline RUN --data DATA --set preprocessor.use=odd-size",
        "preprocessor 'odd-size' (plugin 'odd') failed",
        "TypeError: it gave NoneType; expected grey pixels",
    ),
    (
        "preprocessor",
        "run --pipeline RUN WORD --set preprocessor.use=odd-size",
        "preprocessor 'odd-size' (plugin 'odd') failed",
        "TypeError: it gave NoneType; expected grey pixels",
    ),
    (
        "decoder",
        "run --pipeline RUN --data DATA --set decoder.use=odd-decoder",
        "decoder 'odd-decoder' (plugin 'odd') failed",
        "TypeError: '<=' not supported",
    ),
    (
        "decoder-text",
        "run --pipeline RUN WORD --set decoder.use=odd-decoder",
        "decoder 'odd-decoder' (plugin 'odd') failed",
        "UnicodeEncodeError",
    ),
    (
        "decoder-characters",
        "run --pipeline RUN WORD --set decoder.use=odd-decoder",
        "decoder 'odd-decoder' (plugin 'odd') failed",
        "ValueError: it gave Decoded(",
    ),
    (
        "metric",
        'run --pipeline RUN --data DATA --set metrics=[{use="odd-metric"}]',
        "metric 'odd-metric' failed",
        "it gave nan and '1'; expected two numbers",
    ),
    (
        "augmentation",
        (
            'train --pipeline RUN --data DATA --set training.augment=[{use="odd-augmentation"}] --out '  # noqa: E501
            "TO"
        ),
        "augmentation 'odd-augmentation' (plugin 'odd') failed",
        "TypeError: it gave uint8 (",
    ),
    (
        "lengths",
        "train --pipeline RUN --data DATA --set featurizer.use=odd-features --out TO",
        "plugin 'odd'",
        None,
    ),
    (
        "backend-made",
        "check RUN --backend odd-backend",
        "no featurizer named 'cnn' for backend 'odd-backend'",
        None,
    ),
]
