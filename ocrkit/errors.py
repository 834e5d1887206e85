"""The errors that ocrkit raises on purpose, and its warnings: each says what was wrong, what was
expected and what to do."""

from collections.abc import Sequence

from ocrkit.printable import printable


class OcrkitError(Exception):
    """A problem with the user's input; the command line prints it as one line and exits with status
    1."""


class ConfigError(OcrkitError):
    """A pipeline that cannot work. ``problems`` holds every mistake that was found, one line
    each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))

    def __reduce__(self) -> tuple[type["ConfigError"], tuple[list[str]]]:
        return type(self), (self.problems,)  # pickle would take the message for the problems


class ImageError(OcrkitError):
    """An image that cannot be read: missing, empty, broken, of an unknown format or too large."""


class PluginError(OcrkitError):
    """A part that does not exist, cannot be imported, or is claimed by two plugins."""


class WeightsError(OcrkitError):
    """Weights that are missing, damaged, or made for another network."""


class DataError(OcrkitError):
    """A data set that is missing or of which nothing can be read; a page that is badly
    described."""


class UnfitError(OcrkitError):
    """A sample that no network of this kind can learn from, and why."""


class DownloadError(OcrkitError):
    """A file that cannot be downloaded. ``status`` is the server's answer, 404 for example, where
    that is the reason."""

    def __init__(self, message: str, status: int | None = None) -> None:
        self.status = status
        super().__init__(message)


class Stopped(KeyboardInterrupt):
    """A signal has asked the process to end: Ctrl-C, or another that would have ended it where it
    stood."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.status = 128 + number
        """The exit status by which shells tell the signal."""


def install_hint(extra: str, distribution: str = "ocrkit") -> str:
    """How to install the optional dependencies of a distribution: a sentence for the end of a
    message.

    ocrkit itself is in no package index; it is installed out of the folder that its source is in.
    """
    if distribution == "ocrkit":
        return f"Try: pip install '.[{extra}]' in the folder of ocrkit's source"
    return f"Try: pip install '{distribution}[{extra}]'"


def warn(sentence: str) -> None:
    """Tells the user of something that is hardly meant. A library prints nothing: it is logged, and
    where nobody has set up logging, Python shows it as one line on standard error."""
    import logging

    logging.getLogger("ocrkit").warning("ocrkit: WARNING: %s", printable(sentence))
