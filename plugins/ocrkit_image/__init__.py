"""Preprocessors, augmentations and the cutter of lines, with OpenCV."""

from ocrkit.hookspecs import Register, hookimpl


@hookimpl
def ocrkit_preprocessors(register: Register) -> None:
    register(
        "fit-pad",
        "ocrkit_image.fit:FitPad",
        summary="shrinks to fit a frame, and pads; the seed notebook's",
    )
    register(
        "fit-height",
        "ocrkit_image.fit:FitHeight",
        summary="scales to a fixed height; the width stays natural",
    )
    register(
        "fit-line",
        "ocrkit_image.fit_line:FitLine",
        summary="straightens a line and scales its letters to one height",
    )
    register(
        "level",
        "ocrkit_image.level:Level",
        summary="makes paper white in uneven light; runs before another",
    )
    register("crop", "ocrkit_image.crop:Crop", summary="cuts margins off; runs before another")


@hookimpl
def ocrkit_augmentations(register: Register) -> None:
    register("shear", "ocrkit_image.augmentation:Shear", summary="slants the writing")
    register("rotate", "ocrkit_image.augmentation:Rotate", summary="turns the image a little")
    register("scale", "ocrkit_image.augmentation:Scale", summary="other sizes and proportions")
    register(
        "shift", "ocrkit_image.augmentation:Shift", summary="wider or tighter margins on every side"
    )
    register("stroke", "ocrkit_image.augmentation:Stroke", summary="thicker or thinner strokes")
    register(
        "contrast", "ocrkit_image.augmentation:Contrast", summary="brightness, contrast and gamma"
    )
    register("elastic", "ocrkit_image.augmentation:Elastic", summary="bends the image smoothly")
    register(
        "shading", "ocrkit_image.light:Shading", summary="light that changes from place to place"
    )
    register("shadow", "ocrkit_image.light:Shadow", summary="a shadow with a hard or a soft edge")
    register("paper", "ocrkit_image.light:Paper", summary="darker paper, and fainter ink on it")
    register("ruled", "ocrkit_image.light:Ruled", summary="printed lines through the image")
    register(
        "neighbours",
        "ocrkit_image.line_augmentation:Neighbours",
        summary="the lines above and below reach in",
    )
    register("wavy", "ocrkit_image.line_augmentation:Wavy", summary="a baseline in waves")
    register(
        "gaps",
        "ocrkit_image.line_augmentation:Gaps",
        summary="wider and narrower spaces between words",
    )


@hookimpl
def ocrkit_cutters(register: Register) -> None:
    register(
        "baseline",
        "ocrkit_image.cutter:Baseline",
        summary="straightens a line along its baseline",
        default=True,
    )
