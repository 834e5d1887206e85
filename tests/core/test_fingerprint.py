"""A fingerprint is another wherever options or code are, and only there."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ocrkit import option
from ocrkit.parts.fingerprint import code_of, fingerprint
from ocrkit.pipelines.chain import Chain
from ocrkit_image.fit import FitPad

BASE = """
from dataclasses import dataclass
from pathlib import Path

@dataclass(frozen=True)
class Base:
    width: int = 3
    names: tuple[Path, ...] = ()
"""
PART = """
from base.of_all import Base
from mine.deep.helper import VALUE

class Mine(Base):
    pass
"""
PROGRAM = """
import sys
from pathlib import Path
from mine.part import Mine
from ocrkit.parts.fingerprint import fingerprint
print(fingerprint(Mine(width=int(sys.argv[1]), names=tuple(map(Path, sys.argv[2:])))))
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A part in a package that has a helper, and a base class in another package."""
    files = {
        "base/__init__.py": "",
        "base/of_all.py": BASE,
        "mine/__init__.py": "",
        "mine/part.py": PART,
        "mine/deep/__init__.py": "",
        "mine/deep/helper.py": "VALUE = 7\n",
        "mine/notes.txt": "one",
        "other.py": "",
    }
    for name, content in files.items():
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path / "site"


def found(site: Path, width: int = 3, *names: Path) -> str:
    """The fingerprint that a new process sees."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(width), *map(str, names)],
        env={**os.environ, "PYTHONPATH": str(site)}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.strip()


def rewrite(name: str, content: str) -> Callable[[Path], None]:
    return lambda site: (site / name).write_text(content) and None


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (rewrite("mine/deep/helper.py", "VALUE = 8\n"), False),
        (rewrite("base/of_all.py", BASE + "# other\n"), False),
        (rewrite("mine/part.py", PART + "\n"), False),
        (rewrite("mine/notes.txt", "two"), True),
        (rewrite("other.py", "x = 1"), True),
        (lambda site: os.utime(site / "mine" / "part.py", (0, 0)), True),
    ],
)
def test_an_edit_anywhere_in_the_packages_that_a_part_comes_from_changes_it(
    site: Path, change: Callable[[Path], None], same: bool
) -> None:
    before = found(site)
    assert before != "None"
    change(site)
    assert (found(site) == before) == same


def test_options_count_and_files_by_what_is_in_them(site: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one.txt", tmp_path / "folder" / "one.txt"
    two.parent.mkdir()
    for path in (one, two):
        path.write_text("x")
    first = found(site, 3, one)
    assert found(site, 3, two) == first
    assert found(site, 4, one) != first
    one.write_text("y")
    assert found(site, 3, one) != first


def test_a_chain_is_all_of_its_parts_in_their_order() -> None:
    a, b = FitPad(width=64), FitPad(width=65)
    chains = [Chain((), a), Chain((), b), Chain((a,), b), Chain((b,), a), Chain((a, a), b)]
    assert len({chain.fingerprint() for chain in chains}) == len(chains)
    assert None not in {chain.fingerprint() for chain in chains}
    assert Chain((a,), FitPad(width=65)).fingerprint() == chains[2].fingerprint()


def test_code_that_is_in_no_file_or_newer_than_the_process_has_none(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dataclass
    class Typed:
        """A part that was typed in."""

        width: int = option(3, "width")

    monkeypatch.setattr(Typed, "__module__", "typed")
    monkeypatch.setitem(sys.modules, "typed", type(sys)("typed"))
    assert fingerprint(Typed()) is None
    edited = type(sys)("edited")
    edited.__file__ = str(site / "other.py")
    monkeypatch.setitem(sys.modules, "edited", edited)
    assert code_of("edited") is None
    os.utime(edited.__file__, (0, 0))
    assert code_of("edited") is not None
