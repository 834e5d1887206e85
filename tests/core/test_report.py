"""Tables for the terminal, the HTML page, and the gallery that it shows."""

import base64
import io
import random
import re
import tracemalloc
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from rich.console import Console, RenderableType

from ocrkit.errors import OcrkitError
from ocrkit.interfaces import Decoded, Sample, Skipped
from ocrkit.reading.values import Reading, Seconds
from ocrkit.reports.gallery import Gallery
from ocrkit.reports.page import write_html
from ocrkit.reports.terminal import detail_tables, score_table, stage_table
from ocrkit.scoring.bootstrap import Score
from ocrkit.scoring.confusions import Character, Confusion
from ocrkit.scoring.contamination import Contamination, Overlap
from ocrkit.scoring.result import Result
from ocrkit.scoring.rules import RAW, Outcome, Rules
from ocrkit.scoring.scores import Details, Part, Scorer
from ocrkit_levenshtein.metrics import CharacterErrorRate

BLANK = np.full((32, 128), 255, np.uint8)
RESULT = Result(
    pipeline="iam-crnn",
    backend="gluon",
    device="cpu",
    dataset={
        "name": "iam",
        "root": "/data/iam",
        "split": "aachen/validation",
        "limit": None,
        "forms": {"found": 116, "expected": 116},
        "skipped": [{"id": "a01-117-05-02", "reason": "empty file"}],
    },
    samples=1646,
    metrics={
        "cer": Score(0.16667, 0.15, 0.18),
        "wer": Score(0.369, 0.34, 0.4),
        "levenshtein": Score(0.865, 0.84, 0.88),
    },
    higher_is_better={"cer": False, "wer": False, "levenshtein": True},
    rules=RAW,
    details=Details(),
    seconds=Seconds(total=8.0, read=2.0, preprocess=1.0, network=6.0, decode=0.75, score=0.25),
    samples_per_second=205.75,
    versions={"ocrkit": "0.1.0", "mxnet": "1.9.1"},
)


def about(**changes: Any) -> Result:
    return replace(RESULT, dataset={**RESULT.dataset, **changes})


def reading(
    id_: str, truth: str | None, prediction: str, confidence: float = 0.5, image: np.ndarray = BLANK
) -> Reading:
    return Reading(Sample(id_, truth, None, lambda: image), image, Decoded(prediction, confidence))


def filled(readings: Iterable[Reading | Skipped], **options: int) -> Gallery:
    gallery = Gallery(**options)
    for item in readings:
        gallery.add(item)
    return gallery


# ------------------------------------------------------------------------------------------ gallery

TEXTS = st.text("ab ", max_size=5)
READINGS = st.lists(st.tuples(TEXTS, TEXTS, st.sampled_from([0.1, 0.5, 0.9]))).map(
    lambda rows: [reading(f"id{index}", *row) for index, row in enumerate(rows)]
)


@given(READINGS)
def test_the_worst_have_the_most_edits_for_their_length(readings: list[Reading]) -> None:
    def badness(item: Reading) -> tuple[float, float, str]:
        edits, length = CharacterErrorRate().counts(item.sample.text or "", item.decoded.text)
        return -edits / max(length, 1), item.decoded.confidence, item.sample.id

    expected = [item.sample.id for item in sorted(readings, key=badness) if badness(item)[0] < 0]
    assert [item.id for item in filled(readings, worst=4).worst] == expected[:4]


@given(READINGS, st.randoms())
def test_the_order_of_the_samples_changes_nothing(
    readings: list[Reading], rng: random.Random
) -> None:
    shuffled = list(readings)
    rng.shuffle(shuffled)
    first, second = filled(readings, worst=3, random=3), filled(shuffled, worst=3, random=3)
    assert [item.id for item in first.worst] == [item.id for item in second.worst]
    assert [item.id for item in first.random] == [item.id for item in second.random]


