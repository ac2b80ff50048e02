"""Writes small files that ask for much: python hostile_images.py FOLDER"""

import io
import struct
import sys
import zlib
from pathlib import Path

from PIL import Image
from png_writer import SIGNATURE, chunk

Image.MAX_IMAGE_PIXELS = None


def flat_png(width, height, kind=2, depth=8, extra=b""):
    bits = width * depth * {0: 1, 2: 3, 6: 4}[kind]
    packer = zlib.compressobj(9)
    line = bytes(1 + (bits + 7) // 8)
    data = b"".join(packer.compress(line) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", header) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def progressive(width, height):
    out = io.BytesIO()
    Image.new("RGB", (width, height)).save(out, "JPEG", progressive=True, subsampling=0, quality=1)
    return out.getvalue()


def with_scans(jpeg, count):
    """A progressive file whose last scan stands there `count` times."""
    last = jpeg.rindex(b"\xff\xda")
    # A refinement of nothing: the bits of each coefficient are what they were.
    return jpeg[:last] + jpeg[last:-2] * count + jpeg[-2:]


def gif(width, height):
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0) + b"," + struct.pack(
        "<HHHHB", 0, 0, 1, 1, 0) + b"\x08\x03\x00\x03\x02\x00;"


def webp(width, height):
    out = io.BytesIO()
    Image.new("RGB", (width, height)).save(out, "WEBP", lossless=True, method=0)
    return out.getvalue()


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    refused = {
        "progressive-12000x12000.jpg": progressive(12000, 12000),
        "rgb-13400x13400.png": flat_png(13400, 13400),
        "bits-30000x15000.png": flat_png(30000, 15000, kind=0, depth=1),
        "65535x65535.gif": gif(65535, 65535),
        "12000x12000.webp": webp(12000, 12000),
        "180-scans.jpg": with_scans(progressive(2000, 2000), 180),
    }
    bomb = zlib.compress(bytes(200_000_000), 9)
    text = chunk(b"zTXt", b"Comment\0\0" + bomb) + chunk(b"iCCP", b"profile\0\0" + bomb)
    text += chunk(b"tEXt", b"Comment\0" + bytes(20_000_000)) + chunk(b"eXIf", bytes(5_000_000))
    accepted = {
        "much-text.png": flat_png(8, 8, extra=text + text),
        "photo-24-megapixels.jpg": progressive(6000, 4000),
    }
    for kind, files in [("refused", refused), ("accepted", accepted)]:
        (folder / kind).mkdir(exist_ok=True)
        for name, data in files.items():
            (folder / kind / name).write_bytes(data)


if __name__ == "__main__":
    main()
