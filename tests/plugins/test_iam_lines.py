"""IAM's lines: the genuine ones, and those that are put together from words."""

import shutil
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import quoteattr

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from click.testing import CliRunner
from PIL import Image

from ocrkit.cli import main
from ocrkit.errors import DataError
from ocrkit.images import read_image
from ocrkit.interfaces import FormCount
from ocrkit_iam.assembly import assemble
from ocrkit_iam.reader import Iam
from ocrkit_iam.spacing import as_written
from ocrkit_iam.splits import split_forms
from ocrkit_iam.texts import parse_lines

Pixels = npt.NDArray[np.uint8]

GREY = 150
LINES = {
    "a01-000u-00": ("ok", ["A", "M P", ",", '"', "said", "so", '"', "."]),
    "a01-000u-01": ("err", ["they", "'ll", "be", "here", "."]),
    "a01-003-00": ("ok", ["R&D", "(", "facts", ")", "and", "figures"]),
}
WRITERS = {"a01-000u": "000", "a01-003": "002"}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Words cut out of drawn lines as IAM cut them, and the lines themselves: pieces of ink with
    the boxes around them, each copied from grainy, unevenly grey paper onto white."""
    root = tmp_path_factory.mktemp("drawn") / "iam"
    (root / "ascii").mkdir(parents=True)
    rows, lines = [], []
    for number, (line, (flag, tokens)) in enumerate(LINES.items()):
        scan, boxes = _scan(tokens, number)
        left, top = min(x for x, *_ in boxes), min(y for _, y, *_ in boxes)
        right = max(x + width for x, _, width, _ in boxes)
        bottom = max(y + height for _, y, _, height in boxes)
        _save(scan[top:bottom, left:right], root, "lines", line)
        place = f"{left} {top} {right - left} {bottom - top}"
        lines.append(f"{line} {flag} {GREY} 9 {place} {'|'.join(tokens)}")
        for index, ((x, y, width, height), token) in enumerate(zip(boxes, tokens, strict=True)):
            word = f"{line}-{index:02}"
            rows.append(f"{word} {flag} {GREY} {x} {y} {width} {height} NN {token}")
            _save(_as_cut(scan[y : y + height, x : x + width]), root, "words", word)
    tables = {
        "words": rows,
        "lines": ["#--- lines.txt", *lines],
        "forms": [f"{form} {writer} 2" for form, writer in WRITERS.items()],
    }
    for name, content in tables.items():
        (root / "ascii" / f"{name}.txt").write_text("\n".join(content) + "\n", "utf-8")
    return root


def _scan(tokens: list[str], seed: int) -> tuple[Pixels, list[tuple[int, int, int, int]]]:
    """A line with its tokens on paper that grows darker to the right, and the boxes of their
    ink."""
    rng = np.random.default_rng(seed)
    size, x, boxes = (140, 1400), 40, []
    light = np.ones(size)
    for token in tokens:
        ink = np.zeros(size, np.uint8)
        cv2.putText(ink, token, (x, 80), cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, 1.6, 200, 3, cv2.LINE_AA)
        light *= 1 - ink / 255
        ys, xs = np.nonzero(ink > 120)
        boxes.append((xs.min(), ys.min(), xs.max() + 1 - xs.min(), ys.max() + 1 - ys.min()))
        x = int(xs.max()) + 40
    paper = np.linspace(240, 215, size[1]) + cv2.GaussianBlur(rng.normal(0, 6, size), (0, 0), 0.7)
    return np.clip(paper * light, 0, 254).astype(np.uint8), boxes


def _as_cut(scan: Pixels) -> Pixels:
    cut = np.full_like(scan, 255)
    count, _, boxes, _ = cv2.connectedComponentsWithStats((scan < GREY).astype(np.uint8))
    for x, y, width, height, _ in boxes[1:count]:
        cut[y : y + height, x : x + width] = scan[y : y + height, x : x + width]
    return cut


def _path(root: Path, level: str, id_: str) -> Path:
    form = "-".join(id_.split("-")[:2])
    return root / level / form[:3] / form / f"{id_}.png"


def _save(pixels: Pixels, root: Path, level: str, id_: str) -> None:
    path = _path(root, level, id_)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def _pixels(path: Path) -> npt.NDArray[np.float64]:
    return np.array(Image.open(path)).astype(float)


@pytest.fixture
def genuine(drawn: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(drawn, tmp_path / "iam"))


@pytest.fixture
def words_only(genuine: Path) -> Path:
    shutil.rmtree(genuine / "lines")
    (genuine / "ascii" / "lines.txt").unlink()
    return genuine


def texts(reader: Iam) -> list[str | None]:
    return [reader[index].text for index in range(len(reader))]


# ------------------------------------------------------------------------------------------ reader


def test_lines_are_read_as_their_tokens(genuine: Path) -> None:
    reader = Iam(genuine, level="lines")
    assert texts(reader) == [
        'A M P , " said so " .',
        "they 'll be here .",
        "R&D ( facts ) and figures",
    ]
    sample = reader[0]
    assert (sample.id, sample.writer, sample.form) == ("a01-000u-00", "000", "a01-000u")
    assert sample.path == str(_path(genuine, "lines", "a01-000u-00"))
    assert np.array_equal(sample.load(), _pixels(Path(sample.path)))
    assert not reader.skipped
    assert reader.forms == FormCount(2, None)
    assert Iam(genuine, "aachen/train", level="lines").forms == FormCount(2, 747)


def test_lines_that_were_cut_badly_are_read_unless_they_are_left_out(genuine: Path) -> None:
    """Their words are not: the flag tells of words."""
    assert len(Iam(genuine, level="lines", include_err=False)) == 2
    assert len(Iam(genuine)) == len(Iam(genuine, include_err=True)) - 5


def test_lines_are_read_as_they_were_written(genuine: Path) -> None:
    assert texts(Iam(genuine, level="lines", spacing="written")) == [
        'A M P, "said so".',
        "they'll be here.",
        "R&D (facts) and figures",
    ]


def test_what_xml_says_was_written_holds(genuine: Path) -> None:
    _write_xml(genuine, "a01-003", written="R & D (facts)and figures")
    as_written = {"level": "lines", "spacing": "written"}
    assert texts(Iam(genuine, **as_written))[1:] == ["they'll be here.", "R & D (facts)and figures"]
    (genuine / "ascii" / "lines.txt").unlink()
    reader = Iam(genuine, **as_written)
    assert texts(reader) == ["R & D (facts)and figures"]
    assert [each.id for each in reader.skipped] == ["a01-003.xml:1"]  # the line without a right id
    assert texts(Iam(genuine, level="lines")) == ["R&D ( facts ) and figures"]


def _write_xml(root: Path, form: str, written: str) -> None:
    def twice(text: str) -> str:
        return quoteattr(text.replace("&", "&amp;").replace('"', "&quot;"))

    (root / "xml").mkdir()
    words = [
        f'<word id="{form}-00-{index:02}" text={twice(token)}/>'
        for index, token in enumerate(LINES[f"{form}-00"][1])
    ]
    (root / "xml" / f"{form}.xml").write_text(
        f'<form id="{form}" writer-id="{WRITERS[form]}"><handwritten-part><line id="{form}-00" '
        f'text={twice(written)} segmentation="ok">{"".join(words)}</line>'
        '<line id="../../etc" text="no"/></handwritten-part></form>',
        "utf-8",
    )


def test_rows_of_lines_are_told_from_rows_that_make_no_sense() -> None:
    row = "a01-000u-00 ok 154 19 408 746 1661 89 A|M P|#"
    lines, malformed = parse_lines(f"# header\n{row}\n{row}\n../x-0-00 ok 1 1 1 1 1 1 A\n# |\n")
    assert [line.tokens for line in lines] == [("A", "M P", "#")]
    assert [each.id for each in malformed] == ["lines.txt:3", "lines.txt:4", "lines.txt:5"]


def test_missing_and_empty_images_of_lines_are_named(genuine: Path) -> None:
    _path(genuine, "lines", "a01-000u-00").unlink()
    _path(genuine, "lines", "a01-000u-01").write_bytes(b"")
    reader = Iam(genuine, level="lines")
    assert [(each.id, each.reason) for each in reader.skipped] == [
        ("a01-000u-00", "missing"),
        ("a01-000u-01", "empty file"),
    ]


def test_lines_that_are_not_there_are_missed_by_name(words_only: Path) -> None:
    with pytest.raises(DataError, match=r"neither ascii/lines\.txt, lines\.txt, xml/"):
        Iam(words_only, level="lines")


@pytest.mark.parametrize(
    ("tokens", "written"),
    [
        ("Griffiths | , | M P | for | Exchange | .", "Griffiths, M P for Exchange."),
        ('" | That | cannot | go | on | , | "', '"That cannot go on,"'),
        ('to | " | prop | up | " | an | out-dated', 'to "prop up" an out-dated'),
        ('" | , | he | said | : | "', '", he said: "'),
        ("will | act | . | ' | At | five", "will act. 'At five"),
        ("Nobody | 's | going | to | do | n't", "Nobody's going to don't"),
        ("( | 280,000 | members | ) | and", "(280,000 members) and"),
        ("parties | - | the | United", "parties - the United"),
        ("Days | ... | Seven | Nights | ...", "Days... Seven Nights..."),
        ("of | the | '30s | . | # | Why | ?", "of the '30s. # Why?"),
    ],
)
def test_the_rule_spaces_lines_as_people_write_them(tokens: str, written: str) -> None:
    assert as_written(tuple(tokens.split(" | "))) == written


# ------------------------------------------------------------------------------------------ doctor


def test_the_doctor_counts_lines(genuine: Path) -> None:
    report = Iam.check(genuine)
    assert not report.findings
    assert report.lines()[-1] == "Words and lines can be read."
    assert report.counts["lines"] == FormCount(3, 13_353)
    assert report.counts["ok lines"] == FormCount(2, 11_344)
    assert report.counts["line images"] == FormCount(3, 13_353)
    assert report.places["ascii"].startswith("19 words and 3 lines in ")


def test_lines_alone_are_a_copy_that_is_well(genuine: Path) -> None:
    shutil.rmtree(genuine / "words")
    (genuine / "ascii" / "words.txt").unlink()
    report = Iam.check(genuine)
    assert not report.findings
    assert report.usable
    assert report.lines()[-1] == "Lines can be read."
    (genuine / "ascii" / "lines.txt").unlink()
    (finding,) = Iam.check(genuine).findings
    assert finding.text.startswith("no texts: neither lines.txt nor XML files; extract ascii.tgz")
    assert not Iam.check(genuine).usable


def test_all_archives_extracted_into_one_folder_are_told_apart(genuine: Path) -> None:
    for level in ("words", "lines"):
        shutil.copytree(genuine / level, genuine, dirs_exist_ok=True)
        shutil.rmtree(genuine / level)
    assert not Iam.check(genuine).findings
    assert (len(Iam(genuine)), len(Iam(genuine, level="lines"))) == (14, 3)


def test_damaged_lines_are_named_with_what_mends_them(genuine: Path, tmp_path: Path) -> None:
    _path(genuine, "lines", "a01-003-00").write_bytes(b"no image")
    _path(genuine, "lines", "a01-000u-00").unlink()
    found = [(finding.text, list(finding.names)) for finding in Iam.check(genuine).findings]
    assert found == [
        ("1 damaged image; extract lines.tgz again", ["a01-003-00"]),
        ("1 image missing, though the form is there", ["a01-000u-00"]),
    ]
    made = tmp_path / "lines"
    assemble(genuine, made)
    assert not Iam.check(made).findings
    _path(made, "lines", "a01-003-00").write_bytes(b"no image")
    assert [finding.text for finding in Iam.check(made).findings] == [
        "1 damaged image; run ocrkit data lines again"
    ]
    assert assemble(genuine, made).before == 2
    assert not Iam.check(made).findings


def test_lines_that_ascii_and_xml_tell_differently_are_named(genuine: Path) -> None:
    _write_xml(genuine, "a01-003", written="whatever was written, only XML tells it")
    table = genuine / "ascii" / "lines.txt"
    table.write_text(table.read_text("utf-8").replace("figures", "fingers"), "utf-8")
    found = [str(finding) for finding in Iam.check(genuine).findings]
    assert "problem: ascii/ and xml/ disagree on 1 line: a01-003-00" in found


def test_lines_tgz_that_was_never_extracted_is_found(genuine: Path) -> None:
    (genuine / "lines.tgz").write_bytes(b"\x1f\x8b\x08")
    shutil.rmtree(genuine / "lines")
    (finding,) = Iam.check(genuine).findings
    assert "not extracted yet; try: ocrkit data fetch iam" in finding.text
    assert finding.text.endswith("--level lines")


# ------------------------------------------------------------------------- put together from words


def test_lines_put_together_are_read_as_genuine_ones_are(
    words_only: Path, drawn: Path, tmp_path: Path
) -> None:
    before = {path: path.read_bytes() for path in words_only.rglob("*") if path.is_file()}
    found = assemble(words_only, tmp_path / "lines")
    assert (found.whole, found.before, found.left_out) == (3, 0, [])
    made, true = (Iam(root, level="lines") for root in (tmp_path / "lines", drawn))
    assert texts(made) == texts(true)
    for one, other in zip(made, true, strict=True):
        assert (one.id, one.writer, one.form) == (other.id, other.writer, other.form)
        drawn_ink, made_ink = other.load() < GREY, one.load() < GREY
        assert (drawn_ink == made_ink).mean() > 0.995
    rows = [
        parse_lines((root / "ascii" / "lines.txt").read_text("utf-8")).lines
        for root in (tmp_path / "lines", drawn)
    ]
    assert rows[0] == rows[1]
    assert before == {path: path.read_bytes() for path in words_only.rglob("*") if path.is_file()}


def _steps(line: Pixels, grey: int) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int16]]:
    """Steps of grey levels on paper: where the boxes around pieces of ink end, and elsewhere."""
    ink = (line < grey).astype(np.uint8)
    away = cv2.dilate(ink, np.ones((9, 9), np.uint8)) == 0
    paper = away[:, 1:] & away[:, :-1]
    ends = np.zeros(paper.shape, bool)
    count, _, boxes, _ = cv2.connectedComponentsWithStats(ink)
    for x, y, width, height, _ in boxes[1:count]:
        for column in (x - 1, x + width - 1):
            if 0 <= column < paper.shape[1]:
                ends[y : y + height, column] = True
    steps = np.abs(np.diff(line.astype(np.int16), axis=1))
    return steps[paper & ends], steps[paper & ~ends]


def _laid_together(root: Path, line: str) -> Pixels:
    """The words of a line at their places, as they are."""
    table = (root / "ascii" / "words.txt").read_text("utf-8").splitlines()
    rows = [row.split() for row in table if row.startswith(f"{line}-")]
    boxes = np.array([[int(number) for number in row[3:7]] for row in rows])
    boxes[:, :2] -= boxes[:, :2].min(axis=0)
    width, height = (boxes[:, :2] + boxes[:, 2:]).max(axis=0)
    laid = np.full((height, width), 255, np.uint8)
    for row, (x, y, *_) in zip(rows, boxes, strict=True):
        word = read_image(_path(root, "words", row[0]))
        there = laid[y : y + word.shape[0], x : x + word.shape[1]]
        np.minimum(there, word, out=there)
    return laid


def _edges(images: Iterable[tuple[Pixels, int]]) -> float:
    """How many times as large steps are where boxes around pieces of ink end as elsewhere on the
    same line's paper, over all images, each with the grey level that its ink lies below."""
    at_ends, expected, count = 0.0, 0.0, 0
    for line, grey in images:
        ends, elsewhere = _steps(line, grey)
        at_ends += ends.sum()
        expected += len(ends) * (elsewhere.mean() if len(ends) else 0)
        count += len(ends)
    assert count > 300
    return at_ends / expected


