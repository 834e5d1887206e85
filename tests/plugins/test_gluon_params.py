"""Reading `.params` files that real MXNet wrote: of a network built as the notebook builds it, and
of everything else."""

import re
import string
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks import INSTALLED, NEEDS_GLUON, predict, text_plan
from ocrkit import ImageSize, WeightsError, read_image
from ocrkit.interfaces import NetworkPlan
from ocrkit.pipelines.build import assemble, build_network
from ocrkit.pipelines.file import load_spec
from ocrkit.reading.engine import Recogniser
from ocrkit.reading.values import Seconds
from ocrkit.zoo.models import model, read_model_weights
from ocrkit_crnn.bilstm import BiLstm
from ocrkit_crnn.cnn import Cnn
from ocrkit_gluon.params import GluonParams

mxnet = pytest.importorskip("ocrkit_gluon.mxnet", exc_type=ImportError).mxnet
pytestmark = NEEDS_GLUON

nd, gluon = mxnet.nd, mxnet.gluon
ALPHABET = string.ascii_letters + string.digits + string.punctuation + " "


# ------------------------------------------------------------------------------------- the notebook


class Slices(gluon.Block):
    """The notebook's encoder layer: feature maps cut into steps from left to right, and an LSTM
    over them."""

    def __init__(self, steps: int, hidden: int, layers: int, recurrent: type, **names: Any) -> None:
        super().__init__(**names)
        self.steps = steps
        with self.name_scope():
            self.lstm = recurrent(hidden, layers, bidirectional=True)

    def forward(self, x: Any) -> Any:
        x = x.transpose((0, 3, 1, 2)).flatten().split(num_outputs=self.steps, axis=1)
        x = nd.concat(*[step.expand_dims(axis=0) for step in x], dim=0)
        return self.lstm(x).transpose((1, 0, 2))


def notebook_network(
    *, classes: int = 96, channels: int = 32, steps: int = 32, hidden: int = 200, layers: int = 1,
    size: tuple[int, int] = (32, 128), recurrent: type = gluon.rnn.LSTM, convolutions: int = 4,
) -> gluon.Block:  # fmt: skip
    """The notebook's network as its cells put it together, with values in it of which none is zero
    or one."""
    convolution = {
        "kernel_size": (3, 3),
        "padding": (1, 1),
        "channels": channels,
        "activation": "relu",
    }
    net = gluon.nn.Sequential()
    with net.name_scope():
        featurizer = gluon.nn.HybridSequential()
        featurizer.add(gluon.nn.Conv2D(**convolution))
        featurizer.add(gluon.nn.BatchNorm())
        featurizer.add(gluon.nn.Conv2D(**convolution))
        featurizer.add(gluon.nn.MaxPool2D(pool_size=(2, 2), strides=(2, 2)))
        featurizer.add(gluon.nn.Conv2D(**convolution))
        featurizer.add(gluon.nn.BatchNorm())
        featurizer.add(gluon.nn.Dropout(0.5))
        for _ in range(convolutions - 3):
            featurizer.add(gluon.nn.Conv2D(**convolution))
        featurizer.add(gluon.nn.BatchNorm())
        featurizer.hybridize()
        encoder = gluon.nn.Sequential()
        encoder.add(Slices(steps, hidden, layers, recurrent))
        encoder.add(gluon.nn.Dropout(0.5))
        decoder = gluon.nn.Dense(units=classes, flatten=False)
        decoder.hybridize()
        net.add(featurizer, encoder, decoder)
    net.collect_params().initialize(mxnet.init.Xavier())
    net(nd.zeros((1, 1, *size)))
    rng = np.random.default_rng(4)
    for parameter in net.collect_params().values():
        drawn = parameter.data().asnumpy() + rng.normal(0, 0.05, parameter.shape)
        parameter.set_data(nd.array(np.abs(drawn) if "running_var" in parameter.name else drawn))
    return net


