"""Everything that reads files which anybody may have written. ``PARSERS`` names them: add a line to
try another."""

import faulthandler
import gzip
import json
import os
import shutil
import traceback
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np

from ocrkit.data.cache import cached_images
from ocrkit.errors import ImageError, OcrkitError
from ocrkit.images import read_image
from ocrkit.language_model import LanguageModel
from ocrkit.networks.network_file import read_exported
from ocrkit.networks.seen_forms import of_run, read_list
from ocrkit.networks.weights import parse, read, write
from ocrkit.pipelines.assembly import Assembly
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec
from ocrkit.pipelines.trained import weights_to_read_with
from ocrkit.publishing.golden_set import read_golden
from ocrkit.publishing.pack import distributions_of
from ocrkit.reports.gallery import Gallery
from ocrkit.reports.page import write_html
from ocrkit.scoring.comparison import compare_results
from ocrkit.scoring.result_file import read_results
from ocrkit.scoring.rules import RAW, Rules
from ocrkit.training import Progress, resume_options
from ocrkit.training.curves import draw_curves
from ocrkit_ctc.objective import Ctc
from ocrkit_folder.folder import Folder
from ocrkit_gluon.params import _File
from ocrkit_iam.reader import Iam
from ocrkit_onnx.backend import Onnx
from ocrkit_onnx.graph import metadata_entries, metadata_of
from ocrkit_synth.strokes import Strokes
from trials.mutations import (
    Mutate,
    image_mutated,
    json_mutated,
    lines_mutated,
    mutated,
    toml_mutated,
)
from trials.seeds import CACHED, KEY

SLOW = 120
"""Seconds after which one input counts as one that hangs."""


class Parser(NamedTuple):
    """What reads an input, and the file of its folder that is damaged."""

    read: Callable[[Path], object]
    """Given the seed's folder. OcrkitError is how it refuses; any other error is a defect."""
    file: str
    """The name of the file, or a pattern of names: then one of them."""
    ways: Sequence[Mutate] = (mutated,)
    folder: str = ""
    """The seed's, where that is not the parser's own name."""
    alone: bool = False
    """Whether the file is all that reading takes; ``read`` is given it instead of the folder
    then."""


@cache
def _assembly(folder: Path) -> Assembly:
    return assemble(load_spec(folder / "pipeline.toml"))


def _read_pipeline(folder: Path) -> None:
    assembly = assemble(load_spec(folder / "pipeline.toml"))
    weights_to_read_with(assembly)


def _read_manifest(folder: Path) -> None:
    _, trained = weights_to_read_with(_assembly(folder))
    trained.seen  # noqa: B018  (read when it is asked for)


def _read_run(folder: Path) -> None:
    of_run(folder)
    resume_options(folder)
    distributions_of(folder)


def _read_checkpoint(file: Path) -> None:
    checkpoint = read(file)
    _assembly(file.parent).differences(checkpoint.about)
    try:
        progress = Progress.of(checkpoint.about)
    except ValueError as error:  # what training says of it
        raise OcrkitError(str(error)) from error
    draw_curves(progress.history or [{"epoch": 0}])


def _read_network(folder: Path) -> None:
    network = Onnx().open(folder / "tiny.onnx", Ctc.outputs, device="cpu", threads=1)
    images, widths = np.ones((2, 1, 16, 48), np.float32), np.array([48, 5], np.int32)
    network.run({"images": images, "widths": widths})


def _read_language_model(path: Path) -> None:
    LanguageModel.open(path).log_probs("he ")


def _read_iam(folder: Path) -> None:
    _read_samples(Iam(folder))


def _read_iam_lines(folder: Path) -> None:
    _read_samples(Iam(folder, level="lines", spacing="written"))


def _read_folder(folder: Path) -> None:
    _read_samples(Folder(folder))


def _read_strokes(folder: Path) -> None:
    _read_samples(Strokes(folder))


def _read_samples(reader: Any) -> None:
    for index in range(min(3, len(reader))):
        reader[index].load()


def _unpacked(data: bytes, random: Random) -> bytes:
    """What is packed is damaged, not the packing, which would be all that is found."""
    return gzip.compress(random.choice([mutated, lines_mutated])(gzip.decompress(data), random))


def _score(folder: Path) -> None:
    results = read_results(folder / "results.jsonl")
    gallery = Gallery()
    for outcome in results.outcomes:
        gallery.add_outcome(outcome)
    result = results.score(Rules(lowercase=True, unicode="NFKC"), 0.5)
    write_html(folder / "page.html", result, gallery)


def _compare(folder: Path) -> None:
    compare_results(
        read_results(folder / "others.jsonl"), read_results(folder / "results.jsonl"), RAW
    )


def _read_cache(folder: Path) -> None:
    """What is given of an entry are its images, whatever was damaged."""
    os.environ["OCRKIT_CACHE"] = str(folder)
    entry = cached_images(KEY)
    if entry is None:
        raise OcrkitError("no such entry")
    with entry:
        found = [str(each) if isinstance(each, ImageError) else each.tolist() for each in entry]
    if (
        found
        != [str(each) if isinstance(each, ImageError) else each.tolist() for each in CACHED][
            : len(found)
        ]
    ):
        raise AssertionError("other pixels than were stored")


