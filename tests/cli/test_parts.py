"""``ocrkit check``, ``ocrkit plugins`` and ``ocrkit zoo``."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from networks import why_missing
from ocrkit.cli import main
from ocrkit.parts.registry import registry
from ocrkit.zoo.models import model

Install = Callable[[str, str], Path]


def ocrkit(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def test_check_shows_the_seams() -> None:
    result = ocrkit("check", "iam-crnn")
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows[1][-4:] == ["stride", "longest", "label", "parameters"]
    assert rows[4] == [
        "featurizer",
        "cnn",
        "onnx",
        "32",
        "×",
        "128",
        "px",
        "32",
        "steps",
        "×",
        "1024",
        "4",
        "28,448",
    ]
    assert rows[6] == [
        "head",
        "linear",
        "onnx",
        "32",
        "steps",
        "×",
        "400",
        "32",
        "steps",
        "×",
        "96",
        "32",
        "38,496",
    ]
    assert "2,028,544 parameters; 96 classes\n" in result.stdout
    assert result.stdout.endswith("weights: zoo:iam-crnn\n")


def test_check_says_how_long_labels_may_be_where_the_width_varies() -> None:
    result = ocrkit("check", "iam-crnn", "--set", "preprocessor.use=fit-height")
    (head,) = (line for line in result.stdout.splitlines() if line.startswith("head"))
    assert head.split()[-4:] == ["width", "÷", "4", "38,496"]


def test_check_says_untrained_where_the_weights_no_longer_apply() -> None:
    result = ocrkit("check", "iam-crnn", "--set", "encoder.hidden=100")
    assert result.exit_code == 0
    assert (
        "untrained: weights 'zoo:iam-crnn' no longer apply: encoder.hidden is 100, for the weights "
        "200" in result.stdout
    )


def test_check_says_everything_that_is_wrong_at_once() -> None:
    result = ocrkit(
        "check",
        "iam-crnn",
        "--set",
        "featurizer.channels=0",
        "--set",
        "encoder.use=bilst",
        "--set",
        "decoder.beam=3",
    )
    assert (result.exit_code, result.stdout) == (1, "")
    assert "ocrkit: featurizer.channels: 0; expected at least 1" in result.stderr
    assert "ocrkit: no encoder named 'bilst'. Did you mean 'bilstm'?" in result.stderr
    assert "ocrkit: decoder: no option 'beam'" in result.stderr


def test_check_says_what_the_file_has_wrong_and_what_does_not_fit_at_once() -> None:
    settings = ["decoder.use=foo", "alphabet=aa", "preprocessor.width=1", "encoder.hidden=0"]
    result = ocrkit(
        "check",
        "iam-crnn",
        "--backend",
        "tensorflow",
        *(word for each in settings for word in ("--set", each)),
    )
    assert (result.exit_code, result.stdout) == (1, "")
    lines = [line.removeprefix("ocrkit: ") for line in result.stderr.splitlines()]
    expected = [
        "alphabet: 'a' U+0061 twice; every character needs one class, so name it once",
        "encoder.hidden: 0; expected at least 1",
        "no decoder named 'foo'. Available: ctc-beam, ctc-greedy.",
        f"no backend named 'tensorflow'. Available: {', '.join(registry().names('backend'))}.",
        "cnn needs images at least 4 pixels wide, not 1",
    ]
    assert [line.partition(" Plugins that are not used: ")[0] for line in lines] == expected


def test_plugins_list_names_every_part_and_its_owner() -> None:
    lines = [line.split() for line in ocrkit("plugins", "list").stdout.splitlines()[1:]]
    listed = {(kind, name) for kind, name, *_ in lines if kind != "disabled:"}
    assert listed == {
        (entry.kind, entry.name) for entry in registry().entries() if entry.backend is None
    }
    parts = json.loads(ocrkit("plugins", "list", "--json").stdout)["parts"]
    cnn = next(part for part in parts if part["name"] == "cnn")
    assert (cnn["kind"], cnn["backends"], cnn["plugin"], cnn["distribution"]) == (
        "featurizer",
        registry().names("backend"),
        "crnn",
        "ocrkit",
    )


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            "import package_that_is_missing",
            "ModuleNotFoundError: No module named 'package_that_is_missing'",
        ),
        (
            "import ocrkit\n@ocrkit.hookimpl\ndef ocrkit_featurisers(register): ...",
            "ocrkit_featurisers",
        ),
        ("import ocrkit\n@ocrkit.hookimpl\ndef ocrkit_metrics(registry): ...", "registry"),
    ],
    ids=["import error", "misspelt hook", "wrong arguments"],
)
def test_a_broken_plugin_is_reported_and_all_else_works(
    install: Install, tiny_run: Path, words_root: Path, source: str, reason: str
) -> None:
    install("broken", source)
    result = ocrkit("plugins", "list")
    assert result.exit_code == 0
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("broken: ")]
    assert line.startswith("broken: plugin 'broken' (broken-dist 1.2.3, module broken): ")
    assert reason in line
    assert json.loads(ocrkit("plugins", "list", "--json").stdout)["broken"][0]["name"] == "broken"
    image = next((words_root / "words").rglob("*.png"))
    assert ocrkit("run", image, "--pipeline", tiny_run).exit_code == 0


def test_plugins_show_gives_options_with_types_defaults_and_meaning() -> None:
    shown = ocrkit("plugins", "show", "bilstm").stdout
    assert shown.startswith(
        f"encoder bilstm for {', '.join(registry().names('backend'))}, of plugin crnn (ocrkit "
    )
    assert "  hidden (a whole number, at least 1; default 200): units of each direction\n" in shown
    options = json.loads(ocrkit("plugins", "show", "fit-pad", "--json").stdout)["parts"][0][
        "options"
    ]
    assert [option["name"] for option in options] == [
        "height",
        "width",
        "min_width",
        "multiple",
        "ink",
    ]
    assert options[1] == {
        "name": "width",
        "type": "a whole number, at least 1 and at most 16384",
        "default": 128,
        "required": False,
        "documentation": "width of the result in pixels",
    }


HERE = [
    entry
    for entry in registry().entries()
    if entry.backend is None and (entry.kind != "backend" or not why_missing(entry.name))
]


@pytest.mark.parametrize("entry", HERE, ids=str)
def test_every_part_can_be_shown_and_documents_its_options(entry: object) -> None:
    result = ocrkit("plugins", "show", entry.name, "--json")  # type: ignore[attr-defined]
    assert result.exit_code == 0
    for part in json.loads(result.stdout)["parts"]:
        assert part["summary"]
        assert all(option["documentation"] for option in part["options"])


def test_an_unknown_part_is_one_line() -> None:
    result = ocrkit("plugins", "show", "cn")
    assert (result.exit_code, result.stderr) == (
        1,
        "ocrkit: no part named 'cn'. Did you mean 'cnn'? ocrkit plugins list names them all.\n",
    )


def test_a_plugins_name_is_answered_with_its_parts_or_why_it_is_not_used(install: Install) -> None:
    install("broken", "import package_that_is_missing")
    assert ocrkit("plugins", "show", "crnn").stderr == (
        "ocrkit: no part, but a plugin is named 'crnn'; its parts: bilstm, cnn, resnet-cnn, "
        "separable-cnn\n"
    )
    assert ocrkit("plugins", "show", "broken").stderr == (
        "ocrkit: the plugin 'broken' is not used: ModuleNotFoundError: No module named "
        "'package_that_is_missing'\n"
    )


def test_a_type_that_cannot_be_told_is_one_line(install: Install) -> None:
    """``from __future__ import annotations`` and a name that only type checkers import."""
    source = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom typing import "
        "TYPE_CHECKING\n"
        "import ocrkit\nif TYPE_CHECKING:\n    from pathlib import Path\n@dataclass\nclass "
        "Lexical:\n"
        "    words: Path | None = ocrkit.option(None, 'file of words')\n"
        "@ocrkit.hookimpl\ndef ocrkit_metrics(register): register('lexical', Lexical)"
    )
    install("lexical", source)
    result = ocrkit("plugins", "show", "lexical")
    assert result.exit_code == 1
    assert result.stderr == (
        "ocrkit: lexical.Lexical: the types of its options cannot be told: NameError: name 'Path' "
        "is not defined. "
        "What they name is to be imported in the module itself, not under TYPE_CHECKING.\n"
    )


def test_names_that_cannot_be_used_or_disabled_are_listed(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(
        "sly",
        "import ocrkit\n@ocrkit.hookimpl\ndef ocrkit_metrics(register): register('cer', 'x:X')",
    )
    monkeypatch.setenv("OCRKIT_DISABLE_PLUGINS", "zoo, torhc")
    registry.cache_clear()
    disabled, claimed, misspelt = ocrkit("plugins", "list").stdout.splitlines()[-3:]
    assert claimed.startswith(
        "unusable: metric 'cer' is claimed by the plugins 'levenshtein' (ocrkit) and 'sly'"
    )
    assert disabled.startswith("disabled: plugin 'zoo' (ocrkit ")
    assert misspelt == "OCRKIT_DISABLE_PLUGINS: there is no plugin 'torhc'. Did you mean 'torch'?"
    about = json.loads(ocrkit("plugins", "list", "--json").stdout)
    assert about.keys() == {"parts", "broken", "disabled", "unusable"}
    assert (about["broken"], about["disabled"]) == ([], ["zoo"])
    assert [f"unusable: {reason}" for reason in about["unusable"]] == [claimed]


def test_zoo_list_and_show_state_the_licence() -> None:
    listed = ocrkit("zoo", "list").stdout
    assert "iam-crnn" in listed
    assert "noncommercial" in listed
    manifest = json.loads(ocrkit("zoo", "show", "iam-crnn", "--json").stdout)
    assert manifest["weights"]["parameters"] == 2_028_544
    shown = ocrkit("zoo", "show", "iam-crnn").stdout
    card = (model("iam-crnn").folder / "CARD.md").read_text(encoding="utf-8").strip().splitlines()
    assert shown.splitlines()[: len(card)] == card, "line by line"
    assert "# iam-crnn" in shown
    assert f"licence: {manifest['licence']}" in shown
    assert "trained on 2,126, chosen by 55" in shown
    assert 40 < len(shown.splitlines()) < 80, "a card, not thousands of ids"
    whole = ocrkit("zoo", "show", "iam-crnn", "--manifest").stdout
    assert tomllib.loads(whole) == manifest
    assert ocrkit("zoo", "show", "iam-crn").exit_code == 1


def test_a_broken_model_is_reported_and_the_others_are_listed(install: Install) -> None:
    install(
        "empty",
        "import ocrkit\n@ocrkit.hookimpl\ndef ocrkit_zoos(register): register('empty', "
        "'json:no-model')",
    )
    result = ocrkit("zoo", "list")
    assert result.exit_code == 0
    assert "iam-crnn" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("broken: ")
    assert "no-model" in result.stdout.splitlines()[-1]


def test_a_folder_does_not_hide_the_model_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "iam-crnn").mkdir()
    assert ocrkit("check", "iam-crnn").exit_code == 0
    assert "no pipeline.toml in this folder" in ocrkit("check", "./iam-crnn").stderr


@pytest.mark.usefixtures("install")  # which finds the plugins again afterwards
def test_a_command_without_a_pipeline_and_a_default_model_says_what_to_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OCRKIT_DISABLE_PLUGINS", "zoo")
    registry.cache_clear()
    result = ocrkit("run", "word.png")
    expected = "no zoo model is registered as the default; name one. Available: none.\n"
    assert (result.exit_code, result.stderr) == (1, f"ocrkit: {expected}")
    assert "--pipeline NAME" in ocrkit("run", "--help").stdout
