"""The engine: how far ahead it takes images, what one odd image costs the others, and what it
holds."""

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import ocrkit
from ocrkit import ImageError, Skipped
from ocrkit.reading import engine as recogniser
from ocrkit.reading.calls import Calls
from ocrkit.reading.values import Reading, Seconds

# From Python 3.12 on a fork beside other threads warns.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")

Install = Callable[[str, str], Path]
ANY_WIDTH = ["preprocessor.use=fit-height", "preprocessor.height=16"]


def words(root: Path) -> list[Path]:
    return sorted(root.glob("words/*/*/*.png"))


# ---------------------------------------------------------------------------------------- ahead


@pytest.mark.parametrize("settings", [[], ANY_WIDTH], ids=["one width", "any width"])
@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_the_first_item_comes_after_two_batches(
    tiny_run: Path, words_root: Path, settings: list[str], batch_size: int
) -> None:
    taken = 0

    def sources() -> Iterator[Path]:
        nonlocal taken
        for path in cycle(words(words_root)):
            taken += 1
            yield path

    items = ocrkit.load(tiny_run, settings, batch_size=batch_size, threads=2).read_many(sources())
    assert taken == 0
    next(items)
    assert taken <= 2 * batch_size
    most = 3 * batch_size * (recogniser.WINDOW if settings else 1) + max(64, batch_size)
    for read in range(2, 40 * batch_size if batch_size < 100 else 300):
        next(items)
        assert taken <= read + most
    items.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ocrkit")]


