"""MXNet 1.9.1 uses names that NumPy removed in 1.24; with them set it runs on NumPy 1.26."""

import numpy as np

_REMOVED = {
    "bool": bool,
    "int": int,
    "float": float,
    "object": object,
    "complex": complex,
    "str": str,
}


def set_removed() -> None:
    """Sets ``numpy.bool`` and its like where NumPy lacks them. They stay: MXNet looks them up again
    when it runs."""
    for name, builtin in _REMOVED.items():
        if name not in vars(np):
            setattr(np, name, builtin)
