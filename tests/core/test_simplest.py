"""What else the conformance kit puts into a network while it tests one part."""

from collections.abc import Callable
from pathlib import Path
from unittest import SkipTest

import pytest

from ocrkit.parts.options import PartSpec
from ocrkit.testing.simplest import simplest

Install = Callable[[str, str], Path]

HEAD = """
from dataclasses import dataclass

import ocrkit


@dataclass(frozen=True)
class Small:
    def output_size(self, input):
        return input

    def parameters(self, input):
        return {"weight": (2,)}


@dataclass(frozen=True)
class Large(Small):
    units: int = ocrkit.option(160, "units", minimum=1)
    layers: int = ocrkit.option(3, "layers", minimum=1)
    noise: float = ocrkit.option(0.5, "noise", minimum=0.0)

    def parameters(self, input):
        return {"weight": (self.units, input.features, self.layers)}


@dataclass(frozen=True)
class Broken(Small):
    def parameters(self, input):
        raise RuntimeError("never")

"""
HOOKS = """
@ocrkit.hookimpl
def ocrkit_encoders(register):
    for name, cls in {parts}.items():
        register(name, cls)
        register(name, "x:X", backend="far")
"""
BACKEND = """
@ocrkit.hookimpl
def ocrkit_backends(register):
    register("far", "x:X")
"""


def test_the_smallest_part_of_a_backend_is_taken_with_small_options_and_no_dropout() -> None:
    assert simplest("featurizer", "onnx") == PartSpec(
        "featurizer", "cnn", {"channels": 2, "dropout": 0.0}
    )
    encoder = simplest("encoder", "onnx", "torch")
    assert encoder.options == {"hidden": 12, "dropout": 0.0}


def test_a_backend_is_tested_with_its_own_parts_and_not_with_smaller_ones_of_others(
    install: Install,
) -> None:
    install("far", HEAD + HOOKS.format(parts="{'own': Large}") + BACKEND)
    install("other", HEAD + HOOKS.format(parts="{'less': Small}"))
    assert simplest("encoder", "far") == PartSpec("encoder", "own", {"units": 10, "noise": 0.0})


def test_parts_that_are_broken_are_taken_last(install: Install) -> None:
    parts = "{'a': Broken, 'b': Large, 'c': 'no_such_module:X'}"
    install("far", HEAD + HOOKS.format(parts=parts) + BACKEND)
    assert simplest("encoder", "far").use == "b"


def test_a_backend_without_parts_is_skipped_with_the_reason(install: Install) -> None:
    install("far", HEAD + BACKEND)
    with pytest.raises(SkipTest, match="no encoder for 'far' is there to make a network of"):
        simplest("encoder", "far")