def test_wide_images_are_held_by_their_bytes(
    tiny_run: Path, words_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = ocrkit.load(tiny_run, ANY_WIDTH, batch_size=8)
    paths = words(words_root) * 20
    expected = [item.text for item in pipeline.read_many(paths)]
    most = max(
        ocrkit.load(tiny_run, ANY_WIDTH)
        ._engine.assembly.preprocessor(ocrkit.read_image(path))
        .nbytes
        for path in words(words_root)
    )
    monkeypatch.setattr(recogniser, "WINDOW_BYTES", 20 * most)
    held = []
    recognise = pipeline._engine._recognise

    def watched(window: list[Any], seconds: Seconds) -> Any:
        held.append(sum(prepared.image.nbytes for _, prepared in window))
        return recognise(window, seconds)

    monkeypatch.setattr(pipeline._engine, "_recognise", watched)
    assert [item.text for item in pipeline.read_many(paths)] == expected
    assert 10 * most < max(held) < 21 * most


def test_a_batch_of_wide_images_is_small(
    tiny_run: Path, words_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = ocrkit.load(tiny_run, ANY_WIDTH, batch_size=16)
    paths = words(words_root)
    expected = [item.text for item in pipeline.read_many(paths)]
    monkeypatch.setattr(recogniser, "BATCH_PIXELS", 2000)
    shapes = []
    run = pipeline._engine.network.run
    monkeypatch.setattr(
        pipeline._engine.network,
        "run",
        lambda inputs: shapes.append(inputs["images"].shape) or run(inputs),
    )
    assert [item.text for item in pipeline.read_many(paths)] == expected
    assert sum(shape[0] for shape in shapes) == len(paths)
    assert all(np.prod(shape) <= 2000 or shape[0] == 1 for shape in shapes)
    assert {shape[0] for shape in shapes} > {1, 2}


def test_no_image_is_read_beside_one_that_is_much_wider(
    tiny_run: Path, words_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network would compute on the zeros that fill it up."""
    pipeline = ocrkit.load(tiny_run, ANY_WIDTH)
    widths: list[np.ndarray] = []
    run = pipeline._engine.network.run
    monkeypatch.setattr(
        pipeline._engine.network,
        "run",
        lambda inputs: widths.append(inputs["widths"]) or run(inputs),
    )
    assert len(list(pipeline.read_many(words(words_root)))) == sum(map(len, widths))
    assert all(each.max() <= 1.5 * each.min() for each in widths)
    assert max(map(max, widths)) > 1.5 * min(map(min, widths))


@pytest.mark.parametrize("settings", [[], ANY_WIDTH], ids=["one width", "any width"])
def test_a_run_that_goes_on_reads_what_it_would_have_read(
    tiny_run: Path, words_root: Path, settings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the last bit of every confidence, which depends on what an image is read beside."""
    pipeline = ocrkit.load(tiny_run, settings, batch_size=2)
    paths = list(islice(cycle(words(words_root)), 75))
    monkeypatch.setattr(recogniser, "WINDOW_BYTES", 8000)
    whole = list(pipeline.read_many(paths))
    ends = [count for count in range(75) if pipeline.may_go_on_after(count)]
    assert ends == ([0, 2, 4, 8, 16, 32, 64] if settings else list(range(0, 75, 2)))
    for end in ends[:8]:
        assert list(pipeline.read_many(paths[end:], after=end)) == whole[end:]


@pytest.mark.parametrize(
    "one",
    [
        "word.png",
        b"word.png",
        Path("word.png"),
        np.zeros((9, 9), np.uint8),
        np.zeros((9, 9, 3), np.uint8),
        None,
    ],
)
def test_one_image_is_not_many(tiny_run: Path, one: Any) -> None:
    """A path's letters were read as paths."""
    with pytest.raises(
        TypeError, match=r"read_many reads several images, not .*; read\(\) reads one"
    ):
        ocrkit.load(tiny_run).read_many(one)


def test_several_images_may_be_one_array(tiny_run: Path, words_root: Path) -> None:
    image = ocrkit.read_image(words(words_root)[0])
    pipeline = ocrkit.load(tiny_run)
    assert [item.text for item in pipeline.read_many(np.stack([image] * 3))] == ["one"] * 3


# ------------------------------------------------------------------------------------ odd images

ODD = """
from dataclasses import dataclass

import cv2
import numpy as np

import ocrkit
from ocrkit.interfaces import Decoded
from ocrkit_ctc.greedy import Greedy
from ocrkit_image.fit import FitPad

class Raises:
    def __call__(self, image):
        if image.shape[0] == 7:
            cv2.resize(image, (0, 0))
        if image.shape[0] == 8:
            raise MemoryError
        if image.shape[0] == 9:
            raise SystemExit(5)
        if image.shape[0] == 10:
            return None
        if image.shape[0] == 11:
            return image[:1] / 255
        return image

@dataclass(frozen=True)
class Before(Raises):
    pass

@dataclass(frozen=True)
class Last(Raises):
    def __call__(self, image):
        raised = super().__call__(image)
        return FitPad(16, 40 if image.shape[0] == 12 else 48)(image) if raised is image else raised

    def output_size(self):
        return ocrkit.ImageSize(16, 48)

@dataclass(frozen=True)
class Odd:
    most: int = ocrkit.option(0, "darkest first pixel")

    def __call__(self, log_probs, lengths, alphabet):
        texts = Greedy()(log_probs, lengths, alphabet)
        if any(each.text == "toe" for each in texts):
            raise KeyError("toe")
        return [
            None if each.text == "hen" else Decoded(each.text, float("nan")) if each.text == "hot" else each
            for each in texts
        ]

@dataclass(frozen=True)
class Few:
    def __call__(self, log_probs, lengths, alphabet):
        return Greedy()(log_probs, lengths, alphabet)[:1]

@dataclass(frozen=True)
class Fussy:
    higher_is_better = False
    def counts(self, reference, prediction):
        if reference == "toe":
            raise ZeroDivisionError("toe")
        return None if reference == "hen" else (0, 1)

@ocrkit.hookimpl
def ocrkit_preprocessors(register):
    register("raises", Before)
    register("raises-last", Last)

@ocrkit.hookimpl
def ocrkit_decoders(register):
    register("odd", Odd)
    register("few", Few)

@ocrkit.hookimpl
def ocrkit_metrics(register):
    register("fussy", Fussy)
"""  # noqa: E501


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"preprocessor.before": [{"use": "raises"}]}, "preprocessor 'raises'"),
        ({"preprocessor.use": "raises-last"}, "preprocessor 'raises-last'"),
    ],
)
def test_whatever_a_preprocessor_raises_is_the_error_of_its_image(
    install: Install, tiny_run: Path, words_root: Path, settings: dict[str, Any], part: str
) -> None:
    install("oddities", ODD)
    pipeline = ocrkit.load(tiny_run, settings, batch_size=4)
    good = words(words_root)[0]
    sizes = [7, 8, 9, 10, 11]
    odd = [np.full((height, 30), 200, np.uint8) for height in sizes]
    items = list(pipeline.read_many([good, *odd, good]))
    assert [item.text for item in items] == ["one", *[None] * len(sizes), "one"]
    whats = [r"error: OpenCV", "MemoryError", "SystemExit: 5"]
    whats += [
        "TypeError: it gave NoneType; expected grey pixels uint8",
        r"TypeError: it gave float64 \(1, 30\); expected",
    ]
    for image, item, what in zip(odd, items[1:-1], whats, strict=True):
        with pytest.raises(
            ImageError, match=rf"{part} \(plugin 'oddities'\) failed: {what}"
        ) as caught:
            pipeline.read(image)
        assert item.error == f"{item.id}: {caught.value}"
        assert "\n" not in item.error


