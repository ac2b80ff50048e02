"""Writes GIF files of every layout, which Pillow itself cannot: a frame beside or beyond the screen,
without a table of colors, interlaced, with a table that is shorter than the indices."""

import struct


def packed(codes):
    """Codes of 9 bits as sub-blocks of at most 255 bytes."""
    bits = 0
    for position, code in enumerate(codes):
        bits |= code << (9 * position)
    data = bits.to_bytes((9 * len(codes) + 7) // 8, "little")
    blocks = b""
    for start in range(0, len(data), 255):
        part = data[start : start + 255]
        blocks += bytes([len(part)]) + part
    return blocks + b"\0"


def compressed(indices):
    """LZW without any compression: the table is emptied before its codes would get longer."""
    codes = []
    for position, index in enumerate(indices):
        if position % 200 == 0:
            codes.append(256)
        codes.append(index)
    return b"\x08" + packed([*codes, 257])


def rows_in_file_order(height, interlaced):
    if not interlaced:
        return range(height)
    return [y for start, step in [(0, 8), (4, 8), (2, 4), (1, 2)] for y in range(start, height, step)]


def frame(rng, left, top, width, height, table=None, transparent=None, interlaced=False, top_index=255):
    out = b""
    if transparent is not None:
        out += b"!\xf9\x04" + struct.pack("<BHB", 1, 10, transparent) + b"\0"
    flags = 0x40 if interlaced else 0
    if table is not None:
        flags |= 0x80 | (len(table) // 3).bit_length() - 2
    out += b"," + struct.pack("<HHHHB", left, top, width, height, flags) + (table or b"")
    rows = [[rng.randint(0, top_index) for _ in range(width)] for _ in range(height)]
    return out + compressed([i for y in rows_in_file_order(height, interlaced) for i in rows[y]])


def gif(screen, frames, table=None, background=0):
    flags = 0
    if table is not None:
        flags = 0x80 | (len(table) // 3).bit_length() - 2
    header = b"GIF89a" + struct.pack("<HHBBB", *screen, flags, background, 0) + (table or b"")
    comment = b"!\xfe\x05hello\x03you\x00"
    return header + comment + b"".join(frames) + b";"
