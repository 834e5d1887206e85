"""Augmentations on a device draw what those of images on the CPU draw, and make nearly the same
pictures."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import ImageFont

from ocrkit.interfaces import Image, Pictures
from ocrkit.parts.options import PartSpec, make_part
from ocrkit.parts.registry import registry
from ocrkit.pipelines.build import assemble, build_network
from ocrkit.pipelines.file import read_spec
from ocrkit.testing import AugmentationConformance, examine
from ocrkit.training.memory_batches import feeder_of
from ocrkit.training.packed import Kept, PackedImages, scaled_down
from ocrkit_synth.words import SynthWords

pytest.importorskip("torch")

FRAMES = {
    "fit-pad": {"height": 32, "width": 128},
    "fit-pad, any width": {"height": 64, "width": 512, "min_width": 96},
    "fit-height": {"height": 48},
}


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[Image]:
    """Words in the one font that Pillow ships, larger and smaller."""
    folder = tmp_path_factory.mktemp("fonts")
    face = ImageFont.load_default(20)
    assert isinstance(face, ImageFont.FreeTypeFont)
    (folder / "a.ttf").write_bytes(face.font_bytes)
    (folder / "words.txt").write_text(
        "The quick brown fox jumps over the lazy dog nobody\n", "utf-8"
    )
    drawn = SynthWords(folder, samples=48, seed=3, punctuation=0, attached=0)
    return [drawn[index].load() for index in range(48)]


class Sides:
    """A pipeline's last preprocessor, and augmentations before it, on the CPU and on a device."""

    def __init__(self, frame: str, *parts: dict[str, Any], device: str = "cpu") -> None:
        use = frame.partition(",")[0]
        settings: dict[str, Any] = {"preprocessor": {"use": use, **FRAMES[frame]}}
        settings["training.augment"] = list(parts)
        if frame != "fit-pad":
            small = {"channels": [8, 8, 8], "blocks": [1, 1, 1]}
            settings["featurizer"] = {"use": "resnet-cnn", **small}
        spec = read_spec("iam-crnn", settings)
        self.assembly = assemble(spec, backend="torch", training=True)
        self.feeder = feeder_of(self.assembly, build_network(self.assembly, device, 1))

    def on_cpu(self, image: Image, seed: int) -> Any:
        rng = np.random.default_rng(seed)
        for part in self.assembly.augmentations:
            image = part(image, rng)
        return self.assembly.preprocessor.last(image).astype(np.float64)

    def pictures(self, images: Sequence[Image]) -> Pictures:
        kept = (Kept(scaled_down(each, self.assembly), each.shape[:2], 1) for each in images)
        return PackedImages.of(kept, 1).batch(np.arange(len(images)))

    def on_device(self, images: Sequence[Image], seed: int) -> list[Any]:
        inputs = self.feeder(self.pictures(images), np.random.default_rng(seed))
        pixels, widths = np.asarray(inputs["images"], np.float64), inputs["widths"]
        for image, width in zip(pixels, widths, strict=True):
            assert not image[:, :, width:].any()
        return [image[0, :, :width] * 255 for image, width in zip(pixels, widths, strict=True)]


def difference(sides: Sides, words: Sequence[Image], other: int = 0) -> float:
    """The mean absolute difference of words in levels of grey, each drawn alone, by its own seed;
    on the CPU by one ``other`` than that."""
    found = []
    for seed, word in enumerate(words):
        (device,), cpu = sides.on_device([word], seed), sides.on_cpu(word, seed + other)
        assert device.shape == cpu.shape or other
        width = min(device.shape[1], cpu.shape[1])
        found.append(np.abs(device[:, :width] - cpu[:, :width]).mean())
    return float(np.mean(found))


NAMES = registry().names("augmentation", "torch")


@pytest.mark.parametrize("frame", FRAMES)
def test_without_augmentation_a_word_is_nearly_what_the_preprocessor_makes_of_it(
    frame: str, words: list[Image]
) -> None:
    """``fit-pad`` takes single pixels where it shrinks an image; what lies in memory is means."""
    assert difference(Sides(frame), words) < (3 if frame == "fit-pad" else 1.5)


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("name", NAMES)
def test_the_same_random_numbers_make_nearly_the_same_picture(
    name: str, frame: str, words: list[Image]
) -> None:
    assert difference(Sides(frame, {"use": name, "probability": 1.0}), words) < 4


@pytest.mark.parametrize("frame", FRAMES)
def test_so_do_all_augmentations_together_each_of_some_words(
    frame: str, words: list[Image]
) -> None:
    names = (
        "elastic", "shear", "rotate", "scale", "stroke", "shift", "contrast", "ruled", "paper",
        "shading", "shadow",
    )  # fmt: skip
    sides = Sides(frame, *({"use": name} for name in names))
    assert set(names) == set(NAMES)
    assert difference(sides, words) < 3
    assert difference(sides, words, 100) > 10  # other random numbers


STILL = {
    "scale": {"smallest": 0.8, "largest": 0.8, "narrowest": 1.2, "widest": 1.2, "probability": 1.0},
    "elastic": {"strength": 0.0},
    "rotate": {"degrees": 0.0},
    "contrast": {"brightness": 0.0, "contrast": 0.0, "gamma": 1.0},
    "paper": {"darkest": 1.0, "faintest": 1.0},
}
"""Augmentations that change every image alike, or some of them not at all."""


