"""Which pages are to be read, and which files are to be written of them."""

from dataclasses import dataclass

from ocrkit.data.inputs import InputFile, InputPage
from ocrkit.errors import OcrkitError
from ocrkit.writing.folder import PageFormat, ResultFolder
from ocrkit.writing.names import numbered


@dataclass(frozen=True, slots=True)
class PlannedPage:
    """A page, and the formats that it is to be written in."""

    file: InputFile
    page: InputPage
    stem: str
    """What the names of the file's pages begin with."""
    formats: tuple[PageFormat, ...]

    def name(self, format_: PageFormat) -> str:
        """The file for it, from the folder of results: that of the document where the format takes
        several pages."""
        number = None if format_.part.takes_several else self.page.number
        return numbered(self.stem, number) + format_.ending


def planned(
    file: InputFile, stem: str, page: InputPage, folder: ResultFolder
) -> PlannedPage | None:
    """The page with the formats that are missing; None where none is. Raises OcrkitError where one
    is there already and that is to stop the run."""
    whole = PlannedPage(file, page, stem, folder.formats)
    if folder.existing == "overwrite":
        return whole
    there = [each for each in whole.formats if folder.has(whole.name(each))]
    if there and folder.existing == "stop":
        raise OcrkitError(
            f"{folder.root / whole.name(there[0])}: is there already; --existing skip goes on with "
            "what is missing, --existing overwrite writes all anew"
        )
    missing = tuple(each for each in whole.formats if each not in there)
    return PlannedPage(file, page, stem, missing) if missing else None
