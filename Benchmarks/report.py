#!/usr/bin/env python3
"""Writes what Scripts/bench.sh measured as one Markdown page: report.py FOLDER COMMIT > PAGE.

FOLDER/inference.json   from Benchmarks/inference.py
FOLDER/PRECISION.TURN   from bonn benchmark --gradient-precision PRECISION --json
FOLDER/pytorch.TURN     from Benchmarks/pytorch_training.py
"""
import json
import pathlib
import statistics
import sys

from subjects import (
    BATCHED, BATCHES, BLOCKS, LAYERS, NETWORKS, SMALL_LAYERS, batch_of, blocks_of, layer_shape, openvino_kind)

ORT, OPENVINO = "ONNX Runtime", "OpenVINO"

# Larq Compute Engine 0.16 on one Zen 3 core at 3.1 GHz with AVX2, milliseconds by number of threads.
# Measured by us on another machine than this page's, so the ratios to it are rough.
LARQ = {
    "quicknet-small": {1: 95, 2: 52}, "quicknet": {1: 209, 2: 112}, "quicknet-large": {1: 398, 2: 221},
}

# ResNet-18: our network, and what is special about it.
STEMS = [("resnet18", "float"), ("resnet18-int8", "int8")]


class Inference:
    """The measurements of all rounds, to be asked for medians."""

    def __init__(self, result):
        self.result = result
        self.kernels = result["kernels"]
        self.threads = result["threads"]
        # By rival, the kernel sets that were compared with it: version, held to AVX2 or not.
        self.rivals = result["rivals"]

    def compared(self, rival, kernels):
        return kernels in self.rivals.get(rival, {})

    def reports(self, what, by, threads=1):
        return [
            measurement["report"] for measurement in self.result["measurements"]
            if (measurement["what"], measurement["by"], measurement["threads"]) == (what, by, threads)
        ]

    def ours(self, what, by, key, threads=1):
        """The median over the rounds of a number of bonn-run's reports; None if it has none."""
        values = [report[key] for report in self.reports(what, by, threads)]
        return None if None in values or not values else statistics.median(values)

    def layer(self, what, by, key):
        values = [report["layers"][0][key] for report in self.reports(what, by)]
        return None if None in values else statistics.median(values)

    def theirs(self, rival, what, kind, kernels, threads=1):
        """Milliseconds of the rival that a kernel set is compared with."""
        return statistics.median(each["ms"] for each in self.answers(rival, what, kind, kernels, threads))

    def answers(self, rival, what, kind, kernels, threads=1):
        wanted = (what, f"{rival} {kind} {kernels}", threads)
        return [
            measurement for measurement in self.result["measurements"]
            if (measurement["what"], measurement["by"], measurement["threads"]) == wanted]

    def times_as_fast(self, rival, what, kind, kernels, threads=1, ours=None):
        """How often a rival's time is ours; of our network `ours` where that is another one than theirs."""
        own = self.ours(ours or what, kernels, "median_ms", threads)
        return self.theirs(rival, what, kind, kernels, threads) / own

    def rival_rate(self, what, kind, kernels):
        """10^9 multiply-accumulates per second of ONNX Runtime's convolution."""
        return work(what) / self.theirs(ORT, what, kind, kernels) / 1e6

    def outside(self, what, by):
        """The share of a run on one thread outside the layers that multiply and accumulate."""
        shares = [
            (report["glue_ms"] + report["remainder_ms"]) / report["median_ms"]
            for report in self.reports(what, by)
        ]
        return statistics.median(shares)

    def beyond_file(self, what, by):
        """10^6 bytes that loading and running a model took at the peak, beyond the file's own."""
        grown = self.ours(what, by, "grown_memory_bytes")
        return None if grown is None else (grown - self.ours(what, by, "model_bytes")) / 1e6


def work(layer):
    """Multiply-accumulates of a layer."""
    channels, height, width, kernel = layer_shape(layer)
    return kernel**2 * channels**2 * height * width


def number(value, decimals=1, unit=""):
    return "-" if value is None else f"{value:.{decimals}f}{unit}"


