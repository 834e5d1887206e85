"""The scores made of edit distances: against plain dynamic programming, and what must hold for any
texts."""

import random
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ocrkit_levenshtein
from ocrkit.interfaces import Metric
from ocrkit_levenshtein.metrics import CharacterErrorRate, Levenshtein, WordErrorRate

LEVENSHTEIN, CER, WER = Levenshtein(), CharacterErrorRate(), WordErrorRate()
ALL = [LEVENSHTEIN, CER, WER]


def plain_distance(first, second):
    """Wagner & Fischer (1974): the table of distances between all pairs of beginnings."""
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i in range(len(first) + 1):
        for j in range(len(second) + 1):
            if i == 0 or j == 0:
                table[i][j] = i + j
            else:
                change = table[i - 1][j - 1] + (first[i - 1] != second[j - 1])
                table[i][j] = min(change, table[i - 1][j] + 1, table[i][j - 1] + 1)
    return table[-1][-1]


def random_pairs(count, seed):
    """Unrelated texts, and texts with a few edits, over a small alphabet with spaces and characters
    beyond ASCII."""
    rng = random.Random(seed)
    for _ in range(count):
        reference = "".join(rng.choices("aab  é🖋B", k=rng.randint(0, 14)))
        if rng.random() < 0.5:
            yield reference, "".join(rng.choices("aab  é🖋B", k=rng.randint(0, 14)))
        else:
            prediction = list(reference)
            for _ in range(rng.randint(0, 3)):
                place = rng.randint(0, len(prediction))
                prediction[place : place + rng.randint(0, 1)] = rng.choice(["", "a", " ", "éb"])
            yield reference, "".join(prediction)


def test_are_registered_under_their_names():
    entries = {}
    ocrkit_levenshtein.ocrkit_metrics(lambda name, target, summary: entries.update({name: target}))
    parts = {
        name: getattr(import_module(target.split(":")[0]), target.split(":")[1])
        for name, target in entries.items()
    }
    assert parts == {"levenshtein": Levenshtein, "cer": CharacterErrorRate, "wer": WordErrorRate}
    assert all(isinstance(part(), Metric) for part in parts.values())
    assert {name: part.higher_is_better for name, part in parts.items()} == {
        "levenshtein": True,
        "cer": False,
        "wer": False,
    }


def test_agree_with_dynamic_programming_on_10000_random_pairs():
    distances = set()
    for reference, prediction in random_pairs(10_000, seed=7):
        edits = plain_distance(reference, prediction)
        words = reference.split()
        assert CER.counts(reference, prediction) == (edits, len(reference))
        assert WER.counts(reference, prediction) == (
            plain_distance(words, prediction.split()),
            len(words),
        )
        share, samples = LEVENSHTEIN.counts(reference, prediction)
        assert samples == 1
        if reference:
            assert share == pytest.approx((len(reference) - edits) / len(reference), abs=1e-12)
        else:
            assert share == 1 - len(prediction)
        distances.add(edits)
    assert distances >= set(range(12))


@pytest.mark.parametrize(
    ("reference", "prediction", "levenshtein", "cer", "wer"),
    [
        ("kitten", "sitting", 0.5, (3, 6), (1, 1)),
        ("the cat sat", "the cat", 7 / 11, (4, 11), (1, 3)),
        ("the cat", "thecat", 6 / 7, (1, 7), (2, 2)),
        ("the cat", "  the\tcat\n", 3 / 7, (4, 7), (0, 2)),
        ("ab", "", 0, (2, 2), (1, 1)),
        ("a", "xyz", -2, (3, 1), (1, 1)),
        ("A", "a", 0, (1, 1), (1, 1)),
        ("", "", 1, (0, 0), (0, 0)),
        ("", "ab c", -3, (4, 0), (2, 0)),
        (" ", " ", 1, (0, 1), (0, 0)),
        ("é", "e\u0301", -1, (2, 1), (1, 1)),
        ("🖋️x", "x", 1 / 3, (2, 3), (1, 1)),
        ("a\u00a0b\u3000c", "a b c", 3 / 5, (2, 5), (0, 3)),
    ],
)
def test_known_scores(reference, prediction, levenshtein, cer, wer):
    assert LEVENSHTEIN.counts(reference, prediction) == (pytest.approx(levenshtein), 1)
    assert CER.counts(reference, prediction) == cer
    assert WER.counts(reference, prediction) == wer


@given(st.text())
def test_the_right_text_scores_perfectly(text):
    assert LEVENSHTEIN.counts(text, text) == (1, 1)
    assert CER.counts(text, text) == (0, len(text))
    assert WER.counts(text, text) == (0, len(text.split()))


@given(st.text(), st.text())
def test_edits_are_the_same_both_ways(first, second):
    assert CER.counts(first, second)[0] == CER.counts(second, first)[0]
    assert WER.counts(first, second)[0] == WER.counts(second, first)[0]


@given(st.text("ab c", max_size=9), st.text("ab c", max_size=9), st.text("ab c", max_size=9))
def test_a_detour_is_never_shorter(first, second, third):
    for metric in (CER, WER):
        direct, to, onwards = (
            metric.counts(*pair)[0] for pair in ((first, third), (first, second), (second, third))
        )
        assert direct <= to + onwards


@given(st.text(), st.text())
def test_edits_lie_between_the_difference_and_the_longer_of_the_lengths(reference, prediction):
    edits, length = CER.counts(reference, prediction)
    assert length == len(reference)
    assert abs(len(reference) - len(prediction)) <= edits <= max(len(reference), len(prediction))
    assert (edits == 0) == (reference == prediction)


@given(st.text(min_size=1), st.text())
def test_the_notebook_s_score_is_what_cer_leaves_in_a_single_sample(reference, prediction):
    edits, length = CER.counts(reference, prediction)
    assert LEVENSHTEIN.counts(reference, prediction)[0] == pytest.approx(1 - edits / length)


@given(
    st.lists(st.text("abcd", min_size=1, max_size=3), max_size=6),
    st.lists(st.text("abcd", min_size=1, max_size=3), max_size=6),
)
def test_wer_is_cer_with_a_letter_for_every_word(reference, prediction):
    letters = {word: chr(1000 + index) for index, word in enumerate({*reference, *prediction})}
    as_letters = CER.counts(
        "".join(letters[word] for word in reference), "".join(letters[word] for word in prediction)
    )
    assert WER.counts(" ".join(reference), " ".join(prediction)) == as_letters


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize("text", ["\ud800", "\0", "a\0b", "\u202eabc", "x" * 5000])
def test_odd_texts(metric, text):
    right, wrong = metric.counts(text, text), metric.counts(text, "q")
    better = right[0] > wrong[0] if metric.higher_is_better else right[0] < wrong[0]
    assert better
    assert right[1] == wrong[1] > 0
