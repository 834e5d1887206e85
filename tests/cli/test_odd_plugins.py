"""Whatever a plugin does, a command says which part of which plugin it was, in a line, and goes on
where it can."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from ocrkit.cli import main
from ocrkit.parts.registry import registry

Install = Callable[[str, str], Path]

FAULTS = '''
import os, sys

class Base(BaseException):
    pass

class Mute(Exception):
    def __str__(self):
        raise KeyError("no words")

def at(place):
    """Does what the environment variable ODD says of this place: ``place what``."""
    where, _, what = os.environ.get("ODD", "").partition(" ")
    if where != place:
        return False
    if what == "raises":
        raise LookupError("lost\\nin \\x1b[31m thought")
    if what == "exits":
        sys.exit(5)
    if what == "leaves":
        raise GeneratorExit
    if what == "is none":
        raise Base("of no Exception")
    if what == "is mute":
        raise Mute
    return True
'''

PARTS = (
    FAULTS
    + """
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import ocrkit
from ocrkit import Decoded, ImageSize, Sample, SequenceSize, option


@dataclass(frozen=True)
class OddReader:
    root: Path = option(Path("."), "the folder")
    split: str = option("all", "the split")

    def __post_init__(self):
        at("reader-made")

    def __len__(self):
        return -3 if at("reader-length") else 4

    def __getitem__(self, index):
        if index >= 4:
            raise IndexError
        if index == 1 and at("sample"):
            return None
        return Sample(f"s{index}", "one", None, lambda: self._load(index))

    def _load(self, index):
        if index == 1 and at("image"):
            return np.zeros((4, 4))
        return np.full((20, 30), 40 * index + 10, np.uint8) + np.arange(30, dtype=np.uint8)

    @property
    def skipped(self):
        return [1, 2] if at("skipped") else []

    @property
    def forms(self):
        return 7 if at("forms") else None

    @classmethod
    def sample_root(cls):
        at("sample-root")
        return Path(__file__).parent

    @classmethod
    def check(cls, root):
        at("check")


@dataclass(frozen=True)
class OddSize:
    def __call__(self, image):
        return None if at("preprocessor") else np.full((16, 48), image[0, 0], np.uint8) - np.arange(48, dtype=np.uint8)

    def output_size(self):
        return (16, 48) if at("size") else ImageSize(16, 48)


@dataclass(frozen=True)
class OddDecoder:
    def __post_init__(self):
        at("decoder-made")

    def check(self, alphabet):
        at("decoder-check")

    def __call__(self, log_probs, lengths, alphabet):
        if at("decoder"):
            return [Decoded("one", "much") for _ in lengths]
        if at("decoder-surrogates"):
            return [Decoded("\\ud800", 0.5) for _ in lengths]
        if at("decoder-characters"):
            return [Decoded("one", 0.5, characters=("a", None, 3)) for _ in lengths]
        return [Decoded("one", np.float32(0.5)) for _ in lengths]


@dataclass(frozen=True)
class OddMetric:
    higher_is_better = True

    def counts(self, reference, prediction):
        return (float("nan"), "1") if at("metric") else (1, 1)


@dataclass(frozen=True)
class OddAugmentation:
    def __call__(self, image, rng):
        return image[0] if at("augmentation") else image


