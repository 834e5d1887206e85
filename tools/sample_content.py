"""What the rendered sample shows: its writers, its sentences, and the grammar of their words."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Writer:
    """One writer: a font, and how this hand holds the pen. Lengths are pixels of the finished
    image."""

    id: str
    font: str  # the npm package @fontsource/FONT
    name: str
    author: str
    x_height: float
    pen: float  # added to the font's own stroke width; negative for a finer pen
    slant: float  # horizontal shift for each pixel of height, added to the font's own
    ink: int  # grey of a full stroke, 0 black to 255 white
    paper: float  # its grey before noise; below 247 it comes out as the second lightest level
    file: str = "400-normal"  # the font's weight and style


# fmt: off
WRITERS = [
    Writer("900", "kalam", "Kalam Light", "Indian Type Foundry",
           x_height=32, pen=-0.2, slant=0.02, ink=48, paper=250.8, file="300-normal"),
    Writer("901", "handlee", "Handlee", "Joe Prince (Admix Designs)",
           x_height=34, pen=0.0, slant=0.08, ink=42, paper=251.3),
    Writer("902", "patrick-hand", "Patrick Hand", "Patrick Wagesreiter",
           x_height=34, pen=-0.7, slant=0.1, ink=60, paper=248.6),
    Writer("903", "caveat", "Caveat", "The Caveat Project Authors",
           x_height=32, pen=0.1, slant=0.0, ink=34, paper=251.8),
    Writer("904", "indie-flower", "Indie Flower", "Kimberly Geswein",
           x_height=34, pen=-0.2, slant=0.0, ink=55, paper=248.3),
    Writer("905", "nanum-pen-script", "Nanum Pen Script", "Sandoll (for NHN)",
           x_height=35, pen=-0.1, slant=0.12, ink=38, paper=250.3),
    Writer("906", "cedarville-cursive", "Cedarville Cursive", "Kimberly Geswein",
           x_height=32, pen=0.4, slant=0.0, ink=45, paper=250.8),
    Writer("907", "shadows-into-light", "Shadows Into Light", "Kimberly Geswein",
           x_height=40, pen=0.3, slant=0.1, ink=66, paper=249.8),
    Writer("908", "bad-script", "Bad Script", "The Bad Script Project Authors",
           x_height=35, pen=0.5, slant=0.0, ink=40, paper=249.4),
    Writer("909", "architects-daughter", "Architects Daughter", "Kimberly Geswein",
           x_height=32, pen=-0.4, slant=0.15, ink=50, paper=251.3),
]
# fmt: on

# One form a writer, in the writers' order, and a second one for the first writer. Tokens are
# separated by spaces and "_" is a space inside a token. A line that starts with "!" was badly
# segmented. "#(word)" is a word struck out again, which IAM transcribes as "#".
FORMS = [
    """The baker opens her shop at 6 every
    morning . By seven the first loaves
    are cool , and the smell has already
    filled half the street .""",
    """Our old boat leaks , but we don't
    mind . We carry two buckets , a map
    and 14 sandwiches ; nobody has ever
    gone home hungry .""",
    """" Is this the right platform ? " asked
    the man with the green suitcase . I told
    him that the train to Quarry Hill
    leaves from number 9 .""",
    """Bell & Sons sold clocks , watches
    and very loud alarms . Their window
    showed 35 different times , yet not
    one of them was correct !""",
    """Rain fell on Monday , on Tuesday and
    again on Thursday . By Friday the cat
    had moved into the kitchen cupboard
    and would not come out .""",
    """An M_P visited the school in June .
    The children asked him 27 questions ; #(seven)
    eight were about lunch and one was
    about space travel .""",
    """Grandmother's garden has only one rule :
    never water the roses at noon . She
    says it ( and proves it ) each summer
    with a very long stick .""",
    """Jack and Zoe walked 18 miles in new
    shoes . The next day they bought soft
    slippers , a box of plasters and a jar
    of orange jam .""",
    """A good map is honest : it shows
    the hills as well as the roads .
    !Keep it dry
    - and fold it gently when you stop .""",
    """Mr. Hopkins repairs violins in a room
    above the station . Every express train
    makes the cups dance , so he drinks
    his tea between 3 and 4 o'clock .""",
    """In 1962 the village library owned just
    80 books . Today it lends more than
    that in an hour , and the old stove
    is a quiet reading corner .""",
]

# Grammatical tags after the fashion of IAM's; nothing in ocrkit uses them, so the rest are simply
# nouns and names.
TAGS = {
    "AT": "a an",
    "ATI": "the",
    "CC": "and but yet",
    "IN": "at on in with by from to into about between above than as",
    "INO": "of",
    "PP3": "it he she they we i",
    "PP$": "her his our their",
    "BEZ": "is",
    "BEDZ": "was",
    "BED": "were",
    "HVZ": "has",
    "DT": "this that",
    "CD": "one two seven eight",
    "DOX": "don't",
    "XNOT": "not",
}
TAG_OF = {word: tag for tag, words in TAGS.items() for word in words.split()}


def tag_of(text: str, opening: bool) -> str:
    """The tag of a token; ``opening`` says of quotation marks which of a pair it is."""
    if text == "#":
        return "&GA"
    if text == '"':
        return '*"' if opening else '**"'
    if not text[0].isalnum():
        return "*-" if text == "-" else text
    if text[0].isdigit():
        return "CD"
    return TAG_OF.get(text.lower(), "NP" if text[0].isupper() else "NN")
