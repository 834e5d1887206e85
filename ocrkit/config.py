"""pipeline.toml → a checked specification. Every mistake is found before any is reported."""

import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union

from ocrkit.characters import wrong_alphabet
from ocrkit.errors import ConfigError, OcrkitError, PluginError
from ocrkit.files import read_text
from ocrkit.guests import guest
from ocrkit.interfaces import option
from ocrkit.kinds import KINDS
from ocrkit.parsing import parse_toml
from ocrkit.plugins import one_line
from ocrkit.registry import is_network_file, nearest, registry
from ocrkit.relative_paths import NARROWING, absolute_reference, make_absolute
from ocrkit.settings import Setting, apply_settings, parse_settings

SCHEMA = 1
PARTS = ("reader", "preprocessor", "featurizer", "encoder", "decoder")


@dataclass(frozen=True, slots=True)
class PartSpec:
    """A part by name, with the options that the pipeline gives it."""

    kind: str
    use: str
    options: dict[str, Any]


@dataclass(frozen=True)
class Training:
    """The ``[training]`` table: how a pipeline's network is trained. ``docs/training.md`` explains
    every option."""

    backends: tuple[str, ...] = option(
        (), "backends that may train it; the first that is installed does"
    )
    split: str = option("all", "the reader's split to train on")
    only: str = option("", "file of form ids, one a line: train on these alone", file="")
    exclude: str = option("", "file of form ids, one a line: leave these out of training", file="")
    validation: str = option(
        "", "the reader's split that chooses the best epoch and stops early; empty: none"
    )
    validation_only: str = option(
        "", "file of form ids, one a line: validate on these alone", file=""
    )
    epochs: int = option(20, "passes over the training split", minimum=1)
    batch_size: int = option(64, "images in a step, of all workers together", minimum=1)
    optimizer: Literal["adam", "adamw"] = option(
        "adam", "Adam (Kingma & Ba 2015) or AdamW (Loshchilov & Hutter 2019)"
    )
    # In float32 a step of Adam has no room for more than ten times this.
    learning_rate: float = option(
        1e-3, "the highest learning rate of the schedule", minimum=0.0, maximum=1e30
    )
    schedule: Literal["constant", "cosine"] = option(
        "constant", "what follows the warm-up: constant, or a half cosine to zero"
    )
    warmup: float = option(
        0.0,
        "share of all steps in which the learning rate rises linearly from zero",
        minimum=0.0,
        maximum=1.0,
    )
    weight_decay: float = option(0.0, "decoupled weight decay; adamw only", minimum=0.0)
    clip_norm: float = option(
        0.0, "largest L2 norm of all gradients together; 0: no clipping", minimum=0.0
    )
    loss_weight: float = option(1.0, "factor on the CTC loss", minimum=0.0)
    length_weighted: bool = option(
        False, "multiply every sample's loss by its label's length, an empty one's by 1"
    )
    shortcut: float = option(
        0.0,
        "weight of the CTC loss of a second head, behind the featurizer, in training only; 0: none",
        minimum=0.0,
    )
    ema_decay: float = option(
        0.0,
        "share of the weights' running average that a step keeps, 0.999 for example; the average "
        "is validated and kept as the "
        "best weights; 0: none",
        minimum=0.0,
        maximum=1.0,
    )
    precision: Literal["float32", "bf16"] = option(
        "float32",
        "bf16: the network computes in bfloat16 where that is safe; weights, gradients and loss "
        "stay float32",
    )
    accumulate: int = option(
        1, "compute a batch in so many pieces, for batches that the memory cannot hold", minimum=1
    )
    deterministic: bool = option(
        False, "on a GPU, only algorithms that repeat bit for bit; a CPU's always do"
    )
    compile: bool = option(False, "let the framework compile the network before training")
    patience: int = option(
        0, "stop after this many epochs without a better validation score; 0: never", minimum=0
    )
    metric: str = option("", "the metric that chooses the best epoch; empty: the pipeline's first")
    unfit: Literal["skip", "refuse"] = option(
        "skip", "labels that the network cannot write: leave out and count, or refuse"
    )
    checkpoint_minutes: float = option(
        5.0, "minutes between checkpoints within an epoch", minimum=0.0
    )
    seed: int = option(0, "fixes initial weights, order, augmentation and dropout", minimum=0)


