"""What all reports say of a result, in the same words and with the same digits."""

import unicodedata

from ocrkit.reading.values import Seconds
from ocrkit.scoring.bootstrap import Score
from ocrkit.scoring.confidence import Kept
from ocrkit.scoring.counts import full_name
from ocrkit.scoring.result import Result
from ocrkit.scoring.rules import Rules

STAGE_HEADINGS = ("stage", ">seconds", ">share", ">samples a second")
"""``>`` begins the heading of a column of numbers."""
OVERLAP = "Stages overlap, and reading and preprocessing count every thread's seconds."


def decimals(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def interval(score: Score) -> str:
    return (
        "-" if score.low is None or score.high is None else f"{score.low:.4f} to {score.high:.4f}"
    )


def percent(share: float, digits: int) -> str:
    return f"{100 * share:.{digits}f} %"


def shown(value: float | None) -> str:
    """A score as reports show it, in percent."""
    return "-" if value is None else percent(value, 2)


def shown_interval(score: Score) -> str:
    """An interval of a score, in percent."""
    if score.low is None or score.high is None:
        return "-"
    return f"{100 * score.low:.2f} to {percent(score.high, 2)}"


def about(result: Result) -> str:
    """What was scored on what: ``iam-crnn on iam, split aachen/validation``."""
    data = result.dataset
    return f"{result.pipeline} on {data['name']}, split {data['split']}"


def verdict(result: Result, *, paged: bool) -> str:
    """How well it reads, in one sentence; empty where nothing was scored. ``paged``: pages were
    read, of which hardly any is without a mistake."""
    if not result.samples:
        return ""
    if paged:
        return _page_verdict(result)
    wrong = result.details.wrong
    share = percent(wrong / result.samples, 1)
    said = f"{wrong:,} of {result.samples:,} samples ({share}) are read with a mistake"
    if result.confidence:
        surest = min(result.confidence.kept, key=lambda kept: abs(kept.share - 0.5))
        said += f"; of the surest {percent(surest.share, 0)}, {percent(surest.wrong or 0.0, 1)}"
    return said + "."


def _page_verdict(result: Result) -> str:
    if not result.metrics:
        return ""
    name, score = next(iter(result.metrics.items()))
    pages = f"{result.samples:,} page{'s' * (result.samples != 1)}"
    return f"{full_name(name)} {shown(score.value)} on {pages}, {better(result, name)} is better."


def heading_lines(result: Result) -> tuple[str, str]:
    """What stands above a picture of readings."""
    return about(result), verdict(result, paged=False)


def rate(samples: float, seconds: float = 1.0) -> str:
    """Samples a second, in three digits or more."""
    if seconds <= 0:
        return "-"
    found = samples / seconds
    return f"{found:,.0f}" if found >= 100 else f"{found:.3g}"


def better(result: Result, metric: str) -> str:
    """Which values of a metric are better: ``lower`` or ``higher``."""
    return "higher" if result.higher_is_better[metric] else "lower"


def heading(metric: str) -> str:
    """A metric's name above a column: what is short for its full name, as ``cer`` for Character
    error rate, in capitals."""
    initials = "".join(word[0] for word in full_name(metric).split())
    return metric.upper() if initials.lower() == metric.lower() else metric


def samples(result: Result) -> str:
    return f"{result.samples:,}" + (
        " (the first of the split: --limit)" if result.dataset["limit"] else ""
    )


def forms(result: Result) -> str:
    found = result.dataset["forms"]
    if found is None:
        return ""
    if found["expected"] is None:
        return f"{found['found']:,} forms"
    return f"{found['found']:,} of {found['expected']:,} forms"


def changed_rules(rules: Rules) -> str:
    """What is not as it is by default; empty where all is."""
    said = {
        "in small letters": rules.lowercase,
        f"in form {rules.unicode}": rules.unicode,
        "without punctuation-only samples": rules.skip_punctuation,
    }
    return ", ".join(name for name, applies in said.items() if applies)


def what_is_left(kept: Kept) -> str:
    wrong = "" if kept.wrong is None else f", {percent(kept.wrong, 1)} of them with a mistake"
    return f"{kept.samples:,} ({percent(kept.share, 1)}){wrong}"


def unseen(character: str) -> str:
    """What is said in place of a character that cannot be seen; empty for those that can."""
    if not character:
        return "nothing"
    if character == " ":
        return "space"
    # Combining marks, control and format characters, other spaces.
    return f"U+{ord(character):04X}" if unicodedata.category(character)[0] in "MCZ" else ""


# --------------------------------------------------------------------------------------------- time


def stages(result: Result) -> dict[str, float]:
    """Seconds of work by stage."""
    seconds = result.seconds or Seconds()
    return {
        name: getattr(seconds, name)
        for name in ("read", "find", "cut", "preprocess", "network", "decode", "score")
        if hasattr(seconds, name)  # pages have stages more
    }


def stage_rows(result: Result) -> list[tuple[str, str, str, str]]:
    """The rows below :data:`STAGE_HEADINGS`."""
    seconds = stages(result)
    whole = sum(seconds.values())
    rows = [
        (
            name,
            f"{spent:.2f}",
            percent(spent / whole, 1) if whole else "-",
            rate(result.samples, spent),
        )
        for name, spent in seconds.items()
    ]
    total = (result.seconds or Seconds()).total
    return [*rows, ("from start to end", f"{total:.2f}", "", rate(result.samples, total))]


def bound(result: Result) -> str:
    """What a run waited for, apart from the work above, and what therefore bounds it."""
    seconds = result.seconds or Seconds()
    waits = {"reading and preprocessing": seconds.wait_images, "the network": seconds.wait_network}
    rest = seconds.total - sum(waits.values())
    longest = max(
        {**waits, "decoding, scoring and writing": rest}.items(), key=lambda each: each[1]
    )[0]
    waited = " and ".join(f"{wait:.2f} s for {stage}" for stage, wait in waits.items())
    return f"The run waited {waited}, and did the rest in {rest:.2f} s: {longest} bound it."
