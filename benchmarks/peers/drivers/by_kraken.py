"""kraken's baseline segmenter with the model that it ships. It ships none that reads."""

import time
from importlib.metadata import version
from typing import Any

from driver import Found, Read, drive


def import_torchvision() -> None:
    """The index's torchvision is built for CUDA. Beside a CPU build of PyTorch its operators are
    not there, and it fails where it describes them, unless it is kept from doing so. kraken needs
    none of them."""
    import torch

    describe = torch.library.register_fake
    torch.library.register_fake = lambda *_, **__: lambda function: function
    try:
        import torchvision  # noqa: F401
    finally:
        torch.library.register_fake = describe


def open_reader(job: dict[str, Any]) -> tuple[Read, dict[str, str]]:
    import torch

    torch.set_num_threads(job["threads"])
    import_torchvision()
    from kraken.configs import SegmentationInferenceConfig
    from kraken.tasks import SegmentationTaskModel
    from PIL import Image

    model = SegmentationTaskModel.load_model()
    config = SegmentationInferenceConfig(accelerator="cpu", num_threads=job["threads"])
    stages: dict[str, float] = {}
    (network,) = model.seg_models
    look = network._compute_segmentation_map

    def timed(image: Any) -> Any:
        start = time.monotonic()
        maps = look(image)
        stages["find: network"] = time.monotonic() - start
        return maps

    network._compute_segmentation_map = timed

    def page(path: str) -> Found:
        with Image.open(path) as image:
            start = time.monotonic()
            found = model.predict(image.convert("RGB"), config)
        stages["find"] = time.monotonic() - start
        lines = [
            {"baseline": line.baseline, "boundary": line.boundary, "text": None}
            for line in found.lines
        ]
        return {"lines": lines, "stages": dict(stages)}

    return page, {name: version(name) for name in ("kraken", "torch")}


if __name__ == "__main__":
    drive(open_reader)
