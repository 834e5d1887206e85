"""Whether a zoo model is what its manifest says, and reads the same on every backend: what ``ocrkit
zoo verify`` shows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ocrkit.parts.registry import registry
from ocrkit.parts.values import Arrays
from ocrkit.pipelines.assembly import Assembly
from ocrkit.pipelines.build import assemble, build_network
from ocrkit.pipelines.file import load_spec
from ocrkit.pipelines.opened import make_parts
from ocrkit.pipelines.spec import PipelineSpec
from ocrkit.pipelines.trained import weights_to_read_with
from ocrkit.publishing.golden_set import (
    Computed,
    Item,
    compute,
    largest_difference,
    read_golden,
)
from ocrkit.publishing.stated import (
    file_text,
    forms_text,
    golden_unlike,
    manifest_unlike,
    weights_unlike,
)
from ocrkit.publishing.verification import (
    STORED,
    Difference,
    Verification,
    checking,
    not_installed,
    places,
)
from ocrkit.publishing.verify_pages import verify_pages
from ocrkit.zoo.models import MANIFEST, Model, manifest_table, model, model_folder

_OF_GRAPHS = "onnx"
"""The backend that runs the network beside the weights, where there is one."""


@dataclass(frozen=True)
class _Engine:
    """A backend on a device, with the network's parts and weights for it."""

    assembly: Assembly
    arrays: Arrays
    device: str
    versions: dict[str, str]


def verify(
    name: str,
    *,
    backend: str | None = None,
    device: str = "auto",
    on_images: Callable[[int, int], None] = lambda _done, _total: None,
) -> Verification:
    """Checks a model's manifest, files and pipeline, and computes its golden set on every backend
    of its pipeline that is here; of a page pipeline reads its golden pages on every backend that
    runs both of its networks.

    ``backend`` restricts it to one. ``device``: ``auto`` takes the CPU, and the GPU too where a
    backend sees one; ``cpu`` or ``cuda`` that one alone. ``on_images`` hears how many images have
    been computed, of how many. What is wrong with the model is in the result; raises OcrkitError
    where there is no such model, or no manifest that can be read.
    """
    result, folder = Verification(name), model_folder(name)
    owner, table = registry().get("zoo", name).plugin.name, manifest_table(folder)
    with checking(result, "manifest") as problems:
        problems += [
            f"{folder / MANIFEST}: {problem}" for problem in manifest_unlike(name, owner, table)
        ]
    if result.problems:
        return result
    found = model(name)
    if found.manifest.pages:
        verify_pages(
            result,
            found,
            found.manifest.pages,
            backend=backend,
            device=device,
            on_images=on_images,
        )
        return result
    stated, golden, forms = found.weights, found.manifest.golden, found.manifest.forms
    result.fetched = not found.url or found.weights_path.is_file()
    if not result.fetched or golden is None:  # without one it has a problem
        return result
    result.tolerance = golden.tolerance
    items: list[Item] = []
    with checking(result, "weights", file_text(stated)) as problems:
        problems += weights_unlike(found)
    with checking(result, "golden set", file_text(golden)) as problems:
        items = read_golden(folder / golden.file, sha256=golden.sha256)
        problems += golden_unlike(folder / golden.file, golden, items)
    if forms:
        with checking(result, "forms", forms_text(forms)):
            found.seen  # noqa: B018  (its lists are read when it is asked for)
    with checking(result, "pipeline") as problems:
        spec = load_spec(name)
        if spec.weights != f"zoo:{name}":
            problems.append(
                f"{spec.folder / 'pipeline.toml'}: weights: {spec.weights!r}; expected 'zoo:{name}'"
            )
    if result.problems:
        return result
    engines = _engines(result, found, spec, backend, device)
    computed: dict[str, list[Computed]] = {}
    for number, (label, engine) in enumerate(engines.items()):
        done = number * len(items)

        def advance(count: int) -> None:
            nonlocal done
            done += count
            on_images(done, len(engines) * len(items))

        what = ", ".join(
            [
                f"{len(items)} images",
                *(f"{package} {version}" for package, version in engine.versions.items()),
            ]
        )
        with checking(result, f"golden set on {label}", what) as problems:
            computed[label] = _compute(engine, items, advance)
            result.ran[label] = engine.versions
            problems += [
                f"item {item.id}: {label} reads {each.text!r}, stored is {item.computed.text!r}"
                for item, each in zip(items, computed[label], strict=True)
                if each.text != item.computed.text
            ]
    measured = next((each.assembly.objective.measured for each in engines.values()), "")
    if found.manifest.graph and backend in (None, _OF_GRAPHS):
        with checking(result, "graph", file_text(found.manifest.graph)):
            opened = make_parts(spec, _OF_GRAPHS).open("cpu", 0)
            measured = opened.around.objective.measured
            images = [item.image for item in items]
            computed[found.manifest.graph.file] = compute(opened.around, opened.network, images)
    if computed:
        _compare(result, items, computed, golden.tolerance, measured)
    return result


def _engines(
    result: Verification, found: Model, spec: PipelineSpec, backend: str | None, device: str
) -> dict[str, _Engine]:
    """What can compute the golden set, by backend and device. Why others cannot goes to the
    result."""
    engines: dict[str, _Engine] = {}
    by_graph = {_OF_GRAPHS} if found.manifest.graph else set()
    names = [backend] if backend else spec.backends
    for name in (each for each in names if each not in by_graph):
        if reason := not_installed(name):
            result.left_out[name] = reason
            continue
        with checking(result, f"network on {name}") as problems:
            assembly = assemble(spec, backend=name)
            stated = found.table["network"]
            lacking = [f"{each}: missing" for each in assembly.identity() if each not in stated]
            problems += [
                f"manifest.toml: network: {line}"
                for line in (*assembly.differences(stated), *lacking)
            ]
            arrays, _ = weights_to_read_with(assembly)
            for label, each in places(result, name, assembly.backend.devices(), device):
                engines[label] = _Engine(assembly, arrays, each, assembly.backend.versions())
    if not engines and not by_graph and not result.problems:
        with checking(result, "backends") as problems:
            problems += ["nothing here can compute the golden set", *result.left_out.values()]
    return engines


def _compute(
    engine: _Engine, items: Sequence[Item], advance: Callable[[int], None]
) -> list[Computed]:
    network = build_network(engine.assembly, engine.device)
    network.load_state(engine.arrays)
    return compute(engine.assembly, network, [item.image for item in items], advance)


def _compare(
    result: Verification,
    items: Sequence[Item],
    computed: Mapping[str, list[Computed]],
    tolerance: float,
    measured: str,
) -> None:
    """Every two of what was computed and of what is stored must be within the tolerance."""
    everything = {**computed, STORED: [item.computed for item in items]}
    for (a, of_a), (b, of_b) in combinations(everything.items(), 2):
        each = [
            largest_difference(left.valid, right.valid)
            for left, right in zip(of_a, of_b, strict=True)
        ]
        most = int(np.argmax(each))
        largest = each[most]
        result.differences.append(Difference((a, b), largest if np.isfinite(largest) else None))
        with checking(result, f"{a} – {b}", f"{largest:.1e}") as problems:
            if largest > tolerance:
                problems.append(
                    f"{measured} of {a} and {b} differ by {largest:.1e}, the tolerance is "
                    f"{tolerance:g}; "
                    f"most in item {items[most].id}: {of_a[most].text!r} and {of_b[most].text!r}"
                )
