"""constraints.txt pins all that development and CI install, to versions that pyproject.toml
allows."""

import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import ocrkit

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pins() -> dict[str, Requirement]:
    """The constraints that apply to this Python, by canonical name."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {
        canonicalize_name(each.name): each
        for each in requirements
        if each.marker is None or each.marker.evaluate()
    }


def dependencies() -> list[Requirement]:
    """What ocrkit and its extras need on this Python and machine."""
    extras = PROJECT["optional-dependencies"].values()
    requirements = map(
        Requirement, [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]
    )
    return [each for each in requirements if each.marker is None or each.marker.evaluate()]


@pytest.mark.parametrize("dependency", dependencies(), ids=lambda dependency: dependency.name)
def test_every_dependency_is_pinned_to_a_version_that_it_allows(dependency: Requirement) -> None:
    pin = pins()[canonicalize_name(dependency.name)]
    (exact,) = pin.specifier
    assert exact.operator == "=="
    assert dependency.specifier.contains(exact.version)


def test_what_the_pinned_packages_need_is_pinned_too() -> None:
    pinned, missing = pins(), set()
    for name in pinned:
        try:
            needs = distribution(name).requires or []
        except PackageNotFoundError:
            continue  # of an extra that is not installed here
        for need in map(Requirement, needs):
            applies = need.marker is None or need.marker.evaluate({"extra": ""})
            if applies and canonicalize_name(need.name) not in pinned:
                missing.add(f"{need.name} (for {name})")
    assert not missing


def test_the_version_stands_in_one_place() -> None:
    assert PROJECT["dynamic"] == ["version"]
    assert f"## [{ocrkit.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
