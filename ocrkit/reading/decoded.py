"""What a decoder gave, before it is believed."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

from ocrkit.parts.page import Alternative
from ocrkit.parts.values import Decoded, Span


def check_decoded(decoded: Sequence[Any], count: int) -> None:
    """Raises ValueError, TypeError or UnicodeError where a decoder did not give one text an image
    that can be written down."""
    if len(decoded) != count:
        raise ValueError(f"it gave {len(decoded)} texts for {count} images")
    for each in decoded:
        if not _is_sound(each):
            raise ValueError(
                f"it gave {each!r:.200}; expected a Decoded with a text and a confidence of 0 to 1"
            )


def _is_sound(decoded: Any) -> bool:
    if not isinstance(decoded, Decoded) or not 0 <= decoded.confidence <= 1:
        return False
    decoded.text.encode(errors="surrogateescape")
    lists = ((decoded.characters, Real), (decoded.spans, Span), (decoded.alternatives, Alternative))
    return all(isinstance(each, kind) for values, kind in lists for each in values)
