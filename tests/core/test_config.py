"""Pipelines' files: what is accepted, what is refused and how, and what --set does."""

import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from ocrkit.errors import ConfigError, OcrkitError
from ocrkit.interfaces import option
from ocrkit.parts.kinds import KINDS
from ocrkit.parts.options import PartSpec, check_options, make_part
from ocrkit.pipelines.file import load_spec
from ocrkit.pipelines.settings import parse_setting
from ocrkit.pipelines.spec import PipelineSpec
from ocrkit.pipelines.training_options import Training
from ocrkit_ctc.greedy import Greedy

IAM_CRNN = Path(__file__).parents[2] / "zoo" / "ocrkit_zoo" / "iam-crnn" / "pipeline.toml"


@dataclass(frozen=True)
class Part:
    """Options of every type that a part may have."""

    whole: int = option(1, "", minimum=1, maximum=9)
    number: float = option(0.5, "", minimum=0.0, maximum=1.0)
    flag: bool = option(False, "")
    text: str = option("", "")
    path: Path = option(Path(), "")
    choice: Literal["a", "b", 3] = option("a", "")
    maybe: int | None = option(None, "", minimum=0)
    either: int | str = option(0, "")
    texts: tuple[str, ...] = option((), "")
    numbers: tuple[float, ...] = option((), "")


def problems_of(call: Callable[[], Any]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        call()
    assert all("\n" not in problem for problem in caught.value.problems)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


# ------------------------------------------------------------------------------------------ options


@pytest.mark.parametrize(
    ("name", "value", "made"),
    [
        ("whole", 9, 9),
        ("number", 1, 1.0),
        ("number", 0.25, 0.25),
        ("flag", True, True),
        ("text", "x", "x"),
        ("path", "a/b", Path("a/b")),
        ("path", Path("a"), Path("a")),
        ("choice", "b", "b"),
        ("choice", 3, 3),
        ("maybe", 4, 4),
        ("maybe", None, None),
        ("either", 4, 4),
        ("either", "four", "four"),
        ("texts", ["a", "b"], ("a", "b")),
        ("numbers", [1, 2.5], (1.0, 2.5)),
    ],
)
def test_a_value_of_the_right_type_is_taken(name: str, value: Any, made: Any) -> None:
    values, problems = check_options(Part, {name: value}, "part")
    assert problems == []
    assert values == {name: made}
    assert type(values[name]) is type(made)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("whole", "3", "part.whole: '3'; expected a whole number"),
        ("whole", 3.0, "part.whole: 3.0; expected a whole number"),
        ("whole", True, "part.whole: True; expected a whole number"),
        ("whole", 0, "part.whole: 0; expected at least 1 and at most 9"),
        ("whole", 10, "part.whole: 10; expected at least 1 and at most 9"),
        ("number", "x", "part.number: 'x'; expected a number"),
        ("number", False, "part.number: False; expected a number"),
        ("number", 1.5, "part.number: 1.5; expected at least 0 and at most 1"),
        ("number", float("nan"), "part.number: nan; expected at least 0 and at most 1"),
        ("flag", 1, "part.flag: 1; expected true or false"),
        ("text", 5, "part.text: 5; expected a text"),
        ("path", 5, "part.path: 5; expected a path"),
        ("choice", "c", "part.choice: 'c'; expected one of 'a', 'b', 3"),
        ("choice", 3.0, "part.choice: 3.0; expected one of 'a', 'b', 3"),
        ("maybe", "x", "part.maybe: 'x'; expected a whole number"),
        ("maybe", -1, "part.maybe: -1; expected at least 0"),
        ("either", 1.5, "part.either: 1.5; expected a whole number or a text"),
        ("texts", "a", "part.texts: 'a'; expected a list of a text"),
        ("texts", ["a", 1], "part.texts[1]: 1; expected a text"),
    ],
)
def test_a_value_of_another_type_or_out_of_range_is_named_with_what_was_expected(
    name: str, value: Any, message: str
) -> None:
    assert check_options(Part, {name: value}, "part")[1] == [message]