def _describe(data: bytes, random: Random) -> bytes:
    """Weights whose description is another: what the file says of itself is JSON in its header."""
    arrays, about = parse(data)
    path = Path(f"described-{random.random()}")
    try:
        write(path, arrays, json.loads(json_mutated(json.dumps(about).encode(), random)))
        return path.read_bytes()
    except (TypeError, AttributeError, ValueError):
        return data
    finally:
        path.unlink(missing_ok=True)


def _describe_network(data: bytes, random: Random) -> bytes:
    """A network's file that says something else of itself as well, which counts."""
    about = metadata_of(data)["ocrkit"].encode()
    changed = (json_mutated if random.random() < 0.7 else mutated)(about, random)
    return data + metadata_entries({"ocrkit": changed.decode(errors="replace")})


PARSERS: dict[str, Parser] = {
    "pipeline": Parser(_read_pipeline, "pipeline.toml", (mutated, toml_mutated)),
    "manifest": Parser(_read_manifest, "manifest.toml", (mutated, toml_mutated)),
    "weights": Parser(_read_pipeline, "weights.safetensors"),
    "description": Parser(_read_pipeline, "weights.safetensors", (_describe,)),
    "run": Parser(_read_run, "run.json", (mutated, json_mutated)),
    "checkpoint": Parser(
        _read_checkpoint, "last.safetensors", (mutated, _describe, _describe), alone=True
    ),
    "network": Parser(_read_network, "tiny.onnx"),
    "exported": Parser(read_exported, "tiny.onnx", (_describe_network,), alone=True),
    "arpa": Parser(_read_language_model, "model.arpa", alone=True),
    "language model": Parser(_read_language_model, "model.lm", (mutated, _describe), alone=True),
    "forms list": Parser(read_list, "forms.txt", alone=True),
    "golden": Parser(read_golden, "golden.safetensors", (mutated, _describe), alone=True),
    "params": Parser(lambda file: _File(file).arrays(), "network.params", alone=True),
    "words": Parser(_read_iam, "ascii/words.txt"),
    "forms": Parser(_read_iam, "ascii/forms.txt"),
    "xml": Parser(_read_iam, "xml/a01-000u.xml"),
    "lines": Parser(_read_iam_lines, "ascii/lines.txt"),
    "labels": Parser(_read_folder, "labels.tsv"),
    "ground truth": Parser(_read_folder, "a.gt.txt"),
    "strokes": Parser(_read_strokes, "lines.jsonl.gz", (mutated, _unpacked)),
    "results": Parser(_score, "results.jsonl", (mutated, lines_mutated, lines_mutated)),
    "comparison": Parser(
        _compare, "results.jsonl", (mutated, lines_mutated, lines_mutated), "results"
    ),
    "cache": Parser(_read_cache, f"{KEY}/*"),
    "images": Parser(read_image, "*", (image_mutated,), alone=True),
}


ODD_FILES: list[Callable[[Path], object]] = [
    os.mkfifo,
    lambda file: file.symlink_to("/dev/zero"),
    lambda file: file.symlink_to("/dev/null"),
    lambda file: file.symlink_to(file.name),
    lambda file: file.symlink_to("nowhere"),
    lambda file: file.symlink_to("/" + "a" * 300),
    Path.mkdir,
    lambda file: file.write_bytes(b""),
    lambda file: (file.touch(), os.truncate(file, 1 << 40)),
]
"""What may stand in the place of a file: a pipe, devices, links to themselves and to nothing, a
terabyte of zeros."""


def trial(folder: Path, seeds: str, names: list[str], count: int, seed: int = 0) -> dict[str, Any]:
    """Reads ``count`` damaged inputs for each parser. Reports how many were read and refused, and
    ``wrong``, a line each.

    An input that was wrong stays in ``folder``. The same seed damages the same way.
    """
    report: dict[str, Any] = {"tried": 0, "read": 0, "refused": 0, "wrong": []}
    os.chdir(folder)
    for name in names:
        parser = PARSERS[name]
        work = shutil.copytree(Path(seeds) / (parser.folder or name), folder / name)
        files = sorted(path for path in work.glob(parser.file) if path.is_file())
        for file in files:
            parser.read(file if parser.alone else work)  # or the trial tries nothing
        random = Random(f"{seed} {name}")
        for number in range(-len(ODD_FILES), count):
            file = random.choice(files)
            whole = file.read_bytes()
            if number < 0:
                file.unlink()
                ODD_FILES[number](file)
            else:
                file.write_bytes(random.choice(parser.ways)(whole, random))
            report["tried"] += 1
            faulthandler.dump_traceback_later(SLOW, exit=True)
            try:
                parser.read(file if parser.alone else work)
                report["read"] += 1
            except OcrkitError:
                report["refused"] += 1
            except Exception as error:  # noqa: BLE001  (that is what is looked for)
                if (
                    isinstance(error, OSError) and error.filename
                ):  # a line too: of a name that is too long, say
                    report["refused"] += 1
                    continue
                place = traceback.extract_tb(error.__traceback__)[-1]
                report["wrong"].append(
                    f"{name} {number}: {error!r:.200} at {Path(place.filename).name}:{place.lineno}"
                )
                if number >= 0:
                    shutil.copy(file, folder / f"wrong-{name}-{number}-{file.name}")
            finally:
                faulthandler.cancel_dump_traceback_later()
                if number < 0:
                    file.unlink() if file.is_symlink() or not file.is_dir() else file.rmdir()
                file.write_bytes(whole)
    return report
