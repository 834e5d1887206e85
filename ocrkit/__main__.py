"""``python -m ocrkit``."""

from ocrkit.cli import main

main()
