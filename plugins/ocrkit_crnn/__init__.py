"""The definitions of recurrent convolutional networks, the seed notebook's among them, apart from
any framework."""

from ocrkit.hookspecs import Register, hookimpl


@hookimpl
def ocrkit_featurizers(register: Register) -> None:
    register(
        "cnn",
        "ocrkit_crnn.cnn:Cnn",
        summary="four 3×3 convolutions, one 2×2 pooling; columns joined into steps",
    )
    register(
        "resnet-cnn",
        "ocrkit_crnn.resnet:ResNetCnn",
        summary="residual blocks of convolutions; a step is a column's maximum",
    )
    register(
        "separable-cnn",
        "ocrkit_crnn.separable:SeparableCnn",
        summary="small and quick: strided, depthwise-separable residual blocks",
    )


@hookimpl
def ocrkit_encoders(register: Register) -> None:
    register(
        "bilstm",
        "ocrkit_crnn.bilstm:BiLstm",
        summary="bidirectional LSTM layers with dropout behind them",
    )