def test_two_models_are_shown_with_the_same_random_words() -> None:
    good = filled(reading(f"w{index}", "word", "word") for index in range(500))
    bad = filled(reading(f"w{index}", "word", "") for index in range(500))
    assert [item.id for item in good.random] == [item.id for item in bad.random]
    assert len({item.id for item in good.random}) == 30
    assert good.worst == []
    assert len(bad.worst) == 30


def test_every_sample_is_as_likely_to_be_random_and_to_be_among_the_first() -> None:
    drawn: Counter[str] = Counter()
    for seed in range(400):
        drawn.update(
            item.id
            for item in filled(
                (reading(f"w{n}", "a", "a") for n in range(40)), random=20, seed=seed
            ).random[:10]
        )
    assert len(drawn) == 40
    assert 60 < min(drawn.values()) <= max(drawn.values()) < 145, (
        "100 expected, with a standard deviation of 8.7"
    )


def test_all_are_shown_where_there_are_few() -> None:
    gallery = filled(
        [
            reading("a", "x", "x"),
            Skipped("b", "empty file"),
            reading("c", None, "x"),
            reading("d", "y", "z"),
        ]
    )
    assert {item.id for item in gallery.random} == {"a", "d"}
    assert [item.id for item in gallery.worst] == ["d"]


def test_memory_does_not_grow_with_the_samples() -> None:
    def peak(samples: int) -> int:
        tracemalloc.start()
        try:
            filled(
                reading(f"w{index}", "house", "hoase", index / samples, BLANK.copy())
                for index in range(samples)
            )
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(3000) < peak(300) + 100_000, "3,000 images of 4 KB are 12 MB"


def test_images_are_kept_as_they_were() -> None:
    batch = np.full((32, 128), 7, np.uint8)
    gallery = filled([reading("a", "x", "y", image=batch)])
    batch[:] = 0
    assert (gallery.worst[0].image == 7).all()
    assert (gallery.random[0].image == 7).all()


# --------------------------------------------------------------------------------------------- grid


def test_the_grid_shows_the_first_18_random_words_in_three_columns(tmp_path: Path) -> None:
    shades = {f"w{index}": 10 + 5 * index for index in range(40)}
    gallery = filled(
        reading(id_, "a", "b", image=np.full((32, 128), shade, np.uint8))
        for id_, shade in shades.items()
    )
    gallery.write_grid(tmp_path / "grid.png")
    page = np.array(Image.open(tmp_path / "grid.png").convert("L"))
    boxes = {}
    for id_, shade in shades.items():
        rows, columns = np.nonzero(page == shade)
        if len(rows) > 5000:  # titles are smoothed: they have pixels of many shades, but few
            boxes[id_] = (
                int(6 * np.median(rows) / page.shape[0]),
                int(3 * np.median(columns) / page.shape[1]),
            )
    assert boxes == {
        item.id: (index // 3, index % 3) for index, item in enumerate(gallery.random[:18])
    }


def test_files_that_cannot_be_written_are_one_line(tmp_path: Path) -> None:
    gallery = filled([reading("a", "x", "y")])
    path = tmp_path / "nowhere" / "file"
    for write in (lambda: gallery.write_grid(path), lambda: write_html(path, RESULT, gallery)):
        with pytest.raises(
            OcrkitError, match=r"^/.*nowhere/file: cannot be written \(No such file or directory\)$"
        ):
            write()
    assert not list(tmp_path.iterdir())


# --------------------------------------------------------------------------------------------- HTML


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    children: list["Element | str"] = field(default_factory=list)

    def all(self, tag: str, class_: str | None = None) -> list["Element"]:
        found = [self] if self.tag == tag and class_ in (None, self.attributes.get("class")) else []
        return found + [
            deep
            for child in self.children
            if isinstance(child, Element)
            for deep in child.all(tag, class_)
        ]

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)


class Page(HTMLParser):
    """Builds a tree, and insists that every element is closed in its turn."""

    EMPTY = ("meta", "link", "img")

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open = [Element("", {})]
        self.feed(source)
        self.close()
        assert len(self.open) == 1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        element = Element(tag, dict(attrs))
        self.open[-1].children.append(element)
        if tag not in self.EMPTY:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")


