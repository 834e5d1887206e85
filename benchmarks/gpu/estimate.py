"""What a recipe asks for: estimates from multiply-adds and from what modules write, not measured.

python benchmarks/gpu/estimate.py iam-crnn --samples 86201 --minutes 6
"""

import argparse
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import limits
import recipes

from ocrkit.pipelines.file import read_spec


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe")
    parser.add_argument("--samples", required=True, type=int, help="of an epoch")
    parser.add_argument(
        "--width", type=int, default=142, help="of images, the mean; else of IAM's words at 64 rows"
    )
    parser.add_argument("--minutes", type=float, default=6.0, help="of training")
    arguments = parser.parse_args()
    recipe = recipes.load(arguments.recipe, [])
    settings = [each for each in recipe.settings if each.split("=")[0] in WANTED]
    options = read_spec(recipe.pipeline, tuple(settings)).training
    epochs, size = options.epochs, options.batch_size
    steps = epochs * math.ceil(arguments.samples / size)
    forward = limits.multiply_adds(recipe.pipeline, arguments.width)
    moved, parameters = limits.numbers_moved(recipe.pipeline, arguments.width)
    images = arguments.samples * epochs
    print(f"{epochs} epochs, {steps:,} steps of {size}, {images:,} images")
    print(f"{3 * 2 * forward * images / 1e15:.2f} PFLOP in all, {6 * forward / 1e9:.2f} GFLOP each")
    print(
        f"{images / arguments.minutes / 60:,.0f} images a second end in {arguments.minutes:g} min"
    )
    # What is kept for going backward is what modules read; weights, gradients, moments, average.
    kept = 4 * (moved / 2 * size + 5 * parameters)
    print(f"{kept / 1e9:.1f} GB on the GPU, for images of the mean width, in float32")


WANTED = ("training.epochs", "training.batch_size")

if __name__ == "__main__":
    main()
