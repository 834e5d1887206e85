"""Whole and sound inputs, each in a folder with all that reading it takes: what trials then
damage."""

import gzip
import json
import shutil
import struct
from pathlib import Path

import numpy as np
import tomli_w
from PIL import Image

from hostile_images import CUT
from ocrkit.data.cache import CacheWriter
from ocrkit.errors import ImageError
from ocrkit.networks.seen_forms import write_list
from ocrkit.networks.weights import read, write
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec
from ocrkit.publishing.export import export
from ocrkit.publishing.golden_set import Computed, Item, write_golden
from ocrkit.support.checksums import sha256_of
from ocrkit_ngrams.arpa import read_arpa
from ocrkit_ngrams.files import write as write_language_model
from odd_parts import PARTS

XML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE form SYSTEM "form-metadata.dtd">
<form id="a01-000u" writer-id="000" writing-type="printed"><handwritten-part>
<line id="a01-000u-00" segmentation="ok">
<word id="a01-000u-00-00" tag="AT" text="one"><cmp x="1" y="2" width="3" height="4"/></word>
<word id="a01-000u-00-01" tag="NN" text="&amp;quot;hen&amp;quot;"/></line>
<line id="a01-000u-01" segmentation="err"><word id="a01-000u-01-00" tag="." text="R&amp;amp;D"/></line>
</handwritten-part></form>
"""  # noqa: E501
LINES = """\
#--- lines.txt ---#
a01-000u-00 ok 154 19 408 746 1661 89 A|M P|,|"|said|so|"|.
a01-000u-01 err 156 19 395 932 1850 105 they|'ll|#
"""


def make_seeds(folder: Path, run: Path, data: Path, results: Path) -> None:
    """Folders by the names of the parsers that read them. ``run`` is a training run, ``results`` a
    result file of it."""
    spec = load_spec(run)
    pipeline = tomli_w.dumps(spec.table | {"backends": ["onnx"], "weights": "weights.safetensors"})
    assembly = assemble(load_spec(run, {"backends": ["onnx"]}))

    model = folder / "pipeline"
    model.mkdir(parents=True)
    (model / "pipeline.toml").write_text(pipeline)
    write(model / "weights.safetensors", read(run / "best.safetensors").arrays, assembly.identity())
    manifest = {
        "schema": 2,
        "name": "tiny",
        "licence": "MIT",
        "terms": "Do as you like.",
        "network": assembly.identity(),
        "weights": {
            "file": "weights.safetensors",
            "sha256": sha256_of(model / "weights.safetensors"),
            "bytes": 1234,
        },
        "training": {"data": "drawn", "runs": [{"epochs": 2, "learning_rate": 0.03}]},
        "confidence": {"temperature": 1.25, "fitted_on": "validation"},
        "results": {"dataset": "iam", "samples": 31, "metrics": {"cer": {"value": 0.1}}},
    }
    (model / "manifest.toml").write_text(tomli_w.dumps(manifest))
    _copy(model, folder, "manifest", "weights", "description")
    for name in ("weights", "description"):  # by which a manifest would refuse all that is damaged
        (folder / name / "manifest.toml").unlink()

    shutil.copytree(run, folder / "run")
    _copy(folder / "run", folder, "checkpoint")
    (folder / "network").mkdir()
    export(load_spec(run), folder / "network" / "tiny.onnx")
    _copy(folder / "network", folder, "exported")

    kenlm = Path(__file__).parents[1] / "plugins" / "kenlm" / "harbour.arpa"
    _write(folder / "arpa" / "model.arpa", kenlm.read_bytes())
    (folder / "language model").mkdir()
    write_language_model(folder / "language model" / "model.lm", read_arpa(kenlm))
    (folder / "forms list").mkdir()
    write_list(folder / "forms list" / "forms.txt", ["a01-000u", "a01-003"], ["c04-156"])
    (folder / "golden").mkdir()
    computed = Computed({"log_probs": np.log(np.full((3, 6), 1 / 6, np.float32))}, "he")
    item = Item("a", np.full((4, 6), 200, np.uint8), computed, 0.0)
    write_golden(folder / "golden" / "golden.safetensors", [item, item])
    _write(folder / "params" / "network.params", _params())

    for name in ("words", "forms"):
        shutil.copytree(data, folder / name)
    _write(folder / "xml" / "xml" / "a01-000u.xml", XML.encode())
    shutil.copytree(data / "words", folder / "xml" / "words")
    image = next((data / "words").rglob("*.png")).read_bytes()
    for number in range(2):
        _write(folder / "lines" / "lines" / "a01" / "a01-000u" / f"a01-000u-0{number}.png", image)
    _write(folder / "lines" / "ascii" / "lines.txt", LINES.encode())
    for name in ("labels", "ground truth"):
        for image_name in ("a.png", "sub/b.png"):
            _write(folder / name / image_name, image)
    _write(folder / "labels" / "labels.tsv", "a.png\tone\twriter 1\nsub/b.png\thén, ten\n".encode())
    _write(folder / "ground truth" / "a.gt.txt", "hén\n".encode())
    places = [500 + 70 * index for index, letter in enumerate("some words apart") if letter != " "]
    strokes = [[place, 900, 10, -60, 15, 60, 15, -55, 20, 55] for place in places]
    rows = "".join(
        json.dumps({"id": f"a01-000u-0{i}", "text": "some words apart", "strokes": strokes}) + "\n"
        for i in range(3)
    )
    _write(folder / "strokes" / "lines.jsonl.gz", gzip.compress(rows.encode()))
    _write(folder / "text" / "text.txt", b"it is a hen\nten hens\n")
    _write(folder / "results" / "results.jsonl", results.read_bytes())
    _write(folder / "results" / "others.jsonl", results.read_bytes())
    _cache(folder / "cache")
    _images(folder / "images", image)
    about = folder / "guests" / "odd_dist-1.2.3.dist-info"
    _write(folder / "guests" / "odd.py", PARTS.encode())
    _write(about / "METADATA", b"Metadata-Version: 2.1\nName: odd-dist\nVersion: 1.2.3\n")
    _write(about / "entry_points.txt", b"[ocrkit]\nodd = odd\n")


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _copy(source: Path, folder: Path, *names: str) -> None:
    for name in names:
        shutil.copytree(source, folder / name)


def _params() -> bytes:
    """A list of two arrays as MXNet writes it."""
    arrays = [
        struct.pack("<IiI2qiii", 0xF993FAC9, 0, 2, 2, 3, 1, 0, 0) + bytes(24),
        struct.pack("<IiI1qiii", 0xF993FAC9, 0, 1, 4, 1, 0, 2) + bytes(8),
    ]
    names = b"".join(struct.pack("<Q", len(name)) + name for name in (b"0.0.weight", b"0.0.bias"))
    return struct.pack("<QQQ", 0x112, 0, 2) + b"".join(arrays) + struct.pack("<Q", 2) + names


KEY = "0" * 64
CACHED = [
    np.full((4, 6), 7, np.uint8),
    ImageError("a.png: broken"),
    np.arange(40, dtype=np.uint8).reshape(4, 10),
]
"""What the cache's entry holds: the second image could not be read."""