def page(folder: Path, result: Result = RESULT, readings: Sequence[Reading] = ()) -> Element:
    write_html(folder / "report.html", result, filled(readings))
    return Page((folder / "report.html").read_text("utf-8")).open[0]


def words(root: Element, index: int) -> list[Element]:
    """The cards of the first list that there is (0) or of the random samples (-1)."""
    return root.all("ul", "words")[index].all("li")


def test_the_page_says_everything(folder: Path) -> None:
    root = page(folder, RESULT, [reading("a01-000u-00-00", "house", "hoase", 0.625)])
    assert root.all("title")[0].text == "iam-crnn on iam, split aachen/validation"
    text = " ".join(root.all("body")[0].text.split())
    for said in (
        "iam-crnn",
        "gluon on cpu",
        "iam, split aachen/validation",
        "/data/iam",
        "116 of 116",
        "1,646",
        "206 samples a second",
        "Character error rate",
        "cer, lower is better",
        "16.67 %",
        "15.00 to 18.00 %",
        "levenshtein, higher is better",
        "86.50 %",
        "a01-117-05-02: empty file",
        "a01-000u-00-00",
        "62 % sure",
        "network",
        "6.00",
        "60.0 %",
        "274",
        "mxnet 1.9.1",
    ):
        assert said in text, said


NASTY = st.lists(
    st.characters()
    | st.sampled_from(
        ["<b>", "</dd>", "<!--", "&lt;", "&#0;", '"', "'", "]]>", "\0", "\r\n", "\u202e", "\udc80"]
    ),
    max_size=6,
).map("".join)
SHOWN = dict.fromkeys((*range(32), *range(127, 160), *range(0xD800, 0xE000)), "\ufffd")


@given(NASTY, NASTY, NASTY, NASTY, NASTY)
def test_any_text_is_shown_as_it_is_and_is_never_markup(
    folder: Path, truth: str, prediction: str, id_: str, root_folder: str, reason: str
) -> None:
    result = about(root=root_folder, name=id_, split=id_, skipped=[{"id": id_, "reason": reason}])
    root = page(
        folder,
        replace(result, pipeline=id_, versions={id_: id_}),
        [reading(id_, truth, prediction)],
    )
    truth, prediction, id_, root_folder, reason = (
        text.translate(SHOWN) for text in (truth, prediction, id_, root_folder, reason)
    )
    assert root.all("h1")[0].text == id_
    assert root.all("dd")[1].text == f"{id_}, split {id_}"
    assert root_folder in [code.text for code in root.all("code")]
    assert [item.text for item in root.all("details")[0].all("li")] == [f"{id_}: {reason}"]
    card = words(root, -1)[0]
    assert [entry.text for entry in card.all("dd")] == [truth or "nothing", prediction or "nothing"]
    assert card.all("p")[0].all("a")[0].text == id_


def test_the_page_asks_for_nothing_and_runs_nothing(folder: Path) -> None:
    evil = (
        '"><img src=http://evil.example/x '
        'onerror=alert(1)><script>alert(1)</script><style>@import "//evil.example"</style>'
    )
    part = Part(evil, 1, {evil: 0.5})
    result = replace(
        about(root=evil, name=evil, split=evil, skipped=[{"id": evil, "reason": evil}]),
        pipeline=evil,
        backend=evil,
        device=evil,
        versions={evil: evil},
        metrics={evil: Score(0.5, 0.4, 0.6)},
        higher_is_better={evil: False},
        contamination=Contamination(Overlap(1, [evil]), Overlap(0, [])),
        details=Details([part], [part], [Character("<", 2, 1)], [Confusion("<", ">", 1)]),
    )
    root = page(folder, result, [reading(evil, evil, evil[::-1])])
    assert not root.all("script")
    assert len(root.all("style")) == 1
    assert not re.search(r"url\(|@import|//", root.all("style")[0].text)
    elements = [
        element
        for tag in ("img", "link", "a", "iframe", "object", "form", "base")
        for element in root.all(tag)
    ]
    addresses = [
        value or ""
        for element in elements
        for name, value in element.attributes.items()
        if name in ("src", "href")
    ]
    assert len(addresses) == len(elements)
    assert all(address.startswith(("data:", "#")) for address in addresses)
    named = [element.attributes.get("id") for tag in ("section", "li") for element in root.all(tag)]
    assert {address[1:] for address in addresses if address.startswith("#")} <= set(named)
    policies = [
        meta.attributes["content"] or ""
        for meta in root.all("meta")
        if "http-equiv" in meta.attributes
    ]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_columns_of_scores_are_headed_by_what_people_say(folder: Path) -> None:
    result = scored([("ab", "ab", "w1", 0.9), ("cd", "xd", "w2", 0.2)], 0.5)
    heads = {head.text for table in page(folder, result).all("table") for head in table.all("th")}
    assert "CER" in heads
    assert "cer" not in heads
    assert "CER" in "".join(printed(detail_tables(result.details)))


