"""Ten plugins with one fault each: the kit, or discovery, catches every one and says what is
wrong."""

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ocrkit.cli import main

Install = Callable[[str, str], Path]

needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")

FEATURIZER = """
from dataclasses import dataclass

import ocrkit
from ocrkit import ConfigError, SequenceSize, option


@dataclass(frozen=True)
class Patches:
    features: int = option(6, "features of a step", minimum=1)
    stride: int = option(4, "columns of a patch, which makes a step", minimum=1)

    def output_size(self, input):
        if input.width is not None and input.width < self.stride:
            raise ConfigError([f"patches needs images at least {self.stride} pixels wide"])
        return SequenceSize(self.features, None if input.width is None else input.width // self.stride)

    def lengths(self, widths):
        return widths // self.stride

    def parameters(self, input):
        return {"mix.weight": (self.features, self.stride * input.height), "mix.bias": (self.features,)}


def build(definition, input):
    import torch

    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.mix = torch.nn.Linear(definition.stride * input.height, definition.features)

        def forward(self, images, widths):
            count, _, height, width = images.shape
            steps = width // definition.stride
            cut = images[..., : steps * definition.stride].reshape(count, height, steps, definition.stride)
            patches = cut.permute(0, 2, 1, 3).reshape(count, steps, -1)
            return self.mix(patches), widths // definition.stride

    return Module()


@ocrkit.hookimpl
def ocrkit_featurizers(register):
    register("patches", Patches, summary="patches of an image, mixed linearly")
    register("patches", build, backend="torch")
"""  # noqa: E501

PREPROCESSOR = """
from dataclasses import dataclass

import numpy as np
import ocrkit
from ocrkit import ImageSize, option


@dataclass(frozen=True)
class Corner:
    size: int = option(24, "height and width of the result in pixels", minimum=1)

    def output_size(self):
        return ImageSize(self.size, self.size)

    def __call__(self, image):
        result = np.full((self.size, self.size), 255, np.uint8)
        corner = image[: self.size, : self.size]
        result[: corner.shape[0], : corner.shape[1]] = corner
        return result


@ocrkit.hookimpl
def ocrkit_preprocessors(register):
    register("corner", Corner, summary="the upper left corner")
"""

SABOTEURS = {
    "wrong T": (
        FEATURIZER,
        ("self.mix(patches), ", "self.mix(patches)[:, :-1], "),
        (
            "declared_sizes_are_actual_sizes",
            "gives (1, 15, 5) for inputs (1, 1, 32, 64) with sizes [64]; its definition says",
        ),
    ),
    "changes its input": (
        FEATURIZER,
        (
            "count, _, height, width = images.shape",
            "count, _, height, width = images.mul_(0.5).shape",
        ),
        ("inputs_are_not_modified", "changes its input; work on a copy"),
    ),
    "depends on the batch": (
        FEATURIZER,
        ("self.mix(patches)", "self.mix(patches - patches.mean(dim=0))"),
        (
            "the_batch_changes_nothing",
            "depends on what else is in the batch: alone and among 5, its results differ by",
        ),
    ),
    "forgets a parameter in its state": (
        FEATURIZER.replace(
            '{"mix.weight": (self.features, self.stride * input.height), "mix.bias": '
            "(self.features,)}",
            "{}",
        ),
        (
            "self.mix = torch.nn.Linear(definition.stride * input.height, definition.features)",
            (
                "self.all = [torch.nn.Linear(definition.stride * input.height, definition.features)]; "  # noqa: E501
                "self.mix = self.all[0].forward"
            ),
        ),
        (
            "weights_are_saved_and_loaded_without_loss",
            "forgets something in its state: saved and loaded into a new network",
        ),
    ),
    "is not deterministic": (
        FEATURIZER,
        ("self.mix(patches)", "self.mix(patches + 0.1 * torch.rand_like(patches))"),
        (
            "inference_is_deterministic",
            "is not deterministic in inference: the same input gives results",
        ),
    ),
    "an import error": (
        FEATURIZER,
        ("from dataclasses", "import nothing_of_this_name\nfrom dataclasses"),
        ("loads", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
    ),
    "a misspelt hook": (
        FEATURIZER,
        ("def ocrkit_featurizers", "def ocrkit_featurisers"),
        ("loads", "unknown hook 'ocrkit_featurisers'"),
    ),
    "a name that is taken": (
        PREPROCESSOR,
        ('register("corner"', 'register("fit-pad"'),
        (
            "all",
            (
                "preprocessor 'fit-pad' is claimed by the plugins 'image' (ocrkit) and 'sly' "
                "(sly-dist)."
            ),
        ),
    ),
    "wrong dtype": (
        PREPROCESSOR,
        ("return result", "return result / 255"),
        (
            "it_gives_grey_pixels",
            "makes float64 (24, 24) of uint8 (24, 80); expected grey pixels uint8 (height, width)",
        ),
    ),
    "crashes on width 1": (
        PREPROCESSOR,
        ("return result", "return result + np.uint8(0 // (image.shape[1] - 1))"),
        (
            "smallest_and_largest_images",
            "fails on an image of 1 × 1 pixels (height × width): ZeroDivisionError",
        ),
    ),
}


def examined(name: str) -> dict[str, Any]:
    """What ``ocrkit plugins test --json`` says of a plugin."""
    result = CliRunner().invoke(main, ["plugins", "test", name, "--json"])
    about: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == (0 if about["passed"] else 1)
    return about


def failures(about: dict[str, Any]) -> dict[str, str]:
    findings = [finding for part in about["parts"] for finding in part["findings"]]
    return {
        each["check"].removeprefix("test_"): each["reason"]
        for each in findings
        if each["result"] == "failed"
    }


@pytest.mark.parametrize(
    "source",
    [pytest.param(FEATURIZER, marks=needs_torch), PREPROCESSOR],
    ids=["featurizer", "preprocessor"],
)
def test_without_the_fault_everything_is_right(source: str, install: Install) -> None:
    install("honest", source)
    about = examined("honest")
    assert failures(about) == {}
    (part,) = about["parts"]
    skipped = [finding["check"] for finding in part["findings"] if finding["result"] != "ok"]
    assert skipped in ([], ["test_backends_agree"]), "nothing else was left out"


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(name, marks=needs_torch if "import torch" in source else ())
        for name, (source, *_) in SABOTEURS.items()
    ],
)
def test_a_saboteur_is_caught_and_its_fault_is_named(fault: str, install: Install) -> None:
    source, (right, wrong), (check, message) = SABOTEURS[fault]
    assert source.count(right) == 1
    install("sly", source.replace(right, wrong))
    found = failures(examined("sly-dist"))
    assert message in found[check], found
