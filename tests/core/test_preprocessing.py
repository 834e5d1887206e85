"""Chains of preprocessors: what runs before the one that gives the network its input."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import ocrkit
from ocrkit.data.datasets import open_dataset
from ocrkit.errors import ConfigError
from ocrkit.parts.options import PartSpec
from ocrkit.pipelines.assembly import Assembly
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec
from ocrkit.pipelines.stages import stages_of
from ocrkit.publishing.export import export
from ocrkit.publishing.pack import distributions_of
from ocrkit.testing import examine_plugin

Install = Callable[[str, str], Path]

PLUGIN = '''
from dataclasses import dataclass

import numpy as np
import ocrkit
from ocrkit import option


@dataclass(frozen=True)
class Darken:
    """Takes so much from every grey level."""

    by: int = option(10, "grey levels", minimum=0, maximum=255)

    def __call__(self, image, /):
        return np.maximum(image, self.by) - np.uint8(self.by)


@dataclass(frozen=True)
class Invert:
    """Black becomes white."""

    def __call__(self, image, /):
        return 255 - image


@ocrkit.hookimpl
def ocrkit_preprocessors(register):
    register("darken", "changes:Darken", summary="darker")
    register("invert", "changes:Invert", summary="inverted")
'''
CHAIN = "preprocessor.before=[{ use = 'darken', by = 30 }, { use = 'invert' }]"
IMAGE = np.full((20, 30), 200, np.uint8)


@pytest.fixture
def changes(install: Install) -> None:
    """A plugin with preprocessors that keep an image's size."""
    module = install("changes", PLUGIN) / "changes.py"
    os.utime(module, (0, 0))  # else it looks like one that was edited after it was imported


def assembled(pipeline: Path, *settings: str) -> Assembly:
    return assemble(load_spec(pipeline, settings))


