"""The conformance kit itself: how it is used, and that its checks do fail where a part is wrong."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from safetensors.numpy import save_file

from ocrkit.cli import main
from ocrkit.interfaces import Arrays
from ocrkit.testing import (
    AugmentationConformance,
    BackendConformance,
    Conformance,
    DecoderConformance,
    EncoderConformance,
    FeaturizerConformance,
    Finding,
    ImporterConformance,
    MetricConformance,
    PreprocessorConformance,
    ReaderConformance,
    examine,
    examine_plugin,
)

Install = Callable[[str, str], Path]

PARTS = """
import random
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import ocrkit
from ocrkit import ConfigError, DataError, Decoded, ImageSize, Sample, SequenceSize, Skipped, option, read_image

_seen = []


@dataclass
class Files:
    root: Path = option(Path(), "the folder")
    split: str = option("all", "'all', or a folder's name")

    def __post_init__(self):
        if self.split not in ("all", "train", "test") or not self.root.is_dir():
            raise DataError("no such data set")
        folders = {"all": ["train", "test"], "train": ["train"], "test": ["test"]}[self.split]
        files = [path for folder in folders for path in sorted((self.root / folder).glob("*.png"))]
        self.skipped = [Skipped(path.name, "empty file") for path in files if not path.stat().st_size]
        self.files = [path for path in files if path.stat().st_size]
        if not self.files:
            raise DataError("no images")

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        path = self.files[index]
        return Sample(path.name, path.stem, path.name[0], lambda: read_image(path), path=path)

    @property
    def forms(self):
        return None

    @classmethod
    def sample_root(cls):
        return None


@dataclass(frozen=True)
class Fade:
    share: float = option(0.5, "how much paler it may get", minimum=0, maximum=1)

    def __call__(self, image, rng):
        factor = 1 - self.share * rng.random()
        return (255 - (255 - image) * factor).astype(np.uint8)


