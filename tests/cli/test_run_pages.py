"""``ocrkit run`` and ``ocrkit check`` with page pipelines."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
from click.testing import CliRunner, Result

from drawn_pages import PLUGIN, column, page, words, written
from ocrkit import page_from_json
from ocrkit.cli import main

Install = Callable[[str, str], Path]
WRITTEN = ["clocks", "leaves", "number", "seven"]


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


@pytest.fixture
def pipeline(install: Install, tmp_path: Path) -> Path:
    install("rows", PLUGIN)
    return written(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pages: one with a column of words, one with two."""
    folder = tmp_path / "scans"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), page(column(WRITTEN)))
    two = [*column(WRITTEN[:3]), *column(WRITTEN[1:], x=700, y=80)]
    cv2.imwrite(str(folder / "b.png"), page(two))
    return folder


def page_xml(placed: list[tuple[str, int, int]]) -> str:
    """The truth of a page, as PAGE XML."""
    lines = []
    for number, (text, x, y) in enumerate(placed):
        height, width = words()[text].shape
        base = y + 4 * height // 5
        lines.append(
            f'<TextLine id="l{number}"><Baseline points="{x},{base} {x + width},{base}"/>'
            f"<TextEquiv><Unicode>{text}</Unicode></TextEquiv></TextLine>"
        )
    return (
        '<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15">'
        '<Page imageFilename="a.png" imageWidth="1200" imageHeight="900"><TextRegion id="r">'
        f"{''.join(lines)}</TextRegion></Page></PcGts>"
    )


def test_a_page_is_its_text(pipeline: Path, folder: Path) -> None:
    result = run("run", folder / "b.png", "--pipeline", pipeline)
    assert result.exit_code == 0
    assert result.stdout == "clocks\nleaves\nnumber\n\nleaves\nnumber\nseven\n"
    assert "pipeline 'pages' on onnx" in result.stderr
    assert "weights zoo:iam-words-resnet: " in result.stderr
    assert "non-commercial" in result.stderr


def test_several_pages_stand_beneath_their_names(pipeline: Path, folder: Path) -> None:
    bad = folder / "c.png"
    bad.write_bytes(b"")
    result = run("run", folder, "--pipeline", pipeline)
    first, second = folder / "a.png", folder / "b.png"
    assert result.exit_code == 0
    assert result.stdout == (
        f"==> {first} <==\nclocks\nleaves\nnumber\nseven\n\n"
        f"==> {second} <==\nclocks\nleaves\nnumber\n\nleaves\nnumber\nseven\n"
    )
    assert f"{bad}: empty file" in result.stderr
    assert run("run", folder, bad, "--pipeline", pipeline).exit_code == 1


def test_tables_have_a_row_a_line(pipeline: Path, folder: Path) -> None:
    result = run("run", folder, "--pipeline", pipeline, "--format", "csv", "--min-confidence", 1)
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["text"] for row in rows] == [*WRITTEN, *WRITTEN[:3], *WRITTEN[1:]]
    assert {row["id"] for row in rows} == {str(folder / "a.png"), str(folder / "b.png")}
    assert {row["doubtful"] for row in rows} == {"True"}
    assert "10 of 10 are doubtful" in result.stderr


def test_json_has_the_pages(pipeline: Path, folder: Path) -> None:
    result = run("run", folder / "a.png", folder / "gone.png", "--pipeline", pipeline, "--json")
    assert result.exit_code == 1
    good, bad = json.loads(result.stdout)["items"]
    assert good["text"] == "\n".join(WRITTEN)
    assert good["error"] is None
    assert 0.5 < good["confidence"] <= 1
    read = page_from_json(good["page"])
    assert [line.text for line in read.lines] == WRITTEN
    assert read.image is not None
    assert read.image.path == good["id"] == str(folder / "a.png")
    assert bad["id"] == str(folder / "gone.png")
    assert "gone.png" in bad["error"]


def test_json_lines_have_an_object_a_page(pipeline: Path, folder: Path) -> None:
    arguments = ("run", folder, "--pipeline", pipeline)
    lines = run(*arguments, "--format", "jsonl").stdout.splitlines()
    items = json.loads(run(*arguments, "--json").stdout)["items"]
    assert [json.loads(line) for line in lines] == items


def test_a_page_may_come_on_standard_input(pipeline: Path, folder: Path) -> None:
    data = (folder / "a.png").read_bytes()
    arguments = ["run", "-", "--pipeline", str(pipeline), "--json"]
    result = CliRunner().invoke(main, arguments, input=data)
    (item,) = json.loads(result.stdout)["items"]
    assert (item["id"], item["page"]["id"], item["text"]) == ("-", "-", "\n".join(WRITTEN))


