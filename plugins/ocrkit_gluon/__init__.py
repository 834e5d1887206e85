"""The backend ``gluon``: networks on Apache MXNet 1.9, the seed notebook's framework."""

import platform
import sys

from ocrkit.hookspecs import Register, hookimpl


def _extra() -> str | None:
    """What to install for MXNet; None where it has no build, since the extra is empty there."""
    has_build = (
        sys.version_info < (3, 13) and sys.platform == "linux" and platform.machine() == "x86_64"
    )
    return "gluon" if has_build else None


@hookimpl
def ocrkit_backends(register: Register) -> None:
    register(
        "gluon",
        "ocrkit_gluon.backend:Gluon",
        summary="Apache MXNet 1.9 Gluon: inference and training",
        extra=_extra(),
    )


@hookimpl
def ocrkit_featurizers(register: Register) -> None:
    register("cnn", "ocrkit_gluon.cnn:Cnn", backend="gluon", extra=_extra())
    register("resnet-cnn", "ocrkit_gluon.resnet:ResNetCnn", backend="gluon", extra=_extra())


@hookimpl
def ocrkit_objectives(register: Register) -> None:
    register("ctc", "ocrkit_gluon.ctc:Ctc", backend="gluon", extra=_extra())


@hookimpl
def ocrkit_encoders(register: Register) -> None:
    register("bilstm", "ocrkit_gluon.bilstm:BiLstm", backend="gluon", extra=_extra())


@hookimpl
def ocrkit_importers(register: Register) -> None:
    register(
        "params",
        "ocrkit_gluon.params:GluonParams",
        summary="the seed notebook's network as Gluon's .params files hold it",
        default=True,
    )
