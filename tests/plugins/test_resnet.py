"""The featurizer `resnet-cnn`: its sizes, and the same numbers from every backend. What every
featurizer must do is in test_conformance.py."""

import re
from importlib.util import find_spec
from itertools import product
from math import prod
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks import (
    BACKENDS,
    TRAINING_BACKENDS,
    images_of,
    network_of,
    predict,
    random_state,
    text_plan,
)
from ocrkit import ConfigError, ImageSize
from ocrkit.interfaces import NetworkPlan
from ocrkit.parts.registry import registry
from ocrkit_crnn.bilstm import BiLstm
from ocrkit_crnn.resnet import ResNetCnn

SMALL = ResNetCnn(channels=(3, 3, 4), blocks=(1, 2, 1), pools=(2, 1), stem_channels=2, dropout=0.0)


def plan_of(backend: str, image: ImageSize, featurizer: ResNetCnn) -> NetworkPlan:
    encoder = BiLstm(hidden=4, dropout=0.0)
    parts = [("featurizer", "resnet-cnn"), ("encoder", "bilstm")]
    builders = [registry().get(kind, name, backend).load() for kind, name in parts]
    return text_plan(backend, (featurizer, builders[0]), (encoder, builders[1]), image, 5)


def prediction(
    backend: str, image: ImageSize, featurizer: ResNetCnn, widths: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    plan = plan_of(backend, image, featurizer)
    return predict(network_of(backend, plan), *images_of(plan, widths))


@st.composite
def featurizers(draw: st.DrawFn) -> ResNetCnn:
    stages = draw(st.integers(1, 3))
    few = st.integers(1, 3)
    numbers = [tuple(draw(few) for _ in range(count)) for count in (stages, stages, stages - 1)]
    return ResNetCnn(
        *numbers, draw(few), draw(st.integers(1, 7)), draw(st.integers(1, 7)), dropout=0.0
    )


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
@given(featurizers(), st.integers(1, 40), st.integers(1, 90))
@settings(max_examples=15)
def test_networks_of_any_options_are_alike_on_every_backend(
    backend: str, featurizer: ResNetCnn, height: int, width: int
) -> None:
    """Each has the size and the parameters that its definition computes, or is refused by it."""
    try:
        sequence = featurizer.output_size(ImageSize(height, width))
    except ConfigError as error:
        rows, columns = map(int, re.findall(r"at least (\d+) × (\d+)", str(error))[0])
        assert height < rows or width < columns
        featurizer.output_size(ImageSize(rows, columns))
        return
    (steps,) = featurizer.lengths(np.array([width], np.int32))
    assert sequence.steps == steps
    found, lengths = prediction(backend, ImageSize(height, width), featurizer, [width, width])
    assert found.shape == (2, steps, 5)
    assert lengths.tolist() == [steps, steps]
    on_onnx, _ = prediction("onnx", ImageSize(height, width), featurizer, [width, width])
    np.testing.assert_allclose(found, on_onnx, atol=1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_image_gives_the_same_alone_and_beside_wider_ones(backend: str) -> None:
    """Of every width, not only of whole steps; and the same as in a network for images of that
    width alone."""
    widths = [40, 39, 33, 32, 17, 9, 8, 5]
    together, lengths = prediction(backend, ImageSize(20, None), SMALL, widths)
    assert lengths.tolist() == [10, 10, 8, 8, 4, 2, 2, 1]
    images, _ = images_of(plan_of(backend, ImageSize(20, None), SMALL), widths)
    for image, width, length, row in zip(images, widths, lengths, together, strict=True):
        plan = plan_of(backend, ImageSize(20, width), SMALL)
        alone, _ = predict(
            network_of(backend, plan), image[None, :, :, :width], np.array([width], np.int32)
        )
        np.testing.assert_allclose(row[:length], alone[0], atol=1e-4)


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_nothing_beside_a_narrow_image_is_read(backend: str) -> None:
    """PyTorch's fastest layout reads past images of one to four columns where the stem steps over
    columns alone."""
    featurizer = ResNetCnn(
        channels=(2,),
        blocks=(1,),
        pools=(),
        stem_channels=2,
        stem_rows=1,
        stem_columns=4,
        dropout=0.0,
    )
    for width in (1, 2, 3, 4, 5):
        found, on_onnx = (
            prediction(each, ImageSize(8, width), featurizer, [width] * 3)[0]
            for each in (backend, "onnx")
        )
        np.testing.assert_allclose(found, on_onnx, atol=1e-4)


@pytest.mark.skipif(
    None in map(find_spec, ("torch", "onnxscript")), reason="PyTorch or onnxscript is not installed"
)
def test_files_that_either_backend_exports_read_as_the_network_does(tmp_path: Path) -> None:
    """For images of one width, then of any: PyTorch is not to remember the first when it traces the
    second."""
    featurizer = ResNetCnn(channels=(2, 3), blocks=(1, 1), pools=(2,), stem_channels=2, dropout=0.0)
    for (width, widths), exporter in product(
        [(48, [48] * 3), (None, [37, 24, 9])], ("torch", "onnx")
    ):
        wanted, lengths = prediction("torch", ImageSize(20, width), featurizer, widths)
        plan = plan_of(exporter, ImageSize(20, width), featurizer)
        path = tmp_path / f"{exporter}.onnx"
        path.write_bytes(
            registry().get("backend", exporter).load()().export_onnx(plan, random_state(plan))
        )
        onnx = registry().get("backend", "onnx").load()()
        network = onnx.open(path, plan.objective.outputs, device="cpu", threads=1)
        found, steps = predict(network, *images_of(plan, widths))
        assert steps.tolist() == lengths.tolist()
        for row, expected, length in zip(found, wanted, lengths, strict=True):
            np.testing.assert_allclose(row[:length], expected[:length], atol=1e-4)


def test_with_the_default_options_a_network_of_three_lstm_layers_has_less_than_five_million_parameters() -> (  # noqa: E501
    None
):
    image, featurizer, encoder = ImageSize(64, 256), ResNetCnn(), BiLstm(hidden=256, layers=3)
    sequence = featurizer.output_size(image)
    assert (sequence.features, sequence.steps, featurizer.stride) == (128, 32, 8)
    shapes = [
        *featurizer.parameters(image).values(),
        *encoder.parameters(sequence).values(),
        (96, 512),
        (96,),
    ]
    assert sum(map(prod, shapes)) == 4_766_208


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"blocks": (2, 0, 2)}, r"blocks is \[2, 0, 2\]; expected whole numbers from 1"),
        (
            {"channels": ()},
            (
                "channels has 0 stages, blocks 3, pools 2; expected as many channels as blocks, "
                "and "
                "pools between"
            ),
        ),
        ({"pools": (2, 2, 2)}, "channels has 3 stages, blocks 3, pools 3; expected"),
    ],
)
def test_stages_that_do_not_fit_each_other_are_refused(
    options: dict[str, tuple[int, ...]], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        ResNetCnn(**options)
