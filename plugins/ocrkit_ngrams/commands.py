"""``ocrkit lm``: language models for decoders."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ocrkit.cli.commands import Group
from ocrkit.cli.options import (
    OUTPUT,
    backend_option,
    data_option,
    device_option,
    limit_option,
    pipeline_option,
    reader_option,
    set_option,
    split_option,
    threads_option,
    together,
)
from ocrkit.cli.streams import echo, echo_json, say, unless_quiet, warn

if TYPE_CHECKING:
    from rich.progress import Progress

    from ocrkit.language_model import LanguageModel
    from ocrkit_ngrams.counting import Counts
    from ocrkit_ngrams.tuning import Trial, Tuning

_TEXT = click.Path(path_type=Path, dir_okay=False)


@click.group(cls=Group)
def lm() -> None:
    """Train language models for decoders, and find their weights."""


@lm.command()
@click.option(
    "--text",
    "texts",
    type=_TEXT,
    multiple=True,
    required=True,
    metavar="FILE",
    help="UTF-8 text; may be repeated.",
)
@click.option("--out", type=OUTPUT, required=True, metavar="FILE", help="The model's file.")
@click.option(
    "--order",
    type=click.IntRange(1, 1000),
    default=8,
    show_default=True,
    metavar="N",
    help="Characters of the longest n-grams.",
)
@click.option("--words", is_flag=True, help="Every word is a text, as images of words have it.")
@click.option(
    "--wrap",
    is_flag=True,
    help="Lines of 30 to 80 characters, broken at spaces, are texts, as images of lines have it.",
)
@click.option(
    "--tokens", is_flag=True, help="The same, with spaces around punctuation, as IAM has it."
)
@click.option(
    "--alphabet",
    metavar="PIPELINE",
    help="The characters of this pipeline; else those of the text.",
)
@click.option(
    "--keep",
    type=click.IntRange(0),
    metavar="N",
    help="Keep the N n-grams that matter most; else all.",
)
@click.option(
    "--held-out",
    type=_TEXT,
    metavar="FILE",
    help="Other text, to measure how well the model foretells it.",
)
@click.option("--source", default="", metavar="TEXT", help="Where the text is from, for the file.")
@click.option(
    "--licence", default="", metavar="TEXT", help="What the model may be used for, for the file."
)
def train(
    *,
    texts: tuple[Path, ...],
    out: Path,
    order: int,
    words: bool,
    wrap: bool,
    tokens: bool,
    alphabet: str | None,
    keep: int | None,
    held_out: Path | None,
    source: str,
    licence: str,
) -> None:
    """Train a character n-gram model on text.

    Every line of the text is what one image may show, unless options say what is; a model may be
    trained for several. Texts with characters outside the alphabet are left out and counted. With
    --held-out, standard output says how many bits the model needs for a character of other text,
    its ends included.
    """
    from ocrkit import __version__
    from ocrkit.errors import OcrkitError
    from ocrkit_ngrams.files import open_model, write
    from ocrkit_ngrams.smoothing import train as smoothed

    if missing := [path for path in (*texts, held_out) if path and not path.is_file()]:
        raise OcrkitError(f"{missing[0]}: no such file; expected UTF-8 text")
    chosen = {"word": words, "wrapped": wrap, "tokens": tokens}
    units = [unit for unit, wanted in chosen.items() if wanted] or ["line"]
    counts = _counted(texts, order, units, alphabet)
    about = {
        "source": source,
        "licence": licence,
        "files": [path.name for path in texts],
        "unit": " + ".join(units),
        "texts": counts.texts,
        "characters": counts.symbols - counts.texts,
        "keep": keep,
        "ocrkit": __version__,
    }
    write(out, smoothed(counts, keep=keep, about=about))
    model = open_model(out)
    listed = " + ".join(f"{count:,}" for count in model.about["ngrams"])
    say(f"{counts.texts:,} texts; n-grams by length: {listed}")
    say(f"wrote {out}, {out.stat().st_size / 1e6:.1f} MB")
    if held_out:
        for unit in units:
            _measure(model, held_out, unit)


def _counted(texts: tuple[Path, ...], order: int, units: list[str], alphabet: str | None) -> Counts:
    """The n-grams of the texts. Raises OcrkitError where there is none."""
    from ocrkit.errors import OcrkitError
    from ocrkit.parts.codec import Alphabet
    from ocrkit.pipelines.file import load_spec
    from ocrkit.support.bars import byte_bar
    from ocrkit_ngrams.counting import Counts
    from ocrkit_ngrams.texts import characters_of, composed, read_texts

    size = sum(path.stat().st_size for path in texts)
    with unless_quiet(byte_bar()) as bar:
        if alphabet is not None:
            characters = load_spec(alphabet).alphabet
            normalize = Alphabet(characters).normalize
        else:
            normalize = composed
            task = bar.add_task("characters", total=size)
            characters = characters_of(texts, units=units, on_bytes=partial(bar.advance, task))
        counts, task = Counts(characters, order), bar.add_task("counting", total=size)
        for path in texts:
            for found in read_texts(
                path, units=units, normalize=normalize, on_bytes=partial(bar.advance, task)
            ):
                counts.add(found)
    if not counts.texts + counts.left_out:
        raise OcrkitError(f"{', '.join(map(str, texts))}: no text to train on")
    _left_out(counts.left_out, counts.texts + counts.left_out, "to train on")
    return counts


def _measure(model: LanguageModel, path: Path, unit: str) -> None:
    """Prints how well the model foretells the texts of a file."""
    from ocrkit.errors import OcrkitError
    from ocrkit.parts.codec import Alphabet
    from ocrkit.support.bars import byte_bar
    from ocrkit_ngrams.measuring import bits
    from ocrkit_ngrams.texts import read_texts

    total, symbols, left_out = 0.0, 0, 0
    with unless_quiet(byte_bar()) as bar:
        task = bar.add_task("measuring", total=path.stat().st_size)
        for found in read_texts(
            path,
            units=[unit],
            normalize=Alphabet(model.characters).normalize,
            on_bytes=partial(bar.advance, task),
        ):
            more, of, unknown = bits(model, found)
            total, symbols, left_out = total + more, symbols + of, left_out + unknown
    _left_out(left_out, None, f"of {path}")
    if not symbols:
        raise OcrkitError(f"{path}: no text that the model can write")
    mean = total / symbols
    echo(
        f"{mean:.4f} bits a character (perplexity {2**mean:.3f}), over {symbols:,} characters "
        f"and ends of texts ({unit})"
    )


def _left_out(count: int, of: int | None, which: str) -> None:
    if count:
        whole = f" of {of:,}" if of is not None else ""
        warn(f"{count:,}{whole} texts {which} left out: they have characters outside the alphabet")


@lm.command()
@together(
    pipeline_option,
    reader_option,
    data_option,
    split_option,
    backend_option,
    device_option,
    threads_option,
    limit_option,
    set_option,
)
@click.option(
    "--json", "as_json", is_flag=True, help="All trials and the forms, as one JSON object."
)
def tune(
    *,
    pipeline: str,
    data: str | None,
    split: str | None,
    backend: str | None,
    device: str,
    threads: int,
    limit: int | None,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Find the language model's weight and the length bonus that a pipeline reads best with.

    Choose on forms set apart for it: what is reported on the same forms afterwards is better than
    on anything new. The decoder and its language model come with --set decoder.use=ctc-beam --set
    decoder.language_model=FILE|NAME.
    """
    from dataclasses import asdict

    from ocrkit.data.datasets import open_dataset
    from ocrkit.pipeline import load_text
    from ocrkit.scoring.contamination import contamination
    from ocrkit_ngrams.tuning import tune as search

    reader = load_text(pipeline, settings, backend=backend, device=device, threads=threads)
    spec = reader.spec
    dataset = open_dataset(spec.reader, cutter=spec.cutter, root=data, split=split, limit=limit)
    say(f"choosing on {dataset.name} {dataset.split} in {dataset.root}: {len(dataset):,} samples")
    seen = contamination(reader.weights.seen, dataset)
    if seen and seen.trained.samples:
        warn("WARNING: chosen on forms that the network was trained on; it needs less help there")
    with unless_quiet(_trial_bar()) as bar:
        task = bar.add_task("", total=None, last="")

        def report(trial: Trial) -> None:
            bar.update(task, advance=1, last=f"{next(iter(trial.scores.values())):.4f}")

        found = search(reader, dataset, report)
    if as_json:
        echo_json({**asdict(found), "settings": found.settings})
    else:
        _print(found)


def _print(found: Tuning) -> None:
    """A table of the trials, and what to set."""
    from ocrkit.cli.tables import print_table

    names = list(found.trials[0].scores)
    rows = [
        (
            f"{trial.lm_weight:g}",
            f"{trial.length_bonus:g}",
            *(f"{trial.scores[name]:.4f}" for name in names),
        )
        for trial in found.trials
    ]
    header = ("lm_weight", "length_bonus", *names)
    print_table(header, rows, right=header)
    forms = f"{len(found.forms):,} forms, " if found.forms else ""
    echo(f"chosen by {found.metric} on {found.dataset}: {forms}{found.samples:,} samples")
    echo(" ".join(f"--set {shlex.quote(setting)}" for setting in found.settings))


def _trial_bar() -> Progress:
    """On standard error, where that is a terminal. How many trials there will be nobody knows."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.completed} trials, the last {task.fields[last]}"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
