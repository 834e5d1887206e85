"""``ocrkit lm``: training a language model, and finding its weights."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ocrkit.cli import main
from ocrkit.language_model import LanguageModel
from ocrkit.pipelines.file import find_pipeline, load_spec

TEXT = Path(__file__).parents[1] / "plugins" / "kenlm" / "harbour.txt"
BEAM = ["--set", "decoder.use=ctc-beam", "--set", "decoder.beam_width=3"]


def ocrkit(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def refused(message: str, *arguments: object) -> None:
    result = ocrkit("lm", *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr.splitlines()[-1]


def test_a_model_is_trained_described_and_measured(tmp_path: Path) -> None:
    out, other = tmp_path / "model", tmp_path / "other.txt"
    other.write_text("The girl asked him her name.\nÇa va?\n")
    done = ocrkit(
        "lm",
        "train",
        "--text",
        TEXT,
        "--text",
        TEXT,
        "--out",
        out,
        "--order",
        3,
        "--keep",
        300,
        "--source",
        "a harbour",
        "--licence",
        "CC0-1.0",
        "--held-out",
        other,
    )
    assert done.exit_code == 0, done.stderr
    model = LanguageModel.open(out)
    assert (model.order, set(model.characters)) == (3, set(TEXT.read_text()) - {"\n"})
    about = {
        name: model.about[name] for name in ("source", "licence", "files", "unit", "texts", "keep")
    }
    assert about == {
        "source": "a harbour",
        "licence": "CC0-1.0",
        "files": ["harbour.txt"] * 2,
        "unit": "line",
        "texts": 16,
        "keep": 300,
    }
    assert sum(model.about["ngrams"][1:]) == 300
    mean = -model.log_probs("The girl asked him her name.").mean() / 0.6931472
    assert done.stdout.startswith(
        f"{mean:.4f} bits a character (perplexity {2**mean:.3f}), over 29 characters and ends"
    )
    assert f"1 texts of {other} left out: they have characters outside the alphabet" in done.stderr
    assert f"wrote {out}, 0.0 MB" in done.stderr


def test_words_and_the_alphabet_of_a_pipeline(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("The naïve girl, the boat. The sea!\n")
    done = ocrkit(
        "lm",
        "train",
        "--text",
        text,
        "--words",
        "--alphabet",
        "iam-crnn",
        "--order",
        4,
        "--out",
        tmp_path / "model",
    )
    assert (done.exit_code, done.stdout) == (0, "")
    assert "1 of 10 texts to train on left out" in done.stderr
    model = LanguageModel.open(tmp_path / "model")
    assert model.characters == load_spec("iam-crnn").alphabet
    assert (model.about["unit"], model.about["texts"]) == ("word", 9)
    assert model.log_probs("girl").sum() > model.log_probs("The girl").sum()


def test_texts_are_taken_in_the_form_in_which_the_alphabet_can_write_them(tmp_path: Path) -> None:
    """ "é" as one character or as "e" and an accent: what is typed differently is the same text."""
    text, apart, pipeline = tmp_path / "text.txt", "e\u0301", tmp_path / "apart.toml"
    text.write_text(f"caf{apart}\ncaf\u00e9\n", encoding="utf-8")
    train = ("lm", "train", "--text", text, "--held-out", text, "--out", tmp_path / "model")
    done = ocrkit(*train)
    assert (done.exit_code, "left out" in done.stderr) == (0, False)
    assert "over 10 characters" in done.stdout
    assert LanguageModel.open(tmp_path / "model").characters == "acf\u00e9"
    lines = find_pipeline("iam-crnn").read_text("utf-8").split("\n")
    lines = [f'alphabet = "acf{apart}"' if "alphabet = " in line else line for line in lines]
    pipeline.write_text("\n".join(lines), encoding="utf-8")
    done = ocrkit(*train, "--alphabet", pipeline)
    assert (done.exit_code, "left out" in done.stderr) == (0, False)
    assert "over 12 characters" in done.stdout


def test_the_mark_that_some_editors_write_is_no_character_of_a_model(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("The boat\n", "utf-8-sig")
    assert ocrkit("lm", "train", "--text", text, "--out", tmp_path / "model").exit_code == 0
    assert LanguageModel.open(tmp_path / "model").characters == " Tabehot"


def test_what_cannot_be_trained_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.touch()
    before = sorted(tmp_path.iterdir())
    refused("empty.txt: no text to train on", "train", "--text", empty, "--out", tmp_path / "model")
    refused(
        "no such file; expected UTF-8 text",
        "train",
        "--text",
        TEXT,
        "--held-out",
        "none",
        "--out",
        tmp_path / "model",
    )
    refused("there is no folder", "train", "--text", TEXT, "--out", tmp_path / "no" / "model")
    image = next((Path(__file__).parents[2] / "plugins" / "ocrkit_iam" / "sample").rglob("*.png"))
    refused("not UTF-8 (line 1)", "train", "--text", image, "--out", tmp_path / "model")
    assert sorted(tmp_path.iterdir()) == before


def test_tune_gives_options_that_read_best_of_those_tried(
    tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    text = tmp_path / "words.txt"
    text.write_text(
        "one hen to toe not teen hot the net ten oh no then tone hoe he note neon on tenth"
    )
    assert (
        ocrkit("lm", "train", "--text", text, "--words", "--out", tmp_path / "words.lm").exit_code
        == 0
    )
    only = tmp_path / "forms.txt"
    only.write_text("c04-156\na01-003\n")
    arguments = [
        "--pipeline", tiny_run, "--data", words_root, "--set", "reader.split=all", *BEAM,
        "--set", f"decoder.language_model={tmp_path / 'words.lm'}",
    ]  # fmt: skip
    choosing = [*arguments, "--set", f"reader.only={only}"]
    found = ocrkit("lm", "tune", *choosing, "--json")
    assert found.exit_code == 0, found.stderr
    assert "WARNING: chosen on forms that the network was trained on" in found.stderr
    table = json.loads(found.stdout)
    assert (table["forms"], table["samples"], table["metric"]) == (
        ["a01-003", "c04-156"],
        11,
        "cer",
    )
    scores = [trial["scores"]["cer"] for trial in table["trials"]]
    assert scores == sorted(scores)
    assert (
        len({(trial["lm_weight"], trial["length_bonus"]) for trial in table["trials"]})
        == len(scores)
        >= 12
    )

    shown = ocrkit("lm", "tune", *choosing)
    *_, chosen, settings = shown.stdout.splitlines()
    assert chosen == "chosen by cer on iam all: 2 forms, 11 samples"
    assert settings == " ".join(f"--set {setting}" for setting in table["settings"])
    run = ocrkit("run", *choosing, *settings.split(), "--json")
    assert json.loads(run.stdout)["metrics"]["cer"]["value"] == pytest.approx(scores[0])


def test_tune_refuses_what_would_be_no_choice(words_root: Path) -> None:
    refused(
        "decoder 'ctc-greedy' has no option 'language_model'; choose one that has",
        "tune",
        "--limit",
        2,
    )
    refused("decoder 'ctc-beam' is given no language model", "tune", "--limit", 2, *BEAM)
    english = [*BEAM, "--set", "decoder.language_model=english"]
    refused(
        "iam aachen/validation: the scores of zoo:iam-crnn are reported on it; choose on another "
        "split",
        "tune",
        "--data",
        words_root,
        "--split",
        "aachen/validation",
        *english,
    )