def notebook_image(path: Path) -> np.ndarray:
    """A file as the notebook's `pre_processing` and `transform` give it to the network, (1, 32,
    128) in 0..1."""
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    height, width = image.shape
    if height > 32 or width > 128:
        ratio = min(32 / height, 128 / width)
        image = cv2.resize(image, (int(width * ratio), int(height * ratio)))
        height, width = image.shape
    below, right = max(0, 32 - height), max(0, 128 - width)
    edges = below // 2, below - below // 2, right // 2, right - right // 2
    color = max(230, int(image[0][0]))
    return (
        cv2.copyMakeBorder(image, *edges, cv2.BORDER_CONSTANT, value=color)[None].astype(np.float32)
        / 255.0
    )


def notebook_text(scores: np.ndarray) -> str:
    """The notebook's `decode` of one word's scores (steps, classes)."""
    best = scores.argmax(axis=1)
    last_of_a_run = [
        index for step, index in enumerate(best) if step == len(best) - 1 or index != best[step + 1]
    ]
    return "".join(ALPHABET[index] for index in last_of_a_run if index != len(ALPHABET))


def save_params(net: gluon.Block, path: str) -> None:
    with pytest.warns(UserWarning, match="deprecated"):
        net.save_params(path)


def renamed(rename: Callable[[str], str]) -> Callable[[gluon.Block, str], None]:
    return lambda net, path: nd.save(
        path, {rename(name): p.data() for name, p in net._collect_params_with_prefix().items()}
    )


SAVES: dict[str, Callable[[gluon.Block, str], None]] = {
    "save_parameters": lambda net, path: net.save_parameters(path),
    "save_parameters, the LSTM not as cells": renamed(
        lambda name: re.sub(r"_unfused\.(\d)\.([lr])_cell\.", r"\2\1_", name)
    ),
    "save_params": save_params,
    "collect_params with the prefix": lambda net, path: net.collect_params().save(path),
    "arg and aux, in no order": lambda net, path: nd.save(
        path,
        {
            f"{'aux' if 'running' in name else 'arg'}:{name}": parameter.data()
            for name, parameter in sorted(
                net.collect_params().items(), key=lambda item: item[0][::-1]
            )
        },
    ),
}


@pytest.fixture(scope="module")
def network() -> gluon.Block:
    """The notebook's network, and it can read: its parameters are those of the zoo's model."""
    # so that the names of the next, as in a notebook that has run twice, have other numbers
    notebook_network()
    net = notebook_network()
    featurizer, lstm, head = net[0], net[1][0].lstm, net[2]
    values = {
        name: nd.array(array)
        for name, array in read_model_weights(model("iam-crnn")).arrays.items()
    }
    for name, layer in {
        "conv1": 0,
        "norm1": 1,
        "conv2": 2,
        "conv3": 4,
        "norm3": 5,
        "conv4": 7,
        "norm4": 8,
    }.items():
        for end, canonical in {"gamma": "weight", "beta": "bias"}.items() if "norm" in name else ():
            getattr(featurizer[layer], end).set_data(values[f"featurizer.{name}.{canonical}"])
        for end in ("running_mean", "running_var") if "norm" in name else ("weight", "bias"):
            getattr(featurizer[layer], end).set_data(values[f"featurizer.{name}.{end}"])
    for (side, direction), gate, end in product(
        (("l", ""), ("r", "_reverse")), "ih", ("weight", "bias")
    ):
        getattr(lstm, f"{side}0_{gate}2h_{end}").set_data(
            values[f"encoder.{end}_{gate}h_l0{direction}"]
        )
    head.weight.set_data(values["head.weight"])
    head.bias.set_data(values["head.bias"])
    return net