def test_no_edge_of_a_piece_of_paper_is_left(words_only: Path, tmp_path: Path) -> None:
    """The steps where pieces of paper ended are the grain's, as everywhere; in the words' images
    they are not."""
    assemble(words_only, tmp_path / "lines")
    made = [np.array(Image.open(_path(tmp_path / "lines", "lines", line))) for line in LINES]
    assert _edges([(image, GREY) for image in made]) == pytest.approx(1, abs=0.15)
    assert _edges([(_laid_together(words_only, line), GREY) for line in LINES]) > 3


def test_paper_between_words_is_that_of_the_scan(words_only: Path, tmp_path: Path) -> None:
    assemble(words_only, tmp_path / "lines")
    for line in LINES:
        made = _pixels(_path(tmp_path / "lines", "lines", line))
        columns = (made < GREY).any(axis=0)
        gaps = [
            (begin, end) for begin, end in pairwise(np.flatnonzero(columns)) if end - begin > 20
        ]
        assert gaps
        for begin, end in gaps:
            gap = made[:, begin + 5 : end - 5]
            assert 220 < gap.mean() < 242
            assert 2 < gap.std() < 8


def test_the_darker_pixel_holds_where_words_overlap(words_only: Path, tmp_path: Path) -> None:
    table = words_only / "ascii" / "words.txt"
    table.write_text(
        f"a01-003-00-00 ok {GREY} 10 10 60 40 NN one\na01-003-00-01 ok {GREY} 40 10 60 40 NN two\n",
        "utf-8",
    )
    one, two = np.full((40, 60), 230, np.uint8), np.full((40, 60), 230, np.uint8)
    one[10:20, 5:55] = 40
    two[15:30, 5:55] = 100
    _save(one, words_only, "words", "a01-003-00-00")
    _save(two, words_only, "words", "a01-003-00-01")
    assemble(words_only, tmp_path / "lines")
    made = _pixels(_path(tmp_path / "lines", "lines", "a01-003-00"))
    assert made.shape == (40, 90)
    assert made[12:19, 37:53].mean() < 50 < 90 < made[22:28, 37:53].mean() < 110
    assert made[12:14, 60:].mean() > 200


