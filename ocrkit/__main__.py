"""``python -m ocrkit``."""

from ocrkit.cli import console

console()
