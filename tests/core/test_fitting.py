"""Which model reads pictures where nobody names one."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from ocrkit.cli import main
from ocrkit.data.inputs import InputPage
from ocrkit.errors import PluginError
from ocrkit.parts.registry import registry
from ocrkit.parts.values import Image
from ocrkit.reading.fitting import fitting_model

Install = Callable[[str, str], Path]
TEXT = "it was a fine day and the sea lay still"


def written(text: str) -> Image:
    """A line of black letters on light paper."""
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 1.75, 2)
    line = np.full((70, width + 35), 235, np.uint8)
    cv2.putText(line, text, (17, 49), cv2.FONT_HERSHEY_SIMPLEX, 1.75, 30, 2, cv2.LINE_AA)
    return line


def page(text: str) -> InputPage:
    return InputPage("a", data=cv2.imencode(".png", written(text))[1].tobytes())


@pytest.mark.parametrize(
    ("text", "shows", "name"),
    [
        ("day", "word", "iam-words-resnet"),
        (TEXT, "line", "iam-lines"),
        ("it was a fine", None, "iam-lines"),
    ],
)
def test_what_is_shown_decides(text: str, shows: str | None, name: str) -> None:
    found = fitting_model([page(text)] * 3)
    assert (found.shows, found.model) == (shows, name)


def test_what_cannot_be_read_does_not_count(tmp_path: Path) -> None:
    assert fitting_model([InputPage(str(tmp_path / "none.png")), page("day")]).shows == "word"


def test_a_free_model_is_named_beside_one_that_is_not() -> None:
    assert "synth-words-resnet" in fitting_model([page("day")]).free


def test_two_defaults_for_one_thing_are_told(install: Install) -> None:
    install(
        "more",
        "import ocrkit\n@ocrkit.hookimpl\ndef ocrkit_zoos(register):\n"
        "    register('mine', 'more:mine', default_for='line')\n",
    )
    with pytest.raises(PluginError, match="iam-lines and mine are each registered as the default"):
        registry().default_for("line")


def test_run_says_which_model_why_and_on_what_terms(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "day.png"), written("day"))
    result = CliRunner().invoke(main, ["run", str(tmp_path / "day.png")])
    assert result.exit_code == 0
    (said,) = result.stderr.splitlines()
    assert said.startswith("ocrkit: looks like a word: read with iam-words-resnet on ")
    assert "LicenseRef-IAM-noncommercial-research" in said
    assert said.endswith("free for any use: --pipeline synth-words-resnet")
    quiet = CliRunner().invoke(main, ["run", "-q", "-"], (tmp_path / "day.png").read_bytes())
    assert (quiet.stderr, quiet.stdout.startswith("-\t")) == ("", True)
