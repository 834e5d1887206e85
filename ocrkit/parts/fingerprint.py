"""What the result of a part depends on besides its input: its options, and the code that it is
written in."""

import hashlib
import json
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

from ocrkit.support.checksums import sha256_of

_STARTED = time.time()
"""When this process began, more or less."""
_CODE = {".py", ".so", ".pyd"}


def fingerprint(*parts: Any) -> str | None:
    """A digest of parts: their classes, options and code. The same input gives the same output
    wherever it is the same.

    Options that name files count with what is in the files. None where the code of a part cannot
    be told, as :func:`code_of` says.
    """
    described: list[Any] = []
    for part in parts:
        kind = type(part)
        roots = {base.__module__.partition(".")[0] for base in kind.__mro__}
        code = [code_of(root) for root in sorted(roots - sys.stdlib_module_names)]
        if None in code:
            return None
        options = {
            each.name: stated(getattr(part, each.name)) for each in fields(part) if each.init
        }
        described.append([kind.__module__, kind.__qualname__, options, code])
    return hashlib.sha256(json.dumps(described, default=repr).encode()).hexdigest()


def stated(value: Any) -> Any:
    """An option's value for JSON; a file with its sha256, since its content matters and not where
    it lies."""
    if isinstance(value, tuple):
        return [stated(each) for each in value]
    # A text that is no path, such as "dark", may by chance be the name of a file, but hardly one
    # with an ending.
    if (isinstance(value, Path) or (isinstance(value, str) and Path(value).suffix)) and Path(
        value
    ).is_file():
        return {"file": Path(value).name, "sha256": sha256_of(Path(value))}
    return str(value) if isinstance(value, Path) else value


def code_of(module: str) -> str | None:
    """The sha256 of the code of a module that is loaded: of its file, or of all files of a package.

    None where it is in no file, as in a notebook or a zip archive, or where a file has changed
    since this process began: what is loaded may be older.
    """
    loaded = sys.modules[module]
    folders = [Path(folder) for folder in getattr(loaded, "__path__", ())]
    file = getattr(loaded, "__file__", None)
    files = {
        path.relative_to(folder).as_posix(): path
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in _CODE
    } or ({"": Path(file)} if file and not folders else {})
    digest = hashlib.sha256()
    try:
        for name, path in sorted(files.items()):
            content = path.read_bytes()
            if path.stat().st_mtime > _STARTED:
                return None
            digest.update(f"{name} {len(content)}\n".encode() + content)
    except OSError:
        return None
    return digest.hexdigest() if files else None
