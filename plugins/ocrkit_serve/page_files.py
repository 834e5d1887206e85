"""The files of the page in the browser."""

from pathlib import Path

FOLDER = Path(__file__).parent / "page"
PAGE_FILES = {f"/{file.name}": file for file in sorted(FOLDER.iterdir())}
PAGE_FILES["/"] = PAGE_FILES.pop("/index.html")
"""By their addresses. The page asks for the service's key itself, so that they come without."""
