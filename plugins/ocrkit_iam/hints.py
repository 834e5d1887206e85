"""What may be meant where a folder holds no IAM."""

from pathlib import Path

from ocrkit.images import EXTENSIONS
from ocrkit_iam.files import ascii_file, xml_folder


def elsewhere(root: Path) -> str:
    """What lies in a folder in place of IAM, and what to do: somebody's own images and texts, or
    IAM one folder deeper.

    Empty where there is neither.
    """
    for pattern in ("labels.tsv", "*.gt.txt", "*/labels.tsv", "*/*.gt.txt"):
        if found := next(root.glob(pattern), None):
            return f"{found.relative_to(root)} is there: did you mean --reader folder?"
    for folder in sorted(
        path for path in root.glob("*/") if path.name not in {"words", "lines", "ascii", "xml"}
    ):
        if ascii_file(folder, "words.txt") or ascii_file(folder, "lines.txt") or xml_folder(folder):
            return f"{folder.name}/ looks like IAM: did you mean --data {folder}?"
    if any(path.suffix.lower() in EXTENSIONS for path in root.glob("*")):
        return (
            f"images are there: read them with ocrkit run {root}, or score them with --reader "
            "folder and a labels.tsv"
        )
    return ""