def test_an_unknown_option_is_refused_with_the_nearest_name() -> None:
    _, (problem,) = check_options(Part, {"hole": 1}, "part")
    assert problem.startswith(
        "part: no option 'hole'. Did you mean 'whole'? Options: whole, number, flag,"
    )


def test_an_option_without_a_default_is_asked_for() -> None:
    @dataclass
    class Needs:
        size: int

    assert check_options(Needs, {}, "part")[1] == ["part.size: missing; expected a whole number"]


def test_making_a_part_says_all_that_is_wrong_with_it() -> None:
    part = PartSpec("preprocessor", "fit-pad", {"height": 0, "width": "wide", "colour": 1})
    assert len(problems_of(lambda: make_part(part))) == 3


def test_a_part_that_is_no_dataclass_is_named(
    install: Callable[[str, str], Path], tiny: Path
) -> None:
    install(
        "plain",
        """
import ocrkit

class Plain:
    def __call__(self, log_probs, lengths, alphabet):
        return []

def function(log_probs, lengths, alphabet):
    return []

@ocrkit.hookimpl
def ocrkit_decoders(register):
    register("plain", "plain:Plain")
    register("function", function)
""",
    )
    for name in ("plain", "function"):
        (problem,) = problems_of(lambda name=name: load_spec(tiny, [f"decoder.use={name}"]))
        assert name in problem
        assert "dataclass" in problem


def test_every_option_of_every_part_is_documented() -> None:
    """`ocrkit plugins show` prints these."""
    from ocrkit.parts.registry import registry

    parts = [
        entry.load()
        for entry in registry().entries()
        if entry.backend is None and KINDS[entry.kind].has_options
    ]
    assert len(parts) > 10
    undocumented = [
        f"{cls.__name__}.{each.name}"
        for cls in [*parts, Training]
        for each in fields(cls)
        if each.init and not each.metadata.get("doc")
    ]
    assert undocumented == []


# -------------------------------------------------------------------------------------------- files


def test_the_shipped_pipeline_is_accepted() -> None:
    spec = load_spec(IAM_CRNN)
    assert spec.name == "iam-crnn"
    assert (spec.featurizer.use, spec.encoder.use, spec.decoder.use) == (
        "cnn",
        "bilstm",
        "ctc-greedy",
    )
    assert list(spec.metrics) == ["cer", "wer", "levenshtein"]
    assert len(spec.alphabet) == 95
    assert spec.folder == IAM_CRNN.parent
    assert spec.table == tomllib.loads(IAM_CRNN.read_text())


@pytest.mark.parametrize(
    "name",
    [
        "hands-lines",
        "iam-crnn",
        "iam-lines",
        "iam-words-fast",
        "iam-words-resnet",
        "synth-words-resnet",
    ],
)
def test_shipped_pipelines_are_trained_on_torch_and_on_the_retired_framework_only_where_that_is_missing(  # noqa: E501
    name: str,
) -> None:
    assert load_spec(name).training.backends[0] == "torch"


def test_the_notebooks_recipe_is_accepted() -> None:
    spec = load_spec(
        IAM_CRNN,
        [
            "training.optimizer=adam",
            "training.learning_rate=5e-5",
            "training.schedule=constant",
            "training.warmup=0",
            "training.clip_norm=0",
            "training.weight_decay=0",
            "training.loss_weight=0.2",
            "training.length_weighted=true",
            "training.batch_size=64",
            "training.epochs=20",
            "training.augment=[]",
            "training.split=random-80-20/train",
            "training.validation=random-80-20/test",
            "training.patience=0",
        ],
    )
    assert spec.training.learning_rate == 5e-5
    assert spec.objective.options == {"length_weighted": True}
    assert spec.training.loss_weight == 0.2
    assert spec.training.split == "random-80-20/train"
    assert spec.augment == ()


