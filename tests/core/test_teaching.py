"""Learning from what another network reads: which texts are drawn of it, that they replace texts
that nobody gave, and that a run goes on with them exactly."""

import json
from collections import Counter
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrkit import ConfigError, DataError
from ocrkit.networks.seen_forms import of_run
from ocrkit.parts.codec import Alphabet
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec
from ocrkit.training import train
from ocrkit_ctc.objective import Ctc
from runs import FOLDER, arrays_of, make_folder, same, trained

ALPHABET = Alphabet("ab")


def written(path: tuple[int, ...]) -> str:
    """What CTC makes of a path of classes."""
    changes = [each for place, each in enumerate(path) if place == 0 or each != path[place - 1]]
    return ALPHABET.decode(each for each in changes if each != ALPHABET.blank)


@given(st.integers(0, 1000), st.sampled_from([0.5, 1.0, 3.0]))
@settings(max_examples=10)
def test_a_text_is_drawn_as_often_as_it_is_likely(seed: int, temperature: float) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 2, (1, 3, 3))
    log_probs = scores - np.log(np.exp(scores).sum(axis=2, keepdims=True))
    likely: Counter[str] = Counter()
    steps = np.exp(log_probs[0] / temperature)
    steps /= steps.sum(axis=1, keepdims=True)
    for path in product(range(3), repeat=3):
        likely[written(path)] += float(np.prod(steps[range(3), path]))
    (texts,) = Ctc().drawn(
        log_probs.astype(np.float32), np.array([3], np.int32), ALPHABET,
        count=4000, temperature=temperature, rng=rng,
    )  # fmt: skip
    drawn = Counter(texts)
    assert drawn.keys() <= likely.keys()
    for text, probability in likely.items():
        assert drawn[text] / 4000 == pytest.approx(probability, abs=0.05)


@pytest.fixture
def pictures(words_root: Path, tmp_path: Path) -> Path:
    """The drawn words in a folder; of every second one to train on nobody has said what it says."""
    root = make_folder(words_root, tmp_path / "pictures")
    for path in sorted((root / "train").glob("*.gt.txt"))[::2]:
        path.unlink()
    return root


def readings_of(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "teacher.jsonl").read_text().splitlines()]


def test_pictures_without_a_text_are_learnt_as_the_teacher_reads_them(
    tiny: Path, tiny_run: Path, pictures: Path, tmp_path: Path
) -> None:
    options = FOLDER | {"training.epochs": 1}
    _, alone = trained(tiny, tmp_path / "alone", pictures, options)
    taught = options | {"training.teacher": str(tiny_run)}
    _, events = trained(tiny, tmp_path / "taught", pictures, taught)
    starts = [
        next(event for event in each if event["event"] == "start") for each in (alone, events)
    ]
    assert [start["samples"] for start in starts] == [12, 24]
    readings = readings_of(tmp_path / "taught")
    assert [sum(line["readings"].values()) for line in readings] == [16] * 24
    assert sum(line["readings"].values() != {16} for line in readings) > 0
    about = json.loads((tmp_path / "taught" / "run.json").read_text())
    assert about["teacher"]["trained"] == ["a01-000u", "a01-003", "a01-007"]
    assert {"a01-003", "a01-007"} <= of_run(tmp_path / "taught").trained


def test_a_student_with_no_texts_at_all_comes_to_read_as_its_teacher(
    tiny: Path, tiny_run: Path, pictures: Path, tmp_path: Path
) -> None:
    for path in (pictures / "train").glob("*.gt.txt"):
        path.unlink()
    taught = FOLDER | {"training.epochs": 40, "training.teacher": str(tiny_run)}
    progress, _ = trained(tiny, tmp_path / "taught", pictures, taught)
    assert min(line["validation"]["cer"] for line in progress.history) < 0.5


def test_share_says_how_many_texts_give_way_to_the_teacher_s(
    tiny: Path, tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    """With none the run is the one without a teacher, bit for bit."""
    runs = []
    for share in ("", 0.0, 1.0):
        settings = {"training.epochs": 1, "training.seed": 3}
        if share != "":
            settings |= {"training.teacher": str(tiny_run), "training.teacher_share": share}
        runs.append(tmp_path / f"share{share}")
        trained(tiny, runs[-1], words_root, settings)
    alone, none, every = (each / "last.safetensors" for each in runs)
    assert same(alone, none)
    assert not same(alone, every)


class StoppedError(Exception):
    pass


def stopping(event: str, count: int) -> Callable[[dict[str, Any]], None]:
    """Stops a run at so many of these events."""
    left = [count]

    def listen(told: dict[str, Any]) -> None:
        left[0] -= told["event"] == event
        if not left[0]:
            raise StoppedError

    return listen


@pytest.mark.parametrize("feed", ["files", "memory"])
def test_a_run_goes_on_exactly_and_needs_its_teacher_no_more(
    feed: str, tiny: Path, tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    teacher = tmp_path / "teacher"
    teacher.symlink_to(tiny_run)
    settings = {
        "training.epochs": 2, "training.teacher": str(teacher), "training.teacher_share": 0.7,
        "training.feed": feed, "training.checkpoint_minutes": 0.0,
    }  # fmt: skip
    trained(tiny, tmp_path / "whole", words_root, settings)
    assembly = assemble(load_spec(tiny, settings), training=True)
    with pytest.raises(StoppedError):
        train(assembly, tmp_path / "stopped", data=words_root, report=stopping("step", 4))
    teacher.unlink()
    assembly = assemble(load_spec(tmp_path / "stopped"), training=True)
    train(assembly, tmp_path / "stopped", data=words_root, resume=True)
    for name in ("last.safetensors", "best.safetensors"):
        assert arrays_of(tmp_path / "stopped" / name).keys()
        assert same(tmp_path / "whole" / name, tmp_path / "stopped" / name)

    path = tmp_path / "stopped" / "teacher.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(DataError, match=r"teacher\.jsonl: not what the teacher read of these"):
        train(assembly, tmp_path / "stopped", data=words_root, resume=True)


@pytest.mark.parametrize(
    ("teacher", "message"),
    [
        ("zoo:gone", r"training\.teacher: .*gone"),
        ("untrained", r"training\.teacher: .*is untrained"),
        ("gone.toml", r"training\.teacher: .*gone\.toml"),
    ],
)
def test_a_teacher_that_cannot_read_is_refused(
    teacher: str, message: str, tiny: Path, words_root: Path, tmp_path: Path
) -> None:
    named = str(tiny) if teacher == "untrained" else teacher
    with pytest.raises(ConfigError, match=message):
        trained(tiny, tmp_path / "run", words_root, {"training.teacher": named})
    assert not (tmp_path / "run").exists()
