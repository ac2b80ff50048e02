"""BNN-DL (methods.md 2.14): BNN with a loss on the distribution of what each sign reads.

Readings, where methods.md leaves a choice:
    STE                 of W: as BNN's.
    s                   divided by N, over batch and space; not stated.
"""

import torch
import torch.nn.functional as F
from equations import LATENT, binary_kernel, clip_latent, clip_sign, convolution
from recorder import around, latent, single
from straight_through import require_clear


def distribution_loss(x):
    """L_a + L_b of one pre-activation [N, C, H, W]: means over channels."""
    m, s = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0).sqrt()
    require_clear(m, (0.0,))
    require_clear(torch.minimum(2 - m - s, 2 + m - s), (0.0,))
    require_clear(s, (4.0,))
    require_clear(m**2 - s**2, (0.0,))
    mismatch = F.relu(torch.minimum(2 - m - s, 2 + m - s)) ** 2
    saturation = F.relu(s - 4) ** 2
    degeneration = F.relu(m**2 - s**2)
    return mismatch.mean() + saturation.mean() + degeneration.mean()


def record(recorder):
    forward = convolution(lambda t: clip_sign(t["x"]), lambda t: binary_kernel(t[LATENT]))
    recorder.quantizer(
        "layer", lambda: clip_latent(single()), forward, constrain=clip_latent
    )

    def tensors():
        # Channels that break each of the rules, and one that breaks none.
        middle, spread = torch.tensor([0.1, 1.5, 0.5, -2.5]), torch.tensor([0.8, 0.3, 6.0, 1.2])
        x = around(4, 4, 3, 3, spread=1.0) * spread.view(1, -1, 1, 1) + middle.view(1, -1, 1, 1)
        return {"x": x, LATENT: latent(3, 4, 3, 3)}

    recorder.objective(
        "loss", tensors, lambda t: 2 * distribution_loss(t["x"]), settings={"strength": 2}
    )