def test_lines_that_are_not_whole_are_counted_with_the_reason(
    genuine: Path, tmp_path: Path
) -> None:
    table = genuine / "ascii" / "words.txt"
    rows = table.read_text("utf-8").splitlines()
    fields = rows[0].split()
    rows[0] = " ".join([*fields[:3], "-1", "-1", "-1", "-1", *fields[7:]])
    table.write_text("\n".join(row for row in rows if "a01-003-00-05" not in row), "utf-8")
    _path(genuine, "words", "a01-000u-01-02").write_bytes(b"")
    _path(genuine, "words", "a01-003-00-01").unlink()
    with (genuine / "ascii" / "lines.txt").open("a", encoding="utf-8") as file:
        file.write(
            f"a01-003-01 ok {GREY} 9 1 1 1 1 more\nc04-110-00 ok {GREY} 9 1 1 1 1 elsewhere\n"
        )
    found = assemble(genuine, tmp_path / "lines")
    assert found.whole == 0
    assert {each.id: each.reason for each in found.left_out} == {
        "a01-000u-00": "with a word that has no box",
        "a01-000u-01": "with a word whose image is missing, empty or damaged",
        "a01-003-00": "with words that words.txt lacks",
        "a01-003-01": "without words in words.txt",
    }
    assert "  1 with a word that has no box: a01-000u-00" in found.lines()


