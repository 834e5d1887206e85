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

<b>1°</b> Ce qui porte les gens sur l'eau. Un bateau et sa voile.
<span foreground="{BLUE}">Le bateau s'en va [du port]
loin de nous</span>, <span foreground="{RED}">NEMO</span>,
<span foreground="{GREEN}">Lett. 3</span>.

<b>2°</b> Voy. NEF.

<b><big>HISTORIQUE</big></b>

    XIIe s. <span foreground="{BLUE}">Li batel s'en vait</span>, <span foreground="{RED}"></span>.

<b><big>REMARQUE</big></b>

    Autrefois. <span foreground="{BLUE}">On disait la nef &amp; sa manoeuvre</span>.

<b><big>ÉTYMOLOGIE</big></b>

    Diminutif d'un mot que l'on ne trouve plus.""",
    f'Mot ancien. <span foreground="{BLUE}">Oeuvre de poete</span>',
]


def test_texts_are_the_quotations_without_what_surrounds_them_and_without_old_french(
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
    entries = tool["entries"](tmp_path / "XMLittre.dict.dz")
    found = [text for entry in entries for text in tool["quotations"](entry)]
    assert found == [
        "Le bateau s'en va loin de nous",
        "On disait la nef & sa manoeuvre",
        "Oeuvre de poete",
    ]
    assert tool["with_ligatures"](found[1]) == "On disait la nef & sa manœuvre"
    assert tool["with_ligatures"](found[2]) == "Œuvre de poete"