@given(st.text("abc ", max_size=8), st.text("abc ", max_size=8))
def test_the_characters_that_differ_are_marked(folder: Path, truth: str, prediction: str) -> None:
    entries = words(page(folder, RESULT, [reading("a", truth, prediction)]), -1)[0].all("dd")
    marked = [sum(len(mark.text) for mark in entry.all("mark")) for entry in entries]
    # What is not marked is the same on both sides, and no more is marked than the fewest edits
    # touch.
    rest = [
        "".join(
            child for bdi in entry.all("bdi") for child in bdi.children if isinstance(child, str)
        )
        for entry in entries
    ]
    assert rest[0] == rest[1]
    assert max(marked) <= CharacterErrorRate().counts(truth, prediction)[0] <= sum(marked)


def test_images_are_in_the_page_pixel_for_pixel(folder: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 9)).astype(np.uint8)
    card = words(page(folder, RESULT, [reading("a", "x", "y", image=image)]), 0)[0]
    picture = card.all("details")[0].all("img")[0].attributes
    assert (picture["width"], picture["height"]) == ("9", "5")
    data = (picture["src"] or "").removeprefix("data:image/png;base64,")
    assert (np.array(Image.open(io.BytesIO(base64.b64decode(data, validate=True)))) == image).all()


def test_what_is_seen_first_is_the_original_and_the_network_saw_it_smaller(folder: Path) -> None:
    original = np.full((600, 2400, 3), (200, 100, 0), np.uint8)
    shown = Reading(Sample("a", "x", None, lambda: original), BLANK, Decoded("y", 0.5))
    first, second = words(page(folder, RESULT, [shown]), 0)[0].all("img")
    data = (first.attributes["src"] or "").removeprefix("data:image/jpeg;base64,")
    picture = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
    assert picture.size == (640, 160), "no larger than it is shown"
    assert picture.mode == "RGB"
    assert (second.attributes["width"], second.attributes["height"]) == ("128", "32")


def test_a_picture_that_can_no_longer_be_read_is_shown_as_the_network_saw_it(folder: Path) -> None:
    def gone() -> np.ndarray:
        raise FileNotFoundError("gone.png")

    lost = Reading(Sample("a", "x", None, gone), BLANK, Decoded("y", 0.5))
    [image] = words(page(folder, RESULT, [lost]), 0)[0].all("img")
    assert image.attributes["width"] == "128"
    filled([lost]).write_grid(folder / "grid.png")


def test_the_best_stand_beside_the_worst(folder: Path) -> None:
    readings = [
        reading("short", "a", "a"),
        reading("long", "abcd", "abcd"),
        reading("bad", "a", "b"),
    ]
    pair = next(each for each in page(folder, RESULT, readings).all("div", "pair"))
    worst, best = pair.all("ul", "words")
    assert [card.all("a")[0].text for card in worst.all("li")] == ["bad"]
    assert [card.all("a")[0].text for card in best.all("li")] == ["long", "short"]
    assert [each.attributes["class"] for each in pair.all("li")] == ["wrong", "right", "right"]


