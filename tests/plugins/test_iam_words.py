"""The reader of IAM's words: every trap of the data set, on a small one in the same layout."""

import os
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrkit.errors import DataError
from ocrkit.interfaces import FormCount, Reader, Skipped
from ocrkit.parts.registry import registry
from ocrkit_iam.reader import Iam
from ocrkit_iam.splits import LISTED_SPLITS, SPLITS, split_forms
from ocrkit_iam.texts import Word, parse_words
from ocrkit_iam.xml_forms import parse_xml


def texts(reader: Iam) -> list[str | None]:
    return [reader[index].text for index in range(len(reader))]


def image(root: Path, word: str) -> Path:
    return root / "words" / word[:3] / word[:-6] / f"{word}.png"


# --------------------------------------------------------------------------------------------- rows

ids = st.from_regex(r"[a-r][0-9]{2}-[0-9]{3}[a-z]?-[0-9]{2}-[0-9]{2}", fullmatch=True)
token = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12)
words = st.lists(
    st.builds(
        lambda word_id, ok, parts: Word(word_id, word_id[:-6], ok, " ".join(parts)),
        ids,
        st.booleans(),
        st.lists(token, min_size=1, max_size=3),
    ),
    max_size=8,
    unique_by=lambda word: word.id,
)


@given(words, st.integers(-1, 9999), token, st.sampled_from(["\n", "\r\n"]))
def test_rows_give_back_the_words_that_they_were_made_of(
    expected: list[Word], number: int, tag: str, end: str
) -> None:
    rows = [
        f"{w.id} {'ok' if w.ok else 'err'} {number} -1 -1 {number} {number} {tag} {w.text}{end}"
        for w in expected
    ]
    assert parse_words("# a comment\n#\n" + "".join(rows)) == (expected, [])


@given(st.text())
def test_any_line_is_a_word_or_is_named_as_malformed(text: str) -> None:
    found = parse_words(text)
    lines = [line for line in text.split("\n") if line.strip()]
    comments = next(
        (index for index, line in enumerate(lines) if not line.startswith("#")), len(lines)
    )
    assert len(found.words) + len(found.malformed) == len(lines) - comments


@given(words, st.text(st.characters(categories=["Nd"], max_codepoint=127), min_size=1))
def test_xml_gives_back_the_words_that_it_was_made_of(expected: list[Word], writer: str) -> None:
    form = ET.Element("form", {"id": "a01-000u", "writer-id": writer})
    for word in expected:
        line = ET.SubElement(form, "line", {"segmentation": "ok" if word.ok else "err"})
        # IAM escapes its texts itself before they are written as XML, which escapes them once more.
        ET.SubElement(line, "word", {"id": word.id, "text": escape(word.text, {'"': "&quot;"})})
    assert parse_xml(ET.tostring(form))[:2] == (writer, (expected, []))


def test_a_hash_is_a_comment_before_the_first_row_only() -> None:
    row = "a01-000u-00-00 ok 154 408 768 27 51 &GA #"
    found = parse_words(f"# comment\n{row}\n# no comment\n", "ascii/words.txt")
    assert [word.text for word in found.words] == ["#"]
    assert [problem.id for problem in found.malformed] == ["ascii/words.txt:3"]


@pytest.mark.parametrize(
    "row",
    [
        "a01-000u-00-01 ok 154 408 768 27 51 AT",
        "a01-000u-00-01 perhaps 154 408 768 27 51 AT A",
        "a01-000u-00-01 ok 154 408 768 27 wide AT A",
        "../../etc-00-00-00 ok 154 408 768 27 51 AT A",
        "a01-000u-00-00 ok 154 408 768 27 51 AT again",
    ],
)
def test_a_malformed_row_is_named_by_its_line_and_the_others_are_read(iam: Path, row: str) -> None:
    table = iam / "ascii" / "words.txt"
    table.write_text(f"# header\na01-000u-00-00 ok 154 408 768 27 51 AT A\n{row}\n", "utf-8")
    reader = Iam(iam)
    assert texts(reader) == ["A"]
    assert [skipped.id for skipped in reader.skipped] == ["ascii/words.txt:3"]


