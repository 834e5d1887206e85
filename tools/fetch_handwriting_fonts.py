"""Fetches freely licensed handwriting fonts for the reader `synth-words`, and lists them with their
licences.

    pip install "fonttools==4.68.0" "brotli==1.2.1"
    python tools/fetch_handwriting_fonts.py fonts --table docs/synthetic-words.md

It needs npm; the fonts of Debian are left out where there is no apt-get. Archives are read, never
extracted: a font's bytes are taken out of them, converted to TrueType or OpenType and written under
the font's own name. A font without all of a–z, A–Z and 0–9 is left out. `--table` replaces the
table between the two comments of that page.

Fonts whose small letters look like capitals are not in the list: their pictures would teach a
network what nobody writes.
"""

import argparse
import re
import shutil
import string
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from io import BytesIO
from json import loads
from pathlib import Path
from typing import NamedTuple

from fontTools.ttLib import TTFont

NPM = """
alex-brush allison allura annie-use-your-telescope architects-daughter arizonia bad-script beth-ellen bilbo borel caramel
caveat cedarville-cursive clicker-script comic-neue coming-soon cookie courgette covered-by-your-grace crafty-girls
dancing-script dawning-of-a-new-day dekko delicious-handrawn delius edu-nsw-act-foundation edu-qld-beginner edu-sa-beginner
edu-tas-beginner edu-vic-wa-nt-beginner engagement ephesis fuggles gaegu gamja-flower give-you-glory gloria-hallelujah
gochi-hand grape-nuts great-vibes handlee herr-von-muellerhoff hi-melody homemade-apple hurricane indie-flower italianno itim
just-another-hand just-me-again-down-here kalam kaushan-script kavivanar kolker-brush kristi la-belle-aurore league-script
licorice loved-by-the-king mali mansalva marck-script meddon merienda mr-dafoe mr-de-haviland mrs-saint-delafield mynerve
nanum-brush-script nanum-pen-script neucha niconne norican nothing-you-could-do over-the-rainbow pangolin parisienne
patrick-hand playpen-sans playwrite-de-grund playwrite-fr-moderne playwrite-it-moderna playwrite-pl playwrite-us-modern
playwrite-us-trad poor-story qwigley qwitcher-grypen rancho reenie-beanie rouge-script ruthie sacramento satisfy schoolbell
sedgwick-ave shadows-into-light shadows-into-light-two shantell-sans short-stack square-peg sriracha stalemate
sue-ellen-francisco sunshiney swanky-and-moo-moo tangerine the-girl-next-door tillana vibur waiting-for-the-sunrise
water-brush whisper windsong yellowtail yesteryear zeyada
"""  # noqa: E501
"""Packages @fontsource/NAME, each one hand."""
DEBIAN = {"fonts-breip": ("Breip", "OFL-1.0"), "fonts-ecolier-court": ("Ecolier-court", "OFL-1.1")}
"""Packages of Debian, with the font of each and what its copyright file says of the licence."""
BEGIN, END = "<!-- fonts -->\n", "<!-- end of fonts -->\n"


class Font(NamedTuple):
    """A font file as its package has it."""

    name: str
    package: str
    version: str
    licence: str
    data: bytes


def run(*command: str, folder: str) -> bytes:
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE).stdout  # noqa: S603


def from_npm(folder: str) -> Iterator[Font]:
    """The upright Latin font of every package, of the weight that is nearest to regular."""
    names = NPM.split()
    packed = loads(
        run("npm", "pack", "--json", *(f"@fontsource/{name}@5" for name in names), folder=folder)
    )
    for name, package in zip(names, packed, strict=True):
        with tarfile.open(Path(folder, package["filename"])) as archive:
            found = {
                int(match[1]): member
                for member in archive
                if member.isfile()
                and (
                    match := re.fullmatch(
                        rf"package/files/{name}-latin-(\d+)-normal\.woff2", member.name
                    )
                )
            }
            licence = loads(_bytes(archive, archive.getmember("package/package.json")))["license"]
            data = _bytes(archive, found[min(found, key=lambda weight: abs(weight - 400))])
        yield Font(name, package["name"], package["version"], licence, data)


def from_debian(folder: str) -> Iterator[Font]:
    run("apt-get", "download", *DEBIAN, folder=folder)
    for package, (name, licence) in DEBIAN.items():
        (deb,) = Path(folder).glob(f"{package}_*.deb")
        version = run("dpkg-deb", "--field", deb.name, "Version", folder=folder).decode().strip()
        with tarfile.open(
            fileobj=BytesIO(run("dpkg-deb", "--fsys-tarfile", deb.name, folder=folder))
        ) as archive:
            files = {Path(member.name).name: member for member in archive if member.isfile()}
            data = _bytes(archive, files[f"{name}.ttf"])
        yield Font(name, package, version, licence, data)


def _bytes(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    assert file is not None  # noqa: S101  (a plain file, as its callers made sure)
    return file.read()


def convert(data: bytes) -> tuple[bytes, str, str]:
    """The font without web compression, its ending, and the letters and digits of ASCII that it
    lacks."""
    font = TTFont(BytesIO(data), recalcTimestamp=False)
    font.flavor = None
    buffer = BytesIO()
    font.save(buffer)
    missing = "".join(
        each for each in string.ascii_letters + string.digits if ord(each) not in font.getBestCmap()
    )
    return buffer.getvalue(), "otf" if font.sfntVersion == "OTTO" else "ttf", missing


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where the fonts go; made if it is not there")
    parser.add_argument(
        "--table", type=Path, metavar="PAGE", help="a page whose table of fonts is replaced"
    )
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        fonts = list(from_npm(folder))
        if shutil.which("apt-get"):
            fonts += from_debian(folder)
    for font in fonts:
        data, ending, missing = convert(font.data)
        if missing:
            print(f"{font.name}: left out, it lacks {missing}", file=sys.stderr)  # noqa: T201
            continue
        (arguments.folder / f"{font.name}.{ending}").write_bytes(data)
        rows.append(f"| {font.name} | `{font.package}` {font.version} | {font.licence} |\n")
    print(f"{len(rows)} fonts in {arguments.folder}", file=sys.stderr)  # noqa: T201
    if arguments.table:
        page = arguments.table.read_text(encoding="utf-8")
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        table = "".join(["| font | package | licence |\n", "|---|---|---|\n", *sorted(rows)])
        arguments.table.write_text(
            f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8", newline="\n"
        )


if __name__ == "__main__":
    main()
