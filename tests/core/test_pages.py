"""Pages are found, cut, read and put in order by pipelines of task page."""

import multiprocessing
import pickle
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

import ink_marker
from drawn_pages import PLUGIN, column, page, words, written
from ocrkit import ConfigError, ImageError, OcrkitError, Page, load
from ocrkit.page_pipeline import PagePipeline
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec, read_recipe
from ocrkit.pipelines.page_build import assemble_pages
from ocrkit.pipelines.page_spec import PageSpec
from ocrkit.training import train

Install = Callable[[str, str], Path]
WRITTEN = ["clocks", "leaves", "number", "seven", "alarms", "correct", "baker"]


@pytest.fixture
def pipeline(install: Install, tmp_path: Path) -> Path:
    """The file of a page pipeline that reads words one above the other."""
    install("rows", PLUGIN)
    return written(tmp_path)


def loaded(pipeline: Path, *settings: str, threads: int = 2, batch_size: int = 64) -> PagePipeline:
    found = load(pipeline, settings, device="cpu", threads=threads, batch_size=batch_size)
    assert isinstance(found, PagePipeline)
    return found


def texts(read: Page) -> list[str | None]:
    return [line.text for line in read.lines]


def test_a_page_is_read_and_says_where_what_is(pipeline: Path) -> None:
    with loaded(pipeline) as pages:
        read = pages.read(page(column(WRITTEN)))
    assert texts(read) == WRITTEN
    assert read.text == "\n".join(WRITTEN)
    assert (read.id, read.width, read.height) == ("0", 1200, 900)
    for line, (text, x, y) in zip(read.lines, column(WRITTEN), strict=True):
        height, width = words()[text].shape
        (left, _), (right, base) = line.baseline
        assert abs(left - x) < 4
        assert abs(right - x - width) < 4
        assert y < base < y + height
        assert line.confidence is not None
        assert line.confidence > 0.5
        (word,) = line.words
        assert word.text == text
        corners = np.array(word.boundary)
        assert np.abs(corners.min(axis=0) - (x, y)).max() < 6
        assert np.abs(corners.max(axis=0) - (x + width, y + height)).max() < 6


def test_columns_are_read_one_after_the_other_with_a_blank_line_between(pipeline: Path) -> None:
    placed = [*column(WRITTEN[:4], x=60), *column(WRITTEN[3:], x=700, y=80)]
    with loaded(pipeline) as pages:
        read = pages.read(page(placed))
    assert read.text == "\n".join(WRITTEN[:4]) + "\n\n" + "\n".join(WRITTEN[3:])


def test_a_page_reads_the_same_alone_and_with_others(pipeline: Path, tmp_path: Path) -> None:
    paths = []
    for number in range(21):
        path = tmp_path / f"{number:02}.png"
        chosen = [WRITTEN[(number + each) % 7] for each in range(number % 6)]
        cv2.imwrite(str(path), page(column(chosen, x=40 + 9 * number)))
        paths.append(path)
    with loaded(pipeline) as pages:
        alone = [pages.read(path) for path in paths]
        together = [item.page for item in pages.read_many(paths)]
        resumed = [item.page for item in pages.read_many(paths[8:], after=8)]
    with loaded(pipeline, batch_size=3, threads=1) as pages:
        small = [item.page for item in pages.read_many(paths)]
    assert [each.text for each in alone] == [each and each.text for each in together]
    assert together[8:] == resumed
    assert [each.text for each in alone] == [each and each.text for each in small]
    assert [each.id for each in alone] == list(map(str, paths))


