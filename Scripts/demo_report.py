#!/usr/bin/env python3
"""Prints the table of Scripts/demo.sh from the reports in its folder: demo_report.py FOLDER.

evaluate.json, summary.json, float.json from bonn; runtime.json, bench.json from bonn-run; the
model file itself, demo.bonn.
"""
import json
import pathlib
import sys


def main(folder):
    report = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    trained, deployed = report["evaluate"], report["runtime"]
    summary, bench = report["summary"], report["bench"]
    if trained["images"] != deployed["images"]:
        sys.exit(f"error: {trained['images']} images in training, {deployed['images']} in the runtime")
    float_ms, bit_ms = report["float"]["step_ms_median"], bench["median_ms"]
    # The file as it lies there, with its graph, class names and certificate.
    model_bytes = (folder / "demo.bonn").stat().st_size
    smaller = summary["float32_bytes"] / model_bytes
    rows = [
        (f"top-1 in training, {trained['images']:,} test images", f"{100 * trained['top1']:.2f} %", ""),
        ("top-1 in the runtime, the same images", f"{100 * deployed['top1']:.2f} %", ""),
        ("bytes as float32", f"{summary['float32_bytes']:,}", ""),
        ("bytes as 1-bit, the model file", f"{model_bytes:,}", f"{smaller:.1f}x smaller"),
        ("ms per image, float network in LibTorch", f"{float_ms:.3f}", "1 thread, batch 1"),
        (
            "ms per image, 1-bit network in the runtime",
            f"{bit_ms:.3f}",
            f"1 thread, batch 1, {bench['kernels']}: {float_ms / bit_ms:.1f}x faster",
        ),
    ]
    for what, value, remark in rows:
        print(f"{what:<45}{value:>12}   {remark}".rstrip())


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