def test_nothing_but_malformed_rows_is_an_error(iam: Path) -> None:
    (iam / "ascii" / "words.txt").write_text("<html>\n<body>log in</body>\n", "utf-8")
    with pytest.raises(
        DataError, match=r"no row of .*words.txt is a word's \(ascii/words.txt:1: malformed row"
    ):
        Iam(iam)


def test_a_table_that_is_not_text_is_an_error(iam: Path) -> None:
    (iam / "ascii" / "words.txt").write_bytes(b"\x1f\x8b\x08\xff\xfe")
    with pytest.raises(DataError, match=r"words\.txt: not UTF-8 \(line 1\); save it as UTF-8"):
        Iam(iam)


def test_a_doctype_that_names_a_file_is_passed_over() -> None:
    doctype = b'<!DOCTYPE form SYSTEM "http://localhost:9/form.dtd">'
    writer, words, _ = parse_xml(
        doctype + b'<form writer-id="000"><word id="a01-003-00-00" text="yes"/></form>'
    )
    assert (writer, [word.text for word in words.words], words.malformed) == ("000", ["yes"], [])


BOMB = (
    '<!DOCTYPE form [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]><form><word '
    'id="a01-003-00-00" text="&b;"/></form>'
)


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        (BOMB, "DOCTYPE"),
        ("<form><word", "broken XML"),
        ("", "broken XML"),
        ("<html>&nbsp;", "broken XML"),
        # Encodings that Python lacks, knows but no file of XML may have, or has but not for text.
        *(
            (f'<?xml version="1.0" encoding="{name}"?><form/>', "broken XML")
            for name in ("foo", "cp932", "utf-7", "hex", "a\tb")
        ),
    ],
)
def test_bad_xml_is_named_and_the_other_forms_are_read(iam: Path, xml: str, reason: str) -> None:
    shutil.rmtree(iam / "ascii")
    (iam / "xml" / "a01-003.xml").write_text(xml, "utf-8")
    reader = Iam(iam)
    assert texts(reader) == ["A", "M P", "#", "test"]
    assert [skipped.id for skipped in reader.skipped] == ["a01-003.xml"]
    assert reason in reader.skipped[0].reason


def test_what_is_no_file_is_not_waited_for(iam: Path) -> None:
    """A pipe waits for a writer, a device may have no end; archives and git carry links to them."""
    shutil.rmtree(iam / "ascii")
    (iam / "xml" / "a01-003.xml").unlink()
    os.mkfifo(iam / "xml" / "a01-003.xml")
    (iam / "xml" / "b.xml").symlink_to("/dev/zero")
    (iam / "xml" / "c.xml").mkdir()
    reader = Iam(iam)
    assert texts(reader) == ["A", "M P", "#", "test"]
    assert [(skipped.id, skipped.reason.split(";")[0]) for skipped in reader.skipped] == [
        ("a01-003.xml", "a device, a pipe or a socket"),
        ("b.xml", "a device, a pipe or a socket"),
        ("c.xml", "a folder"),
    ]


# ------------------------------------------------------------------------------------------- reader


def test_reads_words_in_the_order_of_the_table(iam: Path) -> None:
    reader = Iam(iam)
    assert isinstance(reader, Reader)
    assert texts(reader) == ["A", "M P", "#", '"', "R&D", "test"]
    sample = reader[1]
    assert (sample.id, sample.writer, sample.form) == ("a01-000u-00-01", "000", "a01-000u")
    assert sample.path == str(image(iam, sample.id))
    loaded = sample.load()
    assert loaded.shape == (20, 31)
    assert (loaded == 10).all()
    assert not reader.skipped
    assert reader.forms == FormCount(3, None)


def test_words_of_badly_cut_lines_are_an_option(iam: Path) -> None:
    assert texts(Iam(iam, include_err=True)) == [
        "A",
        "M P",
        "#",
        "(",
        "error",
        '"',
        "R&D",
        "test",
    ]


def test_xml_says_the_same_as_ascii(iam: Path) -> None:
    def known() -> list[tuple[str, str | None, str | None]]:
        reader = Iam(iam, include_err=True)
        return [
            (sample.id, sample.text, sample.writer)
            for sample in map(reader.__getitem__, range(len(reader)))
        ]

    by_ascii = known()
    shutil.rmtree(iam / "ascii")
    assert known() == by_ascii


