"""A font for text that lies over a picture, and that nobody sees."""

import io
from functools import cache

import pikepdf
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from pikepdf import Array, Dictionary, Name, Pdf

WIDTH = 0.5
"""How wide each letter is, of the font's size."""
BELOW = 0.25
"""How far letters reach below the baseline; above it they reach the rest of the size."""
_NAME = "/Glyphless"
_CMAP = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <ffff>
endcodespacerange
{}endcmap
CMapName currentdict /CMap defineresource pop
end
end
"""


class Glyphless:
    """The font of one PDF. Characters get their codes as they come; any Unicode can be written, of
    at most 65,534 kinds of characters."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def encode(self, text: str) -> str:
        """The text as an operand of the operator ``Tj``."""
        codes = (self._codes.setdefault(letter, len(self._codes) + 1) for letter in text)
        return f"<{''.join(f'{min(code, 0xFFFF):04x}' for code in codes)}>"

    def write(self, pdf: Pdf, font: pikepdf.Object) -> None:
        """Makes ``font``, an indirect dictionary of this PDF, the font, with the characters that
        have been used."""
        descriptor = Dictionary(
            Type=Name.FontDescriptor,
            FontName=Name(_NAME),
            Flags=4,
            FontBBox=Array([0, -1000 * BELOW, 1000 * WIDTH, 1000 * (1 - BELOW)]),
            ItalicAngle=0,
            Ascent=1000 * (1 - BELOW),
            Descent=-1000 * BELOW,
            CapHeight=1000 * (1 - BELOW),
            StemV=80,
            FontFile2=pdf.make_stream(_true_type()),
        )
        letters = pdf.make_indirect(
            Dictionary(
                Type=Name.Font,
                Subtype=Name.CIDFontType2,
                BaseFont=Name(_NAME),
                CIDSystemInfo=Dictionary(Registry="Adobe", Ordering="Identity", Supplement=0),
                FontDescriptor=pdf.make_indirect(descriptor),
                DW=1000 * WIDTH,
                CIDToGIDMap=pdf.make_stream(bytes(2 * len(self._codes) + 2)),
            )
        )
        font.Type, font.Subtype, font.BaseFont = Name.Font, Name.Type0, Name(_NAME)
        font.Encoding, font.DescendantFonts = Name("/Identity-H"), Array([letters])
        font.ToUnicode = pdf.make_stream(self._to_unicode())

    def _to_unicode(self) -> bytes:
        rows = [
            f"<{code:04x}> <{letter.encode('utf-16-be', 'replace').hex()}>\n"
            for letter, code in self._codes.items()
        ]
        blocks = (rows[first : first + 100] for first in range(0, len(rows), 100))
        return _CMAP.format(
            "".join(f"{len(each)} beginbfchar\n{''.join(each)}endbfchar\n" for each in blocks)
        ).encode()


@cache
def _true_type() -> bytes:
    """A TrueType font of one glyph, a box as large as a letter: programs mark found text by boxes
    of glyphs, and pass over what has none. Nobody sees it, since text is drawn invisibly."""
    pen, right = TTGlyphPen(None), round(1000 * WIDTH)
    bottom, top = -round(1000 * BELOW), round(1000 * (1 - BELOW))
    pen.moveTo((0, bottom))
    for corner in ((0, top), (right, top), (right, bottom)):
        pen.lineTo(corner)
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef"])
    builder.setupCharacterMap({})
    builder.setupGlyf({".notdef": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (right, 0)})
    builder.setupHorizontalHeader(ascent=top, descent=bottom)
    builder.setupNameTable({"familyName": _NAME[1:], "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.font.recalcTimestamp = False
    builder.updateHead(created=0, modified=0)
    file = io.BytesIO()
    builder.save(file)
    return file.getvalue()
