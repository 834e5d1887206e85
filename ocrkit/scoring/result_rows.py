"""The rows of result files: an image each."""

from collections.abc import Mapping
from typing import Any

from ocrkit.parts.values import Decoded, Sample, Skipped
from ocrkit.scoring.rules import Outcome

_DIGITS = 4
"""After the point, of what is there for people: characters' confidences and scores of
alternatives."""


def sample_row(sample: Sample, decoded: Decoded) -> dict[str, Any]:
    """The row of a sample whose text is known; what is not known is not in it."""
    known = {"writer": sample.writer, "form": sample.form, "truth": sample.text}
    return {
        "id": sample.id,
        **{name: value for name, value in known.items() if value is not None},
        "prediction": decoded.text,
        **decoded_fields(decoded),
    }


def decoded_fields(decoded: Decoded) -> dict[str, Any]:
    """What a decoder says besides the text, without what is empty."""
    lists = {
        "characters": [round(float(confidence), _DIGITS) for confidence in decoded.characters],
        "spans": [[span.start, span.end] for span in decoded.spans],
        "alternatives": [
            [each.text, round(float(each.score), _DIGITS)] for each in decoded.alternatives
        ],
    }
    return {
        "confidence": float(decoded.confidence),
        **{name: values for name, values in lists.items() if values},
    }


def outcome_of(row: Mapping[str, Any]) -> Outcome | Skipped:
    """What a sample's row says. Raises KeyError or TypeError where it is no such row."""
    if "error" in row:
        skipped = Skipped(row["id"], row["error"])
        if not isinstance(skipped.id, str) or not isinstance(skipped.reason, str):
            raise TypeError("a text is expected for id and error")
        return skipped
    found = Outcome(
        row["id"],
        row["truth"],
        row["prediction"],
        row.get("writer"),
        row.get("form"),
        row.get("confidence"),
    )
    texts = [
        found.id,
        found.reference,
        found.prediction,
        *(each for each in (found.writer, found.form) if each is not None),
    ]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a text is expected for id, truth, prediction, writer and form")
    if found.confidence is not None and not (
        isinstance(found.confidence, int | float) and 0 <= found.confidence <= 1
    ):
        raise TypeError("confidence is not in 0 to 1")
    return found
