"""Scores, their intervals, and confusions."""

import math
import random
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrkit.scoring.bootstrap import Score
from ocrkit.scoring.confusions import Character, Confusion, Confusions
from ocrkit.scoring.rules import Outcome, Rules
from ocrkit.scoring.scores import Part, Scorer
from ocrkit_levenshtein.metrics import CharacterErrorRate, Levenshtein, WordErrorRate

METRICS = {"levenshtein": Levenshtein(), "cer": CharacterErrorRate(), "wer": WordErrorRate()}
TEXTS = st.text("ab ", max_size=6)
OUTCOMES = st.lists(
    st.builds(
        Outcome,
        TEXTS,
        TEXTS,
        TEXTS,
        st.sampled_from([None, "w1", "w2", "w3"]),
        st.sampled_from([None, "f1", "f2"]),
        st.floats(0, 1),
    )
)


def filled(outcomes, metrics=METRICS):
    scorer = Scorer(metrics)
    for outcome in outcomes:
        scorer.add(outcome)
    return scorer


def score(outcomes, metrics=METRICS):
    return filled(outcomes, metrics).result()


def confusions(pairs, top=20):
    counted = Confusions()
    for pair in pairs:
        counted.add(*pair)
    return counted.result(top)


def read_by(writers, words, *, seed=0, writer="w{}", form="f{}"):
    """Words of ten letters; every writer has a rate of errors of their own, between none and half
    of the letters."""
    rng = np.random.default_rng(seed)
    outcomes = []
    for index in range(writers):
        rate = rng.uniform(0, 0.5)
        for word in range(words):
            wrong = rng.binomial(10, rate)
            outcomes.append(
                Outcome(
                    f"{index}-{word}",
                    "a" * 10,
                    "b" * wrong + "a" * (10 - wrong),
                    writer and writer.format(index),
                    form and form.format(index),
                )
            )
    return outcomes


def test_scores_are_ratios_of_sums():
    outcomes = [
        Outcome("1", "the", "the", "w1"),
        Outcome("2", "a", "b", "w1"),
        Outcome("3", "two words", "two wxxds", "w2"),
        Outcome("4", "", "x", "w3"),
    ]
    values = {name: item.value for name, item in score(outcomes).items()}
    assert values == {
        "levenshtein": pytest.approx((3 / 3 + 0 / 1 + 7 / 9 + 0) / 4),
        "cer": pytest.approx((0 + 1 + 2 + 1) / (3 + 1 + 9)),
        "wer": pytest.approx((0 + 1 + 1 + 1) / (1 + 1 + 2)),
    }


def test_results_have_the_metrics_order_and_plain_floats():
    results = score(read_by(3, 2))
    assert list(results) == ["levenshtein", "cer", "wer"]
    for item in results.values():
        assert [type(number) for number in (item.value, item.low, item.high)] == [float] * 3


@given(OUTCOMES, st.randoms())
def test_the_order_of_the_samples_changes_no_bit(outcomes, rng):
    shuffled = list(outcomes)
    rng.shuffle(shuffled)
    assert score(shuffled) == score(outcomes)


def test_sums_of_fractions_are_rounded_the_same_in_any_order():
    rng = random.Random(5)
    lengths = [rng.randint(1, 30) for _ in range(300)]
    outcomes = [
        Outcome(str(i), "a" * length, "b" + "a" * (length - 1), f"w{i % 3}")
        for i, length in enumerate(lengths)
    ]
    expected = score(outcomes)
    for _ in range(5):
        rng.shuffle(outcomes)
        assert score(outcomes) == expected


@given(OUTCOMES, st.integers(0))
def test_two_parts_merged_equal_the_whole(outcomes, cut):
    cut %= len(outcomes) + 1
    merged = filled(outcomes[:cut])
    merged.merge(filled(outcomes[cut:]))
    assert len(merged) == len(outcomes)
    whole = filled(outcomes)
    assert merged.result() == whole.result()
    assert merged.details() == whole.details()
    assert merged.confidence() == whole.confidence()