@dataclass(frozen=True, slots=True)
class PipelineSpec:
    """A pipeline as its file says, checked as far as that is possible without building it."""

    name: str
    summary: str
    backends: tuple[str, ...]
    alphabet: str
    weights: str
    network: str
    """An exported network's file, which takes the place of weights, featurizer and encoder (whose
    ``use`` is then empty)."""
    reader: PartSpec
    before: tuple[PartSpec, ...]
    """Preprocessors that run before ``preprocessor``, in this order: ``[preprocessor] before``."""
    preprocessor: PartSpec
    featurizer: PartSpec
    encoder: PartSpec
    decoder: PartSpec
    metrics: dict[str, PartSpec]
    """By their ``name`` in the file, which is what they use unless given; the first chooses, the
    others are told."""
    training: Training
    augment: tuple[PartSpec, ...]
    also: tuple[PartSpec, ...]
    """Readers whose samples are trained on besides those of ``training.split``."""
    table: dict[str, Any]
    """The whole file after ``--set``, as plain TOML values; a training run keeps it."""
    folder: Path
    """Where relative paths in the file start from."""
    problems: tuple[str, ...]
    """What is wrong with the file and the settings, a line each; empty for a pipeline of
    :func:`load_spec`."""

    @property
    def title(self) -> str:
        """The name, and before it, of a training run, its folder's: ``runs/mine (iam-crnn)``."""
        run = run_name(self.folder)
        return f"{run} ({self.name})" if run else self.name


def run_name(folder: Path) -> str:
    """The folder's name with the one above it, the same from wherever it is looked at; empty where
    it is no training run's."""
    return Path(*folder.resolve().parts[-2:]).as_posix() if (folder / "run.json").is_file() else ""


# ------------------------------------------------------------------------------------------ options


def describe_type(annotation: Any) -> str:
    """An option's type in words: ``a whole number``, ``one of 'a', 'b'``."""
    origin = typing.get_origin(annotation)
    if origin is Literal:
        return "one of " + ", ".join(repr(choice) for choice in typing.get_args(annotation))
    if origin in (Union, types.UnionType):
        return " or ".join(
            describe_type(choice)
            for choice in typing.get_args(annotation)
            if choice is not type(None)
        )
    if origin is tuple:
        return f"a list of {describe_type(typing.get_args(annotation)[0])}"
    names = {
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        str: "a text",
        Path: "a path",
    }
    return names.get(annotation, str(annotation))


def describe_options(cls: Any) -> list[dict[str, Any]]:
    """The options of a part, as plain values: name, type in words with its range, default, whether
    it is required, meaning.

    What has no options is no dataclass. Raises PluginError where a type cannot be told.
    """
    if not is_dataclass(cls):
        return []
    hints, described = _types(cls), []
    for each in fields(cls):
        if not each.init:
            continue
        default = each.default if each.default_factory is MISSING else each.default_factory()
        limits = _range(each.metadata)
        described.append(
            {
                "name": each.name,
                "type": describe_type(hints[each.name]) + (f", {limits}" if limits else ""),
                "default": None if default is MISSING else _plain(default),
                "required": default is MISSING,
                "documentation": each.metadata.get("doc", ""),
            }
        )
    return described


def _plain(value: Any) -> Any:
    """An option's value as a pipeline's file has it."""
    return (
        [_plain(item) for item in value]
        if isinstance(value, tuple)
        else str(value)
        if isinstance(value, Path)
        else value
    )


def _types(cls: Any) -> dict[str, Any]:
    """The types of a part's options. Raises PluginError where they cannot be told."""
    try:
        return typing.get_type_hints(cls)
    except Exception as error:  # a type may be written as any expression
        raise PluginError(
            f"{cls.__module__}.{cls.__qualname__}: the types of its options cannot be told: "
            f"{one_line(error)}. "
            "What they name is to be imported in the module itself, not under TYPE_CHECKING."
        ) from error


