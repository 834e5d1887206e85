"""Parquet files in the layout of the Hugging Face hub, with drawn images."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

HUB = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
"""How the hub stores an image."""


def png(grey: int) -> bytes:
    """A small image of one level of grey."""
    file = io.BytesIO()
    Image.fromarray(np.full((20, 50), grey, np.uint8)).save(file, "PNG")
    return file.getvalue()


def write(path: Path, texts: list[str | None], *, group: int = 2, **columns: object) -> None:
    """A row for every text, its image grey of level 0, 10, 20…, ``group`` rows in a row group."""
    images = [{"bytes": png(10 * row), "path": f"{row}.png"} for row in range(len(texts))]
    table = {"image": pa.array(images, HUB), "text": pa.array(texts, pa.string()), **columns}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(table), path, row_group_size=group)
