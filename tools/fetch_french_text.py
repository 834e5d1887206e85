"""Writes the text that the language model `french` is trained on, out of a package that Debian's
apt-get downloads.

    python tools/fetch_french_text.py french.txt

The package is `stardict-xmlittre`: the Dictionnaire de la langue française by Émile Littré, 1863
to 1877, typed by François Gannaz and others. Its text is in the public domain; none of the
package's formatting, which may be under GPL-2+, is kept. Of every entry there are the quotations,
without their authors and works: French of the 17th to the 19th century. Those that show the history
of a word, in Old French, are left out. In every second one, `oeu` and `oeil` become `œu` and `œil`:
hands and transcriptions have both. Needs `apt-get`, `dpkg-deb` and a network.
"""

import argparse
import gzip
import html
import re
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from ocrkit.support.files import write_atomically

PACKAGE = "stardict-xmlittre"
LEFT_OUT = re.compile(r"<b><big>HISTORIQUE</big></b>.*?(?=<b><big>|\Z)", re.DOTALL)
QUOTATION = re.compile(r'<span foreground="#0000CD">(.*?)</span>', re.DOTALL)


def download(folder: Path) -> Path:
    """The dictionary's file, unpacked; its index is beside it."""
    subprocess.run(["apt-get", "download", PACKAGE], cwd=folder, check=True)  # noqa: S603, S607
    (package,) = folder.glob("*.deb")
    subprocess.run(["dpkg-deb", "-x", str(package), str(folder)], check=True)  # noqa: S603, S607
    return folder / "usr/share/stardict/dic/XMLittre.dict.dz"


def entries(dictionary: Path) -> Iterator[str]:
    """Every entry once, in order, as StarDict has it: several words of the index may have one."""
    index = dictionary.with_name("XMLittre.idx").read_bytes()
    places = re.finditer(rb"[^\0]+\0(.{8})", index, re.DOTALL)
    data = gzip.decompress(dictionary.read_bytes())
    for begin, size in sorted({struct.unpack(">II", place[1]) for place in places}):
        yield data[begin : begin + size].decode("utf-8")


def quotations(entry: str) -> Iterator[str]:
    """Without formatting, and without what Littré put into them, in brackets."""
    for quotation in QUOTATION.findall(LEFT_OUT.sub("", entry)):
        text = html.unescape(re.sub(r"<[^>]*>| ?\[[^]]*\]", "", quotation))
        yield " ".join(text.split())


def with_ligatures(text: str) -> str:
    return re.sub("Oe(?=u|il)", "Œ", re.sub("oe(?=u|il)", "œ", text))


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
        found = chain.from_iterable(map(quotations, entries(download(Path(folder)))))
        for number, text in enumerate(found):
            file.write(f"{with_ligatures(text) if number % 2 else text}\n")


if __name__ == "__main__":
    main()
