"""Milliseconds from one picture's file to its text, in a process that is warm: of some pipelines in
turn, picture by picture, so that whatever else the machine does slows them all.

    python benchmarks/latency.py iam IAM --split aachen/validation --pipeline iam-crnn
    python benchmarks/latency.py folder PICTURES --pipeline iam-crnn --pipeline mine.onnx
"""

import argparse
import time
from itertools import cycle, islice
from statistics import quantiles

import ocrkit
from ocrkit.data.datasets import open_dataset
from ocrkit.parts.options import PartSpec

WARMING = 50
"""Pictures that are read before the first that counts."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("reader")
    parser.add_argument("root", nargs="?", help="the reader's own sample unless given")
    parser.add_argument("--split")
    parser.add_argument("--pipeline", action="append", dest="pipelines", required=True)
    parser.add_argument("--threads", type=int, default=0, help="0: as many as the machine has")
    arguments = parser.parse_args()
    part = PartSpec("reader", arguments.reader, {})
    dataset = open_dataset(part, root=arguments.root, split=arguments.split)
    files = [sample.path for sample in dataset if sample.path]
    pipelines = {name: ocrkit.load(name, threads=arguments.threads) for name in arguments.pipelines}
    spent: dict[str, list[float]] = {name: [] for name in pipelines}
    for path in islice(cycle(files), WARMING):
        for pipeline in pipelines.values():
            pipeline.read(path)
    for path in files:
        for name, pipeline in pipelines.items():
            start = time.perf_counter()
            pipeline.read(path)
            spent[name].append(1000 * (time.perf_counter() - start))
    print(f"{len(files):,} pictures, one at a time")
    for name, times in spent.items():
        cuts = quantiles(times, n=100)
        print(f"{name}: p50 {cuts[49]:.2f} ms, p90 {cuts[89]:.2f} ms, p99 {cuts[98]:.2f} ms")


if __name__ == "__main__":
    main()