def test_a_word_whose_image_is_of_another_size_takes_its_line_away_alone(
    words_only: Path, tmp_path: Path
) -> None:
    _save(np.full((9, 9), 200, np.uint8), words_only, "words", "a01-003-00-01")
    found = assemble(words_only, tmp_path / "lines")
    assert [(each.id, each.reason) for each in found.left_out] == [
        ("a01-003-00", "with a word whose image is not as large as its box")
    ]
    assert len(Iam(tmp_path / "lines", level="lines")) == found.whole == 2


def test_a_run_that_was_stopped_goes_on_where_it_was(words_only: Path, tmp_path: Path) -> None:
    to = tmp_path / "lines"
    assemble(words_only, to)
    whole = {path: path.read_bytes() for path in to.rglob("*") if path.is_file()}
    _path(to, "lines", "a01-003-00").unlink()
    (to / "ascii" / "lines.txt").unlink()
    kept = _path(to, "lines", "a01-000u-00")
    written = kept.stat().st_mtime_ns
    assert assemble(words_only, to).before == 2
    assert whole == {path: path.read_bytes() for path in to.rglob("*") if path.is_file()}
    assert kept.stat().st_mtime_ns == written


def test_lines_go_into_a_folder_of_their_own(genuine: Path, tmp_path: Path) -> None:
    """Genuine ones, and those of other words, are never mixed with them."""
    with pytest.raises(DataError, match="holds other files; name a folder that is new with --to"):
        assemble(genuine, genuine)
    other = Path(shutil.copytree(genuine, tmp_path / "other"))
    assemble(genuine, tmp_path / "lines")
    with pytest.raises(DataError, match="lines of other words"):
        assemble(other, tmp_path / "lines")


