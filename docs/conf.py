"""Sphinx's configuration. ``make docs`` builds the pages; a warning is an error."""

import json
import re
from inspect import getdoc
from pathlib import Path

import ocrkit
from ocrkit.parts.kinds import KINDS
from ocrkit.parts.options import describe_options
from ocrkit.parts.registry import registry
from ocrkit.pipelines.training_options import Training

project = "ocrkit"
author = "the ocrkit contributors"
project_copyright = "the ocrkit contributors"
version = release = ocrkit.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build", "examples", "generated/training-options.md"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True, "undoc-members": True}

html_theme = "furo"
html_title = f"ocrkit {release}"


def options_table(part: type) -> str:
    """The options of a part as a Markdown table."""
    rows = []
    for each in describe_options(part):
        value = (
            "none"
            if each["default"] is None
            else f"`{json.dumps(each['default'], ensure_ascii=False)}`"
        )
        default = "required" if each["required"] else value
        rows.append(f"| `{each['name']}` | {each['type']} | {default} | {each['documentation']} |")
    return (
        "\n".join(["| option | type | default | meaning |", "|---|---|---|---|", *rows])
        if rows
        else "It has no options."
    )


def parts_page() -> str:
    """Every built-in part with its documentation, its options and its backends."""
    sections = []
    for entry in registry().entries():
        if entry.backend or entry.plugin.distribution != "ocrkit":
            continue
        sections.append(f"## {entry.kind} `{entry.name}`")
        if not KINDS[entry.kind].has_options:
            sections.append(f"{entry.summary}.")
            continue
        part = entry.load()
        sections += [
            re.sub(r":\w+:`", "`", getdoc(part) or "").replace("``", "`"),
            options_table(part),
        ]
        if KINDS[entry.kind].by_backend:
            sections.append(f"Backends: {', '.join(registry().backends(entry.kind, entry.name))}.")
    return "\n\n".join(["# Parts and their options", *sections, ""])


# Written anew by every build, and not kept in the repository.
generated = Path(__file__).parent / "generated"
generated.mkdir(exist_ok=True)
(generated / "training-options.md").write_text(options_table(Training), encoding="utf-8")
(generated / "parts.md").write_text(parts_page(), encoding="utf-8")
