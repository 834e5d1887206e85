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


def values(svg: str) -> list[str]:
    """What every panel says below its title."""
    return [
        list(panel.iter(f"{SVG}text"))[1].text or ""
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
        "Training loss",
        "Character error rate (cer), validation",
        "Word error rate (wer), validation",
    ]
    assert values(svg) == [f"{value} at epoch 3, the last" for value in (1, 0.25, 0.75)]
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
    assert loss[0][0] == cer[1][0], "epoch 1 has the same place in every panel"
    assert cer[0][0] < cer[1][0]
    assert values(draw_curves([before])) == ["0.5 at epoch 0, the last"]


def test_the_best_epoch_is_marked_and_its_value_is_said() -> None:
    history = [
        line(1, 4.0, cer=0.5) | {"best": True},
        line(2, 2.0, cer=0.2) | {"best": True},
        line(3, 1.0, cer=0.25) | {"best": False},
    ]
    svg = draw_curves(history)
    rings = [
        (float(ring.attrib["cx"]), float(ring.attrib["cy"]))
        for ring in ET.fromstring(svg).iter(f"{SVG}circle")  # noqa: S314
        if ring.attrib["class"] == "best"
    ]
    assert rings == [curve[1] for curve in points(svg)]
    assert values(svg)[1] == "0.2 at epoch 2, the best; 0.25 at epoch 3, the last"
    assert values(draw_curves(history[:2]))[1] == "0.2 at epoch 2, the last and best"


def test_ticks_are_round_numbers() -> None:
    svg = draw_curves([line(epoch, 6.637 / epoch, cer=0.3484) for epoch in range(1, 17)])
    shown = [
        text.text
        for text in ET.fromstring(svg).iter(f"{SVG}text")  # noqa: S314
        if text.attrib.get("text-anchor") in ("end", "middle")
    ]
    assert shown == [
        *("0", "2", "4", "6", "8", "10", "5", "10", "15", "epoch"),
        *("0", "0.1", "0.2", "0.3", "0.4", "0.5", "5", "10", "15", "epoch"),
    ]


def test_four_panels_are_as_wide_as_two_and_the_dark_has_colours_of_its_own() -> None:
    svg = draw_curves([line(1, 1.0, cer=0.5, wer=0.5, levenshtein=0.5)])
    drawn = ET.fromstring(svg)  # noqa: S314
    assert (drawn.attrib["width"], drawn.attrib["height"]) == (str(2 * WIDTH), str(2 * HEIGHT))
    assert "@media (prefers-color-scheme: dark)" in svg


def test_a_run_without_validation_has_its_loss_alone() -> None:
    svg = draw_curves([line(1, 3.0)])
    assert titles(svg) == ["Training loss"]
    assert values(svg) == ["3 at epoch 1, the last"]
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
    assert titles(draw_curves([line(1, 1.0, **{"a<b>&c": 0.5})]))[1] == "a<b>&c, validation"
