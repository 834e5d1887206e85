"""Checkpoints: bit for bit what was written, or one clear line."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from ocrkit.errors import WeightsError
from ocrkit.networks.weights import check_shapes, read, write
from ocrkit.support.checksums import sha256_of

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: name != "__metadata__"
)
DTYPES = st.sampled_from([np.float16, np.float32, np.float64, np.int32, np.int64, np.uint8])
ARRAYS = st.dictionaries(
    NAMES,
    DTYPES.flatmap(lambda dtype: arrays(dtype, array_shapes(min_dims=0, min_side=0))),
    max_size=4,
)
ABOUT = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.none() | st.booleans(),
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("weights") / "some.safetensors"


@given(ARRAYS, ABOUT)
def test_arrays_come_back_bit_for_bit(
    file: Path, state: dict[str, np.ndarray], about: dict[str, Any]
) -> None:
    write(file, state, about)
    back = read(file, sha256=sha256_of(file))
    assert back.about == about
    assert back.arrays.keys() == state.keys()
    for name, array in state.items():
        assert (back.arrays[name].dtype, back.arrays[name].shape) == (array.dtype, array.shape)
        assert back.arrays[name].tobytes() == array.tobytes()


def test_an_array_that_is_no_contiguous_one_is_written_as_it_looks(file: Path) -> None:
    array = np.arange(24, dtype=np.float32).reshape(4, 6).T[::2]
    write(file, {"a": array}, {})
    np.testing.assert_array_equal(read(file).arrays["a"], array)


def test_a_failed_write_leaves_the_old_checkpoint(file: Path) -> None:
    write(file, {"a": np.ones(3, np.float32)}, {"old": True})
    with pytest.raises(TypeError):
        write(file, {"a": np.zeros(3, np.float32)}, {"not JSON": {1, 2}})
    assert read(file).about == {"old": True}
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def written(path: Path) -> Path:
    write(
        path,
        {
            "conv.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
            "conv.bias": np.ones(2, np.float32),
        },
        {"height": 16},
    )
    return path


def header(content: bytes) -> bytes:
    return struct.pack("<Q", len(content)) + content


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:4],
        lambda data: data[:40],
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: b"\xff" * len(data),
        lambda data: b"<!DOCTYPE html><html>not found</html>",
        lambda data: struct.pack("<Q", 2**60) + data[8:],
        lambda data: (
            header(
                json.dumps({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 400]}}).encode()
            )
            + b"\0" * 16
        ),
        lambda data: (
            header(
                json.dumps({"a": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
            )
            + b"\0" * 4
        ),
        lambda data: header(json.dumps({"__metadata__": {"ocrkit": "{"}}).encode()),
        lambda data: header(json.dumps({"__metadata__": {"ocrkit": "5"}}).encode()),
        lambda data: header(json.dumps({"__metadata__": {"ocrkit": "[" * 5000}}).encode()),
        lambda data: header(
            json.dumps({"__metadata__": {"ocrkit": '{"height": ' + "9" * 5000 + "}"}}).encode()
        ),
    ],
    ids=[
        "empty",
        "4 bytes",
        "40 bytes",
        "cut off",
        "too long",
        "noise",
        "HTML",
        "huge header",
        "beyond its end",
        "bfloat16",
        "no JSON",
        "no table",
        "nested",
        "a number of 5,000 digits",
    ],
)
def test_a_damaged_file_is_one_clear_line(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = written(tmp_path / "x.safetensors")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(WeightsError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: not a safetensors checkpoint")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.safetensors", tmp_path):
        with pytest.raises(WeightsError, match="no such weights; expected a"):
            read(path)


def test_another_file_than_the_manifest_names_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "x.safetensors")
    digest = sha256_of(path)
    assert read(path, sha256=digest).sha256 == digest
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(
        WeightsError,
        match=f"its manifest says {digest[:12]}…: damaged or replaced; install it anew",
    ):
        read(path, sha256=digest)


def test_a_checkpoint_of_another_library_says_nothing_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(
        header(json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode())
        + b"\0" * 4
    )
    assert read(path).about == {}


def test_arrays_of_the_right_names_and_shapes_become_float32(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    write(path, {"a": np.array([1.5, 0.1], np.float16)}, {})
    (array,) = check_shapes(read(path), {"a": (2,)}).values()
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, np.array([1.5, 0.1], np.float16).astype(np.float32))


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"conv.weight": (2, 3), "conv.bias": (2,), "head.bias": (5,)}, "head.bias is missing"),
        ({"conv.weight": (2, 3)}, "conv.bias is not part of the network"),
        (
            {"conv.weight": (3, 2), "conv.bias": (2,)},
            r"conv.weight is \(2, 3\), the network's is \(3, 2\)",
        ),
        (
            {"conv.weight": (2, 3, 1), "conv.bias": (2,)},
            r"conv.weight is \(2, 3\), the network's is \(2, 3, 1\)",
        ),
        ({f"layer{index}": (1,) for index in range(4)}, r"layer0 is missing; .* \(and 3 more\)"),
    ],
)
def test_weights_of_another_network_are_refused(
    tmp_path: Path, shapes: dict[str, tuple[int, ...]], message: str
) -> None:
    weights = read(written(tmp_path / "x.safetensors"))
    with pytest.raises(WeightsError, match=message) as caught:
        check_shapes(weights, shapes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("flush", [False, True])
def test_every_float16_becomes_the_same_number(tmp_path: Path, flush: bool) -> None:
    """Subnormal ones too, where a library has told the processor to take those of float32 for
    zero."""
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    write(tmp_path / "x.safetensors", {"a": every, "finite": every[np.isfinite(every)]}, {})
    weights = read(tmp_path / "x.safetensors")
    torch = pytest.importorskip("torch") if flush else None
    try:
        if torch and not torch.set_flush_denormal(True):
            pytest.skip("this processor does not flush")
        converted = check_shapes(
            weights, {name: array.shape for name, array in weights.arrays.items()}
        )
    finally:
        if torch:
            torch.set_flush_denormal(False)
    for name, halves in weights.arrays.items():
        values = [struct.unpack("<e", number.tobytes())[0] for number in halves]
        assert converted[name].dtype == np.float32
        assert np.array_equal(converted[name], np.array(values, np.float32), equal_nan=True)
        assert np.array_equal(np.signbit(converted[name]), np.signbit(halves))


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (2, 3)])
def test_arrays_of_any_shape_become_float32(tmp_path: Path, shape: tuple[int, ...]) -> None:
    for array in (
        np.random.default_rng(0).normal(size=shape).astype(np.float16),
        np.full(shape, 7, np.int64),
    ):
        write(tmp_path / "x.safetensors", {"a": array}, {})
        converted = check_shapes(read(tmp_path / "x.safetensors"), {"a": shape})["a"]
        assert (converted.dtype, converted.shape) == (np.float32, shape)
        assert np.array_equal(converted, array)
