"""What is taken of a dictionary in StarDict's format, here one of two entries, which three words of
the index have."""

import gzip
import runpy
import struct
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "tools" / "fetch_french_text.py"
BLUE, RED, GREEN = "#0000CD", "#B22222", "#556B2F"
ENTRIES = [
    f"""<i><small>(ba-to) s. m.</small></i>

<b>1°</b> Ce qui porte les gens sur l'eau. Un bateau &amp; sa voile.
<span foreground="{BLUE}">Le bateau s'en va [du port]
loin de nous</span>, <span foreground="{RED}">NEMO</span>,
<span foreground="{GREEN}">Lett. 3</span>.

<b>2°</b> Voy. NEF.

<b><big>HISTORIQUE</big></b>

    XIIe s. <span foreground="{BLUE}">Li batel s'en vait</span>, <span foreground="{RED}"></span>.

<b><big>REMARQUE</big></b>

    On a dit autrefois nacelle pour un petit bateau.

<b><big>ÉTYMOLOGIE</big></b>

    Diminutif d'un mot que l'on ne trouve plus.""",
    "<i><small>(nèf) s. f.</small></i> Mot ancien pour un grand navire.",
]


def test_texts_are_quotations_definitions_and_remarks_without_what_surrounds_them(
    tmp_path: Path,
) -> None:
    tool = runpy.run_path(str(SCRIPT))
    data = [entry.encode() for entry in ENTRIES]
    first, second = (0, len(data[0])), (len(data[0]), len(data[1]))
    index = b"".join(
        word.encode() + b"\0" + struct.pack(">II", *place)
        for word, place in (("BATEAU", first), ("NEF", second), ("NAVIRE", second))
    )
    (tmp_path / "XMLittre.idx").write_bytes(index)
    (tmp_path / "XMLittre.dict.dz").write_bytes(gzip.compress(b"".join(data)))
    found = [
        text
        for entry in tool["entries"](tmp_path / "XMLittre.dict.dz")
        for text in tool["texts"](entry)
    ]
    assert found == [
        "Le bateau s'en va loin de nous",
        "Ce qui porte les gens sur l'eau. Un bateau & sa voile.",
        "On a dit autrefois nacelle pour un petit bateau.",
        "Mot ancien pour un grand navire.",
    ]
