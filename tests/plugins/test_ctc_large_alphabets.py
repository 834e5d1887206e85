"""Alphabets of thousands of characters, as Chinese has: the same texts, in memory that does not
grow with the batch."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ocrkit.interfaces import Decoded
from ocrkit.parts.codec import Alphabet
from ocrkit_ctc import alignments, inputs
from ocrkit_ctc.beam import Beam
from ocrkit_ctc.greedy import Greedy

HAN = Alphabet("".join(chr(0x3400 + index) for index in range(6624)))
"""With its blank as many classes as PaddleOCR's recognisers of Chinese have."""
FEW = Alphabet("".join(HAN.characters[index] for index in (17, 4000, 6623)))
DECODERS = [Greedy(), Beam(), Beam(n_best=3, temperature=1.5)]


def decode(decoder: Any, log_probs: np.ndarray, alphabet: Alphabet) -> list[Decoded]:
    lengths = np.full(len(log_probs), log_probs.shape[1], np.int32)
    decoded: list[Decoded] = decoder(log_probs, lengths, alphabet)
    return decoded


def written(texts: list[str], steps: int) -> np.ndarray:
    """The outputs of a network that is sure of these texts: a step and a blank for each
    character."""
    log_probs = np.full((len(texts), steps, HAN.classes), -25, np.float32)
    log_probs[:, :, HAN.blank] = 0
    for row, text in zip(log_probs, texts, strict=True):
        for index, character in enumerate(text):
            row[2 * index, HAN.blank], row[2 * index, HAN.characters.index(character)] = -25, 0
    return log_probs


@pytest.mark.parametrize("decoder", DECODERS, ids=str)
def test_texts_are_read_in_memory_that_the_batch_does_not_change(
    decoder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "_TOGETHER", 4 * 16 * HAN.classes)
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list(HAN.characters), rng.integers(0, 8))) for _ in range(32)]
    texts[0] = HAN.characters[5] * 3 + HAN.characters[-1]
    log_probs = written(texts, 16)
    peaks = []
    for size in (8, 32):
        tracemalloc.start()
        found = decode(decoder, log_probs[:size], HAN)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0] + log_probs[8:].nbytes / 20
    assert [each.text for each in found] == texts
    assert min(each.confidence for each in found) > 0.99
    assert all(len(each.spans) == len(each.text) for each in found)


@pytest.mark.parametrize("decoder", DECODERS, ids=str)
@settings(max_examples=15)
@given(logits=arrays.arrays(np.float64, (2, 5, FEW.classes), elements=st.floats(-6, 6)))
def test_characters_that_cannot_be_change_nothing(decoder: Any, logits: np.ndarray) -> None:
    few = (logits - np.logaddexp.reduce(logits, axis=2, keepdims=True)).astype(np.float32)
    many = np.full((2, 5, HAN.classes), -np.inf, np.float32)
    many[:, :, [*map(HAN.characters.index, FEW.characters), HAN.blank]] = few
    pairs = zip(decode(decoder, many, HAN), decode(decoder, few, FEW), strict=True)
    for (
        found,
        expected,
    ) in pairs:  # sums of more numbers, though these are zeros, are rounded otherwise
        assert found.confidence == pytest.approx(expected.confidence, rel=1e-9)
        scores, best = (
            {each.text: each.score for each in one.alternatives} for one in (found, expected)
        )
        assert sorted(scores.values()) == pytest.approx(sorted(best.values()), rel=1e-9)
        if found.text == expected.text:
            assert found.spans == expected.spans
            assert found.characters == pytest.approx(expected.characters, rel=1e-9)
        else:
            assert scores, "of equally likely texts either"


