"""``python -m ocrkit``."""

import sys

if not sys.flags.safe_path:
    del sys.path[
        0
    ]  # the current folder: what lies there is no plugin, as it is none for the command ``ocrkit``

from ocrkit.cli import console

console()
