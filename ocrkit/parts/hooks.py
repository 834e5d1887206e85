"""The hooks: one a kind of part. A plugin implements those it needs, and calls ``register`` once a
part.

A plugin is a module named by an entry point in the group ``ocrkit``; ``@ocrkit.hookimpl`` marks its
hooks::

    import ocrkit

    @ocrkit.hookimpl
    def ocrkit_metrics(register: ocrkit.Register) -> None:
        register("my-metric", "my_package.metric:MyMetric", summary="…")

``register(name, target, *, summary, backend, extra)``: ``target`` is the part's class, or better
the dotted string ``"package.module:Class"``, which is imported when the part is first used.
``extra`` names the optional dependencies of the distribution that the part needs, for the install
hint (``"torch"`` for ``pip install 'my-package[torch]'``).
"""

from typing import Any, Protocol

import pluggy

hookspec = pluggy.HookspecMarker("ocrkit")
hookimpl = pluggy.HookimplMarker("ocrkit")


class Register(Protocol):
    """Adds a part to the registry."""

    def __call__(
        self,
        name: str,
        target: Any,
        *,
        summary: str = "",
        backend: str | None = None,
        extra: str | None = None,
    ) -> None: ...


@hookspec
def ocrkit_readers(register: Register) -> None:
    """Data sets: classes that fit :class:`ocrkit.parts.protocols.Reader`."""


@hookspec
def ocrkit_preprocessors(register: Register) -> None:
    """Classes that fit :class:`ocrkit.parts.protocols.Preprocessor`; only those that fit
    :class:`ocrkit.parts.protocols.SizedPreprocessor`, too, can be a pipeline's last."""


@hookspec
def ocrkit_augmentations(register: Register) -> None:
    """Classes that fit :class:`ocrkit.parts.protocols.Augmentation`."""


@hookspec
def ocrkit_featurizers(register: Register) -> None:
    """Definitions (:class:`ocrkit.parts.protocols.FeaturizerDefinition`, no ``backend``), and with
    ``backend="…"`` their implementations ``build(definition, input_size) -> module``."""


@hookspec
def ocrkit_encoders(register: Register) -> None:
    """Definitions (:class:`ocrkit.parts.protocols.EncoderDefinition`, no ``backend``), and with
    ``backend="…"`` their implementations ``build(definition, input_size) -> module``."""


@hookspec
def ocrkit_decoders(register: Register) -> None:
    """Classes that fit :class:`ocrkit.parts.protocols.Decoder`."""


@hookspec
def ocrkit_metrics(register: Register) -> None:
    """Classes that fit :class:`ocrkit.parts.protocols.Metric`."""


@hookspec
def ocrkit_backends(register: Register) -> None:
    """Frameworks: classes that fit :class:`ocrkit.parts.networks.Backend`; the name is what
    implementations name."""


@hookspec
def ocrkit_zoos(register: Register) -> None:
    """Trained models: ``register("name", "package:folder")``, a folder inside the package that
    holds ``pipeline.toml``, ``manifest.toml`` and the weights that the manifest names."""


@hookspec
def ocrkit_importers(register: Register) -> None:
    """Other programs' files of weights: classes that fit
    :class:`ocrkit.parts.protocols.Importer`."""


@hookspec
def ocrkit_language_models(register: Register) -> None:
    """Language models for decoders: ``register("name", "package:file")``, a file in the package as
    ``ocrkit lm train`` writes it, or of another format that is installed."""


@hookspec
def ocrkit_language_model_formats(register: Register) -> None:
    """Files of language models: functions or classes that fit
    :class:`ocrkit.language_model.LanguageModelFormat`."""


@hookspec
def ocrkit_commands(register: Register) -> None:
    """Commands of the command line: click commands or groups. ``ocrkit --help`` lists them by their
    ``summary``; they are imported when they are called."""