def test_weight_decay_that_adam_would_not_apply_is_refused(tiny: Path) -> None:
    message = (
        r"training.weight_decay: 0.01, which the optimizer 'adam' has no use for; set "
        r"training.optimizer to 'adamw', or"
    )
    with pytest.raises(ConfigError, match=message):
        load_spec(tiny, {"training.weight_decay": 0.01})
    for settings in (
        {"training.optimizer": "adamw", "training.weight_decay": 0.01},
        {"training.weight_decay": 0},
    ):
        assert load_spec(tiny, settings).training.weight_decay == settings["training.weight_decay"]


def test_every_mistake_is_found_before_any_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(
        """
schema = 2
name = 5
backends = []
alphabet = "aab"
colour = "red"
featurizer = "cnn"
[reader]
use = "iam"
levle = "words"
[preprocessor]
use = "fit-pda"
[encoder]
use = "bilstm"
hidden = 0
[[metrics]]
use = "cer"
[[metrics]]
use = 3
[training]
epochs = "many"
warmup = 1.5
rate = 1
metric = "wer"
augment = [{ use = "sheer" }, { use = "shear", degrees = "x" }]
"""
    )
    problems = problems_of(lambda: load_spec(file))
    for expected in [
        "schema: 2; expected 1",
        "name: 5; expected a text",
        "backends: []; expected a list",
        "alphabet: 'a' U+0061 twice",
        "no table or key 'colour'.",
        "featurizer: expected a table with use",
        "reader: no option 'levle'. Did you mean 'level'?",
        "no preprocessor named 'fit-pda'. Did you mean 'fit-pad'?",
        "encoder.hidden: 0; expected at least 1",
        "decoder: expected a table with use",
        "metrics[1]: expected a table with use",
        "training.epochs: 'many'; expected a whole number",
        "training.warmup: 1.5; expected at least 0 and at most 1",
        "training: no option 'rate'.",
        "training.metric: 'wer' is not one of the pipeline's metrics",
        "no augmentation named 'sheer'. Did you mean 'shear'?",
        "training.augment[1].degrees: 'x'; expected",
    ]:
        assert sum(problem.startswith(expected) for problem in problems) == 1, expected
    assert len(problems) == 17


def test_a_pipeline_need_not_say_how_it_is_trained(tiny: Path, tmp_path: Path) -> None:
    table = tomllib.loads(tiny.read_text())
    del table["training"]
    table["metrics"] = [{"use": "wer"}]
    file = tmp_path / "reading.toml"
    file.write_text(tomli_w.dumps(table))
    assert load_spec(file).training.epochs == Training.epochs


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"a = ", "not a TOML file"), (b"x = 1" + b"1" * 5000, "not a TOML file")],
)
def test_a_file_that_is_no_toml_is_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(content)
    (problem,) = problems_of(lambda: load_spec(file))
    assert problem.startswith(f"{file}: {message}")


def test_a_pipeline_saved_with_a_byte_order_mark_is_read(tiny: Path, tmp_path: Path) -> None:
    file = tmp_path / "saved.toml"
    file.write_text(tiny.read_text(), "utf-8-sig")
    assert load_spec(file).name == load_spec(tiny).name


def test_a_pipeline_is_found_by_file_by_run_and_by_zoo_name(
    tiny: Path, tiny_run: Path, tmp_path: Path
) -> None:
    assert load_spec(tiny).name == load_spec(str(tiny)).name == load_spec(tiny_run).name == "tiny"
    assert load_spec("iam-crnn").name == "iam-crnn"
    for source, message in [
        ("iam-crn", "no zoo model named 'iam-crn'. Did you mean 'iam-crnn'?"),
        (tmp_path / "gone.toml", "no such file"),
        (tmp_path, "no pipeline.toml in this folder"),
    ]:
        with pytest.raises(OcrkitError, match=message):
            load_spec(source)


# ---------------------------------------------------------------------------------------------- set


def changed(tiny: Path, *settings: str) -> PipelineSpec:
    return load_spec(tiny, settings)


