"""``run.json``: what a training run was started with, of today and of an earlier ocrkit."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from anything import damaged
from ocrkit.errors import OcrkitError
from ocrkit.networks.seen_forms import of_run
from ocrkit.training import resume_options

EARLIER = {
    "command": "ocrkit train",
    "backend": "torch",
    "device": "cpu",
    "seed": 3,
    "data": {"name": "iam", "root": "/iam", "split": "all", "limit": None, "is_sample": False},
    "samples": 24,
    "forms": ["a01-000u", "a01-003"],
    "init": {"weights": "zoo:x", "trained": ["b01-009"], "chosen": []},
    "validation": {"split": "aachen/validation", "samples": 7, "forms": ["c04-156"]},
    "skipped": [{"id": "x", "reason": "gone"}],
    "versions": {"ocrkit": "0.1.0", "torch": "2.9"},
}
WHOLE = EARLIER | {
    "workers": 2,
    "also": [{"name": "folder", "root": "/strokes", "split": "all", "samples": 9}],
    "notes": ["3 texts have characters that the alphabet lacks"],
    "init": EARLIER["init"] | {"licence": "MIT", "temperature": 1.5},  # type: ignore[operator]
    "validation": EARLIER["validation"] | {"notes": ["a note"]},  # type: ignore[operator]
    "teacher": {
        "weights": "zoo:y",
        "licence": "MIT",
        "temperature": None,
        "trained": ["c01-001"],
        "chosen": ["c01-002"],
    },
    "share": 0.35,
}


def write(folder: Path, about: Any) -> Path:
    (folder / "run.json").write_text(json.dumps(about))
    return folder


def test_all_that_is_written_is_read(tmp_path: Path) -> None:
    assert json.loads(json.dumps(asdict(resume_options(write(tmp_path, WHOLE))))) == WHOLE


def test_a_run_of_an_earlier_ocrkit_goes_on(tmp_path: Path) -> None:
    run = resume_options(write(tmp_path, EARLIER))
    assert (run.workers, run.also, run.data.split, run.samples) == (1, [], "all", 24)
    assert run.init
    assert (run.init.licence, run.init.temperature) == ("", None)


def test_all_that_is_wrong_is_said_with_its_place(tmp_path: Path) -> None:
    about = WHOLE | {"samples": "24", "data": {"name": "iam", "root": 3, "split": "all"}}
    with pytest.raises(OcrkitError) as caught:
        resume_options(write(tmp_path, about))
    assert str(caught.value) == (
        f"{tmp_path}: no training run to resume here (run.json: data.root: 3; expected a text; "
        "data.is_sample: missing; expected true or false; "
        "samples: '24'; expected a whole number, 0 or more)"
    )


@given(damaged(WHOLE))
def test_any_value_in_any_place_is_taken_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, about: Any
) -> None:
    folder, said = write(tmp_path_factory.mktemp("run"), about), ""
    of_run(folder)  # says nothing of what is no run
    try:
        resume_options(folder)
    except OcrkitError as error:
        said = str(error)
    assert len(said.splitlines()) <= 1
