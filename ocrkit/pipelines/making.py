"""Makes the parts that a pipeline's file names; what cannot be made goes to the problems."""

from typing import Any

from ocrkit.errors import ConfigError, OcrkitError, PluginError
from ocrkit.parts.codec import Alphabet
from ocrkit.parts.guests import guest
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.parts.page_protocols import PageMetric, Segmenter
from ocrkit.parts.protocols import SizedPreprocessor
from ocrkit.parts.registry import registry
from ocrkit.pipelines.chain import Chain
from ocrkit.pipelines.spec import PipelineSpec


def made_part(part: PartSpec, problems: list[str]) -> Any:
    """The part, or None where it cannot be made, or has no name; why it cannot goes to the
    problems."""
    if not part.use:
        return None
    try:
        return make_part(part)
    except ConfigError as error:
        problems.extend(error.problems)
    except OcrkitError as error:
        problems.append(str(error))
    return None


def made_chain(spec: PipelineSpec, problems: list[str]) -> Chain | None:
    """The preprocessors, or None where the last one cannot be made, or cannot be the last."""
    before = tuple(made_part(part, problems) for part in spec.before)
    last = made_part(spec.preprocessor, problems)
    if last is None:
        return None
    if not isinstance(last, SizedPreprocessor):
        problems.append(
            f"preprocessor: {spec.preprocessor.use!r} does not say what size it gives, so another "
            "must follow it; "
            f'for example: use = "NAME", before = [{{ use = "{spec.preprocessor.use}" }}]'
        )
        return None
    return Chain(before, last)


def made_around(spec: PipelineSpec, problems: list[str]) -> dict[str, Any]:
    """The parts of :class:`Surroundings` that a pipeline's file names."""
    metrics = {name: made_part(part, problems) for name, part in spec.metrics.items()}
    made_part(spec.cutter, problems)  # readers are given it when they are opened
    if spec.task == "text":
        problems += [
            f"metrics: {name!r} scores pages; a pipeline of this task reads no pages"
            for name, metric in metrics.items()
            if isinstance(metric, PageMetric)
        ]
    preprocessor = made_chain(spec, problems)
    alphabet = Alphabet(spec.alphabet) if spec.task == "text" else None
    decoder = made_part(spec.decoder, problems)
    if hasattr(decoder, "check"):
        try:
            with guest("decoder", spec.decoder.use):
                decoder.check(alphabet)
        except PluginError as error:
            problems.append(str(error))
        except OcrkitError as error:
            problems.append(f"decoder: {error}")
    return {
        "spec": spec,
        "objective": made_part(spec.objective, problems),
        "alphabet": alphabet,
        "preprocessor": preprocessor,
        "decoder": decoder,
        "metrics": metrics,
        "segmenter": _made_segmenter(spec, problems),
    }


def _made_segmenter(spec: PipelineSpec, problems: list[str]) -> Segmenter | None:
    """The segmenter, which takes what the pipeline's objective gives."""
    made: Segmenter | None = made_part(spec.segmenter, problems)
    if made is None or not spec.objective.use or not (spec.network_parts or spec.network):
        return made
    given = {port.name for port in registry().get("objective", spec.objective.use).load().outputs}
    with guest("segmenter", spec.segmenter.use):
        lacking = [port.name for port in made.takes if port.name not in given]
    if lacking:
        problems.append(
            f"segmenter: {spec.segmenter.use!r} takes {', '.join(lacking)}, which networks trained "
            f"for {spec.objective.use!r} do not give; they give {', '.join(sorted(given))}"
        )
    return made