def _cache(folder: Path) -> None:
    with CacheWriter(KEY) as writer:
        for each in CACHED:
            writer.add(each)
        writer.commit()
        shutil.copytree(writer._final, folder / KEY)


def _images(folder: Path, png: bytes) -> None:
    """The same word in every format that is read, in colours, depths and packings of each."""
    folder.mkdir()
    (folder / "as_it_is.png").write_bytes(png)
    with Image.open(folder / "as_it_is.png") as opened:
        grey = opened.convert("L")
    colours = grey.convert("RGB")
    clear = colours.convert("RGBA")
    deep = Image.fromarray(np.asarray(grey, np.uint16) * 257)
    saved = {
        "grey.png": (grey, {}),
        "colours.png": (colours, {}),
        "clear.png": (clear, {}),
        "two.png": (grey.convert("1"), {}),
        "palette.png": (colours.quantize(16), {}),
        "sixteen.png": (deep, {}),
        "grey.jpg": (grey, {}),
        "colours.jpg": (colours, {}),
        "steps.jpg": (colours, {"progressive": True}),
        "turned.jpg": (grey, {"exif": _turned()}),
        "four.jpg": (colours.convert("CMYK"), {}),
        "plain.tif": (grey, {}),
        "deflate.tif": (colours, {"compression": "tiff_deflate"}),
        "sixteen.tif": (deep, {}),
        "lzw.tif": (clear, {"compression": "tiff_lzw"}),
        "fax.tif": (grey.convert("1"), {"compression": "group4"}),
        "jpeg.tif": (colours, {"compression": "jpeg"}),
        "grey.bmp": (grey, {}),
        "colours.bmp": (colours, {}),
        "grey.gif": (grey, {}),
        "clear.gif": (clear.quantize(8), {}),
        "lossy.webp": (colours, {}),
        "exact.webp": (clear, {"lossless": True}),
    }
    for name, (image, options) in saved.items():
        image.save(folder / name, **options)
    for name, data in CUT.items():
        (folder / f"to cut, {name}.jpg").write_bytes(data)


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif
