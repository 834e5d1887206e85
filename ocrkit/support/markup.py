"""XML and HTML from Jinja2's templates: whatever is put in is escaped."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@cache
def template(folder: Path, name: str) -> Template:
    """The template of this name in a folder. Characters that no XML can hold, controls and halves
    of others, become U+FFFD."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        finalize=_held,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    ).get_template(name)


def _held(value: Any) -> Any:
    if hasattr(value, "__html__"):  # markup that the template itself has made
        return value
    return _NO_XML.sub("\ufffd", str(value))
