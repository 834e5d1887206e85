"""The options of training, as a pipeline's file has them."""

from dataclasses import dataclass
from typing import Literal

from ocrkit.parts.values import option


@dataclass(frozen=True)
class Training:
    """The ``[training]`` table, without the options of the objective: how a pipeline's network is
    trained. ``docs/training.md`` explains every option."""

    backends: tuple[str, ...] = option(
        (), "backends that may train it; the first that is installed does"
    )
    split: str = option("all", "the reader's split to train on")
    only: str = option(
        "", "file of ids, of forms or samples, one a line: train on these alone", file=""
    )
    exclude: str = option(
        "", "file of ids, of forms or samples, one a line: leave these out of training", file=""
    )
    validation: str = option(
        "", "the reader's split that chooses the best epoch and stops early; empty: none"
    )
    validation_only: str = option(
        "", "file of ids, of forms or samples, one a line: validate on these alone", file=""
    )
    epochs: int = option(20, "passes over the training split", minimum=1)
    batch_size: int = option(64, "images in a step, of all workers together", minimum=1)
    optimizer: Literal["adam", "adamw"] = option(
        "adam", "Adam (Kingma & Ba 2015) or AdamW (Loshchilov & Hutter 2019)"
    )
    # In float32 a step of Adam has no room for more than ten times this.
    learning_rate: float = option(
        1e-3, "the highest learning rate of the schedule", minimum=0.0, maximum=1e30
    )
    schedule: Literal["constant", "cosine"] = option(
        "constant", "what follows the warm-up: constant, or a half cosine to zero"
    )
    warmup: float = option(
        0.0,
        "share of all steps in which the learning rate rises linearly from zero",
        minimum=0.0,
        maximum=1.0,
    )
    weight_decay: float = option(0.0, "decoupled weight decay; adamw only", minimum=0.0)
    clip_norm: float = option(
        0.0, "largest L2 norm of all gradients together; 0: no clipping", minimum=0.0
    )
    loss_weight: float = option(1.0, "factor on the loss", minimum=0.0)
    ema_decay: float = option(
        0.0,
        "share of the weights' running average that a step keeps, 0.999 for example; the average "
        "is validated and kept as the "
        "best weights; 0: none",
        minimum=0.0,
        maximum=1.0,
    )
    precision: Literal["float32", "bf16"] = option(
        "float32",
        "bf16: the network computes in bfloat16 where that is safe; weights, gradients and loss "
        "stay float32",
    )
    accumulate: int = option(
        1, "compute a batch in so many pieces, for batches that the memory cannot hold", minimum=1
    )
    deterministic: bool = option(
        False, "on a GPU, only algorithms that repeat bit for bit; a CPU's always do"
    )
    compile: bool = option(False, "let the framework compile the network before training")
    teacher: str = option(
        "",
        "a trained pipeline whose readings are learnt too, and where an image has no text, alone: "
        "zoo:NAME, a training run or a file; empty: none",
        file="zoo",
    )
    teacher_share: float = option(
        0.5,
        "share of the images with a text that learn the teacher's reading instead, others in every "
        "epoch",
        minimum=0.0,
        maximum=1.0,
    )
    keep_statistics: bool = option(
        False,
        "batch norms normalise by the statistics that they have, as in reading: for fine-tuning on "
        "small batches, whose own are too rough",
    )
    patience: int = option(
        0, "stop after this many epochs without a better validation score; 0: never", minimum=0
    )
    metric: str = option("", "the metric that chooses the best epoch; empty: the pipeline's first")
    unfit: Literal["skip", "refuse"] = option(
        "skip", "labels that the network cannot write: leave out and count, or refuse"
    )
    feed: Literal["files", "memory"] = option(
        "files",
        "files: images are read anew for every epoch; memory: they are read once, and augmented on "
        "the network's device",
    )
    feed_gigabytes: float = option(
        8.0, "memory that all images together may take with feed = 'memory'", minimum=0.0
    )
    checkpoint_minutes: float = option(
        5.0, "minutes between checkpoints within an epoch", minimum=0.0
    )
    seed: int = option(0, "fixes initial weights, order, augmentation and dropout", minimum=0)
