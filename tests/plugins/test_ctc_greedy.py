"""Greedy decoding: against a plain loop, against probabilities summed over every path, and on input
that is wrong."""

import itertools
import math
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import ocrkit_ctc
from ocrkit.errors import OcrkitError
from ocrkit.interfaces import Decoded, Decoder, Span
from ocrkit.parts.codec import Alphabet, steps_needed
from ocrkit_ctc.greedy import Greedy

ALPHABET = Alphabet("ab ß🖋")
BLANK = ALPHABET.blank


def plain_loop(log_probs, length, alphabet):
    """One sample, one step at a time: a character is written when its run ends."""
    text, spans, confidence, begun = "", [], 1.0, 0
    path = []
    for step in range(length):
        best = 0
        for index in range(alphabet.classes):
            if log_probs[step][index] > log_probs[step][best]:
                best = index
        confidence *= math.exp(log_probs[step][best])
        path.append(best)
    for step in range(length):
        if step == 0 or path[step] != path[step - 1]:
            begun = step
        if (step == length - 1 or path[step] != path[step + 1]) and path[step] != alphabet.blank:
            text += alphabet.characters[path[step]]
            spans.append(Span(begun, step + 1))
    return text, confidence, tuple(spans)


def log_softmax(logits):
    return (logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))).astype(np.float32)


def from_path(path):
    """Log-probabilities of one sample whose likeliest classes are these."""
    logits = np.zeros((1, len(path), ALPHABET.classes))
    logits[0, np.arange(len(path)), path] = 4
    return log_softmax(logits)


def decode(log_probs, lengths=None, alphabet=ALPHABET):
    if lengths is None:
        lengths = [log_probs.shape[1]] * len(log_probs)
    return Greedy()(log_probs, np.array(lengths, np.int32), alphabet)


def test_is_registered_under_its_name():
    entries = {}
    ocrkit_ctc.ocrkit_decoders(lambda name, target, summary: entries.update({name: target}))
    module, _, attribute = entries["ctc-greedy"].partition(":")
    assert getattr(import_module(module), attribute) is Greedy
    assert isinstance(Greedy(), Decoder)


def test_agrees_with_a_plain_loop_on_10000_random_samples():
    rng = np.random.default_rng(20)
    seen = 0
    texts = set()
    while seen < 10_000:
        alphabet = Alphabet("abcdefghij"[: rng.integers(1, 7)])
        size, steps = rng.integers(1, 60), rng.integers(1, 16)
        # Few distinct logits: ties, long runs and blanks are common.
        logits = rng.integers(0, rng.integers(2, 8), (size, steps, alphabet.classes)).astype(
            np.float64
        )
        log_probs, lengths = log_softmax(logits), rng.integers(0, steps + 1, size)
        results = decode(log_probs, lengths, alphabet)
        assert len(results) == size
        for result, scores, length in zip(
            results, log_probs.tolist(), lengths.tolist(), strict=True
        ):
            text, best_path, spans = plain_loop(scores, length, alphabet)
            assert (result.text, result.spans) == (text, spans)
            assert best_path * (1 - 1e-5) <= result.confidence <= 1
            texts.add(text)
        seen += size
    assert len(texts) > 1000  # the samples were not all alike


@given(st.lists(st.integers(0, BLANK), max_size=30))
def test_runs_are_merged_and_blanks_dropped(path):
    [result] = decode(from_path(path))
    runs = [index for index, _ in itertools.groupby(path) if index != BLANK]
    assert result.text == "".join(ALPHABET.characters[index] for index in runs)


@given(st.lists(st.integers(0, BLANK), max_size=30))
def test_spans_hold_the_runs_of_their_characters(path):
    [result] = decode(from_path(path))
    assert len(result.spans) == len(result.text)
    covered = set()
    for character, span in zip(result.text, result.spans, strict=True):
        assert {ALPHABET.characters[index] for index in path[span.start : span.end]} == {character}
        covered |= set(range(span.start, span.end))
    assert covered == {step for step, index in enumerate(path) if index != BLANK}
    assert list(result.spans) == sorted(result.spans, key=lambda span: span.start)