@pytest.fixture(scope="module")
def saved(network: gluon.Block, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("params") / "test.params"
    network.save_parameters(str(path))
    return path


def plan_of(*changes: str) -> NetworkPlan:
    return assemble(load_spec("iam-crnn", changes)).plan


def small_plan(encoder: BiLstm | None = None) -> NetworkPlan:
    """A network of 8 × 16 pixels, 2 channels, 3 units and 5 classes; nothing builds it."""
    featurizer, encoder = Cnn(channels=2), encoder or BiLstm(hidden=3)
    return text_plan("gluon", (featurizer, None), (encoder, None), ImageSize(8, 16), 5)


def small_network(**changes: Any) -> gluon.Block:
    return notebook_network(
        **{"classes": 5, "channels": 2, "steps": 4, "hidden": 3, "size": (8, 16)} | changes
    )


@pytest.mark.parametrize("backend", INSTALLED)
def test_the_imported_network_reads_as_the_notebooks_did(
    network: gluon.Block, saved: Path, backend: str
) -> None:
    assembly = assemble(
        load_spec("iam-crnn", ["backends=['gluon', 'torch', 'onnx']"]), backend=backend
    )
    reader = Recogniser(assembly, build_network(assembly, "cpu"))
    reader.network.load_state(GluonParams()(saved, assembly.plan))
    paths = sorted((Path(__file__).parents[2] / "plugins/ocrkit_iam/sample/words").rglob("*.png"))[
        :40
    ]

    scores = network(nd.array(np.stack([notebook_image(path) for path in paths])))
    images = [assembly.preprocessor(read_image(path)) for path in paths]
    outputs = reader.network.run(assembly.make_batch(images))
    found, lengths = outputs["log_probs"], outputs["lengths"]
    # In float32 another framework's sums end some units in the last place apart, how many depends
    # on the processor.
    rounding = 1e-5 if backend == "gluon" else 1e-4
    np.testing.assert_allclose(found, scores.log_softmax(axis=2).asnumpy(), atol=rounding, rtol=0)
    assert set(lengths.tolist()) == {32}
    texts = [decoded.text for decoded in reader._decode(outputs, Seconds())]
    assert texts == [notebook_text(each) for each in scores.asnumpy()]
    assert {"the", "and"} <= set(texts)


@pytest.mark.parametrize("how", SAVES)
def test_every_spelling_gives_the_same_arrays(
    network: gluon.Block, saved: Path, tmp_path: Path, how: str
) -> None:
    path = tmp_path / "other.params"
    SAVES[how](network, str(path))
    plan = plan_of()
    arrays, same = GluonParams()(path, plan), GluonParams()(saved, plan)
    assert {name: array.shape for name, array in arrays.items()} == plan.parameters()
    for name, array in same.items():
        np.testing.assert_array_equal(arrays[name], array, err_msg=name)


@pytest.mark.parametrize(
    ("changes", "settings_"),
    [
        (
            {"hidden": 7, "layers": 2, "channels": 12},
            ["encoder.hidden=7", "encoder.layers=2", "featurizer.channels=12"],
        ),
        (
            {"hidden": 5, "channels": 3, "steps": 16},
            ["encoder.hidden=5", "featurizer.channels=3", "featurizer.columns=4"],
        ),
        (
            {"hidden": 5, "channels": 3, "steps": 24, "size": (48, 96), "classes": 4},
            [
                "encoder.hidden=5",
                "featurizer.channels=3",
                "preprocessor.height=48",
                "preprocessor.width=96",
                "alphabet=abc",
            ],
        ),
    ],
    ids=["two layers", "four columns a step", "another size and alphabet"],
)
def test_a_changed_notebook_is_a_changed_pipeline(
    tmp_path: Path, changes: dict[str, Any], settings_: list[str]
) -> None:
    net = notebook_network(**changes)
    net.save_parameters(str(tmp_path / "w.params"))
    assembly = assemble(load_spec("iam-crnn", settings_), backend="gluon")
    network = build_network(assembly, "cpu")
    network.load_state(GluonParams()(tmp_path / "w.params", assembly.plan))
    images = np.random.default_rng(0).random((3, 1, *changes.get("size", (32, 128))), np.float32)
    widths = np.full(3, images.shape[3], np.int32)
    expected = net(nd.array(images)).log_softmax(axis=2).asnumpy()
    np.testing.assert_allclose(predict(network, images, widths)[0], expected, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_precisions_are_read_as_they_are(tmp_path: Path, dtype: str) -> None:
    net = small_network()
    net.cast(dtype)
    net.save_parameters(str(tmp_path / "w.params"))
    arrays = GluonParams()(tmp_path / "w.params", small_plan())
    assert arrays["head.weight"].dtype == dtype
    np.testing.assert_array_equal(arrays["head.weight"], net[2].weight.data().asnumpy())


def test_no_framework_is_imported_to_read(saved: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from ocrkit.parts.options import PartSpec, make_part
import ocrkit_crnn.cnn, ocrkit_crnn.bilstm
from ocrkit.interfaces import ImageSize, NetworkPlan, PlannedPart
from ocrkit.parts.codec import Alphabet
from ocrkit_ctc.objective import Ctc
cnn, lstm, image = ocrkit_crnn.cnn.Cnn(), ocrkit_crnn.bilstm.BiLstm(), ImageSize(32, 128)
parts = {{
    "featurizer": PlannedPart(cnn, image), "encoder": PlannedPart(lstm, cnn.output_size(image))
}}
alphabet = Alphabet("".join(map(chr, range(32, 127))))
plan = NetworkPlan.of(parts, Ctc(), None, image, alphabet)
arrays = make_part(PartSpec("importer", "params", {{}}))(Path({str(saved)!r}), plan)
print(len(arrays), sorted(sys.modules.keys() & {{"mxnet", "torch", "onnxruntime"}}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1) == ["30", "[]\n"]


# ----------------------------------------------------------------------------------- other networks


def refusal(path: Path, plan: NetworkPlan) -> str:
    with pytest.raises(WeightsError) as caught:
        GluonParams()(path, plan)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"classes": 7},
            (
                "'2.weight' is (7, 6), expected (5, 6); '2.bias' is (7,), expected (5,); give the "
                "pipeline the alphabet"
            ),
        ),
        ({"hidden": 4}, "'1.0.lstm._unfused.0.l_cell.i2h_weight' is (16, 16), expected (12, 16)"),
        ({"layers": 2}, "'1.0.lstm._unfused.1.l_cell.i2h_weight' (12, 6) has no place in it"),
        (
            {"recurrent": gluon.rnn.GRU},
            "'1.0.lstm._unfused.0.l_cell.i2h_weight' is (9, 16), expected (12, 16)",
        ),
        ({"convolutions": 5}, "it has 5 convolutions, expected 4"),
    ],
    ids=["alphabet", "units", "layers", "GRU", "a convolution more"],
)
def test_another_network_is_refused_with_what_does_not_fit(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    small_network(**changes).save_parameters(str(tmp_path / "w.params"))
    assert f"of another network than the pipeline's: {message}" in refusal(
        tmp_path / "w.params", small_plan()
    )


def test_missing_and_left_over_arrays_are_named_with_their_shapes(tmp_path: Path) -> None:
    path = tmp_path / "w.params"
    small_network().save_parameters(str(path))
    arrays = nd.load(str(path))
    del arrays["0.2.bias"], arrays["0.5.running_var"]
    arrays["momentum"] = nd.ones((3, 2))
    nd.save(str(path), arrays)
    message = refusal(path, small_plan())
    assert (
        "featurizer.conv2.bias (2,) is missing; featurizer.norm3.running_var (2,) is missing; "
        in message
    )
    assert "; 'momentum' (3, 2) has no place in it; give the pipeline" in message
    small_network().save_parameters(str(path))
    small_network(layers=1).save_parameters(str(path))
    assert "encoder.weight_ih_l1 (12, 6) is missing" in refusal(
        path, small_plan(BiLstm(hidden=3, layers=2))
    )


def test_one_array_twice_is_not_taken_for_another(tmp_path: Path) -> None:
    path = tmp_path / "w.params"
    small_network().save_parameters(str(path))
    nd.save(
        str(path), nd.load(str(path)) | {"0.0_bias": nd.ones((2,)), "arg:0.0.bias": nd.ones((2,))}
    )
    assert "(2,) has no place in it" in refusal(path, small_plan())


def test_layers_that_no_number_puts_in_order_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.params"
    small_network().save_parameters(str(path))
    names = {"0.0": "first", "0.2": "second", "0.4": "third", "0.7": "fourth"}
    nd.save(
        str(path),
        {
            names.get(name[:3], name[:3]) + name[3:]: array
            for name, array in nd.load(str(path)).items()
        },
    )
    message = refusal(path, small_plan())
    assert (
        "the names 'first', 'second', 'third', 'fourth' do not say which convolution comes first"
        in message
    )


def test_the_tenth_layer_comes_after_the_ninth(tmp_path: Path) -> None:
    path, renumbered = tmp_path / "w.params", tmp_path / "renumbered.params"
    net = small_network()
    net.collect_params().save(str(path), strip_prefix=net.prefix)
    arrays = nd.load(str(path))
    nd.save(
        str(renumbered),
        {
            re.sub(r"^conv(\d)", lambda m: f"conv{8 + int(m[1])}", name): a
            for name, a in arrays.items()
        },
    )
    expected, found = GluonParams()(path, small_plan()), GluonParams()(renumbered, small_plan())
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


def test_a_pipeline_of_other_parts_is_refused(saved: Path) -> None:
    assert "has weights for 'cnn' and 'bilstm'" in refusal(
        saved, replace(plan_of(), parts={"encoder": plan_of().parts["encoder"]})
    )


# ------------------------------------------------------------------------------------ damaged files


def listed(*arrays: bytes, names: tuple[bytes, ...] | None = None) -> bytes:
    """A list of arrays as MXNet writes it."""
    names = tuple(f"a{index}".encode() for index in range(len(arrays))) if names is None else names
    named = b"".join(struct.pack("<Q", len(name)) + name for name in names)
    return (
        struct.pack("<QQQ", 0x112, 0, len(arrays))
        + b"".join(arrays)
        + struct.pack("<Q", len(names))
        + named
    )


def array_bytes(
    version: int = 2,
    storage: int = 0,
    shape: tuple[int, ...] = (2, 3),
    flag: int = 0,
    values: bytes = bytes(24),
) -> bytes:
    start = struct.pack("<I", 0xF993FAC7 + version) + (
        struct.pack("<i", storage) if version > 1 else b""
    )
    return (
        start
        + struct.pack(f"<I{len(shape)}q", len(shape), *shape)
        + struct.pack("<iii", 1, 0, flag)
        + values
    )


@pytest.mark.parametrize("version", [1, 2, 3])
def test_every_version_of_the_format_is_read_as_mxnet_reads_it(
    tmp_path: Path, version: int
) -> None:
    path = tmp_path / "w.params"
    net = small_network()
    with mxnet.util.np_shape(
        version == 3
    ):  # version 3 is of NumPy's shapes, where 0 and no axes mean what they say
        net.save_parameters(str(path))
        state = {name: array.asnumpy() for name, array in nd.load(str(path)).items()}
        parts = [
            array_bytes(version, 0, array.shape, 0, array.tobytes()) for array in state.values()
        ]
        by_hand = listed(*parts, names=tuple(name.encode() for name in state))
        (tmp_path / "by hand.params").write_bytes(by_hand)
        assert version == 1 or path.read_bytes() == by_hand
        read = nd.load(str(tmp_path / "by hand.params"))
    arrays = GluonParams()(tmp_path / "by hand.params", small_plan())
    np.testing.assert_array_equal(arrays["head.weight"], read["2.weight"].asnumpy())
    assert len(arrays) == len(state)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"",
            (
                "no .params file of Gluon, as save_parameters and save_params write it: it begins "
                "with "
                "b''"
            ),
        ),
        (b"<!DOCTYPE html><html>404</html>", "it begins with b'<!DOCTYP'"),
        (b"\x80\x04\x95\x10\x00\x00\x00\x00pickled", "it begins with b'\\x80\\x04"),
        (struct.pack("<Q", 0x112), "it ends at byte 8, in the midst of its content"),
        (struct.pack("<QQQ", 0x112, 0, 2**64 - 1), "it ends at byte 24, in the midst"),
        (listed(), "it has no arrays"),
        (listed(array_bytes(version=0)), "no array at byte 24"),
        (
            listed(array_bytes(storage=1)),
            "storage type 1 of the array at byte 24; expected 0, a dense array",
        ),
        (
            listed(array_bytes(flag=4)),
            "type 4 of the array at byte 24; expected 0, 1 or 2, floating-point numbers",
        ),
        (listed(array_bytes(flag=-1)), "type -1 of the array"),
        (listed(array_bytes(shape=())), "0 axes of the array at byte 24"),
        (listed(array_bytes(shape=(1,) * 9)), "9 axes of the array"),
        (listed(array_bytes(shape=(0, 2**60), values=b"")), "shape [0, 1152921504606846976]"),
        (listed(array_bytes(shape=(-2, -3))), "shape [-2, -3] of the array"),
        (listed(array_bytes(shape=(2**62, 2**62))), "in the midst of its content"),
        (listed(array_bytes(), names=()), "1 arrays and 0 names"),
        (
            listed(array_bytes(), names=(b"a", b"b")),
            "1 arrays and 2 names; expected a name for each",
        ),
        (listed(array_bytes(), array_bytes(), names=(b"a", b"a")), "two arrays have one name"),
        (listed(array_bytes(), names=(b"\xff\xfe",)), "the name at byte 96 is not UTF-8"),
        (listed(array_bytes(), names=(b"x" * 1025,)), "a name of 1,025 bytes at byte 96"),
        (listed(array_bytes()) + b"more", "4 bytes behind its end"),
        (listed(array_bytes(), names=(b"two\nlines_weight",)), "it has 0 convolutions"),
    ],
)
def test_a_damaged_or_foreign_file_is_one_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "test.params"
    path.write_bytes(content)
    assert message in refusal(path, small_plan())


