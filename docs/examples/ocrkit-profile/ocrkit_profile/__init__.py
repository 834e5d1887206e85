"""What the plugin registers. The dotted strings are imported when a part is first used, so that
this module stays light."""

from ocrkit import Register, hookimpl


@hookimpl
def ocrkit_featurizers(register: Register) -> None:
    register(
        "ink-profile",
        "ocrkit_profile.ink_profile:InkProfile",
        summary="how much ink, how high, how widely spread",
    )
    register("ink-profile", "ocrkit_profile.ink_profile:build", backend="numpy")