def table(titles, rows):
    lines = [titles, ["---"] + ["--:"] * (len(titles) - 1), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def threads_title(count):
    return "1 thread" if count == 1 else f"{count} threads"


def targets(data):
    """What was promised for a Zen 3 core with AVX2, beside what was measured here."""
    rows = []

    def row(kernels, what, value, bar, aim, unit, decimals=1, at_most=False):
        met = "not measured"
        if value is not None:
            met = "yes" if (value < bar if at_most else value >= bar) else "**no**"
        sign = "<" if at_most else ">="
        rows.append([
            what, kernels, number(value, decimals, unit), f"{sign} {bar}{unit}",
            f"{aim}{unit}" if aim else "", met,
        ])

    for kernels in data.kernels:
        for network, stem in STEMS if data.compared(OPENVINO, kernels) else ():
            for threads in data.threads:
                row(kernels, f"ResNet-18, {stem} stem, times as fast as the same in OpenVINO, "
                    f"{threads_title(threads)}",
                    data.times_as_fast(OPENVINO, network, openvino_kind(network), kernels, threads), 1.5, 2, "x", 2)
        if data.compared(OPENVINO, kernels):
            least, layer = min(
                (data.times_as_fast(OPENVINO, blocks_of(layer), "binary", kernels), layer)
                for layer in LAYERS + SMALL_LAYERS)
            row(kernels, f"Binary layers in blocks, times as fast as OpenVINO, least ({layer})",
                least, 1.1, None, "x", 2)
        for kind, bar, aim in (("fp32", 5, 8), ("int8", 2.8, 4.5)) if data.compared(ORT, kernels) else ():
            for threads in data.threads:
                row(kernels, f"ResNet-18, times as fast as ONNX Runtime {kind}, {threads_title(threads)}",
                    data.times_as_fast(ORT, "resnet18", kind, kernels, threads), bar, aim, "x")
        if data.compared(ORT, kernels):
            row(kernels, "3x3 layers, GMAC/s over ONNX Runtime fp32, geometric mean",
                mean_ratio(data, kernels, "fp32"), 8, 12, "x")
        shares = [data.layer(layer, kernels, "ceiling_share") for layer in LAYERS]
        best = None if None in shares else 100 * max(shares)
        row(kernels, "3x3 layers, share of the arithmetic ceiling, best shape", best, 55, 75, " %", 0)
        for network in LARQ:
            ratio = LARQ[network][1] / data.ours(network, kernels, "median_ms")
            row(kernels, f"{network}, times as fast as Larq Compute Engine (other machine), 1 thread",
                ratio, 15, None, "x")
        for threads in data.threads:
            if threads == 2:
                row(kernels, "ResNet-18, times as fast with a second core",
                    speed_up(data, "resnet18", kernels, 2), 1.8, None, "x", 2)
        row(kernels, "ResNet-18, time outside convolutions", 100 * data.outside("resnet18", kernels),
            25, None, " %", at_most=True)
        row(kernels, "ResNet-18, peak memory beyond the file", data.beyond_file("resnet18", kernels),
            12, None, " MB", at_most=True)
        for network, stem, limit in (("resnet18", "float", 4.25), ("resnet18-int8", "int8", 2.4)):
            size = data.ours(network, kernels, "model_bytes") / 1e6
            row(kernels, f"ResNet-18, model file, {stem} stem and head", size, limit, None, " MB", 2,
                at_most=True)
        row(kernels, "ResNet-18, load time", data.ours("resnet18", kernels, "load_ms"), 20, None, " ms",
            at_most=True)
    return table(["", "kernels", "measured", "target", "aim", "met"], rows)


def mean_ratio(data, kernels, kind):
    return statistics.geometric_mean(
        data.layer(layer, kernels, "gmac_per_s") / data.rival_rate(layer, kind, kernels)
        for layer in LAYERS
    )


def speed_up(data, network, kernels, threads):
    one = data.ours(network, kernels, "median_ms")
    return one / data.ours(network, kernels, "median_ms", threads)


def resnet(data):
    rows = []
    for kernels in data.kernels:
        for network, stem in STEMS:
            cells = [f"swift-bonn, {stem} stem and head", kernels]
            cells += [number(data.ours(network, kernels, "median_ms", count), 2) for count in data.threads]
            rows.append(cells)
        for network, stem in STEMS if data.compared(OPENVINO, kernels) else ():
            cells = [f"OpenVINO, the same 1-bit network, {stem} stem and head", instructions(data, OPENVINO, kernels)]
            cells += [
                number(data.theirs(OPENVINO, network, openvino_kind(network), kernels, count), 2)
                for count in data.threads]
            rows.append(cells)
        for kind in ("fp32", "int8") if data.compared(ORT, kernels) else ():
            cells = [f"ONNX Runtime, {kind} network", instructions(data, ORT, kernels)]
            cells += [
                number(data.theirs(ORT, "resnet18", kind, kernels, count), 2) for count in data.threads]
            rows.append(cells)
    return table(["milliseconds", "instructions"] + [threads_title(count) for count in data.threads], rows)


def instructions(data, rival, kernels):
    return f"held to {kernels}" if data.rivals[rival][kernels]["held"] else "all of the machine"


def blocks(data):
    titles = ["GMAC/s, 1 thread", "kernels", "swift-bonn", "OpenVINO", "compiled by", "times as fast"]
    rows = []
    for kernels in data.kernels:
        for layer in LAYERS + SMALL_LAYERS:
            own = data.ours(blocks_of(layer), kernels, "median_ms")
            cells = [layer, kernels, number(BLOCKS * work(layer) / own / 1e6, 0), "", "", ""]
            if data.compared(OPENVINO, kernels):
                theirs = data.theirs(OPENVINO, blocks_of(layer), "binary", kernels)
                answer = data.answers(OPENVINO, blocks_of(layer), "binary", kernels)[0]
                cells[3:] = [
                    number(BLOCKS * work(layer) / theirs / 1e6, 0), answer["kernels"],
                    number(theirs / own, 2, "x")]
            rows.append(cells)
    return table(titles, rows)


def layers(data, shapes, has_mean):
    titles = ["GMAC/s, 1 thread", "kernels", "1-bit", "MAC/cycle", "of ceiling"]
    titles += ["ONNX Runtime fp32", "int8", "over fp32", "over int8"] if data.rivals.get(ORT) else []
    rows = []
    for kernels in data.kernels:
        for layer in shapes:
            rate = data.layer(layer, kernels, "gmac_per_s")
            share = data.layer(layer, kernels, "ceiling_share")
            cells = [
                layer, kernels, number(rate, 0),
                number(data.layer(layer, kernels, "binary_macs_per_cycle"), 0),
                number(None if share is None else 100 * share, 0, " %"),
            ]
            if data.compared(ORT, kernels):
                rivals = [data.rival_rate(layer, kind, kernels) for kind in ("fp32", "int8")]
                cells += [number(rival, 0) for rival in rivals]
                cells += [number(rate / rival, 1, "x") for rival in rivals]
            rows.append(cells)
        if has_mean and data.compared(ORT, kernels):
            means = [number(mean_ratio(data, kernels, kind), 1, "x") for kind in ("fp32", "int8")]
            rows.append(["geometric mean", kernels, "", "", "", "", "", *means])
    return table(titles, rows)


def networks(data):
    most = max(data.threads)
    titles = ["", "kernels"] + [f"ms, {threads_title(threads)}" for threads in data.threads]
    titles += [f"{most} threads, times as fast"] if most > 1 else []
    titles += ["outside convolutions", "load, ms", "file, MB", "peak beyond the file, MB"]
    titles += [f"OpenVINO, ms, {threads_title(threads)}" for threads in data.threads]
    titles += ["Larq Compute Engine*, ms, 1 and 2 threads"]
    rows = []
    for network in NETWORKS:
        for kernels in data.kernels:
            cells = [network, kernels]
            cells += [
                number(data.ours(network, kernels, "median_ms", threads), 2) for threads in data.threads
            ]
            cells += [number(speed_up(data, network, kernels, most), 2, "x")] if most > 1 else []
            cells += [
                number(100 * data.outside(network, kernels), 0, " %"),
                number(data.ours(network, kernels, "load_ms"), 1),
                number(data.ours(network, kernels, "model_bytes") / 1e6, 2),
                number(data.beyond_file(network, kernels), 1),
            ]
            cells += [
                number(data.theirs(OPENVINO, network, openvino_kind(network), kernels, threads), 2)
                if data.compared(OPENVINO, kernels) else "" for threads in data.threads
            ]
            cells += [
                "{} and {}".format(*LARQ[network].values()) if network in LARQ else "",
            ]
            rows.append(cells)
    return table(titles, rows)


def footprints(data):
    """What loading takes, beside the rivals."""
    rows = []

    def row(name, what, load, grown, size):
        rows.append([f"{name}, {what}", number(load, 1), number(grown / 1e6, 1), number(size / 1e6, 2)])

    best = data.kernels[0]
    for network in NETWORKS:
        grown = data.ours(network, best, "grown_memory_bytes")
        if grown is not None:
            row("swift-bonn", network, data.ours(network, best, "load_ms"), grown,
                data.ours(network, best, "model_bytes"))
        for each in data.result["footprints"]:
            if each["what"] == network:
                row(each["by"], network, each["load_ms"], each["grown_memory_bytes"], each["file_bytes"])
    return table(["", "load, ms", "memory at the peak, MB", "file, MB"], rows)


def batches(data):
    """Images per second on all cores."""
    threads = max(data.threads)
    titles = [f"images per second, {threads_title(threads)}", "instructions"]
    titles += [f"batch of {batch}" for batch in [1, *BATCHES]]
    rows = []

    def row(name, instructions, milliseconds):
        cells = [number(1e3 * batch / milliseconds(batch), 0) for batch in [1, *BATCHES]]
        rows.append([name, instructions, *cells])

    for kernels in data.kernels:
        for network in BATCHED:
            row(f"swift-bonn, {network}", kernels,
                lambda batch: data.ours(batch_of(network, batch), kernels, "median_ms", threads))
            if data.compared(OPENVINO, kernels):
                row(f"OpenVINO, {network}", instructions(data, OPENVINO, kernels),
                    lambda batch: data.theirs(
                        OPENVINO, batch_of(network, batch), openvino_kind(network), kernels, threads))
        for kind in ("fp32", "int8") if data.compared(ORT, kernels) else ():
            row(f"ONNX Runtime, {kind} ResNet-18", instructions(data, ORT, kernels),
                lambda batch: data.theirs(ORT, batch_of("resnet18", batch), kind, kernels, threads))
    return table(titles, rows)


def training(folder):
    rows = []
    for path in sorted(folder.glob("float32.*")):
        turn = path.name.split(".")[1]
        own = [path, folder / f"bfloat16.{turn}"]
        rates = [json.loads(each.read_text())["images_per_second"] for each in own]
        peer = folder / f"pytorch.{turn}"
        report = json.loads(peer.read_text()) if peer.exists() else {}
        rates += [report.get(layout, {}).get("images_per_second") for layout in ("nchw", "channels_last")]
        rows.append([turn] + [number(rate) for rate in rates])
    titles = ["turn", "swift-bonn", "gradients in bfloat16", "PyTorch, NCHW", "PyTorch, channels last"]
    return table(titles, rows)


def page(folder, commit):
    data = Inference(json.loads((folder / "inference.json").read_text()))
    report = data.reports("resnet18", data.kernels[0])[0]
    clock = data.ours("resnet18", data.kernels[0], "clock_ghz")
    versions = [
        f"{rival} {next(iter(each.values()))['version']}" for rival, each in data.rivals.items() if each]
    rival = " and ".join(versions) + " in the same rounds" if versions else "no rival was compared with"
    if any(process["held"] for each in data.rivals.values() for process in each.values()):
        rival += ", for avx2 ones that are held to AVX2 (`Benchmarks/hide_avx512.py`)"
    sections = [
        f"# Speed on {report['processor']}",
        f"{report['date']}, commit {commit}, {number(clock, 2)} GHz while measuring, kernel sets "
        f"{' and '.join(data.kernels)}. Medians of {data.result['rounds']} rounds of "
        f"{data.result['runs']} runs, batch 1; {rival}. Load of the machine beforehand "
        f"{number(data.result['load'], 2)}. Made by `make bench`.",
        "## Targets", "Set for a Zen 3 core with AVX2 on a quiet machine.", targets(data),
        "## ResNet-18 at 224x224", resnet(data),
        "OpenVINO runs what `bonn-run export --format openvino` wrote, its layers of bytes rewritten for its "
        "integer kernels (`Benchmarks/openvino_worker.py`).",
        "## Binary layers in blocks",
        f"{BLOCKS} in a row as they stand in networks: sign, convolution, scale, shortcut, PReLU "
        "(`bonn-run bench --block`). 1x1 with `@1`.",
        blocks(data),
        "## 3x3 convolutions of ResNet-18",
        "Ours from bits to integer sums; multiply-accumulates per cycle and core.",
        layers(data, LAYERS, has_mean=True),
        "## Small and 1x1 convolutions",
        "Where least can be won, and below 1.0x nothing. 1x1 with `@1`. The sign in front and the scale "
        "behind are not in these numbers; in a network they are part of the neighbours' steps.",
        layers(data, SMALL_LAYERS, has_mean=False),
        "## Networks", networks(data),
        "\\* version 0.16, on another machine: a Zen 3 core at 3.1 GHz.",
        "## Loading",
        "From a file to a session, for the rivals to the first result as well; memory is what the process grew by.",
        footprints(data),
        "## Batches",
        "OpenVINO's hint for latency runs one image, that for throughput more: single requests beside each other.",
        batches(data),
    ]
    if any(folder.glob("float32.*")):
        sections += [
            "## Training", "WRN-22 with all losses, images per second on all cores.", training(folder),
        ]
    return "\n\n".join(section.rstrip("\n") for section in sections) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page(pathlib.Path(sys.argv[1]), sys.argv[2]))
