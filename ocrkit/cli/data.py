"""``ocrkit data``: what is there of a data set, what it looks like, and getting it."""

from pathlib import Path
from typing import Any

import click

from ocrkit.cli.commands import Group
from ocrkit.cli.options import OUTPUT
from ocrkit.cli.streams import echo, echo_json, say, warn


@click.group(cls=Group)
def data() -> None:
    """Get, check and look at data sets."""


@data.command()
@click.argument("name")
@click.argument("root", type=click.Path(path_type=Path))
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="One JSON object, with the ids of everything that is wrong.",
)
def check(name: str, root: Path, as_json: bool) -> None:
    """Say what ROOT holds of the data set NAME.

    What is there, and what is missing, wrong or damaged; every image is decoded. Exit status 1
    where nothing can be read.
    """
    from dataclasses import asdict

    from ocrkit.parts.guests import guest

    reader = _reader(name, "check")
    with guest("reader", name):
        report = reader.check(root)
        usable = report.usable
        found = asdict(report) if as_json else list(report.lines())
    if as_json:
        echo_json(found)
    else:
        for line in found:
            echo(line)
    if not usable:
        click.get_current_context().exit(1)


@data.command()
@click.argument("name")
@click.argument("root", type=click.Path(path_type=Path))
@click.option(
    "--split", metavar="NAME", default="all", show_default=True, help="Which part of the data set."
)
@click.option(
    "--count",
    metavar="N",
    default=24,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="How many samples.",
)
@click.option(
    "--seed", metavar="N", default=0, show_default=True, help="Another seed draws other samples."
)
@click.option(
    "--level",
    metavar="NAME",
    help="What images show, where the data set has several: words, lines, pages.",
)
@click.option(
    "--output",
    metavar="FILE.png",
    type=OUTPUT,
    help="The PNG to write.  [default: NAME-samples.png]",
)
def show(
    *,
    name: str,
    root: Path,
    split: str,
    count: int,
    seed: int,
    level: str | None,
    output: Path | None,
) -> None:
    """Draw random samples with their texts as a picture; pages with their lines drawn over them.

    They are of the data set NAME under ROOT.
    """
    import random

    from ocrkit.data.datasets import open_dataset
    from ocrkit.errors import DataError, ImageError
    from ocrkit.images.grey import as_grey
    from ocrkit.parts.options import PartSpec
    from ocrkit.reading.preparing import loaded
    from ocrkit.reports.grid import PAGES, WORDS, Cell, Line, draw_grid
    from ocrkit.reports.page_picture import with_lines

    options = {} if level is None else {"level": level}
    dataset = open_dataset(PartSpec("reader", name, options), root=root, split=split)
    columns, box = 4, WORDS
    cells = []
    drawn = random.Random(seed).sample(range(len(dataset)), min(count, len(dataset)))  # noqa: S311 (no secret)
    for index in drawn:
        sample = dataset[index]
        try:
            image = as_grey(loaded(sample.load))
        except ImageError as error:
            warn(f"{error}; skipped")
            continue
        if sample.page:
            columns, box = 3, PAGES
            cells.append(Cell(with_lines(image, sample.page), [], sample.id))
        else:
            texts = [] if sample.text is None else [Line(sample.text)]
            cells.append(Cell(image, texts, sample.id))
    if not cells:
        raise DataError(
            f"{root}: none of the {count} samples that were drawn can be read; see: ocrkit data "
            f"check {name} {root}"
        )
    output = output or Path(f"{name}-samples.png")
    about = f"{len(cells)} of {len(dataset):,} samples of {name}, split {split}"
    draw_grid(cells, columns, output, box, [about])
    say(f"{len(cells)} of {len(dataset):,} samples of {split}:")
    echo(str(output))


@data.command()
@click.argument("name")
@click.option(
    "--dest",
    metavar="DIR",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder to extract into.",
)
@click.option("--url", metavar="URL", help="Another address to download from.")
@click.option(
    "--level",
    metavar="NAME",
    help="What images show, where the data set has several: words, lines.  [default: words]",
)
def fetch(name: str, dest: Path, url: str | None, level: str | None) -> None:
    """Download the data set NAME with your own login.

    It is checked and extracted into DEST. A download that breaks goes on where it was when the
    command is run again.
    """
    import inspect

    from ocrkit.errors import DataError

    reader = _reader(name, "fetch")
    if level is None:
        reader.fetch(dest, url)
    elif "level" in inspect.signature(reader.fetch).parameters:
        reader.fetch(dest, url, level)
    else:
        raise DataError(f"data of the reader {name!r} have no levels; leave out --level")
    say(f"see what is there with: ocrkit data check {name} {dest}")


@data.command()
@click.argument("name")
@click.argument("root", type=click.Path(path_type=Path))
@click.option(
    "--from",
    type=click.Choice(["words"]),
    default="words",
    show_default=True,
    expose_value=False,
    help="What lines are put together from.",
)
@click.option(
    "--to",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="A new folder for the lines.  [default: ROOT-lines]",
)
def lines(name: str, root: Path, to: Path | None) -> None:
    """Put lines together for those who have only words.

    The images of the words under ROOT, of the data set NAME, are laid where they were on the page.
    A run that was stopped goes on where it was when the command is run again. Exit status 1 where
    no line is whole.
    """
    from ocrkit.parts.guests import guest

    reader = _reader(name, "assemble_lines")
    to = to or root.absolute().with_name(f"{root.absolute().name}-lines")
    with guest("reader", name):
        report = reader.assemble_lines(root, to)
        usable, found = report.usable, list(report.lines())
    for line in found:
        echo(line)
    if not usable:
        click.get_current_context().exit(1)


def _reader(name: str, ability: str | None = None) -> Any:
    """The class of a reader. Raises PluginError, and DataError where it lacks the ability to check,
    to fetch or to put lines together."""
    from ocrkit.errors import DataError
    from ocrkit.parts.registry import registry

    reader = registry().get("reader", name).load()
    if ability and not hasattr(reader, ability):
        others = {
            "check": (
                f"cannot check data of the reader {name!r}; see what it reads with: ocrkit data "
                f"show {name} ROOT, or ocrkit run --reader {name} --data ROOT"
            ),
            "fetch": (
                f"cannot fetch data of the reader {name!r}; put the data into a folder yourself"
            ),
            "assemble_lines": f"the reader {name!r} cannot put lines together from words",
        }
        raise DataError(others[ability])
    return reader
