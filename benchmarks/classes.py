"""Decoders with 96 classes and with 6,625, side by side in one run: times, their ratio, and memory.

    python benchmarks/classes.py

The outputs are drawn as a trained network gives them: blanks and characters that it is sure of, a
few others that look alike, and noise for all classes. Times are processor time of the fastest of
some rounds on one thread, with the two alphabets in turn; memory is the most that one call takes
besides its arguments.
"""

import resource
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ocrkit import Alphabet
from ocrkit_ctc.beam import Beam
from ocrkit_ctc.greedy import Greedy
from ocrkit_ngrams.counting import Counts
from ocrkit_ngrams.files import write
from ocrkit_ngrams.smoothing import train

SAMPLES, STEPS, CHARACTERS = 64, 80, 16
CLASSES = (96, 6_625)
ROUNDS = 5


def alphabet_of(classes: int) -> Alphabet:
    """So many classes, the blank among them: ideographs."""
    return Alphabet("".join(chr(0x4E00 + index) for index in range(classes - 1)))


def texts_of(classes: int, count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Class ids (count, CHARACTERS), some of them frequent, most rare."""
    ranks = rng.zipf(1.3, (count, CHARACTERS)) - 1
    return ranks % (classes - 1)


def outputs_of(texts: npt.NDArray[np.int64], classes: int, rng: np.random.Generator) -> Any:
    """Log-probabilities float32 (samples, STEPS, classes) of a network that reads the texts."""
    scores = rng.normal(0, 2, (len(texts), STEPS, classes)).astype(np.float32)
    scores[:, :, -1] += 20
    every = STEPS // CHARACTERS
    for row, text in zip(scores, texts, strict=True):
        for index, character in enumerate(text):
            for step in range(index * every + 1, index * every + 3):
                row[step, character] += 24 + rng.normal(0, 2)
                row[step, rng.integers(0, classes - 1, 4)] += rng.uniform(8, 20, 4)
    scores -= scores.max(axis=2, keepdims=True)
    scores -= np.log(np.exp(scores).sum(axis=2, keepdims=True))
    return scores


def model_of(classes: int, folder: Path, rng: np.random.Generator) -> Path:
    """The file of a language model of order 4, trained on texts over the whole alphabet."""
    alphabet = alphabet_of(classes)
    texts = [alphabet.decode(text) for text in texts_of(classes, 20_000, rng)]
    counts = Counts(alphabet.characters, 4)
    counts.add(Counter([*texts, *alphabet.characters]))
    path = folder / f"{classes}.safetensors"
    write(path, train(counts, keep=None, about={}))
    return path


def seconds(call: Callable[[], Any]) -> float:
    start = time.thread_time()
    call()
    return time.thread_time() - start


def megabytes(call: Callable[[], Any]) -> float:
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def main() -> None:
    rng = np.random.default_rng(0)
    lengths = np.full(SAMPLES, STEPS, np.int32)
    say = sys.stdout.write
    with tempfile.TemporaryDirectory() as folder:
        models = {each: str(model_of(each, Path(folder), rng)) for each in CLASSES}
        batches = {each: outputs_of(texts_of(each, SAMPLES, rng), each, rng) for each in CLASSES}
        alphabets = {each: alphabet_of(each) for each in CLASSES}
        decoders: dict[str, Callable[[int], Any]] = {
            "ctc-greedy": lambda _: Greedy(),
            "ctc-greedy, temperature = 1.5": lambda _: Greedy(temperature=1.5),
            "ctc-beam": lambda _: Beam(),
            "ctc-beam, n_best = 5": lambda _: Beam(n_best=5),
            "ctc-beam, language_model": lambda each: Beam(language_model=models[each]),
        }
        say(f"{SAMPLES} samples of {STEPS} steps; milliseconds and MB with {CLASSES} classes\n")
        for name, make in decoders.items():
            calls = {
                each: partial(make(each), batches[each], lengths, alphabets[each])
                for each in CLASSES
            }
            for call in calls.values():
                call()  # opens the language model
            rounds = [[seconds(call) for call in calls.values()] for _ in range(ROUNDS)]
            few, many = np.min(rounds, axis=0) * 1e3
            memory = [megabytes(call) for call in calls.values()]
            say(
                f"{name:32}{few:8.1f}{many:8.1f}   ratio {many / few:5.2f}"
                f"   {memory[0]:7.1f} MB{memory[1]:7.1f} MB\n"
            )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    say(f"the whole process at most {peak / 1e3:,.0f} MB\n")


if __name__ == "__main__":
    main()
