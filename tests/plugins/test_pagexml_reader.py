"""Folders as eScriptorium, Transkribus and kraken export them, read as lines with their texts."""

import json
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import cv2
import numpy as np
import pytest

import exports
from ocrkit import DataError, ImageError
from ocrkit.data import lines
from ocrkit.data.cache import cache_key
from ocrkit.data.datasets import open_dataset
from ocrkit.parts import fingerprint
from ocrkit.parts.options import PartSpec
from ocrkit_pagexml.reader import PageXml


def draw(path, size=(400, 300)):
    """A page with a bar for every line: at 30 to 70 from the top, and at 90 to 130."""
    page = np.full((300, 400), 230, np.uint8)
    page[40:60, 30:200], page[100:120, 30:330] = 20, 20
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.resize(page, size, interpolation=cv2.INTER_AREA))


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def texts(root, **options):
    return [sample.text for sample in PageXml(root, **options)]


def test_an_export_of_escriptorium_is_read(tmp_path):
    draw(tmp_path / "letter.png")
    write(tmp_path / "letter.xml", exports.ESCRIPTORIUM_ALTO)
    write(tmp_path / "METS.xml", "<mets/>")
    reader = PageXml(tmp_path)
    assert [sample.text for sample in reader] == ["Dear Ann,", "caf\u00e9 & bread"]
    assert [(each.id, each.reason) for each in reader.skipped] == [("letter#line_3", "no text")]
    assert [(sample.id, sample.form, sample.writer) for sample in reader] == [
        ("letter#line_1", "letter", None),
        ("letter#line_2", "letter", None),
    ]
    dark = [(sample.load() < 100).sum(axis=1).max() for sample in reader]
    assert dark[1] > 1.6 * dark[0]  # the second bar is 300 long, the first 170


def test_an_export_of_transkribus_is_read_from_its_folders(tmp_path):
    draw(tmp_path / "doc" / "letter.jpg")
    write(tmp_path / "doc" / "page" / "letter.xml", exports.TRANSKRIBUS_PAGE)
    write(tmp_path / "doc" / "alto" / "letter.xml", exports.ESCRIPTORIUM_ALTO)
    write(tmp_path / "doc" / "mets.xml", "<mets/>")
    reader = PageXml(tmp_path)
    assert {sample.form for sample in reader} == {"doc"}
    (skipped,) = [each for each in reader.skipped if "#" not in each.id]
    assert skipped.id == "doc/page/letter.xml"
    assert skipped.reason == "its image doc/letter.jpg is that of doc/alto/letter.xml already"


def test_an_export_of_kraken_is_read(tmp_path):
    draw(tmp_path / "scans" / "letter.png")
    write(tmp_path / "letter.xml", exports.KRAKEN_ALTO)
    assert texts(tmp_path) == ["every mor¬", "it rains."]


@pytest.mark.parametrize(
    ("xml", "image"),
    [
        ("a/letter.xml", "a/letter.png"),
        ("a/letter.xml", "a/LETTER.JPG"),
        ("a/letter.xml", "a/letter.tif"),
        ("a/other.xml", "a/images/letter.png"),
        ("a/page/letter.xml", "a/letter.png"),
        ("a/xml/letter.xml", "a/images/letter.webp"),
        ("xml/letter.xml", "images/letter.png"),
        ("truth/letter.xml", "scans/letter.png"),
    ],
)
def test_an_image_is_found_where_exports_put_it(tmp_path, xml, image):
    draw(tmp_path / image)
    write(tmp_path / xml, exports.ESCRIPTORIUM_PAGE)
    assert len(PageXml(tmp_path)) == 2


@pytest.mark.parametrize("written", ["", "C:\\scans\\old name.tif", "https://x.org/i/full.jpg"])
def test_an_image_that_the_xml_does_not_name_as_it_is_has_the_xml_s_name(tmp_path, written):
    draw(tmp_path / "letter.png")
    write(tmp_path / "letter.xml", exports.ESCRIPTORIUM_PAGE.replace("letter.png", written))
    assert len(PageXml(tmp_path)) == 2


def test_another_document_s_image_is_not_taken(tmp_path):
    draw(tmp_path / "b" / "letter.png")
    for folder in "ab":
        write(tmp_path / folder / "letter.xml", exports.ESCRIPTORIUM_PAGE)
    reader = PageXml(tmp_path)
    assert {sample.form for sample in reader} == {"b"}
    assert [(each.id, each.reason) for each in reader.skipped] == [
        ("a/letter.xml", "no image letter.png beside it or near")
    ]


def test_no_name_in_a_file_leads_out_of_the_folder(tmp_path):
    draw(tmp_path / "secret.png")
    write(
        tmp_path / "in" / "x.xml",
        exports.ESCRIPTORIUM_PAGE.replace("letter.png", str(tmp_path / "secret.png")),
    )
    with pytest.raises(DataError, match=r"no image secret\.png"):
        PageXml(tmp_path / "in")


