"""Pipelines that are closed, copied, and sent to other processes; results and errors that are."""

import copy
import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
import weakref
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import ocrkit
from ocrkit import ConfigError, OcrkitError, errors
from ocrkit.reading.items import Item

SENT = """
import pickle, sys
pipeline = pickle.loads(sys.stdin.buffer.read())
sys.stdout.buffer.write(pickle.dumps(list(pipeline.read_many(sys.argv[1:]))))
"""


@pytest.fixture(scope="module")
def images(words_root: Path) -> list[str]:
    return [str(path) for path in sorted(words_root.glob("words/*/*/*.png"))[:9]]


def sent(pipeline: ocrkit.Pipeline, images: list[str], folder: Path) -> list[Item]:
    """What a new process, in another folder, reads with the pipeline."""
    done = subprocess.run(
        [sys.executable, "-c", SENT, *images],
        input=pickle.dumps(pipeline),
        cwd=folder,
        check=True,
        capture_output=True,
    )
    items: list[Item] = pickle.loads(done.stdout)  # noqa: S301  (of our own process)
    return items


def unpickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))  # noqa: S301


def test_a_pipeline_goes_to_another_process_and_folder_and_reads_the_same_there(
    tiny_run: Path, images: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lexicon.txt").write_text("one\nhen\n")
    monkeypatch.chdir(tiny_run.parent)
    settings = {
        "decoder.use": "ctc-beam",
        "decoder.lexicon": os.path.relpath(tmp_path / "lexicon.txt"),
        "preprocessor.width": 52,
    }
    pipeline = ocrkit.load("tiny", settings, batch_size=2, threads=1)
    expected = list(pipeline.read_many(images))
    assert {item.text for item in expected} == {"one", "hen", ""}
    assert sent(pipeline, images, tmp_path) == expected
    assert len(pickle.dumps(pipeline)) < 20_000, "it goes as its recipe, without the weights"


def test_an_exported_network_goes_by_its_file(
    tiny_run: Path, images: list[str], tmp_path: Path
) -> None:
    from ocrkit.pipelines.file import read_spec
    from ocrkit.publishing.export import export

    export(read_spec(tiny_run), tmp_path / "tiny.onnx")
    pipeline = ocrkit.load(tmp_path / "tiny.onnx")
    assert sent(pipeline, images, tmp_path) == list(pipeline.read_many(images))


def test_a_copy_is_a_pipeline_of_its_own(tiny_run: Path, images: list[str]) -> None:
    pipeline = ocrkit.load(
        tiny_run, {"preprocessor.width": 52}, backend="onnx", device="cpu", threads=1, batch_size=3
    )
    expected = [item.text for item in pipeline.read_many(images)]
    copies = [copy.deepcopy(pipeline), copy.copy(pipeline)]
    pipeline.close()
    for each in copies:
        assert [item.text for item in each.read_many(images)] == expected
        assert (
            each.backend,
            each.device,
            each._engine.threads,
            each._engine.batch_size,
        ) == ("onnx", "cpu", 1, 3)


def test_a_method_goes_to_a_pool_of_processes(tiny_run: Path, images: list[str]) -> None:
    pipeline = ocrkit.load(tiny_run)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as processes:
        assert processes.submit(pipeline.read, images[0]).result(60) == pipeline.read(images[0])


def test_a_closed_pipeline_says_so_and_its_network_is_gone(
    tiny_run: Path, images: list[str]
) -> None:
    with ocrkit.load(tiny_run) as pipeline:
        assert pipeline.read(images[0]).text
        network = weakref.ref(pipeline._engine.network)
        under_way = pipeline.read_many(images)
        next(under_way)
    assert len(list(under_way)) == len(images) - 1
    del under_way
    gc.collect()
    assert network() is None
    pipeline.close()
    for use in (
        lambda: pipeline.read(images[0]),
        lambda: pipeline.read_many(images),
        pipeline.evaluate,
        pipeline.header,
    ):
        with pytest.raises(
            OcrkitError, match=r"pipeline 'run0/tiny \(tiny\)' has been closed; load it anew"
        ):
            use()
    assert pipeline.spec.name == "tiny"


def test_readings_and_errors_go_to_other_processes(tiny_run: Path, images: list[str]) -> None:
    pipeline = ocrkit.load(tiny_run)
    items = list(pipeline.read_many([*images, "gone.png"]))
    assert unpickled(items) == items
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, OcrkitError)
    ]
    assert len(kinds) > 6
    for kind in kinds:
        error = (
            kind(["one problem", "another"])
            if issubclass(kind, ConfigError)
            else kind("what was wrong")
        )
        back = unpickled(error)
        assert (type(back), str(back), vars(back)) == (kind, str(error), vars(error))
    status = unpickled(errors.DownloadError("gone", 404))
    assert (str(status), status.status) == ("gone", 404)
