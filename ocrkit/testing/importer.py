"""Whether an importer does what the interface says."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from unittest import SkipTest

import numpy as np

from ocrkit.errors import WeightsError
from ocrkit.parts.networks import Importer
from ocrkit.parts.plans import NetworkPlan
from ocrkit.parts.registry import registry
from ocrkit.parts.values import Arrays
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec
from ocrkit.testing.base import PartConformance
from ocrkit.testing.small_networks import random_weights

_FOREIGN = {
    "empty": b"",
    "a text": b"these words are no weights\n" * 40,
    "zeros": bytes(4096),
    "an image": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8,
    "an archive": b"PK\x03\x04" + bytes(range(256)) * 8,
    "a pickle": b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00"
    b"\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
}
"""Files that no other program's weights are in."""
_FLIPS = 64
"""How many copies of a file are read, each with another byte of its first half kilobyte and of its
last changed."""


class ImporterConformance(PartConformance):
    """Checks of an importer, on files of random weights that :meth:`save` writes as the other
    program would."""

    kind = "importer"
    pipeline: ClassVar[str | None] = None
    """A pipeline, or its file, with a network that the importer has weights for; else the default
    model of the zoo."""
    settings: ClassVar[Sequence[str]] = ()
    """Changes of it, as ``--set`` takes them: a small network is tested sooner."""

    def save(self, path: Path, arrays: Arrays) -> None:
        """Writes a network's arrays, float32 by canonical name, into a file as the other program
        does."""
        raise SkipTest(
            "needs the other program's files; write a test with ImporterConformance that has "
            "save(path, arrays)"
        )

    def plan(self, *more: str) -> NetworkPlan:
        """The network's plan, with further settings."""
        pipeline = self.pipeline or registry().default("zoo")
        return assemble(load_spec(pipeline, [*self.settings, *more])).plan

    @contextmanager
    def saved(self, plan: NetworkPlan) -> Iterator[tuple[Path, Arrays]]:
        """A file of a network's weights, and the weights."""
        with tempfile.TemporaryDirectory() as folder:
            path, arrays = Path(folder) / "weights", random_weights(plan.parameters(), 0)
            self.save(path, {name: array.copy() for name, array in arrays.items()})
            yield path, arrays

    def read(self, path: Path, plan: NetworkPlan) -> Arrays:
        importer: Importer = self.part()
        with self.works("to read a file", WeightsError):
            return importer(path, plan)

    def refuses(self, path: Path, plan: NetworkPlan, what: str) -> None:
        """WeightsError, in a line that names the file."""
        importer: Importer = self.part()
        try:
            with self.works(f"on {what}; expected WeightsError", WeightsError):
                importer(path, plan)
        except WeightsError as error:
            right = str(path) in str(error) and len(str(error).splitlines()) == 1
            self.check(
                right, f"refuses {what} with {str(error)!r}; expected a line that names the file"
            )
        else:
            self.check(False, f"takes {what}; expected WeightsError")

    def check_arrays(self, found: Any, plan: NetworkPlan) -> None:
        """All arrays of the network, of its shapes, and no others."""
        shapes = plan.parameters()
        self.check(
            isinstance(found, dict),
            f"gives {type(found).__name__}; expected a dict of arrays by canonical name",
        )
        self.check(
            not shapes.keys() - found.keys(),
            f"does not give {', '.join(sorted(shapes.keys() - found.keys())[:4])}",
        )
        self.check(
            not found.keys() - shapes.keys(),
            f"gives {', '.join(sorted(found.keys() - shapes.keys())[:4])}, of no such network",
        )
        for name, shape in shapes.items():
            array = found[name]
            right = (
                isinstance(array, np.ndarray) and array.shape == shape and array.dtype.kind == "f"
            )
            named = (
                f"{array.dtype} {array.shape}"
                if isinstance(array, np.ndarray)
                else type(array).__name__
            )
            self.check(right, f"gives {named} for {name}; expected floating-point numbers {shape}")

    def test_it_finds_all_arrays(self) -> None:
        """By canonical name, of the network's shapes, with the file's numbers."""
        plan = self.plan()
        with self.saved(plan) as (path, arrays):
            found = self.read(path, plan)
            self.check_arrays(found, plan)
            for name, array in arrays.items():
                self.check(
                    np.allclose(found[name], array, rtol=1e-3),
                    f"gives other numbers for {name} than the file has",
                )

    def test_the_file_stays_as_it_is(self) -> None:
        """And is read the same every time, whatever becomes of what was read before."""
        plan = self.plan()
        with self.saved(plan) as (path, arrays):
            before, names = path.read_bytes(), sorted(each.name for each in path.parent.iterdir())
            for array in self.read(path, plan).values():
                with self.works("to give arrays that can be changed"):
                    array[...] = 9
            again = self.read(path, plan)
            same = all(np.allclose(again[name], array, rtol=1e-3) for name, array in arrays.items())
            self.check(
                same, "gives other arrays the second time; read the file anew, and share nothing"
            )
            left = (
                path.read_bytes() == before
                and sorted(each.name for each in path.parent.iterdir()) == names
            )
            self.check(left, "changes the file that it reads, or writes beside it")

    def test_another_network_is_refused(self) -> None:
        """Arrays of other shapes, arrays that are missing, and arrays that are left over."""
        plan, larger = self.plan(), self.plan("alphabet+=\N{SNOWMAN}")
        without = replace(
            plan, parts={name: plan.parts[name] for name in plan.parts if name != "featurizer"}
        )
        for stored, wanted, what in (
            (larger, plan, "a file of a network with another alphabet"),
            (without, plan, "a file without the featurizer's arrays"),
            (plan, without, "a file with arrays for which the network has no place"),
        ):
            with self.saved(stored) as (path, _):
                self.refuses(path, wanted, what)

    def test_foreign_files_are_refused(self) -> None:
        """What is missing, a folder, or no file of the other program's."""
        plan = self.plan()
        with tempfile.TemporaryDirectory() as folder:
            self.refuses(Path(folder) / "missing", plan, "a file that is missing")
            self.refuses(Path(folder), plan, "a folder")
            for what, content in _FOREIGN.items():
                path = Path(folder) / "weights"
                path.write_bytes(content)
                self.refuses(path, plan, f"a file that is {what}")

    def test_truncated_files_are_refused(self) -> None:
        plan = self.plan()
        with self.saved(plan) as (path, _):
            content = path.read_bytes()
            for share in (0.001, 0.1, 0.5, 0.9):
                path.write_bytes(content[: int(share * len(content))])
                self.refuses(path, plan, f"a file of which only {share:.1%} is there")
            path.write_bytes(content[:-1])
            self.refuses(path, plan, "a file without its last byte")

    def test_damaged_files_give_weights_or_are_refused(self) -> None:
        """A byte changed at the start or the end: WeightsError, or the network's arrays, and no
        other error."""
        plan = self.plan()
        with self.saved(plan) as (path, _):
            content = bytearray(path.read_bytes())
            rng = np.random.default_rng(0)
            for index in range(_FLIPS):
                place = int(rng.integers(min(512, len(content)))) * (1 if index % 2 else -1)
                damaged = bytearray(content)
                damaged[place] ^= int(rng.integers(1, 256))
                path.write_bytes(damaged)
                try:
                    found = self.read(path, plan)
                except WeightsError:
                    continue
                self.check_arrays(found, plan)
