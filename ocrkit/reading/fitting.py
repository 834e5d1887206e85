"""The model that reads what pictures show, where nobody names one."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ocrkit.data.inputs import InputPage
from ocrkit.errors import OcrkitError
from ocrkit.images import EXTENSIONS, read_image
from ocrkit.images.layout import SHOWN, Shown, layout_of
from ocrkit.parts.registry import registry
from ocrkit.reading.larger import models_that_read
from ocrkit.zoo.models import model

_LOOKED_AT = 5
"""The first so many pictures tell what they all show."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """A model, and why it is taken."""

    model: str
    shows: Shown | None
    """What most of the pictures plainly show; None where that is not plain."""
    free: tuple[str, ...]
    """Models that read the same and are free for any use, where this one is not."""

    @property
    def why(self) -> str:
        return f"looks like a {self.shows}" if self.shows else "may be a line"


def fitting_model(pages: Iterable[InputPage]) -> Fitting:
    """The zoo's model for what most of the first pictures show: the one that is registered as the
    default for words, lines or pages, for the next smaller of them where there is none.

    Pictures that cannot be read do not count. Where none plainly shows anything, they are taken for
    lines: a model of words would read two words without the space between them. Raises PluginError
    where no model is registered.
    """
    seen = Counter(plain for page in islice(pages, _LOOKED_AT) if (plain := _shown_on(page)))
    shows = max(seen, key=lambda each: (seen[each], SHOWN.index(each)), default=None)
    reads: Shown = shows or "line"
    defaults = {level: registry().default_for(level) for level in SHOWN}
    name = next(
        (
            found
            for level in reversed(SHOWN[: SHOWN.index(reads) + 1])
            if (found := defaults[level])
        ),
        None,
    ) or registry().default("zoo")
    free = () if _is_free(name) else tuple(filter(_is_free, models_that_read(reads)))
    return Fitting(name, shows, free)


def _shown_on(page: InputPage) -> Shown | None:
    is_image = page.number is None and Path(page.path).suffix.lower() in EXTENSIONS
    try:
        # of an image formats of pages, which take long to import, need not be asked
        return layout_of(read_image(page.path) if is_image else page.pixels())
    except OcrkitError:
        return None


def _is_free(name: str) -> bool:
    """Whether a model's licence is one of SPDX's list that says nothing of non-commercial use."""
    try:
        licence = model(name).manifest.licence
    except OcrkitError:
        return False
    return bool(licence) and "LicenseRef-" not in licence and "-NC" not in licence
