"""A small raster image as a PNG data address, to stand inside an SVG: thousands of cells in a few kilobytes."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import UsageError

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_EIGHT_BIT, _RGBA = 8, 6


def png_address(pixels: npt.NDArray[np.uint8]) -> str:
    """``data:image/png;base64,...`` of uint8[height, width, 4] pixels: red, green, blue, opacity; the top row first.

    Raises:
        UsageError: the array has another shape, or no pixel.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 4 or pixels.size == 0:
        raise UsageError(f"pixels of shape {pixels.shape}", where="picture", remedy="give height, width, 4")
    height, width, _ = pixels.shape
    unfiltered = np.zeros((height, 1 + 4 * width), dtype=np.uint8)  # each row begins with its filter: 0, none
    unfiltered[:, 1:] = pixels.reshape(height, 4 * width)
    header = struct.pack(">IIBBBBB", width, height, _EIGHT_BIT, _RGBA, 0, 0, 0)
    packed = zlib.compress(unfiltered.tobytes(), 9)
    data = _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(data).decode()


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
