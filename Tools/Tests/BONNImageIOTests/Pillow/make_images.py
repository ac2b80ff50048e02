"""Writes image files of every kind, and what Pillow reads from them.

    python make_images.py FOLDER [--seed N] [--only FILE...]
    python make_images.py FOLDER --photos PHOTOS

FOLDER gets the files, for each good one FILE.rgb (the bytes of Image.open(FILE).convert("RGB")),
and cases.txt with one line per file: good TOLERANCE WIDTH HEIGHT FILE, or bad FILE. With --photos
the files are those of another folder, and FILE.224.rgb holds the shorter side resized to 256 and
the centre crop of 224 as well.

The folder Fixtures, for machines without Python, was written by
    python make_images.py Fixtures --only baseline-420-17x13.jpg progressive-444-17x13.jpg \\
        gray-17x13.jpg cmyk-17x13.jpg ycck-17x13.jpg type0-16bit-17x13.png type2-8bit-17x13.png \\
        type4-8bit-17x13.png type6-16bit-17x13-interlaced.png \\
        palette-transparent-4bit-17x13-interlaced.png
"""

import argparse
import io
import random
import struct
import zlib
from pathlib import Path

from PIL import Image
from png_writer import SIGNATURE, chunk, png

JPEG_TOLERANCE = 2