def test_what_mxnet_saves_besides_dense_numbers_by_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.params"
    nd.save(str(path), {"weight": nd.ones((2, 3)).tostype("row_sparse")})
    assert "storage type 1 of the array at byte 24" in refusal(path, small_plan())
    nd.save(str(path), {"weight": nd.ones((2, 3), dtype="int32")})
    assert "type 4 of the array at byte 24" in refusal(path, small_plan())
    nd.save(str(path), [nd.ones((2, 3))])
    assert "1 arrays and 0 names" in refusal(path, small_plan())


def test_a_missing_file_and_a_folder_are_one_line(tmp_path: Path) -> None:
    assert "no such file; expected a .params file" in refusal(
        tmp_path / "none.params", small_plan()
    )
    assert "a folder; expected a .params file" in refusal(tmp_path, small_plan())


@pytest.fixture(scope="module")
def small_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("small") / "w.params"
    small_network().save_parameters(str(path))
    return path.read_bytes()


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch") / "w.params"


@given(data=st.data())
def test_a_file_cut_short_is_always_refused(
    small_bytes: bytes, scratch: Path, data: st.DataObject
) -> None:
    scratch.write_bytes(small_bytes[: data.draw(st.integers(0, len(small_bytes) - 1))])
    refusal(scratch, small_plan())


@settings(max_examples=400)
@given(data=st.data())
def test_whatever_a_few_bytes_say_nothing_but_weights_error_comes_and_no_memory_goes(
    small_bytes: bytes, scratch: Path, data: st.DataObject
) -> None:
    soiled = bytearray(small_bytes)
    at = data.draw(st.integers(0, len(soiled) - 8) | st.integers(0, 200))
    large = st.sampled_from([struct.pack("<Q", number) for number in (2**31, 2**40, 2**63)])
    patch = data.draw(st.binary(min_size=1, max_size=8) | large)
    soiled[at : at + len(patch)] = patch
    scratch.write_bytes(soiled)
    tracemalloc.start()
    try:
        arrays = GluonParams()(scratch, small_plan())
    except WeightsError:
        refusal(scratch, small_plan())
    else:
        assert {name: array.shape for name, array in arrays.items()} == small_plan().parameters()
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 20 * len(soiled)
