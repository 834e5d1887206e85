"""What was read on lines of pages, by the folder that the pages are in.

    ocrkit run --pipeline hands-lines --data PAGES --split validation --output lines.jsonl
    python benchmarks/lines.py lines.jsonl

The table is Markdown. In brackets stands the 95 % interval of a bootstrap over documents, where
there are five or more.
"""

import argparse
from collections import defaultdict
from pathlib import Path

from ocrkit.scoring.result_file import read_shares
from ocrkit.scoring.scores import Scorer

FEWEST = 5
ALL = "all"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.jsonl")
    asked = parser.parse_args()
    results = read_shares(asked.files)
    scorers: dict[str, Scorer] = defaultdict(lambda: Scorer(results.metrics))
    documents: dict[str, set[str | None]] = defaultdict(set)
    for outcome in results.outcomes:
        for folder in (outcome.id.partition("/")[0], ALL):
            scorers[folder].add(outcome)
            documents[folder].add(outcome.form)
    names = list(results.metrics)
    print("| pages of | documents | lines |", " | ".join(names), "|")
    print("|---|---" + "|---" * len(names) + "|---|")
    for folder in sorted(scorers, key=lambda name: (name == ALL, name)):
        scores, count = scorers[folder].result(), len(documents[folder])
        cells = [folder, str(count), f"{len(scorers[folder]):,}"]
        for score in scores.values():
            of = f" ({score.low:.3f} to {score.high:.3f})" if count >= FEWEST else ""
            cells.append(f"{score.value:.3f}{of}")
        print("|", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
