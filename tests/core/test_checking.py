"""Whatever opens a pipeline checks all that its file names, and tells every mistake at once."""

from pathlib import Path

import pytest
from click.testing import CliRunner

import ocrkit
from ocrkit.cli import main
from ocrkit.errors import ConfigError
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec, read_spec
from ocrkit.publishing.export import export

MISTAKES = {
    "reader.level='essays'": "reader.level: 'essays'",
    "metrics=[{ use = 'cer', colour = 'red' }]": "metrics[0]: no option 'colour'",
    "training.augment=[{ use = 'sheer' }]": "no augmentation named 'sheer'",
    "training.also=[{ use = 'iam', rot = 'x' }]": "training.also[0]: no option 'rot'",
    "training.epochs=0": "training.epochs: 0",
    "cutter.height=3": "cutter.height: 3",
    "preprocessor.before=[{ use = 'nothing' }]": "no preprocessor named 'nothing'",
    "decoder.use=ctc-bean": "no decoder named 'ctc-bean'",
    "backends=['nowhere']": "no backend named 'nowhere'",
    "alphabet=aa": "alphabet: ",
}
"""Settings, each of them wrong in another table of the file, and how what is said of it begins."""


def complaint(*command: str) -> list[str]:
    done = CliRunner().invoke(main, list(command))
    assert done.exit_code == 1, done.output
    return done.output.splitlines()


@pytest.mark.parametrize("setting", MISTAKES)
def test_reading_is_refused_for_a_mistake_in_any_table(tiny_run: Path, setting: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ocrkit.load(tiny_run, [setting])
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith(MISTAKES[setting])


def test_run_check_and_train_say_the_same_of_a_file(
    tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    settings = [
        word for setting in (*MISTAKES, "training.backends=[]") for word in ("--set", setting)
    ]
    checked = complaint("check", str(tiny_run), *settings)
    assert len(checked) == len(MISTAKES)
    assert (
        complaint("run", "--pipeline", str(tiny_run), "--data", str(words_root), *settings)
        == checked
    )
    image = str(next((words_root / "words").rglob("*.png")))
    assert complaint("run", image, "--pipeline", str(tiny_run), *settings) == checked
    out = str(tmp_path / "run")
    assert (
        complaint(
            "train", "--pipeline", str(tiny_run), "--data", str(words_root), "--out", out, *settings
        )
        == checked
    )


def test_what_does_not_fit_is_told_behind_what_is_wrong_in_the_file(tiny: Path) -> None:
    spec = read_spec(tiny, ["metrics.cer.colour=red", "preprocessor.height=1"])
    with pytest.raises(ConfigError) as caught:
        assemble(spec)
    wrong, misfit = caught.value.problems
    assert wrong.startswith("metrics[0]: no option 'colour'")
    assert misfit == "cnn needs images at least 2 pixels high, not 1"


def test_an_exported_network_is_read_and_checked_alike(
    tiny_run: Path, words_root: Path, tmp_path: Path
) -> None:
    export(load_spec(tiny_run), tmp_path / "tiny.onnx")
    network = str(tmp_path / "tiny.onnx")
    wrong = [
        "--set",
        "decoder.use=ctc-bean",
        "--set",
        "metrics.cer.colour=red",
        "--set",
        "preprocessor.height=17",
    ]
    checked = complaint("check", network, *wrong)
    assert [line.partition(".")[0] for line in checked] == [
        "ocrkit: no decoder named 'ctc-bean'",
        "ocrkit: metrics[0]: no option 'colour'",
        "ocrkit: preprocessor: gives 17 × 48 px, but tiny",
    ]
    assert complaint("run", "--pipeline", network, "--data", str(words_root), *wrong) == checked


def test_a_network_that_is_not_there_is_told_with_the_rest(tiny: Path, tmp_path: Path) -> None:
    lines = [line for line in tiny.read_text().splitlines() if "dropout" not in line]
    text = "\n".join(lines).replace("[reader]", 'network = "gone.onnx"\n[reader]', 1)
    for table in (
        '[featurizer]\nuse = "cnn"\nchannels = 4\ncolumns = 2\n',
        '[encoder]\nuse = "bilstm"\nhidden = 8\n',
    ):
        assert table in text
        text = text.replace(table, "")
    (tmp_path / "exported.toml").write_text(text)
    first, second = complaint(
        "check", str(tmp_path / "exported.toml"), "--set", "decoder.use=ctc-bean"
    )
    assert first.startswith("ocrkit: no decoder named 'ctc-bean'")
    assert "gone.onnx" in second
