"""What a model has seen of the data that it is scored on."""

import json
from pathlib import Path

import numpy as np
import pytest

from ocrkit.assembly import assemble
from ocrkit.config import load_spec
from ocrkit.contamination import Contamination, Overlap, contamination
from ocrkit.interfaces import Sample
from ocrkit.seen_forms import SeenForms, of_manifest, of_run
from ocrkit.training import train


def samples(*forms: str | None) -> list[Sample]:
    return [Sample(str(index), "a", None, lambda: np.zeros((1, 1), np.uint8), form) for index, form in enumerate(forms)]


def test_samples_are_counted_by_what_their_forms_were_used_for() -> None:
    seen = SeenForms(frozenset({"a", "b"}), frozenset({"b", "c"}))
    found = contamination(seen, samples("b", "a", "a", "c", "d", None))
    assert found == Contamination(Overlap(3, ["a", "b"]), Overlap(1, ["c"])), "trained on weighs more than chosen by"
    assert found.in_words() == [
        "3 samples are of 2 forms that the model was trained on (a, b): the scores do not tell how well it reads anything new",
        "1 sample is of 1 form by which the model was chosen (c): the scores are better than on anything new",
    ]


@pytest.mark.parametrize("forms", [(), ("d",), (None,)])
def test_nothing_is_said_of_what_was_not_seen(forms: tuple[str | None, ...]) -> None:
    assert contamination(SeenForms(frozenset({"a"}), frozenset({"b"})), samples(*forms)) is None
    assert contamination(SeenForms(), samples(*forms)) is None


def test_a_manifest_tells_of_every_run() -> None:
    manifest = {"training": {"runs": [{"forms": "a\n"}, {"seed": 1}, {"forms": "b\n"}]}, "choosing": {"forms": "c\n"}}
    assert of_manifest(manifest) == SeenForms(frozenset({"a", "b"}), frozenset({"c"}))
    assert of_manifest({}) == SeenForms()


def test_a_run_tells_of_itself_and_of_what_it_started_from(tmp_path: Path) -> None:
    about = {
        "forms": ["a"],
        "validation": {"split": "v", "samples": 3, "forms": ["c"]},
        "init": {"weights": "zoo:x", "trained": ["b"], "chosen": ["d"]},
    }
    (tmp_path / "run.json").write_text(json.dumps(about))
    assert of_run(tmp_path) == SeenForms(frozenset({"a", "b"}), frozenset({"c", "d"}))
    (tmp_path / "run.json").write_text(json.dumps({"forms": ["a"], "validation": None}))  # of an earlier ocrkit
    assert of_run(tmp_path) == SeenForms(frozenset({"a"}))


def test_a_fine_tuned_run_lists_the_forms_of_both(tiny: Path, tiny_run: Path, words_root: Path, tmp_path: Path) -> None:
    spec = load_spec(tiny, ["training.epochs=1", "training.split=aachen/validation", "training.validation="])
    train(assemble(spec), tmp_path / "tuned", data=words_root, init=str(tiny_run))
    first = {"a01-000u", "a01-003", "a01-007"}
    second = {"c04-156", "c06-083"}
    assert of_run(tiny_run) == SeenForms(frozenset(first), frozenset(second))
    assert of_run(tmp_path / "tuned") == SeenForms(frozenset(first | second), frozenset(second))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"forms": 3}'])
def test_a_run_that_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    assert of_run(tmp_path) == of_run(tmp_path / "nowhere") == SeenForms()
