"""How well an order puts the lines of pages in the order in which their source has them.

    python benchmarks/reading_order.py ROOT --split train

ROOT holds pages as the reader ``page-xml`` reads them. The true lines of each page are shuffled and
lose their regions. For every folder in ROOT it prints the share of lines that are followed by the
same line as in the source, and Kendall's τ over pairs of lines of one page.
"""

import argparse
from collections import defaultdict
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np

from ocrkit.data.datasets import open_dataset
from ocrkit.parts.options import PartSpec, make_part


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root")
    parser.add_argument("--split", default="all")
    parser.add_argument("--order", default="top-down")
    parser.add_argument("--without", action="append", default=[], help="a folder to leave out")
    asked = parser.parse_args()
    order = make_part(PartSpec("order", asked.order, {}))
    part = PartSpec("reader", "page-xml", {"level": "pages"})
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for sample in open_dataset(part, root=asked.root, split=asked.split):
        folder = sample.id.partition("/")[0]
        if sample.page is None or len(sample.page.lines) < 2 or folder in asked.without:
            continue
        true = [line.id for line in sample.page.lines]
        lines = [replace(line, region=None) for line in sample.page.lines]
        shuffled = np.random.default_rng(1).permutation(len(lines))
        page = replace(sample.page, lines=tuple(lines[n] for n in shuffled), regions=())
        found = [line.id for line in order(page).lines]
        place = {name: number for number, name in enumerate(true)}
        pairs = list(combinations([place[name] for name in found], 2))
        kept = set(pairwise(true)) & set(pairwise(found))
        right = sum(one < other for one, other in pairs)
        new = (1, len(kept), max(len(true) - 1, 0), right, len(pairs))
        counts[folder] = [sum(each) for each in zip(counts[folder], new, strict=True)]
    for folder, (pages, kept, of, right, pairs) in sorted(counts.items()):
        tau = 2 * right / max(pairs, 1) - 1
        print(f"| {folder} | {pages} | {kept / max(of, 1):.3f} | {tau:.3f} |")


if __name__ == "__main__":
    main()