@given(st.text(ALPHABET.characters, max_size=20))
def test_every_text_can_be_written_in_the_fewest_steps(text):
    path = []
    for index in ALPHABET.encode(text):
        path += [BLANK, index] if path[-1:] == [index] else [index]
    assert len(path) == steps_needed(text)
    assert decode(from_path(path))[0].text == text


def test_repeated_letters_need_a_blank_between_them():
    a, b = 0, 1
    assert decode(from_path([a, a, b]))[0].text == "ab"
    assert decode(from_path([a, BLANK, a, b]))[0].text == "aab"


def test_of_equally_likely_classes_the_first_is_taken():
    assert decode(log_softmax(np.zeros((1, 1, ALPHABET.classes))))[0].text == "a"


@given(
    arrays.arrays(np.float64, (4, 6, ALPHABET.classes), elements=st.floats(-20, 20)),
    st.lists(st.integers(0, 6), min_size=4, max_size=4),
    st.sampled_from([np.nan, np.inf, -np.inf, 7.0]),
)
def test_what_is_beyond_a_sample_s_length_changes_nothing(logits, lengths, rubbish):
    log_probs = log_softmax(logits)
    spoilt = log_probs.copy()
    for index, length in enumerate(lengths):
        spoilt[index, length:] = rubbish
    together = decode(spoilt, lengths)
    alone = [
        decode(log_probs[index : index + 1, :length])[0] for index, length in enumerate(lengths)
    ]
    assert [(item.text, item.spans) for item in together] == [
        (item.text, item.spans) for item in alone
    ]
    assert [item.confidence for item in together] == pytest.approx(
        [item.confidence for item in alone]
    )


@given(arrays.arrays(np.float64, (1, 4, 3), elements=st.floats(-8, 8)))
def test_the_confidence_is_the_probability_of_the_text(logits):
    alphabet = Alphabet("ab")
    log_probs = log_softmax(logits)
    [result] = decode(log_probs, alphabet=alphabet)
    probability = 0.0
    for path in itertools.product(range(3), repeat=4):
        written = [index for index, _ in itertools.groupby(path) if index != alphabet.blank]
        if alphabet.decode(written) == result.text:
            probability += math.exp(
                sum(float(log_probs[0, step, index]) for step, index in enumerate(path))
            )
    assert result.confidence == pytest.approx(min(probability, 1), rel=1e-5)


def test_confidences_stay_between_0_and_1():
    certain = np.full((1, 40, ALPHABET.classes), -np.inf, np.float32)
    certain[:, :, 0] = 1e-4  # what a log_softmax in half precision may leave
    assert decode(certain) == [Decoded("a", 1.0, (Span(0, 40),), (1.0,))]
    hopeless = np.full((1, 2, ALPHABET.classes), -np.inf, np.float32)
    assert decode(hopeless)[0].confidence == 0
    assert decode(hopeless)[0].characters == (0,)
    long = log_softmax(np.zeros((1, 5000, ALPHABET.classes)))
    assert decode(long)[0].confidence == 0  # too small for a float, and no warning


def test_nothing_to_decode():
    assert decode(np.zeros((0, 5, ALPHABET.classes), np.float32)) == []
    assert decode(np.zeros((0, 0, ALPHABET.classes), np.float32)) == []
    assert decode(np.zeros((2, 0, ALPHABET.classes), np.float32)) == [
        Decoded("", 1.0),
        Decoded("", 1.0),
    ]
    assert decode(from_path([0, 1]), [0]) == [Decoded("", 1.0)]
    assert decode(from_path([BLANK] * 5))[0].text == ""


def test_arguments_are_left_as_they_were():
    log_probs = from_path([0, BLANK, 1])
    log_probs.flags.writeable = False
    lengths = np.array([3], np.int32)
    lengths.flags.writeable = False
    assert Greedy()(log_probs, lengths, ALPHABET)[0].text == "ab"


