"""Whether an objective does what the interface says."""

import numpy as np

from ocrkit.parts.objectives import Objective
from ocrkit.testing.base import PartConformance
from ocrkit.testing.small_networks import is_frozen


class ObjectiveConformance(PartConformance):
    """Checks of an objective's definition. Its implementations are checked with networks: those of
    featurizers, encoders and backends with CTC's."""

    kind = "objective"

    def test_it_says_all_that_depends_on_it(self) -> None:
        """A frozen dataclass with all that the interface names."""
        objective = self.part()
        self.check(isinstance(objective, Objective), "lacks some of what the interface names")
        self.check(is_frozen(objective), "can be changed; freeze it")
        self.check(
            objective.parts in (("featurizer", "encoder"), ("model",)),
            f"is for networks of {objective.parts}; expected featurizer and encoder, or a model",
        )

    def test_its_outputs_begin_with_the_samples(self) -> None:
        for port in self.part().outputs:
            right = port.axes[0] == "N" and port.dtype in ("float32", "int64")
            self.check(right, f"gives {port}; expected float32 or int64, samples (N) first")

    def test_a_golden_set_comes_back_as_it_was_stored(self) -> None:
        """Through ``valid``, ``stored`` and ``restored``, bit for bit; margins are numbers."""
        objective = self.part()
        rng, sizes = np.random.default_rng(0), {"N": 3, "T": 5, "K": 4, "H": 6, "W": 8}
        outputs = {
            port.name: rng.random(shape, np.float32)
            if port.dtype == "float32"
            else np.array([5, 3, 0], np.int32)
            for port in objective.outputs
            for shape in [[sizes.get(axis, axis) for axis in port.axes]]
        }
        widths = np.array([8, 5, 2], np.int32)
        inputs = {"images": np.zeros((3, 1, 6, 8), np.float32), "widths": widths}
        with self.works("on outputs of three samples"):
            items = objective.valid(outputs, inputs)
            back = objective.restored(objective.stored(items))
            margins = [objective.margin(each) for each in items]
        same = len(items) == len(back) == 3 and all(
            one.keys() == other.keys()
            and all(np.array_equal(array, other[name]) for name, array in one.items())
            for one, other in zip(items, back, strict=True)
        )
        self.check(same, "does not restore what it stored")
        self.check(not any(map(np.isnan, margins)), f"has the margins {margins}")
