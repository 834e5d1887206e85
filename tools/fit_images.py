"""Copies a folder of images, each as a pipeline's preprocessors make it.

    python tools/fit_images.py iam-lines IAM-LINES --to fitted

Training with images in memory moves pixels on the network's device, where the last preprocessor is
`fit-height` or `fit-pad`. What `level` and `fit-line` do is done here, once, by as many processes
as there are cores; a pipeline without them, with `fit-height` of the same height, then learns what
the whole one reads. Files that are no PNG, lists and texts, are copied as they are.
"""

import argparse
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2

from ocrkit.errors import OcrkitError
from ocrkit.images import read_image
from ocrkit.parts.options import make_part
from ocrkit.pipelines.chain import Chain
from ocrkit.pipelines.file import read_spec
from ocrkit.support.files import write_atomically
from ocrkit.support.parallel import processors


def fit(chain: Chain, source: Path, target: Path, name: Path) -> str:
    """Writes one file; why it was left out, if it was."""
    cv2.setNumThreads(1)
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    if name.suffix != ".png":
        shutil.copyfile(source / name, target / name)
        return ""
    try:
        image = chain(read_image(source / name))
    except OcrkitError as error:
        return str(error)
    done, encoded = cv2.imencode(".png", image, (cv2.IMWRITE_PNG_COMPRESSION, 1))
    if not done:
        raise OSError(f"{target / name}: cannot be written")
    (target / name).write_bytes(encoded.tobytes())
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pipeline", help="a zoo model or a pipeline's file")
    parser.add_argument("source", type=Path, help="the folder")
    parser.add_argument("--to", required=True, type=Path, metavar="DIR", help="a new folder")
    parser.add_argument("--processes", type=int, default=processors())
    arguments = parser.parse_args()
    try:
        spec = read_spec(arguments.pipeline, {})
        chain = Chain(tuple(map(make_part, spec.before)), make_part(spec.preprocessor))
    except OcrkitError as error:
        sys.exit(str(error))
    files = sorted(path for path in arguments.source.rglob("*") if path.is_file())
    names = [path.relative_to(arguments.source) for path in files]
    left_out = 0
    with (
        write_atomically(arguments.to, folder=True) as target,
        ProcessPoolExecutor(arguments.processes, get_context("fork")) as pool,
    ):
        fitted = pool.map(partial(fit, chain, arguments.source, target), names, chunksize=64)
        for done, wrong in enumerate(fitted, 1):
            left_out += bool(wrong)
            print(f"\r{done:,} of {len(names):,}", end="", file=sys.stderr)  # noqa: T201
            if wrong:
                print(f"\rleft out: {wrong}", file=sys.stderr)  # noqa: T201
    print(f"; left out: {left_out:,}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
