"""What the pictures of a data set are taken for: words, lines or pages.

    python benchmarks/layout.py iam IAM --split aachen/validation
    python benchmarks/layout.py page-xml EXPORT --split validation --every 10
    python benchmarks/layout.py page-xml EXPORT --split validation --set level=pages

Pictures that are none of these plainly are "not plain"; those that are more than eight times as
wide as high are counted once more by themselves.
"""

import argparse
import sys
from collections import Counter

from ocrkit.data.datasets import open_dataset
from ocrkit.images.grey import as_grey
from ocrkit.images.layout import layout_of
from ocrkit.parts.options import PartSpec
from ocrkit.pipelines.settings import parse_setting
from ocrkit.reading.preparing import loaded


def counted(counts: Counter[str]) -> str:
    total = sum(counts.values())
    shares = (f"{name} {count:,} ({count / total:.2%})" for name, count in counts.most_common())
    return f"{total:,} pictures: {', '.join(shares)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("reader")
    parser.add_argument("root", nargs="?", help="the reader's own sample unless given")
    parser.add_argument("--split")
    parser.add_argument("--every", type=int, default=1, help="take each so many-th sample")
    parser.add_argument("--set", action="append", default=[], dest="settings")
    arguments = parser.parse_args()
    options = {path[0]: value for path, value in map(parse_setting, arguments.settings)}
    part = PartSpec("reader", arguments.reader, options)
    dataset = open_dataset(part, root=arguments.root, split=arguments.split)
    all_of_them, wide = Counter[str](), Counter[str]()
    for index in range(0, len(dataset), arguments.every):
        image = as_grey(loaded(dataset[index].load))
        shown = layout_of(image) or "not plain"
        all_of_them[shown] += 1
        if image.shape[1] > 8 * image.shape[0]:
            wide[shown] += 1
    sys.stdout.write(f"{counted(all_of_them)}\n")
    if wide:
        sys.stdout.write(f"wide ones: {counted(wide)}\n")


if __name__ == "__main__":
    main()
