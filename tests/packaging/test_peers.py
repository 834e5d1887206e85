"""How peers are set side by side: the same pictures for all, one ruler, and tables that tell who
failed. What needs a peer itself is behind ``make peers``."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from by_tesseract import lines_of
from compare import row
from environments import Environment, megabytes
from peer_data import Item, Source, first_by_hash, prepared
from peer_list import LINES, PAGES, PEERS, REQUIREMENTS, SYSTEM, Peer
from peer_runs import DRIVERS, read, turns
from peer_scores import page_of, scored, times
from peer_table import plot, tables

import ocrkit
import ocrkit_pagexml
from ocrkit import Line, Page

SAMPLE = Path(ocrkit_pagexml.__file__).parent / "sample"
OCRKIT = next(peer for peer in PEERS if peer.options == {"pipeline": "iam-pages"})
TRUTH = Page(
    "note",
    200,
    100,
    lines=(
        Line("a", ((10, 30), (190, 30)), text="Dear Ann,"),
        Line("b", ((10, 70), (190, 70)), text="caf\u00e9"),
    ),
)
TSV = """level page_num block_num par_num line_num word_num left top width height conf text
1\t1\t0\t0\t0\t0\t0\t0\t200\t100\t-1\t
4\t1\t1\t1\t1\t0\t10\t20\t80\t20\t-1\t
5\t1\t1\t1\t1\t1\t10\t20\t30\t20\t96\t"Dear
5\t1\t1\t1\t1\t2\t50\t20\t40\t20\t90\tAnn
4\t1\t1\t1\t2\t0\t10\t60\t80\t20\t-1\t
5\t1\t1\t1\t2\t1\t10\t60\t80\t20\t95\t\x20
"""


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that takes the place of build/peers."""
    for module in ("peer_data", "peer_runs"):
        monkeypatch.setattr(f"{module}.BUILD", tmp_path)
    return tmp_path


def found(*lines: dict[str, Any]) -> dict[str, Any]:
    """What a driver tells of a page."""
    return {"image": "x.png", "seconds": 2.0, "processor_seconds": 1.0, "lines": list(lines)}


def as_found(page: Page, *names: str) -> dict[str, Any]:
    return found(*({name: asdict(line)[name] for name in names} for line in page.lines))


def test_every_peer_has_a_driver_and_an_environment() -> None:
    assert len({peer.slug for peer in PEERS}) == len(PEERS)
    for peer in PEERS:
        assert (DRIVERS / f"{peer.driver}.py").is_file()
        assert (peer.environment in REQUIREMENTS) != (peer.environment in SYSTEM)


def test_tesseract_s_table_is_lines_with_words() -> None:
    (line,) = lines_of(TSV.replace(" ", "\t", 11))
    assert line["text"] == '"Dear Ann'
    assert line["boundary"] == [[10, 20], [90, 20], [90, 40], [10, 40]]
    assert [word["boundary"][0] for word in line["words"]] == [[10, 20], [50, 20]]


def test_a_page_keeps_to_its_picture_and_lines_to_their_places() -> None:
    box = [[-5, 10], [205, 10], [205, 40], [-5, 40]]
    page = page_of(
        found(
            {"boundary": box, "text": "in", "words": [{"text": "in", "boundary": None}]},
            {"boundary": [], "baseline": [[1, 1]], "text": "nowhere"},
        ),
        TRUTH,
    )
    (line,) = page.lines
    assert line.boundary == ((0, 10), (200, 10), (200, 40), (0, 40))
    assert line.words[0].boundary == ()
    assert (page.width, page.height, page.text) == (200, 100, "in")


def test_who_reads_all_makes_no_errors_and_who_finds_only_lines_has_no_cer() -> None:
    item = Item("note", "note.png", TRUTH, None)
    whole = scored(PAGES, [item], [as_found(TRUTH, "baseline", "text")], reads=True)
    assert whole["line-f1"]["value"] == 1
    assert whole["page-cer"]["value"] == whole["order-free-cer"]["value"] == 0
    assert "word-box-f1" not in whole  # it does not say where words are
    lines = scored(PAGES, [item], [as_found(TRUTH, "baseline")], reads=False)
    assert set(lines) == {"line-recall", "line-precision", "line-f1"}


def test_accents_count_the_same_however_they_are_encoded() -> None:
    item = Item("note#b", "b.png", "caf\u00e9", None)
    assert scored(LINES, [item], [{"text": "cafe\u0301"}], reads=True)["cer"]["value"] == 0
    assert scored(LINES, [item], [{"text": "cafe"}], reads=True)["cer"]["value"] == 0.25
    assert scored(LINES, [item], [{"text": None}], reads=False) == {}


def test_the_pictures_that_are_chosen_depend_on_names_alone() -> None:
    named = [(str(number), number) for number in range(50)]
    chosen = first_by_hash(named, 5)
    assert chosen == first_by_hash(named[::-1], 5)
    assert chosen == first_by_hash(named, 7)[:5]
    assert chosen != list(range(5))


def test_times_are_medians_and_memory_is_the_most() -> None:
    group = {"images": [found()] * 2, "first_seconds": 3.0, "memory_mb": 10.0, "load": 0.5}
    slow = [found() | {"seconds": 9.0, "stages": {"find": 4.0}}]
    told = times([group, group | {"images": slow, "memory_mb": 20.0}])
    assert (told["seconds"], told["memory_mb"], told["first_seconds"]) == (2.0, 20.0, 3.0)
    assert told["stages"] == {"find": 0.0}


def test_a_folder_s_size_leaves_links_out(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "weights").write_bytes(bytes(2_000_000))
    (tmp_path / "python").symlink_to(sys.executable)
    assert megabytes(tmp_path) == 2.0


def test_ocrkit_is_run_as_its_peers_are(build: Path) -> None:
    source = Source("sample", "page-xml", str(SAMPLE), "all", pages=2, lines=3)
    data = prepared(source)
    assert prepared(source) == data
    assert [len(data[task]) for task in (PAGES, LINES)] == [2, 3]
    broken = Peer("broken", "by_nobody", "none", "nothing", "none")
    groups: dict[str, list[Any]] = {}
    for turn in turns({"sample": data}, [OCRKIT, broken], {PAGES: 8, LINES: 8}):
        if turn.task == PAGES:
            result = read(turn, Environment("ocrkit", sys.executable), [0])
            assert read(turn, Environment("ocrkit", "/no/such/python"), [0]) == result  # it is kept
            groups.setdefault(turn.peer.name, []).append((turn, result))
    ours, theirs = row(groups["ocrkit"]), row(groups["broken"])
    assert ours["scores"]["line-f1"]["value"] > 0.9
    assert ours["scores"]["page-cer"]["value"] < 0.2
    assert ours["stages"]["find"] > 0
    assert 0 < ours["seconds"] < ours["first_seconds"]
    assert "by_nobody" in theirs["error"]
    results = {
        "when": "today",
        "command": "python benchmarks/peers/compare.py",
        "machine": {"processor": "P", "processors": 2, "used": 1, "memory_gb": 8},
        "data": {"sample": {"reader": "page-xml", "split": "all", "pages": 2, "lines": 3}},
        "environments": [
            {"name": "ocrkit", "installs": ["."], "megabytes": 400.4, "seconds": 9, "error": ""}
        ],
        "rows": json.loads(json.dumps([ours, theirs])),
    }
    table = tables(results)
    assert f"| ocrkit | ocrkit {ocrkit.__version__}, " in table
    assert "| 400 | 9 | `.` |" in table
    assert "| broken | " in table
    assert "by_nobody" in table
    assert "ocrkit, sample" in plot(results)
