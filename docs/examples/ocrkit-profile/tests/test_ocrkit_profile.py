"""Whether ink-profile does what ocrkit expects of every featurizer, and what its own description
says."""

import numpy as np
from ocrkit_profile.ink_profile import InkProfile, build

from ocrkit import ImageSize
from ocrkit.testing import FeaturizerConformance


class TestConformance(FeaturizerConformance):
    name = "ink-profile"


class TestWithWideSteps(FeaturizerConformance):
    name = "ink-profile"
    options = {"stride": 7}


def test_the_features_are_where_the_ink_is() -> None:
    images = np.ones((1, 1, 10, 8), np.float32)
    images[0, 0, 2, :4] = 0  # a line, a quarter from the top
    images[0, 0, (0, 9), 4:] = 0  # two lines, at the top and at the bottom
    features, lengths = build(InkProfile(stride=4), ImageSize(10, None))(
        images, np.array([8], np.int32)
    )
    assert lengths.tolist() == [2]
    np.testing.assert_allclose(features[0], [[0.1, 0.25, 0], [0.2, 0.5, 0.45]], atol=1e-6)
