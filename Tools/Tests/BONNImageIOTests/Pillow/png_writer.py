"""Writes PNG files of every colour type, bit depth and interlacing, which Pillow itself cannot."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Adam7: first column, first row, column step, row step.
PASSES = [
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4),
    (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
]


def chunk(kind, data, crc=None):
    crc = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


def packed_row(samples, depth):
    """One row of samples as bytes, most significant bits first."""
    if depth == 16:
        return b"".join(struct.pack(">H", s) for s in samples)
    bits = "".join(format(s, f"0{depth}b") for s in samples)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


def filtered(row, above, filter_type, bpp):
    """PNG's row filters 0 to 4."""
    out = bytearray([filter_type])
    for i, value in enumerate(row):
        left = row[i - bpp] if i >= bpp else 0
        up = above[i] if above else 0
        corner = above[i - bpp] if above and i >= bpp else 0
        p = left + up - corner
        distances = [(abs(p - left), 0, left), (abs(p - up), 1, up), (abs(p - corner), 2, corner)]
        predictor = [0, left, up, (left + up) // 2, min(distances)[2]][filter_type]
        out.append((value - predictor) & 255)
    return bytes(out)


def png(rng, width, height, colour_type, depth, interlaced=False, palette=None, extra=b"", parts=1):
    """A PNG file of random samples; `extra` are chunks that stand before IDAT."""
    channels = CHANNELS[colour_type]
    top = (1 << depth) - 1
    samples = [
        [[rng.randint(0, top) for _ in range(channels)] for _ in range(width)]
        for _ in range(height)
    ]
    bpp = max(1, channels * depth // 8)
    data = b""
    for x0, y0, dx, dy in PASSES if interlaced else [(0, 0, 1, 1)]:
        above = None
        for y in range(y0, height, dy):
            row = [s for x in range(x0, width, dx) for s in samples[y][x]]
            if not row:
                continue
            line = packed_row(row, depth)
            data += filtered(line, above, rng.randint(0, 4), bpp)
            above = line
    data = zlib.compress(data)
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, int(interlaced))
    out = SIGNATURE + chunk(b"IHDR", header)
    if palette is not None:
        out += chunk(b"PLTE", bytes(palette))
    out += extra
    step = -(-len(data) // parts)
    for i in range(0, len(data), step):
        out += chunk(b"IDAT", data[i : i + step])
    return out + chunk(b"IEND", b"")
