"""Full precision: the same networks without quantizers; and the losses of recipes that ask for no method.

    center_loss         2.16: means over the batch; a class without images keeps its center.
"""

import torch
import torch.nn.functional as F
from equations import LATENT, cross_entropy, head
from recorder import around, latent, small

CENTERS = "center_loss.centers"


def offsets(features, centers, labels):
    return features - centers[labels.long()]


def center_loss(features, centers, labels, weight):
    """weight/2 ||f - c||^2, the mean over the batch."""
    return weight / 2 * (offsets(features, centers, labels) ** 2).flatten(1).sum(1).mean()


def moved(features, centers, labels, alpha):
    """c_j - alpha sum_{y_i = j} (c_j - f_i) / (1 + n_j), an image after the other."""
    centers = centers.clone()
    for j in range(len(centers)):
        of_class = [f for f, y in zip(features, labels, strict=True) if y == j]
        shift = sum((centers[j] - f for f in of_class), torch.zeros_like(centers[j]))
        centers[j] -= alpha * shift / (1 + len(of_class))
    return centers


def center_steps(weight, alpha):
    def run(start, batches):
        t = {key: x.requires_grad_(key != CENTERS) for key, x in start.items()}
        update = torch.optim.SGD([x for x in t.values() if x.requires_grad], lr=0.25)
        for x, labels in batches:
            y = F.conv2d(x, t[LATENT], padding=1)
            features = y.mean((2, 3))
            loss = cross_entropy(t, y, labels) + center_loss(features, t[CENTERS], labels, weight)
            update.zero_grad()
            loss.backward()
            update.step()
            t[CENTERS] = moved(features.detach(), t[CENTERS], labels, alpha)
            yield loss.item(), t

    return run


def record(recorder):
    recorder.has_no_quantizer("weights and activations are real")
    labels = torch.tensor([2.0, 0, 2, 1])
    recorder.objective(
        "center_loss",
        lambda: {
            "x": small(4, 2, 4, 4), "labels": labels, LATENT: latent(3, 2, 3, 3),
            CENTERS: around(3, 3),
        } | head(3),
        lambda t: center_loss(
            F.conv2d(t["x"], t[LATENT], padding=1).mean((2, 3)), t[CENTERS], t["labels"], 0.3
        ),
        plan=("layer", "head"), classes=3, buffers=(CENTERS,), settings={"losses.center": 0.3},
    )  # fmt: skip
    recorder.steps(
        "center_loss steps",
        lambda: {LATENT: latent(3, 2, 3, 3), CENTERS: torch.zeros(3, 3)} | head(3),
        center_steps(0.3, 0.25),
        # The second batch has two classes alone.
        batches=lambda: [(small(4, 2, 4, 4), torch.tensor(y)) for y in ([2, 0, 2, 1], [1, 1, 0, 1])],
        settings={
            "losses.center": 0.3, "losses.center_alpha": 0.25,
            "optimizer.name": "sgd", "optimizer.learning_rate": 0.25,
        },
    )  # fmt: skip
