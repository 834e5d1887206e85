"""A training run as a few files of a bounded size, and back.

    python benchmarks/gpu/pieces.py join FOLDER RUN
    python benchmarks/gpu/pieces.py cut RUN FOLDER

What comes back from a rented machine is often limited in the number and size of files. A run is one
ZIP archive, cut into ``NAME.DIGEST.1of4`` and so on; ``join`` takes the pieces of a folder that
belong together, checks them by the digest, and writes the run's folder, which ``ocrkit train
--resume`` goes on with.

In the archive the optimizer's moments are rounded to bfloat16, the averaged and the best weights to
11 bits of mantissa, as float16 has them: they compress to half, and no more of them is used, as
Adam divides by noisy estimates, and a zoo model is stored as float16. The weights that training
goes on with keep all of their bits.
"""

import argparse
import hashlib
import re
import sys
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ocrkit.networks import weights as weight_files
from ocrkit.parts.values import Arrays

MIB = 1 << 20
LARGEST = 63 * MIB
"""Of all pieces together."""
MOST = 4
"""Pieces, where they are as large as can be."""
FILES = (
    "pipeline.toml",
    "run.json",
    "log.jsonl",
    "seen.txt",
    "last.safetensors",
    "best.safetensors",
)
"""In this order, so that the best weights are no older than the last."""
_PIECE = re.compile(r"([A-Za-z0-9_-]+)\.([0-9a-f]{16})\.([0-9]+)of([0-9]+)")
_MOMENTS, _AVERAGES = 7, 10
"""Bits of mantissa that are kept, without the leading one."""


def cut(run: Path, folder: Path, size: int = 16 * MIB) -> list[Path]:
    """Writes the run as it is now into ``folder``, in place of its earlier pieces there.

    Raises ValueError where it is too large, or has a name that pieces cannot have; OSError where
    the run has no checkpoint yet.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", run.name):
        raise ValueError(f"{run.name}: expected a name of letters, digits, - and _")
    data = _archive(run)
    if len(data) > min(LARGEST, MOST * size):
        raise ValueError(
            f"{run}: {len(data) / MIB:.1f} MiB in pieces of {size / MIB:g}; expected at most "
            f"{min(LARGEST, MOST * size) / MIB:g} MiB"
        )
    digest = hashlib.sha256(data).hexdigest()[:16]
    starts = range(0, len(data), size)
    earlier = [path for path in folder.glob(f"{run.name}.*") if _PIECE.fullmatch(path.name)]
    written = []
    for number, start in enumerate(starts, start=1):
        # Never old and new beside each other, which would be over the limit; a stop in between,
        # a few hundredths of a second in thirty, costs the checkpoint, and join says so.
        if earlier:
            earlier.pop().unlink()
        path = folder / f"{run.name}.{digest}.{number}of{len(starts)}"
        path.write_bytes(data[start : start + size])
        written.append(path)
    for path in earlier:
        path.unlink()
    return written


def _archive(run: Path) -> bytes:
    memory = BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in FILES:
            path = run / name
            if name == "last.safetensors":
                archive.writestr(name, _rounded(path, _kept_of_last))
            elif name == "best.safetensors" and path.is_file():
                archive.writestr(name, _rounded(path, lambda _: _AVERAGES))
            elif path.is_file():
                archive.write(path, name)
    return memory.getvalue()


def _kept_of_last(name: str) -> int | None:
    kept = {"optimizer": _MOMENTS, "average": _AVERAGES}
    return kept.get(name.partition(".")[0])


def _rounded(path: Path, kept: Callable[[str], int | None]) -> bytes:
    """A checkpoint with fewer bits of mantissa in the arrays for which ``kept`` gives a number."""
    found = weight_files.read(path)
    arrays: Arrays = {
        name: array if (bits := kept(name)) is None else round_mantissa(array, bits)
        for name, array in found.arrays.items()
    }
    with TemporaryDirectory() as folder:
        rounded = Path(folder, path.name)
        weight_files.write(rounded, arrays, found.about)
        return rounded.read_bytes()


def round_mantissa(array: np.ndarray, bits: int) -> np.ndarray:
    """float32 numbers rounded to so many bits of mantissa; others as they are.

    >>> float(round_mantissa(np.array([1.00001, 0.1], np.float32), 7)[0])
    1.0
    """
    if array.dtype != np.float32:
        return array
    dropped = np.uint32(23 - bits)
    whole = np.ascontiguousarray(array).view(np.uint32)
    half = np.uint32(1) << (dropped - np.uint32(1))
    return ((whole + half) >> dropped << dropped).view(np.float32).reshape(array.shape)


def join(folder: Path, run: Path) -> None:
    """Makes the run of the pieces in a folder. Raises ValueError where they are no whole run."""
    sets: dict[tuple[str, str, int], dict[int, Path]] = {}
    for path in sorted(folder.iterdir()):
        if match := _PIECE.fullmatch(path.name):
            name, digest, number, of = match.groups()
            sets.setdefault((name, digest, int(of)), {})[int(number)] = path
    whole = [key for key, found in sets.items() if len(found) == key[2]]
    if len(whole) != 1:
        there = ", ".join(f"{len(found)} of {key[2]} of {key[0]}" for key, found in sets.items())
        raise ValueError(f"{folder}: expected all pieces of one run; found {there or 'none'}")
    found = sets[whole[0]]
    data = b"".join(found[number].read_bytes() for number in sorted(found))
    if hashlib.sha256(data).hexdigest()[:16] != whole[0][1]:
        raise ValueError(f"{folder}: the pieces are damaged; fetch them again")
    run.mkdir(parents=True)
    with zipfile.ZipFile(BytesIO(data)) as archive:
        for name in FILES:
            if name in archive.namelist():
                (run / name).write_bytes(archive.read(name))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["join", "cut"])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--piece-size", type=float, default=16.0, metavar="MIB")
    arguments = parser.parse_args()
    try:
        if arguments.what == "join":
            join(arguments.source, arguments.target)
        else:
            arguments.target.mkdir(parents=True, exist_ok=True)
            cut(arguments.source, arguments.target, int(arguments.piece_size * MIB))
    except (ValueError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
