"""Pages of every shape, for what writes and reads them."""

from dataclasses import replace

from hypothesis import strategies as st

from ocrkit import Line, Maker, Page, PageImage, Region, Word

WIDTH, HEIGHT = 640, 480
LETTERS = st.characters(exclude_categories=("C", "Z"))
"""Of which words are made: neither spaces nor what no file can hold."""
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,6}", fullmatch=True)
"""Ids as XML allows them."""
KINDS = st.from_regex(r"[a-zA-Z][a-z-]{0,8}", fullmatch=True)
SHARES = st.integers(0, 10_000).map(lambda each: each / 10_000)


def numbers(most: int, step: float) -> st.SearchStrategy[float]:
    """Places on a page that are so many pixels apart."""
    return st.integers(0, round(most / step)).map(lambda each: round(each * step, 2))


@st.composite
def points(draw: st.DrawFn, least: int, step: float) -> tuple[tuple[float, float], ...]:
    place = st.tuples(numbers(WIDTH, step), numbers(HEIGHT, step))
    return tuple(draw(st.lists(place, min_size=least, max_size=6, unique=True)))


@st.composite
def lines(draw: st.DrawFn, name: str, region: str | None, step: float) -> Line:
    """A line as ALTO and PAGE can say it: words that make up its text, or none."""
    texts = draw(st.lists(st.text(LETTERS, min_size=1, max_size=6), min_size=2, max_size=4))
    words = tuple(Word(text, draw(points(3, step)), draw(st.none() | SHARES)) for text in texts)
    return Line(
        name,
        draw(st.just(()) | points(2, step)),
        draw(points(3, step)),
        region=region,
        text=" ".join(texts),
        confidence=draw(st.none() | SHARES),
        words=draw(st.sampled_from([(), words])),
        corrected=draw(st.booleans()),
        kind=draw(st.just("text") | KINDS),
    )


@st.composite
def pages(draw: st.DrawFn, step: float = 1.0) -> Page:
    """A page with all that ALTO and PAGE can say, its lines by region."""
    names = draw(st.lists(NAMES, min_size=2, max_size=8, unique=True))
    count = draw(st.integers(1, len(names) - 1))
    regions = tuple(
        Region(name, draw(st.just("text") | KINDS), draw(points(3, step))) for name in names[:count]
    )
    owners = sorted(draw(st.integers(0, count - 1)) for _ in names[count:])
    written = tuple(
        draw(lines(name, names[owner], step))
        for name, owner in zip(names[count:], owners, strict=True)
    )
    makers = st.builds(Maker, st.text(LETTERS), st.text(LETTERS, min_size=1), st.text(LETTERS))
    return Page(
        draw(NAMES.filter(lambda name: name not in names)),
        WIDTH,
        HEIGHT,
        PageImage(draw(st.text(LETTERS, min_size=1))),
        draw(st.sampled_from([0, 90, 180, 270])),
        regions,
        written,
        tuple(draw(st.lists(makers, max_size=2))),
        draw(st.none() | st.floats(36, 4800)),
    )


def odd(page: Page) -> Page:
    """The same page with ids that XML does not allow, and lines of no region between the others."""
    names = {region.id: f"1 {region.id}/é" for region in page.regions}
    return replace(
        page,
        regions=tuple(replace(each, id=names[each.id]) for each in page.regions),
        lines=tuple(
            replace(line, id=f"{number}", region=None if number % 2 else names[line.region or ""])
            for number, line in enumerate(page.lines)
        ),
    )