def test_a_result_file_has_a_row_a_page_and_goes_on(
    pipeline: Path, folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "pages.jsonl"
    asked = ("run", folder, "--pipeline", pipeline, "--output", file)
    assert run(*asked).exit_code == 0
    whole = file.read_text()
    header, *rows = map(json.loads, whole.splitlines())
    assert header["header"]["parts"]["order"]["use"] == "top-down"
    assert header["header"]["parts"]["text"]["cutter"]["use"] == "baseline"
    assert [page_from_json(row["page"]).text for row in rows] == [row["text"] for row in rows]
    part = file.with_name(f"{file.name}.part")
    part.write_text("".join(f"{line}\n" for line in whole.splitlines()[:2]))
    file.unlink()
    result = run(*asked, "--resume")
    assert file.read_text() == whole
    assert result.stdout == run(*asked).stdout


def test_pages_are_scored(pipeline: Path, folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.png").write_bytes((folder / "a.png").read_bytes())
    (data / "a.xml").write_text(page_xml(column(WRITTEN)))
    file = tmp_path / "scored.jsonl"
    result = run(
        "run", "--pipeline", pipeline, "--data", data, "--json", "--output", file, "--profile",
        "--set", "metrics+=[{ use = 'page-cer' }, { use = 'line-f1' }]",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    scores = json.loads(result.stdout)
    assert scores["metrics"]["page-cer"]["value"] == 0
    assert scores["metrics"]["line-f1"]["value"] == 1
    assert scores["seconds"]["find"] > 0
    assert all(stage in result.stderr for stage in ("find", "cut", "network"))
    again = run("score", file, "--json")
    assert json.loads(again.stdout)["metrics"] == scores["metrics"]
    table = run("run", "--pipeline", pipeline, "--data", data, "--format", "tsv")
    assert [row.split("\t")[2] for row in table.stdout.splitlines()[1:]] == WRITTEN


def test_the_report_shows_pages_with_their_lines(
    pipeline: Path, folder: Path, tmp_path: Path
) -> None:
    data, report = tmp_path / "data", tmp_path / "report.html"
    data.mkdir()
    (data / "a.png").write_bytes((folder / "a.png").read_bytes())
    placed = [*column(["clocks", "leaves", "seven"]), ("clocks", 700, 700)]
    (data / "a.xml").write_text(page_xml(placed))
    rows, again = tmp_path / "rows.jsonl", tmp_path / "again.html"
    result = run(
        "run", "--pipeline", pipeline, "--data", data, "--report", report, "--output", rows
    )
    assert result.exit_code == 0, result.output
    html = report.read_text()
    assert "3 lines found, 1 lost, 1 invented" in html
    [verdict] = re.findall(r'<p class="verdict">(.+)</p>', html)
    assert verdict.endswith(" % on 1 page, lower is better.")
    states = re.findall(r'<polygon class="(\w+)"', html)
    assert states == ["read", "read", "read", "invented", "lost"]
    assert html.count("data:image/jpeg") == 1
    assert "<script" not in html
    assert "<h2>The pages</h2>" in html
    drawn = re.findall(r'<a href="#(page1line\d)"><polygon', html)
    listed = re.findall(r'<li><a href="#(page1line\d)">', html)
    assert drawn == listed == re.findall(r'class="line" id="(page1line\d)"', html)
    texts = html[html.index('<ol class="texts">') : html.index("</ol>")]
    assert re.findall(r"<small>(lost|invented)</small>", texts) == ["invented", "lost"]
    assert "<mark>" in texts
    assert verdict in result.stdout
    assert run("score", rows, "--report", again).exit_code == 0
    lines = r'class="line" id="page1line\d"'
    assert len(re.findall(lines, again.read_text())) == len(listed)
    grid = run("run", "--pipeline", pipeline, "--data", data, "--grid", tmp_path / "x.png")
    assert grid.exit_code == 2


def test_check_shows_the_stages_of_all_pipelines(pipeline: Path) -> None:
    result = run("check", pipeline)
    assert result.exit_code == 0, result.output
    for shown in ("ink-rows", "resnet-cnn", "ctc-greedy", "top-down", "weights: zoo:iam-words-res"):
        assert shown in result.stdout
    wrong = run("check", pipeline, "--set", "text.decoder.use=nothing", "--set", "order.use=x")
    assert wrong.exit_code == 1
    assert "text: no decoder named 'nothing'" in wrong.stderr
    assert "no order named 'x'" in wrong.stderr


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("train", "a page pipeline, which has no network of its own"),
        ("export", "has no network to export"),
        ("calibrate", "calibrate that: ocrkit calibrate iam-words-resnet"),
    ],
)
def test_commands_for_networks_say_what_to_do_in_place(
    pipeline: Path, tmp_path: Path, command: str, said: str
) -> None:
    more = {
        "train": ["--pipeline", pipeline, "--out", tmp_path / "run"],
        "export": [pipeline, "--to", tmp_path / "x.onnx"],
        "calibrate": [pipeline],
    }[command]
    result = run(command, *more)
    assert result.exit_code == 1
    assert said in result.stderr
