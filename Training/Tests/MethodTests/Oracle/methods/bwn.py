"""BWN (methods.md 2.3): XNOR-Net's kernel, with the paper's gradient (1/n + alpha 1{|W| <= 1}), which 2.3 gives
for both networks; real activations.
"""

import torch.nn.functional as F
from equations import LATENT, batch_norm, convolution, identity, relu, shortcut, strided, two_units
from methods.xnor import kernel
from recorder import downsampling, latent, normalised, single


def block(t, statistics):
    """ReLU(BN(conv(ReLU(BN(conv(x))))) + shortcut), He et al.'s block with 1-bit kernels."""
    y = strided(t["x"], kernel(t["block.0.convolution.weight"]), t)
    y = relu(batch_norm(y, t, "block.0.norm", statistics))
    y = F.conv2d(y, kernel(t["block.1.convolution.weight"]), padding=1)
    return relu(batch_norm(y, t, "block.1.norm", statistics) + shortcut(t["x"], t, statistics))


def record(recorder):
    recorder.quantizer("layer", single, convolution(identity, lambda t: kernel(t[LATENT])))
    for kind, outputs, stride in (("same", 4, 1), ("down", 6, 2)):
        recorder.block(
            f"block/{kind}",
            lambda kind=kind, outputs=outputs: two_units(latent, normalised, outputs)
            | downsampling(kind),
            block, stride=stride,
        )  # fmt: skip
