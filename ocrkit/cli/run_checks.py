"""What the options of ``ocrkit run`` may be, and which go together."""

import re
from pathlib import Path

import click
from click.core import ParameterSource

from ocrkit.cli.run_output import Folder

PRINTED = ("text", "tsv", "csv", "json", "jsonl")
"""What goes to standard output of any number of images."""
HERE = "local"
"""What stands for no engine: pages are read in this process."""
OWN = (HERE,)
"""Names that no engine of a plugin can have."""


def formats_of(_: click.Context, __: click.Parameter, value: str) -> tuple[str, ...]:
    """The formats that are named, each of which there is."""
    names = tuple(dict.fromkeys(value.split(",")))
    if not set(names) <= set(PRINTED):
        from ocrkit.parts.registry import registry

        known = dict.fromkeys((*PRINTED, *registry().names("format")))
        for name in names:
            if name not in known:
                raise click.BadParameter(f"{name!r}; expected some of {', '.join(known)}.")
    return names


def share_of(_: click.Context, __: click.Parameter, value: str | None) -> tuple[int, int]:
    """``2/8`` as two numbers."""
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", value or "1/1")
    share, shares = map(int, found.groups()) if found else (0, 0)
    if not 1 <= share <= shares:
        raise click.BadParameter(f"{value!r}; expected one such as 2/8, the second of 8 shares.")
    return share, shares


def check_files(
    context: click.Context, folder: Folder | None, formats: tuple[str, ...], images: tuple[str, ...]
) -> None:
    """Whether ``--out`` and ``--format`` go with the rest. Raises click.UsageError."""
    if not folder:
        if len(formats) > 1:
            raise click.UsageError("--format takes several formats with --out DIR alone.")
        if context.get_parameter_source("existing") is not ParameterSource.DEFAULT:
            raise click.UsageError("--existing is about the files of --out DIR; name that too.")
        if context.params["shard"] != (1, 1) and (images or not context.params["output"]):
            raise click.UsageError(
                "--shard is about the files of --out DIR, or about a data set whose results go to "
                "--output FILE.jsonl; name one of them."
            )
    if (folder or formats[0] not in PRINTED) and not images:
        raise click.UsageError("--out and formats of pages are for pages that are named.")
    if not folder:
        return
    if context.params["output"]:
        raise click.UsageError("--out and --output: one of them; --existing skip goes on as well.")
    from ocrkit.parts.formats import make_format

    for name in formats:
        if name in ("tsv", "csv", "jsonl"):
            raise click.UsageError(f"--format {name} goes to standard output; leave --out out.")
    whole = [name for name in formats if make_format(name).takes_several]
    if len(whole) > 1:
        raise click.UsageError(
            f"--format {','.join(whole)}: both put all pages of a document in one file; take one "
            "of them at a time."
        )


def check_engine(context: click.Context, images: tuple[str, ...], folder: Folder | None) -> None:
    """Whether ``--engine`` and ``--address`` go with the rest. Raises click.UsageError."""
    given, engine = context.params, context.params["engine"]
    if engine == HERE:
        if given["address"]:
            raise click.UsageError("--address is that of an engine's cluster; name --engine too.")
        return
    asked = f"--engine {engine}"
    if folder is None or len(images) != 1:
        raise click.UsageError(f"{asked} reads one folder into --out DIR.")
    if given["pipeline"] is None:
        raise click.UsageError(f"{asked}: name the --pipeline; no page is looked at beforehand.")
    for name in ("limit", "min_confidence"):
        if given[name] is not None:
            raise click.UsageError(f"--{name.replace('_', '-')} is not for {asked}.")
    if folder.shard != (1, 1):
        raise click.UsageError(f"{asked} shares the pages out by itself; leave --shard out.")


def check_draft(draft: Path | None, images: tuple[str, ...]) -> None:
    """Whether there can be a draft of these images, in the file that is named. Raises
    click.UsageError."""
    if not draft:
        return
    if not images or "-" in images:
        raise click.UsageError("--draft is of images in files; name them, or their folder.")
    if draft.suffix not in (".html", ".tsv"):
        raise click.UsageError(f"--draft {draft}: expected a name that ends in .html or .tsv.")
    if draft.suffix == ".tsv" and draft.exists():
        raise click.UsageError(
            f"--draft {draft}: there already, perhaps with corrections; name another file."
        )
