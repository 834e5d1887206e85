"""The kinds of parts, a row each. All that lists kinds reads this table: hooks, registry, messages,
pipelines' files, the conformance kit, packages to begin with, documentation."""

from dataclasses import dataclass
from pkgutil import resolve_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of part.

    Classes of other packages are named by dotted strings, as plugins name theirs: importing this
    table imports none of them, and they may lie in packages above this one.
    """

    name: str
    conformance: str
    """The class of checks that its parts are to pass."""
    interface: str = ""
    """The protocol that its parts fit. Empty where they are no classes, but files in the plugin's
    package: ``register("name", "package:file")``."""
    places: tuple[str, ...] = ()
    """Where a pipeline's file names such parts, as TOML writes it; messages name the first.

    ``[name]`` is a table, ``[[names]]`` several, ``table.key`` a list of tables.
    """
    by_backend: bool = False
    """Whether its parts have an implementation for each backend, besides their definition, which
    is what fits the interface."""
    has_options: bool = True
    taken: str = ""
    """A container of names that no plugin's part can have."""
    called: str = ""
    """What messages call such a part, where that is not the kind's name."""

    @property
    def hook(self) -> str:
        """The hook by which plugins register such parts."""
        return f"ocrkit_{self.name}s"

    @property
    def words(self) -> str:
        """``language model``, for messages."""
        return self.called or self.name

    @property
    def is_file(self) -> bool:
        return not self.interface

    def is_taken(self, name: str) -> bool:
        """Whether the name is ocrkit's own, so that no plugin's part can have it."""
        return bool(self.taken) and name in resolve_name(self.taken)

    def __str__(self) -> str:
        """``an encoder``, for messages."""
        return f"{'an' if self.words[0] in 'aeiou' else 'a'} {self.words}"


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            name="reader",
            interface="ocrkit.interfaces:Reader",
            conformance="ocrkit.testing:ReaderConformance",
            places=("[reader]", "training.also"),
        ),
        Kind(
            name="preprocessor",
            interface="ocrkit.interfaces:Preprocessor",
            conformance="ocrkit.testing:PreprocessorConformance",
            places=("[preprocessor]", "preprocessor.before"),
            by_backend=True,
        ),
        Kind(
            name="augmentation",
            interface="ocrkit.interfaces:Augmentation",
            conformance="ocrkit.testing:AugmentationConformance",
            places=("training.augment",),
            by_backend=True,
        ),
        Kind(
            name="segmenter",
            interface="ocrkit.interfaces:Segmenter",
            conformance="ocrkit.testing:SegmenterConformance",
            places=("[segmenter]",),
        ),
        Kind(
            name="cutter",
            interface="ocrkit.interfaces:Cutter",
            conformance="ocrkit.testing:CutterConformance",
            places=("[cutter]",),
        ),
        Kind(
            name="order",
            interface="ocrkit.interfaces:Order",
            conformance="ocrkit.testing:OrderConformance",
            places=("[order]",),
        ),
        Kind(
            name="format",
            interface="ocrkit.interfaces:Format",
            conformance="ocrkit.testing:FormatConformance",
        ),
        Kind(
            name="featurizer",
            interface="ocrkit.interfaces:FeaturizerDefinition",
            conformance="ocrkit.testing:FeaturizerConformance",
            places=("[featurizer]",),
            by_backend=True,
        ),
        Kind(
            name="encoder",
            interface="ocrkit.interfaces:EncoderDefinition",
            conformance="ocrkit.testing:EncoderConformance",
            places=("[encoder]",),
            by_backend=True,
        ),
        Kind(
            name="model",
            interface="ocrkit.interfaces:ModelDefinition",
            conformance="ocrkit.testing:ModelConformance",
            places=("[model]",),
            by_backend=True,
        ),
        Kind(
            name="objective",
            interface="ocrkit.interfaces:Objective",
            conformance="ocrkit.testing:ObjectiveConformance",
            places=("objective",),
            by_backend=True,
        ),
        Kind(
            name="decoder",
            interface="ocrkit.interfaces:Decoder",
            conformance="ocrkit.testing:DecoderConformance",
            places=("[decoder]",),
        ),
        Kind(
            name="metric",
            interface="ocrkit.interfaces:Metric",
            conformance="ocrkit.testing:MetricConformance",
            places=("[[metrics]]",),
        ),
        Kind(
            name="backend",
            interface="ocrkit.interfaces:Backend",
            conformance="ocrkit.testing:BackendConformance",
            places=("backends",),
            has_options=False,
        ),
        Kind(
            name="zoo",
            called="zoo model",
            conformance="ocrkit.testing:ZooConformance",
            has_options=False,
        ),
        Kind(
            name="importer",
            interface="ocrkit.interfaces:Importer",
            conformance="ocrkit.testing:ImporterConformance",
        ),
        Kind(
            name="language_model",
            called="language model",
            conformance="ocrkit.testing:LanguageModelConformance",
            has_options=False,
        ),
        Kind(
            name="language_model_format",
            called="language model format",
            interface="ocrkit.language_model:LanguageModelFormat",
            conformance="ocrkit.testing:LanguageModelFormatConformance",
            has_options=False,
        ),
        Kind(
            name="engine",
            interface="ocrkit.page_jobs:Engine",
            conformance="ocrkit.testing:EngineConformance",
            taken="ocrkit.cli.run_checks:OWN",
        ),
        Kind(
            name="command",
            interface="click:Command",
            conformance="ocrkit.testing:CommandConformance",
            has_options=False,
            taken="ocrkit.cli:COMMANDS",
        ),
    )
}
"""By name, in the order in which lists show them."""

ONE_EACH = tuple(kind.name for kind in KINDS.values() if f"[{kind.name}]" in kind.places)
"""The kinds of which a pipeline has one part, in a table that is called as the kind is."""
