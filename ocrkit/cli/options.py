"""Options that several commands share."""

from collections.abc import Callable
from typing import Any

import click

DEFAULT_PIPELINE = "iam-crnn"

pipeline_option = click.option(
    "--pipeline",
    default=DEFAULT_PIPELINE,
    show_default=True,
    metavar="NAME|FILE.toml",
    help="A zoo model, a pipeline's file or a training run.",
)
data_option = click.option(
    "--data",
    type=click.Path(),
    metavar="ROOT",
    help="The data set's folder; else OCRKIT_<READER> (OCRKIT_IAM), else the shipped sample.",
)
split_option = click.option("--split", metavar="NAME", help="The reader's split; else the pipeline's.")
backend_option = click.option(
    "--backend", metavar="NAME", help="The framework that runs the network; else the pipeline's first that is installed."
)
device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="auto: the GPU where there is one.",
)
threads_option = click.option(
    "--threads", type=click.IntRange(0), metavar="N", default=0, help="Threads for reading and for the network; 0: one a core."
)
limit_option = click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first N samples.")
set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="A.B=C",
    help="Change a value of the pipeline; may be repeated. A.B+=C adds to it. PART.use=X replaces a part whole.",
)


_lowercase_option = click.option("--lowercase", is_flag=True, help="Compare texts in small letters.")
_unicode_option = click.option(
    "--unicode", type=click.Choice(["NFC", "NFKC"]), help="Compare texts in this normalisation form of Unicode."
)
_skip_punctuation_option = click.option(
    "--skip-punctuation", is_flag=True, help="Leave out samples whose truth is punctuation only."
)
min_confidence_option = click.option(
    "--min-confidence", type=click.FloatRange(0, 1), metavar="P", help="Mark what is read with less confidence as doubtful."
)


def together(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """One decorator out of several, which show in the help in this order."""

    def decorate(command: Any) -> Any:
        for each in reversed(options):
            command = each(command)
        return command

    return decorate


rules_options = together(_lowercase_option, _unicode_option, _skip_punctuation_option)
"""How texts are compared: the fields of :class:`ocrkit.evaluation.Rules`."""