def _convert(value: Any, annotation: Any) -> Any:
    """The TOML value as the annotated type. Raises TypeError where it is of another."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        if any(value == choice and type(value) is type(choice) for choice in arguments):
            return value
    elif origin in (Union, types.UnionType):
        for choice in arguments:
            if choice is type(None):
                if value is None:
                    return None
                continue
            try:
                return _convert(value, choice)
            except TypeError:
                continue
    elif origin is tuple:
        if isinstance(value, list | tuple):
            return tuple(_convert(item, arguments[0]) for item in value)
    elif annotation is float:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    elif annotation is Path:
        if isinstance(value, str | Path):
            return Path(value)
    elif annotation is Any or (type(value) is annotation):
        return value
    raise TypeError


def _limits(value: Any, metadata: Mapping[str, Any]) -> str:
    """The range of an option in words, if the value is a number outside it."""
    low, high = metadata.get("minimum"), metadata.get("maximum")
    if not isinstance(value, int | float) or isinstance(value, bool):
        return ""
    if (low is None or value >= low) and (high is None or value <= high):  # NaN is in no range
        return ""
    return _range(metadata)


def _range(metadata: Mapping[str, Any]) -> str:
    """The range of an option in words; nothing where it has none."""
    limits = (("least", metadata.get("minimum")), ("most", metadata.get("maximum")))
    return " and ".join(f"at {word} {limit:g}" for word, limit in limits if limit is not None)


def check_options(
    cls: type, options: Mapping[str, Any], where: str, kind: str = ""
) -> tuple[dict[str, Any], list[str]]:
    """Options as a dataclass takes them, and what is wrong with them, each problem naming ``where``
    and the option.

    ``kind`` is the part's, among whose others one may have an option that this one lacks.
    """
    if not isinstance(cls, type) or not is_dataclass(cls):
        return {}, [
            (
                f"{where}: {cls.__module__}.{cls.__qualname__} is no dataclass; expected one whose "
                "fields are the part's options"
            )
        ]
    hints = _types(cls)
    known = {each.name: each for each in fields(cls) if each.init}
    problems = []
    values = {}
    for name, value in options.items():
        if name not in known:
            listed = ", ".join(known) or "none"
            hint = nearest(name, list(known)) or _who_has(name, kind)
            problems.append(f"{where}: no option {name!r}.{hint} Options: {listed}.")
            continue
        try:
            values[name] = _convert(value, hints[name])
        except TypeError:
            problems.append(f"{where}.{name}: {value!r}; expected {describe_type(hints[name])}")
            continue
        limits = _limits(values[name], known[name].metadata)
        if limits:
            problems.append(f"{where}.{name}: {value!r}; expected {limits}")
    missing = [
        n
        for n, each in known.items()
        if n not in options and each.default is MISSING and each.default_factory is MISSING
    ]
    problems += [
        f"{where}.{name}: missing; expected {describe_type(hints[name])}" for name in missing
    ]
    return values, problems


def _who_has(option: str, kind: str) -> str:
    """`` 'ctc-beam' has it: decoder.use=ctc-beam.``, or nothing where no other part of this kind
    has the option."""
    for use in registry().names(kind) if kind in PARTS else ():
        try:
            cls = registry().get(kind, use).load()
        except PluginError:
            continue
        if is_dataclass(cls) and option in {each.name for each in fields(cls) if each.init}:
            return f" {use!r} has it: {kind}.use={use}."
    return ""


def make_part(part: PartSpec, **more: Any) -> Any:
    """The part with its options (and ``more`` of them). Raises ConfigError with all that is wrong,
    or PluginError."""
    cls = registry().get(part.kind, part.use).load()
    where = part.kind if part.kind != "metric" else f"metrics.{part.use}"
    values, problems = check_options(cls, {**part.options, **more}, where, part.kind)
    if problems:
        raise ConfigError(problems)
    with guest(part.kind, part.use):
        return cls(**values)


# -------------------------------------------------------------------------------------------- files


def _part(table: Any, kind: str, where: str, problems: list[str]) -> PartSpec:
    """A part's name and options; its problems go to the list, and it has no name then."""
    broken = PartSpec(kind, "", {})
    if not isinstance(table, dict) or not isinstance(table.get("use"), str):
        chain = (
            ' (those that run before it: before = [{ use = "NAME" }])'
            if where == "preprocessor"
            else ""
        )
        names = ", ".join(registry().names(kind))
        problems.append(
            f'{where}: expected a table with use = "NAME"{chain}; {KINDS[kind].words}s: {names}'
        )
        return broken
    part = PartSpec(
        kind, table["use"], {name: value for name, value in table.items() if name != "use"}
    )
    try:
        cls = registry().get(kind, part.use).load()
    except PluginError as error:
        problems.append(str(error))
        return broken
    options = dict(part.options)
    if kind == "reader":  # narrowed by the core, whatever the reader
        narrowed = {name: options.pop(name) for name in NARROWING if name in options}
        wrong = {name: file for name, file in narrowed.items() if not isinstance(file, str)}
        problems += [
            f"{where}.{name}: {file!r}; expected a file of form ids" for name, file in wrong.items()
        ]
    mistakes = check_options(cls, options, where, kind)[1]
    problems += mistakes
    return broken if mistakes else part


