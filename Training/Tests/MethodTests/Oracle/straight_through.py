"""Gradients that are not derivatives, and the proof that each is the derivative of what it stands for.

A quantizer has a value (what it computes) and a slope (what its gradient is multiplied by, printed in the
paper). Whoever prints a slope means some continuous function, the surrogate, whose derivative it is. Here
all three are written down independently: training uses value and slope; `check_gradients` replaces value
by surrogate, shifted so that nothing changes at the point itself, and compares the gradients of training
with finite differences in float64.

What a paper holds constant in the backward pass goes through `held`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

Function = Callable[[torch.Tensor], torch.Tensor]


class NearEdge(Exception):
    """Rounding, or finite differences at this point, would step over an edge."""


def require_clear(values, edges):
    """Recorded values lie on an edge or well away from it, so that no rounding decides on a side; those
    of finite differences, in float64, lie away from it.

    Raises:
        NearEdge: when one lies too near; other numbers are then drawn.
    """
    if tape.replays:
        return
    for edge in edges:
        gap = (values.detach() - edge).abs()
        if values.dtype == torch.float64:
            if (gap < 1e-4).any():
                raise NearEdge(f"values next to the edge {edge}")
        else:
            near = gap[(gap > 0) & (gap <= 1e-5)]
            if near.numel() > 0:
                raise NearEdge(f"values {near.tolist()} from the edge {edge}")


class Tape:
    """What the first forward pass saw, in order, for the passes of finite differences."""

    def __init__(self):
        self.values, self.position, self.replays = [], 0, False

    def next(self, *found):
        if not self.replays:
            self.values.append([value.detach().clone() for value in found])
            return None
        self.position += 1
        return self.values[self.position - 1]


tape = Tape()


class Slope(torch.autograd.Function):
    """`value` forward, the incoming gradient times `factor` backward."""

    @staticmethod
    def forward(ctx, x, value, factor):
        ctx.save_for_backward(factor)
        return value.clone()

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0], None, None


def straight_through(x, value, slope: Function, surrogate: Function):
    """`value`, any function of x, with slope(x) in place of its derivative."""
    value = value.detach()
    base = tape.next(x, value)
    if base is None:
        return Slope.apply(x, value, slope(x.detach()))
    return base[1] + surrogate(x) - surrogate(base[0])


def held(x):
    """x, constant in the backward pass."""
    base = tape.next(x)
    return x.detach() if base is None else base[0]


@dataclass
class Estimator:
    """A slope, its surrogate, and where the slope jumps or bends."""

    slope: Function
    surrogate: Function
    edges: tuple

    def __call__(self, x, value):
        require_clear(x, self.edges)
        return straight_through(x, value, self.slope, self.surrogate)


def sign(x):
    """-1 or +1; sign(0) = +1 (notation of methods.md: packed bits know no third value)."""
    require_clear(x, (0.0,))
    return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)


# methods.md, "Common building blocks". The edges of STE-clip pass: 1{|x| <= 1}.
STE_ID = Estimator(torch.ones_like, lambda x: x, ())
STE_CLIP = Estimator(
    lambda x: (x.abs() <= 1).to(x.dtype), lambda x: x.clamp(-1, 1), (-1.0, 1.0)
)
# F of 2.10: -1; 2a + a^2 on [-1, 0); 2a - a^2 on [0, 1); 1.
STE_POLY = Estimator(
    lambda x: (2 - 2 * x.abs()) * (x.abs() < 1),
    lambda x: 2 * x.clamp(-1, 1) - x.clamp(-1, 1) * x.clamp(-1, 1).abs(),
    (-1.0, 0.0, 1.0),
)


def check_gradients(loss, tensors, tolerance=2e-6):
    """Compares gradients of `loss(tensors)` with finite differences of its surrogate, in float64.

    Args:
        loss: maps a dictionary of tensors to a scalar, with `straight_through` and `held` inside.
        tensors: name to tensor.

    Raises:
        NearEdge: when at this point something lies near the edge of a slope.
    """
    step = 1e-5
    leaves = {name: x.detach().double().requires_grad_() for name, x in tensors.items()}
    tape.values, tape.replays = [], False
    loss(leaves).backward()
    tape.replays = True

    def at(name, index, offset):
        changed = {key: x.detach() for key, x in leaves.items()}
        changed[name] = changed[name].clone()
        changed[name].view(-1)[index] += offset
        tape.position = 0
        with torch.no_grad():
            return loss(changed).item()

    try:
        for name, leaf in leaves.items():
            found = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
            largest = max(1.0, found.abs().max().item())
            for index in range(leaf.numel()):
                sides = at(name, index, step) - at(name, index, -step)
                difference = abs(sides / (2 * step) - found.view(-1)[index].item())
                assert difference <= tolerance * largest, (
                    f"{name}[{index}]: gradient {found.view(-1)[index]}, "
                    f"finite differences {sides / (2 * step)}"
                )
    finally:
        tape.values, tape.replays = [], False
