"""The backend ``onnx``: networks on ONNX Runtime, for reading."""

from ocrkit.hookspecs import Register, hookimpl


@hookimpl
def ocrkit_backends(register: Register) -> None:
    register(
        "onnx", "ocrkit_onnx.backend:Onnx", summary="ONNX Runtime: inference, small and everywhere"
    )


@hookimpl
def ocrkit_featurizers(register: Register) -> None:
    register("cnn", "ocrkit_onnx.cnn:Cnn", backend="onnx")
    register("resnet-cnn", "ocrkit_onnx.resnet:ResNetCnn", backend="onnx")


@hookimpl
def ocrkit_objectives(register: Register) -> None:
    register("ctc", "ocrkit_onnx.ctc:ctc", backend="onnx")


@hookimpl
def ocrkit_encoders(register: Register) -> None:
    register("bilstm", "ocrkit_onnx.bilstm:BiLstm", backend="onnx")
