"""Reads words with an exported network, without ocrkit: python read_with_onnxruntime.py model.onnx
word.png …

Needs onnxruntime, numpy and opencv-python-headless. Written for the preprocessors level, crop and
fit-pad, for dark writing and for greedy decoding; the network's metadata says what it takes. What
has no ink in it is for the caller to leave out: a network reads something from any paper. Other
languages do the same with ONNX Runtime's C, C++, C#, Java or JavaScript interface.
"""

import json
import sys

import cv2
import numpy as np
import onnxruntime


def read(path: str) -> np.ndarray:
    """A file's grey pixels: upright as EXIF says, what is transparent on white paper, 16 bits
    scaled to 8."""
    image = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    if image is None:
        sys.exit(f"{path}: no image that OpenCV reads")
    if image.ndim == 3 and image.shape[2] == 4:
        white = np.iinfo(image.dtype).max
        opacity = image[:, :, 3] / white
        image = (
            (cv2.cvtColor(image, cv2.COLOR_BGRA2GRAY) * opacity + white * (1 - opacity))
            .round()
            .astype(image.dtype)
        )
    else:  # turned by OpenCV, which does not turn what it reads unchanged
        image = cv2.imread(path, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
    return image if image.dtype == np.uint8 else (image / 257).round().astype(np.uint8)


def level(image: np.ndarray, window: float = 0.4) -> np.ndarray:
    """Divides a grey image by the paper around each pixel, so that paper is white in uneven
    light."""
    height, width = image.shape
    side = max(window * height, 60)
    scale = min(1.0, max(16 / side, 64 / height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small, side = cv2.resize(image, size, interpolation=cv2.INTER_AREA), round(side * scale)
    out = side if min(image.shape) >= 60 else 0
    around = cv2.copyMakeBorder(small, out, out, out, out, cv2.BORDER_REPLICATE)
    lightest = cv2.dilate(around, np.ones((side | 1, side | 1), np.uint8))
    further, wide = round(1.8 * side) | 1, round(2.5 * side)
    paper = cv2.erode(lightest, np.ones((further, further), np.uint8))
    least = np.maximum(cv2.blur(lightest, (wide, wide)) * 0.6, 48)
    paper = np.maximum(paper, least).astype(np.uint8)[out : out + size[1], out : out + size[0]]
    if np.count_nonzero(paper < 180) <= 0.1 * paper.size:  # a scan's
        return image
    return cv2.divide(image, cv2.resize(paper, (width, height)), scale=255 / 0.97)


def crop(image: np.ndarray, margin: float = 0.1) -> np.ndarray:
    """Cuts off what is around the ink."""
    scale = min(1.0, 96 / image.shape[0])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    border = np.sort(np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]]))
    paper = np.full_like(small, border[border.size // 2])
    ink = (cv2.absdiff(small, paper) > 60).astype(np.uint8)
    blots = cv2.connectedComponentsWithStats(ink)[2][1:]
    left, top, width, height = blots[blots[:, cv2.CC_STAT_AREA] >= 9, :4].T
    if not left.size:
        return image
    first, last = (top.min(), left.min()), ((top + height).max(), (left + width).max())
    margin = margin * (last[0] - first[0]) + 1
    rows, columns = (
        slice(max(0, int((start - margin) / scale)), int(np.ceil((end + margin) / scale)))
        for start, end in zip(first, last, strict=True)
    )
    return image[rows, columns]


def fit_pad(
    image: np.ndarray, height: int = 32, width: int = 128, min_width: int = 0, multiple: int = 8
) -> np.ndarray:
    """Shrinks a grey image until it fits, never enlarges it, and centres it on paper."""
    ratio = min(height / image.shape[0], width / image.shape[1])
    if ratio < 1:
        size = max(1, int(image.shape[1] * ratio)), max(1, int(image.shape[0] * ratio))
        image = cv2.resize(image, size)
    if min_width:  # only as wide as the image needs
        width = min(width, -(-max(image.shape[1], min_width) // multiple) * multiple)
    rows, columns = height - image.shape[0], width - image.shape[1]
    top, left, paper = rows // 2, columns // 2, max(230, int(image[0, 0]))
    return cv2.copyMakeBorder(
        image, top, rows - top, left, columns - left, cv2.BORDER_CONSTANT, value=(paper,)
    )


def greedy(log_probs: np.ndarray, alphabet: str) -> str:
    """The best class of every step, repeats joined, blanks (the last class) left out."""
    best = log_probs.argmax(axis=1)
    changed = np.concatenate([[True], best[1:] != best[:-1]])
    return "".join(alphabet[index] for index in best[changed] if index < len(alphabet))


session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
metadata = session.get_modelmeta().custom_metadata_map
options = json.loads(metadata["ocrkit"])["pipeline"]["preprocessor"]
before = [(part.pop("use"), part) for part in options.pop("before", [])]
if options.pop("use") != "fit-pad" or {name for name, _ in before} - {"level", "crop"}:
    sys.exit(
        f"{sys.argv[1]}: wants other preprocessors than level, crop and fit-pad, and this script "
        "has no others"
    )
if options.pop("ink", "dark") != "dark":
    sys.exit(f"{sys.argv[1]}: is for light writing, or for both, and this script for dark writing")
for path in sys.argv[2:]:
    image = read(path)
    for name, part in before:
        image = {"level": level, "crop": crop}[name](image, **part)
    image = fit_pad(image, **options)
    inputs = {
        "images": image[None, None].astype(np.float32) / 255,
        "widths": np.array([image.shape[1]], np.int64),
    }
    log_probs, lengths = session.run(["log_probs", "lengths"], inputs)
    sys.stdout.write(f"{path}\t{greedy(log_probs[0, : lengths[0]], metadata['alphabet'])}\n")
