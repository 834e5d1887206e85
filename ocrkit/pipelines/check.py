"""Checks a pipeline's table. Every mistake is found before any is reported."""

from collections.abc import Collection, Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

from ocrkit.errors import PluginError
from ocrkit.parts.characters import wrong_alphabet
from ocrkit.parts.checked import init_fields
from ocrkit.parts.kinds import KINDS, ONE_EACH
from ocrkit.parts.objectives import DEFAULT_OBJECTIVE
from ocrkit.parts.options import PartSpec, check_options
from ocrkit.parts.registry import nearest, registry
from ocrkit.pipelines.relative_paths import NARROWING
from ocrkit.pipelines.spec import PipelineSpec
from ocrkit.pipelines.training_options import Training

SCHEMA = 1
TASKS = {
    "text": ("reader", "preprocessor", "featurizer", "encoder", "decoder"),
    "segment": ("reader", "preprocessor", "model", "segmenter"),
}
"""What pipelines read, and the parts that they have for it, each in a table of its own."""
_OPTIONAL = ("model", "segmenter")
"""Of these the parts that it may be without, but not without both: a network may give maps that
nobody makes lines of, and a segmenter may need no network."""
_OF_PAGES = ("order",)
"""Kinds of parts that page pipelines alone have."""
_HEAD = ("schema", "task", "name", "summary", "backends", "objective", "alphabet")
_KEYS = (*_HEAD, "weights", "network")
_REPLACED = ("featurizer", "encoder", "model", "weights")
"""What an exported network takes the place of."""


def checked_part(table: Any, kind: str, where: str, problems: list[str]) -> PartSpec:
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


def checked_text(table: Mapping[str, Any], name: str, default: str, problems: list[str]) -> str:
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
        checked_part(item, "preprocessor", f"preprocessor.before[{index}]", problems)
        for index, item in enumerate(before)
    )


def _cutter(table: Any, problems: list[str]) -> PartSpec:
    """The cutter; a table that names none is of the default one."""
    if isinstance(table, dict) and "use" not in table:
        try:
            table = {"use": registry().default("cutter"), **table}
        except PluginError as error:
            problems.append(f"cutter: {error}")
            return PartSpec("cutter", "", {})
    return checked_part(table, "cutter", "cutter", problems)


def checked_metrics(tables: Any, problems: list[str]) -> dict[str, PartSpec]:
    """The metrics by name."""
    items = _as_list(tables)
    named: dict[str, PartSpec] = {}
    for index, item in enumerate(items):
        where = f"metrics[{index}]"
        options = (
            {key: value for key, value in item.items() if key != "name"}
            if isinstance(item, dict)
            else item
        )
        part = checked_part(options, "metric", where, problems)
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


def _task(table: Mapping[str, Any], problems: list[str]) -> str:
    task = table.get("task", "text")
    if task in TASKS:
        return str(task)
    problems.append(f"task: {task!r}; expected one of {', '.join(TASKS)}")
    return "text"


def _objective(table: Mapping[str, Any], problems: list[str]) -> PartSpec:
    """The objective's name, which is empty where there is no such objective."""
    name = checked_text(table, "objective", DEFAULT_OBJECTIVE, problems)
    try:
        registry().get("objective", name).load()
    except PluginError as error:
        problems.append(str(error))
        name = ""
    return PartSpec("objective", name, {})


def _objective_options(
    objective: PartSpec, training: Mapping[str, Any], problems: list[str]
) -> tuple[list[str], PartSpec]:
    """The names of the objective's options, and the objective with those that are given. Of one
    that is not there nobody knows its options."""
    if not objective.use:
        return [], objective
    cls = registry().get("objective", objective.use).load()
    own = list(init_fields(cls)) if is_dataclass(cls) else []
    given = {name: training[name] for name in own if name in training}
    mistakes = check_options(cls, given, "training", "objective")[1]
    problems += mistakes
    return own, PartSpec("objective", objective.use, {} if mistakes else given)


def _scores(objective: PartSpec) -> Collection[str]:
    """What the objective itself can choose the best epoch by."""
    if not objective.use:
        return ()
    scores: Mapping[str, bool] = registry().get("objective", objective.use).load().scores
    return scores


