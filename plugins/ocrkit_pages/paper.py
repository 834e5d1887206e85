"""The paper of a page."""

import numpy as np

from ocrkit.interfaces import Image


def paper_level(image: Image) -> int:
    """The grey level of the paper, 0 to 255: the median of the page's pixels, of every eighth in a
    row and a column, since there is more paper than ink on a page."""
    return int(np.median(image[::8, ::8]))