def test_coordinates_of_another_scale_or_unit_are_those_of_the_image(tmp_path):
    for name, size in (("same", (400, 300)), ("half", (200, 150))):
        draw(tmp_path / f"{name}.png", size)
        write(tmp_path / f"{name}.xml", exports.KRAKEN_ALTO.replace("scans/letter.png", ""))
    lines = {sample.id: sample.load() for sample in PageXml(tmp_path)}
    for line in ("l1", "l2"):
        assert lines[f"half#{line}"].shape == lines[f"same#{line}"].shape
        difference = lines[f"half#{line}"].astype(int) - lines[f"same#{line}"]
        assert np.abs(difference).mean() < 12


def test_tenths_of_millimetres_are_cut_from_the_image_s_pixels(tmp_path):
    """Lines with String and SP, of a page of 40 by 30 mm, beside the same in pixels."""
    for name in ("mm10", "pixel"):
        draw(tmp_path / f"{name}.png")
        scale = 2.5 if name == "mm10" else 1
        where = {
            attribute: f'{attribute}="{value * scale:g}"'
            for attribute, value in {"HPOS": 20, "VPOS": 30, "WIDTH": 360, "HEIGHT": 44}.items()
        }
        place = " ".join(where.values())
        line = (
            f'<TextLine ID="l" {place} BASELINE="{64 * scale:g}"><String CONTENT="it"/><SP/>'
            '<String CONTENT="rains"/></TextLine>'
        )
        page = f'<Page WIDTH="{400 * scale:g}" HEIGHT="{300 * scale:g}"><PrintSpace>'
        unit = f"<Description><MeasurementUnit>{name}</MeasurementUnit></Description>"
        write(
            tmp_path / f"{name}.xml",
            f"<alto>{unit}<Layout>{page}<TextBlock>{line}</TextBlock></PrintSpace></Page>"
            "</Layout></alto>",
        )
    first, second = PageXml(tmp_path)
    assert (first.id, first.text, second.text) == ("mm10#l", "it rains", "it rains")
    assert np.array_equal(first.load(), second.load())


@pytest.mark.parametrize("year", ["2013-07-15", "2017-07-15", "2019-07-15", "2024-07-15"])
def test_every_version_of_page_is_read(tmp_path, year):
    draw(tmp_path / "letter.png")
    write(tmp_path / "letter.xml", exports.ESCRIPTORIUM_PAGE.replace("2019-07-15", year))
    assert texts(tmp_path) == ["Dear Ann,", "caf\u00e9 & bread"]


def test_an_image_of_other_proportions_is_not_the_page_s(tmp_path):
    draw(tmp_path / "letter.png", (300, 400))
    write(tmp_path / "letter.xml", exports.ESCRIPTORIUM_PAGE)
    with pytest.raises(ImageError, match=r"300 × 400 pixels, its XML says 400 × 300"):
        PageXml(tmp_path)[0].load()


def test_baselines_drawn_from_right_to_left_give_the_same_lines(tmp_path):
    for name in ("forward", "backward"):
        draw(tmp_path / f"{name}.png")
        text = exports.ESCRIPTORIUM_PAGE.replace("letter.png", f"{name}.png")
        if name == "backward":
            text = text.replace("20,60 380,64", "380,64 20,60")
            text = text.replace("20,120 380,120", "380,120 20,120")
        write(tmp_path / f"{name}.xml", text)
    backward, forward = ([each.load() for each in PageXml(tmp_path)][n : n + 2] for n in (0, 2))
    for one, other in zip(backward, forward, strict=True):
        assert np.array_equal(one, other)


BROKEN = {
    "bomb": '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><alto>&c;</alto>',
    "cut": exports.ESCRIPTORIUM_PAGE[:700],
    "empty": "",
    "html": "<html><body/></html>",
    "half": "<alto>\ud800</alto>",
    "no-page": "<PcGts/>",
    "no-size": exports.ESCRIPTORIUM_PAGE.replace('imageWidth="400"', ""),
    "pages": "<alto><Layout><Page/><Page/></Layout></alto>",
    "picture": "\x89PNG",
    "zero": exports.KRAKEN_ALTO.replace('WIDTH="400"', 'WIDTH="0"'),
}


def test_ten_broken_pages_are_named_and_skipped(tmp_path):
    for name, text in {"good": exports.ESCRIPTORIUM_PAGE, **BROKEN}.items():
        draw(tmp_path / f"{name}.png")
        written = text.replace("letter.png", f"{name}.png")
        (tmp_path / f"{name}.xml").write_bytes(written.encode("utf-8", "surrogatepass"))
    reader = PageXml(tmp_path)
    assert {sample.form for sample in reader} == {"good"}
    assert [each.id for each in reader.skipped] == [f"{name}.xml" for name in sorted(BROKEN)]
    assert all(each.reason and "\n" not in each.reason for each in reader.skipped)


@pytest.fixture
def root(tmp_path):
    """Two documents of a page each, and a list of pages and one of documents."""
    for folder in "ab":
        draw(tmp_path / folder / "letter.png")
        write(tmp_path / folder / "letter.xml", exports.ESCRIPTORIUM_PAGE)
    write(tmp_path / "splits" / "pages.txt", "b/letter\n")
    write(tmp_path / "documents.txt", "a\nc\n")
    return tmp_path