def test_writers_come_from_forms_txt_else_from_xml_else_are_unknown(iam: Path) -> None:
    (iam / "ascii" / "forms.txt").write_text("a01-000u 555\n", "utf-8")
    assert [Iam(iam)[index].writer for index in (0, 5)] == ["555", None]
    (iam / "ascii" / "forms.txt").unlink()
    assert [Iam(iam)[index].writer for index in (0, 5)] == ["000", "120"]
    shutil.rmtree(iam / "xml")
    assert [Iam(iam)[index].writer for index in (0, 5)] == [None, None]


@pytest.mark.parametrize("folders", [["words"], ["ascii"], ["xml"], ["words", "ascii", "xml"]])
def test_archives_may_be_extracted_straight_into_the_root(iam: Path, folders: list[str]) -> None:
    expected = texts(Iam(iam))
    for folder in folders:
        for entry in (iam / folder).iterdir():
            entry.rename(iam / entry.name)
        (iam / folder).rmdir()
    reader = Iam(iam)
    assert texts(reader) == expected
    assert reader[0].load().shape == (20, 30)
    assert reader[0].writer == "000"


def test_missing_and_empty_images_are_skipped_and_named(iam: Path) -> None:
    image(iam, "a01-000u-00-01").unlink()
    image(iam, "c04-110-00-00").write_bytes(b"")
    image(iam, "a01-000u-01-00").unlink()  # of a badly cut line: would not have been read
    (iam / "words" / "c04" / "c04-110" / "c04-110-00-01.png").write_bytes(b"")
    reader = Iam(iam)
    assert texts(reader) == ["A", "#", '"', "R&D"]
    assert list(reader.skipped) == [
        Skipped("a01-000u-00-01", "missing"),
        Skipped("c04-110-00-00", "empty file"),
    ]
    assert list(Iam(iam, "aachen/train").skipped) == [Skipped("a01-000u-00-01", "missing")]


def test_a_dangling_link_is_a_missing_image(iam: Path) -> None:
    path = image(iam, "a01-000u-00-01")
    path.unlink()
    path.symlink_to(iam / "nowhere.png")
    reader = Iam(iam)
    assert list(reader.skipped) == [Skipped("a01-000u-00-01", "missing")]
    assert len(reader) == 5


def test_forms_without_a_folder_are_not_there_rather_than_missing(iam: Path) -> None:
    shutil.rmtree(iam / "words" / "a01" / "a01-003")
    reader = Iam(iam, "aachen/train")
    assert texts(reader) == ["A", "M P", "#"]
    assert not reader.skipped
    assert reader.forms == FormCount(1, 747)


def test_splits_take_the_forms_of_their_lists(iam: Path) -> None:
    assert (
        texts(Iam(iam, "aachen/train"))
        == texts(Iam(iam, "official/train"))
        == ["A", "M P", "#", '"', "R&D"]
    )
    for split, expected in (("aachen/test", 336), ("official/validation2", 115)):
        reader = Iam(iam, split)
        assert texts(reader) == ["test"]
        assert reader.forms == FormCount(1, expected)


def test_split_lists_are_those_of_the_literature_and_share_no_form() -> None:
    forms = {split: split_forms(split) for split in LISTED_SPLITS}
    assert {split: len(listed) for split, listed in forms.items()} == {
        "aachen/train": 747,
        "aachen/validation": 116,
        "aachen/test": 336,
        "official/train": 747,
        "official/validation1": 105,
        "official/validation2": 115,
        "official/test": 232,
    }
    for family in ("aachen", "official"):
        listed = [
            form for split in LISTED_SPLITS if split.startswith(family) for form in forms[split]
        ]
        assert len(set(listed)) == len(listed)
    assert set(forms["aachen/train"]) == set(forms["official/train"])


