"""Lines that people add, move, re-order and remove, undoing that, files of pages, and progress."""

import io
import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ocrkit
import some_pages
from ocrkit import Line, Page
from ocrkit.parts.formats import make_format, parse_page, read_page, save_page

for needed in ("fastapi", "httpx", "multipart", "prometheus_client", "uvicorn"):
    pytest.importorskip(needed)

from ocrkit_serve.changes import added, drawn, placed  # noqa: E402  (these need what may be missing)
from ocrkit_serve.kept import Kept  # noqa: E402
from ocrkit_serve.progress import progress_of  # noqa: E402
from services import served  # noqa: E402

SAMPLE = Path(str(files("ocrkit_pagexml"))) / "sample"
TEXTS = [line.text for line in read_page(SAMPLE / "letter.xml").lines]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def client(folder):
    with ocrkit.load("iam-pages") as pages, served({"pages": pages}, kept=Kept(folder)) as client:
        yield client


@pytest.fixture
def letter(client, folder):
    """The address of a page whose lines are those of the sample."""
    shutil.copy(SAMPLE / "letter.png", folder)
    page = read_page(SAMPLE / "letter.xml")
    for _ in range(2):  # with whole numbers, as the file that comes back has them
        save_page(page, folder / "letter.xml", "page")
        page = read_page(folder / "letter.xml")
    yield "/v1/pages/letter"
    for each in folder.iterdir():
        each.unlink()


def lines(folder) -> tuple[Line, ...]:
    """As they are on the disk."""
    return read_page(folder / "letter.xml").lines


def done(answer) -> dict:
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def test_a_line_that_is_drawn_is_read_and_stands_where_it_belongs(client, folder, letter):
    old = lines(folder)
    removed = done(client.delete(f"{letter}/lines/{old[2].id}"))
    assert [line["id"] for line in removed["lines"]] == [
        line.id for line in old if line is not old[2]
    ]
    # drawn from its end to its beginning, and beyond the page's edge
    (left, y), (_, end) = old[2].baseline[0], old[2].baseline[-1]
    answer = client.post(f"{letter}/lines", json={"baseline": [[9999, end], [left, y]]})
    assert answer.status_code == 201
    new = lines(folder)[2]
    assert ocrkit.page_from_json(answer.json()).lines[2] == new
    assert new.id not in {line.id for line in old}
    assert new.text.split()[:3] == old[2].text.split()[:3]
    assert (new.corrected, new.region) == (False, old[2].region)
    assert new.baseline[0] == (left, y)


def test_a_line_is_read_again_on_another_baseline(client, folder, letter):
    first, second = lines(folder)[:2]
    baseline = [list(point) for point in second.baseline]
    done(client.put(f"{letter}/lines/{first.id}/baseline", json={"baseline": baseline}))
    moved = lines(folder)[0]
    assert moved.baseline == second.baseline
    assert moved.text.split()[1:3] == second.text.split()[1:3]
    assert max(y for _, y in moved.boundary) > max(y for _, y in first.boundary)


def test_a_person_s_text_stays_where_the_baseline_is_moved_and_all_is_read_again(
    client, folder, letter
):
    first, second = lines(folder)[:2]
    done(client.put(f"{letter}/lines/{first.id}", json={"text": "as I say"}))
    baseline = [list(point) for point in second.baseline]
    done(client.put(f"{letter}/lines/{first.id}/baseline", json={"baseline": baseline}))
    done(client.post(f"{letter}/read", json={}))
    found = lines(folder)
    assert (found[0].text, found[0].corrected) == ("as I say", True)
    assert all(0 < line.confidence < 1 for line in found[1:])
    assert found[1].text.split()[1:3] == second.text.split()[1:3]


def test_lines_are_put_elsewhere_in_reading_order(client, folder, letter):
    ids = [line.id for line in lines(folder)]
    done(client.put(f"{letter}/lines/{ids[2]}/place", json={"before": ids[0]}))
    assert [line.id for line in lines(folder)] == [ids[2], *ids[:2], *ids[3:]]
    done(client.put(f"{letter}/lines/{ids[0]}/place", json={"before": None}))
    assert [line.id for line in lines(folder)] == [ids[2], ids[1], *ids[3:], ids[0]]