def test_one_sentence_says_how_well_it_reads(folder: Path) -> None:
    result = scored([("ab", "ab", "w1", 0.9), ("cd", "xd", "w2", 0.2), ("e", "e", "w1", 0.8)], 0.5)
    [verdict] = page(folder, result).all("p", "verdict")
    assert verdict.text == (
        "1 of 3 samples (33.3 %) are read with a mistake; of the surest 67 %, 0.0 %."
    )
    [unsure] = page(folder, replace(result, confidence=None, kept=None)).all("p", "verdict")
    assert unsure.text == "1 of 3 samples (33.3 %) are read with a mistake."


def test_scales_reach_from_the_best_that_there_can_be_to_a_round_number(folder: Path) -> None:
    scales = [span.text.split() for span in page(folder).all("span", "scale")]
    assert scales == [
        ["0", "20", "%"],
        ["0", "50", "%"],
        ["80", "100", "%"],
    ]


def test_what_is_a_hair_beside_a_hundred_percent_has_a_scale_to_lie_on(folder: Path) -> None:
    whole = Score(1.0000001, 0.9999999, 1.0000001)
    result = replace(RESULT, metrics={"f1": whole}, higher_is_better={"f1": True})
    [scale] = page(folder, result).all("span", "scale")
    assert scale.text.split() == ["99", "100", "%"]


def test_a_run_without_mistakes(folder: Path) -> None:
    text = page(folder, RESULT, [reading("a", "x", "x")]).text
    assert "everything was read without a mistake" in text
    assert "no character was wrong" in text


def test_many_skipped_samples_are_folded_away(folder: Path) -> None:
    def details(count: int) -> Element:
        return page(
            folder,
            about(skipped=[{"id": f"s{index}", "reason": "empty file"} for index in range(count)]),
        ).all("details")[0]

    few, many, very_many = details(3), details(30), details(100_000)
    assert "open" in few.attributes
    assert "open" not in many.attributes
    assert len(many.all("li")) == 30
    assert "and 99,500 more" in very_many.all("li")[-1].text
    assert "No sample was skipped" in page(folder, about(skipped=[])).text


@pytest.mark.parametrize(
    ("forms", "said"),
    [
        ({"found": 12, "expected": 1116}, "Only 12 of 1,116 forms"),
        ({"found": 9, "expected": 9}, ""),
        ({"found": 9, "expected": None}, ""),
        (None, ""),
    ],
)
def test_a_split_of_which_forms_are_missing_is_pointed_out(
    folder: Path, forms: dict[str, Any] | None, said: str
) -> None:
    notes = page(folder, replace(about(forms=forms), samples=0)).all("p", "note")
    assert len(notes) == bool(said)
    assert said in "".join(note.text for note in notes)


def test_what_only_a_result_file_knows_of_is_shown_without_an_image(folder: Path) -> None:
    gallery = filled([reading("a", "x", "y")])
    gallery.add_outcome(Outcome("b", "house", "mouse"))
    gallery.write_grid(folder / "grid.png")  # of those that have an image
    write_html(
        folder / "report.html", replace(RESULT, seconds=None, samples_per_second=None), gallery
    )
    root = Page((folder / "report.html").read_text("utf-8")).open[0]
    cards = {card.all("p")[0].all("a")[0].text: card for card in words(root, 0)}
    assert [len(cards[id_].all("img")) for id_ in ("a", "b")] == [2, 0]
    assert "sure" not in cards["b"].text
    assert not root.all("table", "time"), "nothing is said of a time that is not known"
    assert "a second" not in root.all("body")[0].text


