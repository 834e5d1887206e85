"""Page pipelines as entries of the zoo: packed, verified, shown, exported, and what holds for them
that have no weights of their own."""

import json
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from click.testing import CliRunner, Result

from drawn_pages import recipe
from ink_marker import PIPELINE, PLUGIN
from ocrkit import DataError, OcrkitError, WeightsError, load
from ocrkit.cli import main
from ocrkit.data.datasets import open_dataset
from ocrkit.page_pipeline import PagePipeline
from ocrkit.parts.options import PartSpec
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec, read_recipe
from ocrkit.publishing.export_pages import export_pages
from ocrkit.publishing.golden_pages import GoldenPage, read_pages, write_pages
from ocrkit.publishing.pack import pack_run
from ocrkit.publishing.pack_pages import pack_pages
from ocrkit.publishing.verify import verify
from ocrkit.support.checksums import sha256_of
from ocrkit.training import train
from ocrkit.zoo.models import model
from ocrkit_pagexml.reader import PageXml

pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("onnxscript", reason="the exporter's package is not installed")

Install = Callable[[str, str], Path]
ZOO = """
import ocrkit

@ocrkit.hookimpl
def ocrkit_zoos(register):
    register("ink-lines", "page_zoo_models:lines")
    register("ink-pages", "page_zoo_models:pages")
"""
PAGES = recipe("ink-pages", "zoo:ink-lines", "zoo:iam-lines")
CARD = "# ink-pages\n\nReads drawn pages."
READER = PartSpec("reader", "page-xml", {"level": "pages"})


@pytest.fixture
def folder(install: Install, tmp_path: Path) -> Path:
    """The folder of the page pipeline ``ink-pages``, whose lines a small network finds that has
    been trained on the two pages which ship."""
    install("ink", PLUGIN)
    segmenting = PIPELINE.replace('use = "iam"', 'use = "page-xml"\nlevel = "pages"')
    path = tmp_path / "lines.toml"
    path.write_text(segmenting + '\n[segmenter]\nuse = "ink-lines"\n')
    settings = {
        "preprocessor.height": 324,
        "training.split": "all",
        "training.validation": "all",
        "training.epochs": 60,
        "training.thorough": 2.0,
    }
    assembly = assemble(load_spec(path, settings), training=True)
    run = tmp_path / "run"
    train(assembly, run, data=PageXml.sample_root(), device="cpu", threads=1)
    site = install("page_zoo", ZOO)
    models = site / "page_zoo_models"
    models.mkdir()
    (models / "__init__.py").write_text("")
    pack_run(run, models / "lines", name="ink-lines", licence="CC-BY-4.0")
    made = models / "pages"
    made.mkdir()
    (made / "pipeline.toml").write_text(PAGES)
    (made / "CARD.md").write_text(CARD)
    return made


def ocrkit(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments])


def restate(folder: Path, **pages: Any) -> None:
    """Changes what the manifest says of the golden pages."""
    path = folder / "manifest.toml"
    table = tomllib.loads(path.read_text())
    table["pages"] |= pages
    path.write_text(tomli_w.dumps(table))


def change(folder: Path, changed: Callable[[dict[str, Any]], None]) -> list[str]:
    """What verifying says once something that is stored of the first page has been changed."""
    from ocrkit.parts.page_json import page_from_json, page_to_json

    path = folder / "pages.safetensors"
    kept = path.read_bytes()
    items = read_pages(path)
    page = page_to_json(items[0].page)
    changed(page)
    write_pages(path, [GoldenPage(items[0].image, page_from_json(page)), *items[1:]])
    restate(folder, sha256=sha256_of(path), bytes=path.stat().st_size)
    problems = verify("ink-pages", backend="onnx").problems
    path.write_bytes(kept)
    restate(folder, sha256=sha256_of(path), bytes=path.stat().st_size)
    return problems


