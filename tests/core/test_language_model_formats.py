"""Language models of any format, as decoders get them: by name or file, from whichever plugin reads
it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from ocrkit.cli import main
from ocrkit.errors import OcrkitError, PluginError
from ocrkit.language_model import LanguageModel
from ocrkit.parts.codec import Alphabet
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.parts.registry import registry

Install = Callable[[str, str], Path]

EVEN = """
import numpy as np

import ocrkit
from ocrkit.language_model import LanguageModel


class Even(LanguageModel):
    start = 0
    about = {}

    def __init__(self, characters, share):
        self.characters = characters
        self.share = np.full(len(characters) + 1, (1 - share) / len(characters), np.float32)
        self.share[0] = share

    def ids(self, characters):
        return np.array([self.characters.index(each) for each in characters], np.int32)

    def score(self, states, characters):
        return np.log(self.share[characters]), states

    def end(self, states):
        return np.log(self.share[-1:]).repeat(len(states))


def read(path):
    kind, characters, *share = path.read_text(errors="replace").split() or [""]
    if kind == "stumble":
        return 1 / 0
    if kind != "even":
        raise ocrkit.OcrkitError(f"{path}: does not begin with the word even")
    return Even(characters, float(*share))


@ocrkit.hookimpl
def ocrkit_language_model_formats(register):
    register("even", "even_models:read", summary="One character is likely, all others evenly less")
"""


def test_a_model_of_another_format_is_read_by_the_decoders_there_are(
    install: Install, tmp_path: Path
) -> None:
    install("even-models", EVEN)
    (tmp_path / "model").write_text("even ab 0.9")
    model = LanguageModel.open(tmp_path / "model")
    np.testing.assert_allclose(model.log_probs("ab"), np.log([0.9, 0.05, 0.05]), rtol=1e-6)
    scores = np.log(np.array([[[0.3, 0.6, 0.1]]], np.float32))
    texts = []
    for options in ({}, {"language_model": str(tmp_path / "model"), "lm_weight": 1.0}):
        decoder = make_part(PartSpec("decoder", "ctc-beam", options))
        decoder.check(Alphabet("ab"))
        (decoded,) = decoder(scores, np.array([1], np.int32), Alphabet("ab"))
        texts.append(decoded.text)
    assert texts == ["b", "a"]


def test_what_no_format_reads_is_one_line_with_what_each_says(
    install: Install, tmp_path: Path
) -> None:
    install("even-models", EVEN)
    path = tmp_path / "model"
    path.write_text("odd ab 0.9")
    with pytest.raises(OcrkitError) as caught:
        LanguageModel.open(path)
    assert f"{path}: does not begin with the word even; {path}: no language model, or a" in str(
        caught.value
    )
    assert "\n" not in str(caught.value)


def test_a_format_that_raises_something_else_is_named(install: Install, tmp_path: Path) -> None:
    install("even-models", EVEN)
    (tmp_path / "model").write_text("stumble x")
    with pytest.raises(PluginError, match=r"'even' \(plugin 'even-models'\) failed: ZeroDiv"):
        LanguageModel.open(tmp_path / "model")


def test_without_a_format_nothing_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "model").touch()
    monkeypatch.setenv("OCRKIT_DISABLE_PLUGINS", "ngrams")
    registry.cache_clear()
    try:
        with pytest.raises(OcrkitError, match="no plugin that reads language models is installed"):
            LanguageModel.open(tmp_path / "model")
    finally:
        monkeypatch.undo()
        registry.cache_clear()


def test_formats_are_held_to_the_interface(install: Install) -> None:
    good = CliRunner().invoke(main, ["plugins", "test", "ngrams"])
    assert good.exit_code == 0, good.output
    assert "needs a model; write a test with LanguageModelFormatConformance" in good.output
    install("even-models", EVEN)
    bad = CliRunner().invoke(main, ["plugins", "test", "even-models"])
    assert bad.exit_code == 1
    assert "FAILED: language_model_format 'even' fails to read a file: ValueError" in bad.output
