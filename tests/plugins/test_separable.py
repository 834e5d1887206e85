"""The featurizer `separable-cnn`: its sizes, and one text alone, in a batch and exported. What
every featurizer must do is in test_conformance.py."""

from importlib.util import find_spec
from math import prod
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks import images_of, network_of, predict, random_state, text_plan, why_missing
from ocrkit import ConfigError, ImageSize
from ocrkit.interfaces import NetworkPlan
from ocrkit.parts.registry import registry
from ocrkit_crnn.bilstm import BiLstm
from ocrkit_crnn.separable import SeparableCnn

SMALL = SeparableCnn((3, 4), (1, 1), (2, 1), stem_channels=2, features=3, dropout=0.0)
pytestmark = pytest.mark.skipif(bool(why_missing("torch")), reason=why_missing("torch"))


def plan_of(image: ImageSize, featurizer: SeparableCnn) -> NetworkPlan:
    encoder = BiLstm(hidden=4, dropout=0.0)
    parts = [("featurizer", "separable-cnn"), ("encoder", "bilstm")]
    builders = [registry().get(kind, name, "torch").load() for kind, name in parts]
    return text_plan("torch", (featurizer, builders[0]), (encoder, builders[1]), image, 5)


@given(st.data(), st.integers(1, 3), st.integers(1, 40), st.integers(1, 90))
@settings(max_examples=15)
def test_networks_of_any_options_have_the_steps_that_the_definition_computes(
    data: st.DataObject, stages: int, height: int, width: int
) -> None:
    def few(least: int) -> tuple[int, ...]:
        return tuple(data.draw(st.integers(least, 3)) for _ in range(stages))

    full = data.draw(st.integers(0, stages))
    featurizer = SeparableCnn(few(1), few(0), few(1), full, stem_channels=2, features=3)
    image = ImageSize(height, width)
    sequence, plan = featurizer.output_size(image), plan_of(image, featurizer)
    found, lengths = predict(network_of("torch", plan), *images_of(plan, [width, width]))
    assert found.shape == (2, sequence.steps, 5)
    assert lengths.tolist() == [sequence.steps] * 2
    assert featurizer.lengths(np.array([width], np.int32)).tolist() == [sequence.steps]


def test_an_image_gives_the_same_alone_and_beside_wider_ones() -> None:
    """Of every width, not only of whole steps; and the same as in a network for images of that
    width alone."""
    widths = [40, 39, 33, 32, 17, 9, 8, 5, 1]
    plan = plan_of(ImageSize(20, None), SMALL)
    images, _ = images_of(plan, widths)
    together, lengths = predict(network_of("torch", plan), *images_of(plan, widths))
    assert lengths.tolist() == [10, 10, 9, 8, 5, 3, 2, 2, 1]
    for image, width, length, row in zip(images, widths, lengths, together, strict=True):
        network = network_of("torch", plan_of(ImageSize(20, width), SMALL))
        alone, _ = predict(network, image[None, :, :, :width], np.array([width], np.int32))
        np.testing.assert_allclose(row[:length], alone[0], atol=1e-4)


@pytest.mark.skipif(find_spec("onnxscript") is None, reason="onnxscript is not installed")
def test_its_exported_file_reads_as_the_network_does(tmp_path: Path) -> None:
    widths = [37, 24, 9, 1]
    plan = plan_of(ImageSize(20, None), SMALL)
    wanted, lengths = predict(network_of("torch", plan), *images_of(plan, widths))
    path = tmp_path / "small.onnx"
    torch = registry().get("backend", "torch").load()()
    path.write_bytes(torch.export_onnx(plan, random_state(plan)))
    onnx = registry().get("backend", "onnx").load()()
    network = onnx.open(path, plan.objective.outputs, device="cpu", threads=1)
    found, steps = predict(network, *images_of(plan, widths))
    assert steps.tolist() == lengths.tolist()
    for row, expected, length in zip(found, wanted, lengths, strict=True):
        np.testing.assert_allclose(row[:length], expected[:length], atol=1e-4)


def test_the_fast_model_s_network_has_less_than_four_hundred_thousand_parameters() -> None:
    image, featurizer, encoder = ImageSize(40, None), SeparableCnn(), BiLstm(hidden=128)
    sequence = featurizer.output_size(image)
    assert (sequence.features, sequence.steps, featurizer.stride) == (96, None, 4)
    shapes = [*featurizer.parameters(image).values(), *encoder.parameters(sequence).values()]
    assert sum(map(prod, [*shapes, (96, 256), (96,)])) < 400_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"blocks": (-1, 3)}, r"blocks is \[-1, 3\]; expected whole numbers from 0"),
        ({"channels": (0, 3)}, r"channels is \[0, 3\]; expected whole numbers from 1"),
        ({"channels": (32,)}, "channels has 1 stages, blocks 2, columns 2; expected as many"),
        ({"channels": (), "blocks": (), "columns": ()}, "one at least"),
    ],
)
def test_stages_that_do_not_fit_each_other_are_refused(
    options: dict[str, tuple[int, ...]], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        SeparableCnn(**options)


def test_an_image_without_columns_is_refused() -> None:
    with pytest.raises(ConfigError, match="of a pixel at least, not 20 × 0"):
        SMALL.output_size(ImageSize(20, 0))
