"""Makes virtual environments of programs that read what ocrkit writes, or keep it, each of its own.

    python tools/foreign_readers.py

They are under build/foreign, from the Python Package Index; one that is there already stays. Why
one could not be made is in a file beside it, NAME.failed, and the tests that want it, in
tests/foreign, skip with that reason. `make test-foreign` does both.
"""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "foreign"
READERS = {
    "htrvx": ["htrvx>=0.0.19"],
    "hocr-spec": ["hocr-spec>=0.2"],
    # It reads with ocrkit, too.
    "ocrmypdf": [
        *("ocrmypdf>=17", "--editable", f"{ROOT}"),
        *("--editable", f"{ROOT / 'docs' / 'examples' / 'ocrkit-ocrmypdf'}"),
    ],
    # An object store on this machine, for pages that lie in one.
    "moto": ["moto[s3,server]>=5"],
    # What its parsers want. All that it names would bring PyTorch, and gigabytes of CUDA with that.
    "kraken": ["--no-deps", "kraken~=7.1.1", "iso639-lang", "lxml", "numpy"],
}
"""What pip installs into each."""


def make(name: str) -> str:
    """Why it could not be made; empty if it is there."""
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=False, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python"]
    done = subprocess.run(  # noqa: S603  (our own list)
        [*pip, str(folder / "bin" / "python"), "install", "--quiet", *READERS[name]],
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.returncode:
        return ""
    shutil.rmtree(folder)
    return done.stderr.strip().rpartition("\n")[2] or f"pip ended with status {done.returncode}"


def main() -> None:
    for name, requirements in READERS.items():
        wanted = " ".join(requirements)
        made, failed = FOLDER / f"{name}.made", FOLDER / f"{name}.failed"
        if made.exists() and made.read_text(encoding="utf-8") == wanted:
            continue
        made.unlink(missing_ok=True)
        reason = make(name)
        failed.unlink(missing_ok=True)
        (failed if reason else made).write_text(reason or wanted, encoding="utf-8")
        print(f"{name}: {reason or 'installed'}", file=sys.stderr)  # noqa: T201  (a script's result)


if __name__ == "__main__":
    main()
