"""Mistaken calls say what was expected and what to do."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn

from symde.engine.batched import integrate

U0 = torch.ones(2, 3, dtype=torch.float64)
P = torch.ones(1, 3, dtype=torch.float64)


def decay(t, u, p):
    return -u


CALLS = {
    "list": (dict(u0=[1.0]), TypeError, "u0 must be a tensor of shape (n, B), found list"),
    "whole numbers": (dict(u0=torch.ones(2, 3, dtype=torch.int64)), TypeError, "write u0.double()"),
    "half precision": (dict(u0=U0.half()), TypeError, "float64 or float32, found torch.float16"),
    "one axis": (dict(u0=U0[0]), ValueError, "one column a member, found (3,)"),
    "parameters of another batch": (dict(p=torch.ones(1, 2).double()), ValueError, "(m, 3) or (m, 1)"),
    "parameters of another type": (dict(p=P.float()), TypeError, "write p.to(u0.dtype)"),
    "parameters as a list": (dict(p=[1.0]), TypeError, "p must be a tensor"),
    "unknown method": (dict(method="Tsit6"), ValueError, "did you mean 'Tsit5'"),
    "method of another family": (dict(method="QNDF"), ValueError, "use Tsit5 or Vern7, Rodas5P, KenCarp4"),
    "fixed steps without their size": (dict(method="RK4"), ValueError, "give its step size as dt0"),
    "rtol": (dict(rtol=2.0), ValueError, "rtol = 2"),
    "stiff float32": (dict(u0=U0.float(), p=P.float(), method="Rodas5P"), ValueError, "use u0.double()"),
    "unknown gradient": (dict(gradient="forward"), ValueError, "there are 'replay', 'tape', 'adjoint'"),
    "both directions": (dict(t1=torch.tensor([1.0, -1.0, 1.0])), ValueError, "solve them apart"),
    "times of another batch": (dict(t1=torch.ones(2)), ValueError, "t1 must be one time or 3"),
    "saveat outside": (dict(saveat=[0.5, 2.0]), ValueError, "outside the span"),
    "saveat in disorder": (dict(saveat=[0.5, 0.2]), ValueError, "order of integration (ascending)"),
    "saveat NaN": (dict(saveat=[float("nan")]), ValueError, "finite"),
    "saveat of two axes": (dict(saveat=[[0.5]]), ValueError, "list of times"),
    "compiled iteration": (dict(method="KenCarp4", compile=True), ValueError, "use Rodas5P"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_mistaken_call_says_what_is_wrong(name):
    options, kind, words = CALLS[name]
    given = dict(u0=U0, p=P, t0=0.0, t1=1.0) | options
    with pytest.raises(kind, match=re.escape(words)):
        integrate(decay, given.pop("u0"), given.pop("p"), given.pop("t0"), given.pop("t1"), **given)


@pytest.mark.parametrize("part", [nn.Dropout(0.1), nn.BatchNorm1d(2)], ids=["dropout", "batch normalisation"])
def test_modules_that_give_another_value_when_called_again_are_refused(part):
    network = nn.Sequential(nn.Linear(2, 2), part).double()

    class Rhs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, t, u, p):
            return self.network(u.T).T

    rhs = Rhs()
    with pytest.raises(ValueError, match=r"'network.1' is in training mode.*\.eval\(\)"):
        integrate(rhs, U0, None, 0.0, 0.1)
    rhs.eval()
    integrate(rhs, U0, None, 0.0, 0.1).u.sum().backward()
    assert network[0].weight.grad is not None


def test_float32_keeps_its_type_and_its_tolerance():
    found = integrate(decay, U0.float(), None, 0.0, 1.0, method="Tsit5", rtol=1e-4)
    assert found.u.dtype == torch.float32
    torch.testing.assert_close(
        found.u[0, 0, 0].double(), torch.tensor(-1.0).double().exp(), rtol=1e-4, atol=0
    )


def test_a_span_of_no_length_gives_the_start_back():
    found = integrate(decay, U0, None, 1.0, 1.0, [1.0, 1.0])
    assert torch.equal(found.u, U0.expand(2, 2, 3)) and found.success and found.attempts == 0


@pytest.mark.parametrize("method", ["BS3", "Rosenbrock23"])
def test_a_step_can_be_compiled_as_a_whole(method, monkeypatch):
    # torch's own compiler takes a minute; that the step is one graph, and right, shows without it
    monkeypatch.setattr("symde.engine.batched.forward.COMPILER", "eager")
    from tests.batched.batches import crowd, rhs_of

    u0, p = crowd("lotka", 4)
    times = torch.tensor([0.3, 1.0], dtype=torch.float64)
    plain = integrate(rhs_of("lotka"), u0, p, 0.0, 1.0, times, method, rtol=1e-3)
    compiled = integrate(rhs_of("lotka"), u0, p, 0.0, 1.0, times, method, rtol=1e-3, compile=True)
    assert torch.equal(plain.accepted, compiled.accepted)
    torch.testing.assert_close(compiled.u, plain.u, rtol=1e-12, atol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("method", ["Tsit5", "Vern7", "Rodas5P", "KenCarp4"])
@pytest.mark.parametrize("gradient", ["replay", "tape", "adjoint"])
def test_on_a_gpu_as_on_the_cpu(method, gradient):
    from tests.batched.batches import crowd, rhs_of

    results = []
    for device in ("cpu", "cuda"):
        u0, p = (one.to(device).requires_grad_() for one in crowd("lotka", 7))
        times = torch.tensor([0.3, 1.0], dtype=torch.float64)
        found = integrate(rhs_of("lotka"), u0, p, 0.0, 1.0, times, method, gradient=gradient)
        grads = torch.autograd.grad(found.u.sum(), (u0, p))
        results.append([one.detach().cpu() for one in (found.u, *grads)])
    for one, two in zip(*results, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-8, atol=1e-10)
