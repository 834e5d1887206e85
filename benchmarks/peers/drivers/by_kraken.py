"""kraken's baseline segmenter with the model that it ships. It ships none that reads."""

import time
from importlib.metadata import version
from typing import Any

from driver import Found, Read, drive


def import_torchvision() -> None:
    """Where a CPU build of PyTorch meets the index's torchvision, which is built for CUDA, that
    looks for an operator of its own that is not there; kraken does not need it."""
    import torch

    try:
        import torchvision
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision  # noqa: F401


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
