"""What the plugin registers. The dotted strings are imported when a part is first used, so that
this module stays light."""

from ocrkit import Register, hookimpl


@hookimpl
def ocrkit_featurizers(register: Register) -> None:
    register(
        "resnet",
        "ocrkit_resnet.definition:ResNet",
        summary="residual blocks; a step is four pixels wide",
    )
    register("resnet", "ocrkit_resnet.implementation:ResNet", backend="torch", extra="torch")
