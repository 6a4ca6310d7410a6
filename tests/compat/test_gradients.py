"""Derivatives by the state, the times and parameters, wherever they come from."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.autograd import gradcheck, gradgradcheck

from symde.compat import odeint, odeint_adjoint
from tests.compat.equations import F64, START, TIMES, Decay, decayed

TIGHT = dict(rtol=1e-8, atol=1e-9)


def network() -> nn.Module:
    torch.manual_seed(2)

    class Swirl(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)).double()

        def forward(self, t, y):
            return self.inner(y) * torch.cos(t)

    return Swirl()


@pytest.mark.parametrize("times", [TIMES[:3], TIMES[:3].flip(0)], ids=["forward", "backward"])
@pytest.mark.parametrize("function", [odeint, odeint_adjoint])
@pytest.mark.parametrize("method", ["dopri5", "midpoint"])
def test_by_state_and_times(function, method: str, times) -> None:
    model, options = network(), None
    # linear interpolation bends at the ends of steps, where differences do not see a derivative
    if method == "midpoint":
        options = {"step_size": 0.13}
    inputs = START[:1].clone().requires_grad_(), times.clone().requires_grad_()
    call = lambda y, t: function(model, y, t, method=method, options=options, **TIGHT)  # noqa: E731
    assert gradcheck(call, inputs, fast_mode=True)


@pytest.mark.parametrize("method", ["dopri5", "rk4"])
def test_all_ways_give_one_gradient(method: str) -> None:
    found = []
    options = {"step_size": 0.05} if method == "rk4" else None
    for function in (odeint, odeint_adjoint):
        model, y0, t = network(), START.clone().requires_grad_(), TIMES.clone().requires_grad_()
        y = function(model, y0, t, method=method, options=options, **TIGHT)
        found.append(torch.autograd.grad((y**2).sum(), [y0, t, *model.parameters()]))
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=1e-7, atol=1e-8)


def test_against_the_closed_form() -> None:
    for function in (odeint, odeint_adjoint):
        model, y0, t = Decay(), START.clone().requires_grad_(), TIMES.clone().requires_grad_()
        by = torch.autograd.grad((function(model, y0, t, **TIGHT) ** 2).sum(), [y0, t, model.k])
        k = torch.tensor(0.7, dtype=F64, requires_grad=True)
        exact = torch.autograd.grad((decayed(y0, t, k) ** 2).sum(), [y0, t, k])
        for one, other in zip(by, exact, strict=True):
            assert torch.allclose(one, other, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("method", ["dopri5", "Rodas5P", "rk4"])
def test_odeint_finds_what_func_holds(method: str) -> None:
    # no module, no input that requires a gradient, and only the second half of time reads the tensor
    w = torch.tensor(0.7, dtype=F64, requires_grad=True)
    doubled = 2.0 * w

    def func(t, y):
        return -y if t < 0.5 else -doubled * y

    ways = {"step_size": 0.05, "perturb": True}, {"jump_t": torch.tensor([0.5])}
    options = ways[0] if method == "rk4" else ways[1]
    times = torch.tensor([0.0, 0.5, 1.0], dtype=F64)
    y = odeint(func, START, times, method=method, options=options, **TIGHT)
    (by_w,) = torch.autograd.grad(y[-1].sum(), w)
    exact = -START.sum() * torch.exp(-0.5 - 0.5 * doubled)
    # rk4 in steps of 0.05 is right to 1e-6
    assert torch.allclose(by_w, exact, rtol=1e-5 if method == "rk4" else 1e-7)


def test_nothing_to_differentiate_gives_a_plain_tensor() -> None:
    assert not odeint(lambda t, y: -y, START, TIMES).requires_grad
    model = Decay()
    with torch.no_grad():
        assert not odeint(model, START, TIMES).requires_grad
    model.k.requires_grad_(False)
    assert not odeint_adjoint(model, START, TIMES).requires_grad


@pytest.mark.parametrize("method", ["dopri5", "rk4"])
def test_second_derivatives_of_odeint(method: str) -> None:
    model, y0 = network(), START[:1].clone().requires_grad_()
    options = {"step_size": 0.5} if method == "rk4" else None
    call = lambda y: odeint(model, y, TIMES[:2], method=method, options=options, rtol=1e-5, atol=1e-6)  # noqa: E731
    assert gradgradcheck(call, (y0,), fast_mode=True)


def test_second_derivatives_of_the_adjoint_are_refused() -> None:
    model, y0 = network(), START.clone().requires_grad_()
    y = odeint_adjoint(model, y0, TIMES)
    (by_y0,) = torch.autograd.grad(y.sum(), y0, create_graph=True)
    with pytest.raises(NotImplementedError, match="cannot be differentiated again"):
        by_y0.sum().backward()


def test_adjoint_params_are_what_is_differentiated() -> None:
    k, other = (torch.tensor(one, dtype=F64, requires_grad=True) for one in (0.7, 0.1))
    scaled = 1.0 * k

    def func(t, y):
        return -scaled * y + other

    y = odeint_adjoint(func, START, TIMES, adjoint_params=(scaled,), **TIGHT)
    by_k, by_other = torch.autograd.grad(y.sum(), [k, other], allow_unused=True, retain_graph=True)
    assert by_other is None
    again = odeint(func, START, TIMES, **TIGHT)
    assert torch.allclose(by_k, torch.autograd.grad(again.sum(), k)[0], rtol=1e-7)


def test_functions_that_do_not_read_the_state() -> None:
    a = torch.tensor(2.0, dtype=F64, requires_grad=True)
    y0 = START.clone().requires_grad_()
    y = odeint_adjoint(lambda t, y: a * t * torch.ones_like(y), y0, TIMES, adjoint_params=(a,))
    by_a, by_y0 = torch.autograd.grad(y[-1].sum(), [a, y0])
    assert torch.allclose(by_a, 6 * TIMES[-1] ** 2 / 2, rtol=1e-6)
    assert torch.equal(by_y0, torch.ones_like(y0))


def test_parameters_that_func_does_not_use_get_zero() -> None:
    model = network()
    model.unused = nn.Linear(2, 2).double()
    odeint_adjoint(model, START, TIMES).sum().backward()
    assert torch.equal(model.unused.weight.grad, torch.zeros(2, 2, dtype=F64))


def test_functions_that_differentiate_within() -> None:
    # a Hamiltonian's equations by torch, with no thought of whether gradients are on
    c = torch.tensor(1.3, dtype=F64, requires_grad=True)

    def field(t, y):
        y = y if y.requires_grad else y.requires_grad_()
        q, p = y
        (by_y,) = torch.autograd.grad(p**2 / 2 + c * q**2 / 2, y, create_graph=True)
        return torch.stack([by_y[1], -by_y[0]])

    y = odeint(field, torch.tensor([1.0, 0.0], dtype=F64), TIMES, **TIGHT)
    w = torch.sqrt(c)
    assert torch.allclose(y[:, 0], torch.cos(w * TIMES), atol=1e-7)
    (found,) = torch.autograd.grad(y[-1, 0], c)
    (exact,) = torch.autograd.grad(torch.cos(w * TIMES[-1]), c)
    assert torch.allclose(found, exact, rtol=1e-6)


def test_tuples_and_complex_states_are_differentiated() -> None:
    def pair(a, b):
        return odeint(lambda t, y: (-y[0] * y[1], -(y[1] ** 2)), (a, b), TIMES[:2], **TIGHT)

    def turning(t, y):
        return 1j * y**2

    inputs = START.clone().requires_grad_(), torch.tensor(0.5, dtype=F64, requires_grad=True)
    assert gradcheck(pair, inputs, fast_mode=True)
    z = torch.tensor([1.0 + 0.5j], dtype=torch.complex128, requires_grad=True)
    assert gradcheck(lambda z: odeint(turning, z, TIMES[:2], **TIGHT), (z,), fast_mode=True)
    by_tape = odeint(turning, z, TIMES, **TIGHT)
    by_adjoint = odeint_adjoint(turning, z, TIMES, **TIGHT, adjoint_params=())
    found = [torch.autograd.grad((y * (1.0 + 2.0j)).real.sum(), z)[0] for y in (by_adjoint, by_tape)]
    assert torch.allclose(*found, rtol=1e-7)
