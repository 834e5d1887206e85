"""GIF files: their blocks before the first image."""

from ocrkit.images.contents import MOST_PIECES, Contents

_CONTROL, _EXTENSION, _IMAGE = 0xF9, 0x21, 0x2C


def contents(data: bytes) -> Contents:
    """What of a GIF is to be decoded: comments, which Pillow would join one by one, are left out.
    Raises ValueError where it is cut off before its first image."""
    position = 13 + _palette(data[10:11])
    kept = [data[:position]]
    for _ in range(MOST_PIECES):
        kind = data[position : position + 2]
        if len(kind) < 2:
            raise ValueError("the file ends too early")
        if kind[0] == _IMAGE:
            return Contents(b"".join([*kept, data[position:]]), per_pixel=1)
        end = position + 1
        if kind[0] == _EXTENSION:
            end = _behind_blocks(data, position + 2)
            if kind[1] == _CONTROL:
                kept.append(data[position:end])
        position = end
    raise ValueError(f"more than {MOST_PIECES:,} blocks before the first image")


def _palette(flags: bytes) -> int:
    """The bytes of the palette that a file's flags announce."""
    return 3 * 2 << (flags[0] & 7) if flags and flags[0] & 128 else 0


def _behind_blocks(data: bytes, position: int) -> int:
    """Where a chain of blocks ends, each of which begins with its length."""
    for _ in range(MOST_PIECES):
        length = data[position] if position < len(data) else 0
        position += 1 + length
        if not length:
            return position
    raise ValueError(f"more than {MOST_PIECES:,} blocks of a comment")