def test_the_random_split_is_a_fixed_fifth_of_the_words(iam: Path) -> None:
    ids = [f"a01-000u-{line:02}-{word:02}" for line in range(40) for word in range(50)]
    for word in ids:
        image(iam, word).write_bytes(b"x")
    rows = [f"{word} ok 154 408 768 27 51 AT A\n" for word in ids]
    (iam / "ascii" / "words.txt").write_text("".join(rows), "utf-8")

    def drawn(part: str) -> list[str]:
        reader = Iam(iam, f"random-80-20/{part}")
        return [reader[index].id for index in range(len(reader))]

    train, test = drawn("train"), drawn("test")
    assert sorted(train + test) == sorted(ids)
    assert 320 <= len(test) <= 480
    (iam / "ascii" / "words.txt").write_text("".join(rows[1000:]), "utf-8")
    assert drawn("test") == [word for word in test if word in ids[1000:]]


def test_the_random_split_is_the_same_for_ever(iam: Path) -> None:
    """Scores on it are compared over years, so that words keep their part. Of the first three the
    hash is just below and at the edge between the parts."""
    test = ["g06-045a-05-04", "c03-021b-05-07", "r03-056-07-04"]
    train = [
        "c03-021e-05-05",
        "a04-072-01-04",
        "a04-003-07-07",
        "e04-099-06-03",
        "a03-006-07-00",
        "c04-039-06-00",
    ]
    for word in test + train:
        image(iam, word).parent.mkdir(parents=True, exist_ok=True)
        image(iam, word).write_bytes(b"x")
    rows = [f"{word} ok 154 408 768 27 51 AT A\n" for word in sorted(test + train)]
    (iam / "ascii" / "words.txt").write_text("".join(rows), "utf-8")
    for part, words in (("test", test), ("train", train)):
        reader = Iam(iam, f"random-80-20/{part}")
        assert [reader[index].id for index in range(len(reader))] == sorted(words)


def test_an_unknown_split_names_the_nearest_and_all(iam: Path) -> None:
    with pytest.raises(DataError) as raised:
        Iam(iam, "aachen/tst")
    assert "no split named 'aachen/tst'. Did you mean 'aachen/test'?" in str(raised.value)
    assert all(split in str(raised.value) for split in SPLITS)


@pytest.mark.parametrize("texts", ["ascii", "xml"])
def test_an_absent_split_says_that_others_are_there(iam: Path, texts: str) -> None:
    shutil.rmtree(iam / ("xml" if texts == "ascii" else "ascii"))
    with pytest.raises(
        DataError, match=r"none of the forms of aachen/validation is under .*, though others are"
    ):
        Iam(iam, "aachen/validation")


@pytest.mark.parametrize(
    ("remove", "message"),
    [
        (["words"], "no word images under .*: looked for .*a01-000u"),
        (["ascii", "xml"], "no texts under .*: neither ascii/words.txt"),
        (["words", "ascii", "xml"], "no texts under"),
    ],
)
def test_where_nothing_can_be_read_the_error_says_what_was_looked_for(
    iam: Path, remove: list[str], message: str
) -> None:
    for folder in remove:
        shutil.rmtree(iam / folder)
    with pytest.raises(DataError, match=f"{message}.*ocrkit data check iam"):
        Iam(iam)


def test_only_empty_images_is_an_error(iam: Path) -> None:
    for path in iam.rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match="no word of all can be read"):
        Iam(iam)


def test_registered_as_iam() -> None:
    assert registry().get("reader", "iam").load() is Iam


def test_counts_on_real_iam(real_iam: Path) -> None:
    train = Iam(real_iam, "aachen/train")
    if train.forms != FormCount(498, 747):
        pytest.skip(f"OCRKIT_IAM is another copy than the one for development: {train.forms}")
    assert len(train) == 31_320
    assert list(train.skipped) == [Skipped("a01-117-05-02", "empty file")]
    assert len({train[index].writer for index in range(len(train))}) == 202
    validation = Iam(real_iam, "aachen/validation")
    assert (len(validation), validation.forms, list(validation.skipped)) == (
        1_646,
        FormCount(25, 116),
        [],
    )
    assert len({validation[index].writer for index in range(len(validation))}) == 11
    with pytest.raises(DataError, match="none of the forms of aachen/test"):
        Iam(real_iam, "aachen/test")
    assert len(Iam(real_iam, include_err=True)) == 37_886
