"""The seed notebook's way from files to a score, as its description says: the baseline that ocrkit
is measured against.

Images one at a time through OpenCV; batches of 64 made by Gluon's DataLoader; the notebook's
network, of which featurizer and head are hybridized and the encoder is not; best paths and the
score in plain Python. Where the notebook cannot be followed: RapidFuzz counts edits in place of
leven, which current Pythons do not compile and which is C as well; the last batch, which the
notebook drops, is kept, so that both read the same words; the class is taken with argmax, as topk
returns it.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rapidfuzz.distance import Levenshtein

from ocrkit.interfaces import Arrays
from ocrkit_gluon.mxnet import mxnet

nd, nn, rnn = mxnet.nd, mxnet.gluon.nn, mxnet.gluon.rnn

HEIGHT, WIDTH = 32, 128
STEPS = 32
BATCH = 64
BLANK = -1


def preprocessed(path: str | Path) -> Any:
    """The image's file as grey pixels uint8 (32, 128): shrunk to fit where it is larger, centred,
    paper around it."""
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    ratio = min(HEIGHT / image.shape[0], WIDTH / image.shape[1])
    if ratio < 1:
        image = cv2.resize(image, (int(image.shape[1] * ratio), int(image.shape[0] * ratio)))
    rows, columns = HEIGHT - image.shape[0], WIDTH - image.shape[1]
    borders = (rows // 2, rows - rows // 2, columns // 2, columns - columns // 2)
    return cv2.copyMakeBorder(
        image, *borders, cv2.BORDER_CONSTANT, value=float(max(230, image[0][0]))
    )


class Encoder(mxnet.gluon.Block):
    """Feature maps cut into steps one by one, then both directions at once; computed operator by
    operator."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        with self.name_scope():
            self.lstm = rnn.LSTM(hidden, 1, bidirectional=True)

    def forward(self, x: Any) -> Any:
        slices = x.transpose((0, 3, 1, 2)).flatten().split(num_outputs=STEPS, axis=1)
        steps = nd.concat(*[each.expand_dims(axis=0) for each in slices], dim=0)
        return self.lstm(steps).transpose((1, 0, 2))


def network(arrays: Arrays) -> Any:
    """The notebook's network with the zoo's weights in it; it maps images (N, 1, 32, 128) to scores
    (N, 32, classes)."""
    channels, hidden = len(arrays["featurizer.conv1.bias"]), arrays["encoder.weight_hh_l0"].shape[1]
    featurizer = nn.HybridSequential()
    for index in (1, 2, 3, 4):
        featurizer.add(
            nn.Conv2D(channels=channels, kernel_size=(3, 3), padding=(1, 1), activation="relu")
        )
        featurizer.add(
            nn.MaxPool2D(pool_size=(2, 2), strides=(2, 2)) if index == 2 else nn.BatchNorm()
        )
        if index == 3:
            featurizer.add(nn.Dropout(0.5))
    featurizer.hybridize()
    encoder = nn.Sequential()
    encoder.add(Encoder(hidden), nn.Dropout(0.5))
    head = nn.Dense(units=len(arrays["head.bias"]), flatten=False)
    head.hybridize()
    whole = nn.Sequential()
    whole.add(featurizer, encoder, head)
    whole.initialize()
    whole(nd.zeros((1, 1, HEIGHT, WIDTH)))  # only now the parameters have their shapes
    _load(featurizer, encoder, head, arrays)
    return whole


def _load(featurizer: Any, encoder: Any, head: Any, arrays: Arrays) -> None:
    def fill(parameters: Any, **values: str) -> None:
        for name, canonical in values.items():
            getattr(parameters, name).set_data(nd.array(arrays[canonical]))

    convolutions = [block for block in featurizer if isinstance(block, nn.Conv2D)]
    norms = [block for block in featurizer if isinstance(block, nn.BatchNorm)]
    for index, block in enumerate(convolutions, start=1):
        fill(block, weight=f"featurizer.conv{index}.weight", bias=f"featurizer.conv{index}.bias")
    for index, block in zip((1, 3, 4), norms, strict=True):
        norm = f"featurizer.norm{index}"
        fill(
            block, gamma=f"{norm}.weight", beta=f"{norm}.bias",
            running_mean=f"{norm}.running_mean", running_var=f"{norm}.running_var",
        )  # fmt: skip
    for side, end in (("l", "l0"), ("r", "l0_reverse")):
        of_side = {
            f"{side}0_{gate}_{kind}": f"encoder.{kind}_{to}_{end}"
            for gate, to in (("i2h", "ih"), ("h2h", "hh"))
            for kind in ("weight", "bias")
        }
        fill(encoder[0].lstm, **of_side)
    fill(head, weight="head.weight", bias="head.bias")


def decoded(classes: Any, alphabet: str) -> list[str]:
    """Texts out of rows of class ids, character by character; labels, padded with −1, go through it
    as predictions do."""
    texts = []
    for row in classes:
        text = []
        for step, index in enumerate(row):
            if step < len(row) - 1 and row[step] == row[step + 1] and row[-1] != BLANK:
                continue
            if index in (len(alphabet), BLANK):
                continue
            text.append(alphabet[int(index)])
        texts.append("".join(text))
    return texts


def encoded(text: str, ids: dict[str, int]) -> Any:
    """A text as class ids float32 (32,), padded with −1."""
    label = np.full(STEPS, BLANK, np.float32)
    for position, letter in enumerate(text[:STEPS]):
        label[position] = ids[letter]
    return label


def predictions(
    net: Any, images: Sequence[Any], texts: Sequence[str], alphabet: str
) -> Iterator[tuple[list[str], list[str]]]:
    """Labels and predictions, batch by batch."""
    ids = {letter: index for index, letter in enumerate(alphabet)}

    def transform(image: Any, text: str) -> tuple[Any, Any]:
        return np.expand_dims(image, axis=0).astype(np.float32) / 255.0, encoded(text, ids)

    dataset = mxnet.gluon.data.SimpleDataset(list(zip(images, texts, strict=True))).transform(
        transform
    )
    for batch, labels in mxnet.gluon.data.DataLoader(dataset, batch_size=BATCH, last_batch="keep"):
        best = net(batch).softmax().topk(axis=2).asnumpy()[:, :, 0]
        yield decoded(labels.asnumpy(), alphabet), decoded(best, alphabet)


def score(
    paths: Sequence[str | Path], texts: Sequence[str], net: Any, alphabet: str
) -> tuple[float, list[str]]:
    """The notebook's whole way: files to its score, the mean of (length − edits) / length; and the
    texts."""
    images = [preprocessed(path) for path in paths]
    total, read = 0.0, []
    for labels, texts_read in predictions(net, images, texts, alphabet):
        total += sum(
            (len(label) - Levenshtein.distance(label, text)) / len(label)
            for label, text in zip(labels, texts_read, strict=True)
        )
        read += texts_read
    return total / len(paths), read