def test_only_the_same_rules_merge():
    with pytest.raises(ValueError, match="lowercase=True"):
        Scorer(METRICS).merge(Scorer(METRICS, Rules(lowercase=True)))


@pytest.mark.parametrize(
    "other", [{}, {"cer": WordErrorRate()}, {"character error rate": CharacterErrorRate()}]
)
def test_only_the_same_metrics_merge(other):
    with pytest.raises(ValueError, match="cannot be merged"):
        Scorer({"cer": CharacterErrorRate()}).merge(Scorer(other))


def test_a_result_can_be_asked_for_again_and_in_between():
    outcomes = read_by(4, 5)
    scorer = filled(outcomes[:10])
    assert scorer.result() == scorer.result() == score(outcomes[:10])
    for outcome in outcomes[10:]:
        scorer.add(outcome)
    assert scorer.result() == score(outcomes)


def test_results_do_not_depend_on_anybody_s_random_state():
    outcomes = read_by(8, 4)
    np.random.seed(1)  # noqa: NPY002
    first, state = score(outcomes), np.random.get_state()[1].tolist()  # noqa: NPY002
    np.random.seed(2)  # noqa: NPY002
    assert score(outcomes) == first
    np.random.seed(1)  # noqa: NPY002
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002


@pytest.mark.parametrize("by", ["writer", "form", None])
def test_intervals_are_those_of_a_plain_bootstrap(by):
    """An independent one: it draws clusters one by one, with another generator and seed, so that it
    agrees only nearly."""
    outcomes = read_by(25, 12, writer="w{}" if by == "writer" else None, form="f{}" if by else None)
    clusters = {}
    for outcome in outcomes:
        cluster = getattr(outcome, by) if by else outcome.id
        edits = sum(a != b for a, b in zip(outcome.reference, outcome.prediction, strict=True))
        before = clusters.get(cluster, (0, 0))
        clusters[cluster] = (before[0] + edits, before[1] + 10)
    rng = random.Random(99)
    draws = []
    for _ in range(4000):
        drawn = rng.choices(list(clusters.values()), k=len(clusters))
        draws.append(sum(edits for edits, _ in drawn) / sum(length for _, length in drawn))
    draws.sort()
    cer = score(outcomes)["cer"]
    width = draws[3900] - draws[100]
    assert cer.low == pytest.approx(draws[100], abs=0.1 * width)
    assert cer.high == pytest.approx(draws[3900], abs=0.1 * width)


def test_intervals_by_writer_are_wider_than_by_sample_where_writers_differ():
    by_writer, by_sample = score(read_by(25, 12)), score(read_by(25, 12, writer=None, form=None))
    for name in METRICS:
        assert by_writer[name].value == pytest.approx(by_sample[name].value)
    wide, narrow = by_writer["cer"], by_sample["cer"]
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_clusters_are_writers_else_forms_else_samples():
    known = read_by(9, 6, form="page-{}")
    by_writer = score(known)
    elsewhere = [
        Outcome(item.id, item.reference, item.prediction, item.writer, f"p{i % 5}")
        for i, item in enumerate(known)
    ]
    assert score(elsewhere) == by_writer  # forms do not matter where writers are known

    nobody = Outcome("x", "a" * 10, "a" * 10, None, "page-0")
    assert score([*known, nobody]) == score([*read_by(9, 6, writer=None, form="page-{}"), nobody])
    neither = Outcome("x", "a" * 10, "a" * 10)
    assert score([*known, neither]) == score([*read_by(9, 6, writer=None, form=None), neither])


