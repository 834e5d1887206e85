"""What is read of a line becomes the line's text."""

import numpy as np

from ocrkit.parts.page import Alternative, Line
from ocrkit.parts.values import Decoded, Sample
from ocrkit.reading.page_readings import with_text
from ocrkit.reading.values import Reading

IMAGE = np.zeros((4, 4), np.uint8)
READ = Reading(
    Sample("page#1", None, None, lambda: IMAGE),
    IMAGE,
    Decoded(" a  b ", 0.5, alternatives=(Alternative(" a  b ", -1.0), Alternative("ab ", -2.0))),
)


def test_spaces_at_the_ends_of_a_line_are_no_text() -> None:
    line = with_text(Line("1", ((0.0, 2.0), (4.0, 2.0))), READ)
    assert line.text == "a  b"
    assert [each.text for each in line.alternatives] == ["a  b", "ab"]


def test_what_a_person_has_corrected_stays() -> None:
    line = Line("1", ((0.0, 2.0), (4.0, 2.0)), text="what I say", corrected=True)
    assert with_text(line, READ) == line
