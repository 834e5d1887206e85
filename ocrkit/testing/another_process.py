"""A reader, opened where nothing is as it is here."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

_IDS = """
import json, sys
from ocrkit.parts.options import PartSpec, make_part
reader = make_part(PartSpec("reader", sys.argv[1], json.loads(sys.argv[2])))
print()
print(json.dumps([reader[index].id for index in range(len(reader))]))
"""
"""Prints the ids of a reader's samples in its last line."""


def ids_in_another_process(name: str, options: Mapping[str, Any]) -> list[str]:
    """The ids of a reader's samples, in their order, as a process with other hashes has them.

    Raises ChildProcessError with the last line that the process has said where it fails.
    """
    surroundings = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYTHONHASHSEED": "1",
    }
    program = [sys.executable, "-c", _IDS, name, json.dumps(options, default=str)]
    done = subprocess.run(  # noqa: S603  (own program)
        program, env=surroundings, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ChildProcessError((done.stderr.splitlines() or [""])[-1])
    ids: list[str] = json.loads(done.stdout.splitlines()[-1])
    return ids
