"""The examples in docstrings, run as they stand there."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = {
    path.relative_to(source).with_suffix("").as_posix().replace("/", "."): path
    for source in (ROOT, ROOT / "plugins", ROOT / "zoo")
    for package in source.glob("ocrkit*")
    for path in package.rglob("*.py")
}
MODULES = sorted(name for name, path in FILES.items() if ">>> " in path.read_text("utf-8"))


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name.removesuffix(".__init__"))
    result = doctest.testmod(module)
    assert result.attempted, "its examples are where doctest does not look"
    assert not result.failed


@pytest.mark.parametrize(
    "module", ["ocrkit_iam.reader", "ocrkit_image.fit", "ocrkit_levenshtein.metrics"]
)
def test_what_outsiders_call_first_has_an_example(module: str) -> None:
    assert module in MODULES
