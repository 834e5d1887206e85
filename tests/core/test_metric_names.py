"""Two metrics of one kind beside each other, each by its name."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import ocrkit
from ocrkit.cli import main
from ocrkit.errors import ConfigError
from ocrkit.pipelines.file import load_spec
from ocrkit.scoring.result_file import read_results

Install = Callable[[str, str], Path]

PLUGIN = """
from dataclasses import dataclass
from typing import ClassVar
import ocrkit
from ocrkit import option

@dataclass(frozen=True)
class Right:
    higher_is_better: ClassVar[bool] = True
    first: int = option(0, "only so many letters count; 0: all", minimum=0)

    def counts(self, reference, prediction):
        end = self.first or None
        return float(reference[:end] == prediction[:end]), 1.0

@ocrkit.hookimpl
def ocrkit_metrics(register):
    register("right", Right, summary="Right words: the share that is read exactly")
"""
BOTH = "metrics=[{ use = 'right' }, { use = 'right', name = 'initials', first = 1 }]"


@pytest.fixture(autouse=True)
def _right(install: Install) -> None:
    install("right", PLUGIN)


def ocrkit_(*arguments: object) -> str:
    done = CliRunner().invoke(main, [*map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_both_are_scored(tiny_run: Path, words_root: Path) -> None:
    found = ocrkit.load(tiny_run, [BOTH]).evaluate("all", data=words_root)
    assert list(found.metrics) == ["right", "initials"]
    whole, initials = (score.value for score in found.metrics.values())
    assert whole is not None
    assert initials is not None
    assert 0 < whole < initials
    assert found.higher_is_better == {"right": True, "initials": True}


def test_result_files_keep_both_and_are_scored_and_compared_by_both(
    tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    kept, page = tmp_path / "kept.jsonl", tmp_path / "page.html"
    run = [
        "run",
        "--pipeline",
        tiny_run,
        "--data",
        words_root,
        "--split",
        "all",
        "--set",
        BOTH,
        "--json",
    ]
    told = json.loads(ocrkit_(*run, "--output", kept, "--report", page))["metrics"]
    assert list(read_results(kept).header.parts.metrics) == [
        {"use": "right", "first": 0},
        {"use": "right", "first": 1, "name": "initials"},
    ]
    assert json.loads(ocrkit_("score", kept, "--json"))["metrics"] == told
    assert list(json.loads(ocrkit_("compare", kept, kept, "--json"))["metrics"]) == [
        "right",
        "initials",
    ]
    assert "initials" in page.read_text()
    verdict, _, table = ocrkit_("score", kept).partition("\n\n")
    assert verdict
    _, right, initials, *_ = map(str.split, table.splitlines())
    assert right[:3] == ["Right", "words", "right"]
    assert initials[0] == "initials"
    assert initials[-1] == "higher"


def test_the_better_of_a_named_metric_is_known(
    tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    """The writers that are read worst come first in the report."""
    page = tmp_path / "page.html"
    named = "metrics=[{ use = 'right', name = 'mine' }]"
    ocrkit_(
        "run",
        "--pipeline",
        tiny_run,
        "--data",
        words_root,
        "--split",
        "all",
        "--set",
        named,
        "--report",
        page,
    )
    assert "higher is better" in page.read_text()


def test_settings_find_a_metric_by_its_name_and_keep_it(tiny: Path) -> None:
    spec = load_spec(tiny, [BOTH, "metrics.initials.first=2", "metrics.right.first=3"])
    assert {name: part.options for name, part in spec.metrics.items()} == {
        "right": {"first": 3},
        "initials": {"first": 2},
    }
    changed = load_spec(tiny, [BOTH, "metrics.initials.use=cer"]).metrics["initials"]
    assert (changed.use, changed.options) == ("cer", {})


def test_training_chooses_by_a_metric_s_name(tiny: Path) -> None:
    assert load_spec(tiny, [BOTH, "training.metric=initials"]).training.metric == "initials"
    with pytest.raises(
        ConfigError, match=r"training\.metric: 'cer' is not one of the pipeline's metrics"
    ):
        load_spec(tiny, [BOTH, "training.metric=cer"])


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        (
            "[{use='right'}, {use='right', first=1}]",
            "metrics[1]: another metric is called 'right'; give one of them a name",
        ),
        (
            "[{use='cer'}, {use='right', name='cer'}]",
            "metrics[1]: another metric is called 'cer'; give one of them a name",
        ),
        (
            "[{use='cer', name=3}]",
            "metrics[0].name: 3; expected a text, by which results call the metric",
        ),
        (
            "[{use='cer', name=''}]",
            "metrics[0].name: ''; expected a text, by which results call the metric",
        ),
    ],
)
def test_two_of_one_name_are_one_clear_error(tiny: Path, metrics: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_spec(tiny, [f"metrics={metrics}"])
    (problem,) = caught.value.problems
    assert problem.startswith(said)
