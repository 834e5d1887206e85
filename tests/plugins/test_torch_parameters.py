"""Names and shapes of parameters, asked of a module."""

from typing import cast

import pytest

torch = pytest.importorskip("torch")

from ocrkit.interfaces import FeaturizerDefinition, ImageSize  # noqa: E402  (these need PyTorch)
from ocrkit.parts.registry import registry  # noqa: E402
from ocrkit_torch.parameters import parameters_of  # noqa: E402


@pytest.mark.parametrize("name", ["cnn", "resnet-cnn", "separable-cnn"])
def test_a_module_has_what_its_definition_lists(name: str) -> None:
    size = ImageSize(32, None)
    definition = cast("FeaturizerDefinition", registry().get("featurizer", name).load()())
    module = registry().get("featurizer", name, backend="torch").load()
    assert parameters_of(lambda: module(definition, size)) == dict(definition.parameters(size))


def test_a_large_module_takes_no_memory_and_no_random_numbers() -> None:
    before = torch.random.get_rng_state()
    found = parameters_of(lambda: torch.nn.Linear(10**6, 10**6))  # 4 TB, if it were made
    assert found == {"weight": (10**6, 10**6), "bias": (10**6,)}
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_batch_norm_s_count_is_not_among_them() -> None:
    assert set(parameters_of(lambda: torch.nn.Sequential(torch.nn.BatchNorm1d(2)))) == {
        "0.weight", "0.bias", "0.running_mean", "0.running_var"
    }  # fmt: skip
