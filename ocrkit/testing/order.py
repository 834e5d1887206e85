"""Whether an order does what its interface says."""

from dataclasses import replace

from ocrkit.errors import DataError
from ocrkit.parts.page import Line, Page, Region
from ocrkit.parts.page_json import page_from_json, page_to_json
from ocrkit.parts.page_protocols import Order
from ocrkit.testing.base import PartConformance


def _column(left: float, right: float, count: int, region: str | None = None) -> list[Line]:
    """Lines one above the other, 40 pixels apart."""
    return [
        Line(f"{left:g}-{n}", ((left, 40.0 * n), (right, 40.0 * n)), (), 24, 8, region)
        for n in range(1, count + 1)
    ]


PAGES = {
    "a page without lines": Page("empty", 1000, 600),
    "a page with a line": Page("one", 1000, 600, lines=tuple(_column(20, 900, 1))),
    "a column of lines": Page("column", 1000, 600, lines=tuple(_column(20, 900, 9))),
    "two columns": Page("two", 1000, 600, lines=(*_column(20, 450, 9), *_column(520, 980, 9))),
    "a page with a region": Page(
        "region",
        1000,
        600,
        regions=(Region("left"),),
        lines=(*_column(20, 450, 9, "left"), *_column(520, 980, 9)),
    ),
    "lines without heights, one of them without a place": Page(
        "bare", 1000, 600, lines=(Line("a", ((20, 90), (900, 92))), Line("b"), *_column(20, 900, 1))
    ),
}


class OrderConformance(PartConformance):
    """Checks of an order."""

    kind = "order"

    def ordered(self, page: Page, named: str) -> Page:
        with self.works(f"on {named}"):
            ordered: Page = self.part()(page)
        self.check(isinstance(ordered, Page), f"makes no Page of {named}")
        return ordered

    def test_it_keeps_every_line(self) -> None:
        """All lines once, with what they have; only what is in no region may get one."""
        self.check(isinstance(self.part(), Order), "lacks __call__")
        for named, page in PAGES.items():
            before = {line.id: line for line in page.lines}
            lines = self.ordered(page, named).lines
            ids = sorted(line.id for line in lines)
            self.check(ids == sorted(before), f"makes lines {ids} of {named}; expected {before}")
            for line in lines:
                old = before[line.id]
                kept = line if old.region is not None else replace(line, region=None)
                self.check(kept == old, f"changes line {line.id!r} of {named}")

    def test_what_it_gives_is_a_page(self) -> None:
        """Regions have names of their own, and those of the lines are among them."""
        for named, page in PAGES.items():
            ordered = self.ordered(page, named)
            same = replace(ordered, lines=page.lines, regions=page.regions) == page
            self.check(same, f"changes more of {named} than lines and regions")
            try:
                page_from_json(page_to_json(replace(ordered, lines=_placed(ordered))))
            except DataError as error:
                self.check(False, f"makes of {named} what is no page: {error}")

    def test_the_order_before_does_not_count(self) -> None:
        """The same lines, given in another order, come out in the same one."""
        for named, page in PAGES.items():
            once = self.ordered(page, named)
            again = self.ordered(replace(page, lines=page.lines[::-1]), f"{named}, backwards")
            same = [line.id for line in _placed(once)] == [line.id for line in _placed(again)]
            self.check(same, f"orders {named} otherwise where the lines come backwards")

    def test_a_column_is_read_from_top_to_bottom(self) -> None:
        """Whatever else an order does."""
        page = PAGES["a column of lines"]
        found = [line.id for line in self.ordered(page, "a column of lines").lines]
        self.check(found == [line.id for line in page.lines], f"reads a column as {found}")


def _placed(page: Page) -> tuple[Line, ...]:
    return tuple(line for line in page.lines if line.baseline or line.boundary)