@pytest.mark.parametrize("frame", FRAMES)
def test_a_batch_is_augmented_as_each_of_its_images_alone(frame: str, words: list[Image]) -> None:
    sides = Sides(frame, *({"use": name, **options} for name, options in STILL.items()))
    for word, image in zip(words, sides.on_device(words, 1), strict=True):
        (alone,) = sides.on_device([word], 2)
        np.testing.assert_allclose(image, alone, atol=0.5)


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_draws_parameters_as_its_images_alone_do(name: str) -> None:
    part = make_part(PartSpec("augmentation", name, {}))
    size = np.array([[40, 120]])
    many = part.draw(np.random.default_rng(1), np.repeat(size, 4000, axis=0))
    rng = np.random.default_rng(2)
    singles = [part.draw(rng, size) for _ in range(4000)]
    for key, values in many.items():
        alone = np.concatenate([each[key] for each in singles]).astype(np.float64)
        assert alone.shape == values.shape
        spread = alone.std() + 1e-9
        assert abs(values.mean() - alone.mean()) < 0.1 * spread
        assert values.std() == pytest.approx(alone.std(), rel=0.1)
        assert np.abs(values.min() - alone.min()) < 0.2 * spread
        assert np.abs(values.max() - alone.max()) < 0.2 * spread


@pytest.mark.parametrize("frame", FRAMES)
def test_black_ink_stays_a_number(frame: str) -> None:
    """Interpolation rounds a level of 0 to a little less, of which no power can be taken: the first
    training on a GPU ended so."""
    random = np.random.default_rng(4)
    black = [np.where(random.random((70, 150)) < 0.5, 0, 249).astype(np.uint8) for _ in range(16)]
    for image in black:
        image[20:50, 20:120] = 0
    parts = [{"use": "scale"}, {"use": "elastic"}, {"use": "contrast", "probability": 1.0}]
    sides = Sides(frame, *parts)
    for seed in range(8):
        for made in sides.on_device(black, seed):
            assert np.isfinite(made).all()
            assert made.min() >= 0
            assert made.max() <= 255


def test_the_share_of_changed_images_is_the_probability(words: list[Image]) -> None:
    sides, plain = Sides("fit-pad", {"use": "contrast", "probability": 0.3}), Sides("fit-pad")
    batch = [words[0]] * 400
    before = plain.on_device(batch[:1], 0)[0]
    changed = sum(bool((each != before).any()) for each in sides.on_device(batch, 0))
    assert 90 < changed < 150


@given(
    st.lists(
        arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=40)), min_size=1, max_size=4
    ),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=25)
def test_images_of_any_size_become_the_networks_inputs(images: list[Image], seed: int) -> None:
    for made in sides_of_all().on_device(images, seed):
        assert made.shape[0] == 32
        assert np.isfinite(made).all()
        assert 0 <= made.min() <= made.max() <= 255.01


@cache
def sides_of_all() -> Sides:
    return Sides("fit-pad", *({"use": name, "probability": 0.7} for name in NAMES))


DIM = """
from dataclasses import dataclass
import numpy as np
import ocrkit
from ocrkit_torch.stages import Lights, column

@dataclass(frozen=True)
class Dim:
    probability: float = ocrkit.option(0.5, "share of the images", minimum=0, maximum=1)

    def draw(self, rng, sizes):
        return {"share": rng.uniform(0.3, 1.0, len(sizes))}

    def __call__(self, image, rng):
        if rng.random() >= self.probability:
            return image
        share = self.draw(rng, np.array([image.shape]))["share"][0]
        return (image * share).astype(np.uint8)

class OnDevice(Lights):
    def lit(self, images, place, drawn, paper):
        return images * column(SHARE, images.device)

    def paper(self, paper, drawn):
        return paper * column(SHARE, paper.device)

@ocrkit.hookimpl
def ocrkit_augmentations(register):
    register("dim", Dim)
    register("dim", OnDevice, backend="torch")
"""


@pytest.mark.parametrize(
    ("share", "fault"),
    [
        ('drawn["share"]', ""),
        ('drawn["share"] * 0.9', "differ from the CPU's with the same random numbers by 1"),
        ("np.random.default_rng().uniform(0.3, 1, 1)", "differ from the CPU's with the same"),
    ],
)
def test_the_kit_holds_an_implementation_against_its_definition(
    share: str, fault: str, install: Callable[[str, str], Path]
) -> None:
    install("dim", DIM.replace("SHARE", share))

    class OfDim(AugmentationConformance):
        name = "dim"

    found = {each.check: each for each in examine(OfDim())}
    picture = found["test_on_a_device_it_makes_nearly_the_same_picture"]
    assert fault in picture.reason
    assert picture.result == ("failed" if fault else "ok")
    is_drawn = "drawn" in share
    repeats = found["test_on_a_device_all_its_randomness_is_the_generator_s"]
    assert repeats.result == ("ok" if is_drawn else "failed"), repeats.reason


@pytest.mark.gpu
def test_a_gpu_makes_the_same_of_words_and_nobody_waits_for_it(words: list[Image]) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("PyTorch sees no CUDA GPU")
    parts = [{"use": name, "probability": 0.5} for name in NAMES]
    sides, host = Sides("fit-height", *parts, device="cuda"), Sides("fit-height", *parts)
    pictures = sides.pictures(words)
    sides.feeder(pictures, np.random.default_rng(1))
    try:
        torch.cuda.set_sync_debug_mode("error")
        inputs = sides.feeder(pictures, np.random.default_rng(1))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    expected = host.feeder(pictures, np.random.default_rng(1))
    np.testing.assert_array_equal(inputs["widths"], expected["widths"])
    found = torch.as_tensor(inputs["images"]).cpu().numpy()
    assert np.abs(found - np.asarray(expected["images"])).mean() < 0.01