def find_pipeline(source: str | Path) -> Path:
    """The pipeline's file: a name from the zoo, a path to the file, or a folder (a training run)
    that holds one.

    The file is TOML, or a network that ``ocrkit export`` wrote, which holds its pipeline.

    A name of the zoo is the model's; a file or a folder of that name is ``./NAME``. Raises
    OcrkitError where there is none.
    """
    path = Path(source)
    if str(source) in registry().names("zoo"):
        return _model_folder(str(source)) / "pipeline.toml"
    if path.is_dir():
        path = path / "pipeline.toml"
        if not path.is_file():
            raise OcrkitError(
                f"{source}: no pipeline.toml in this folder; expected a training run, a TOML file "
                "or a zoo name"
            )
        return path
    if path.suffix == ".toml" or is_network_file(path) or path.is_file():
        if not path.is_file():
            raise OcrkitError(
                f"{source}: no such file; expected a pipeline's TOML file, an exported network, a "
                "training run or a zoo name"
            )
        return path
    return _model_folder(str(source)) / "pipeline.toml"


def _model_folder(name: str) -> Path:
    from ocrkit.zoo import model_folder

    return model_folder(name)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return parse_toml(read_text(path, expected="a pipeline in TOML"))
    except ValueError as error:
        raise ConfigError([f"{path}: not a TOML file: {error}"]) from error


def load_spec(source: str | Path, settings: Sequence[str] | Mapping[str, Any] = ()) -> PipelineSpec:
    """Reads and checks a pipeline. ``settings`` are ``a.b=c`` texts, or values by dotted name.

    Raises ConfigError with every mistake of the file and the settings at once, OcrkitError where
    there is no such file.
    """
    spec = read_spec(source, settings)
    if spec.problems:
        raise ConfigError(spec.problems)
    return spec


def read_spec(source: str | Path, settings: Sequence[str] | Mapping[str, Any] = ()) -> PipelineSpec:
    """A pipeline as far as it is right, and in ``problems`` every mistake of the file and the
    settings.

    It is for :func:`ocrkit.assembly.assemble`, which tells these together with what does not fit. A
    part that is wrong has no name. Relative paths start at the file that names them, those of the
    settings at the current folder; all are absolute in what is returned. Raises OcrkitError where
    there is no such file.
    """
    path = find_pipeline(source)
    if is_network_file(path):
        from ocrkit.exported import read_exported

        table = read_exported(path).pipeline
    else:
        table = _read_toml(path)
    folder, here = path.resolve().parent, Path()
    make_absolute(table, folder, Training)
    changes = parse_settings(settings)
    problems = apply_settings(table, [_seen_from(here, change) for change in changes])
    make_absolute(table, here, Training)
    return _check(table, folder, problems)


def _seen_from(here: Path, change: Setting) -> Setting:
    """A setting whose value, where it is a path of weights or a network, is absolute: it is no
    part's option."""
    path, value = change
    is_reference = path in (["weights"], ["network"]) and isinstance(value, str)
    return (path, absolute_reference(value, here)) if is_reference else change


def _text(table: Mapping[str, Any], name: str, default: str, problems: list[str]) -> str:
    value = table.get(name, default)
    if not isinstance(value, str):
        problems.append(f"{name}: {value!r}; expected a text")
        return default
    return value


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _split_chain(table: Any, problems: list[str]) -> tuple[Any, tuple[PartSpec, ...]]:
    """The table of the last preprocessor, and those that run before it."""
    if not isinstance(table, dict):
        return table, ()
    last = {name: value for name, value in table.items() if name != "before"}
    before = _as_list(table.get("before", []))
    return last, tuple(
        _part(item, "preprocessor", f"preprocessor.before[{index}]", problems)
        for index, item in enumerate(before)
    )


