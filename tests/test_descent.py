"""Our descent against PyTorch's optimiser."""

from __future__ import annotations

import subprocess
import sys

import torch

from nuriwake.engine.descent import Descent


def test_steps_are_those_of_sgd():
    generator = torch.Generator().manual_seed(0)
    ours = [torch.randn(3, 4, generator=generator), torch.randn(5, generator=generator)]
    theirs = [tensor.clone() for tensor in ours]
    descent = Descent(ours, learning_rate=0.1, momentum=0.9)
    sgd = torch.optim.SGD(theirs, lr=0.1, momentum=0.9)
    for _ in range(5):
        for one, other in zip(ours, theirs, strict=True):
            one.grad = torch.randn(one.shape, generator=generator)
            other.grad = one.grad.clone()
        descent.step()
        sgd.step()
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one, other)


def test_a_parameter_without_gradient_stays():
    weight = torch.ones(2)
    Descent([weight], learning_rate=1.0, momentum=0.9).step()
    assert weight.tolist() == [1.0, 1.0]


def test_training_does_not_import_the_compiler():
    """It would cost a second of every run."""
    code = """
import sys, numpy as np, nuriwake
nuriwake.segment(np.random.default_rng(0).random((40, 50, 3), dtype=np.float32))
sys.exit("torch._dynamo" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