def test_where_there_are_no_words_there_are_no_lines(genuine: Path, tmp_path: Path) -> None:
    shutil.rmtree(genuine / "words")
    with pytest.raises(DataError, match="no word images under"):
        assemble(genuine, tmp_path / "lines")
    (genuine / "ascii" / "words.txt").unlink()
    with pytest.raises(DataError, match=r"neither ascii/words\.txt nor words\.txt is there"):
        assemble(genuine, tmp_path / "lines")
    with pytest.raises(DataError, match="no such folder"):
        assemble(tmp_path / "nowhere", tmp_path / "lines")
    assert not (tmp_path / "lines").exists()


def test_the_command_says_what_is_left_out_and_how_to_read_the_rest(words_only: Path) -> None:
    _path(words_only, "words", "a01-003-00-01").unlink()
    result = CliRunner().invoke(main, ["data", "lines", "iam", str(words_only), "--from", "words"])
    assert result.exit_code == 0, result.output
    to = words_only.with_name("iam-lines")
    assert result.stdout.splitlines() == [
        "2 lines are whole, 1 are left out",
        "  1 with a word whose image is missing, empty or damaged: a01-003-00",
        f"read them with --data {to} --set reader.level=lines",
    ]
    assert len(Iam(to, level="lines")) == 2


