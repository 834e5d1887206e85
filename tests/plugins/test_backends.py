"""Every backend that is installed computes the same, on its real framework: against plain NumPy,
against each other, and whatever else is in the batch."""

import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from networks import (
    BACKENDS,
    classes_of,
    expected,
    images_of,
    network_of,
    plan_of,
    predict,
    random_state,
    small,
)
from ocrkit import ConfigError, ImageSize, WeightsError
from ocrkit.data.datasets import open_dataset
from ocrkit.interfaces import FloatArray, Image, IntArray
from ocrkit.networks import weights
from ocrkit.parts.codec import Alphabet
from ocrkit.pipelines.build import assemble, build_network
from ocrkit.pipelines.file import load_spec
from ocrkit.pipelines.trained import weights_to_read_with
from ocrkit.reading.engine import Recogniser
from ocrkit_crnn.bilstm import BiLstm
from ocrkit_crnn.cnn import Cnn
from ocrkit_ctc.greedy import Greedy

every_backend = pytest.mark.parametrize("backend", BACKENDS)
every_pair = pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            *one.values,
            *other.values,
            marks=[*one.marks, *other.marks],
            id=f"{one.values[0]}-{other.values[0]}",
        )
        for one, other in combinations(BACKENDS, 2)
    ],
)
NETWORKS = st.builds(
    lambda height, width, channels, columns, hidden, layers: (
        ImageSize(height, width),
        Cnn(channels=channels, columns=columns),
        BiLstm(hidden=hidden, layers=layers),
    ),
    st.integers(2, 9),
    st.none() | st.integers(2, 40),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(1, 2),
)
ALPHABET = Alphabet("abcdefg")
MARGIN = 1e-3
"""Between the two best classes of a step: below it a text may change with the last bit."""


def texts(log_probs: FloatArray, lengths: IntArray) -> list[str]:
    return [decoded.text for decoded in Greedy()(log_probs, lengths, ALPHABET)]


def is_clear(log_probs: FloatArray, lengths: IntArray) -> bool:
    """Whether no step that counts is near a tie."""
    best = np.sort(log_probs, axis=2)
    margins = best[:, :, -1] - best[:, :, -2]
    return not (margins < MARGIN)[np.arange(log_probs.shape[1]) < lengths[:, None]].any()


# -------------------------------------------------------------------------------------- the numbers


