"""People's own folders: what is found, what the texts are, and what is said of the rest."""

import os
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ocrkit import DataError, Skipped
from ocrkit.interfaces import Reader
from ocrkit_folder.folder import Folder
from ocrkit_folder.labels import parse_labels

LABEL_TEXT = st.text(
    st.characters(exclude_characters="\t\n", exclude_categories=["Cs"]), min_size=1
).filter(lambda text: text.strip() == text != "")


@pytest.fixture
def root(tmp_path):
    return tmp_path / "data"


def make(root, *names):
    """Small images, each of its own grey level: 0, 10, 20…"""
    for index, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 12), 10 * index, np.uint8)).save(path)


def label(folder, *rows):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "labels.tsv").write_text("".join(f"{row}\n" for row in rows), "utf-8")


def texts(reader):
    return {sample.id: sample.text for sample in reader}


# ------------------------------------------------------------------------------------------- labels


def test_images_get_their_texts_and_writers_from_the_table(root):
    make(root, "a.png", "more/b.jpg", "more/c.png")
    label(root, "more/c.png\t“Straße”, 5 €\tErna", "a.png\t#", "", "more/b.jpg\t two  words \t ")
    reader = Folder(root)
    assert isinstance(reader, Reader)
    assert [(s.id, s.text, s.writer, s.form) for s in reader] == [
        ("a.png", "#", None, None),
        ("more/b.jpg", "two  words", None, None),
        ("more/c.png", "“Straße”, 5 €", "Erna", None),
    ]
    assert reader.skipped == []
    assert reader.forms is None
    assert Folder.sample_root() is None


def test_samples_load_their_own_images(root):
    make(root, "a.png", "b.png", "sub/c.bmp")
    for index, sample in enumerate(Folder(root)):
        assert sample.path == root / sample.id
        np.testing.assert_array_equal(sample.load(), np.full((8, 12), 10 * index))


def test_texts_are_taken_as_they_are():
    rows = [
        'a.png\t"quoted"',
        "b.png\t# not a comment",
        "c.png\t\\n",
        "d.png\t'",
        "e.png\ta,b;c",
        "./f.png\tthe\u2028end\x0b!",
    ]
    labels, malformed = parse_labels("\n".join(rows))
    assert malformed == []
    assert {path: text for path, (text, _) in labels.items()} == {
        "a.png": '"quoted"',
        "b.png": "# not a comment",
        "c.png": "\\n",
        "d.png": "'",
        "e.png": "a,b;c",
        "f.png": "the\u2028end\x0b!",
    }


@given(st.lists(st.tuples(LABEL_TEXT, st.none() | LABEL_TEXT), max_size=20))
def test_every_text_comes_back(written):
    rows = [
        f"{number}.png\t{text}" + (f"\t{writer}" if writer else "")
        for number, (text, writer) in enumerate(written)
    ]
    labels, malformed = parse_labels("\n".join(rows))
    assert malformed == []
    assert [tuple(label) for label in labels.values()] == written


@given(st.text(st.sampled_from("a./\\\t\n #"), max_size=40))
def test_every_row_is_a_label_or_named_as_malformed(table):
    labels, malformed = parse_labels(table)
    assert len(labels) + len(malformed) == sum(bool(line.strip()) for line in table.split("\n"))
    for path in labels:
        assert not path.startswith("/")
        assert ".." not in path.split("/")


def test_bad_rows_are_skipped_with_their_line_numbers(root):
    make(root, "a.png")
    make(root.parent, "secret.png")
    label(
        root,
        "a.png\tgood",
        "a.png\tagain",
        "",
        "no tab",
        "a\tb\tc\td",
        "gone.png\tlost",
        "../secret.png\tout",
        f"{root.parent}/secret.png\tout",
        "sub/../../secret.png\tout",
    )
    reader = Folder(root)
    assert texts(reader) == {"a.png": "good"}
    columns = "expected path, text and perhaps writer, with a tab between them"
    inside = "expected a file in this folder or below"
    assert reader.skipped == [
        Skipped("labels.tsv:2", "second row of a.png"),
        Skipped("labels.tsv:4", f"1 columns; {columns}"),
        Skipped("labels.tsv:5", f"4 columns; {columns}"),
        Skipped("labels.tsv:7", f"path '../secret.png'; {inside}"),
        Skipped("labels.tsv:8", f"path '{root.parent}/secret.png'; {inside}"),
        Skipped("labels.tsv:9", f"path 'sub/../../secret.png'; {inside}"),
        Skipped("gone.png", "missing"),
    ]


