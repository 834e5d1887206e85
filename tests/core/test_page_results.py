"""Pages in result files: truth and reading with all their lines, scored and compared again."""

import json
from dataclasses import replace

import numpy as np
import pytest

from ocrkit import Line, OcrkitError, Page, Sample
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.scoring.comparison import compare, compare_results
from ocrkit.scoring.result_file import read_results
from ocrkit.scoring.result_rows import outcome_of, page_outcome, page_row
from ocrkit.scoring.rules import Rules
from ocrkit.scoring.scores import Scorer

METRICS = ("page-cer", "line-recall", "cer")
HEADER = {
    "pipeline": "pages",
    "backend": "onnx",
    "device": "cpu",
    "versions": {},
    "dataset": {
        "name": "page-xml",
        "root": "pages",
        "split": "all",
        "limit": None,
        "forms": None,
        "samples": 4,
        "skipped": [],
    },
    "parts": {"metrics": [{"use": name} for name in METRICS]},
    "contamination": None,
}


def page(number, *texts):
    lines = (
        Line(f"l{n}", ((10.0, 50.0 * n + 50), (300.5, 50.0 * n + 52)), text=text, confidence=0.5)
        for n, text in enumerate(texts)
    )
    return Page(f"page{number}", 400, 400, lines=tuple(lines))


def outcomes(lost=0):
    """Four pages of two documents; the last ``lost`` lines of the first page are not found."""
    found = []
    for number in range(4):
        truth = page(number, "Dear Ann,", "it rains.")
        sample = Sample(
            truth.id, truth.text, None, lambda: np.zeros((400, 400), np.uint8), f"d{number % 2}"
        )
        read = replace(truth, lines=truth.lines[: 2 - lost * (number == 0)])
        found.append(page_outcome(replace(sample, page=truth), read))
    return found


def write(path, some):
    rows = [{"header": HEADER}, *map(page_row, some)]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def test_rows_say_the_same_as_outcomes():
    for outcome in outcomes(1):
        assert outcome_of(json.loads(json.dumps(page_row(outcome)))) == outcome


def test_a_file_is_scored_as_the_run_was(tmp_path):
    scorer = Scorer({name: make_part(PartSpec("metric", name, {})) for name in METRICS})
    for outcome in outcomes(1):
        scorer.add(outcome)
    result = read_results(write(tmp_path / "a.jsonl", outcomes(1))).score()
    assert result.metrics == scorer.result()
    assert result.metrics["line-recall"].value == 7 / 8
    assert result.metrics["line-recall"].low == 0.75  # of the documents, not of the pages
    assert result.confidence.kept[0].min_confidence == 0.5


def test_rules_go_for_pages_too(tmp_path):
    shouted = [
        replace(each, pages=(each.pages[0], page(0, "DEAR ANN,", "IT RAINS.")))
        for each in outcomes()
    ]
    results = read_results(write(tmp_path / "a.jsonl", shouted))
    assert results.score().metrics["page-cer"].value > 0.5
    assert results.score(Rules(lowercase=True)).metrics["page-cer"].value == 0


def test_runs_are_compared_by_documents(tmp_path):
    a, b = (
        read_results(write(tmp_path / name, outcomes(lost))) for name, lost in (("a", 1), ("b", 0))
    )
    found = compare_results(a, b)
    assert found.clusters == ("form", 2)
    assert found.metrics["line-recall"].difference == 1 / 8
    assert "Line recall 87.50 % → 100.00 %" in " ".join(found.summary)


def test_runs_over_other_truth_are_not_compared():
    other = outcomes()
    truth, read = other[0].pages
    moved = replace(truth, lines=(replace(truth.lines[0], baseline=((0, 0), (9, 9))),))
    other[0] = replace(other[0], pages=(moved, read))
    with pytest.raises(OcrkitError, match="1 sample with other lines in truth") as caught:
        compare(outcomes(), other, {})
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prediction": "text"}, "line 2 is no result of a sample"),
        ({"truth": {"id": "x"}}, r"line 2 .*page: width: missing"),
        ({"confidence": 7}, "confidence is not in 0 to 1"),
    ],
)
def test_rows_of_anything_else_are_refused(tmp_path, change, message):
    path = write(tmp_path / "a.jsonl", outcomes())
    header, first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([header, json.dumps(json.loads(first) | change), *rest]))
    with pytest.raises(OcrkitError, match=message):
        read_results(path)


def test_a_metric_of_pages_says_that_a_text_is_none():
    scorer = Scorer({"line-recall": make_part(PartSpec("metric", "line-recall", {}))})
    with pytest.raises(OcrkitError, match="scores pages; page0 is none"):
        scorer.add(replace(outcomes()[0], pages=None))