def test_memory_order_and_half_precision_do_not_matter():
    log_probs = log_softmax(np.random.default_rng(3).normal(0, 4, (9, 12, ALPHABET.classes)))
    lengths = np.arange(9) + 2
    expected = decode(log_probs, lengths)
    assert decode(np.asfortranarray(log_probs), lengths) == expected
    steps_first = np.ascontiguousarray(log_probs.transpose(1, 0, 2)).transpose(1, 0, 2)
    assert decode(steps_first, lengths) == expected
    half = log_probs.astype(np.float16)
    for result, scores, length in zip(
        decode(half, lengths), half.tolist(), lengths.tolist(), strict=True
    ):
        assert result.text == plain_loop(scores, length, ALPHABET)[0]


GOOD = from_path([0, 1, 2])


@pytest.mark.parametrize(
    ("log_probs", "lengths", "message"),
    [
        (GOOD[0], np.array([3]), r"float32 \(3, 6\); expected float32 \(samples, steps, classes\)"),
        (GOOD[None], np.array([3]), r"\(1, 1, 3, 6\); expected"),
        (GOOD.astype(np.int64), np.array([3]), "int64"),
        (
            GOOD[:, :, :-1],
            np.array([3]),
            "5 classes; expected 6, the alphabet's 5 characters and the blank",
        ),
        (GOOD[:, :, :0], np.array([3]), "0 classes; expected 6"),
        (GOOD, np.array([3, 3]), r"lengths are int64 \(2,\); expected int32 \(1,\)"),
        (GOOD, np.array(3), r"lengths are int64 \(\)"),
        (GOOD, np.array([3.0]), "lengths are float64"),
        (GOOD, np.array([4]), "lengths from 4 to 4; expected 0 to 3"),
        (GOOD, np.array([-1]), "lengths from -1 to -1"),
        (
            np.where(np.arange(3)[:, None] == 1, np.nan, GOOD).astype(np.float32),
            np.array([3]),
            "nan in sample 0, step 1",
        ),
        (
            np.where(np.arange(6) == 5, np.nan, GOOD).astype(np.float32),
            np.array([3]),
            "nan in sample 0, step 0",
        ),
        (
            np.where(np.arange(6) == 5, np.inf, GOOD).astype(np.float32),
            np.array([3]),
            "inf in sample 0, step 0",
        ),
        (GOOD + 9, np.array([3]), "expected log-probabilities, which are at most 0"),
    ],
)
def test_wrong_input_is_one_clear_line(log_probs, lengths, message):
    with pytest.raises(OcrkitError, match=message) as caught:
        Greedy()(log_probs, lengths, ALPHABET)
    assert "\n" not in str(caught.value)


@given(
    arrays.arrays(
        st.sampled_from([np.float16, np.float32, np.float64, np.int32, np.bool_]),
        arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=7),
    ),
    arrays.arrays(
        st.sampled_from([np.int32, np.int64, np.uint8, np.float32]),
        arrays.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=4),
    ),
)
def test_any_arrays_give_texts_or_one_clear_line(log_probs, lengths):
    try:
        results = Greedy()(log_probs, lengths, ALPHABET)
    except OcrkitError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert len(results) == len(log_probs)
        for result in results:
            assert set(result.text) <= set(ALPHABET.characters)
            assert len(result.spans) == len(result.text)
            assert 0 <= result.confidence <= 1


@given(
    st.integers(0, 4).flatmap(
        lambda size: st.tuples(
            arrays.arrays(
                np.float32,
                (size, 5, 6),
                elements=st.one_of(st.floats(-9, 0, width=32), st.just(np.nan)),
            ),
            arrays.arrays(np.int32, (size,), elements=st.integers(0, 5)),
        )
    )
)
def test_a_nan_that_counts_is_never_read_over(case):
    log_probs, lengths = case
    broken = any(
        np.isnan(scores[:length]).any() for scores, length in zip(log_probs, lengths, strict=True)
    )
    if broken:
        with pytest.raises(OcrkitError, match="nan in sample"):
            Greedy()(log_probs, lengths, ALPHABET)
    else:
        assert len(Greedy()(log_probs, lengths, ALPHABET)) == len(log_probs)