def _metrics(items: list[Any], problems: list[str]) -> dict[str, PartSpec]:
    """The metrics by name."""
    named: dict[str, PartSpec] = {}
    for index, item in enumerate(items):
        where = f"metrics[{index}]"
        options = (
            {key: value for key, value in item.items() if key != "name"}
            if isinstance(item, dict)
            else item
        )
        part = _part(options, "metric", where, problems)
        name = item.get("name", part.use) if isinstance(item, dict) else ""
        if not isinstance(name, str) or (part.use and not name):
            problems.append(
                f"{where}.name: {name!r}; expected a text, by which results call the metric"
            )
        elif name in named:
            problems.append(
                f"{where}: another metric is called {name!r}; give one of them a name of its own: "
                'name = "…"'
            )
        elif part.use:
            named[name] = part
    if not items:
        problems.append('metrics: expected at least one [[metrics]] table with use = "NAME"')
    return named


def _check(table: dict[str, Any], folder: Path, problems: list[str]) -> PipelineSpec:
    """What the file says, where that is right; what is wrong is added to the problems."""
    known = [
        "schema",
        "name",
        "summary",
        "backends",
        "alphabet",
        "weights",
        "network",
        *PARTS,
        "metrics",
        "training",
    ]
    if table.get("schema") != SCHEMA:
        problems.append(
            f"schema: {table.get('schema')!r}; expected {SCHEMA}, the format that this ocrkit reads"
        )
    problems += [
        f"no table or key {name!r}.{nearest(name, known)} Expected: {', '.join(known)}."
        for name in table
        if name not in known
    ]
    backends = table.get("backends", [])
    if (
        not isinstance(backends, list)
        or not all(isinstance(name, str) for name in backends)
        or not backends
    ):
        problems.append(f'backends: {backends!r}; expected a list of names, for example ["gluon"]')
        backends = []
    alphabet = _text(table, "alphabet", "", problems)
    if mistake := wrong_alphabet(alphabet):
        problems.append(f"alphabet: {mistake}")
        alphabet = "?"  # any will do to check the rest with
    network = _text(table, "network", "", problems)
    replaced = ("featurizer", "encoder", "weights") if network else ()
    problems += [
        f"{name}: the network {network!r} takes its place; leave it out"
        for name in replaced
        if name in table
    ]
    last, before = _split_chain(table.get("preprocessor"), problems)
    tables = {**table, "preprocessor": last}
    parts = {
        kind: _part(tables.get(kind), kind, kind, problems)
        for kind in PARTS
        if kind not in replaced
    }
    parts |= {kind: PartSpec(kind, "", {}) for kind in PARTS if kind in replaced}
    named_metrics = _metrics(_as_list(table.get("metrics", [])), problems)
    training = table.get("training", {})
    training = dict(training) if isinstance(training, dict) else {}
    augment, also = (
        tuple(
            _part(item, kind, f"training.{key}[{index}]", problems)
            for index, item in enumerate(_as_list(training.pop(key, [])))
        )
        for key, kind in (("augment", "augmentation"), ("also", "reader"))
    )
    values, mistakes = check_options(Training, training, "training")
    if values.get("weight_decay") and values.get("optimizer", "adam") != "adamw":
        mistakes.append(
            f"training.weight_decay: {values['weight_decay']:g}, which the optimizer 'adam' has no "
            "use for; "
            "set training.optimizer to 'adamw', or this to 0"
        )
    if values.get("metric") and values["metric"] not in named_metrics:
        mistakes.append(
            f"training.metric: {values['metric']!r} is not one of the pipeline's metrics"
        )
    problems += mistakes
    name = _text(table, "name", folder.name, problems)
    summary, weights = _text(table, "summary", "", problems), _text(table, "weights", "", problems)
    return PipelineSpec(
        name=name,
        summary=summary,
        backends=tuple(backends),
        alphabet=alphabet,
        weights=weights,
        network=network,
        **parts,
        before=before,
        metrics=named_metrics,
        training=Training(**values),
        augment=augment,
        also=also,
        table=table,
        folder=folder,
        problems=tuple(problems),
    )
