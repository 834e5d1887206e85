"""The conformance kit on every built-in part, as anybody runs it on theirs."""
# ruff: noqa: RUF012  (options are plain class attributes, as in anybody's tests)

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import ImageFont

import exports
from networks import NEEDS_GLUON, notebook_name
from ocrkit.interfaces import Arrays
from ocrkit.parts.registry import registry
from ocrkit.testing import (
    AugmentationConformance,
    BackendConformance,
    CommandConformance,
    Conformance,
    CutterConformance,
    DecoderConformance,
    EncoderConformance,
    EngineConformance,
    FeaturizerConformance,
    FormatConformance,
    ImporterConformance,
    LanguageModelConformance,
    LanguageModelFormatConformance,
    MetricConformance,
    ModelConformance,
    ObjectiveConformance,
    OrderConformance,
    PreprocessorConformance,
    ReaderConformance,
    SegmenterConformance,
    ZooConformance,
)
from ocrkit.testing.networks import NetworkPartConformance
from ray_cluster import WARNINGS, started

# ----------------------------------------------------------------------------------------- networks


@NEEDS_GLUON
class TestGluon(BackendConformance):
    name = "gluon"


class TestTorch(BackendConformance):
    name = "torch"


class TestOnnx(BackendConformance):
    name = "onnx"


@NEEDS_GLUON
class TestCnnOnGluon(FeaturizerConformance):
    name = "cnn"
    backend = "gluon"
    options = {"channels": 4}


class TestCnnOnTorch(FeaturizerConformance):
    name = "cnn"
    backend = "torch"
    options = {"channels": 4}


class TestCnnOnOnnx(FeaturizerConformance):
    name = "cnn"
    backend = "onnx"
    options = {"channels": 4}


@NEEDS_GLUON
class TestResNetCnnOnGluon(FeaturizerConformance):
    name = "resnet-cnn"
    backend = "gluon"
    options = {"channels": (3, 4), "blocks": (1, 2), "pools": (2,), "stem_channels": 3}


class TestResNetCnnOnTorch(FeaturizerConformance):
    name = "resnet-cnn"
    backend = "torch"
    options = {"channels": (3, 4), "blocks": (1, 2), "pools": (2,), "stem_channels": 3}


class TestResNetCnnOnOnnx(FeaturizerConformance):
    name = "resnet-cnn"
    backend = "onnx"
    options = {"channels": (3, 4), "blocks": (1, 2), "pools": (2,), "stem_channels": 3}


class TestSeparableCnnOnTorch(FeaturizerConformance):
    name = "separable-cnn"
    backend = "torch"
    options = {"channels": (3, 4), "blocks": (1, 1), "columns": (2, 1), "stem_channels": 3}


@NEEDS_GLUON
class TestBiLstmOnGluon(EncoderConformance):
    name = "bilstm"
    backend = "gluon"
    options = {"hidden": 8, "layers": 2}


class TestBiLstmOnTorch(EncoderConformance):
    name = "bilstm"
    backend = "torch"
    options = {"hidden": 8, "layers": 2}


class TestBiLstmOnOnnx(EncoderConformance):
    name = "bilstm"
    backend = "onnx"
    options = {"hidden": 8, "layers": 2}


class TestHandsLines(ZooConformance):
    name = "hands-lines"


class TestZooHandsPages(ZooConformance):
    name = "hands-pages"


class TestIamCrnn(ZooConformance):
    name = "iam-crnn"


class TestIamLines(ZooConformance):
    name = "iam-lines"


class TestIamFast(ZooConformance):
    name = "iam-words-fast"


class TestIamResnet(ZooConformance):
    name = "iam-words-resnet"


class TestPageLines(ZooConformance):
    name = "page-lines"


class TestZooIamPages(ZooConformance):
    name = "iam-pages"


class TestSynthWordsResnet(ZooConformance):
    name = "synth-words-resnet"