def test_a_bad_page_is_an_item_with_its_error(pipeline: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    cv2.imwrite(str(good), page(column(WRITTEN[:2])))
    bad.write_bytes(b"no image")
    with loaded(pipeline) as pages:
        items = list(pages.read_many([good, bad, tmp_path / "gone.png", good]))
        with pytest.raises(ImageError, match=r"bad\.png: not an image"):
            pages.read(bad)
        with pytest.raises(TypeError, match="reads several images"):
            pages.read_many(str(good))
    assert [item.text for item in items] == ["clocks\nleaves", None, None, "clocks\nleaves"]
    assert items[1].error == f"{bad}: not an image; expected PNG, JPEG, TIFF, BMP, WebP or GIF"
    assert "gone.png" in str(items[2].error)


def test_a_blank_page_has_no_lines_and_says_so(pipeline: Path) -> None:
    with loaded(pipeline) as pages:
        (item,) = pages.read_many([page([])])
    assert item.page is not None
    assert (item.page.lines, item.page.text, item.page.confidence) == ((), "", None)
    assert item.note == "no lines of writing were found on it"


def test_lines_that_cannot_be_read_are_kept_and_doubtful(pipeline: Path) -> None:
    rng = np.random.default_rng(0)
    image = page(column(WRITTEN[:1]))
    for row in range(2, 8):
        noise = rng.integers(0, 256, (40, 500), np.uint8)
        image[60 + 100 * row : 100 + 100 * row, 60:560] = noise
    with loaded(pipeline) as pages:
        (item,) = pages.read_many([image])
    assert item.page is not None
    assert len(item.page.lines) == 7
    assert item.page.lines[0].id not in item.doubtful
    assert len(item.doubtful) == 6
    assert item.note.startswith("6 of 7 lines are doubtful: it may be print, or a hand")


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_page_that_lies_or_stands_on_its_head_is_found_and_turned(
    pipeline: Path, turn: int
) -> None:
    image = np.rot90(page(column(WRITTEN)), -turn // 90)
    with loaded(pipeline) as pages:
        read = pages.read(image)
    assert read.turned == turn
    assert texts(read) == WRITTEN
    assert (read.height, read.width) == image.shape
    for line in read.lines:
        (left, top), (right, bottom) = line.baseline
        way = {90: bottom - top, 180: left - right, 270: top - bottom}[turn]
        assert way > 50
        (word,) = line.words
        inside = np.array(word.boundary)
        x, y = inside.mean(axis=0).astype(int)
        assert image[y - 20 : y + 20, x - 20 : x + 20].min() < 128


def test_a_page_is_looked_at_again_at_the_scale_that_the_segmenter_asks_for(
    pipeline: Path,
) -> None:
    once = ["segment.preprocessor.use=fit-page", "segment.preprocessor.longest=600"]
    image = page(column(WRITTEN))
    with loaded(pipeline, *once) as pages:
        small = pages.read(image)
    with loaded(pipeline, *once, "segment.segmenter.wanted=60") as pages:
        large = pages.read(image)
    assert [len(each.lines) for each in (small, large)] == [len(WRITTEN)] * 2
    for one, other in zip(small.lines, large.lines, strict=True):
        before, after = (int(each.kind.split()[0]) for each in (one, other))
        assert after > 1.3 * before
        assert np.abs(np.subtract(one.baseline, other.baseline)).max() < 5


def test_lines_may_be_found_by_a_network(
    install: Install, tmp_path: Path, words_root: Path
) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    install("ink", ink_marker.PLUGIN)
    (tmp_path / "ink.toml").write_text(ink_marker.PIPELINE)
    settings = ["segmenter.use=ink-box", "training.epochs=12", "preprocessor.height=48"]
    spec = load_spec(tmp_path / "ink.toml", settings)
    train(assemble(spec, training=True), tmp_path / "run", data=words_root, threads=1)
    pipeline = written(tmp_path)
    image = page([("clocks", 40, 25)], height=110, width=260)
    with loaded(pipeline, f"segment={tmp_path / 'run'}") as pages:
        read = pages.read(image)
        assert len(pages.used) == 2
    (line,) = read.lines
    assert line.text is not None
    ((left, base), (right, _)) = line.baseline
    height, width = words()["clocks"].shape
    step = ink_marker.STRIDE * 110 / 48
    assert 40 - step <= left < 40 + width / 2 < right <= 40 + width + step
    assert 25 + height / 2 < base <= 25 + height + step
    assert read.made_by[0].version


def test_it_travels_and_ends_as_other_pipelines_do(pipeline: Path) -> None:
    image = page(column(WRITTEN[:2]))
    with loaded(pipeline) as pages:
        again = pickle.loads(pickle.dumps(pages))  # noqa: S301
        assert again.read(image).text == pages.read(image).text
        if "fork" in multiprocessing.get_all_start_methods():
            with multiprocessing.get_context("fork").Pool(1) as pool:
                assert pool.apply(pages.read, [image]) == pages.read(image)
    with pytest.raises(OcrkitError, match="has been closed"):
        pages.read(image)
    again.close()


def test_pages_name_what_made_them(pipeline: Path) -> None:
    with loaded(pipeline) as pages:
        read = pages.read(page(column(WRITTEN[:1])))
    segment, text = read.made_by
    assert (segment.task, segment.name) == ("segment", "rows")
    assert (text.task, text.name) == ("text", "iam-words-resnet")
    assert len(text.version) == 64


def test_settings_reach_into_the_pipelines_that_it_names(pipeline: Path) -> None:
    settings = ["text.decoder.use=ctc-beam", "segment.segmenter.smallest=9", "order.use=top-down"]
    spec = read_recipe(pipeline, settings)
    assert isinstance(spec, PageSpec)
    assert spec.text.decoder.use == "ctc-beam"
    assert spec.segment.segmenter.options == {"smallest": 9}
    assert assemble_pages(spec).text.around.decoder is not None
    with loaded(pipeline, "segment.segmenter.smallest=999") as pages:
        assert pages.read(page(column(WRITTEN))).lines == ()


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("text=zoo:iam-word-resnet", "text: no zoo model 'iam-word-resnet'. Did you mean"),
        ("text=nowhere.toml", "nowhere.toml: no such file or folder; expected zoo:NAME"),
        ("segment=zoo:iam-words-resnet", "segment: 'iam-words-resnet' has the task 'text'"),
        ("text.decoder.use=nothing", "text: no decoder named 'nothing'"),
        ("text.alphabet=x", "is untrained: weights"),
        ("segment.segmenter.largest=9", "segment: segmenter: no option 'largest'"),
        ("segment.model.use=x", "segment: no model named 'x'"),
        ("order.use=upwards", "no order named 'upwards'"),
        ("backends=['onnx']", "no table or key 'backends'"),
        ("schema=2", "schema: 2; expected 1"),
    ],
)
def test_what_is_wrong_is_said(pipeline: Path, setting: str, problem: str) -> None:
    with pytest.raises((ConfigError, OcrkitError)) as caught:
        loaded(pipeline, setting)
    problems = getattr(caught.value, "problems", [str(caught.value)])
    assert any(problem in each for each in problems), problems