def problems_of(pipeline: Path, *settings: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        assembled(pipeline, *settings)
    return caught.value.problems


def test_preprocessors_run_in_their_order_before_the_one_that_gives_the_size(
    changes: None, tiny: Path
) -> None:
    chain = assembled(tiny, CHAIN).preprocessor
    assert np.array_equal(chain(IMAGE), chain.last(255 - (IMAGE - 30)))
    assert chain.output_size() == assembled(tiny).preprocessor.output_size()
    assert (IMAGE == 200).all()


def test_the_file_itself_may_list_them(changes: None, tiny: Path, tmp_path: Path) -> None:
    listed = tiny.read_text().replace(
        'use = "fit-pad"', 'use = "fit-pad"\nbefore = [{ use = "darken" }]'
    )
    (tmp_path / "chain.toml").write_text(listed)
    spec = load_spec(tmp_path / "chain.toml")
    assert spec.before == (PartSpec("preprocessor", "darken", {}),)
    assert spec.preprocessor.options == {"height": 16, "width": 48}


def test_options_of_the_chain_are_set_by_name(changes: None, tiny: Path) -> None:
    spec = load_spec(tiny, [CHAIN, "preprocessor.before.darken.by=7"])
    assert spec.before == (
        PartSpec("preprocessor", "darken", {"by": 7}),
        PartSpec("preprocessor", "invert", {}),
    )


def test_another_preprocessor_drops_the_chain_as_it_drops_options(
    changes: None, tiny: Path, tmp_path: Path
) -> None:
    listed = tiny.read_text().replace(
        'use = "fit-pad"', 'use = "fit-pad"\nbefore = [{ use = "darken" }]'
    )
    (tmp_path / "chain.toml").write_text(listed)
    assert load_spec(tmp_path / "chain.toml", ["preprocessor.use=fit-height"]).before == ()
    kept = load_spec(
        tmp_path / "chain.toml",
        ["preprocessor.use=fit-height", "preprocessor.before=[{use='invert'}]"],
    )
    assert [part.use for part in kept.before] == ["invert"]


def test_every_mistake_in_a_chain_is_told_at_once(changes: None, tiny: Path) -> None:
    problems = problems_of(
        tiny,
        "preprocessor.before=[{use='darkne'}, {use='darken', by=900, colour=1}, 'invert']",
        "preprocessor.height=0",
    )
    assert [problem.partition(";")[0] for problem in problems[1:4]] == [
        "preprocessor.before[1]: no option 'colour'. Options: by.",
        "preprocessor.before[1].by: 900",
        'preprocessor.before[2]: expected a table with use = "NAME"',
    ]
    assert problems[0].startswith("no preprocessor named 'darkne'. Did you mean 'darken'?")
    assert problems[4].startswith("preprocessor.height: 0")


def test_an_augmentation_in_a_chain_is_told_where_it_belongs(tiny: Path) -> None:
    (problem,) = problems_of(tiny, "preprocessor.before=[{use='shear'}]")
    assert "'shear': it is an augmentation, which belongs into training.augment." in problem


def test_a_list_of_preprocessors_is_told_how_a_chain_is_written(tiny: Path) -> None:
    (problem,) = problems_of(tiny, "preprocessor=[{use='fit-pad'}, {use='fit-height'}]")
    assert problem.startswith(
        'preprocessor: expected a table with use = "NAME" (those that run before it: before = [{ '
        'use = "NAME" }]); '
    )


def test_one_that_gives_no_size_cannot_be_the_last(changes: None, tiny: Path) -> None:
    (problem,) = problems_of(tiny, "preprocessor.use=darken")
    assert problem == (
        "preprocessor: 'darken' does not say what size it gives, so another must follow it; "
        'for example: use = "NAME", before = [{ use = "darken" }]'
    )


def test_check_shows_every_preprocessor_with_its_owner(changes: None, tiny: Path) -> None:
    rows = [(row.part, row.use, row.owner, row.output) for row in stages_of(assembled(tiny, CHAIN))]
    assert rows[1:4] == [
        ("preprocessor", "darken", "changes", "any × any px"),
        ("preprocessor", "invert", "changes", "any × any px"),
        ("preprocessor", "fit-pad", "image", "16 × 48 px"),
    ]


def test_cached_images_are_of_their_chain_alone(changes: None, tiny: Path) -> None:
    other_order = "preprocessor.before=[{ use = 'invert' }, { use = 'darken', by = 30 }]"
    chains = [(), (CHAIN,), (other_order,), (CHAIN, "preprocessor.before.darken.by=31")]
    assert len(
        {assembled(tiny, *settings).preprocessor.fingerprint() for settings in chains}
    ) == len(chains)


def test_what_runs_before_changes_what_is_read(
    changes: None, tiny_run: Path, words_root: Path
) -> None:
    image = next((words_root / "words").rglob("*.png"))
    inverted = 255 - ocrkit.read_image(image)
    plain = ocrkit.load(tiny_run).read(image)
    assert ocrkit.load(tiny_run, ["preprocessor.before=[{use='invert'}]"]).read(inverted) == plain
    assert (
        ocrkit.load(tiny_run, ["preprocessor.before=[{use='darken', by=255}]"]).read(image) != plain
    )


def test_result_files_say_what_ran_before(changes: None, tiny_run: Path, words_root: Path) -> None:
    pipeline = ocrkit.load(tiny_run, [CHAIN])
    stated = pipeline.header(open_dataset(pipeline.spec.reader, root=words_root))["parts"][
        "preprocessor"
    ]
    assert stated["before"] == [{"use": "darken", "by": 30}, {"use": "invert"}]
    assert (stated["use"], stated["width"]) == ("fit-pad", 48)
    assert "before" not in ocrkit.load(tiny_run).header()["parts"]["preprocessor"]


def test_an_exported_network_keeps_the_chain(
    changes: None, tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    spec = load_spec(tiny_run, [CHAIN])
    export(spec, tmp_path / "tiny.onnx")
    image = next((words_root / "words").rglob("*.png"))
    exported = ocrkit.load(tmp_path / "tiny.onnx")
    assert exported.spec.before == spec.before
    assert exported.read(image).text == ocrkit.load(tiny_run, [CHAIN]).read(image).text


def test_a_packed_model_asks_for_the_packages_of_its_chain(
    changes: None, tiny_run: Path, tmp_path: Path
) -> None:
    (tmp_path / "pipeline.toml").write_text(
        (tiny_run / "pipeline.toml")
        .read_text()
        .replace("[preprocessor]", '[preprocessor]\nbefore = [{ use = "darken" }]')
    )
    assert distributions_of(tmp_path) == ["changes-dist", "ocrkit"]


def test_the_kit_examines_preprocessors_of_any_size(changes: None) -> None:
    examined = {part.name: part for part in examine_plugin("changes")}
    assert {part.kind for part in examined.values()} == {"preprocessor"}
    assert {finding.result for part in examined.values() for finding in part.findings} == {"ok"}
