"""What the inference benchmark measures."""

NETWORKS = ["resnet18", "resnet18-int8", "quicknet-small", "quicknet", "quicknet-large", "wrn22"]
# Also measured on all cores in batches of so many images.
BATCHED = ["resnet18", "resnet18-int8", "wrn22"]
BATCHES = [8, 64]
# The 3x3 convolutions of ResNet-18, CxHxW.
LAYERS = ["64x56x56", "128x28x28", "256x14x14", "512x7x7"]
# Where least can be won: few channels, small images, 1x1 kernels (@1).
SMALL_LAYERS = [
    "16x32x32", "32x16x16", "64x8x8", "16x32x32@1", "64x8x8@1", "64x56x56@1", "128x28x28@1", "256x14x14@1",
    "512x7x7@1",
]
# Convolutions of ONNX Runtime in a row: what happens at the ends of the graph (casts, layout changes) hardly
# counts.
CHAIN = 8
# Layers as they stand in networks, with sign, scale, shortcut and PReLU: as many in a row (bonn-run bench --block).
BLOCKS = 16


def batch_of(network, batch):
    """The name of a network that runs so many images at once."""
    return network if batch == 1 else f"{network}, batch of {batch}"


def openvino_kind(network):
    """How OpenVINO runs a network: as openvino_worker.py names it."""
    return "int8" if network.endswith("-int8") else "binary"


def blocks_of(layer):
    """The name of a row of such layers."""
    return f"blocks-{layer}"


def layer_shape(layer):
    """Channels, height, width and kernel of "CxHxW" or "CxHxW@N"."""
    sizes, _, kernel = layer.partition("@")
    return *(int(size) for size in sizes.split("x")), int(kernel or 3)