def checked_spec(table: dict[str, Any], folder: Path, problems: list[str]) -> PipelineSpec:
    """What the file says, where that is right; what is wrong is added to the problems."""
    task = _task(table, problems)
    objective = _objective(table, problems)
    _check_keys(table, task, problems)
    backends: tuple[str, ...] = ()
    if not _needs_no_network(table, task):
        backends = _backends(table.get("backends", []), problems)
    alphabet = _alphabet(table, task, problems)
    network = checked_text(table, "network", "", problems)
    last, before = _split_chain(table.get("preprocessor"), problems)
    replaced = _REPLACED if network else ()
    problems += [
        f"{name}: the network {network!r} takes its place; leave it out"
        for name in replaced
        if name in table
    ]
    parts: dict[str, Any] = {
        kind: PartSpec(kind, "", {}) for kind in ONE_EACH if kind not in _OF_PAGES
    }
    needed = {"model"} if not {*_OPTIONAL, "network"} & table.keys() else set()
    for kind in TASKS[task]:
        if kind not in replaced and (kind in table or kind in needed or kind not in _OPTIONAL):
            named = last if kind == "preprocessor" else table.get(kind)
            parts[kind] = checked_part(named, kind, kind, problems)
    if "cutter" in table and task == "text":
        parts["cutter"] = _cutter(table["cutter"], problems)
    metrics = checked_metrics(table.get("metrics", []), problems) if task == "text" else {}
    trained = _training(table.get("training", {}), objective, metrics, problems)
    return PipelineSpec(
        name=checked_text(table, "name", folder.name, problems),
        summary=checked_text(table, "summary", "", problems),
        backends=backends,
        task=task,
        alphabet=alphabet,
        weights=checked_text(table, "weights", "", problems),
        network=network,
        **parts,
        before=before,
        metrics=metrics,
        **trained,
        table=table,
        folder=folder,
        problems=tuple(problems),
    )


def _needs_no_network(table: Mapping[str, Any], task: str) -> bool:
    """Whether lines are found by a segmenter alone."""
    return task == "segment" and "segmenter" in table and not {"model", "network"} & table.keys()


def _check_keys(table: Mapping[str, Any], task: str, problems: list[str]) -> None:
    """Finds another schema, and what no pipeline of this task has."""
    of_text = ["cutter", "metrics"] if task == "text" else []
    known = [*_KEYS, *TASKS[task], *of_text, "training"]
    if task != "text":
        known.remove("alphabet")
    checked_schema(table, known, problems)


def checked_schema(table: Mapping[str, Any], known: list[str], problems: list[str]) -> None:
    """Finds another schema, and tables and keys that are not known."""
    if table.get("schema") != SCHEMA:
        problems.append(
            f"schema: {table.get('schema')!r}; expected {SCHEMA}, the format that this ocrkit reads"
        )
    problems += [
        f"no table or key {name!r}.{nearest(name, known)} Expected: {', '.join(known)}."
        for name in table
        if name not in known
    ]


def _backends(names: Any, problems: list[str]) -> tuple[str, ...]:
    if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
        return tuple(names)
    known = ", ".join(registry().names("backend"))
    problems.append(f"backends: {names!r}; expected a list of names, among {known}")
    return ()


def _alphabet(table: Mapping[str, Any], task: str, problems: list[str]) -> str:
    alphabet = checked_text(table, "alphabet", "", problems)
    if task == "text" and (mistake := wrong_alphabet(alphabet)):
        problems.append(f"alphabet: {mistake}")
        return "?"  # any will do to check the rest with
    return alphabet


def _training(
    table: Any, objective: PartSpec, metrics: Collection[str], problems: list[str]
) -> dict[str, Any]:
    """The fields of :class:`PipelineSpec` that the table ``[training]`` gives: its options, those
    of the objective among them, and the parts that it names."""
    options = dict(table) if isinstance(table, dict) else {}
    own, objective = _objective_options(objective, options, problems)
    options = {name: value for name, value in options.items() if name not in own}
    augment, also = (
        tuple(
            checked_part(item, kind, f"training.{key}[{index}]", problems)
            for index, item in enumerate(_as_list(options.pop(key, [])))
        )
        for key, kind in (("augment", "augmentation"), ("also", "reader"))
    )
    values, mistakes = check_options(Training, options, "training", more=own)
    problems += mistakes
    if values.get("weight_decay") and values.get("optimizer", "adam") != "adamw":
        problems.append(
            f"training.weight_decay: {values['weight_decay']:g}, which the optimizer 'adam' has no "
            "use for; set training.optimizer to 'adamw', or this to 0"
        )
    if values.get("metric") and values["metric"] not in (*metrics, *_scores(objective)):
        problems.append(
            f"training.metric: {values['metric']!r} is not one of the pipeline's metrics"
        )
    return {
        "objective": objective,
        "training": Training(**values),
        "augment": augment,
        "also": also,
    }
