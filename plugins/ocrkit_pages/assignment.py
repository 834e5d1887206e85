"""Which of some go with which of others, one to one."""

import numpy as np
import numpy.typing as npt


def assignment(costs: npt.NDArray[np.float64]) -> list[tuple[int, int]]:
    """The pairs (row, column), in the order of rows, of the one-to-one assignment whose costs
    (n, m) have the least sum: min(n, m) pairs.

    The Hungarian method by shortest augmenting paths (Kuhn 1955; Jonker and Volgenant 1987), O(n²m)
    at worst. Raises ValueError for costs that are not finite.

    >>> assignment(np.array([[4.0, 1.0, 3.0], [2.0, 0.0, 5.0]]))
    [(0, 1), (1, 0)]
    """
    costs = np.asarray(costs, np.float64)
    if not np.isfinite(costs).all():
        raise ValueError("costs that are not finite cannot be compared")
    rows, columns = costs.shape
    if rows > columns:
        return sorted((row, column) for column, row in assignment(costs.T))
    # Column 0 stands for none; rows count from 1, and 0 says that a column is free.
    of_row, of_column = np.zeros(rows + 1), np.zeros(columns + 1)
    row_of = np.zeros(columns + 1, np.int64)
    for row in range(1, rows + 1):
        column, row_of[0] = 0, row
        least, before = np.full(columns + 1, np.inf), np.zeros(columns + 1, np.int64)
        seen = np.zeros(columns + 1, np.bool_)
        while row_of[column]:
            seen[column] = True
            here = row_of[column]
            reduced = costs[here - 1] - of_row[here] - of_column[1:]
            nearer = np.flatnonzero(~seen[1:] & (reduced < least[1:])) + 1
            least[nearer], before[nearer] = reduced[nearer - 1], column
            column = int(np.where(seen, np.inf, least)[1:].argmin()) + 1
            step = least[column]
            of_row[row_of[seen]] += step
            of_column[seen] -= step
            least[~seen] -= step
        while column:
            row_of[column] = row_of[before[column]]
            column = before[column]
    return sorted((int(row_of[n]) - 1, n - 1) for n in range(1, columns + 1) if row_of[n])