@every_backend
@settings(max_examples=40)
@given(NETWORKS, st.lists(st.integers(1, 40), min_size=1, max_size=4), st.integers(0, 1000))
def test_it_computes_what_the_definitions_say_whatever_the_sizes(
    backend: str, parts: tuple[ImageSize, Cnn, BiLstm], widths: list[int], seed: int
) -> None:
    image, featurizer, encoder = parts
    assume(image.width is None or image.width >= featurizer.stride)
    widths = widths if image.width is None else [image.width] * len(widths)
    plan = plan_of(backend, image, featurizer, encoder)
    state = random_state(plan, seed)
    network = network_of(backend, plan, state)
    assert {name: array.shape for name, array in network.state().items()} == plan.parameters()

    inputs, sizes = images_of(plan, widths, seed)
    log_probs, lengths = predict(network, inputs, sizes)
    assert (log_probs.dtype, lengths.dtype) == (np.float32, np.int32)
    assert (
        lengths.tolist()
        == featurizer.lengths(sizes).tolist()
        == [width // featurizer.stride for width in widths]
    )
    assert log_probs.shape == (len(widths), inputs.shape[3] // featurizer.stride, classes_of(plan))
    assert plan.outputs[0].axes[1] in ("T", log_probs.shape[1])
    for row, own, steps, found in zip(inputs, widths, lengths, log_probs, strict=True):
        if steps:
            np.testing.assert_allclose(
                found[:steps], expected(row[0, :, :own], plan, state), atol=1e-4
            )


@pytest.mark.parametrize(
    ("size", "message"),
    [(ImageSize(1, 24), "2 pixels high, not 1"), (ImageSize(8, 5), "6 pixels wide, not 5")],
)
def test_images_too_small_for_a_step_are_refused(size: ImageSize, message: str) -> None:
    with pytest.raises(ConfigError, match=f"cnn needs images at least {message}"):
        Cnn(columns=3).output_size(size)


TOGETHER = """
import sys
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from networks import images_of, network_of, predict, random_state, small

plan = small(sys.argv[1])
network = network_of(sys.argv[1], plan)
batches = [images_of(plan, [4 + 4 * (seed % 5), 24], seed) for seed in range(40)]
callers = getattr(network, "callers", 1)
for seed in (1, 2):  # new weights must reach every thread
    state = random_state(plan, seed)
    network.load_state(state)
    with ThreadPoolExecutor(callers) as threads:
        together = list(threads.map(lambda batch: predict(network, *batch), batches))
    alone = network_of(sys.argv[1], plan, state)
    for batch, results in zip(batches, together, strict=True):
        for result, expected in zip(results, predict(alone, *batch), strict=True):
            np.testing.assert_array_equal(result, expected)
print(callers)
"""


@every_backend
def test_threads_that_call_it_together_get_what_one_alone_gets(backend: str) -> None:
    """In a process of its own, where OMP_NUM_THREADS does not keep MXNet from taking several calls
    at a time."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", TOGETHER, backend],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    callers = {"gluon": min(2, len(os.sched_getaffinity(0))), "onnx": 2, "torch": 1}[backend]
    assert (done.returncode, done.stdout) == (0, f"{callers}\n"), done.stderr


@every_pair
@settings(max_examples=20)
@given(NETWORKS, st.lists(st.integers(1, 60), min_size=1, max_size=6), st.integers(0, 1000))
def test_two_backends_agree_on_any_network(
    one: str, other: str, parts: tuple[ImageSize, Cnn, BiLstm], widths: list[int], seed: int
) -> None:
    image, featurizer, encoder = parts
    assume(image.width is None or image.width >= featurizer.stride)
    widths = widths if image.width is None else [image.width] * len(widths)
    results = []
    for backend in (one, other):
        plan = plan_of(backend, image, featurizer, encoder, classes=ALPHABET.classes)
        results.append(
            predict(
                network_of(backend, plan, random_state(plan, seed)), *images_of(plan, widths, seed)
            )
        )
    (found, lengths), (reference, others_lengths) = results
    assert lengths.tolist() == others_lengths.tolist()
    counts = np.arange(found.shape[1]) < lengths[:, None]
    np.testing.assert_allclose(found[counts], reference[counts], atol=1e-4)
    if is_clear(*results[0]):
        assert texts(*results[0]) == texts(*results[1])


# ----------------------------------------------------------------------------- what is in the batch


@every_backend
@settings(max_examples=15)
@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=64),
    st.integers(4, 60),
    st.integers(1, 3),
    st.integers(1, 2),
    st.integers(0, 1000),
)
def test_an_image_is_read_the_same_alone_in_a_batch_of_64_and_beside_a_four_times_wider_one(
    backend: str, others: list[int], width: int, columns: int, layers: int, seed: int
) -> None:
    plan = plan_of(
        backend,
        ImageSize(8, None),
        Cnn(channels=2, columns=columns),
        BiLstm(hidden=3, layers=layers),
        ALPHABET.classes,
    )
    network = network_of(backend, plan, random_state(plan, seed))
    (image,), _ = images_of(plan, [width], seed)

    def read_among(widths: list[int]) -> tuple[FloatArray, str]:
        inputs, sizes = images_of(plan, widths, seed + 1)
        inputs[-1, :, :, : image.shape[2]] = image[:, :, : inputs.shape[3]]
        log_probs, lengths = predict(network, inputs, sizes)
        return log_probs[-1, : lengths[-1]], texts(log_probs[-1:], lengths[-1:])[0]

    alone, text = read_among([width])
    assume(is_clear(alone[None], np.array([len(alone)])))
    batch = (others * 64)[:63]
    for widths in ([*batch, width], [4 * width, width]):
        found, found_text = read_among(widths)
        np.testing.assert_allclose(found, alone, atol=1e-4)
        assert found_text == text


@every_backend
def test_what_stands_beyond_the_width_is_not_seen(backend: str) -> None:
    network = network_of(backend, small(backend))
    inputs, sizes = images_of(small(backend), [12, 40])
    soiled = inputs.copy()
    soiled[0, :, :, 16:] = 1
    clean, dirty = predict(network, inputs, sizes)[0], predict(network, soiled, sizes)[0]
    np.testing.assert_allclose(dirty[0, :3], clean[0, :3], atol=1e-5)
    np.testing.assert_allclose(dirty[1], clean[1], atol=1e-5)


@every_backend
def test_predictions_do_not_change_when_the_network_is_used_again(backend: str) -> None:
    plan = small(backend)
    network = network_of(backend, plan)
    first, _ = predict(network, *images_of(plan, [20, 20], seed=1))
    kept = first.copy()
    predict(network, *images_of(plan, [20, 20], seed=2))
    predict(network, *images_of(plan, [28], seed=3))
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(predict(network, *images_of(plan, [20, 20], seed=1))[0], kept)


# -------------------------------------------------------------------------------------------- state


@every_pair
def test_weights_go_from_one_backend_to_the_other_and_back_bit_for_bit(
    one: str, other: str, tmp_path: Path
) -> None:
    state = random_state(small(one))
    network = network_of(one, small(one), state)
    weights.write(tmp_path / "there.safetensors", network.state(), {})
    there = network_of(other, small(other), weights.read(tmp_path / "there.safetensors").arrays)
    weights.write(tmp_path / "back.safetensors", there.state(), {})
    back = weights.read(tmp_path / "back.safetensors").arrays
    assert back.keys() == state.keys()
    for name, array in state.items():
        assert back[name].tobytes() == array.tobytes(), name
    inputs = images_of(small(one), [20, 33])
    np.testing.assert_array_equal(
        predict(network_of(one, small(one), back), *inputs)[0], predict(network, *inputs)[0]
    )


@every_backend
def test_the_state_is_a_copy_of_weights_that_were_copied(backend: str) -> None:
    state = random_state(small(backend))
    network = network_of(backend, small(backend), state)
    inputs = images_of(small(backend), [20])
    before, _ = predict(network, *inputs)
    state["head.bias"][:] = 9
    network.state()["head.bias"][:] = 9
    np.testing.assert_array_equal(
        network.state()["head.bias"], random_state(small(backend))["head.bias"]
    )
    np.testing.assert_array_equal(predict(network, *inputs)[0], before)


@every_backend
def test_new_weights_take_the_place_of_the_old(backend: str) -> None:
    network, plan = network_of(backend, small(backend)), small(backend)
    inputs = images_of(plan, [20])
    predict(network, *inputs)
    network.load_state(random_state(plan, seed=1))
    fresh = network_of(backend, plan, random_state(plan, seed=1))
    np.testing.assert_array_equal(predict(network, *inputs)[0], predict(fresh, *inputs)[0])


@every_backend
def test_missing_weights_are_named(backend: str) -> None:
    state = random_state(small(backend))
    del state["encoder.bias_hh_l1_reverse"]
    with pytest.raises(
        WeightsError, match=r"the network's encoder\.bias_hh_l1_reverse is not among the weights"
    ):
        network_of(backend, small(backend), state)


# ---------------------------------------------------------------------------------------- the model

WORDS = 64
OF_ANY_WIDTH = ["preprocessor.use=fit-height", "preprocessor.height=32"]
"""The model was trained on one width; on images of their own width it still reads."""


@pytest.fixture(scope="module")
def images() -> list[Image]:
    dataset = open_dataset(load_spec("iam-crnn").reader)
    return [dataset[index].load() for index in range(WORDS)]


def model_on(backend: str, sets: list[str]) -> Recogniser:
    assembly = assemble(load_spec("iam-crnn", sets), backend=backend)
    network = build_network(assembly, "cpu")
    network.load_state(weights_to_read_with(assembly)[0])
    return Recogniser(assembly, network)


def readings(recogniser: Recogniser, images: list[Image]) -> tuple[list[FloatArray], list[str]]:
    """Log-probabilities (T, K) and texts of images read in one batch."""
    fitted = [recogniser.assembly.preprocessor(image) for image in images]
    log_probs, lengths = predict(
        recogniser.network, *recogniser.assembly.make_batch(fitted).values()
    )
    decoded = recogniser.assembly.decoder(log_probs, lengths, recogniser.assembly.alphabet)
    return [found[:steps] for found, steps in zip(log_probs, lengths, strict=True)], [
        each.text for each in decoded
    ]


@every_backend
@pytest.mark.parametrize("sets", [[], OF_ANY_WIDTH], ids=["one width", "any width"])
def test_the_model_reads_a_word_the_same_alone_and_in_a_batch_of_64(
    backend: str, sets: list[str], images: list[Image]
) -> None:
    recogniser = model_on(backend, sets)
    together, in_batch = readings(recogniser, images)
    assert len(set(in_batch)) > WORDS / 3
    for index in range(0, WORDS, 8):
        (alone,), (text,) = readings(recogniser, [images[index]])
        np.testing.assert_allclose(alone, together[index], atol=1e-4)
        assert text == in_batch[index]


@every_pair
@pytest.mark.parametrize("sets", [[], OF_ANY_WIDTH], ids=["one width", "any width"])
def test_two_backends_agree_on_the_model(
    one: str, other: str, sets: list[str], images: list[Image]
) -> None:
    (found, read), (reference, others_read) = (
        readings(model_on(backend, sets), images) for backend in (one, other)
    )
    for index in range(WORDS):
        np.testing.assert_allclose(found[index], reference[index], atol=1e-3)
    assert read == others_read
