"""The pages and lines that all read: the same files for each, and what is true of them."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import cv2
from peer_list import BUILD, LINES, PAGES, ROOT

from ocrkit import ImageError, Page, Sample
from ocrkit.data.datasets import open_dataset
from ocrkit.data.lines import with_heights
from ocrkit.images.grey import as_grey
from ocrkit.interfaces import Image
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.parts.page_json import page_from_json, page_to_json
from ocrkit.support.files import write_atomically

T = TypeVar("T")
SEED = 26
"""Of the pages that are drawn."""


@dataclass(frozen=True)
class Source:
    """A data set to take pages from, as a reader of ocrkit opens it."""

    name: str
    reader: str
    root: str
    split: str
    pages: int
    """How many: the first by the SHA-256 of their ids."""
    lines: int
    """How many lines of these pages, chosen alike."""
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Item:
    """A picture that is read, and what is on it."""

    id: str
    image: str
    """A PNG file."""
    truth: Page | str
    writer: str | None


def drawn(fonts: Path, pages: int, lines: int) -> Source:
    """Pages that the project draws, with fonts and a text that it downloads where they are not
    there, of the split that no model is taught with."""
    if not (fonts / "words.txt").exists():
        for script, target in (
            ("fetch_handwriting_fonts.py", fonts),
            ("fetch_lm_text.py", fonts / "words.txt"),  # the last: it says that all is there
        ):
            fonts.mkdir(parents=True, exist_ok=True)
            print(f"tools/{script}: it needs npm and a network", file=sys.stderr, flush=True)
            subprocess.run([sys.executable, ROOT / "tools" / script, target], check=True)
    options = {"seed": SEED, "samples": 20 * pages}
    return Source("synthetic", "synth-pages", str(fonts), "validation", pages, lines, options)


def prepared(source: Source) -> dict[str, list[Item]]:
    """The pictures of a source by task. They are written once, and again where the source has
    changed."""
    folder = BUILD / "data" / source.name
    listed = folder / "items.json"
    wanted = json.loads(json.dumps(asdict(source)))
    if listed.exists():
        kept = json.loads(listed.read_text(encoding="utf-8"))
        if kept["source"] == wanted:
            return {task: [_item(each) for each in kept[task]] for task in (PAGES, LINES)}
    options = source.options | ({} if source.reader == "synth-pages" else {"level": "pages"})
    dataset = open_dataset(
        PartSpec("reader", source.reader, options), root=source.root, split=source.split
    )
    samples = first_by_hash(((each.id, each) for each in dataset), source.pages)
    pages = [_page(sample, folder) for sample in samples]
    lines = list(_lines(samples, source.lines, folder))
    found = {PAGES: pages, LINES: lines}
    with write_atomically(listed) as file:
        rows = {task: [_row(item) for item in items] for task, items in found.items()}
        file.write_text(json.dumps({"source": wanted, **rows}), encoding="utf-8")
    return found


def first_by_hash(named: Iterable[tuple[str, T]], count: int) -> list[T]:
    """So many of them, which depend on nothing but their names."""
    ordered = sorted(named, key=lambda each: hashlib.sha256(each[0].encode()).digest())
    return [value for _, value in ordered[:count]]


def _page(sample: Sample, folder: Path) -> Item:
    assert sample.page is not None
    return Item(
        sample.id,
        _saved(as_grey(sample.load()), folder, sample.id),
        sample.page,
        sample.writer or sample.form,
    )


def _lines(samples: list[Sample], count: int, folder: Path) -> Iterator[Item]:
    """Lines as ocrkit's default cutter cuts them along their true baselines."""
    cutter = make_part(PartSpec("cutter", "", {}))
    all_lines = [
        (f"{sample.id}#{line.id}", (sample, line))
        for sample in samples
        if sample.page is not None
        for line in with_heights(sample.page).lines
        if line.text and (line.baseline or line.boundary)
    ]
    for sample, line in first_by_hash(all_lines, count):
        name = f"{sample.id}#{line.id}"
        try:
            image = cutter(as_grey(sample.load()), line)
        except ImageError:
            continue
        yield Item(name, _saved(image, folder, name), line.text, sample.writer or sample.form)


def _saved(image: Image, folder: Path, name: str) -> str:
    path = folder / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    with write_atomically(path) as file:
        file.write_bytes(cv2.imencode(".png", image)[1].tobytes())
    return str(path)


def _row(item: Item) -> dict[str, Any]:
    truth = item.truth if isinstance(item.truth, str) else page_to_json(item.truth)
    return asdict(item) | {"truth": truth}


def _item(row: dict[str, Any]) -> Item:
    truth = row["truth"] if isinstance(row["truth"], str) else page_from_json(row["truth"])
    return Item(row["id"], row["image"], truth, row["writer"])