def test_all_mistakes_are_said_at_once(pipeline: Path) -> None:
    settings = ["text.decoder.use=a", "segment.segmenter.use=b", "order.use=c"]
    with pytest.raises(ConfigError) as caught:
        loaded(pipeline, *settings)
    said = "\n".join(caught.value.problems)
    assert "text: no decoder named 'a'" in said
    assert "segment: no segmenter named 'b'" in said
    assert "no order named 'c'" in said


def test_what_needs_a_network_of_its_own_refuses_a_page_pipeline(pipeline: Path) -> None:
    with pytest.raises(OcrkitError, match=r"a page pipeline, .*rows\.toml and zoo:iam-words"):
        load_spec(pipeline)


def test_the_pages_of_a_document_are_items(pipeline: Path, tmp_path: Path) -> None:
    texts = [[text, "number", "seven"] for text in WRITTEN[:3]]
    first, *more = [Pillow.fromarray(page(column(each))) for each in texts]
    first.save(tmp_path / "scan.pdf", save_all=True, append_images=more)
    first.save(tmp_path / "note.png")
    with loaded(pipeline) as pages:
        paths = [tmp_path / "scan.pdf", str(tmp_path / "note.png"), np.array(first)]
        items = list(pages.read_many(paths, apart=True))
        assert [item.id for item in items] == [
            *(f"{tmp_path / 'scan.pdf'}#{number}" for number in (1, 2, 3)),
            str(tmp_path / "note.png"),
            "2",
        ]
        begins = [(item.text or "").partition("\n")[0] for item in items]
        assert begins == [*WRITTEN[:3], "clocks", "clocks"]
        with pytest.raises(ImageError, match=r"scan\.pdf: 3 pages; read_many\(\) reads them all"):
            pages.read(tmp_path / "scan.pdf")