def test_splits_are_lists_of_pages_or_documents_or_folders(root):
    forms = {name: {each.form for each in PageXml(root, name)} for name in ("all", "pages", "a")}
    assert forms == {"all": {"a", "b"}, "pages": {"b"}, "a": {"a"}}
    reader = PageXml(root, "documents")
    assert {sample.form for sample in reader} == {"a"}
    (note,) = reader.notes
    assert note.endswith("are no page and no folder of any, c for example")


@pytest.mark.parametrize("split", ["none", "../x", "splits", ".."])
def test_a_split_that_is_not_there_is_refused(root, split):
    with pytest.raises(DataError, match="page-xml: no"):
        PageXml(root / "a" if split == ".." else root, split)


def test_files_of_form_ids_narrow_documents(root):
    write(root / "only.txt", "b\n")
    dataset = open_dataset(PartSpec("reader", "page-xml", {}), root=root, only=root / "only.txt")
    assert {sample.id for sample in dataset} == {"b/letter#l1", "b/letter#l2"}


def test_kinds_can_be_left_out(root):
    assert texts(root, leave_out=("HeadingLine",)) == ["caf\u00e9 & bread"] * 2
    with pytest.raises(DataError, match="none of the lines"):
        PageXml(root, leave_out=("MainZone",))


def test_what_pixels_depend_on_is_in_the_variant(root):
    def variants():
        return [sample.variant for sample in PageXml(root)]

    before = variants()
    assert len(set(before)) == 2  # the same two places on two pages
    assert before == variants()
    xml = root / "a" / "letter.xml"
    xml.write_text(xml.read_text().replace("380,64", "380,66"))
    after = variants()
    assert [one == two for one, two in zip(before, after, strict=True)] == [False, True, True, True]


def lines_of(root, **cutter):
    part = PartSpec("cutter", "baseline" if cutter else "", cutter)
    return open_dataset(PartSpec("reader", "page-xml", {}), root=root, cutter=part)


def test_lines_are_cut_by_the_cutter_of_the_pipeline(root):
    default, plain, high = lines_of(root), lines_of(root, margin=0.1), lines_of(root, height=48)
    assert default[0].load().shape[0] == 64
    assert np.array_equal(default[0].load(), plain[0].load())
    assert high[0].load().shape[0] == 48


def test_the_cache_knows_the_cutter_and_the_code_that_cuts(root, monkeypatch):
    def key(**cutter):
        dataset = lines_of(root, **cutter)
        return cache_key(dataset, dataset.fingerprint())

    assert key() == key(margin=0.1)
    assert len({key(), key(margin=0.2), key(height=48)}) == 3
    before = key()
    monkeypatch.setattr(lines, "__file__", fingerprint.__file__)  # other code of the geometry
    assert key() not in (before, None)


def test_lines_are_the_same_from_many_threads(root):
    reader = PageXml(root)
    samples = list(reader) * 8
    expected = [sample.load() for sample in reader] * 8
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda sample: sample.load(), samples))
    assert all(np.array_equal(one, two) for one, two in zip(found, expected, strict=True))


def test_the_doctor_counts_and_names_what_is_wrong(root):
    draw(root / "c" / "spare.png")
    (root / "a" / "letter.png").write_bytes(b"no image")
    write(root / "d.xml", exports.ESCRIPTORIUM_PAGE)
    write(root / "b" / "letter.xml", exports.ESCRIPTORIUM_PAGE.replace("bread", "br\u200bead"))
    report = PageXml.check(root)
    assert report.usable
    assert report.counts["pages with an image"] == 2
    assert report.counts["readable lines with a text"] == 2
    assert report.kinds["lines of kind HeadingLine"] == 2
    found = "\n".join(map(str, report.findings))
    for part in (
        "problem: 1 left out: d.xml (no image letter.png beside it or near)",
        "1 page whose image cannot be used",
        "note: 1 image without XML: c/spare.png",
        "characters that nobody sees",
        "2 texts not in Unicode's form NFC",
    ):
        assert part in found
    assert report.lines()[-1] == "Lines can be read, and pages."
    json.dumps(asdict(report))


def test_the_doctor_keeps_no_pages_in_memory(tmp_path):
    line = """<TextLine id="l{n}"><Coords points="20,30 380,34 380,74 20,70"/>
        <Baseline points="20,60 380,64"/><TextEquiv><Unicode>Dear Ann,</Unicode></TextEquiv>
        </TextLine>"""
    inside = f"<TextRegion>{''.join(line.format(n=n) for n in range(60))}</TextRegion>"
    xml = f'<PcGts><Page imageWidth="400" imageHeight="300">{inside}</Page></PcGts>'
    peaks = []
    for pages in (1, 6, 24):  # the first imports what is needed
        root = tmp_path / str(pages)
        for n in range(pages):
            draw(root / f"{n}.png")
            write(root / f"{n}.xml", xml)
        tracemalloc.start()
        assert PageXml.check(root).counts["readable lines with a text"] == 60 * pages
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.5 * peaks[1]