def test_a_setting_changes_one_value(tiny: Path) -> None:
    spec = changed(
        tiny,
        "encoder.hidden=12",
        "name=other",
        "training.augment=[{use = 'shear', degrees = 3}]",
        "alphabet=xyz",
    )
    assert spec.encoder.options == {"hidden": 12, "dropout": 0.05}
    assert (spec.name, spec.alphabet) == ("other", "xyz")
    assert [(part.use, part.options) for part in spec.augment] == [("shear", {"degrees": 3})]
    assert load_spec(tiny).encoder.options["hidden"] == 8


def test_settings_may_come_as_values_by_name(tiny: Path) -> None:
    spec = load_spec(tiny, {"encoder.hidden": 12, "training.split": "all"})
    assert (spec.encoder.options["hidden"], spec.training.split) == (12, "all")


def test_a_part_that_is_replaced_loses_its_options(tiny: Path) -> None:
    assert changed(tiny, "preprocessor.use=fit-height").preprocessor == PartSpec(
        "preprocessor", "fit-height", {}
    )
    assert changed(tiny, "preprocessor.use=fit-pad").preprocessor.options == {
        "height": 16,
        "width": 48,
    }, "it is the same part"


@pytest.mark.parametrize("reverse", [False, True])
def test_other_settings_apply_to_the_part_that_takes_its_place_whatever_their_order(
    tiny: Path, reverse: bool
) -> None:
    settings = [
        "preprocessor.height=20",
        "preprocessor.use=fit-height",
        "preprocessor.max_width=512",
    ]
    spec = changed(tiny, *(reversed(settings) if reverse else settings))
    assert spec.preprocessor == PartSpec(
        "preprocessor", "fit-height", {"height": 20, "max_width": 512}
    )


def test_an_option_of_the_part_that_was_replaced_is_refused(tiny: Path) -> None:
    (problem,) = problems_of(
        lambda: changed(tiny, "preprocessor.use=fit-height", "preprocessor.width=48")
    )
    assert "no option 'width'" in problem


def test_metrics_and_augmentations_are_named_by_what_they_use(tiny: Path) -> None:
    settings = [
        "training.augment=[{use = 'shear'}, {use = 'rotate'}]",
        "training.augment.rotate.degrees=7",
    ]
    for order in (settings, settings[::-1]):
        assert [part.options for part in changed(tiny, *order).augment] == [{}, {"degrees": 7}]
    spec = changed(tiny, "metrics.levenshtein.use=wer")
    assert list(spec.metrics) == ["cer", "wer"]
    (problem,) = problems_of(lambda: changed(tiny, "metrics.wer.x=1"))
    assert problem == "--set metrics.wer.x: the pipeline has no table 'metrics.wer'"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("encoder.hiden=3", "encoder: no option 'hiden'. Did you mean 'hidden'?"),
        ("encoder.use=bilstmm", "no encoder named 'bilstmm'. Did you mean 'bilstm'?"),
        ("encodr.hidden=3", "no table or key 'encodr'. Did you mean 'encoder'?"),
        ("name.first=3", "--set name.first: the pipeline has no table 'name'"),
        ("encoder.hidden", "--set encoder.hidden: expected PART.OPTION=VALUE"),
        ("=3", "--set =3: expected PART.OPTION=VALUE"),
        ("encoder..hidden=3", "--set encoder..hidden=3: expected PART.OPTION=VALUE"),
        ("use=cnn", "no table or key 'use'."),
    ],
)
def test_a_setting_that_fits_nothing_is_one_clear_line(
    tiny: Path, setting: str, message: str
) -> None:
    (problem,) = problems_of(lambda: changed(tiny, setting))
    assert problem.startswith(message)


TOML_VALUES = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda values: st.lists(values, max_size=3),
    max_leaves=4,
)


@given(
    st.lists(st.from_regex(r"[a-z_-]{1,8}", fullmatch=True), min_size=1, max_size=3), TOML_VALUES
)
def test_a_setting_holds_any_toml_value(path: list[str], value: Any) -> None:
    line = tomli_w.dumps({"v": value}).removeprefix("v = ").replace("\n", " ").strip()
    assert parse_setting(f"{'.'.join(path)}={line}") == (path, value)