class TestEnglish(LanguageModelConformance):
    name = "english"


class TestEnglishLines(LanguageModelConformance):
    name = "english-lines"


class TestFrench(LanguageModelConformance):
    name = "french"


class TestNGrams(LanguageModelFormatConformance):
    name = "n-grams"
    file = Path(__file__).parent / "kenlm" / "harbour.arpa"


class TestServe(CommandConformance):
    name = "serve"


class TestLm(CommandConformance):
    name = "lm"


@NEEDS_GLUON
class TestParams(ImporterConformance):
    name = "params"
    settings = ("featurizer.channels=4", "encoder.hidden=8", "encoder.layers=2")

    def save(self, path: Path, arrays: Arrays) -> None:
        from ocrkit_gluon.mxnet import mxnet

        mxnet.nd.save(
            str(path),
            {notebook_name(name): mxnet.nd.array(array) for name, array in arrays.items()},
        )


# ------------------------------------------------------------------------------------------ readers


class TestIamSample(ReaderConformance):
    name = "iam"


class TestIamSampleLines(ReaderConformance):
    name = "iam"
    options = {"level": "lines"}


class TestIam(ReaderConformance):
    name = "iam"
    disjoint_splits = (("aachen/train", "aachen/validation"),)

    @pytest.fixture(autouse=True)
    def _words(self, words_root: Path) -> None:
        self.options = {"root": str(words_root), "split": "aachen/train"}


class TestIamPages(ReaderConformance):
    name = "iam"

    @pytest.fixture(autouse=True)
    def _forms(self, tmp_path: Path) -> None:
        (tmp_path / "forms").mkdir()
        rows = []
        for form in ("a01-000u", "a01-003"):
            picture = np.full((300, 400), 200, np.uint8)
            cv2.imwrite(str(tmp_path / "forms" / f"{form}.png"), picture)
            rows.append(f"{form}-00-00 ok 150 40 80 90 30 NN one")
        (tmp_path / "words.txt").write_text("\n".join(rows))
        self.options = {"root": str(tmp_path), "level": "pages"}


class TestFolder(ReaderConformance):
    name = "folder"
    disjoint_splits = (("train", "test"),)

    @pytest.fixture(autouse=True)
    def _images(self, tmp_path: Path) -> None:
        for split, writer in (("train", "anne"), ("test", "bob")):
            (tmp_path / split).mkdir()
            for word in ("hen", "ten"):
                cv2.imwrite(str(tmp_path / split / f"{word}.png"), np.full((20, 50), 200, np.uint8))
            rows = [f"{word}.png\t{word}\t{writer}\n" for word in ("hen", "ten", "gone")]
            (tmp_path / split / "labels.tsv").write_text("".join(rows))
        self.options = {"root": str(tmp_path)}


class TestPageXml(ReaderConformance):
    name = "page-xml"

    @pytest.fixture(autouse=True)
    def _pages(self, tmp_path: Path) -> None:
        for name in ("first", "second"):
            cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((300, 400), 200, np.uint8))
            xml = exports.ESCRIPTORIUM_ALTO.replace("letter.png", f"{name}.png")
            (tmp_path / f"{name}.xml").write_text(xml, encoding="utf-8")
        self.options = {"root": str(tmp_path)}


class TestPageXmlPages(TestPageXml):
    @pytest.fixture(autouse=True)
    def _level(self, _pages: None) -> None:
        self.options["level"] = "pages"


class TestParquet(ReaderConformance):
    name = "parquet"
    disjoint_splits = (("train", "test"),)

    @pytest.fixture(autouse=True)
    def _rows(self, tmp_path: Path) -> None:
        rows = pytest.importorskip("parquet_files", exc_type=ImportError)
        for split, writer in (("train", "anne"), ("test", "bob")):
            file = tmp_path / "data" / f"{split}-00000-of-00001.parquet"
            rows.write(file, ["hen", "ten"], writer=[writer, writer])
        self.options = {"root": str(tmp_path), "writer": "writer"}