@pytest.mark.parametrize("decoder", DECODERS, ids=str)
def test_samples_that_are_worked_on_together_or_not_are_read_the_same(
    decoder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    logits = np.random.default_rng(1).normal(0, 3, (9, 12, FEW.classes))
    log_probs = (logits - np.logaddexp.reduce(logits, axis=2, keepdims=True)).astype(np.float32)
    together = decode(decoder, log_probs, FEW)
    for size in (1, 100, 4 * 12 * FEW.classes):
        monkeypatch.setattr(inputs, "_TOGETHER", size)
        assert decode(decoder, log_probs, FEW) == together


@pytest.mark.parametrize("padding", [0, 1 << 30])
@pytest.mark.parametrize("decoder", DECODERS, ids=str)
def test_samples_for_which_many_classes_matter_keep_their_place_among_others(
    decoder: Any, padding: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are worked on apart, so that others do not get as many columns."""
    texts = [HAN.characters[5 * row : 5 * row + row % 4] for row in range(9)]
    log_probs = written(texts, 16)
    alone = [decode(decoder, each[None], HAN)[0] for each in log_probs]
    log_probs[4, 15] = log_probs[7, 15] = -9.5
    log_probs[4, 15, :700] = log_probs[7, 15, 9:600] = -6.6
    monkeypatch.setattr(inputs, "_PADDING", padding)
    found = decode(decoder, log_probs, HAN)
    sure = [row for row in range(9) if row not in (4, 7)]
    assert [found[row].text for row in sure] == [texts[row] for row in sure]
    assert [found[row].spans for row in sure] == [alone[row].spans for row in sure]
    assert (
        max(found[row].confidence for row in (4, 7))
        < 0.1
        < min(found[row].confidence for row in sure)
    )


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), temperature=st.sampled_from([0.05, 0.5, 3.0]))
def test_what_thousands_of_classes_have_together_is_exact_at_any_temperature(
    seed: int, temperature: float
) -> None:
    """Of a network that knows nothing, too, where float32 has no exponentials of log-probabilities
    over the temperature."""
    logits = np.random.default_rng(seed).normal(0, 0.01, (1, 6, HAN.classes))
    log_probs = (logits - np.logaddexp.reduce(logits, axis=2, keepdims=True)).astype(np.float32)
    [found] = decode(Greedy(temperature=temperature), log_probs, HAN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inputs, "_FEW", HAN.classes)
        [exact] = decode(Greedy(temperature=temperature), log_probs, HAN)
    assert found.text == exact.text
    assert found.confidence == pytest.approx(exact.confidence, rel=1e-4, abs=0)
    assert found.characters == pytest.approx(exact.characters, rel=1e-4, abs=0)


def test_a_fitted_temperature_needs_no_look_at_all_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a class has in two steps running is known of all together: so near are the bounds of a
    network whose improbable classes have some per cent at the temperature."""
    rng = np.random.default_rng(0)
    logits = np.repeat(rng.normal(0, 2, (2, 1, HAN.classes)), 16, axis=1)
    logits[:, :, -1] = 16.5
    logits[:, 2::4, 40] = 17.5
    logits[:, 2::4, 41] = 17
    log_probs = (logits - np.logaddexp.reduce(logits, axis=2, keepdims=True)).astype(np.float32)
    with monkeypatch.context() as patch:
        patch.setattr(alignments, "whole", None)
        found = decode(Greedy(temperature=1.5), log_probs, HAN)
    monkeypatch.setattr(inputs, "_FEW", HAN.classes)
    for one, exact in zip(found, decode(Greedy(temperature=1.5), log_probs, HAN), strict=True):
        assert one.text == exact.text != ""
        assert one.confidence == pytest.approx(exact.confidence, rel=1e-5)
        assert one.characters == pytest.approx(exact.characters, rel=5e-6)


@pytest.mark.parametrize("decoder", [*DECODERS, Greedy(temperature=2), Beam(3, 0.0)], ids=str)
@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    sharpness=st.floats(0.1, 4),
    lead=st.floats(0, 16),
    lengths=st.lists(st.integers(0, 12), min_size=3, max_size=3),
)
def test_looking_at_the_classes_that_matter_is_as_good_as_looking_at_all(
    decoder: Any, seed: int, sharpness: float, lead: float, lengths: list[int]
) -> None:
    """Sure and unsure networks, of 400 classes: what the others have together counts."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, sharpness, (3, 12, 400))
    logits[:, :, -1] += lead
    for step in range(0, 12, 3):
        logits[:, step, rng.integers(0, 399, 2)] += lead + rng.normal(0, 2, 2)
    log_probs = (logits - np.logaddexp.reduce(logits, axis=2, keepdims=True)).astype(np.float32)
    alphabet, counts = Alphabet(HAN.characters[:399]), np.array(lengths, np.int32)
    found = decoder(log_probs, counts, alphabet)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inputs, "_FEW", 400)
        expected = decoder(log_probs, counts, alphabet)
    for one, exact in zip(found, expected, strict=True):
        assert (one.text, one.spans) == (exact.text, exact.spans)
        assert one.confidence == pytest.approx(exact.confidence, rel=1e-6)
        assert one.characters == pytest.approx(exact.characters, rel=2e-5, abs=2e-6)
        assert [(each.text, each.score) for each in one.alternatives] == [
            (each.text, pytest.approx(each.score)) for each in exact.alternatives
        ]


@pytest.mark.parametrize("decoder", DECODERS, ids=str)
@settings(max_examples=10, deadline=None)
@given(logits=arrays.arrays(np.float64, (2, 5, FEW.classes), elements=st.floats(-6, 6)))
def test_thousands_of_classes_that_are_hardly_probable_change_next_to_nothing(
    decoder: Any, logits: np.ndarray
) -> None:
    few = (logits - np.logaddexp.reduce(logits, axis=2, keepdims=True)).astype(np.float32)
    many = np.random.default_rng(0).normal(-32, 1, (2, 5, HAN.classes)).astype(np.float32)
    many[:, :, [*map(HAN.characters.index, FEW.characters), HAN.blank]] = few
    for one, other in zip(decode(decoder, many, HAN), decode(decoder, few, FEW), strict=True):
        assert one.confidence == pytest.approx(other.confidence, rel=1e-4)
        if one.text == other.text:
            assert one.characters == pytest.approx(other.characters, abs=1e-4)