def smooth(rng, width, height, mode):
    """Noise over smooth gradients: detail for the decoder, and no two channels alike."""
    bands = []
    for _ in Image.new(mode, (1, 1)).getbands():
        small = Image.new("L", (max(2, width // 6), max(2, height // 6)))
        small.putdata([rng.randint(0, 255) for _ in range(small.width * small.height)])
        bands.append(small.resize((width, height), Image.BICUBIC))
    return Image.merge(mode, bands) if len(bands) > 1 else bands[0]


def jpeg(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", **{"quality": 90, **options})
    return out.getvalue()


def segments(data):
    """The marker segments of a JPEG file before its first scan as (marker, start, end)."""
    position = 2
    while data[position + 1] != 0xDA:
        length = struct.unpack(">H", data[position + 2 : position + 4])[0]
        yield data[position + 1], position, position + 2 + length
        position += 2 + length


def good_jpegs(rng):
    for width, height in [(1, 1), (16, 16), (17, 13), (7, 40), (131, 97)]:
        image = smooth(rng, width, height, "RGB")
        size = f"{width}x{height}"
        for name, subsampling in [("444", 0), ("422", 1), ("420", 2)]:
            for progressive in [False, True]:
                kind = "progressive" if progressive else "baseline"
                yield f"{kind}-{name}-{size}.jpg", jpeg(
                    image, subsampling=subsampling, progressive=progressive)
        yield f"gray-{size}.jpg", jpeg(smooth(rng, width, height, "L"))
        cmyk = jpeg(smooth(rng, width, height, "CMYK"), subsampling=0)
        yield f"cmyk-{size}.jpg", cmyk
        (adobe,) = [s for s in segments(cmyk) if s[0] == 0xEE]
        ycck = bytearray(cmyk)
        ycck[adobe[2] - 1] = 2
        yield f"ycck-{size}.jpg", bytes(ycck)
        yield f"cmyk-without-adobe-{size}.jpg", cmyk[: adobe[1]] + cmyk[adobe[2] :]
        yield f"ycck-progressive-{size}.jpg", bytes(
            jpeg(smooth(rng, width, height, "CMYK"), progressive=True))
    image = smooth(rng, 50, 40, "RGB")
    yield "low-quality.jpg", jpeg(image, quality=5)
    yield "rgb-inside.jpg", jpeg(image, keep_rgb=True)
    yield "restart.jpg", jpeg(image, restart_marker_blocks=2)
    yield "comment-and-trailing-bytes.jpg", jpeg(image, comment=b"x" * 60000) + b"trailing bytes"
    exif = Image.Exif()
    exif[0x0112] = 6
    yield "rotated-by-exif.jpg", jpeg(image, exif=exif)
    plain = jpeg(image)
    yield "stray-bytes-before-the-end.jpg", plain[:-2] + b"\0\0\0" + plain[-2:]
    yield "jpeg-called.png", plain
    yield "jpeg-without-extension", plain


def good_pngs(rng):
    kinds = [(0, d) for d in (1, 2, 4, 8, 16)] + [(2, 8), (2, 16), (4, 8), (4, 16), (6, 8), (6, 16)]
    for width, height in [(1, 1), (3, 2), (17, 13), (33, 9)]:
        for interlaced in [False, True]:
            end = f"{width}x{height}{'-interlaced' if interlaced else ''}.png"
            for colour_type, depth in kinds:
                yield f"type{colour_type}-{depth}bit-{end}", png(
                    rng, width, height, colour_type, depth, interlaced)
            for depth in (1, 2, 4, 8):
                palette = rng.randbytes(3 << depth)
                yield f"palette-{depth}bit-{end}", png(
                    rng, width, height, 3, depth, interlaced, palette)
                transparency = chunk(b"tRNS", rng.randbytes(1 << (depth - 1)))
                yield f"palette-transparent-{depth}bit-{end}", png(
                    rng, width, height, 3, depth, interlaced, palette, transparency)
            yield f"palette-too-short-{end}", png(
                rng, width, height, 3, 8, interlaced, rng.randbytes(90))
    keys = [(0, 8, b"\0\7"), (0, 16, b"\1\2"), (0, 2, b"\0\1"), (2, 8, b"\0\1\0\2\0\3")]
    for colour_type, depth, data in [*keys, (2, 16, bytes(6))]:
        yield f"key-colour-type{colour_type}-{depth}bit.png", png(
            rng, 11, 12, colour_type, depth, extra=chunk(b"tRNS", data))
    colours = chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"sRGB", b"\0")
    colours += chunk(b"cHRM", struct.pack(">8I", *range(30000, 38000, 1000)))
    yield "gamma-and-primaries.png", png(rng, 20, 10, 2, 8, extra=colours)
    profile = chunk(b"iCCP", b"a profile\0\0" + zlib.compress(rng.randbytes(500)))
    yield "profile.png", png(rng, 20, 10, 6, 8, extra=profile)
    text = chunk(b"tEXt", b"Comment\0" + b"x" * 3000) + chunk(b"prIv", b"unknown")
    yield "text-and-unknown-chunks.png", png(rng, 20, 10, 2, 8, extra=text)
    yield "many-parts.png", png(rng, 60, 50, 2, 8, parts=40)
    yield "trailing-bytes.png", png(rng, 20, 10, 2, 8) + b"trailing bytes"
    yield "png-called.jpg", png(rng, 20, 10, 2, 8)


def with_size(data, width, height):
    """A PNG or JPEG file whose header claims another size."""
    if data.startswith(SIGNATURE):
        header = struct.pack(">II", width, height) + data[24:29]
        return SIGNATURE + chunk(b"IHDR", header) + data[33:]
    (frame,) = [s for s in segments(data) if s[0] in (0xC0, 0xC2)]
    at = frame[1] + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def bad_files(rng):
    image = smooth(rng, 64, 48, "RGB")
    sound = {
        "baseline.jpg": jpeg(image),
        "progressive.jpg": jpeg(image, progressive=True),
        "cmyk.jpg": jpeg(smooth(rng, 64, 48, "CMYK")),
        "rgb.png": png(rng, 30, 20, 2, 8),
        "palette-interlaced.png": png(rng, 30, 20, 3, 4, True, rng.randbytes(48)),
        "gray16.png": png(rng, 30, 20, 0, 16),
    }
    for name, data in sound.items():
        lengths = {1, 2, 3, 8, 20, len(data) - 1, len(data) - 2}
        if name.endswith("png"):
            lengths |= {len(data) - 4, len(data) - 12, len(data) - 16}
        lengths |= {len(data) * i // 12 for i in range(1, 12)}
        for length in lengths:
            yield f"cut-at-{length}-{name}", data[:length]
    baseline, rgb = sound["baseline.jpg"], sound["rgb.png"]
    middle = len(baseline) * 2 // 3
    yield "end-in-the-middle.jpg", baseline[:middle] + b"\xff\xd9"
    yield "zeros-in-the-middle.jpg", baseline[:middle] + bytes(len(baseline) - middle)
    yield "bad-huffman-codes.jpg", baseline[:middle] + b"\xfe" * (len(baseline) - middle)
    yield "12-bit.jpg", baseline.replace(b"\x08\x00\x30\x00\x40", b"\x0c\x00\x30\x00\x40", 1)
    yield "two-channels.jpg", two_channels(baseline)
    yield "claims-65500x65500.jpg", with_size(baseline, 65500, 65500)
    yield "claims-0x48.jpg", with_size(baseline, 0, 48)
    yield "claims-64x0.jpg", with_size(baseline, 64, 0)
    yield "claims-64x480.jpg", with_size(baseline, 64, 480)
    yield "claims-50000x50000.png", with_size(rgb, 50000, 50000)
    yield "claims-2147483647x2147483647.png", with_size(rgb, 2147483647, 2147483647)
    yield "claims-0x0.png", with_size(rgb, 0, 0)
    yield "claims-30x200.png", with_size(rgb, 30, 200)
    flipped = bytearray(rgb)
    flipped[-40] ^= 1
    yield "flipped-bit.png", bytes(flipped)
    yield "no-palette.png", png(rng, 8, 8, 3, 8)
    yield "depth-3.png", rgb[:24] + b"\3" + rgb[25:]
    yield "empty.png", b""
    yield "empty.jpg", b""
    yield "text.jpg", b"This is not an image.\n"
    yield "page.png", b"<!DOCTYPE html><html></html>"
    yield "zeros.jpg", bytes(1000)
    for format in ["GIF", "BMP", "TIFF", "WEBP"]:
        out = io.BytesIO()
        image.save(out, format)
        yield f"really-{format.lower()}.jpg", out.getvalue()


def two_channels(data):
    """The frame and the scan of a JPEG file with their third component removed."""
    (frame,) = [s for s in segments(data) if s[0] == 0xC0]
    shorter = bytearray(data[frame[1] : frame[2] - 3])
    shorter[3] -= 3
    shorter[9] = 2
    scan = data.index(b"\xff\xda")
    header = b"\xff\xda\x00\x0a\x02" + data[scan + 5 : scan + 9] + data[scan + 11 : scan + 14]
    return data[: frame[1]] + bytes(shorter) + data[frame[2] : scan] + header + data[scan + 14 :]


def centre_crop(image, side=256, crop=224):
    short, long = sorted(image.size)
    new_long = int(side * long / short)
    size = (side, new_long) if image.width <= image.height else (new_long, side)
    left, top = (int(round((length - crop) / 2.0)) for length in size)
    return image.resize(size, Image.BILINEAR).crop((left, top, left + crop, top + crop))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--photos", type=Path)
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    lines = []

    def good(tolerance, name, source):
        image = Image.open(source).convert("RGB")
        target = folder / (name + ".rgb")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(image.tobytes())
        lines.append(f"good {tolerance} {image.width} {image.height} {name}")
        return image

    if arguments.photos:
        for path in sorted(p for p in arguments.photos.rglob("*") if p.is_file()):
            if path.suffix.lower() not in (".jpg", ".jpeg", ".png"):
                continue
            name = str(path.relative_to(arguments.photos))
            image = good(JPEG_TOLERANCE, name, path)
            (folder / (name + ".224.rgb")).write_bytes(centre_crop(image).tobytes())
    else:
        rng = random.Random(arguments.seed)
        for tolerance, cases in [(JPEG_TOLERANCE, good_jpegs(rng)), (0, good_pngs(rng))]:
            for name, data in cases:
                if arguments.only and name not in arguments.only:
                    continue
                (folder / name).write_bytes(data)
                good(tolerance, name, folder / name)
        for name, data in [] if arguments.only else bad_files(rng):
            (folder / name).write_bytes(data)
            lines.append(f"bad {name}")
    (folder / "cases.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
