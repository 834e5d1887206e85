"""Files of character n-gram models: safetensors, with the trie's numbers and what they are."""

import hashlib
import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from ocrkit.errors import OcrkitError
from ocrkit.interfaces import Arrays
from ocrkit.networks.weights import parse
from ocrkit.support.files import open_regular, read_bytes, write_atomically
from ocrkit_ngrams.arpa import read_arpa
from ocrkit_ngrams.model import NGramModel
from ocrkit_ngrams.trie import NGrams

_FORMAT = "ocrkit character n-grams 1"
_TYPES = {"children": ["<u2"], "symbols": ["|u1", "<u2"], "log_probs": ["<f2"], "backoffs": ["<f2"]}
"""Of the numbers in a file."""


def open_model(path: Path) -> NGramModel:
    """The model of a file, ARPA files too. Raises OcrkitError where it is damaged or of another
    kind."""
    with open_regular(path, expected="a language model") as file:
        is_arpa = b"\\data\\" in file.read(4096)
    return NGramModel(read_arpa(path) if is_arpa else read(path))


def write(path: Path, ngrams: NGrams) -> None:
    """Writes a model's file, whole or not at all: safetensors, with probabilities in float16."""
    arrays = {
        "children": ngrams.children.astype(np.uint16),
        "symbols": ngrams.symbols.astype(np.uint16 if ngrams.children[0] > 256 else np.uint8),
        "log_probs": ngrams.log_probs.astype(np.float16),
        "backoffs": ngrams.backoffs[ngrams.children > 0].astype(np.float16),
    }
    header = {
        "format": _FORMAT,
        "characters": ngrams.characters,
        "order": ngrams.order,
        "about": ngrams.about,
        "sha256": _digest(arrays),
    }
    with write_atomically(path) as temporary:
        temporary.write_bytes(
            save(arrays, metadata={"ocrkit": json.dumps(header, ensure_ascii=False)})
        )


def read(path: Path) -> NGrams:
    """Reads a model's file. Raises OcrkitError where it is damaged or foreign."""
    data = read_bytes(path, expected="a language model")
    try:
        arrays, header = parse(data)
        if header["format"] != _FORMAT:
            raise ValueError("written by another version of ocrkit")
        if _digest(arrays) != header["sha256"]:
            raise ValueError("its numbers are not those that were written")
        for name, types in _TYPES.items():
            if arrays[name].dtype.str not in types:
                raise ValueError(f"{name} is {arrays[name].dtype}")
        backoffs = np.zeros(len(arrays["children"]), np.float32)
        backoffs[arrays["children"] > 0] = arrays["backoffs"]
        return NGrams(
            characters=header["characters"],
            order=header["order"],
            children=arrays["children"],
            symbols=arrays["symbols"],
            log_probs=arrays["log_probs"],
            backoffs=backoffs,
            about=header["about"],
        )
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise OcrkitError(
            f"{path}: no language model, or a damaged one ({error}); write it anew with ocrkit lm "
            "train"
        ) from error


def _digest(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()