class TestSynthWords(ReaderConformance):
    name = "synth-words"
    disjoint_splits = (("train", "validation"),)

    @pytest.fixture(autouse=True)
    def _fonts(self, tmp_path: Path) -> None:
        face = ImageFont.load_default(20)
        assert isinstance(face, ImageFont.FreeTypeFont)
        (tmp_path / "fonts").mkdir()
        for name in ("anne", "bob"):
            (tmp_path / "fonts" / f"{name}.ttf").write_bytes(face.font_bytes)
        (tmp_path / "words.txt").write_text(
            " ".join(a + b for a in "bdfghklmnp" for b in ("an", "en", "in", "on"))
        )
        self.options = {
            "root": str(tmp_path / "fonts"),
            "words": str(tmp_path / "words.txt"),
            "samples": 30,
        }


class TestSynthPages(TestSynthWords):
    name = "synth-pages"

    @pytest.fixture(autouse=True)
    def _small(self, _fonts: None) -> None:
        self.options |= {"samples": 6, "width": 300, "smallest": 8.0, "largest": 12.0}


class TestSynthLines(ReaderConformance):
    name = "synth-lines"
    disjoint_splits = (("train", "validation"),)

    @pytest.fixture(autouse=True)
    def _fonts(self, tmp_path: Path) -> None:
        face = ImageFont.load_default(20)
        assert isinstance(face, ImageFont.FreeTypeFont)
        (tmp_path / "fonts").mkdir()
        for name in ("anne", "bob"):
            (tmp_path / "fonts" / f"{name}.ttf").write_bytes(face.font_bytes)
        paragraphs = [f"a {b}in of {b}on" for b in "bcdfghjklmnpqrstvwxz"]
        (tmp_path / "fonts" / "words.txt").write_text("\n".join(paragraphs))
        self.options = {"root": str(tmp_path / "fonts"), "samples": 40}


class TestStrokes(ReaderConformance):
    name = "strokes"

    @pytest.fixture(autouse=True)
    def _lines(self, tmp_path: Path) -> None:
        strokes = [[x, 90, 10, -60, 15, 60] for x in (0, 30, 120, 150)]
        with gzip.open(tmp_path / "lines.jsonl.gz", "wt") as file:
            file.write(json.dumps({"id": "a01-000u-01", "text": "ab cd", "strokes": strokes}))
        self.options = {"root": str(tmp_path)}


class TestStrokesOfLines(TestStrokes):
    @pytest.fixture(autouse=True)
    def _of_lines(self, _lines: None) -> None:
        self.options = {**self.options, "level": "lines"}


# ------------------------------------------------------------------------------------------- images


class TestFitPad(PreprocessorConformance):
    name = "fit-pad"


class TestFitPadOfAnyWidth(PreprocessorConformance):
    name = "fit-pad"
    options = {"height": 64, "width": 512, "min_width": 96}


class TestFitHeight(PreprocessorConformance):
    name = "fit-height"


class TestFitLine(PreprocessorConformance):
    name = "fit-line"


class TestFitHeightOfLightInk(PreprocessorConformance):
    name = "fit-height"
    options = {"ink": "auto", "multiple": 8}


class TestFitPage(PreprocessorConformance):
    name = "fit-page"


class TestFitPageOfSmallWriting(PreprocessorConformance):
    name = "fit-page"
    options = {"longest": 64, "factor": 2.0}


class TestLevel(PreprocessorConformance):
    name = "level"


class TestCrop(PreprocessorConformance):
    name = "crop"


class TestShear(AugmentationConformance):
    name = "shear"


class TestRotate(AugmentationConformance):
    name = "rotate"


class TestScale(AugmentationConformance):
    name = "scale"


class TestShift(AugmentationConformance):
    name = "shift"


class TestStroke(AugmentationConformance):
    name = "stroke"


class TestContrast(AugmentationConformance):
    name = "contrast"