def test_a_table_below_the_root_has_paths_from_its_own_folder(root):
    make(root, "train/a.png", "test/pages/b.png")
    label(root / "train", "a.png\tone")
    label(root / "test", "pages/b.png\ttwo", "../train/a.png\tnot mine")
    reader = Folder(root)
    assert texts(reader) == {"test/pages/b.png": "two", "train/a.png": "one"}
    assert [item.id for item in reader.skipped] == ["test/labels.tsv:2"]


@pytest.mark.parametrize(
    "written", [b"\xef\xbb\xbfa.png\thello\n", b"a.png\thello\r\n\r\n", b"a.png\thello"]
)
def test_tables_of_other_editors(root, written):
    make(root, "a.png")
    (root / "labels.tsv").write_bytes(written)
    assert texts(Folder(root)) == {"a.png": "hello"}


def test_a_table_in_another_encoding_is_refused_with_the_line(root):
    make(root, "a.png")
    (root / "labels.tsv").write_bytes("a.png\tok\nb.png\tStraße\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"labels.tsv: not UTF-8 \(line 2\); save it as UTF-8$"):
        Folder(root)


# ------------------------------------------------------------------------------------- ground truth


def test_texts_from_files_beside_the_images(root):
    make(root, "a.png", "b.page.tif", "c.png", "d.png", "e.png", "f.png")
    (root / "a.gt.txt").write_text("hello\n", "utf-8")
    (root / "b.page.gt.txt").write_text("\n  wide world \r\n", "utf-8")
    (root / "c.gt.txt").write_text("one\ntwo\n", "utf-8")
    (root / "d.gt.txt").write_text("\n", "utf-8")
    (root / "f.gt.txt").write_bytes(b"\xff")
    reader = Folder(root)
    assert texts(reader) == {
        "a.png": "hello",
        "b.page.tif": "wide world",
        "d.png": "",
        "e.png": None,
    }
    assert reader.skipped == [
        Skipped("c.png", "c.gt.txt: 2 lines of text; expected one"),
        Skipped("f.png", f"{root / 'f.gt.txt'}: not UTF-8 (line 1); save it as UTF-8"),
    ]


def test_the_table_comes_before_the_file_beside_the_image(root):
    make(root, "a.png")
    label(root, "a.png\tfrom the table")
    (root / "a.gt.txt").write_text("from the file", "utf-8")
    assert texts(Folder(root)) == {"a.png": "from the table"}


def test_an_empty_text_is_a_text(root):
    """Nothing is written on the image: that can be scored, and learnt."""
    make(root, "a.png", "b.png", "c.png", "d.png")
    label(root, "a.png\t", "b.png\t \t Erna", "c.png\t\t")
    (root / "d.gt.txt").touch()
    reader = Folder(root)
    assert [(sample.text, sample.writer) for sample in reader] == [
        ("", None),
        ("", "Erna"),
        ("", None),
        ("", None),
    ]
    assert reader.skipped == reader.notes == []


def test_a_line_that_other_programs_have_worked_on_has_the_text_of_the_line(root):
    """Names of ocropus, kraken and Calamari."""
    make(root, "w1.bin.png", "w2.nrm.png", "w3.bin.png", "w4.page.png")
    for name, text in {
        "w1": "one",
        "w2": "two",
        "w3": "no",
        "w3.bin": "three",
        "w4": "not of w4.page",
    }.items():
        (root / f"{name}.gt.txt").write_text(text)
    assert texts(Folder(root)) == {
        "w1.bin.png": "one",
        "w2.nrm.png": "two",
        "w3.bin.png": "three",
        "w4.page.png": None,
    }


# -------------------------------------------------------------------------------------------- names


def test_paths_that_windows_wrote_are_found(root):
    make(root, "train/a.png", "train/b.png", "c\\d.png")
    label(
        root,
        "train\\a.png\tone",
        ".\\train\\b.png\ttwo",
        "c\\d.png\tthree",
        "train/a.png\tagain",
        "train\\gone.png\tx",
    )
    reader = Folder(root)
    assert texts(reader) == {"train/a.png": "one", "train/b.png": "two", "c\\d.png": "three"}
    assert reader.skipped == [
        Skipped("labels.tsv:4", "second row of train/a.png"),
        Skipped("train/gone.png", "missing"),
    ]


@pytest.mark.parametrize(
    "path",
    [
        "..\\secret.png",
        "C:\\data\\a.png",
        "C:/data/a.png",
        "\\\\server\\a.png",
        "train\\..\\..\\a.png",
    ],
)
def test_no_windows_path_leads_out_of_the_folder(root, path):
    make(root, "a.png")
    make(root.parent, "secret.png")
    label(root, f"{path}\tout")
    (item,) = Folder(root).skipped
    assert item == Skipped(
        "labels.tsv:1",
        f"path {path.replace(chr(92), '/')!r}; expected a file in this folder or below",
    )


def test_a_name_that_looks_right_and_is_another_says_why(root):
    make(root, "a.png")
    label(root, "a.png\tone", "a\u200b.png\ttwo")
    (item,) = Folder(root).skipped
    assert item == Skipped("a\u200b.png", "missing, with U+200B ZERO WIDTH SPACE in it")


@pytest.mark.parametrize(("on_disk", "written"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_names_are_the_same_in_every_form_of_unicode(root, on_disk, written):
    """The Mac writes file names in one form, and people write tables in the other."""
    names = [unicodedata.normalize(on_disk, name) for name in ("é/böat.png", "ü.png")]
    make(root, *names)
    label(root, f"{unicodedata.normalize(written, 'é/böat.png')}\tboat")
    (root / unicodedata.normalize(written, "ü.gt.txt")).write_text("ue")
    reader = Folder(root)
    assert texts(reader) == {names[0]: "boat", names[1]: "ue"}
    assert reader.skipped == []
    assert [sample.load().shape for sample in reader] == [(8, 12)] * 2


def test_where_both_forms_are_there_each_has_its_own_text(root):
    composed, decomposed = (unicodedata.normalize(form, "ö.png") for form in ("NFC", "NFD"))
    make(root, composed, decomposed)
    label(root, f"{composed}\tone", f"{decomposed}\ttwo")
    assert texts(Folder(root)) == {composed: "one", decomposed: "two"}


# -------------------------------------------------------------------------------------------- notes


def test_a_folder_that_is_as_it_should_be_has_no_notes(root):
    make(root, "a.png", "b.png")
    label(root, 'a.png\t"', 'b.png\tsay "yes"!')
    (root / "readme.md").touch()
    assert Folder(root).notes == []


@pytest.mark.parametrize(
    ("file", "hint"),
    [
        (None, ""),
        ("labels.csv", "; labels.csv is not read: labels.tsv has rows of path, tab and text"),
        ("Labels.txt", "; Labels.txt is not read: labels.tsv has rows of path, tab and text"),
        ("train/gt.txt", "; train/gt.txt is not read: labels.tsv has rows of path, tab and text"),
        ("a.txt", "; a.txt is not read: its name should end in .gt.txt"),
        ("images.xlsx", "; images.xlsx is not read: labels.tsv has rows of path, tab and text"),
        ("ascii/words.txt", "; ascii/words.txt is there: did you mean --reader iam?"),
    ],
)
def test_images_without_a_text_are_counted_and_what_was_expected_is_said(root, file, hint):
    make(root, "a.png", "train/b.png", "c.png")
    label(root / "train", "b.png\tword")
    if file:
        (root / file).parent.mkdir(exist_ok=True)
        (root / file).touch()
    assert Folder(root).notes == [
        (
            f"{root}: 2 of 3 images have no text, a.png for example; expected labels.tsv, or a.gt.txt "  # noqa: E501
            f"beside it{hint}"
        )
    ]


def test_a_text_of_another_name_is_not_read_but_named(root):
    make(root, "w1.page.png")
    (root / "w1.gt.txt").write_text("word")
    (note,) = Folder(root).notes
    assert note.endswith(
        "; expected labels.tsv, or w1.page.gt.txt beside it; w1.gt.txt is not read: its name "
        "should be the image's"
    )


def test_texts_that_a_program_quoted_are_counted(root):
    make(root, "a.png", "b.png", "c.png", "d.png")
    label(root, 'a.png\t"""but"""', 'b.png\t"mind"', 'c.png\t"', '"d.png"\t"all"')
    (note,) = Folder(root).notes
    assert note == (
        f'{root}: 3 texts begin and end with a quotation mark, a.png for example: """but"""; '
        "it counts as written on the image: where a program put it there, save the table without "
        "quotes"
    )
    assert texts(Folder(root))["d.png"] == '"all"'


def test_images_of_other_formats_are_counted(root):
    make(root, "a.png")
    label(root, "a.png\tword")
    for name in ("b.heic", "c.HEIC"):
        (root / name).touch()
    sentence = "2 .heic files are of no format that ocrkit reads; convert them to PNG or JPEG"
    assert Folder(root).notes == [f"{root}: {sentence}"]
    (root / "a.png").unlink()
    with pytest.raises(DataError, match=f"; the first: a.png: missing; {sentence}$"):
        Folder(root)


# ------------------------------------------------------------------------------------------- images


def test_all_formats_are_found_and_nothing_else(root):
    names = ["a.png", "b.jpg", "c.JPEG", "d.tif", "e.tiff", "f.BMP", "g.webp"]
    make(root, *names, ".hidden.png", ".cache/h.png")
    (root / "notes.txt").write_text("not an image")
    (root / "folder.png").mkdir()
    assert list(texts(Folder(root))) == names


def test_the_order_is_that_of_the_ids_however_the_folder_is_listed(root, monkeypatch):
    make(root, "b/2.png", "a.png", "b/10.png", "B.png", "b.png")
    expected = ["B.png", "a.png", "b.png", "b/10.png", "b/2.png"]
    assert list(texts(Folder(root))) == expected
    walk = os.walk

    def backwards(*arguments, **options):
        for parent, folders, names in walk(*arguments, **options):
            yield parent, folders, names[::-1]

    monkeypatch.setattr(os, "walk", backwards)
    assert list(texts(Folder(root))) == expected


def test_empty_files_and_dangling_links_are_skipped(root):
    make(root, "a.png")
    (root / "b.png").touch()
    (root / "c.png").symlink_to(root / "nowhere.png")
    reader = Folder(root)
    assert list(texts(reader)) == ["a.png"]
    assert reader.skipped == [Skipped("b.png", "empty file"), Skipped("c.png", "missing")]


def test_splits_may_be_links(root, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    make(elsewhere, "images/1.png", "images/2.png")
    label(elsewhere, "images/1.png\tone")
    make(root, "a.png")
    for name in ("train", "val"):
        (root / name).symlink_to(elsewhere)
    everything = {"a.png": None}
    for name in ("train", "val"):
        split = {f"{name}/images/1.png": "one", f"{name}/images/2.png": None}
        assert texts(Folder(root, split=name)) == split
        everything |= split
    assert texts(Folder(root)) == everything


def test_links_in_a_circle_end(root):
    make(root, "a/b.png")
    (root / "a" / "up").symlink_to(root)
    assert list(texts(Folder(root))) == ["a/b.png"]


# ------------------------------------------------------------------------------------------- splits


def test_a_split_is_a_folder_in_the_root_and_ids_stay_the_same(root):
    make(root, "train/a.png", "train/deep/b.png", "training/c.png", "d.png")
    label(
        root,
        "train/a.png\tone",
        "d.png\tfour",
        "train/gone.png\tfive",
        "gone.png\tsix",
        "training/gone.png\tseven",
    )
    label(root / "training", "no tab")
    assert len(Folder(root)) == 4
    train = Folder(root, split="train")
    assert texts(train) == {"train/a.png": "one", "train/deep/b.png": None}
    assert train.skipped == [Skipped("train/gone.png", "missing")]
    assert list(texts(Folder(root, split="train/deep/"))) == ["train/deep/b.png"]


@pytest.mark.parametrize("split", ["tset", "..", "../data", "/", "a.png"])
def test_a_split_that_is_no_folder_in_the_root_is_refused(root, split):
    make(root, "a.png", "train/b.png", "test/c.png", ".git/d.png")
    with pytest.raises(DataError, match=r"no split .* in .*; available: all, test, train$"):
        Folder(root, split=split)


def test_a_root_that_is_no_folder_and_one_without_images(root):
    with pytest.raises(DataError, match="is not a folder; expected one with images in it"):
        Folder(root)
    root.mkdir()
    with pytest.raises(DataError, match=r"no usable images \(PNG, .*\) under .*data$"):
        Folder(root)
    label(root, "gone.png\tlost")
    with pytest.raises(DataError, match=r"the first: gone.png: missing$"):
        Folder(root)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_cannot_be_listed_is_named(root):
    make(root, "a.png", "locked/b.png")
    (root / "locked").chmod(0)
    try:
        assert Folder(root).skipped == [Skipped("locked", "Permission denied")]
    finally:
        (root / "locked").chmod(0o700)