@dataclass(frozen=True)
class Rosy:
    takes_colour: ClassVar[bool] = True
    size: int = option(30, "height and width of the result", minimum=1)

    def __call__(self, image):
        colours = image if image.ndim == 3 else np.stack([image] * 3, axis=2)
        rows, columns = (np.arange(self.size) * side // self.size for side in image.shape[:2])
        return colours[rows][:, columns]

    def output_size(self):
        return ImageSize(self.size, self.size, 3)

    def to_source(self, image):
        scale = np.array(image.shape[1::-1]) / self.size
        return lambda points: points * scale


@dataclass(frozen=True)
class Best:
    def __call__(self, log_probs, lengths, alphabet):
        return [self.decode(row[:length], alphabet) for row, length in zip(log_probs, lengths)]

    def decode(self, row, alphabet):
        spans, last = [], alphabet.blank
        text = ""
        for step, index in enumerate(row.argmax(axis=1).tolist() if len(row) else []):
            if index == last and spans and index != alphabet.blank:
                spans[-1] = ocrkit.Span(spans[-1].start, step + 1)
            elif index != alphabet.blank:
                spans.append(ocrkit.Span(step, step + 1))
                text += alphabet.characters[index]
            last = index
        confidence = float(np.exp(row.max(axis=1).sum())) if len(row) else 1.0
        return Decoded(text, min(1.0, confidence), tuple(spans))


@dataclass(frozen=True)
class Wrong:
    higher_is_better: ClassVar[bool] = False

    def counts(self, reference, prediction):
        return float(reference != prediction), 1.0


@dataclass(frozen=True)
class Bands:
    bands: int = option(4, "bands of pixels", minimum=1)
    stride: int = option(4, "pixels in a step", minimum=1)

    def output_size(self, input):
        if input.height < self.bands or (input.width is not None and input.width < self.stride):
            raise ConfigError(["bands needs larger images"])
        return SequenceSize(self.bands, None if input.width is None else input.width // self.stride)

    def lengths(self, widths):
        return widths // self.stride

    def parameters(self, input):
        return {}


def bands(definition, input):
    def features(images, widths):
        count, _, height, width = images.shape
        steps = width // definition.stride
        cut = images[:, 0, :, : steps * definition.stride].reshape(count, height, steps, definition.stride).mean(axis=3)
        means = [band.mean(axis=1) for band in np.array_split(cut, definition.bands, axis=1)]
        return np.stack(means, axis=2).astype(np.float32), definition.lengths(widths)

    return features


@ocrkit.hookimpl
def ocrkit_readers(register):
    register("files", Files)


@ocrkit.hookimpl
def ocrkit_augmentations(register):
    register("fade", Fade)


@ocrkit.hookimpl
def ocrkit_preprocessors(register):
    register("rosy", Rosy)


@ocrkit.hookimpl
def ocrkit_decoders(register):
    register("best", Best)


@ocrkit.hookimpl
def ocrkit_metrics(register):
    register("wrong", Wrong)


@ocrkit.hookimpl
def ocrkit_featurizers(register):
    register("bands", Bands)
    register("bands", bands, backend="numpy")
"""  # noqa: E501


@pytest.fixture
def data(tmp_path: Path, words_root: Path) -> Path:
    """Images in two folders, by two writers."""
    images = sorted(words_root.rglob("*.png"))
    for split, writer, some in (("train", "a", images[:3]), ("test", "b", images[3:5])):
        (tmp_path / "data" / split).mkdir(parents=True)
        for index, image in enumerate(some):
            (tmp_path / "data" / split / f"{writer}{index}.png").write_bytes(image.read_bytes())
    return tmp_path / "data"


def conformance(base: type[Conformance], name: str, **attributes: object) -> Conformance:
    return type("TestPart", (base,), {"name": name, **attributes})()


def failed(findings: list[Finding]) -> dict[str, str]:
    return {
        each.check.removeprefix("test_"): each.reason
        for each in findings
        if each.result == "failed"
    }


SUBJECTS: dict[str, tuple[type[Conformance], str, dict[str, object]]] = {
    "files": (ReaderConformance, "files", {"disjoint_splits": (("train", "test"),)}),
    "fade": (AugmentationConformance, "fade", {}),
    "rosy": (PreprocessorConformance, "rosy", {}),
    "best": (DecoderConformance, "best", {"finds": "best path"}),
    "wrong": (MetricConformance, "wrong", {}),
    "bands": (FeaturizerConformance, "bands", {}),
}


def subject(name: str, data: Path) -> Conformance:
    base, part, attributes = SUBJECTS[name]
    return conformance(
        base, part, **attributes, **({"options": {"root": str(data)}} if name == "files" else {})
    )


@pytest.mark.parametrize("name", SUBJECTS)
def test_parts_that_are_right_pass(name: str, install: Install, data: Path) -> None:
    install("right", PARTS)
    findings = examine(subject(name, data))
    assert failed(findings) == {}
    assert sum(finding.result == "ok" for finding in findings) >= 6


FAULTS = {
    "an image that was a duplicate": (
        "files",
        "return Sample(path.name,",
        "return Sample(path.suffix,",
        "samples_say_what_they_are",
        "gives two samples the id '.png'",
    ),
    "a crop that is no text": (
        "files",
        "read_image(path), path=path)",
        "read_image(path), path=path, variant=(0, 0, 9, 9))",
        "samples_say_what_they_are",
        "says variant (0, 0, 9, 9) of a0.png; expected a text",
    ),
    "a length that is too long": (
        "files",
        "return len(self.files)",
        "return len(self.files) + 1",
        "it_is_the_same_every_time",
        "fails to index its samples: IndexError",
    ),
    "an index that wraps around": (
        "files",
        "path = self.files[index]",
        "path = (self.files * 2)[index]",
        "it_is_sized_and_indexable",
        "samples by its length, but",
    ),
    "ids that change": (
        "files",
        "return Sample(path.name,",
        "return Sample(path.name + str(random.random()),",
        "it_is_the_same_every_time",
        "has other samples, or another order, when it is opened a second time",
    ),
    "colours": (
        "files",
        "lambda: read_image(path)",
        "lambda: np.stack([read_image(path)] * 4, axis=2)",
        "images_are_grey_pixels",
        "as uint8 (24, 47, 4); expected grey pixels uint8 (height, width), or RGB",
    ),
    "empty files that nobody is told of": (
        "files",
        "self.skipped = [",
        "self.skipped = [] and [",
        "damaged_files_are_skipped_and_named",
        "leaves out a0.png, whose file is empty, and does not say so in skipped",
    ),
    "damaged images that are read as white": (
        "files",
        "lambda: read_image(path)",
        (
            "lambda: read_image(path) if path.read_bytes()[:4] == b'\\x89PNG' else np.full((9, 9), "
            "255, np.uint8)"
        ),
        "damaged_files_are_skipped_and_named",
        "loads something for a0.png, whose file is no image; expected ImageError",
    ),
    "an unknown split that is all": (
        "files",
        'self.split not in ("all", "train", "test")',
        "False",
        "what_is_not_there_is_refused",
        "fails on an unknown split; expected DataError",
    ),
    "writers in two splits": (
        "files",
        "path.stem, path.name[0]",
        "path.stem, 'anne'",
        "splits_share_no_writer",
        "has writers in both 'train' and 'test': anne",
    ),
    "colour that it cannot take": (
        "rosy",
        "colours = image if image.ndim == 3 else np.stack([image] * 3, axis=2)",
        "colours = np.stack([image] * 3, axis=2)",
        "it_gives_grey_pixels",
        "makes uint8 (30, 30, 3, 3) of uint8 (24, 80, 3); expected grey pixels uint8 (height, wid",
    ),
    "colour that it does not say": (
        "rosy",
        "takes_colour: ClassVar[bool] = True",
        "takes_colour: ClassVar[bool] = False",
        "its_output_size_is_the_actual_size",
        "says that it gives colour, but not that it takes it: takes_colour = True in its class",
    ),
    "grey where it promised colour": (
        "rosy",
        "return colours[rows][:, columns]",
        "return image[rows][:, columns]",
        "its_output_size_is_the_actual_size",
        "makes (30, 30) of an image (24, 80); output_size() says (30, 30, 3)",
    ),
    "points of the wrong place": (
        "rosy",
        "image.shape[1::-1]",
        "image.shape[:2]",
        "its_points_find_back",
        "takes the middle of a blot at [30.0, 10.5] in an image of 24 × 80 pixels to [9.2",
    ),
    "points of the wrong shape": (
        "rosy",
        "lambda points: points * scale",
        "lambda points: (points * scale).T",
        "its_points_find_back",
        "takes points (2, 2) and (1, 2) to (2, 2) and (2, 1)",
    ),
    "a random number of its own": (
        "fade",
        "rng.random()",
        "random.random()",
        "all_its_randomness_is_the_generator_s",
        "gives other pixels for the same random numbers",
    ),
    "an augmentation that does nothing": (
        "fade",
        "rng.random()",
        "0.5",
        "it_changes_images",
        "gave the same pixels for 40 different random numbers",
    ),
    "an augmentation that works in place": (
        "fade",
        "factor = ",
        "image[:2] = 0; factor = ",
        "the_image_is_not_modified",
        "changes its input",
    ),
    "ids that are hashes": (
        "files",
        "return Sample(path.name,",
        "return Sample(str(hash(path.name)),",
        "it_is_the_same_in_another_process",
        "has other ids, or another order, in another process; sort what comes from",
    ),
    "undocumented options": (
        "fade",
        'float = option(0.5, "how much paler it may get", minimum=0, maximum=1)',
        "float = 0.5",
        "its_options_are_documented_fields_of_a_dataclass",
        "does not document its options share",
    ),
    "a default that a pipeline cannot write": (
        "fade",
        "share: float",
        "share: complex",
        "its_options_are_documented_fields_of_a_dataclass",
        (
            "has defaults that a pipeline's file could not say: default.share: 0.5; expected "
            "<class "
            "'complex'>"
        ),
    ),
    "options that it fails on": (
        "fade",
        "    def __call__",
        "    def __post_init__(self):\n        raise RuntimeError(self.share)\n\n    def __call__",
        "it_gives_grey_pixels",
        "augmentation 'fade' (plugin 'faulty') failed: RuntimeError: 0.5",
    ),
    "blanks that are written": (
        "best",
        "elif index != alphabet.blank:\n",
        "elif True:\n",
        "texts_are_of_the_alphabet",
        "IndexError",
    ),
    "steps beyond the length": (
        "best",
        "row[:length]",
        "row",
        "steps_beyond_the_length_do_not_count",
        "reads steps beyond a sample's length",
    ),
    "repeats that are not merged": (
        "best",
        "if index == last and spans",
        "if False and spans",
        "a_clear_path_is_read",
        "reads 'aab' where",
    ),
    "the second best": (
        "best",
        "row.argmax(axis=1)",
        "np.where(row[:, 0] > -0.9, 0, row.argmax(axis=1))",
        "it_agrees_with_trying_every_path",
        "; the best path is",
    ),
    "confidence in logarithms": (
        "best",
        "min(1.0, confidence)",
        "np.log(confidence + 1e-30)",
        "confidences_are_shares",
        "expected 0 to 1",
    ),
    "spans of the wrong length": (
        "best",
        "tuple(spans)",
        "tuple(spans[1:])",
        "spans_show_where_characters_are",
        "expected one a character",
    ),
    "too many characters": (
        "best",
        "tuple(spans)",
        "tuple(spans), (0.5,) * (len(text) + 1)",
        "confidences_are_shares",
        "confidences of characters for",
    ),
    "characters in logarithms": (
        "best",
        "tuple(spans)",
        "tuple(spans), (-0.5,) * len(text)",
        "confidences_are_shares",
        "sure of characters; expected 0 to 1",
    ),
    "alternatives to another text": (
        "best",
        "tuple(spans)",
        "tuple(spans), (), (ocrkit.Alternative(text + 'a', 0.0),)",
        "alternatives_begin_with_the_text",
        "as the best alternative",
    ),
    "alternatives in disorder": (
        "best",
        "tuple(spans)",
        "tuple(spans), (), (ocrkit.Alternative(text, -1.0), ocrkit.Alternative(text + 'a', 0.0))",
        "alternatives_begin_with_the_text",
        "not in order",
    ),
    "the same alternative again": (
        "best",
        "tuple(spans)",
        "tuple(spans), (), (ocrkit.Alternative(text, 0.0),) * 2",
        "alternatives_begin_with_the_text",
        "an alternative twice",
    ),
    "the wrong way round": (
        "wrong",
        "higher_is_better: ClassVar[bool] = False",
        "higher_is_better: ClassVar[bool] = True",
        "the_right_texts_are_perfect",
        "scores the right texts with 0; expected 1",
    ),
    "a memory": (
        "wrong",
        "return float(reference != prediction), 1.0",
        "_seen.append(prediction); return float(prediction in _seen[:-1]), 1.0",
        "the_order_of_samples_does_not_count",
        "gives a sample other counts after other samples",
    ),
    "an assertion of its own": (
        "wrong",
        "return float(reference != prediction), 1.0",
        "assert reference; return 0.0, 1.0",
        "counts_are_finite",
        "metric 'wrong' fails on '' read as '': AssertionError",
    ),
    "no number": (
        "wrong",
        "1.0\n",
        "1.0 if prediction else float('nan')\n",
        "counts_are_finite",
        "counts 1.0 of nan",
    ),
    "features in double precision": (
        "bands",
        "astype(np.float32)",
        "astype(np.float64)",
        "declared_sizes_are_actual_sizes",
        "gives float64 for inputs",
    ),
    "features that depend on the widest image": (
        "bands",
        "np.stack(means, axis=2)",
        "(np.stack(means, axis=2) / width)",
        "padding_changes_nothing",
        "depends on padding: an input of size",
    ),
    "a stride that is not so": (
        "bands",
        "return widths // self.stride",
        "return widths // 4 * 2",
        "its_definition_computes_sizes",
        "declares 16 steps for images 64 pixels wide, but a length of 32",
    ),
    "a definition that can change": (
        "bands",
        "@dataclass(frozen=True)\nclass Bands",
        "@dataclass\nclass Bands",
        "its_definition_computes_sizes",
        "has a definition that can be changed; freeze it",
    ),
    "weights that NumPy would keep": (
        "bands",
        "        return {}\n",
        "        return {'weight': (3,)}\n",
        "weights_are_saved_and_loaded_without_loss",
        "declares the parameters weight",
    ),
    "images of a single row": (
        "bands",
        "if input.height < self.bands or",
        "if",
        "smallest_and_largest_inputs",
        "for backend 'numpy' on images 1 × 64",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_named(fault: str, install: Install, data: Path) -> None:
    name, right, wrong, check, message = FAULTS[fault]
    assert right in PARTS
    install("faulty", PARTS.replace(right, wrong))
    found = failed(examine(subject(name, data)))
    assert message in found[check], found


# --------------------------------------------------------------------- networks of a real framework

ON_ONNX = """
import numpy as np
import ocrkit
from ocrkit_onnx.backend import Onnx, OnnxNetwork


class Sly(Onnx):
    def network(self, plan, *, device, threads):
        return SlyNetwork(plan, device=device, threads=threads)


class SlyNetwork(OnnxNetwork):
    {method}


@ocrkit.hookimpl
def ocrkit_backends(register):
    register("sly", Sly)


@ocrkit.hookimpl
def ocrkit_featurizers(register):
    register("cnn", "ocrkit_onnx.cnn:Cnn", backend="sly")


@ocrkit.hookimpl
def ocrkit_encoders(register):
    register("bilstm", "{encoder}", backend="sly")


@ocrkit.hookimpl
def ocrkit_objectives(register):
    register("ctc", "ocrkit_onnx.ctc:ctc", backend="sly")


class Careless:
    def __init__(self, options, input):
        from ocrkit_onnx.bilstm import BiLstm
        self.inner = BiLstm(options, input)

    def __call__(self, graph, features, lengths):
        return graph.node("Mul", self.inner(graph, features, lengths), graph.constant(np.float32(1.01)))
"""  # noqa: E501
BACKENDS = {
    "as it is": ("pass", "", ""),
    "a state that is no copy": (
        "def state(self): return self._arrays",
        "its_state_is_a_copy_in_canonical_names",
        "shares memory with arrays that it was given or gave: featurizer.",
    ),
    "probabilities for their logarithms": (
        (
            "def run(self, inputs): o = super().run(inputs); "
            "return o | {'log_probs': np.exp(o['log_probs'])}"
        ),
        "predictions_are_log_probabilities",
        "gives probabilities that do not add up to 1 in every step",
    ),
    "lengths of another type": (
        (
            "def run(self, inputs): o = super().run(inputs); "
            "return o | {'lengths': o['lengths'].astype(np.int64)}"
        ),
        "predictions_are_log_probabilities",
        "predicts float32 and int64; expected float32 and int32",
    ),
    "weights that stay": (
        (
            "def load_state(self, arrays): super().load_state(arrays) if self._session is None "
            "else "
            "None"
        ),
        "new_weights_replace_the_old",
        "still uses old weights after new ones are loaded",
    ),
}


@pytest.mark.parametrize("fault", BACKENDS)
def test_a_backend_s_fault_is_found_and_named(fault: str, install: Install) -> None:
    method, check, message = BACKENDS[fault]
    install("sly", ON_ONNX.format(method=method, encoder="ocrkit_onnx.bilstm:BiLstm"))
    found = failed(examine(conformance(BackendConformance, "sly")))
    if check:
        assert message in found[check], found
    else:
        assert found == {}


def test_backends_that_disagree_are_found(install: Install) -> None:
    install("sly", ON_ONNX.format(method="pass", encoder="sly:Careless"))
    found = failed(examine(conformance(EncoderConformance, "bilstm", backend="sly")))
    assert list(found) == ["backends_agree"]
    assert re.search(
        "differs by .* from backend '(gluon|onnx|torch)' with the same weights",
        found["backends_agree"],
    )


# ----------------------------------------------------------------------------------------- using it

REFUSES = {"max_width": 64}
"""Then `fit-height` refuses images that every preprocessor should take."""


# -------------------------------------------------------------------------------- weights of others

IMPORTER = """
from dataclasses import dataclass
from pathlib import Path

import ocrkit
from safetensors import SafetensorError
from safetensors.numpy import load_file

_seen = {}


@dataclass
class Theirs:
    def __call__(self, path, plan):
        try:
            arrays = load_file(path)
        except Exception as error:
            raise ocrkit.WeightsError(f"{path}: no weights ({type(error).__name__})") from error
        arrays = {name.removeprefix("their."): array for name, array in arrays.items()}
        shapes = {name: array.shape for name, array in arrays.items()}
        if shapes != plan.parameters():
            raise ocrkit.WeightsError(f"{path}: of another network")
        if any(array.dtype.kind != "f" for array in arrays.values()):
            raise ocrkit.WeightsError(f"{path}: no floating-point numbers")
        return arrays


@ocrkit.hookimpl
def ocrkit_importers(register):
    register("theirs", Theirs)
"""
IMPORTERS = {
    "it_finds_all_arrays": (
        "        return arrays",
        "        return {n: a * 2 for n, a in arrays.items()}",
        "gives other numbers",
    ),
    "the_file_stays_as_it_is": (
        "        return arrays",
        "        return _seen.setdefault(path, arrays)",
        "share nothing",
    ),
    "another_network_is_refused": (
        "if shapes != plan.parameters():",
        "if not shapes.items() >= plan.parameters().items():",
        "takes a file with arrays for which the network has no place; expected WeightsError",
    ),
    "foreign_files_are_refused": (
        "except Exception",
        "except SafetensorError",
        "on a file that is missing",
    ),
    "truncated_files_are_refused": (
        "{path}: no weights",
        "no weights",
        "expected a line that names the file",
    ),
    "damaged_files_give_weights_or_are_refused": (
        "except Exception",
        "except OSError",
        "fails to read a file",
    ),
}
"""What is put in whose place in an importer that is right, and what is said of it, by the check
that finds it."""


class _TheirFiles(ImporterConformance):
    name = "theirs"
    settings = ("featurizer.channels=2", "encoder.hidden=4")

    def save(self, path: Path, arrays: Arrays) -> None:
        save_file({f"their.{name}": array for name, array in arrays.items()}, path)


def test_an_importer_that_is_right_passes(install: Install) -> None:
    install("theirs", IMPORTER)
    assert {finding.result for finding in examine(_TheirFiles())} == {"ok"}


@pytest.mark.parametrize("check", IMPORTERS)
def test_an_importer_s_fault_is_found_and_named(check: str, install: Install) -> None:
    right, wrong, said = IMPORTERS[check]
    assert right in IMPORTER
    install("theirs", IMPORTER.replace(right, wrong))
    assert said in failed(examine(_TheirFiles()))[check]


# -------------------------------------------------------------------------------- expected failures


def test_an_expected_failure_is_reported_and_no_failure() -> None:
    reason = "words are short here"
    known = {"test_it_gives_grey_pixels": reason, "test_the_image_is_not_modified": reason}
    findings = examine(
        conformance(PreprocessorConformance, "fit-height", options=REFUSES, expected_failures=known)
    )
    by_check = {finding.check: finding for finding in findings}
    expected = by_check["test_it_gives_grey_pixels"]
    assert expected.result == "expected failure"
    assert expected.reason.startswith(
        "words are short here (preprocessor 'fit-height' refuses an ordinary image of 24 × 80 "
        "pixels"
    )


def test_an_expected_failure_that_passes_is_a_failure() -> None:
    known = {"test_the_right_texts_are_perfect": "nobody is perfect"}
    found = failed(examine(conformance(MetricConformance, "cer", expected_failures=known)))
    message = (
        "was expected to fail (nobody is perfect), but does not; take it out of expected_failures"
    )
    assert found == {"the_right_texts_are_perfect": message}


def test_only_checks_that_exist_can_be_expected_to_fail() -> None:
    with pytest.raises(
        TypeError,
        match=r"no check named 'test_count_are_finite'\. Did you mean 'test_counts_are_finite'\?",
    ):
        conformance(MetricConformance, "cer", expected_failures={"test_count_are_finite": "a slip"})
    with pytest.raises(TypeError, match="say why 'test_counts_are_finite' fails"):
        conformance(MetricConformance, "cer", expected_failures={"test_counts_are_finite": ""})


OUTSIDE = """
from ocrkit.testing import DecoderConformance, MetricConformance, PreprocessorConformance, ReaderConformance

class TestCer(MetricConformance):
    name = "cer"

class TestWer(MetricConformance):
    name = "wer"
    expected_failures = {"test_counts_are_finite": "a pity"}

class TestFit(PreprocessorConformance):
    name = "fit-height"
    options = {"max_width": 64}
    expected_failures = {"test_it_gives_grey_pixels": "words are short here"}

class TestFolder(ReaderConformance):
    name = "folder"
    expected_failures = {"test_it_knows_the_split_all": "not even tried"}

class TestNone(DecoderConformance):
    name = "no-such"
"""  # noqa: E501


def test_pytest_collects_and_reports_it(tmp_path: Path) -> None:
    (tmp_path / "test_outside.py").write_text(OUTSIDE)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-rA",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        tmp_path,
        tmp_path,
    ]
    wide = {**os.environ, "COLUMNS": "300"}
    output = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, env=wide
    ).stdout
    assert "PASSED test_outside.py::TestCer::test_counts_are_finite" in output
    passes = (
        "test_counts_are_finite - ocrkit.testing.base.FaultError: was expected to fail (a "
        "pity), but does not"
    )
    assert f"FAILED test_outside.py::TestWer::{passes}" in output
    assert (
        "XFAIL test_outside.py::TestFit::test_it_gives_grey_pixels - words are short here "
        "(preprocessor" in output
    )
    assert "FAILED test_outside.py::TestFit" in output, "what is not expected still fails"
    assert "ships no sample" in output
    assert "FAILED test_outside.py::TestFolder" not in output
    assert "no decoder named 'no-such'" in output


def test_it_needs_neither_pytest_nor_a_framework() -> None:
    code = (
        "import sys; sys.modules['pytest'] = None; from ocrkit.testing import examine_plugin\n"
        "results = [f.result for part in examine_plugin('levenshtein') for f in part.findings]\n"
        "assert results == ['ok'] * len(results) and len(results) > 10, results\n"
        "assert not {'torch', 'mxnet', 'onnxruntime', 'onnx'} & set(sys.modules), "
        "sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# ------------------------------------------------------------------------------ ocrkit plugins test


def plugins_test(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["plugins", "test", *arguments])


def test_a_table_shows_every_part_with_every_check(install: Install) -> None:
    install("right", PARTS)
    result = plugins_test("right")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0].split() == ["part", "check", "result"]
    rows = [re.split("  +", line, maxsplit=2) for line in lines[1:-1]]
    assert {row[0] for row in rows} == {
        "reader files",
        "augmentation fade",
        "preprocessor rosy",
        "featurizer bands for numpy",
        "decoder best",
        "metric wrong",
    }
    assert ["metric wrong", "counts are finite", "ok"] in rows
    unread = (
        "skipped: ships no sample; name a data set: ocrkit plugins test --data ROOT, or the "
        "option root in a test"
    )
    assert ["reader files", "all", unread] in rows
    assert re.fullmatch(r"\d+ skipped, \d+ ok|\d+ ok, \d+ skipped", lines[-1])


def test_a_failure_is_said_in_the_table_and_by_the_exit_status(install: Install) -> None:
    install("faulty", PARTS.replace("np.float32)", "np.float64)"))
    result = plugins_test("Faulty_Dist")
    assert result.exit_code == 1
    assert (
        "FAILED: featurizer 'bands' for backend 'numpy' on images 32 × 64 gives float64 for inputs"
        in result.output
    )
    assert "Traceback" not in result.output


def test_a_part_for_a_backend_that_is_not_installed_is_skipped_with_what_to_install(
    install: Install,
) -> None:
    source = (
        "import ocrkit\n@ocrkit.hookimpl\ndef ocrkit_{kind}s(register): register({arguments})\n"
    )
    install(
        "far",
        source.format(kind="backend", arguments="'far', 'no_such_framework.x:X', extra='far'"),
    )
    install("own", source.format(kind="encoder", arguments="'bilstm', 'own:X', backend='far'"))
    for name in ("far", "own"):
        result = plugins_test(name)
        assert result.exit_code == 0, result.output
        needs = (
            "backend 'far' needs no_such_framework, which is not installed. Try: pip install "
            "'far-dist[far]'"
        )
        assert f"skipped: {needs}" in result.output


def test_a_language_model_that_cannot_be_opened_is_named(install: Install) -> None:
    source = (
        "import ocrkit\n@ocrkit.hookimpl\ndef ocrkit_language_models(register): "
        "register('klingon', 'json:decoder.py')\n"
    )
    install("tongue", source)
    result = plugins_test("tongue")
    assert result.exit_code == 1
    assert "FAILED: language_model 'klingon' has no summary" in result.output
    assert "or a damaged one" in result.output


def test_an_import_that_fails_is_no_missing_extra(install: Install) -> None:
    install(
        "slip",
        "import ocrkit\n@ocrkit.hookimpl\ndef ocrkit_metrics(register): register('slip', "
        "'nmupy:X')\n",
    )
    result = plugins_test("slip")
    assert result.exit_code == 1
    assert "FAILED: metric 'slip' needs nmupy, which is not installed." in result.output


def test_a_featurizer_without_an_implementation_and_one_without_a_definition(
    install: Install,
) -> None:
    halves = PARTS.replace(
        'register("bands", bands, backend="numpy")', 'register("other", bands, backend="numpy")'
    )
    install("halves", halves)
    result = plugins_test("halves")
    assert result.exit_code == 1
    assert "featurizer 'bands' has no implementation for any backend" in result.output
    assert (
        "FAILED: featurizer 'other' has an implementation for numpy, but no definition"
        in result.output
    )


def test_an_importer_is_tested_on_foreign_files_alone_where_nobody_has_written_a_file(
    install: Install,
) -> None:
    install("theirs", IMPORTER)
    (part,) = examine_plugin("theirs")
    found = {finding.check: finding.result for finding in part.findings}
    assert found["test_foreign_files_are_refused"] == "ok"
    assert found["test_it_finds_all_arrays"] == "skipped"
    assert "failed" not in found.values()


def test_a_reader_without_a_sample_is_tested_on_the_data_set_that_is_named(
    install: Install, data: Path
) -> None:
    """``files`` ships none, and ``data`` has images of it."""
    install("reads", PARTS)
    found = {}
    for arguments in ([], ["--data", str(data)]):
        parts = json.loads(plugins_test("reads", "--json", *arguments).stdout)["parts"]
        (part,) = (each for each in parts if each["kind"] == "reader")
        found[len(arguments)] = (
            {finding["result"] for finding in part["findings"]},
            part["findings"][0]["reason"],
        )
    assert found[0][0] == {"skipped"}
    assert found[0][1].startswith(
        "ships no sample; name a data set: ocrkit plugins test --data ROOT"
    )
    assert found[2][0] == {"ok", "skipped"}  # it claims no splits without common writers


def test_a_name_that_nobody_has() -> None:
    result = plugins_test("levenstein")
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "ocrkit: no plugin or package named 'levenstein'. Did you mean 'levenshtein'? Installed: "
    )
