"""Reads words with an exported network, without ocrkit: python read_with_onnxruntime.py model.onnx word.png …

Needs onnxruntime, numpy and opencv-python-headless. Written for the preprocessors level and fit-pad, for
dark writing and for greedy decoding; the network's metadata says what it takes. What has no ink in it is
for the caller to leave out: a network reads something from any paper. Other languages do the same with
ONNX Runtime's C, C++, C#, Java or JavaScript interface.
"""

import json
import sys

import cv2
import numpy as np
import onnxruntime


def read(path: str) -> np.ndarray:
    """A file's grey pixels: upright as EXIF says, what is transparent on white paper, 16 bits scaled to 8."""
    image = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    if image is None:
        sys.exit(f"{path}: no image that OpenCV reads")
    if image.ndim == 3 and image.shape[2] == 4:
        white = np.iinfo(image.dtype).max
        opacity = image[:, :, 3] / white
        image = (cv2.cvtColor(image, cv2.COLOR_BGRA2GRAY) * opacity + white * (1 - opacity)).round().astype(image.dtype)
    else:  # turned by OpenCV, which does not turn what it reads unchanged
        image = cv2.imread(path, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
    return image if image.dtype == np.uint8 else (image / 257).round().astype(np.uint8)


def level(image: np.ndarray, window: float = 0.4) -> np.ndarray:
    """Divides a grey image by the paper around each pixel, so that paper is white in uneven light."""
    height, width = image.shape
    side = max(window * height, 40)
    scale = min(1.0, max(16 / side, 64 / height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small, side = cv2.resize(image, size, interpolation=cv2.INTER_AREA), round(side * scale)
    around = cv2.copyMakeBorder(small, side, side, side, side, cv2.BORDER_REPLICATE)
    lightest = cv2.dilate(around, np.ones((side | 1, side | 1), np.uint8))
    further = round(1.8 * side) | 1
    paper = cv2.erode(lightest, np.ones((further, further), np.uint8))
    wide = round(2.5 * side)
    paper = np.maximum(paper, np.maximum(cv2.blur(lightest, (wide, wide)) * 0.6, 48))
    background = cv2.resize(paper.astype(np.uint8)[side:-side, side:-side], (width, height))
    return cv2.divide(image, background, scale=255 / 0.97)


def fit_pad(image: np.ndarray, height: int = 32, width: int = 128, min_width: int = 0, multiple: int = 8) -> np.ndarray:
    """Shrinks a grey image until it fits, never enlarges it, and centres it on paper."""
    ratio = min(height / image.shape[0], width / image.shape[1])
    if ratio < 1:
        size = max(1, int(image.shape[1] * ratio)), max(1, int(image.shape[0] * ratio))
        image = cv2.resize(image, size)
    if min_width:  # only as wide as the image needs
        width = min(width, -(-max(image.shape[1], min_width) // multiple) * multiple)
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
options = json.loads(metadata["ocrkit"])["pipeline"]["preprocessor"]
before = options.pop("before", [])
if options.pop("use") != "fit-pad" or any(part.pop("use") != "level" for part in before):
    sys.exit(f"{sys.argv[1]}: wants other preprocessors than level and fit-pad, and this script has no others")
if options.pop("ink", "dark") != "dark":
    sys.exit(f"{sys.argv[1]}: is for light writing, or for both, and this script for dark writing")
for path in sys.argv[2:]:
    image = read(path)
    for part in before:
        image = level(image, **part)
    image = fit_pad(image, **options)
    inputs = {
        "images": image[None, None].astype(np.float32) / 255,
        "widths": np.array([image.shape[1]], np.int64),
    }
    log_probs, lengths = session.run(["log_probs", "lengths"], inputs)
    sys.stdout.write(f"{path}\t{greedy(log_probs[0, : lengths[0]], metadata['alphabet'])}\n")