def test_an_interval_covers_the_truth_about_95_times_in_100():
    rng = np.random.default_rng(11)
    hits = 0
    for seed in range(150):
        outcomes = read_by(int(rng.integers(40, 60)), 4, seed=seed)
        cer = score(outcomes, {"cer": CharacterErrorRate()})["cer"]
        hits += cer.low <= 0.25 <= cer.high  # rates of errors are uniform between 0 and 0.5
    assert 0.90 <= hits / 150 <= 0.99


@given(OUTCOMES)
def test_intervals_are_ordered_and_within_what_single_clusters_score(outcomes):
    outcomes = [Outcome(item.id, item.reference, item.prediction) for item in outcomes]
    for name, item in score(outcomes).items():
        counts = [
            METRICS[name].counts(outcome.reference, outcome.prediction) for outcome in outcomes
        ]
        if not sum(share[1] for share in counts):
            assert item == Score(None, None, None)
        elif len(outcomes) < 2:
            assert (item.low, item.high) == (None, None)
        else:
            assert item.low <= item.high
            if all(
                share[1] for share in counts
            ):  # what is invented for an empty reference has no score of its own
                single = [numerator / denominator for numerator, denominator in counts]
                assert min(single) - 1e-9 <= item.low <= item.high <= max(single) + 1e-9


class Accuracy:
    """What the character error rate leaves."""

    higher_is_better = True

    def counts(self, reference, prediction):
        edits, length = CharacterErrorRate().counts(reference, prediction)
        return length - edits, length


def test_all_metrics_see_the_same_draws():
    results = score(
        read_by(12, 5),
        {"accuracy": Accuracy(), "wer": WordErrorRate(), "cer": CharacterErrorRate()},
    )
    assert results["accuracy"].low == pytest.approx(1 - results["cer"].high)
    assert results["accuracy"].high == pytest.approx(1 - results["cer"].low)


def test_no_interval_under_two_clusters():
    one = score(read_by(1, 20))
    assert one["cer"].value is not None
    assert {(item.low, item.high) for item in one.values()} == {(None, None)}
    assert all(item.low is not None for item in score(read_by(2, 1)).values())
    [alone] = read_by(1, 1, writer=None, form=None)
    assert score([alone])["cer"].low is None


def test_equal_writers_are_still_several_clusters():
    outcomes = [Outcome(str(i), "abcd", "abcx", f"w{i}") for i in range(5)]
    assert score(outcomes)["cer"] == Score(0.25, 0.25, 0.25)


def test_without_samples_or_without_metrics():
    assert score([]) == dict.fromkeys(METRICS, Score(None, None, None))
    assert score(read_by(2, 2), {}) == {}


def test_a_ratio_without_a_denominator_is_none():
    assert score([Outcome("1", "", "ab", "w1"), Outcome("2", " ", "", "w2")])["wer"] == Score(
        None, None, None
    )


def test_draws_without_a_denominator_are_left_out():
    outcomes = [
        Outcome("1", "abcd", "abcx", "w1"),
        Outcome("2", "", "", "w2"),
        Outcome("3", "", "", "w3"),
    ]
    assert score(outcomes)["cer"] == Score(0.25, 0.25, 0.25)


def test_many_samples_need_little_memory_and_no_texts_are_kept():
    scorer = Scorer(METRICS)
    tracemalloc.start()
    try:
        for index in range(20_000):
            scorer.add(Outcome(str(index), f"{index}" * 40, f"{index}" * 39 + "x"))
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept < 100 * 20_000
    assert scorer.result()["wer"].value == 1


def test_confusions_are_counted_commonest_first():
    pairs = [
        ("hello", "hallo"),
        ("best", "bast"),
        ("it's", "its"),
        ("can", "cant"),
        ("same", "same"),
        ("", ""),
    ]
    assert confusions(pairs) == [
        Confusion("e", "a", 2),
        Confusion("", "t", 1),
        Confusion("'", "", 1),
    ]
    assert confusions(pairs, top=1) == [Confusion("e", "a", 2)]
    assert confusions([]) == []


