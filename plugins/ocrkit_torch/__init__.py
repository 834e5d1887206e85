"""The backend ``torch``: networks on PyTorch."""

from ocrkit.hookspecs import Register, hookimpl


@hookimpl
def ocrkit_backends(register: Register) -> None:
    register(
        "torch",
        "ocrkit_torch.backend:Torch",
        summary="PyTorch: inference and training on CPU and GPU",
        extra="torch",
    )


@hookimpl
def ocrkit_featurizers(register: Register) -> None:
    register("cnn", "ocrkit_torch.cnn:Cnn", backend="torch", extra="torch")
    register("resnet-cnn", "ocrkit_torch.resnet:ResNetCnn", backend="torch", extra="torch")
    register("separable-cnn", "ocrkit_torch.separable:SeparableCnn", backend="torch", extra="torch")


@hookimpl
def ocrkit_objectives(register: Register) -> None:
    register("ctc", "ocrkit_torch.ctc:Ctc", backend="torch", extra="torch")


@hookimpl
def ocrkit_encoders(register: Register) -> None:
    register("bilstm", "ocrkit_torch.bilstm:BiLstm", backend="torch", extra="torch")


@hookimpl
def ocrkit_preprocessors(register: Register) -> None:
    register("fit-pad", "ocrkit_torch.fit:FitPad", backend="torch", extra="torch")
    register("fit-height", "ocrkit_torch.fit:FitHeight", backend="torch", extra="torch")


@hookimpl
def ocrkit_augmentations(register: Register) -> None:
    for module, names in (
        ("augment_geometry", ("Shear", "Rotate", "Scale", "Shift", "Elastic")),
        ("augment_light", ("Stroke", "Contrast", "Shading", "Shadow", "Paper", "Ruled")),
    ):
        for name in names:
            target = f"ocrkit_torch.{module}:{name}"
            register(name.lower(), target, backend="torch", extra="torch")