@given(st.text())
def test_what_is_no_toml_value_is_the_text_itself(text: str) -> None:
    _, value = parse_setting(f"a.b={text}")
    if isinstance(value, str) and not text.strip().startswith(("'", '"')):
        assert value == text


@given(st.text())
def test_any_setting_is_understood_or_refused_in_one_line(setting: str) -> None:
    try:
        path, value = parse_setting(setting)
    except ConfigError as error:
        lines = error.problems
    else:
        assert all(path)
        lines = [json.dumps(value, default=str)]
    assert len(lines) == 1


def test_a_setting_can_add_to_a_text_or_a_list(tiny: Path) -> None:
    spec = load_spec(tiny, ["alphabet+=äöü", "alphabet +=ß", "metrics+=[{use='wer'}]"])
    assert spec.alphabet == "ehnotäöüß"
    assert list(spec.metrics) == ["cer", "levenshtein", "wer"]
    assert load_spec(tiny, {"alphabet+": "ä"}).alphabet == "ehnotä"
    augment = load_spec(tiny, ["training.augment+=[{use='shear'}]"]).augment
    assert [part.use for part in augment] == ["shear"], "a list need not be there"
    problems = problems_of(
        lambda: load_spec(
            tiny, ["featurizer.channels+=1", "alphabet+=7", "summary+=new", "alphabet+=e"]
        )
    )
    assert problems == [
        "--set alphabet+=7: alphabet is 'ehnot'; expected a text or a list to add to",
        "--set summary+='new': summary is None; expected a text or a list to add to",
        "--set featurizer.channels+=1: channels is 4; expected a text or a list to add to",
        "alphabet: 'e' U+0065 twice; every character needs one class, so name it once",
    ]
    with pytest.raises(ConfigError, match=r"--set \+=x: expected PART.OPTION=VALUE"):
        parse_setting("+=x")


@pytest.mark.parametrize("text", ["9" * 5000, "1\nother = 2", "", "a=b", "aachen/test"])
def test_texts_that_resemble_toml_stay_texts(text: str) -> None:
    assert parse_setting(f"a.b={text}") == (["a", "b"], text)


def test_the_options_are_what_the_part_gets(tiny: Path) -> None:
    assert isinstance(make_part(load_spec(tiny).decoder), Greedy)


def test_files_of_form_ids_are_named_by_texts(tiny: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_spec(tiny, ["reader.only=3", "reader.exclude=[]"])
    assert caught.value.problems == [
        "reader.only: 3; expected a file of form ids",
        "reader.exclude: []; expected a file of form ids",
    ]


# -------------------------------------------------------------------------------- alphabet and text


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            ["alphabet+=a", "alphabet+=aeh"],
            "'e' U+0065 twice, 'h' U+0068 twice, 'a' U+0061 twice; every character needs one",
        ),
        (["alphabet+=ooo"], "'o' U+006F 4 times; every character needs one class, so name it once"),
        (["alphabet=a\u200bb\u200b"], r"'\u200b' U+200B twice; every character"),
        (
            ["alphabet+=e\u0301"],
            (
                "'e' U+0065 twice; every character needs one class, so name it once. Some are "
                "typed as a letter and its "
                "accent; in Unicode's form NFC they are one: 'é' U+00E9"
            ),
        ),
        (["alphabet="], "empty; expected the characters that the network can write, each once"),
    ],
)
def test_a_wrong_alphabet_is_told_by_the_character(
    tiny: Path, settings: list[str], said: str
) -> None:
    (problem,) = problems_of(lambda: load_spec(tiny, settings))
    assert problem.startswith(f"alphabet: {said}")


def test_a_file_that_an_editor_has_marked_is_read(tiny: Path, tmp_path: Path) -> None:
    """With a byte-order mark, and ends of lines as on Windows."""
    (tmp_path / "pipeline.toml").write_bytes(
        tiny.read_text().replace("\n", "\r\n").encode("utf-8-sig")
    )
    assert load_spec(tmp_path / "pipeline.toml").alphabet == "ehnot"
    assert load_spec(tmp_path).encoder == load_spec(tiny).encoder
