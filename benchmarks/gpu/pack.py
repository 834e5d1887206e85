"""Makes a package for a machine with a GPU and no network: code, models, data and wheels in one
folder, whose size is bounded.

    python benchmarks/gpu/pack.py --to package --iam IAM --files iam-ondb=IAM-OnDB \
        --files tune.txt=tune.txt --models iam-crnn --wheels wheels

There, ``python3 package/start.py -- --recipe iam-crnn --out OUT`` unpacks and begins. Several
packages may follow each other: all are unpacked into the same place.

IAM's words keep IAM's own layout, so that the reader ``iam`` reads them and every split is what it
was: those of ``aachen/train`` and ``aachen/validation`` with their rows of words.txt. Images higher
than the networks see are shrunk, and have 16 levels of grey, as IAM's have. Each is stored as a PNG
file without compression, all of them together compressed by xz: a fifth less than PNG's own.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from PIL import Image

from ocrkit.errors import OcrkitError
from ocrkit.images import read_image
from ocrkit_iam.files import ascii_file
from ocrkit_iam.reader import Iam

ROOT = Path(__file__).resolve().parents[2]
MIB = 1 << 20
CODE = ("ocrkit/", "plugins/", "zoo/", "benchmarks/", "tests/", "tools/", "pyproject.toml")
"""What is run there, and tests; not documentation."""
LEFT_OUT = re.compile(r"benchmarks/results/|.*/english\.safetensors")
SPLITS = ("aachen/train", "aachen/validation")
Files = Iterator[tuple[str, bytes]]


def checkout() -> list[str]:
    """The files of the checkout, by their paths: those that are there, and that git does not
    ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def code(models: list[str]) -> Files:
    """A lean checkout: of the zoo, only these models have their weights."""
    for name in checkout():
        zoo = re.match(r"zoo/ocrkit_zoo/([^/]+)/", name)
        if (
            name.startswith(CODE)
            and not LEFT_OUT.match(name)
            and not (zoo and zoo[1] not in models)
        ):
            yield name, (ROOT / name).read_bytes()


def installed() -> Files:
    """What makes a folder on Python's path an installed ocrkit, so that plugins are found."""
    found = distribution("ocrkit")
    folder = f"ocrkit-{found.version}.dist-info"
    for name in ("METADATA", "entry_points.txt"):
        yield f"{folder}/{name}", (found.read_text(name) or "").encode()


def iam(root: Path, height: int, levels: int) -> Files:
    """IAM's words for training and validation, and the tables."""
    samples = [sample for split in SPLITS for sample in Iam(root, split)]
    for sample in samples:
        try:
            image = small(Path(sample.path or ""), height, levels)
        except OcrkitError as error:  # one is damaged in the original
            print(f"left out: {error}")
            continue
        form = sample.form or ""
        yield f"words/{form.partition('-')[0]}/{form}/{sample.id}.png", image
    ids = {sample.id for sample in samples}
    for name in ("words.txt", "forms.txt"):
        table = ascii_file(root, name)
        if table is None:
            raise OcrkitError(f"{root}: no {name}; extract ascii.tgz as well")
        lines = table.read_text("utf-8").splitlines(keepends=True)
        kept = (
            [line for line in lines if line.split(" ")[0] in ids] if name == "words.txt" else lines
        )
        yield f"ascii/{name}", "".join(kept).encode()


def small(path: Path, height: int, levels: int) -> bytes:
    """An image as PNG, no higher than that, with so many levels of grey."""
    image = read_image(path)
    if image.shape[0] > height:
        width = max(1, round(image.shape[1] * height / image.shape[0]))
        image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))
    greys = np.round(np.linspace(0, 255, levels)).astype(np.uint8)
    index = np.round(image / 255 * (levels - 1)).astype(np.uint8)
    stored, written = BytesIO(), Image.fromarray(index)
    written.putpalette(np.repeat(greys, 3).tobytes())  # Pillow filters no palette's indices
    written.save(stored, "png", bits=8, compress_level=0)
    return stored.getvalue()


