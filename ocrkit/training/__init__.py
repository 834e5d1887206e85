"""The training loop, once for every backend: schedule, validation, early stopping, checkpoints,
exact resume.

A run lives in a folder:

- ``pipeline.toml``: the pipeline with its settings, its weights the best epoch's: ``ocrkit run
  --pipeline RUN`` reads with it
- ``run.json``: data set, backend, versions, what was left out
- ``best.safetensors``: the weights of the best epoch by validation (without validation: of the
  last)
- ``last.safetensors``: weights, their average, optimizer state and position, from which
  ``--resume`` goes on
- ``log.jsonl``: one line an epoch
- ``curves.svg``: the log, drawn

Everything random (initial weights, order, augmentation, dropout) is drawn from the seed and the
position in training, never from a generator that runs on, so a resumed run computes what an
uninterrupted one would have.

Several processes may train one network together. Each is a worker: it takes its part of every
batch, and all come to the same weights. The first one alone checks the folder, validates, writes
and tells of it; the others wait for its score.
"""

from ocrkit.training.data import TrainingData, collect, joined
from ocrkit.training.initial import take_what_fits
from ocrkit.training.progress import Progress
from ocrkit.training.run import Run
from ocrkit.training.schedule import learning_rate
from ocrkit.training.start import resume_options, train
from ocrkit.training.workers import workers_of

__all__ = [
    "Progress",
    "Run",
    "TrainingData",
    "collect",
    "joined",
    "learning_rate",
    "resume_options",
    "take_what_fits",
    "train",
    "workers_of",
]
