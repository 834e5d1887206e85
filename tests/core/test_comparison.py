"""Comparing two runs: paired intervals, what the sentences say, and what is refused."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from anything import damaged
from ocrkit.errors import OcrkitError
from ocrkit.parts.checked import checked
from ocrkit.scoring.comparison import Comparison, Difference, compare, compare_results, in_words
from ocrkit.scoring.result_file import Header, Results, read_results
from ocrkit.scoring.rules import Outcome, Rules
from ocrkit.scoring.scores import Scorer
from ocrkit_levenshtein.metrics import CharacterErrorRate, Levenshtein, WordErrorRate

METRICS = {"levenshtein": Levenshtein(), "cer": CharacterErrorRate(), "wer": WordErrorRate()}
TEXTS = st.text("ab ", max_size=5)
ROWS = st.lists(
    st.tuples(TEXTS, TEXTS, TEXTS, st.sampled_from(["w1", "w2", "w3", None])),
    min_size=1,
    max_size=12,
)  # truth, what A and B read, writer


def runs(rows: list[tuple[str, str, str, str | None]]) -> tuple[list[Outcome], list[Outcome]]:
    a = [
        Outcome(str(index), truth, first, writer)
        for index, (truth, first, _, writer) in enumerate(rows)
    ]
    b = [
        Outcome(str(index), truth, second, writer)
        for index, (truth, _, second, writer) in enumerate(rows)
    ]
    return a, b


def opposite(value: float | None) -> Any:
    return None if value is None else pytest.approx(-value)


@settings(max_examples=40)
@given(ROWS)
@example(
    [("", "", "", "w1")] * 4
    + [
        (*texts, "w1")
        for texts in [
            ("", "", "a"),
            ("", "aa", ""),
            ("", "aaaa", ""),
            ("a", "", ""),
            ("aaaaa", "a", ""),
        ]
    ]
)  # fractions, rounded in any order
def test_comparing_the_other_way_round_gives_the_negative(
    rows: list[tuple[str, str, str, str | None]],
) -> None:
    a, b = runs(rows)
    there, back = compare(a, b, METRICS), compare(b, a, METRICS)
    assert (there.right.only_a, there.right.both) == (back.right.only_b, back.right.both)
    for name in METRICS:
        first, second = there.metrics[name], back.metrics[name]
        assert (first.a, first.b) == (second.b, second.a)
        assert second.difference == opposite(first.difference)
        assert (second.low, second.high) == (opposite(first.high), opposite(first.low))
        assert second.better == {"a": "b", "b": "a", None: None}[first.better]


@settings(max_examples=40)
@given(ROWS)
def test_a_run_does_not_differ_from_itself(rows: list[tuple[str, str, str, str | None]]) -> None:
    a, _ = runs(rows)
    found = compare(a, a, METRICS)
    assert found.same_texts
    assert (found.right.only_a, found.right.only_b) == (0, 0)
    for each in found.metrics.values():
        assert each.better is None
        assert {each.difference, each.low, each.high} <= {0.0, None}


@settings(max_examples=40)
@given(ROWS, st.randoms())
def test_neither_the_order_of_the_samples_nor_of_one_file_changes_anything(
    rows: list[tuple[str, str, str, str | None]], rng: random.Random
) -> None:
    a, b = runs(rows)
    expected = compare(a, b, METRICS)
    rng.shuffle(a)
    rng.shuffle(b)
    assert compare(a, b, METRICS) == expected


@settings(max_examples=40)
@given(ROWS)
def test_values_are_the_scores_of_each_run(rows: list[tuple[str, str, str, str | None]]) -> None:
    a, b = runs(rows)
    found = compare(a, b, METRICS)
    for run, values in (
        (a, [each.a for each in found.metrics.values()]),
        (b, [each.b for each in found.metrics.values()]),
    ):
        scorer = Scorer(METRICS)
        for outcome in run:
            scorer.add(outcome)
        for value, score in zip(values, scorer.result().values(), strict=True):
            assert value == (None if score.value is None else pytest.approx(score.value))


def by_writers(writers: int, words: int, better: float) -> tuple[list[Outcome], list[Outcome]]:
    """Words of ten letters; writers differ much in how hard they are, and B misses fewer letters by
    ``better``."""
    rng = np.random.default_rng(3)
    rows: list[tuple[str, str, str, str | None]] = []
    for writer in range(writers):
        hard = rng.uniform(0.1, 0.6)
        for _ in range(words):
            wrong = rng.binomial(10, hard)
            fewer = rng.binomial(wrong, 1 - better)
            rows.append(
                (
                    "a" * 10,
                    "b" * wrong + "a" * (10 - wrong),
                    "b" * fewer + "a" * (10 - fewer),
                    f"w{writer}",
                )
            )
    return runs(rows)


def test_a_difference_is_told_where_the_scores_intervals_overlap() -> None:
    a, b = by_writers(12, 20, better=0.15)
    intervals = []
    for run in (a, b):
        scorer = Scorer({"cer": CharacterErrorRate()})
        for outcome in run:
            scorer.add(outcome)
        intervals.append(scorer.result()["cer"])
    assert intervals[1].high is not None
    assert intervals[0].low is not None
    assert intervals[1].high > intervals[0].low, "each alone says nothing"
    found = compare(a, b, {"cer": CharacterErrorRate(), "levenshtein": Levenshtein()})
    assert found.clusters == ("writer", 12)
    assert {name: each.better for name, each in found.metrics.items()} == {
        "cer": "b",
        "levenshtein": "b",
    }
    assert found.metrics["cer"].high is not None
    assert found.metrics["cer"].high < 0
    assert compare(b, a, {"cer": CharacterErrorRate()}).metrics["cer"].better == "a"


def test_the_interval_is_that_of_a_plain_paired_bootstrap() -> None:
    """An independent one: it draws writers one by one, with another generator, so that it agrees
    only nearly."""
    a, b = by_writers(20, 10, better=0.1)
    edits: dict[str, list[int]] = {}
    for first, second in zip(a, b, strict=True):
        sums = edits.setdefault(first.writer or "", [0, 0, 0])
        for column, value in enumerate(
            (first.prediction.count("b"), second.prediction.count("b"), 10)
        ):
            sums[column] += value
    rng = random.Random(5)
    draws = []
    for _ in range(4000):
        drawn = rng.choices(list(edits.values()), k=len(edits))
        draws.append(
            (sum(each[1] for each in drawn) - sum(each[0] for each in drawn))
            / sum(each[2] for each in drawn)
        )
    draws.sort()
    cer = compare(a, b, {"cer": CharacterErrorRate()}).metrics["cer"]
    width = draws[3900] - draws[100]
    assert cer.low == pytest.approx(draws[100], abs=0.1 * width)
    assert cer.high == pytest.approx(draws[3900], abs=0.1 * width)


def test_no_interval_for_one_writer() -> None:
    found = compare(
        *runs([("ab", "ab", "xb", "w1"), ("cd", "cd", "cd", "w1")]), {"cer": CharacterErrorRate()}
    )
    assert found.metrics["cer"] == Difference(0.0, 0.25, 0.25, None, None, None)
    assert "a single writer, which is too few" in in_words(
        "CER", found.metrics["cer"], found.clusters
    )


def test_rules_apply_to_both_runs() -> None:
    a, b = runs([("Ab", "ab", "Ab", "w1"), (",", ",", ".", "w2"), ("c", "c", "c", "w2")])
    found = compare(
        a, b, {"cer": CharacterErrorRate()}, Rules(lowercase=True, skip_punctuation=True)
    )
    assert (found.samples, found.left_out, found.same_texts) == (2, 1, True)
    assert found.metrics["cer"].difference == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "9"}, r"1 sample only in A \(0\); 1 sample only in B \(9\)"),
        ({"reference": "xy"}, r"1 sample with another text \(0: 'ab' in A, 'xy' in B\)"),
        ({"writer": "w7"}, r"1 sample with another writer \(0: 'w1' in A, 'w7' in B\)"),
        ({"form": "f7"}, r"1 sample with another form \(0: None in A, 'f7' in B\)"),
        ({"id": "1"}, "B has several samples of one id"),
    ],
)
def test_different_samples_are_refused_and_named(change: dict[str, str], said: str) -> None:
    a, b = runs([("ab", "ab", "ab", "w1"), ("cd", "cd", "cd", "w2")])
    changed = {
        name: getattr(b[0], name) for name in ("id", "reference", "prediction", "writer", "form")
    } | change
    with pytest.raises(OcrkitError, match=said):
        compare(a, [Outcome(**changed), b[1]], METRICS)


def test_many_samples_that_differ_are_counted_and_a_few_named() -> None:
    a, b = runs([(f"t{index}", "", "", None) for index in range(9)])
    with pytest.raises(OcrkitError, match=r"8 samples only in A \(1, 2, 3, …\)\. "):
        compare(a, b[:1], METRICS)
    with pytest.raises(OcrkitError, match="no sample to compare is left"):
        compare(*runs([(".", "", "", None)]), METRICS, Rules(skip_punctuation=True))


def test_sentences() -> None:
    def said(*values: Any) -> str:
        return in_words("CER", Difference(*values), ("writer", 25))

    assert said(0.119, 0.098, -0.021, -0.029, -0.012, "b") == (
        "B is better: CER 11.90 % → 9.80 %, a difference of −2.10 points (95 % interval −2.90 to "
        "−1.20, which excludes zero)."
    )
    assert said(0.119, 0.118, -0.001, -0.005, 0.003, None) == (
        "No difference can be told: CER 11.90 % → 11.80 %, a difference of −0.10 points "
        "(95 % interval −0.50 to +0.30, which includes zero)."
    )
    assert said(*[None] * 6) == "CER: cannot be computed."


HEADER = {
    "pipeline": "p",
    "backend": "onnx",
    "device": "cpu",
    "versions": {"ocrkit": "1"},
    "dataset": {
        "name": "words",
        "root": "/data",
        "split": "all",
        "limit": None,
        "forms": {"found": 1, "expected": None},
        "samples": 2,
        "skipped": [{"id": "x", "reason": "gone"}],
    },
    "parts": {"metrics": [{"use": "cer", "name": "mine"}]},
    "contamination": {
        "trained": {"samples": 1, "forms": ["a"], "images": 0},
        "chosen": {"samples": 0, "forms": []},
    },
}


@given(damaged({"header": HEADER}))
def test_any_value_in_any_place_of_a_header_is_taken_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, line: Any
) -> None:
    path = tmp_path_factory.mktemp("results") / "x.jsonl"
    path.write_text(f"{json.dumps(line)}\n")
    with pytest.raises(OcrkitError) as caught:  # one that is right has no rows
        read_results(path)
    assert len(str(caught.value).splitlines()) == 1


def test_result_files_are_compared_by_the_metrics_they_share_and_their_headers_too() -> None:
    a, b = runs([("ab", "ab", "xb", "w1"), ("cd", "cd", "cd", "w2")])

    def read(
        path: str, decoder: dict[str, Any], outcomes: list[Outcome], metrics: dict[str, Any]
    ) -> Results:
        header = json.loads(json.dumps(HEADER)) | {"parts": {"decoder": decoder, "metrics": []}}
        return Results(Path(path), checked(Header, header), header, outcomes, [], metrics)

    greedy, beam = {"use": "ctc-greedy"}, {"use": "ctc-beam", "width": 10}
    first = read("a", greedy, a, {"cer": CharacterErrorRate(), "levenshtein": Levenshtein()})
    found = compare_results(
        first, read("b", beam, b, {"wer": WordErrorRate(), "cer": CharacterErrorRate()})
    )
    assert list(found.metrics) == ["cer"]
    assert [(each.what, each.a, each.b) for each in found.differences] == [
        ("parts.decoder.use", "ctc-greedy", "ctc-beam"), ("parts.decoder.width", None, 10),
    ]  # fmt: skip
    assert found.summary[0].startswith(
        "No difference can be told: Character error rate 0.00 % → 25.00 %"
    )
    assert isinstance(found, Comparison)
    with pytest.raises(OcrkitError, match="nothing in common"):
        compare_results(first, read("b", beam, b, {"wer": WordErrorRate()}))
