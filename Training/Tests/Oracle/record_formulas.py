#!/usr/bin/env python3
"""Records golden numbers of every BONN formula for the Swift tests.

  python record_formulas.py formulas.safetensors

Every case is recorded twice: keys begin with "f32/" and "f64/" (dtype of all its tensors except labels,
int64). Below, PREFIX is that plus the case. "in.*" are inputs, "out.*" results; dNAME is the gradient of
the printed scalar with respect to NAME. Metadata: torch = version.

conv/{A,B,C}/{printed,true}/{poly,clip}/   binary convolution, zero padding 1, stride 2
    in.a [2,3,5,5]  in.X [4,3,3,3]  in.w [3,3]  in.g [2,4,3,3] (gradient of the output)
    out.y [2,4,3,3]  out.da  out.dX  out.dw     (A, B, C: reading; printed, true: form of dw)
    in.X has entries of either sign of which |w X| > 1 holds for some, and one that is exactly 0.
kernelLoss/{A,B,C}/                        lambda / 2 * J, lambda = 0.3, nu = 0.2
    in.X [4,3,3,3]  in.w [3,3]  in.mu [4]  in.sigma [4]  in.lambda []  in.nu []
    out.loss []  out.dX  out.dw  out.dmu  out.dsigma      (dmu and dsigma with the factor 1 / N)
featureLoss/                               theta / 2 * F (mean over the batch), theta = 0.5
    in.f [7,5]  in.labels [7] (of 4 classes; class 2 is absent)  in.c [4,5]
    in.rho [4,5] (some outside [-6, 6])  in.theta []  in.alpha []
    out.loss []  out.df  out.drho  out.c (centres after one update with alpha = 0.5)
block/{same,down}/                         PReLU(BinaryConv(sign(BN(x))) + shortcut(x)), training mode,
    reading A, printed dw, poly. same: 4 -> 4 channels, stride 1, identity; down: 4 -> 6, stride 2,
    shortcut = 1x1 convolution, BN, 2x2 average pooling
    in.x [2,4,4,4]  in.g (gradient of the output)  in.NAME  out.y  out.dx  out.dNAME
    for NAME in bn.weight bn.bias conv.X conv.w prelu.weight
    and, down only, shortcut.0.weight shortcut.1.weight shortcut.1.bias;
    out.bn.running_mean  out.bn.running_var: buffers after the step (momentum 0.1, eps 1e-5, from 0 and 1)
    out.evaluation: output for the same x in evaluation mode after that step
"""

import argparse

import torch
from bonn_pytorch import Block, BinaryKernel, SignActivation, feature_loss, kernel_loss, update_centres
from safetensors.torch import save_file

SEED = 20190816


def leaves(*tensors):
    return [tensor.clone().requires_grad_() for tensor in tensors]


def latent_weights(dtype):
    """Both signs, magnitudes up to 3, one exact zero."""
    x = torch.randn(4, 3, 3, 3, dtype=torch.float64)
    x[1, 2, 0, 1] = 0
    return x.to(dtype)


def convolution(dtype, reading, form, estimator):
    # Scales around 1 let the indicator |w X| <= 1 of both readings act.
    inputs = {
        "a": torch.randn(2, 3, 5, 5, dtype=torch.float64).to(dtype),
        "X": latent_weights(dtype),
        "w": (torch.rand(3, 3, dtype=torch.float64) + 0.5).to(dtype),
    }
    g = torch.randn(2, 4, 3, 3, dtype=torch.float64).to(dtype)
    a, x, w = leaves(*inputs.values())
    kernel = BinaryKernel.apply(x, w, reading, form == "true")
    y = torch.nn.functional.conv2d(SignActivation.apply(a, estimator), kernel, None, 2, 1)
    y.backward(g)
    results = {"y": y.detach(), "da": a.grad, "dX": x.grad, "dw": w.grad}
    return keyed(inputs | {"g": g}, results)


