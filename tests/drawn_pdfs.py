"""PDF documents that are put together by hand, hostile ones too."""

from collections.abc import Sequence


def pdf(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """A document of these objects, the first of which is its catalogue."""
    data, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    return (
        data
        + b"xref\n0 %d\n0000000000 65535 f \n%s" % (count, rows)
        + b"trailer\n<</Size %d/Root 1 0 R%s>>\n" % (count, trailer)
        + b"startxref\n%d\n%%%%EOF\n" % len(data)
    )


def stream(content: bytes, about: bytes = b"") -> bytes:
    return b"<</Length %d%s>>\nstream\n%s\nendstream" % (len(content), about, content)


def page(
    content: bytes,
    *more: bytes,
    box: bytes = b"0 0 595 842",
    about: bytes = b"",
    catalogue: bytes = b"",
    trailer: bytes = b"",
) -> bytes:
    """A document of one page, object 3, with this content, object 4; ``more`` objects follow."""
    return pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R%s>>" % catalogue,
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents 4 0 R%s>>" % (box, about),
            stream(content),
            *more,
        ],
        trailer,
    )


def scanned(
    jpeg: bytes, width: int, height: int, *, content: bytes = b"", about: bytes = b""
) -> bytes:
    """A document of one page that shows a grey JPEG file from edge to edge, and what is in
    ``content`` over it, with a font F."""
    return page(
        b"q 595 0 0 842 0 0 cm /I Do Q " + content,
        stream(
            jpeg,
            b"/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray"
            b"/BitsPerComponent 8/Filter/DCTDecode" % (width, height),
        ),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        about=b"/Resources<</XObject<</I 5 0 R>>/Font<</F 6 0 R>>>>" + about,
    )


_FORMS = [
    stream(
        b" ".join([b"/F Do"] * 20) if number < 12 else b"0 0 m 9 9 l S",
        b"/Type/XObject/Subtype/Form/BBox[0 0 99 99]/Resources<</XObject<</F %d 0 R>>>>"
        % (number + 6),
    )
    for number in range(13)
]

HOSTILE = {
    "nothing": b"",
    "a text": b"these words are no document",
    "no more than a beginning": b"%PDF-1.7\n" + b"x" * 99,
    "a page tree that leads back to itself": pdf(
        [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R]/Count 3>>"]
    ),
    "a million pages": pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[%s]/Count 1000000>>" % (b"3 0 R " * 1_000_000),
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>",
        ]
    ),
    "more pages than there are": pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 900000000>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>",
        ]
    ),
    "a huge page": page(b"", box=b"0 0 1000000000 1000000000"),
    "a page without an end": page(b"", box=b"0 0 1e39 20"),
    "encrypted": page(
        b"",
        b"<</Filter/Standard/V 1/R 2/O<%s>/U<%s>/P -4>>" % (b"41" * 32, b"42" * 32),
        trailer=b"/Encrypt 5 0 R/ID[<00><00>]",
    ),
    "twenty forms in each of twenty, twelve times": page(
        b"/F Do", *_FORMS, about=b"/Resources<</XObject<</F 5 0 R>>>>"
    ),
    "a table of objects that leads back to itself": page(b"").replace(
        b"/Root 1 0 R", b"/Root 1 0 R/Prev 9"
    ),
}