@dataclass(frozen=True)
class OddFeatures:
    @property
    def stride(self):
        at("stride")
        return 4

    def output_size(self, input):
        return 7 if at("featurizer-size") else SequenceSize(4, input.width // 4)

    def lengths(self, widths):
        at("lengths")
        return widths // 4

    def parameters(self, input):
        at("parameters")
        return {}


def build(definition, input):
    at("build")

    def features(images, widths):
        if at("features"):
            return images, widths[:0]
        return images.reshape(len(images), -1, 4)[:, :12].copy(), widths // 4

    return features


def read(path, plan):
    return None if at("importer") else {}


@dataclass(frozen=True)
class OddImporter:
    def __call__(self, path, plan):
        return read(path, plan)


@dataclass(frozen=True)
class OddBackend:
    def __post_init__(self):
        at("backend-made")

    def devices(self):
        return None if at("devices") else ["cpu"]


@ocrkit.hookimpl
def ocrkit_readers(register):
    register("odd-reader", OddReader)

@ocrkit.hookimpl
def ocrkit_preprocessors(register):
    register("odd-size", OddSize)

@ocrkit.hookimpl
def ocrkit_decoders(register):
    register("odd-decoder", OddDecoder)

@ocrkit.hookimpl
def ocrkit_metrics(register):
    register("odd-metric", OddMetric)

@ocrkit.hookimpl
def ocrkit_augmentations(register):
    register("odd-augmentation", OddAugmentation)

@ocrkit.hookimpl
def ocrkit_featurizers(register):
    register("odd-features", OddFeatures)
    register("odd-features", build, backend="numpy")

@ocrkit.hookimpl
def ocrkit_importers(register):
    register("odd-importer", OddImporter)

@ocrkit.hookimpl
def ocrkit_backends(register):
    register("odd-backend", OddBackend)
"""  # noqa: E501
)

RAISED = {
    "raises": r"LookupError: lost in \x1b[31m thought",
    "exits": "SystemExit: 5",
    "leaves": "GeneratorExit",
    "is none": "Base: of no Exception",
    "is mute": "Mute: its message cannot be told",
}
PARTS_ONLY = {"odd-reader", "odd-decoder", "odd-size", "odd-metric"}
RUN = "run --pipeline RUN --set reader.use=odd-reader --data SITE"

# Where something goes wrong, by which command it is met, how its line names what did it, and what
# is wrong where it is a value.
PLACES = [
    ("reader-made", RUN, "reader 'odd-reader' (plugin 'odd') failed", None),
    (
        "reader-length",
        RUN,
        "reader 'odd-reader' (plugin 'odd') failed",
        "ValueError: __len__() should return >= 0",
    ),
    (
        "skipped",
        RUN,
        "reader 'odd-reader' (plugin 'odd') failed",
        "TypeError: it says skipped (1, 2)",
    ),
    (
        "forms",
        RUN,
        "reader 'odd-reader' (plugin 'odd') failed",
        "forms 7; expected Skipped, and a FormCount or None",
    ),
    ("sample-root", RUN.partition(" --data")[0], "reader 'odd-reader' (plugin 'odd') failed", None),
    ("check", "data check odd-reader SITE", "plugin 'odd' failed", None),
    ("reader-made", "data show odd-reader SITE --output TO", "plugin 'odd' failed", None),
    (
        "size",
        "check RUN --set preprocessor.use=odd-size",
        "preprocessor 'odd-size' (plugin 'odd')",
        "expected ImageSize",
    ),
    (
        "decoder-made",
        "check RUN --set decoder.use=odd-decoder",
        "decoder 'odd-decoder' (plugin 'odd') failed",
        None,
    ),
    (
        "decoder-check",
        "check RUN --set decoder.use=odd-decoder",
        "decoder 'odd-decoder' (plugin 'odd') failed",
        None,
    ),
    (
        "featurizer-size",
        "check RUN --set featurizer.use=odd-features",
        "featurizer 'odd-features' (plugin 'odd') failed",
        "TypeError: its output_size gave 7; expected SequenceSize",
    ),
    (
        "stride",
        "check RUN --set featurizer.use=odd-features",
        "featurizer 'odd-features' for numpy (plugin 'odd')",
        None,
    ),
    (
        "parameters",
        "check RUN --set featurizer.use=odd-features",
        "featurizer 'odd-features' for numpy (plugin 'odd')",
        None,
    ),
    (
        "build",
        "check RUN --set featurizer.use=odd-features",
        "featurizer 'odd-features' for numpy (plugin 'odd')",
        None,
    ),
    (
        "features",
        "train --pipeline RUN --data DATA --set featurizer.use=odd-features --out TO",
        "plugin 'odd'",
        None,
    ),
    (
        "importer",
        "zoo import --pipeline RUN --params TEXT --importer odd-importer --to TO",
        "importer 'odd-importer' (plugin 'odd') failed",
        "TypeError: it gave NoneType; expected a dictionary of NumPy's arrays",
    ),
    (
        "preprocessor",
        "run --pipeline RUN --data DATA --set preprocessor.use=odd-size",
        "preprocessor 'odd-size' (plugin 'odd') failed",
        "TypeError: it gave NoneType; expected grey pixels",
    ),
    (
        "preprocessor",
        "run --pipeline RUN WORD --set preprocessor.use=odd-size",
        "preprocessor 'odd-size' (plugin 'odd') failed",
        "TypeError: it gave NoneType; expected grey pixels",
    ),
    (
        "decoder",
        "run --pipeline RUN --data DATA --set decoder.use=odd-decoder",
        "decoder 'odd-decoder' (plugin 'odd') failed",
        "TypeError: '<=' not supported",
    ),
    (
        "decoder-surrogates",
        "run --pipeline RUN WORD --set decoder.use=odd-decoder",
        "decoder 'odd-decoder' (plugin 'odd') failed",
        "UnicodeEncodeError",
    ),
    (
        "decoder-characters",
        "run --pipeline RUN WORD --set decoder.use=odd-decoder",
        "decoder 'odd-decoder' (plugin 'odd') failed",
        "ValueError: it gave Decoded(",
    ),
    (
        "metric",
        'run --pipeline RUN --data DATA --set metrics=[{use="odd-metric"}]',
        "metric 'odd-metric' failed",
        "it gave nan and '1'; expected two numbers",
    ),
    (
        "augmentation",
        (
            'train --pipeline RUN --data DATA --set training.augment=[{use="odd-augmentation"}] --out '  # noqa: E501
            "TO"
        ),
        "augmentation 'odd-augmentation' (plugin 'odd') failed",
        "TypeError: it gave uint8 (",
    ),
    (
        "lengths",
        "train --pipeline RUN --data DATA --set featurizer.use=odd-features --out TO",
        "plugin 'odd'",
        None,
    ),
    (
        "backend-made",
        "check RUN --backend odd-backend",
        "no featurizer named 'cnn' for backend 'odd-backend'",
        None,
    ),
]


def ocrkit(*arguments: object) -> Result:
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


@pytest.fixture
def call(
    install: Install, tiny_run: Path, words_root: Path, tmp_path: Path
) -> Callable[[str], Result]:
    site = install("odd", PARTS)
    (tmp_path / "text").write_text("text")
    places = {
        "RUN": tiny_run,
        "DATA": words_root,
        "SITE": site,
        "TEXT": tmp_path / "text",
        "TO": tmp_path / "to",
    }
    places |= {"WORD": next(words_root.rglob("*.png"))}
    return lambda command: ocrkit(*(places.get(word, word) for word in command.split()))


@pytest.mark.parametrize(
    ("where", "command", "named", "what", "words"),
    [
        pytest.param(
            where,
            command,
            named,
            what,
            words,
            id=f"{where}, {command.split(maxsplit=1)[0]}, {what}",
        )
        for where, command, named, value in PLACES
        for what, words in [*RAISED.items(), *([("gives", value)] if value else [])]
    ],
)
def test_whatever_a_part_does_is_told_in_a_line(
    call: Callable[[str], Result],
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    command: str,
    named: str,
    what: str,
    words: str,
) -> None:
    monkeypatch.setenv("ODD", f"{where} {what}")
    result = call(command)
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    line = result.stderr.splitlines()[-1]
    assert named in line
    if "no featurizer" not in named:
        assert words in line
        assert what == "gives" or "(line " in line, "and where"


@pytest.mark.parametrize("what", [*RAISED, "gives"])
@pytest.mark.parametrize("where", ["sample", "image"])
def test_a_run_goes_on_past_one_bad_sample_of_a_reader(
    call: Callable[[str], Result], monkeypatch: pytest.MonkeyPatch, where: str, what: str
) -> None:
    monkeypatch.setenv("ODD", f"{where} {what}")
    result = call(f"{RUN} --set decoder.use=odd-decoder --json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    (skipped,) = found["dataset"]["skipped"]
    assert found["samples"] == 3
    assert "plugin 'odd'" in skipped["reason"] or what == "gives"
    assert what == "gives" or RAISED[what].replace("\\x1b", "\x1b") in skipped["reason"]


def test_without_a_fault_the_odd_plugin_is_as_any_other(call: Callable[[str], Result]) -> None:
    result = call(
        f'{RUN} --set decoder.use=odd-decoder --set metrics=[{{use="odd-metric"}}] --json'
    )
    assert json.loads(result.stdout)["metrics"]["odd-metric"]["value"] == 1
    read = call("run --pipeline RUN WORD --set decoder.use=odd-decoder --json")
    assert json.loads(read.stdout)["items"][0]["confidence"] == 0.5


@pytest.mark.parametrize("what", [*RAISED, "gives"])
def test_result_files_are_scored_by_metrics_that_fail_in_a_line_too(
    call: Callable[[str], Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: str
) -> None:
    command = f'{RUN} --set decoder.use=odd-decoder --set metrics=[{{use="odd-metric"}}]'
    assert call(f"{command} --output {tmp_path}/a.jsonl").exit_code == 0
    monkeypatch.setenv("ODD", f"metric {what}")
    for again in (f"score {tmp_path}/a.jsonl", f"compare {tmp_path}/a.jsonl {tmp_path}/a.jsonl"):
        result = call(again)
        assert result.exit_code == 1
        assert result.stderr.splitlines()[-1].startswith("ocrkit: metric 'odd-metric' failed")
        assert (
            RAISED.get(what, "it gave nan and '1'; expected two numbers")
            in result.stderr.splitlines()[-1]
        )


def test_a_part_that_stops_as_the_user_would_is_taken_for_the_user(
    call: Callable[[str], Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ODD", "decoder leaves")
    import odd

    monkeypatch.setattr(odd, "GeneratorExit", KeyboardInterrupt, raising=False)
    stopped = call("run --pipeline RUN WORD --set decoder.use=odd-decoder")
    assert (stopped.exit_code, stopped.stderr.splitlines()[-1]) == (130, "ocrkit: stopped")


# ---------------------------------------------------------------------------------------- at import

IMPORTS = {
    **{what: f"{FAULTS}\nos.environ['ODD'] = 'import {what}'\nat('import')" for what in RAISED},
    "interrupts": "raise KeyboardInterrupt",
    "cannot be parsed": "def :",
    "has no memory": "raise MemoryError",
    "recurses": "def f():\n    f()\nf()",
}


@pytest.mark.parametrize("what", IMPORTS)
def test_a_plugin_that_cannot_be_imported_ends_no_command(
    install: Install, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ODD", "")
    install("broken", IMPORTS[what])
    listed = ocrkit("plugins", "list")
    assert listed.exit_code == 0, listed.output
    (line,) = [line for line in listed.stdout.splitlines() if line.startswith("broken: ")]
    assert line.startswith("broken: plugin 'broken' (broken-dist 1.2.3, module broken): ")
    assert RAISED.get(what, "") in line
    assert ocrkit("zoo", "list").exit_code == 0
    tested = ocrkit("plugins", "test", "broken")
    assert (tested.exit_code, "FAILED: " in tested.stdout) == (1, True)


def test_a_part_that_cannot_be_imported_is_named(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = """
import ocrkit
@ocrkit.hookimpl
def ocrkit_decoders(register):
    register("late", "late_part:Late")
"""
    site = install("late", source)
    for what, words in {
        "KeyboardInterrupt": "KeyboardInterrupt",
        "GeneratorExit('x')": "GeneratorExit: x",
    }.items():
        (site / "late_part.py").write_text(f"raise {what}")
        for command in (
            ["plugins", "show", "late"],
            ["check", "iam-crnn", "--set", "decoder.use=late"],
        ):
            refused = ocrkit(*command)
            assert refused.exit_code == 1
            assert (
                f"decoder 'late' of plugin 'late' cannot be imported from 'late_part:Late': {words}"
                in refused.stderr
            )


def test_a_plugin_that_is_slow_to_import_is_named(
    install: Install, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    install("slow", "x = 1")
    ticks = iter(range(0, 10_000, 3))
    monkeypatch.setattr(
        "ocrkit.parts.plugins.time", SimpleNamespace(perf_counter=lambda: next(ticks))
    )
    assert ocrkit("plugins", "list").exit_code == 0
    (said,) = (message for message in caplog.messages if "'slow'" in message)
    assert said == (
        "ocrkit: WARNING: plugin 'slow' of slow-dist took 3.0 s to be imported, as it does for "
        "every command; "
        "OCRKIT_DISABLE_PLUGINS=slow leaves it out"
    )
    caplog.clear()
    monkeypatch.setattr("ocrkit.parts.plugins.time", SimpleNamespace(perf_counter=lambda: 1.0))
    registry.cache_clear()
    assert ocrkit("plugins", "list").exit_code == 0
    assert not caplog.messages
