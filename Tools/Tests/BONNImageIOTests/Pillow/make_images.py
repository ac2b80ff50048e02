"""Writes image files of every kind, and what Pillow reads from them.

    python make_images.py FOLDER [--seed N] [--only FILE...]
    python make_images.py FOLDER --photos PHOTOS
    python make_images.py FOLDER --exif COUNT [--seed N]

FOLDER gets the files, for each good one FILE.rgb (the bytes of Image.open(FILE).convert("RGB")),
and cases.txt with one line per file: good TOLERANCE WIDTH HEIGHT FILE, or bad FILE. With --photos
the files are those of another folder, and FILE.224.rgb holds the shorter side resized to 256 and
the centre crop of 224 as well. With --exif the files have EXIF data of every kind, sound and not, and
FILE.rgb holds what ImageOps.exif_transpose makes of them.

The folder Fixtures, for machines without Python, was written by
    python make_images.py Fixtures --only baseline-420-17x13.jpg progressive-444-17x13.jpg \\
        gray-17x13.jpg cmyk-17x13.jpg ycck-17x13.jpg type0-16bit-17x13.png type2-8bit-17x13.png \\
        type4-8bit-17x13.png type6-16bit-17x13-interlaced.png \\
        palette-transparent-4bit-17x13-interlaced.png table-17x13-interlaced.gif \\
        beyond-the-screen-17x13.gif lossless-17x13.webp lossy-17x13.webp film-17x13.webp
"""

import argparse
import io
import random
import struct
import zlib
from pathlib import Path

from exif_cases import exif_cases
from gif_writer import frame, gif
from PIL import Image, ImageOps
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


def good_gifs(rng):
    for width, height in [(1, 1), (3, 2), (17, 13), (40, 31)]:
        for interlaced in [False, True]:
            end = f"{width}x{height}{'-interlaced' if interlaced else ''}.gif"
            size, whole = (width, height), (0, 0, width, height)
            table, other = rng.randbytes(768), rng.randbytes(768)

            def one(*place, _interlaced=interlaced, **options):
                return frame(rng, *place, interlaced=_interlaced, **options)

            yield f"table-{end}", gif(size, [one(*whole)], table)
            yield f"own-table-{end}", gif(size, [one(*whole, table=other)], table)
            yield f"only-own-table-{end}", gif(size, [one(*whole, table=other)])
            yield f"no-table-{end}", gif(size, [one(*whole)])
            yield f"short-table-{end}", gif(size, [one(*whole, top_index=3)], table[:12])
            yield f"transparent-{end}", gif(size, [one(*whole, transparent=7)], table)
            yield f"smaller-{end}", gif((width + 5, height + 4), [one(2, 3, width, height)], table)
            yield f"smaller-transparent-{end}", gif(
                (width + 5, height + 4), [one(2, 3, width, height, transparent=9)], table)
            yield f"beyond-the-screen-{end}", gif(size, [one(4, 1, width, height)], table)
            yield f"two-frames-{end}", gif(size, [one(*whole), one(*whole, table=other)], table)
            image = smooth(rng, width, height, "RGB")
            out = io.BytesIO()
            image.save(out, "GIF", interlace=interlaced)
            yield f"pillow-{end}", out.getvalue()


def good_webps(rng):
    for width, height in [(1, 1), (3, 2), (17, 13), (131, 97)]:
        end = f"{width}x{height}.webp"
        for mode, kind in [("RGB", ""), ("RGBA", "-transparent")]:
            image = smooth(rng, width, height, mode)
            for name, options in [
                (f"lossless{kind}-{end}", {"lossless": True, "exact": True}),
                (f"lossy{kind}-{end}", {"quality": 60}),
                (f"rough{kind}-{end}", {"quality": 1}),
            ]:
                out = io.BytesIO()
                image.save(out, "WEBP", **options)
                yield name, out.getvalue()
            out = io.BytesIO()
            others = [smooth(rng, width, height, mode) for _ in range(2)]
            image.save(out, "WEBP", save_all=True, append_images=others, lossless=not kind)
            yield f"film{kind}-{end}", out.getvalue()


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
    for format, options in [("lossy.webp", {}), ("lossless.webp", {"lossless": True})]:
        out = io.BytesIO()
        image.save(out, "WEBP", **options)
        sound[format] = out.getvalue()
    sound["one.gif"] = gif((30, 20), [frame(rng, 0, 0, 30, 20)], rng.randbytes(768))
    for name, data in sound.items():
        # The first frame of a GIF file is whole before the last byte.
        end = len(data) - (2 if name.endswith("gif") else 0)
        lengths = {1, 2, 3, 8, 20, end - 1, end - 2}
        if name.endswith("png"):
            lengths |= {len(data) - 4, len(data) - 12, len(data) - 16}
        lengths |= {end * i // 12 for i in range(1, 12)}
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
    yield "no-image.gif", gif((5, 5), [], rng.randbytes(768))
    yield "empty-frame.gif", gif((5, 5), [frame(rng, 0, 0, 0, 5)], rng.randbytes(768))
    yield "huge.gif", gif((65535, 65535), [frame(rng, 0, 0, 5, 5)], rng.randbytes(768))
    yield "no-code-size.gif", gif((5, 5), [frame(rng, 0, 0, 5, 5)[:10]], rng.randbytes(768))
    yield "nothing-inside.webp", b"RIFF\4\0\0\0WEBP"
    yield "empty.png", b""
    yield "empty.jpg", b""
    yield "text.jpg", b"This is not an image.\n"
    yield "page.png", b"<!DOCTYPE html><html></html>"
    yield "zeros.jpg", bytes(1000)
    for format in ["BMP", "TIFF", "JPEG2000", "AVIF"]:
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


def read(source):
    """What Pillow reads, but for gray of 16 bits, which it clamps at 255 and we scale."""
    image = Image.open(source)
    if image.mode.startswith("I;16") or image.mode == "I":
        gray = [(255 * value + 32767) // 65535 for value in image.getdata()]
        scaled = Image.new("L", image.size)
        scaled.putdata(gray)
        return scaled.convert("RGB")
    return image.convert("RGB")


def upright(source):
    """What ImageOps.exif_transpose makes of a file; the stored image where the data is too bad.

    It also writes the data anew, which fails where other tags are odd: that is not the question here.
    """
    image = Image.open(source)
    try:
        return ImageOps.exif_transpose(image).convert("RGB")
    except Exception:
        image = Image.open(source)
        image.load()
        try:
            orientation = image.getexif().get(0x0112, 1)
        except Exception:
            orientation = 1
        kinds = Image.Transpose
        method = {
            2: kinds.FLIP_LEFT_RIGHT, 3: kinds.ROTATE_180, 4: kinds.FLIP_TOP_BOTTOM,
            5: kinds.TRANSPOSE, 6: kinds.ROTATE_270, 7: kinds.TRANSVERSE, 8: kinds.ROTATE_90,
        }.get(orientation)
        return (image if method is None else image.transpose(method)).convert("RGB")


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
    parser.add_argument("--exif", type=int)
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    lines = []

    def good(tolerance, name, source, read=read):
        image = read(source)
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
    elif arguments.exif:
        for name, data, tolerance in exif_cases(random.Random(arguments.seed), arguments.exif):
            (folder / name).write_bytes(data)
            good(tolerance, name, folder / name, upright)
    else:
        rng = random.Random(arguments.seed)
        for tolerance, cases in [
            (JPEG_TOLERANCE, good_jpegs(rng)), (0, good_pngs(rng)), (0, good_gifs(rng)),
            (0, good_webps(rng)),
        ]:
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
