"""Writes pages that are described in a JSON of their own as PAGE XML, so that the reader `page-xml`
reads them.

    python tools/pages_to_page_xml.py pages converted

`pages` has `SET/PAGE.json` and `SET/PAGE.webp`, and lists of pages, `SET/PAGE` a line, as
`splits/*.txt`. A JSON names the page's `id` (`SET/PAGE`), `document`, `width`, `height`, `source`
and `licence`, and its `lines`: `text`, `baseline` and `polygon` in pixels, `type` and `region`.

`converted` has `SET/DOCUMENT/PAGE.xml`, the image beside it (a hard link where that can be), and
the lists with the pages' new paths. A page that is there already is not written again.

Texts become what is to be seen on the page, as SETTLED has it, one rule a row; with `--as-is` they
stay as they are. A line whose text cannot be settled, by UNSETTLED, has none in the PAGE XML, and
readers leave it out.

    python tools/pages_to_page_xml.py --rules

prints these rules as a table, for the card of a model that was trained on such texts.
"""

import argparse
import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from ocrkit.support.files import write_atomically
from ocrkit.support.parsing import parse_json

SETTLED: tuple[tuple[str, str, str], ...] = (
    # what it is, the pattern, what it becomes
    ("an ampersand that was escaped twice", "&amp;", "&"),
    ("a quotation mark that was escaped twice, and typographic ones", "&quot;|[\u201c\u201d]", '"'),
    ("typographic apostrophes", "[\u2018\u2019]", "'"),
    ("dashes", "[\u2013\u2014\u2500]", "-"),
    ("a sign that a word goes on in the next line", "\u00ac$", "-"),
    (
        "marks around deletions, whose letters stay where they are to be read",
        "[<>\u27e6\u27e7]",
        "",
    ),
    ("a sign that letters are raised", r"\^", ""),
    ("signs of insertions and of turned lines", "[\u2380\u22ce\u2192]", ""),
    ("a sign that something was struck out; not of a number, #17", r"#(?!\w)", ""),
    ("ẜ, a long s with a stroke", "\u1e9c", "\u017f"),
    ("spaces", r"\s+", " "),
)
"""How conventions of transcribers become letters, in this order, in texts of form NFC."""

UNSETTLED: tuple[tuple[str, str], ...] = (
    # what it is, the pattern
    ("letters that nobody could read", r"XXX|\[\.|\.\]|\[\?|\?\]|@@"),
    ("columns of a table", r"\|"),
    ("marks that stand for strokes of several kinds", r"[\u00a5{}~_*]"),
    ("strokes over or through letters", "[\u0336\u033e]"),
    ("letters of other scripts that look like those on the page", "[\u0421\u1405-\u15ff]"),
)
"""What makes a text of no use, a row each."""

NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"


def settled(text: str) -> str:
    """A text as it is to be learnt and scored; empty where it cannot be settled.

    >>> settled("M^e de >la< place\u00ac")
    'Me de la place-'
    """
    text = unicodedata.normalize("NFC", text)
    if any(re.search(pattern, text) for _, pattern in UNSETTLED):
        return ""
    for _, pattern, letters in SETTLED:
        text = re.sub(pattern, letters, text)
    return text.strip()


def rules() -> str:
    """A table in Markdown of what becomes of transcriptions, SETTLED and UNSETTLED row for row."""
    rows = [("in the transcription", "as a regular expression", "in the text that is learnt")]
    rows.append(("letters and accents as characters of their own", "", "Unicode's form NFC"))
    for what, pattern, letters in SETTLED:
        rows.append((what, code(pattern), code(letters) if letters.strip() else blank(letters)))
    rows += [(what, code(pattern), "the line is left out") for what, pattern in UNSETTLED]
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, "|---|---|---|", *body])


def code(text: str) -> str:
    """A text as code within a table of Markdown, where only the bar is special."""
    return f"`{text.replace('|', chr(92) + '|')}`"


def blank(letters: str) -> str:
    return "one space" if letters else "nothing"


def page_xml(page: dict[str, Any], image: str, as_is: bool) -> bytes:
    """The page as PAGE XML, its lines in their order, a region for each row of lines of one."""
    root = etree.Element("PcGts", nsmap={None: NAMESPACE})
    metadata = etree.SubElement(root, "Metadata")
    etree.SubElement(metadata, "Creator").text = "pages_to_page_xml.py"
    etree.SubElement(metadata, "Comments").text = f"{page.get('source')}, {page.get('licence')}"
    sheet = etree.SubElement(
        root,
        "Page",
        imageFilename=image,
        imageWidth=str(page["width"]),
        imageHeight=str(page["height"]),
    )
    region, name = None, None
    for number, line in enumerate(page["lines"], start=1):
        if region is None or line.get("region") != name:
            name = line.get("region")
            region = etree.SubElement(sheet, "TextRegion", id=f"r{number}", **kind(name))
        element = etree.SubElement(region, "TextLine", id=f"l{number}", **kind(line.get("type")))
        for tag, field in (("Coords", "polygon"), ("Baseline", "baseline")):
            if line.get(field):
                points = " ".join(f"{x:g},{y:g}" for x, y in line[field])
                etree.SubElement(element, tag, points=points)
        text = etree.SubElement(element, "TextEquiv")
        etree.SubElement(text, "Unicode").text = line["text"] if as_is else settled(line["text"])
    data: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return data


def kind(name: str | None) -> dict[str, str]:
    """The attribute that says what a region or a line is."""
    return {"custom": f"structure {{type:{re.sub('[{};]', '_', name)};}}"} if name else {}


def convert(source: Path, target: Path, as_is: bool) -> Iterator[tuple[str, str]]:
    """Writes all pages; gives their ids and their new paths, without ``.xml``, as it goes."""
    for file in sorted(source.glob("*/*.json")):
        page = parse_json(file.read_bytes())
        image = file.with_suffix(".webp")
        document = re.sub(r"[^\w.-]", "_", page["document"]).lstrip(".") or "_"
        xml = target / file.parent.name / document / f"{file.stem}.xml"
        yield page["id"], xml.relative_to(target).with_suffix("").as_posix()
        if xml.exists():
            continue
        xml.parent.mkdir(parents=True, exist_ok=True)
        beside = xml.with_name(image.name)
        if not beside.exists():
            try:
                os.link(image, beside)
            except OSError:
                shutil.copyfile(image, beside)
        with write_atomically(xml) as temporary:
            temporary.write_bytes(page_xml(page, image.name, as_is))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("source", type=Path, nargs="?")
    parser.add_argument("target", type=Path, nargs="?")
    parser.add_argument("--as-is", action="store_true", help="leave the texts as they are")
    parser.add_argument("--rules", action="store_true", help="print what becomes of texts")
    arguments = parser.parse_args()
    if arguments.rules:
        sys.stdout.write(f"{rules()}\n")
        return
    if not arguments.target:
        parser.error("expected the folder with pages, and the one to write")
    paths = dict(convert(arguments.source, arguments.target, arguments.as_is))
    (arguments.target / "splits").mkdir(parents=True, exist_ok=True)
    for file in sorted(arguments.source.glob("splits/*.txt")):
        pages = [paths[line] for line in file.read_text("utf-8").split("\n") if line in paths]
        with write_atomically(arguments.target / "splits" / file.name) as temporary:
            temporary.write_text("".join(f"{page}\n" for page in pages), "utf-8")
        sys.stdout.write(f"{file.stem}: {len(pages):,} pages\n")
    sys.stdout.write(f"{len(paths):,} pages under {arguments.target}\n")


if __name__ == "__main__":
    main()
