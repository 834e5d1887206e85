"""Which of the two formats a file is in."""

from ocrkit import DataError
from ocrkit.parts.page import Page
from ocrkit_pagexml import alto, page
from ocrkit_pagexml.xml import name_of, root_of

_PARSERS = {"alto": alto.parse, "PcGts": page.parse}


def parse(data: bytes) -> Page:
    """The page of a file of ALTO or PAGE XML. Raises DataError, in one line, for anything else."""
    root = name_of(root_of(data))
    if root not in _PARSERS:
        raise DataError(f"<{root}>; expected ALTO (<alto>) or PAGE XML (<PcGts>)")
    return _PARSERS[root](data)