def test_other_readings_begin_with_the_likeliest(client, letter):
    first = client.get(letter).json()["lines"][0]
    texts = done(client.get(f"{letter}/lines/{first['id']}/alternatives"))["texts"]
    assert 2 <= len(set(texts)) == len(texts) <= 6
    assert texts[0].split()[:3] == first["text"].split()[:3]


def test_the_last_change_is_undone_and_no_other(client, folder, letter):
    before = lines(folder)
    one = done(client.put(f"{letter}/lines/{before[0].id}", json={"text": "one"}))["change"]
    two = done(client.delete(f"{letter}/lines/{before[1].id}"))["change"]
    refused = client.post(f"{letter}/undo", json={"change": one})
    assert (refused.status_code, set(refused.json())) == (409, {"error"})
    assert len(lines(folder)) == len(before) - 1
    done(client.post(f"{letter}/undo", json={"change": two}))
    assert [line.text for line in lines(folder)] == ["one", *(line.text for line in before[1:])]
    done(client.post(f"{letter}/undo", json={"change": one}))
    assert lines(folder) == before
    assert client.post(f"{letter}/undo", json={"change": one}).status_code == 409


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "lines", '{"baseline": [[1, 2]]}', 422),
        ("POST", "lines", '{"baseline": [[1, 2], [1, 2]]}', 422),
        ("POST", "lines", '{"baseline": [[9000, 9000], [9999, 9999]]}', 422),
        ("POST", "lines", '{"baseline": [[1, NaN], [5, 6]]}', 422),
        ("POST", "lines", '{"baseline": [[-1, 2], [1e999, 6]]}', 422),
        ("POST", "lines", '{"baseline": [[1, 2, 3], [4, 5, 6]]}', 422),
        ("POST", "lines", f'{{"baseline": {[[n, n] for n in range(201)]}}}', 422),
        ("POST", "lines", '{"baseline": [[1, 2], [50, 2]], "pipeline": "none"}', 422),
        ("PUT", "lines/none/baseline", '{"baseline": [[1, 2], [50, 2]]}', 404),
        ("PUT", "lines/none/place", '{"before": null}', 404),
        ("DELETE", "lines/none", None, 404),
        ("GET", "lines/none/alternatives", None, 404),
        ("GET", "file?format=none", None, 422),
        ("POST", "undo", '{"change": 7}', 422),
    ],
)
def test_what_cannot_be_changed_is_said(client, folder, letter, method, path, body, status):
    before = (folder / "letter.xml").read_bytes()
    headers = {"content-type": "application/json"}
    answer = client.request(method, f"{letter}/{path}", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    assert "\n" not in answer.json()["error"]
    assert (folder / "letter.xml").read_bytes() == before


def test_pages_are_had_in_every_format(client, folder, letter):
    for name in ("letter.png", "letter.xml"):
        shutil.copy(SAMPLE / name, folder / name.replace("letter", "écrit"))
    formats = {each["name"]: each for each in client.get("/v1/formats").json()["formats"]}
    assert {"alto", "hocr", "json", "page", "text"} <= set(formats)
    for name, about in formats.items():
        one = client.get(f"{letter}/file", params={"format": name})
        every = client.get("/v1/file", params={"format": name})
        assert one.status_code == every.status_code == 200
        assert one.headers["content-disposition"] == "attachment"
        if about["takes_several"]:
            assert len(every.content) > len(one.content)
            continue
        with zipfile.ZipFile(io.BytesIO(every.content)) as archive:
            assert archive.namelist() == [f"letter{about['ending']}", f"écrit{about['ending']}"]
            if name != "page":  # which has a date
                assert archive.read(f"letter{about['ending']}") == one.content
    text = client.get(f"{letter}/file", params={"format": "text"}).text
    assert text.split("\n")[0] == TEXTS[0]


def test_progress_is_of_every_page_and_follows_what_is_kept(client, folder, letter):
    assert done(client.get("/v1/progress")) == {
        "lines": 8,
        "corrected": 0,
        "estimated_cer": None,
        "pages": {"letter": {"lines": 8, "corrected": 0, "estimated_cer": None}},
    }
    done(client.post(f"{letter}/read", json={}))
    done(client.put(f"{letter}/lines/{lines(folder)[0].id}", json={"text": "one"}))
    found = done(client.get("/v1/progress"))
    assert (found["lines"], found["corrected"]) == (8, 1)
    assert 0 < found["estimated_cer"] < 0.3


@given(st.lists(st.tuples(st.text(min_size=1, max_size=9), some_pages.SHARES), max_size=6))
def test_mistakes_that_are_expected_lie_between_none_and_all(texts):
    written = [Line(str(n), text=text, confidence=p) for n, (text, p) in enumerate(texts)]
    found = progress_of(Page("page", 9, 9, lines=tuple(written)))
    assert 0 <= found.mistakes <= found.characters
    assert (found.to_json()["estimated_cer"] is None) == (not texts)
    sure = [replace(line, confidence=1.0) for line in written]
    assert progress_of(Page("page", 9, 9, lines=tuple(sure))).mistakes == 0


@settings(max_examples=20)
@given(some_pages.pages(), st.data())
def test_the_order_that_was_asked_for_is_that_of_the_file(page, data):
    file = io.BytesIO()
    make_format("page").write(iter([(page, None)]), file)
    page = parse_page(file.getvalue())
    ids = [line.id for line in page.lines]
    line = data.draw(st.sampled_from(ids))
    others = [id_ for id_ in ids if id_ != line]
    before = data.draw(st.sampled_from([*others, None]))
    at = len(others) if before is None else others.index(before)
    file = io.BytesIO()
    make_format("page").write(iter([(placed(page, line, before), None)]), file)
    found = [each.id for each in parse_page(file.getvalue()).lines]
    assert found == [*others[:at], line, *others[at:]]


def test_a_line_that_is_drawn_is_as_high_as_the_others_and_goes_where_it_lies():
    def line(id_, y, x=0):
        return Line(id_, ((x, y), (x + 200, y)), above=20, below=10, region="r")

    regions = (ocrkit.Region("r"),)
    page = Page(
        "page", 900, 400, None, 0, regions, (line("1", 50), line("3", 150), line("far", 60, 500))
    )
    new = drawn(page, ((210.0, 100.0), (10.0, 101.0)))
    assert new.baseline == ((10.0, 101.0), (210.0, 100.0))
    assert (new.above, new.below) == (20, 10)
    assert [each.id for each in added(page, new).lines] == ["1", "added-1", "3", "far"]
    alone = drawn(replace(page, lines=()), ((10.0, 100.0), (310.0, 100.0)))
    assert 10 < 100 - min(y for _, y in alone.boundary) < 40
    assert [each.id for each in added(replace(page, lines=()), alone).lines] == ["added-1"]


def test_the_estimate_is_held_against_what_is_true(tmp_path):
    rows = [
        {"pipeline": "any"},
        {"id": "1", "form": "a", "truth": "half", "prediction": "halt", "confidence": 0.9**4},
        {"id": "2", "form": "b", "truth": "most", "prediction": "most", "confidence": 1.0},
    ]
    results = tmp_path / "lines.jsonl"
    results.write_text("\n".join(map(json.dumps, rows)))
    script = Path(__file__).parents[2] / "benchmarks" / "estimated_cer.py"
    run = [sys.executable, str(script), str(results)]
    printed = subprocess.run(run, capture_output=True, text=True, check=True, timeout=300).stdout
    assert printed.splitlines() == [
        "all: 12.50%, estimated 5.00%",
        "2 pages: 7.50% apart (median), correlation 1.00",
    ]
