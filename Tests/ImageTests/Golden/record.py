"""Records what Pillow makes of small images: python Tests/ImageTests/Golden/record.py

Writes pillow.txt beside this script. One case per line:
    operation seed width height channels arguments... expected
The source image is drawn from the seed by SplitMix64 (the same generator as in
Tests/BONNTestSupport), one 64-bit number per byte, its upper 8 bits. Expected is the result's bytes
in hexadecimal, or fnv: and the 64-bit FNV-1a hash of the bytes where they are many.
"""

import random
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

MASK = (1 << 64) - 1


def source(seed, width, height, channels):
    state, values = seed, []
    for _ in range(width * height * channels):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        values.append((z ^ (z >> 31)) >> 56)
    shape = (height, width, 3) if channels == 3 else (height, width)
    return Image.fromarray(np.array(values, dtype=np.uint8).reshape(shape))


def expected(image):
    data = np.asarray(image).tobytes()
    if len(data) <= 500:
        return data.hex()
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return f"fnv:{value:016x}"


def shorter_side(image, side, width, height):
    """torchvision's Resize(side) and CenterCrop((height, width))."""
    w, h = image.size
    short, long = (w, h) if w <= h else (h, w)
    new_long = int(side * long / short)
    size = (side, new_long) if w <= h else (new_long, side)
    image = image.resize(size, Image.BILINEAR)
    top = int(round((size[1] - height) / 2.0))
    left = int(round((size[0] - width) / 2.0))
    return image.crop((left, top, left + width, top + height))


def main():
    rng = random.Random(20190827)
    lines = []

    def record(operation, size, channels, arguments, make):
        seed = rng.randrange(1 << 32)
        image = make(source(seed, *size, channels))
        words = [operation, seed, *size, channels, *arguments, expected(image)]
        lines.append(" ".join(str(word) for word in words))

    for case in range(60):
        size = (rng.randint(1, 40), rng.randint(1, 40))
        to = (rng.randint(1, 12), rng.randint(1, 12))
        if case % 6 == 0:
            to = (to[0], size[1])
        if case % 6 == 1:
            to = (size[0], to[1])
        record("resize", size, rng.choice([1, 3]), to, lambda i: i.resize(to, Image.BILINEAR))
    for size, to in [((500, 375), (341, 256)), ((333, 500), (224, 224)), ((32, 32), (224, 200))]:
        record("resize", size, 3, to, lambda i: i.resize(to, Image.BILINEAR))
    record("resize", (3000, 2), 1, (3, 5), lambda i: i.resize((3, 5), Image.BILINEAR))
    for case in range(40):
        size = (rng.randint(2, 40), rng.randint(2, 40))
        to = (rng.randint(1, 12), rng.randint(1, 12))
        # Quarters are exact in single precision; every other case is whole pixels.
        step = 4 if case % 2 else 1
        left, top = rng.randrange(size[0] * step), rng.randrange(size[1] * step)
        right, bottom = rng.randint(left + 1, size[0] * step), rng.randint(top + 1, size[1] * step)
        box = [left / step, top / step, right / step, bottom / step]
        arguments = [box[0], box[1], box[2] - box[0], box[3] - box[1], *to]
        record(
            "box", size, rng.choice([1, 3]), arguments,
            lambda i: i.resize(to, Image.BILINEAR, box=tuple(box)),
        )
    for case in range(24):
        size = (rng.randint(1, 40), rng.randint(1, 40))
        crop = (rng.randint(1, 12), rng.randint(1, 12))
        side = rng.randint(max(crop), 24)
        record(
            "shorter", size, 3, [side, *crop], lambda i: shorter_side(i, side, *crop)
        )
    for size in [(500, 375), (375, 500)]:
        record("shorter", size, 3, [256, 224, 224], lambda i: shorter_side(i, 256, 224, 224))
    record("gray", (128, 128), 3, [], lambda i: i.convert("L"))

    header = f"# Recorded by record.py with Pillow {PIL.__version__}\n"
    Path(__file__).with_name("pillow.txt").write_text(header + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
