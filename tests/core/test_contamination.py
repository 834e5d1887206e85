"""What a model has seen of the data that it is scored on."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

import ocrkit
from ocrkit.interfaces import Sample
from ocrkit.networks.seen_forms import SeenForms, keys_of, of_run
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec
from ocrkit.scoring.contamination import Contamination, Overlap, contamination
from ocrkit.training import train
from runs import FOLDER, make_folder, trained


def samples(*forms: str | None) -> list[Sample]:
    return [
        Sample(str(index), "a", None, lambda: np.zeros((1, 1), np.uint8), form)
        for index, form in enumerate(forms)
    ]


def test_samples_are_counted_by_what_their_forms_were_used_for() -> None:
    seen = SeenForms(frozenset({"a", "b"}), frozenset({"b", "c"}))
    found = contamination(seen, samples("b", "a", "a", "c", "d", None))
    assert found == Contamination(Overlap(3, ["a", "b"]), Overlap(1, ["c"])), (
        "trained on weighs more than chosen by"
    )
    assert found.in_words() == [
        (
            "3 samples are of 2 forms that the model was trained on (a, b): the scores do not tell how "  # noqa: E501
            "well it reads anything new"
        ),
        (
            "1 sample is of 1 form by which the model was chosen (c): the scores are better than on "  # noqa: E501
            "anything new"
        ),
    ]


@pytest.mark.parametrize("forms", [(), ("d",), (None,)])
def test_nothing_is_said_of_what_was_not_seen(forms: tuple[str | None, ...]) -> None:
    assert contamination(SeenForms(frozenset({"a"}), frozenset({"b"})), samples(*forms)) is None
    assert contamination(SeenForms(), samples(*forms)) is None


def test_a_run_tells_of_itself_and_of_what_it_started_from(tmp_path: Path) -> None:
    about = {
        "forms": ["a"],
        "validation": {"split": "v", "samples": 3, "forms": ["c"]},
        "init": {"weights": "zoo:x", "trained": ["b"], "chosen": ["d"]},
    }
    (tmp_path / "run.json").write_text(json.dumps(about))
    assert of_run(tmp_path) == SeenForms(frozenset({"a", "b"}), frozenset({"c", "d"}))
    (tmp_path / "run.json").write_text(
        json.dumps({"forms": ["a"], "validation": None})
    )  # of an earlier ocrkit
    assert of_run(tmp_path) == SeenForms(frozenset({"a"}))


def test_a_fine_tuned_run_lists_the_forms_of_both(
    tiny: Path, tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    spec = load_spec(
        tiny, ["training.epochs=1", "training.split=aachen/validation", "training.validation="]
    )
    train(assemble(spec, training=True), tmp_path / "tuned", data=words_root, init=str(tiny_run))
    first = {"a01-000u", "a01-003", "a01-007"}
    second = {"c04-156", "c06-083"}
    assert of_run(tiny_run) == SeenForms(frozenset(first), frozenset(second))
    assert of_run(tmp_path / "tuned") == SeenForms(frozenset(first | second), frozenset(second))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"forms": 3}'])
def test_a_run_that_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    assert of_run(tmp_path) == of_run(tmp_path / "nowhere") == SeenForms()


# ------------------------------------------------------------------------ samples that have no form


@pytest.fixture
def own(words_root: Path, tmp_path: Path) -> Path:
    return make_folder(words_root, tmp_path / "own")


@pytest.fixture
def tuned(own: Path, tiny: Path, tmp_path: Path) -> Path:
    """A run on these data."""
    trained(tiny, tmp_path / "run", own, FOLDER | {"training.epochs": 1})
    return tmp_path / "run"


def seen_in(run: Path, data: Path, split: str = "all") -> Contamination | None:
    return ocrkit.load(run).evaluate(split, data=data).contamination


def test_own_images_that_were_trained_on_are_told_from_those_that_chose_and_from_new_ones(
    own: Path, tuned: Path, words_root: Path
) -> None:
    (own / "test").mkdir()
    cv2.imwrite(str(own / "test" / "new.png"), np.full((24, 60), 200, np.uint8))
    (own / "test" / "new.gt.txt").write_text("one")
    found = seen_in(tuned, own)
    assert found == Contamination(Overlap(24, [], 24), Overlap(7, [], 7))
    assert found.in_words() == [
        (
            "24 samples are among those that the model was trained on: the scores do not tell how well "  # noqa: E501
            "it reads anything new"
        ),
        (
            "7 samples are among those by which the model was chosen: the scores are better than on "  # noqa: E501
            "anything new"
        ),
    ]
    assert seen_in(tuned, own, "test") is None


def test_images_are_known_again_wherever_they_lie_and_whatever_their_name(
    own: Path, tuned: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere" / "train"
    elsewhere.mkdir(parents=True)
    for number, path in enumerate(sorted((own / "train").glob("*.png"))[:5]):
        shutil.move(path, elsewhere / f"{number}.png")
        (elsewhere / f"{number}.gt.txt").write_text("one")
    assert seen_in(tuned, elsewhere) == Contamination(Overlap(5, [], 5), Overlap(0, []))


def test_a_run_knows_what_the_run_saw_that_it_began_from(
    own: Path, tuned: Path, tiny: Path, tmp_path: Path
) -> None:
    shutil.copytree(own / "val", tmp_path / "other" / "train")
    settings = FOLDER | {"training.epochs": 1, "training.validation": ""}
    trained(tiny, tmp_path / "second", tmp_path / "other", settings, init=str(tuned))
    assert seen_in(tmp_path / "second", own) == Contamination(Overlap(31, [], 31), Overlap(0, []))


def test_samples_without_a_file_are_known_by_id_and_text() -> None:
    first, again, other = (
        Sample("1", text, None, lambda: np.zeros((1, 1), np.uint8)) for text in ("a", "a", "b")
    )
    seen = SeenForms(trained_keys=keys_of([first]))
    assert contamination(seen, [again, other]) == Contamination(Overlap(1, [], 1), Overlap(0, []))


def test_forms_and_images_are_told_apart() -> None:
    loose = Sample("1", "a", None, lambda: np.zeros((1, 1), np.uint8))
    found = contamination(
        SeenForms(frozenset({"a"}), trained_keys=keys_of([loose])), [*samples("a", "a"), loose]
    )
    assert found == Contamination(Overlap(3, ["a"], 1), Overlap(0, []))
    assert [sentence.partition(":")[0] for sentence in found.in_words()] == [
        "2 samples are of 1 form that the model was trained on (a)",
        "1 sample is among those that the model was trained on",
    ]


def test_a_file_that_is_gone_is_no_sample_that_was_seen(tmp_path: Path) -> None:
    gone = Sample("1", "a", None, lambda: np.zeros((1, 1), np.uint8), path=tmp_path / "gone.png")
    assert contamination(SeenForms(trained_keys=frozenset({"0" * 16})), [gone]) is None
    assert keys_of([gone]) == frozenset()
