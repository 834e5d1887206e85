"""Where ocrkit keeps what it can make or fetch again."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """``OCRKIT_CACHE``, else ``ocrkit`` in the user's cache folder."""
    if chosen := os.environ.get("OCRKIT_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ocrkit"
