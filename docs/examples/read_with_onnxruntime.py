"""Reads words with an exported network, without ocrkit: python read_with_onnxruntime.py model.onnx word.png …

Needs onnxruntime, numpy and opencv-python-headless. Written for the preprocessor fit-pad and for greedy decoding; the network's
metadata says what it takes. Other languages do the same with ONNX Runtime's C, C++, C#, Java or JavaScript interface.
"""

import json
import sys

import cv2
import numpy as np
import onnxruntime


def fit_pad(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Shrinks a grey image until it fits, never enlarges it, and centres it on paper."""
    ratio = min(height / image.shape[0], width / image.shape[1])
    if ratio < 1:
        size = max(1, int(image.shape[1] * ratio)), max(1, int(image.shape[0] * ratio))
        image = cv2.resize(image, size)
    rows, columns = height - image.shape[0], width - image.shape[1]
    top, left, paper = rows // 2, columns // 2, max(230, int(image[0, 0]))
    return cv2.copyMakeBorder(image, top, rows - top, left, columns - left, cv2.BORDER_CONSTANT, value=(paper,))


def greedy(log_probs: np.ndarray, alphabet: str) -> str:
    """The best class of every step, repeats joined, blanks (the last class) left out."""
    best = log_probs.argmax(axis=1)
    changed = np.concatenate([[True], best[1:] != best[:-1]])
    return "".join(alphabet[index] for index in best[changed] if index < len(alphabet))


session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
metadata = session.get_modelmeta().custom_metadata_map
about = json.loads(metadata["ocrkit"])
images = [cv2.imread(path, cv2.IMREAD_GRAYSCALE) for path in sys.argv[2:]]
fitted = np.stack([fit_pad(image, about["height"], about["width"]) for image in images])
inputs = {
    "images": fitted[:, None].astype(np.float32) / 255,
    "widths": np.full(len(images), about["width"], np.int64),
}
log_probs, lengths = session.run(["log_probs", "lengths"], inputs)
for path, steps, length in zip(sys.argv[2:], log_probs, lengths, strict=True):
    sys.stdout.write(f"{path}\t{greedy(steps[:length], metadata['alphabet'])}\n")
