"""The official schemas of ALTO and PAGE, without a network."""

from functools import cache
from pathlib import Path

from lxml import etree

SCHEMAS = Path(__file__).parent / "schemas"
PAGE_2013 = SCHEMAS / "page-2013-07-15.xsd"
"""Not shipped; where somebody has put it, it is used."""
_AFTER_2013 = {
    *("MetadataItem", "Labels", "Label", "dataType"),
    *("imageXResolution", "imageYResolution", "imageResolutionUnit"),
}
"""What came into PAGE later, of what is written there or near it."""


class _Local(etree.Resolver):
    """The schema of links lies beside those of ALTO; nothing is fetched."""

    def resolve(self, url, public_id, context):
        assert url.endswith("xlink.xsd") or Path(url).is_relative_to(SCHEMAS)
        return self.resolve_filename(str(SCHEMAS / Path(url).name), context)


@cache
def _schema(name: str) -> etree.XMLSchema:
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_Local())
    return etree.XMLSchema(etree.parse(str(SCHEMAS / name), parser))


def faults(data: bytes, schema: str) -> list[str]:
    """What a schema finds in a file."""
    official = _schema(schema)
    official.validate(etree.fromstring(data))
    return [f"{error.line}: {error.message}" for error in official.error_log]


def faults_of_2013(data: bytes) -> list[str]:
    """What is wrong with PAGE of 2013: by its schema where that is there, else by the one of 2019
    and a list of what that has more."""
    assert b"pagecontent/2013-07-15" in data
    if PAGE_2013.exists():
        return faults(data, PAGE_2013.name)
    found = list(etree.fromstring(data).iter())
    names = {etree.QName(element).localname for element in found}
    names |= {str(name) for element in found for name in element.attrib}
    later = faults(data.replace(b"2013-07-15", b"2019-07-15"), "page-2019-07-15.xsd")
    return [*later, *(f"{name} is newer than 2013" for name in names & _AFTER_2013)]
