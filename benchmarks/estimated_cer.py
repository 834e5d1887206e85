"""How near the estimate of the character error rate comes that ``ocrkit serve`` shows.

    ocrkit run --pipeline iam-lines --data IAM --split aachen/validation --output lines.jsonl
    python benchmarks/estimated_cer.py lines.jsonl

Forms, or whatever the data set's samples are grouped by, stand for pages.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein

from ocrkit import Line, Page
from ocrkit_serve.progress import Progress, progress_of


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path, metavar="FILE.jsonl")
    parser.add_argument("--by", default="form", help="what of a row says which page it is from")
    arguments = parser.parse_args()
    expected: defaultdict[str, Progress] = defaultdict(Progress)
    found: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in arguments.results.read_text(encoding="utf-8").splitlines()[1:]:
        read = json.loads(row)
        page, truth, text = read[arguments.by], read["truth"], read["prediction"]
        line = Line(read["id"], text=text, confidence=read["confidence"])
        expected[page] += progress_of(Page(page, 1, 1, lines=(line,)))
        found[page].append((Levenshtein.distance(truth, text), len(truth)))
    together = sum(expected.values(), Progress())
    mistakes, characters = np.sum([pair for pairs in found.values() for pair in pairs], axis=0)
    print(f"all: {mistakes / characters:.2%}, estimated {_rate(together):.2%}")
    true = np.array([np.divide(*np.sum(pairs, axis=0)) for pairs in found.values()])
    estimated = np.array([_rate(expected[page]) for page in found])
    away = np.median(np.abs(true - estimated))
    correlation = np.corrcoef(true, estimated)[0, 1]
    print(f"{len(true)} pages: {away:.2%} apart (median), correlation {correlation:.2f}")


def _rate(progress: Progress) -> float:
    return progress.mistakes / progress.characters


if __name__ == "__main__":
    main()
