"""Sphinx's configuration. ``make docs`` builds the pages; a warning is an error."""

import json
import re
from dataclasses import MISSING, fields
from inspect import getdoc
from pathlib import Path
from typing import get_type_hints

import ocrkit
from ocrkit.config import Training, describe_type
from ocrkit.registry import registry

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


def as_toml(default: object) -> str:
    """A default as one would write it in a pipeline's file."""
    if default is MISSING:
        return "required"
    plain = list(default) if isinstance(default, tuple) else str(default) if isinstance(default, Path) else default
    return f"`{json.dumps(plain)}`"


def options_table(part: type) -> str:
    """The options of a part as a Markdown table."""
    hints = get_type_hints(part)
    rows = [
        f"| `{each.name}` | {describe_type(hints[each.name])} | {as_toml(each.default)} | {each.metadata['doc']} |"
        for each in fields(part)
        if each.init
    ]
    return "\n".join(["| option | type | default | meaning |", "|---|---|---|---|", *rows]) if rows else "It has no options."


def parts_page() -> str:
    """Every built-in part with its documentation and its options."""
    sections = []
    for entry in registry().entries():
        if entry.backend or entry.kind in ("backend", "language_model", "zoo") or entry.plugin.distribution != "ocrkit":
            continue
        part = entry.load()
        documentation = re.sub(r":\w+:`", "`", getdoc(part) or "").replace("``", "`")
        sections.append(f"## {entry.kind} `{entry.name}`\n\n{documentation}\n\n{options_table(part)}\n")
    return "# Parts and their options\n\n" + "\n".join(sections)


# Written anew by every build, and not kept in the repository.
generated = Path(__file__).parent / "generated"
generated.mkdir(exist_ok=True)
(generated / "training-options.md").write_text(options_table(Training), encoding="utf-8")
(generated / "parts.md").write_text(parts_page(), encoding="utf-8")