class TestElastic(AugmentationConformance):
    name = "elastic"


class TestShading(AugmentationConformance):
    name = "shading"


class TestShadow(AugmentationConformance):
    name = "shadow"


class TestPageCrop(AugmentationConformance):
    name = "page-crop"
    options = {"size": 64}


class TestBaselines(SegmenterConformance):
    name = "baselines"


class TestBaseline(CutterConformance):
    name = "baseline"


class TestPaper(AugmentationConformance):
    name = "paper"


class TestRuled(AugmentationConformance):
    name = "ruled"


class TestNeighbours(AugmentationConformance):
    name = "neighbours"


class TestWavy(AugmentationConformance):
    name = "wavy"


class TestGaps(AugmentationConformance):
    name = "gaps"
    options = {"least": 0.05}  # the kit's pieces of ink lie close together


# --------------------------------------------------------------------------------------------- text


class TestGreedy(DecoderConformance):
    name = "ctc-greedy"
    finds = "best path"


class TestBeam(DecoderConformance):
    name = "ctc-beam"


class TestWideBeam(DecoderConformance):
    name = "ctc-beam"
    finds = "best text"
    options = {"beam_width": 100, "min_probability": 0.0, "n_best": 5}


class TestLevenshtein(MetricConformance):
    name = "levenshtein"


class TestCer(MetricConformance):
    name = "cer"


class TestBaselineNet(ModelConformance):
    name = "baseline-net"


class TestPixels(ObjectiveConformance):
    name = "pixels"


class TestCtc(ObjectiveConformance):
    name = "ctc"


class TestWer(MetricConformance):
    name = "wer"


class TestPageCer(MetricConformance):
    name = "page-cer"


class TestPageWer(MetricConformance):
    name = "page-wer"


class TestOrderFreeCer(MetricConformance):
    name = "order-free-cer"


class TestMatchedCer(MetricConformance):
    name = "matched-cer"


class TestBagOfWords(MetricConformance):
    name = "bag-of-words-f1"


class TestLineRecall(MetricConformance):
    name = "line-recall"


class TestLinePrecision(MetricConformance):
    name = "line-precision"


class TestLineF1(MetricConformance):
    name = "line-f1"


class TestWordBoxF1(MetricConformance):
    name = "word-box-f1"


def test_every_built_in_part_is_here() -> None:
    here = [
        each
        for each in globals().values()
        if isinstance(each, type) and issubclass(each, Conformance) and "name" in vars(each)
    ]
    own = [entry for entry in registry().entries() if entry.plugin.distribution == "ocrkit"]
    on_backends = {
        (each.kind, each.name, each.backend)
        for each in here
        if issubclass(each, NetworkPartConformance)
    }
    # Augmentations and preprocessors on a device are held against those of the CPU, objectives and
    # whole networks by training, in tests of their own.
    of_networks = {"featurizer", "encoder"}
    assert on_backends == {
        (entry.kind, entry.name, entry.backend)
        for entry in own
        if entry.backend and entry.kind in of_networks
    }
    assert {(each.kind, each.name) for each in here} == {(entry.kind, entry.name) for entry in own}
    assert not any(each.expected_failures for each in here)


class TestTopDown(OrderConformance):
    name = "top-down"


@pytest.fixture(scope="class")
def cluster() -> Iterator[None]:
    with started():
        yield


@WARNINGS
@pytest.mark.usefixtures("cluster")
class TestRay(EngineConformance):
    name = "ray"


class TestText(FormatConformance):
    name = "text"


class TestJson(FormatConformance):
    name = "json"


class TestAlto(FormatConformance):
    name = "alto"


class TestPage(FormatConformance):
    name = "page"


class TestPageOf2013(FormatConformance):
    name = "page"
    options = {"schema": 2013}


class TestHocr(FormatConformance):
    name = "hocr"


class TestPdf(FormatConformance):
    name = "pdf"
