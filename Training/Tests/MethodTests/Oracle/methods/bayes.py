"""Bayes by Backprop (methods.md 2.17): real weights mu + log(1 + exp(rho)) eps, and their distance to a mixture
of two Gaussians as a loss. Densities are those of torch.distributions.

Readings, where methods.md leaves a choice:
    the sum             over the size of the batch, as the cross-entropy is its mean; pi_i = 1 in an epoch of one step.
    eps                 given to the equations: standard normal numbers in the order of the layers.
    biases              points.
"""

import torch
import torch.nn.functional as F
from equations import LATENT, convolution, identity
from recorder import around, single, small

SEED, RATE = 77, 0.05
RHO = "layer.rho"


def deviations(*shape):
    return around(*shape, middle=-1.0, spread=0.5)


def noises(seed, *shapes):
    generator = torch.Generator().manual_seed(seed)
    return [torch.empty(shape).normal_(generator=generator) for shape in shapes]


def drawn(mu, rho, noise):
    return mu + F.softplus(rho) * noise.to(mu.dtype)


def complexity(mu, rho, weights, mix, wide, narrow):
    """log q(w|theta) - log P(w), of the weights that were drawn."""
    posterior = torch.distributions.Normal(mu, F.softplus(rho)).log_prob(weights)
    scales = torch.tensor([wide, narrow], dtype=mu.dtype)
    prior = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(torch.tensor([mix, 1 - mix], dtype=mu.dtype)),
        torch.distributions.Normal(torch.zeros(2, dtype=mu.dtype), scales),
    )
    return (posterior - prior.log_prob(weights)).sum()


def loop(prior):
    """SGD on mu, rho and the bias of a convolution and a fully connected layer, both of which are drawn."""

    def steps(start, batches):
        t = {key: x.requires_grad_() for key, x in start.items()}
        generator = torch.Generator().manual_seed(SEED)
        update = torch.optim.SGD(t.values(), lr=RATE)
        for x, labels in batches:
            update.zero_grad()
            parts = {}
            for layer in ("layer", "head"):
                mu, rho = t[f"{layer}.weight"], t[f"{layer}.rho"]
                weights = drawn(mu, rho, torch.empty(mu.shape).normal_(generator=generator))
                parts[layer] = (mu, rho, weights)
            features = F.conv2d(x, parts["layer"][2], padding=1).mean((2, 3))
            task = F.cross_entropy(F.linear(features, parts["head"][2], t["head.bias"]), labels)
            loss = task + sum(complexity(*part, *prior) for part in parts.values()) / len(x)
            loss.backward()
            update.step()
            yield loss.item(), t

    return steps


def record(recorder):
    def tensors():
        given = single()
        return given | {RHO: deviations(*given[LATENT].shape)}

    def layer(t):
        (noise,) = noises(SEED, t[LATENT].shape)
        results = convolution(identity, lambda t: drawn(t[LATENT], t[RHO], noise))(t)
        return results | {"evaluated_kernel": t[LATENT].detach()}

    recorder.quantizer("layer", tensors, layer, seed=SEED)
    priors = {
        "usual": ((0.5, 1.0, torch.tensor(-6.0).exp().item()), {}),
        "narrow": (
            (0.25, torch.tensor(-1.0).exp().item(), torch.tensor(-3.0).exp().item()),
            {"prior_mix": 0.25, "minus_log_s1": 1, "minus_log_s2": 3},
        ),
    }
    for name, (prior, settings) in priors.items():

        def loss(t, prior=prior):
            (noise,) = noises(SEED, t[LATENT].shape)
            weights = drawn(t[LATENT], t[RHO], noise)
            return complexity(t[LATENT], t[RHO], weights, *prior) / len(t["x"])

        recorder.objective(
            f"complexity/{name}",
            lambda: {LATENT: around(3, 2, 3, 3), RHO: deviations(3, 2, 3, 3)},
            loss, settings=settings, seed=SEED,
        )  # fmt: skip
        recorder.steps(
            f"steps/{name}",
            lambda: {
                LATENT: around(3, 2, 3, 3), RHO: deviations(3, 2, 3, 3),
                "head.weight": around(3, 3), "head.rho": deviations(3, 3),
                "head.bias": around(3),
            },
            loop(prior), seed=SEED,
            batches=lambda: [(small(4, 2, 4, 4), torch.tensor([0, 2, 2, 1])) for _ in range(3)],
            settings={"optimizer.name": "sgd", "optimizer.learning_rate": RATE} | settings,
        )  # fmt: skip