def test_the_page_says_what_is_left_where_the_unsure_is_put_aside_and_what_scores_are_made_of(
    folder: Path,
) -> None:
    result = scored(
        [
            ("ab", "ab", "w1", 0.9),
            ("cd", "cd", "w2", 0.8),
            ("ab", "xb", "<w3>", 0.2),
            ("abcd", "", "w1", 0.1),
        ],
        0.5,
    )
    root = page(folder, result)
    said = " ".join(root.all("body")[0].text.split())
    assert "At a confidence of 50 % or more: 2 (50.0 %), 0.0 % of them with a mistake." in said
    [curve] = root.all("polyline")
    points = [
        tuple(map(float, point.split(","))) for point in (curve.attributes["points"] or "").split()
    ]
    assert [x for x, _ in points] == sorted((x for x, _ in points), reverse=True), (
        "all samples first, then fewer"
    )
    assert points[0][1] < points[-1][1], (
        "more mistakes, drawn higher up, among all than among the surest"
    )
    table = [
        [cell.text for cell in row.all("td")] for row in root.all("table", "kept")[0].all("tr")[1:]
    ]
    assert ["50.0 %", "50.0 %", "0.0 %", "0.00 %"] in table
    assert table[0][:3] == ["100.0 %", "10.0 %", "50.0 %"]
    writers, lengths, characters, *_ = (
        [[c.text for c in row.all("td")] for row in t.all("tr")[1:]]
        for t in root.all("table", "parts")
    )
    assert [row[0] for row in writers] == ["w1", "<w3>", "w2"], "those who are read worst first"
    assert lengths == [["2", "3", "16.67 %"], ["4", "1", "100.00 %"]]
    assert ["a", "3", "33.3 %"] in characters
    assert (
        "3 samples are of 1 form that the model was trained on (f1)"
        in page(
            folder, replace(result, contamination=Contamination(Overlap(3, ["f1"]), Overlap(0, [])))
        )
        .all("p", "note")[0]
        .text
    )


def scored(rows: Iterable[tuple[str, str, str, float]], min_confidence: float) -> Result:
    scorer = Scorer({"cer": CharacterErrorRate()})
    for index, (truth, prediction, writer, confidence) in enumerate(rows):
        scorer.add(Outcome(str(index), truth, prediction, writer, None, confidence))
    return replace(
        RESULT,
        samples=len(scorer),
        metrics=scorer.result(),
        confidence=scorer.confidence(),
        kept=scorer.kept(min_confidence),
        details=scorer.details(),
    )


def test_names_are_no_markup_and_no_commands_to_the_terminal() -> None:
    evil = "[red]a\x1b]0;title\x07\nb\u202e[/red]"
    result = replace(about(root=evil, name=evil), pipeline=evil)
    part = Part(evil, 1, {"cer": 0.5})
    for table in (score_table(result, evil), detail_tables(Details([part], [part]))):
        text = "".join(printed(table, 200))
        assert r"[red]a\x1b]0;title\x07\nb\u202e[/red]" in text
        assert not set(text) & set("\x1b\x07\u202e")


def test_the_terminal_says_what_was_not_as_usual() -> None:
    result = replace(
        scored([("ab", "ab", "w1", 0.9), ("cd", "ce", "w2", 0.4)], 0.5),
        rules=Rules(lowercase=True, unicode="NFC", skip_punctuation=True),
        left_out=7,
        contamination=Contamination(Overlap(2, ["f1", "f2"]), Overlap(0, [])),
    )
    text = " ".join(" ".join(printed(score_table(result, ""), 200)).split())
    for said in (
        "compared in small letters, in form NFC, without punctuation-only samples", "7 left out",
        "sure 1 (50.0 %), 0.0 % of them with a mistake at 0.5 or more", "ECE 0.2500",
        "warning 2 samples are of 2 forms that the model was trained on (f1, f2)",
    ):  # fmt: skip
        assert said in text, said
    assert "w2             1   0.5000" in printed(detail_tables(result.details))