def test_a_page_pipeline_is_packed_verified_shown_and_exported(
    folder: Path, tmp_path: Path
) -> None:
    manifest = pack_pages(folder, {})
    assert manifest.weights is None
    assert manifest.pages is not None
    assert manifest.licence == "CC-BY-4.0 AND LicenseRef-IAM-noncommercial-research"
    assert "segment by ink-lines: CC-BY-4.0." in manifest.terms
    assert "text by iam-lines: LicenseRef-IAM-noncommercial-research. Trained" in manifest.terms
    items = {each.page.id: each.page for each in read_pages(folder / "pages.safetensors")}
    assert items.keys() == {"letter", "columns"}
    assert [len(page.lines) for page in items.values()] == [8, 8]
    assert "village library" in items["letter"].text

    result = verify("ink-pages")
    assert result.problems == []
    assert set(result.ran) == {"onnx", "torch"}
    assert {each.between for each in result.differences} == {
        ("onnx", "stored"),
        ("torch", "stored"),
    }

    with load("ink-pages", backend="onnx") as pages:
        assert isinstance(pages, PagePipeline)
        assert [each.reference for each in pages.used] == ["zoo:ink-lines", "zoo:iam-lines"]
        assert "CC-BY-4.0" in pages.used[0].licence
        scored = pages.evaluate()
    assert scored.dataset["root"] == str(PageXml.sample_root())
    assert scored.samples == 2

    shown = ocrkit("zoo", "show", "ink-pages")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.startswith(CARD)
    assert "licence: CC-BY-4.0 AND LicenseRef-IAM-noncommercial-research" in shown.stdout
    assert "segment by ink-lines: CC-BY-4.0." in shown.stdout
    assert "text by iam-lines: LicenseRef-IAM-noncommercial-research. Trained on" in shown.stdout
    listed = json.loads(ocrkit("zoo", "list", "--json").stdout)["models"]
    (mine,) = (each for each in listed if each["name"] == "ink-pages")
    assert mine["weights_are_here"]
    assert "CC-BY-4.0 AND LicenseRef-IAM" in ocrkit("zoo", "list").stdout
    assert ocrkit("zoo", "verify", "ink-pages", "--backend", "onnx").exit_code == 0
    assert ocrkit("check", "ink-pages").exit_code == 0
    fetched = ocrkit("zoo", "fetch", "ink-pages")
    assert fetched.exit_code == 1
    assert "'ink-pages': a page pipeline, which has no weights of its own" in fetched.stderr
    refused = ocrkit("calibrate", "ink-pages")
    assert refused.stderr.endswith("calibrate that: ocrkit calibrate iam-lines\n")

    made = tmp_path / "exported"
    said = ocrkit("export", "ink-pages", "--to", made)
    assert said.exit_code == 0, said.output
    assert f"{made / 'segment.onnx'}: float32" in said.stdout
    assert {each.name for each in made.iterdir()} == {"segment.onnx", "text.onnx", "pipeline.toml"}
    moved = shutil.move(made, tmp_path / "moved")
    sample = open_dataset(READER, root=PageXml.sample_root(), split="all")
    with load(moved) as pages, load("ink-pages") as own:
        assert isinstance(pages, PagePipeline)
        assert isinstance(own, PagePipeline)
        for each in sample:
            assert each.path is not None
            assert pages.read(each.path).text == own.read(each.path).text
        assert [weights.sha256 for weights in pages.used] == [each.sha256 for each in own.used]
        assert all(weights.licence for weights in pages.used)
    again = ocrkit("export", "ink-pages", "--to", moved)
    assert again.exit_code == 2
    assert "is a directory" in again.stderr
    small = ocrkit("export", "ink-pages", "--to", tmp_path / "small", "--precision", "int8")
    assert "int8 is measured on texts; export what reads the lines: iam-lines" in small.stderr


def test_what_is_read_otherwise_is_named(folder: Path) -> None:
    pack_pages(folder, {"licence": "MIT"})
    assert model("ink-pages").manifest.licence == "MIT"

    def other_text(page: dict[str, Any]) -> None:
        page["lines"][2]["text"] = "wrong"

    def other_place(page: dict[str, Any]) -> None:
        page["lines"][1]["baseline"] = [[x, y + 40] for x, y in page["lines"][1]["baseline"]]

    def fewer(page: dict[str, Any]) -> None:
        page["lines"] = page["lines"][1:]

    def other_weights(page: dict[str, Any]) -> None:
        page["made_by"][1]["version"] = "0" * 64

    (said,) = change(folder, other_text)
    assert "line 3 is read '" in said
    assert said.endswith("stored is 'wrong'")
    (said,) = change(folder, other_place)
    assert "line 2 is 40.0 pixels off its place, the tolerance is 3" in said
    (said,) = change(folder, fewer)
    assert said.endswith("8 lines are found, stored are 7")
    assert change(folder, other_weights) == [
        "text: 'iam-lines' has other weights than those that the pages were read with"
    ]
    restate(folder, items=3)
    assert "2 pages; the manifest says 3" in verify("ink-pages", backend="onnx").problems[0]
    (folder / "pages.safetensors").write_bytes(b"nothing")
    assert "pages.safetensors: sha256 " in verify("ink-pages", backend="onnx").problems[0]
    table = tomllib.loads((folder / "manifest.toml").read_text())
    del table["pages"]
    (folder / "manifest.toml").write_text(tomli_w.dumps(table))
    assert "weights: missing" in verify("ink-pages").problems[0]


def test_what_cannot_be_passed_on_is_refused(folder: Path, tmp_path: Path) -> None:
    path = folder / "pipeline.toml"
    lines = folder.parent / "lines"
    path.write_text(PAGES.replace("zoo:ink-lines", str(lines / "pipeline.toml")))
    with pytest.raises(WeightsError, match=r"segment = '.*'; one in the zoo names models of"):
        pack_pages(folder, {})
    with pytest.raises(DataError, match="task: 'segment'; expected page"):
        pack_pages(lines, {})
    path.write_text(PAGES)
    spec = read_recipe(path)
    with pytest.raises(OcrkitError, match="cannot be written"):
        export_pages(spec, tmp_path / "no" / "folder")  # type: ignore[arg-type]