@given(st.lists(st.tuples(st.text("abc é🖋", max_size=8), st.text("abc é🖋", max_size=8))))
def test_confusions_are_exactly_the_edits(pairs):
    found = confusions(pairs, top=10_000)
    assert sum(item.count for item in found) == sum(
        CharacterErrorRate().counts(*pair)[0] for pair in pairs
    )
    grown = sum(item.count for item in found if not item.reference) - sum(
        item.count for item in found if not item.prediction
    )
    assert grown == sum(len(prediction) - len(reference) for reference, prediction in pairs)
    for item in found:
        assert item.reference != item.prediction
        assert len(item.reference) <= 1
        assert len(item.prediction) <= 1
        assert any(
            item.reference in reference and item.prediction in prediction
            for reference, prediction in pairs
        )
    assert [item.count for item in found] == sorted((item.count for item in found), reverse=True)


@given(st.lists(st.tuples(TEXTS, TEXTS)), st.randoms())
def test_confusions_do_not_depend_on_the_order(pairs, rng):
    shuffled = list(pairs)
    rng.shuffle(shuffled)
    assert confusions(shuffled, top=3) == confusions(pairs, top=3)


@pytest.mark.parametrize(
    ("rules", "reference", "prediction", "edits"),
    [
        (Rules(), "Émile", "e\u0301mile", 2),
        (Rules(lowercase=True), "Émile", "e\u0301mile", 2),
        (Rules(unicode="NFC"), "Émile", "e\u0301mile", 1),
        (Rules(lowercase=True, unicode="NFC"), "Émile", "e\u0301mile", 0),
        (Rules(unicode="NFC"), "ﬁre ½", "fire 1⁄2", 5),
        (Rules(unicode="NFKC"), "ﬁre ½", "fire 1⁄2", 0),
    ],
)
def test_rules_say_how_texts_are_compared(rules, reference, prediction, edits):
    scorer = Scorer({"cer": CharacterErrorRate()}, rules)
    scorer.add(Outcome("1", reference, prediction))
    length = len(rules.apply(Outcome("1", reference, "")).reference)
    assert scorer.result()["cer"].value == pytest.approx(edits / length)
    assert (scorer.details().confusions == []) == (edits == 0)


def test_punctuation_only_samples_are_left_out_on_request():
    outcomes = [
        Outcome(str(index), text, text)
        for index, text in enumerate([".", "...", "&", "$ +", "—", "a.", "5", "", " "])
    ]
    scorer = Scorer(METRICS, Rules(skip_punctuation=True))
    for outcome in outcomes:
        scorer.add(outcome)
    assert (len(scorer), scorer.left_out) == (4, 5), (
        "what has a letter or a digit stays, and so does what is empty"
    )


@given(OUTCOMES)
def test_parts_add_up_to_the_whole(outcomes):
    details = filled(outcomes).details()
    assert sum(part.samples for part in details.lengths) == sum(
        bool(each.reference) for each in outcomes
    )
    assert sum(part.samples for part in details.writers) == sum(
        each.writer is not None for each in outcomes
    )
    assert sum(each.count for each in details.characters) == sum(
        len(each.reference) for each in outcomes
    )
    edits = sum(
        CharacterErrorRate().counts(each.reference, each.prediction)[0] for each in outcomes
    )
    assert sum(each.count for each in details.confusions) == edits
    for each in details.characters:
        missed = sum(item.count for item in details.confusions if item.reference == each.character)
        assert 0 <= each.right == each.count - missed


def test_parts_are_scored_by_themselves():
    outcomes = [
        Outcome("1", "abcd", "abcx", "w2"),
        Outcome("2", "ab", "ab", "w1"),
        Outcome("3", "a" * 18, "", "w2"),
    ]
    details = filled(outcomes, {"cer": CharacterErrorRate()}).details()
    assert details.writers == [
        Part("w1", 1, {"cer": 0.0}),
        Part("w2", 2, {"cer": pytest.approx(19 / 22)}),
    ]
    assert details.lengths == [
        Part("2", 1, {"cer": 0.0}),
        Part("4", 1, {"cer": 0.25}),
        Part("16-20", 1, {"cer": 1.0}),
    ]
    assert details.characters == [
        Character("a", 20, 2),
        Character("b", 2, 2),
        Character("c", 1, 1),
        Character("d", 1, 0),
    ]