def test_the_command_fails_where_no_line_is_whole(words_only: Path, tmp_path: Path) -> None:
    for path in (words_only / "words").rglob("*-00.png"):
        path.unlink()
    arguments = ["data", "lines", "iam", str(words_only), "--to", str(tmp_path / "lines")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert result.stdout.startswith("0 lines are whole, 3 are left out\n")
    assert "read them" not in result.stdout


def test_only_readers_that_can_put_lines_together(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["data", "lines", "folder", str(tmp_path)])
    assert result.exit_code == 1
    assert "the reader 'folder' cannot put lines together from words" in result.output


# ---------------------------------------------------------------------------------------- real IAM


@pytest.fixture(scope="module")
def real_lines(real_iam: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The forms of aachen/validation that are there, put together in the folder beside them."""
    root = tmp_path_factory.mktemp("real") / "iam"
    root.mkdir()
    (root / "ascii").symlink_to(real_iam / "ascii")
    for form in split_forms("aachen/validation"):
        there = real_iam / "words" / form[:3] / form
        if there.is_dir():
            (root / "words" / form[:3]).mkdir(parents=True, exist_ok=True)
            (root / "words" / form[:3] / form).symlink_to(there)
    assemble(root, root.with_name("lines"))
    return root


def test_counts_of_real_lines_put_together(real_lines: Path) -> None:
    made = real_lines.with_name("lines")
    lines = Iam(made, "aachen/validation", level="lines")
    if lines.forms != FormCount(25, 116):
        pytest.skip(f"OCRKIT_IAM is another copy than the one for development: {lines.forms}")
    assert len(lines) == 211
    assert len(Iam(made, "aachen/validation", level="lines", include_err=False)) == 190
    left_out = assemble(real_lines, made).left_out
    assert {each.reason for each in left_out} == {"with a word that has no box"}
    assert len(left_out) == 3
    assert not lines.skipped
    assert not Iam.check(made).findings[1:], "it is a part of IAM, and nothing else is to be said"


def test_real_lines_keep_all_but_the_images(real_lines: Path) -> None:
    """The rows are those of IAM's own lines.txt but for the number of pieces."""

    def rows(root: Path) -> dict[str, list[str]]:
        lines = (root / "ascii" / "lines.txt").read_text("utf-8").splitlines()
        fields = [line.split(" ", 8) for line in lines if not line.startswith("#")]
        return {each[0]: each[:3] + each[4:] for each in fields}

    made, own = rows(real_lines.with_name("lines")), rows(real_lines)
    assert made
    assert all(row == own[line] for line, row in made.items())


def test_no_edge_of_a_piece_of_real_paper_is_left(real_lines: Path) -> None:
    made = Iam(real_lines.with_name("lines"), level="lines")
    samples = [made[index] for index in range(len(made))]
    table = (real_lines.with_name("lines") / "ascii" / "lines.txt").read_text("utf-8")
    greys = {row.split()[0]: int(row.split()[2]) for row in table.splitlines()[1:]}
    left = _edges((sample.load(), greys[sample.id]) for sample in samples)
    assert left == pytest.approx(1, abs=0.02)
    before = _edges((_laid_together(real_lines, each.id), greys[each.id]) for each in samples)
    assert before > 5
