"""The rows of result files: an image each."""

from collections.abc import Mapping
from typing import Any

from ocrkit.errors import DataError
from ocrkit.parts.page import Page
from ocrkit.parts.page_json import page_from_json, page_to_json
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


def page_outcome(sample: Sample, page: Page) -> Outcome:
    """What is compared of a page whose lines, with or without texts, are known. Raises ValueError
    for a sample that is no page."""
    if sample.page is None:
        raise ValueError(f"{sample.id} is no page: nobody has said where its lines are")
    return Outcome(
        sample.id,
        sample.page.text,
        page.text,
        sample.writer,
        sample.form,
        page.confidence,
        (sample.page, page),
    )


def page_row(outcome: Outcome) -> dict[str, Any]:
    """The row of a page: truth and reading are Pages as JSON."""
    if outcome.pages is None:
        raise ValueError(f"{outcome.id} is no page")
    truth, prediction = map(page_to_json, outcome.pages)
    known = {"writer": outcome.writer, "form": outcome.form}
    return {
        "id": outcome.id,
        **{name: value for name, value in known.items() if value is not None},
        "truth": truth,
        "prediction": prediction,
        **({} if outcome.confidence is None else {"confidence": outcome.confidence}),
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
    known = row.get("writer"), row.get("form"), row.get("confidence")
    if isinstance(row["truth"], Mapping):
        try:
            truth, prediction = page_from_json(row["truth"]), page_from_json(row["prediction"])
        except DataError as error:
            raise TypeError(str(error)) from error
        found = Outcome(row["id"], truth.text, prediction.text, *known, (truth, prediction))
    else:
        found = Outcome(row["id"], row["truth"], row["prediction"], *known)
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
