"""Sums over alignments, best alignments and confidences of characters: against every path written
out, and in the extremes."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ocrkit_ctc.alignments import Outputs, best_alignments, character_confidences, text_log_probs
from ocrkit_ctc.inputs import tempered

CLASSES = 3
BLANK = CLASSES - 1
STEPS = 4
LOGITS = arrays.arrays(np.float64, (2, STEPS, CLASSES), elements=st.floats(-30, 30))
LENGTHS = st.lists(st.integers(0, STEPS), min_size=2, max_size=2)


def log_softmax(logits):
    return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)


def outputs_of(logits, lengths=None):
    lengths = [logits.shape[1]] * len(logits) if lengths is None else lengths
    return Outputs.of(log_softmax(logits), np.array(lengths, np.int32))


def written(path):
    return tuple(index for index, _ in itertools.groupby(path) if index != BLANK)


def by_text(log_probs):
    """The log-probabilities of all paths, by the text that they spell."""
    texts = {}
    for path in itertools.product(range(CLASSES), repeat=len(log_probs)):
        texts.setdefault(written(path), {})[path] = sum(
            float(log_probs[step, index]) for step, index in enumerate(path)
        )
    return texts


def rows(texts):
    labels = np.full((len(texts), max(map(len, texts), default=0)), -1)
    for row, text in zip(labels, texts, strict=True):
        row[: len(text)] = text
    return labels


@given(LOGITS, LENGTHS)
def test_the_sum_is_that_of_all_paths(logits, lengths):
    outputs = outputs_of(logits, lengths)
    texts = [by_text(outputs.log_probs[sample, :length]) for sample, length in enumerate(lengths)]
    flat = [(sample, text, paths) for sample in (0, 1) for text, paths in texts[sample].items()]
    labels, samples = (
        rows([text for _, text, _ in flat]),
        np.array([sample for sample, _, _ in flat]),
    )
    found = text_log_probs(outputs, labels, samples)
    assert found == pytest.approx(
        [np.logaddexp.reduce(list(paths.values())) for _, _, paths in flat], rel=1e-9, abs=1e-9
    )


@given(LOGITS, LENGTHS)
def test_all_texts_together_are_certain(logits, lengths):
    outputs = outputs_of(logits, lengths)
    texts = [
        text for size in range(STEPS + 1) for text in itertools.product(range(BLANK), repeat=size)
    ]
    for sample in (0, 1):
        assert np.exp(
            text_log_probs(outputs, rows(texts), np.full(len(texts), sample))
        ).sum() == pytest.approx(1)


@given(LOGITS, LENGTHS)
def test_spans_are_those_of_the_likeliest_path_of_the_text(logits, lengths):
    outputs = outputs_of(logits, lengths)
    for sample, length in enumerate(lengths):
        texts = by_text(outputs.log_probs[sample, :length])
        _, starts, ends = best_alignments(outputs, rows(list(texts)), np.full(len(texts), sample))
        for (text, paths), start, end in zip(texts.items(), starts, ends, strict=True):
            path = [BLANK] * length
            for index, first, last in zip(text, start, end, strict=False):
                assert first < last
                path[first:last] = [index] * (last - first)
            assert written(path) == text
            assert paths[tuple(path)] == pytest.approx(max(paths.values()))


@given(LOGITS, st.lists(st.integers(0, BLANK), min_size=STEPS, max_size=STEPS))
def test_a_character_s_confidence_is_its_share_of_its_window(logits, path):
    outputs = outputs_of(logits[:1])
    runs, at = [], 0
    for index, run in itertools.groupby(path):
        first, at = at, at + len(list(run))
        if index != BLANK:
            runs.append((index, first, at))
    if not runs:
        return
    labels, starts, ends = (np.array(each) for each in zip(*runs, strict=True))
    found = character_confidences(outputs, labels, np.zeros(len(runs), np.int64), starts, ends)
    cuts = [0, *((ends[:-1] + starts[1:] + 1) // 2).tolist(), STEPS]
    for index, begin, end, confidence in zip(labels, cuts[:-1], cuts[1:], found, strict=True):
        texts = by_text(outputs.log_probs[0, begin:end])
        shares = {
            text: sum(map(math.exp, paths.values()))
            for text, paths in texts.items()
            if len(text) <= 1
        }
        assert confidence == pytest.approx(shares[(index,)] / sum(shares.values()))


@pytest.mark.parametrize("steps", [7, 500, 3000])
def test_a_character_s_confidence_is_exact_in_lines_of_any_length(steps):
    """In uniform steps every character has as many alignments as there are runs of steps, and no
    character has one.

    The probability of each of them is 0 in float64: 1 / 4 ** 3000.
    """
    runs = math.comb(steps + 1, 2)
    whole = outputs_of(np.zeros((1, steps, CLASSES)))
    found = character_confidences(
        whole, np.array([1]), np.zeros(1, np.int64), np.array([2]), np.array([5])
    )
    assert found == pytest.approx([runs / (1 + (CLASSES - 1) * runs)], rel=1e-9)


def test_a_long_line_s_characters_are_as_sure_as_in_a_short_one():
    """Steps that say nothing, on both sides, are blanks for certain: they change no confidence."""
    rng = np.random.default_rng(0)
    short = outputs_of(rng.normal(0, 2, (1, 6, CLASSES)))
    blanks = np.full((1, 2000, CLASSES), -60.0)
    blanks[:, :, BLANK] = 0
    long = outputs_of(np.concatenate([blanks, short.log_probs, blanks], axis=1))
    labels, samples, starts, ends = (
        np.array([0, 1]),
        np.zeros(2, np.int64),
        np.array([1, 3]),
        np.array([2, 5]),
    )
    found = character_confidences(long, labels, samples, starts + 2000, ends + 2000)
    assert found == pytest.approx(
        character_confidences(short, labels, samples, starts, ends), rel=1e-9
    )
    assert (found > 0).all()


def test_sums_too_small_for_a_float_are_exact():
    """In uniform steps a text is as probable as it has alignments, which can be counted: C(T + L, 2
    L) without repeats."""
    steps, texts = 3000, [(), (0,), (0, 1), (0, 0)]
    counts = [1, math.comb(steps + 1, 2), math.comb(steps + 2, 4), math.comb(steps + 1, 4)]
    found = text_log_probs(
        outputs_of(np.zeros((1, steps, CLASSES))), rows(texts), np.zeros(4, np.int64)
    )
    assert found == pytest.approx(
        [math.log(count) - steps * math.log(CLASSES) for count in counts], rel=1e-12
    )


def test_what_cannot_be_has_probability_0():
    outputs = outputs_of(np.zeros((1, 3, CLASSES)))
    found = text_log_probs(
        outputs, rows([(0, 0), (0, 0, 0), (0, 1, 0), (0, 1, 0, 1)]), np.zeros(4, np.int64)
    )
    assert np.isfinite(found).tolist() == [True, False, True, False]
    never = Outputs.of(np.full((1, 3, CLASSES), -np.inf), np.array([3], np.int32))
    assert text_log_probs(never, rows([(), (0,)]), np.zeros(2, np.int64)).tolist() == [
        -np.inf,
        -np.inf,
    ]


@given(LOGITS, LENGTHS, st.floats(0.2, 5))
def test_the_temperature_divides_and_normalises(logits, lengths, temperature):
    outputs = outputs_of(logits, lengths)
    changed = tempered(outputs, temperature)
    assert changed.log_probs == pytest.approx(
        log_softmax(outputs.log_probs / temperature), abs=1e-9
    )
    assert tempered(outputs, None) is outputs
