"""The backend ``gluon``: networks on Apache MXNet 1.9, the seed notebook's framework."""

from ocrkit.hookspecs import Register, hookimpl


@hookimpl
def ocrkit_backends(register: Register) -> None:
    register("gluon", "ocrkit_gluon.backend:Gluon", summary="Apache MXNet 1.9 Gluon: inference and training", extra="gluon")


@hookimpl
def ocrkit_featurizers(register: Register) -> None:
    register("cnn", "ocrkit_gluon.cnn:Cnn", backend="gluon", extra="gluon")
    register("resnet-cnn", "ocrkit_gluon.resnet:ResNetCnn", backend="gluon", extra="gluon")


@hookimpl
def ocrkit_encoders(register: Register) -> None:
    register("bilstm", "ocrkit_gluon.bilstm:BiLstm", backend="gluon", extra="gluon")


@hookimpl
def ocrkit_importers(register: Register) -> None:
    register(
        "params", "ocrkit_gluon.params:GluonParams", summary="the seed notebook's network as Gluon's .params files hold it"
    )