def test_an_image_of_another_size_than_promised_is_its_own_error(
    install: Install, tiny_run: Path
) -> None:
    install("oddities", ODD)
    pipeline = ocrkit.load(tiny_run, {"preprocessor.use": "raises-last"})
    with pytest.raises(
        ImageError, match=r"preprocessor 'raises-last' gave 16 × 40 px; it promised 16 × 48 px"
    ):
        pipeline.read(np.full((12, 30), 200, np.uint8))


def test_whatever_a_data_set_raises_for_an_image_is_the_error_of_that_image(
    tiny_run: Path, words_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ocrkit_iam.reader import Iam

    get = Iam.__getitem__

    def odd(self: Iam, index: int) -> Any:
        sample = get(self, index)
        loads = {3: lambda: cv2.resize(np.zeros((3, 3), np.uint8), (0, 0)), 5: lambda: None}
        return replace(sample, load=loads[index]) if index in loads else sample

    monkeypatch.setattr(Iam, "__getitem__", odd)
    result = ocrkit.load(tiny_run, batch_size=4).evaluate("all", data=words_root)
    assert result.samples == 29
    first, second = (each["reason"] for each in result.dataset["skipped"])
    assert first.startswith("reading the image failed: error: OpenCV")
    assert second.startswith("reading the image failed: TypeError: it gave NoneType")


def test_one_text_that_a_decoder_cannot_make_takes_no_others_along(
    install: Install, tiny_run: Path, words_root: Path
) -> None:
    install("oddities", ODD)
    usual = ocrkit.load(tiny_run, batch_size=8)
    pipeline = ocrkit.load(tiny_run, {"decoder.use": "odd"}, batch_size=8)
    for expected, item in zip(
        usual.read_many(words(words_root)), pipeline.read_many(words(words_root)), strict=True
    ):
        if expected.text in ("toe", "hen", "hot"):
            what = {
                "toe": "KeyError: 'toe'",
                "hen": "ValueError: it gave None",
                "hot": "ValueError: it gave Decoded",
            }
            assert item.error
            assert f"decoder 'odd' (plugin 'oddities') failed: {what[expected.text]}" in item.error
        else:
            assert (item.text, item.error) == (expected.text, None)


def test_a_decoder_that_gives_fewer_texts_than_images_gives_none_away(
    install: Install, tiny_run: Path, words_root: Path
) -> None:
    """One by one it gives as many."""
    install("oddities", ODD)
    expected = [item.text for item in ocrkit.load(tiny_run).read_many(words(words_root))]
    assert [
        item.text
        for item in ocrkit.load(tiny_run, {"decoder.use": "few"}).read_many(words(words_root))
    ] == expected


def test_a_metric_that_fails_on_a_sample_skips_it(
    install: Install, tiny_run: Path, words_root: Path
) -> None:
    install("oddities", ODD)
    pipeline = ocrkit.load(tiny_run, {"metrics": [{"use": "cer"}, {"use": "fussy"}]})
    result = pipeline.evaluate("all", data=words_root)
    reasons = [each["reason"] for each in result.dataset["skipped"]]
    fails = [
        r"metric 'fussy' failed: TypeError: cannot unpack non-iterable NoneType object",
        (
            r"metric 'fussy' failed in plugin 'oddities': ZeroDivisionError: toe \(line \d+ of "
            r"oddities\)"
        ),
    ]
    assert all(re.fullmatch("|".join(fails), reason) for reason in reasons)
    assert result.samples == 31 - len(reasons)
    assert len(reasons) >= 2


def test_one_image_that_the_network_fails_on_takes_no_others_along(
    tiny_run: Path, words_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = words(words_root)
    pipeline = ocrkit.load(tiny_run, batch_size=8)
    expected = [item.text for item in pipeline.read_many(paths)]
    odd = pipeline._engine.assembly.preprocessor(ocrkit.read_image(paths[11])) / np.float32(255)
    run = pipeline._engine.network.run

    def failing(inputs: dict[str, np.ndarray]) -> Any:
        if any(np.allclose(image[0], odd) for image in inputs["images"]):
            raise MemoryError("too much\nfor me")
        return run(inputs)

    monkeypatch.setattr(pipeline._engine.network, "run", failing)
    items = list(pipeline.read_many(paths))
    assert [item.text for item in items] == [
        None if index == 11 else text for index, text in enumerate(expected)
    ]
    assert (
        items[11].error
        == f"{paths[11]}: the network on backend 'onnx' failed: MemoryError: too much for me"
    )
    with pytest.raises(
        ImageError, match="the network on backend 'onnx' failed: MemoryError: too much for me"
    ):
        pipeline.read(paths[11])


def test_an_error_of_the_source_ends_the_reading(tiny_run: Path, words_root: Path) -> None:
    def sources() -> Iterator[Path]:
        yield from words(words_root)
        raise KeyError("no more")

    with pytest.raises(KeyError, match="no more"):
        list(ocrkit.load(tiny_run, batch_size=4).read_many(sources()))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ocrkit")]


def test_an_item_keeps_its_name_whatever_its_error_begins_with(tiny_run: Path) -> None:
    """What was wrong with an image of 5 rows began with a 5, as if it named the item '5'."""
    pipeline = ocrkit.load(tiny_run, [*ANY_WIDTH, "preprocessor.max_width=48"])
    items = list(
        pipeline.read_many([np.full((height, 900), 200, np.uint8) for height in (9, 8, 7, 6, 5, 5)])
    )
    assert [item.error and item.error.split(" × ")[0] for item in items] == [
        "0: 9",
        "1: 8",
        "2: 7",
        "3: 6",
        "4: 5",
        "5: 5",
    ]


# ----------------------------------------------------------------------------------------- forks


def test_a_forked_child_waits_for_no_thread_that_its_parent_has(tiny_run: Path) -> None:
    calls = Calls(ocrkit.load(tiny_run)._engine.network)
    held = [calls.one(Seconds()) for _ in range(calls.most)]
    for each in held:
        each.__enter__()
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        with calls.one(Seconds()):
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    for each in held:
        each.__exit__(None, None, None)


def test_readings_say_what_was_read_and_what_was_not(tiny_run: Path, words_root: Path) -> None:
    pipeline = ocrkit.load(tiny_run)
    heard: list[Reading | Skipped] = []
    pipeline.evaluate("all", data=words_root, on_reading=heard.append)
    assert {type(each) for each in heard} == {Reading}