@pytest.mark.parametrize(
    "score",
    [
        Score(0.2, 0.1, 0.3),
        Score(1.4, 1.2, 1.9),
        Score(-0.5, -0.9, 0.1),
        Score(37.0, None, None),
        Score(None, None, None),
    ],
)
def test_bars_stay_within_their_scale(folder: Path, score: Score) -> None:
    root = page(
        folder,
        replace(RESULT, metrics={"third-party": score}, higher_is_better={"third-party": True}),
    )

    def places(class_: str) -> list[list[float]]:
        return [
            [float(number) for number in re.findall(r"([\d.-]+)%", mark.attributes["style"] or "")]
            for mark in root.all("i", class_)
        ]

    marks, bands = places("mark"), places("band")
    assert len(marks) == (score.value is not None)
    assert len(bands) == (score.low is not None)
    assert all(0 <= left <= 100 for (left,) in marks)
    for left, width in bands:
        assert 0 <= left <= marks[0][0] <= left + width <= 100.01


def test_times_of_nothing(folder: Path) -> None:
    assert "0.00" in page(folder, replace(RESULT, seconds=Seconds())).all("table", "time")[0].text


# ----------------------------------------------------------------------------------------- terminal


def printed(table: RenderableType, width: int = 80) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width, highlight=False).print(table)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_scores_as_a_table() -> None:
    assert printed(score_table(RESULT, "Half is wrong.")) == [
        "Half is wrong.",
        "",
        "                                      value   95 % interval      better",
        "Character error rate   cer           0.1667   0.1500 to 0.1800   lower",
        "Word error rate        wer           0.3690   0.3400 to 0.4000   lower",
        "Levenshtein score      levenshtein   0.8650   0.8400 to 0.8800   higher",
        "",
        "pipeline   iam-crnn on gluon (cpu)",
        "data       iam, split aachen/validation, 116 of 116 forms",
        "root       /data/iam",
        "samples    1,646, 1 skipped",
        "speed      206 samples a second",
    ]


def test_scores_that_are_not_known_and_metrics_of_others() -> None:
    scores = {"cer": Score(None, None, None), "my-metric": Score(12.0, None, None)}
    lines = printed(
        score_table(
            replace(RESULT, metrics=scores, higher_is_better={"cer": False, "my-metric": True}), ""
        )
    )
    assert lines[1].split() == ["Character", "error", "rate", "cer", "-", "-", "lower"]
    assert lines[2].split() == ["my-metric", "12.0000", "-", "higher"]


def test_names_are_not_taken_for_styles() -> None:
    result = replace(
        about(root="/data/[red]iam[/red] :smile:", forms=None, skipped=[]), pipeline="[bold]x"
    )
    text = "\n".join(printed(score_table(result, "")))
    assert "/data/[red]iam[/red] :smile:" in text
    assert "[bold]x on gluon" in text
    assert "forms" not in text
    assert "skipped" not in text


def test_a_long_path_is_whole() -> None:
    root = "/data/" + "very-long-name/" * 12
    lines = printed(score_table(about(root=root), ""))
    assert max(map(len, lines)) <= 80
    assert root in "".join(line.strip() for line in lines)


def test_stages_as_a_table() -> None:
    assert printed(stage_table(RESULT))[:7] == [
        "stage               seconds    share   samples a second",
        "read                   2.00   20.0 %                823",
        "preprocess             1.00   10.0 %              1,646",
        "network                6.00   60.0 %                274",
        "decode                 0.75    7.5 %              2,195",
        "score                  0.25    2.5 %              6,584",
        "from start to end      8.00                         206",
    ]
    assert "-" in printed(stage_table(replace(RESULT, seconds=Seconds())))[1]


@pytest.mark.parametrize(
    ("images", "network", "bound"),
    [
        (6.0, 1.0, "reading and preprocessing"),
        (1.0, 6.0, "the network"),
        (1.0, 2.0, "decoding, scoring and writing"),
    ],
)
def test_what_a_run_waited_for_longest_bounds_it(images: float, network: float, bound: str) -> None:
    seconds = Seconds(total=8.0, network=6.0, wait_images=images, wait_network=network)
    text = " ".join(printed(stage_table(replace(RESULT, seconds=seconds))))
    assert (
        f"waited {images:.2f} s for reading and preprocessing and {network:.2f} s for the network"
        in text
    )
    assert f"the rest in {8 - images - network:.2f} s: {bound} bound it." in text