def files(path: Path) -> Files:
    """A file, or all of a folder, as they are."""
    if not path.is_dir():
        yield "", path.read_bytes()
    for each in sorted(path.rglob("*")):
        if each.is_file():
            yield each.relative_to(path).as_posix(), each.read_bytes()


def images(path: Path, height: int, levels: int) -> Files:
    """A folder of the reader ``folder``, its PNG files made small."""
    for name, data in files(path):
        yield name, small(path / name, height, levels) if name.endswith(".png") else data


def write_data(path: Path, parts: dict[str, Files]) -> None:
    with tarfile.open(path, "w:xz", preset=6) as archive:
        for part, found in parts.items():
            for name, data in found:
                member = tarfile.TarInfo(f"{part}/{name}".rstrip("/"))
                member.size = len(data)
                archive.addfile(member, BytesIO(data))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--to", required=True, type=Path, metavar="DIR", help="a new folder")
    parser.add_argument("--iam", type=Path, help="a copy of IAM, packed as iam")
    parser.add_argument("--images", action="append", default=[], metavar="NAME=DIR")
    parser.add_argument("--files", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--height", type=int, default=64, help="of images, at most, in pixels")
    parser.add_argument("--levels", type=int, default=16, help="of grey")
    parser.add_argument("--models", default="", metavar="A,B", help="those that are run")
    parser.add_argument("--wheels", type=Path, metavar="DIR")
    parser.add_argument(
        "--code",
        choices=["packed", "beside", "none"],
        default="packed",
        help="beside: this checkout travels by itself, and counts; none: an earlier package has it",
    )
    parser.add_argument("--limit", type=float, default=64.0, metavar="MIB")
    arguments = parser.parse_args()
    if arguments.to.exists():
        sys.exit(f"{arguments.to}: is there already; name a new folder")
    arguments.to.resolve().parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=arguments.to.resolve().parent) as temporary:
        package = Path(temporary, "package")
        package.mkdir()
        try:
            fill(package, arguments)
        except (OcrkitError, OSError) as error:
            sys.exit(str(error))
        sizes = {path.name: size_of(path) for path in sorted(package.iterdir())}
        if arguments.code == "beside":
            sizes["the checkout"] = sum((ROOT / name).stat().st_size for name in checkout())
        for name, size in sizes.items():
            print(f"{size / MIB:7.2f} MiB  {name}")
        whole = sum(sizes.values()) / MIB
        if whole > arguments.limit:
            sys.exit(f"{whole:.2f} MiB; expected at most {arguments.limit:g}: make two of it")
        package.rename(arguments.to)
    print(f"{whole:7.2f} MiB  together, in {arguments.to}")


def fill(package: Path, arguments: argparse.Namespace) -> None:
    """Writes all that was asked for into a folder."""
    shutil.copy(Path(__file__).with_name("start.py"), package)
    for name, data in installed():
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_bytes(data)
    if arguments.code == "packed":
        with zipfile.ZipFile(package / "code.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in code(arguments.models.split(",")):
                archive.writestr(name, data)
    if arguments.wheels:
        shutil.copytree(arguments.wheels, package / "wheels")
    small_as = arguments.height, arguments.levels
    parts: dict[str, Files] = {}
    if arguments.iam:
        parts["iam"] = iam(arguments.iam, *small_as)
    for name, path in (each.split("=", 1) for each in arguments.images):
        parts[name] = images(Path(path), *small_as)
    for name, path in (each.split("=", 1) for each in arguments.files):
        parts[name] = files(Path(path))
    if parts:
        write_data(package / "data.tar.xz", parts)


def size_of(path: Path) -> int:
    return sum(each.stat().st_size for each in [path, *path.rglob("*")] if each.is_file())


if __name__ == "__main__":
    main()