def kernel(dtype, reading):
    inputs = {
        "X": latent_weights(dtype),
        "w": (torch.rand(3, 3, dtype=torch.float64) + 0.5).to(dtype),
        "mu": (torch.rand(4, dtype=torch.float64) + 0.3).to(dtype),
        "sigma": (torch.rand(4, dtype=torch.float64) + 0.4).to(dtype),
    }
    factor, nu = (torch.tensor(value, dtype=dtype) for value in (0.3, 0.2))
    x, w, mu, sigma = leaves(*inputs.values())
    loss = factor / 2 * kernel_loss(x, w, mu, sigma, nu, reading)
    loss.backward()
    results = {"loss": loss.detach(), "dX": x.grad, "dw": w.grad, "dmu": mu.grad, "dsigma": sigma.grad}
    return keyed(inputs | {"lambda": factor, "nu": nu}, results)


def feature(dtype):
    labels = torch.tensor([0, 3, 1, 0, 3, 3, 1])
    inputs = {
        "f": torch.randn(7, 5, dtype=torch.float64).to(dtype),
        "c": torch.randn(4, 5, dtype=torch.float64).to(dtype),
        "rho": (3 * torch.randn(4, 5, dtype=torch.float64)).to(dtype),
    }
    inputs["rho"][0, 1], inputs["rho"][3, 2] = 7, -8
    theta, alpha = (torch.tensor(value, dtype=dtype) for value in (0.5, 0.5))
    f, rho = leaves(inputs["f"], inputs["rho"])
    loss = theta / 2 * feature_loss(f, labels, inputs["c"], rho)
    loss.backward()
    centres = inputs["c"].clone()
    update_centres(centres, inputs["f"], labels, alpha)
    results = {"loss": loss.detach(), "df": f.grad, "drho": rho.grad, "c": centres}
    return keyed(inputs | {"labels": labels, "theta": theta, "alpha": alpha}, results)


def block(dtype, kind):
    outputs, stride = (4, 1) if kind == "same" else (6, 2)
    module = Block(4, outputs, stride, scale=0.1, deviation=0.3).to(dtype)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if name not in ("conv.X", "conv.mu", "conv.sigma"):
                parameter.copy_(torch.rand(parameter.shape, dtype=torch.float64) * 0.5 + 0.1)
    inputs = {name: parameter.detach().clone() for name, parameter in module.named_parameters()}
    del inputs["conv.mu"], inputs["conv.sigma"]  # of the kernel loss alone
    x = (2 * torch.randn(2, 4, 4, 4, dtype=torch.float64) + 0.5).to(dtype)
    g = torch.randn(2, outputs, 4 // stride, 4 // stride, dtype=torch.float64).to(dtype)
    (leaf,) = leaves(x)
    y = module(leaf)
    y.backward(g)
    results = {"y": y.detach(), "dx": leaf.grad, "bn.running_mean": module.bn.running_mean.clone()}
    results["bn.running_var"] = module.bn.running_var.clone()
    results |= {f"d{name}": module.get_parameter(name).grad for name in inputs}
    results["evaluation"] = module.eval()(x).detach()
    return keyed(inputs | {"x": x, "g": g}, results)


def keyed(inputs, results):
    tensors = {f"in.{name}": tensor for name, tensor in inputs.items()}
    return tensors | {f"out.{name}": tensor for name, tensor in results.items()}


def cases():
    for reading in "ABC":
        for form in ("printed", "true"):
            for estimator in ("poly", "clip"):
                yield f"conv/{reading}/{form}/{estimator}", convolution, (reading, form, estimator)
        yield f"kernelLoss/{reading}", kernel, (reading,)
    yield "featureLoss", feature, ()
    for kind in ("same", "down"):
        yield f"block/{kind}", block, (kind,)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("output")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    recorded = {}
    for prefix, dtype in (("f32", torch.float32), ("f64", torch.float64)):
        for number, (name, record, options) in enumerate(cases()):
            torch.manual_seed(SEED + number)
            for key, tensor in record(dtype, *options).items():
                recorded[f"{prefix}/{name}/{key}"] = tensor.contiguous()
    save_file(recorded, arguments.output, {"torch": torch.__version__})


if __name__ == "__main__":
    main()
