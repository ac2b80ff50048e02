"""Small images with EXIF and XMP data of every kind, sound and not."""

import io
import struct
import zlib

from PIL import Image
from png_writer import chunk

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}


def element(order, kind, value):
    """One element of a TIFF type."""
    if kind in (5, 10):
        return struct.pack(order + ("II" if kind == 5 else "ii"), value * 3, 3)
    formats = {3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q"}
    return struct.pack(order + formats.get(kind, "B"), value)


def tiff(rng):
    """A TIFF structure whose directory has an orientation somewhere, most of the time."""
    order = rng.choice("<>")
    head = b"II" if order == "<" else b"MM"
    magic = rng.choice([b"*\0", b"\0*"] if rng.random() < 0.9 else [b"+\0", b"\0+", b"xx"])
    entries, outside = [], b""
    count = rng.randint(0, 6)
    place = rng.randint(0, count)
    start = 8 + rng.choice([0, 0, 0, 2, 9])
    directory = 2 + 12 * (count + 1) + 4
    for index in range(count + 1):
        is_orientation = index == place and rng.random() < 0.95
        kind = rng.choice([3, 3, 3, 3, *SIZES, 0, 14, 99])
        tag = 0x0112 if is_orientation else rng.choice([0x0112, 0x010F, 0x8769, 0x011A, 0xFFFF])
        number = rng.choice([1, 1, 1, 1, 1, 0, 2, 3, 70, 2**32 - 1])
        value = rng.choice([1, 2, 3, 4, 5, 6, 7, 8, 8, 6, 0, 9, 77])
        data = element(order, kind, value) * min(number, 70)
        if len(data) > 4 or number * SIZES.get(kind, 1) > 4:
            offset = start + directory + len(outside)
            offset = rng.choice([offset, offset, offset, offset, start, 0, 2**32 - 1])
            outside += data
            data = struct.pack(order + "I", offset)
        entries.append(struct.pack(order + "HHI", tag, kind, number) + data.ljust(4, b"\0")[:4])
    following = rng.choice([0, 0, start, 8, 2**32 - 1])
    data = head + magic + struct.pack(order + "I", start) + bytes(start - 8)
    data += struct.pack(order + "H", rng.choice([count + 1] * 8 + [count, 65535]))
    data += b"".join(entries) + struct.pack(order + "I", following) + outside
    if rng.random() < 0.1:
        data = data[: rng.randint(0, len(data))]
    if rng.random() < 0.1:
        data = bytearray(data)
        data[rng.randrange(len(data))] = rng.randrange(256) if data else 0
    return bytes(data)


def xmp(rng):
    value = rng.choice("0123456789x")
    if rng.random() < 0.5:
        return f'<x tiff:Orientation="{value}" tiff:Orientation="3"/>'.encode()
    return f"<x>tiff:Orientatio<tiff:Orientation>{value}</tiff:Orientation></x>".encode()


def exif_cases(rng, count):
    """(name, bytes, tolerance) of `count` images in turn JPEG, PNG and WebP."""
    for index in range(count):
        image = Image.new("RGB", (rng.randint(1, 9), rng.randint(1, 9)))
        image.putdata([tuple(rng.randbytes(3)) for _ in range(image.width * image.height)])
        if index % 9 == 0:
            image = image.convert("CMYK")
        prefix = b"Exif\0\0" * rng.choice([0, 1, 1, 1, 2])
        data = prefix + tiff(rng) if rng.random() < 0.9 else None
        description = xmp(rng) if rng.random() < 0.3 else None
        kind = ["jpg", "png", "webp"][index % 3]
        out = io.BytesIO()
        if kind == "jpg":
            image.save(out, "JPEG", quality=95, subsampling=0)
            yield f"{index}.jpg", with_segments(rng, out.getvalue(), data, description), 2
        elif kind == "png":
            image.convert("RGB").save(out, "PNG")
            yield f"{index}.png", with_chunk(rng, out.getvalue(), data), 0
        else:
            options = {"exif": data} if data else {}
            if description:
                options["xmp"] = description
            image.convert("RGB").save(out, "WEBP", lossless=True, **options)
            yield f"{index}.webp", out.getvalue(), 0


def with_segments(rng, jpeg, data, description):
    parts = []
    if data is not None:
        data = data if data.startswith(b"Exif\0\0") else b"Exif\0\0" + data
        middle = rng.choice([len(data), len(data), rng.randint(6, len(data))])
        parts = [data[:middle]] + ([b"Exif\0\0" + data[middle:]] if middle < len(data) else [])
    if description is not None:
        parts.insert(rng.randint(0, len(parts)), b"http://ns.adobe.com/xap/1.0/\0" + description)
    marked = b"".join(
        b"\xff" * rng.choice([1, 1, 3]) + b"\xe1" + struct.pack(">H", len(p) + 2) + p for p in parts)
    return jpeg[:2] + marked + jpeg[2:]


def with_chunk(rng, png, data):
    if data is None:
        return png
    place = png.index(b"IDAT") - 4 if rng.random() < 0.7 else png.index(b"IEND") - 4
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"eXIf" * 9))
    return png[:place] + text + chunk(b"eXIf", data) + png[place:]
