"""Unpacks a package of ``pack.py`` on the machine with the GPU, and starts ``run.py`` there.

    python3 first/start.py                                        only unpacks
    python3 second/start.py -- --recipe iam-crnn --minutes 9 --out OUT

What follows ``--`` is for ``run.py``. All packages are unpacked into one folder, ``--work``. It
needs Python 3.12 or later, and nothing else.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=Path.home() / "ocrkit-gpu")
    parser.add_argument("--checkout", type=Path, help="the code, where no package has it")
    parser.add_argument("run", nargs="*", help="options for run.py, after --")
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    site, data = work / "site", work / "data"
    for folder in (site, data):
        folder.mkdir(parents=True, exist_ok=True)
    for folder in HERE.glob("*.dist-info"):
        shutil.copytree(folder, site / folder.name, dirs_exist_ok=True)
    wheels = sorted(map(str, HERE.glob("wheels/*.whl")))
    if wheels:
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps"]
        pip += ["--no-compile", "--no-cache-dir", "--upgrade", "--target", str(site)]
        subprocess.run([*pip, *wheels], check=True)
    if (HERE / "code.zip").is_file():
        with zipfile.ZipFile(HERE / "code.zip") as archive:
            for name in archive.namelist():
                archive.extract(name, work / "code")
    if (HERE / "data.tar.xz").is_file():
        with tarfile.open(HERE / "data.tar.xz") as archive:
            archive.extractall(data, filter="data")
    if not arguments.run:
        return 0
    code = arguments.checkout.resolve() if arguments.checkout else work / "code"
    path = [site, code, code / "plugins", code / "zoo"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))}
    command = [
        str(code / "benchmarks/gpu/run.py"),
        "--data",
        str(data),
        "--work",
        str(work / "runs"),
    ]
    return subprocess.run(
        [sys.executable, *command, *arguments.run], env=environment, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
