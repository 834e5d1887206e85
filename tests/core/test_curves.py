"""Training curves."""

from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrkit.training.curves import HEIGHT, WIDTH, draw_curves

SVG = "{http://www.w3.org/2000/svg}"


def line(epoch: int, loss: float, **validation: float | None) -> dict[str, Any]:
    return {"epoch": epoch, "loss": loss} | ({"validation": validation} if validation else {})


def points(svg: str) -> list[list[tuple[float, float]]]:
    """Every panel's points."""
    lines = ET.fromstring(svg).iter(f"{SVG}polyline")  # noqa: S314  (drawn here)
    return [
        [
            (float(x), float(y))
            for x, y in (point.split(",") for point in each.attrib["points"].split())
        ]
        for each in lines
    ]


def titles(svg: str) -> list[str]:
    return [
        next(panel.iter(f"{SVG}text")).text or ""
        for panel in ET.fromstring(svg).iter(f"{SVG}g")  # noqa: S314
    ]


def test_there_is_a_curve_for_the_loss_and_for_every_validation_score() -> None:
    svg = draw_curves(
        [
            line(1, 4.0, cer=1.0, wer=1.0),
            line(2, 2.0, cer=0.5, wer=0.75),
            line(3, 1.0, cer=0.25, wer=0.75),
        ]
    )
    assert titles(svg) == [
        "training loss: 1 after 3 epochs",
        "validation cer: 0.25 after 3 epochs",
        "validation wer: 0.75 after 3 epochs",
    ]
    loss, cer, wer = points(svg)
    assert len(loss) == len(cer) == len(wer) == 3
    assert [x for x, _ in loss] == [x for x, _ in cer] == sorted(x for x, _ in loss)
    (_, first), (_, second), (_, third) = loss
    assert first < second < third, "downwards is less, and the page's rows count downwards"
    assert (third - second) * 2 == pytest.approx(second - first, abs=0.2)


def test_what_the_weights_scored_before_training_stands_left_of_the_first_epoch() -> None:
    before = {"epoch": 0, "validation": {"cer": 0.5}}
    svg = draw_curves([before, line(1, 4.0, cer=0.25), line(2, 2.0, cer=0.2)])
    loss, cer = points(svg)
    assert (len(loss), len(cer)) == (2, 3)
    assert titles(svg)[1] == "validation cer: 0.2 after 2 epochs"
    assert ">0</text>" in svg, "the axis begins with it"
    assert titles(draw_curves([before])) == ["validation cer: 0.5 after 0 epochs"]


def test_a_run_without_validation_has_its_loss_alone() -> None:
    svg = draw_curves([line(1, 3.0)])
    assert titles(svg) == ["training loss: 3 after 1 epoch"]
    assert len(points(svg)) == 1


@given(
    st.lists(st.tuples(st.floats(0, 1e9), st.floats(-1e3, 1) | st.none()), min_size=1, max_size=20)
)
def test_any_curve_stays_in_its_panel(epochs: list[tuple[float, float | None]]) -> None:
    svg = draw_curves(
        [line(epoch, loss, score=score) for epoch, (loss, score) in enumerate(epochs, start=1)]
    )
    for panel in points(svg):
        assert len(panel) == len(epochs)
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in panel)
        assert all(first[0] < second[0] for first, second in pairwise(panel))


def test_names_are_escaped() -> None:
    assert (
        titles(draw_curves([line(1, 1.0, **{"a<b>&c": 0.5})]))[1]
        == "validation a<b>&c: 0.5 after 1 epoch"
    )