@given(OUTCOMES)
def test_every_writer_and_every_length_is_scored_as_if_alone(outcomes):
    details = filled(outcomes).details()
    for part in details.writers:
        own = [each for each in outcomes if each.writer == part.name]
        expected = {name: item.value for name, item in score(own).items()}
        assert part.samples == len(own)
        assert part.metrics == {
            name: value if value is None else pytest.approx(value)
            for name, value in expected.items()
        }
    for part in details.lengths:
        first, _, last = part.name.removeprefix("from ").partition("-")
        most = math.inf if part.name.startswith("from") else int(last or first)
        assert part.samples == sum(int(first) <= len(each.reference) <= most for each in outcomes)


def test_details_of_many_writers_look_at_every_kind_of_sample_twice(monkeypatch):
    """Once for its writer and once for its length: with a look at all for every writer, 16,000 of
    them took seven minutes."""
    looked_at = []
    values = Scorer._values
    monkeypatch.setattr(
        Scorer,
        "_values",
        lambda self, *args: looked_at.append(len(args[-1])) or values(self, *args),
    )
    scorer = filled([Outcome(str(index), "word", "ward", f"writer{index}") for index in range(500)])
    assert len(scorer.details().writers) == 500
    assert sum(looked_at) == 2 * 500


@given(OUTCOMES.filter(len), st.floats(0, 1))
def test_what_is_left_is_what_is_sure_enough(outcomes, threshold):
    scorer = filled(outcomes)
    kept = scorer.kept(threshold)
    sure = [each for each in outcomes if np.float32(each.confidence) >= np.float32(threshold)]
    assert (kept.samples, kept.share) == (len(sure), len(sure) / len(outcomes))
    expected = {name: item.value for name, item in score(sure).items()}
    assert kept.metrics == {
        name: value if value is None else pytest.approx(value) for name, value in expected.items()
    }
    right = sum(each.reference == each.prediction for each in sure)
    assert kept.wrong == (pytest.approx(1 - right / len(sure)) if sure else None)

    curve = scorer.confidence().kept
    ordered = sorted((float(np.float32(each.confidence)) for each in outcomes), reverse=True)
    ranks = [-(-percent * len(ordered) // 100) for percent in range(100, 0, -5)]
    assert [item.min_confidence for item in curve] == list(
        dict.fromkeys(ordered[rank - 1] for rank in ranks)
    )
    assert curve[0].samples == len(outcomes)
    assert [item.samples for item in curve] == sorted(
        {item.samples for item in curve}, reverse=True
    )
    assert all(item == scorer.kept(item.min_confidence) for item in curve)


@pytest.mark.parametrize("size", [20, 100, 140, 200, 1980])
def test_the_curve_keeps_exactly_every_twentieth_part(size):
    """By whole numbers: in floats 0.55 of 100 is 55.000000000000007, which was rounded up to 56."""
    outcomes = [
        Outcome(str(index), "a", "a", confidence=(index + 1) / (size + 1)) for index in range(size)
    ]
    curve = filled(outcomes).confidence().kept
    assert [item.samples for item in curve] == [
        size * percent // 100 for percent in range(100, 0, -5)
    ]


def test_no_confidence_where_one_is_missing_or_there_are_no_samples():
    assert filled([]).confidence() is None
    assert (
        filled([Outcome("1", "a", "a", confidence=0.5), Outcome("2", "a", "a")]).confidence()
        is None
    )
    assert filled([Outcome("1", "a", "a", confidence=0.5)]).confidence().ece == 0.5
