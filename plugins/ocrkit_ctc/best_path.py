"""The likeliest path of a network's outputs."""

import numpy as np

from ocrkit_ctc.alignments import Alignments
from ocrkit_ctc.outputs import Outputs


def best_path(outputs: Outputs) -> Alignments:
    """The likeliest path of each sample: of equally likely classes the first, of every class the
    steps of its run."""
    size, steps, classes = outputs.log_probs.shape
    path = outputs.log_probs.argmax(axis=2)
    counts = np.arange(steps) < outputs.lengths[:, None]
    changes = path[:, 1:] != path[:, :-1]
    starts, ends = np.repeat([counts & (path != classes - 1)], 2, axis=0)
    starts[:, 1:] &= changes
    ends[:, :-1] &= changes | ~counts[:, 1:]
    number = np.cumsum(starts, axis=1)
    labels, first, last = np.full((3, size, int(number.max(initial=0))), -1)
    rows, begin = starts.nonzero()
    place = number[rows, begin] - 1
    labels[rows, place], first[rows, place], last[rows, place] = (
        path[rows, begin],
        begin,
        ends.nonzero()[1] + 1,
    )
    return Alignments(labels, first, last)
