"""Torch functions of solves with events: values, gradients, batches, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import symde  # noqa: E402
from symde.layers import DiffEqLayer, diffeq  # noqa: E402

TIGHT: dict[str, Any] = {"rtol": 1e-10, "atol": 1e-12}
DOSES = symde.Problem(
    symde.ode_def("param k = 0.7, T = 1.3, D = 2\nstate x = 1\nx' = -k*x\nat t = T: x += D\ntime 0 .. 3")
)


def closed(k, big_t, dose, t):
    return torch.exp(-k * t) + dose * torch.exp(-k * (t - big_t)) * (t > big_t)


@pytest.mark.parametrize("sensealg", ["auto", "forward", "discrete", "interpolating", "gauss"])
def test_values_and_gradients_of_doses(sensealg):
    p = torch.tensor([0.7, 1.3, 2.0], dtype=torch.float64, requires_grad=True)
    times = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    u = diffeq(p, DOSES, saveat=times, sensealg=sensealg, **TIGHT)[:, 0]
    expected = closed(p[0], p[1], p[2], times)
    assert torch.allclose(u, expected, rtol=1e-8)
    weights = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64)
    (found,) = torch.autograd.grad(u @ weights, p)
    (wanted,) = torch.autograd.grad(expected @ weights, p)
    assert torch.allclose(found, wanted, rtol=1e-7)


def test_members_of_a_batch_have_events_of_their_own():
    p = torch.tensor(
        [[0.7, 1.3, 2.0], [0.5, 0.6, 1.0], [0.9, 5.0, 1.0]], dtype=torch.float64, requires_grad=True
    )
    u = diffeq(p, DOSES, saveat=[3.0], **TIGHT)[:, 0, 0]
    expected = torch.stack([closed(row[0], row[1], row[2], torch.tensor(3.0).double()) for row in p])
    assert torch.allclose(u, expected, rtol=1e-8)
    (found,) = torch.autograd.grad(u.sum(), p)
    (wanted,) = torch.autograd.grad(expected.sum(), p)
    assert torch.allclose(found, wanted, rtol=1e-7, atol=1e-10)


def test_a_layer_learns_the_time_of_an_event():
    # x = 1 - t is set to c at t = 1 - k, so that x(1) = c - k
    model = symde.ode_def(
        "param k = 0.6, c = 2\nstate x = 1\nx' = -1\nwhen falling x == k: x = c\ntime 0 .. 1"
    )
    layer = DiffEqLayer(symde.Problem(model), saveat=[1.0], **TIGHT)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.2)
    for _ in range(40):
        optimizer.zero_grad()
        loss = (layer()[-1, 0] - 1.3) ** 2
        loss.backward()
        optimizer.step()
    assert layer()[-1, 0].item() == pytest.approx(1.3, abs=1e-6)
    # both were moved by the same amount, from k = 0.6 and c = 2
    k, c = symde.Problem(model).p + [0.05, -0.05]
    trained = torch.cat([one.detach().ravel() for one in layer.parameters()])
    assert trained.tolist() == pytest.approx([k, c], abs=1e-6)


def test_an_end_before_a_saved_time_is_refused():
    model = symde.ode_def("param k = 1\nstate x = 1\nx' = -k*x\nwhen x < 0.5: stop\ntime 0 .. 3")
    for p in (torch.tensor([1.0]), torch.tensor([1.0], requires_grad=True)):
        with pytest.raises(ValueError, match="an event ended the solve"):
            diffeq(p, symde.Problem(model), saveat=[0.1, 2.0])
        with pytest.raises(ValueError, match="an event ended the solve"):
            diffeq(p, symde.Problem(model))
        assert diffeq(p, symde.Problem(model), saveat=[math.log(2) / 2]).shape == (1, 1)


def test_second_and_forward_derivatives_are_refused():
    p = torch.tensor([0.7, 1.3, 2.0], dtype=torch.float64, requires_grad=True)
    (once,) = torch.autograd.grad(diffeq(p, DOSES, saveat=[3.0]).sum(), p, create_graph=True)
    with pytest.raises(ValueError, match="events"):
        torch.autograd.grad(once.sum(), p)


def test_a_start_that_events_follow_has_no_derivative():
    every = symde.Problem(symde.ode_def("param k = 1\nstate x = 1\nx' = -k*x\nevery 1: x += 1\ntime 0 .. 3"))
    fixed = symde.Problem(symde.ode_def("param k = 1\nstate x = 1\nx' = -k*x\nat t = 1: x += 1\ntime 0 .. 3"))
    span = torch.tensor([0.0, 3.0], dtype=torch.float64, requires_grad=True)
    with pytest.raises(NotImplementedError, match="follow t0"):
        diffeq(None, every, tspan=span, saveat=[3.0]).sum().backward()
    diffeq(None, fixed, tspan=span, saveat=[3.0], **TIGHT).sum().backward()
    # x(3) = exp(-(3 - t0)) + exp(-2)
    assert span.grad is not None and span.grad[0].item() == pytest.approx(math.exp(-3), rel=1e-8)


@pytest.mark.parametrize("sensealg", ["discrete", "interpolating", "tape"])
def test_the_torch_engine_gives_the_same_of_a_batch(sensealg):
    p = torch.tensor([[0.7, 1.3, 2.0], [0.5, 0.6, 1.0], [0.9, 5.0, 1.0]], dtype=torch.float64)
    p.requires_grad_()
    times = torch.tensor([1.0, 3.0], dtype=torch.float64)
    u = diffeq(p, DOSES, saveat=times, sensealg=sensealg, backend="torch", **TIGHT)[..., 0]
    expected = torch.stack([closed(row[0], row[1], row[2], times) for row in p])
    assert torch.allclose(u, expected, rtol=1e-8)
    weights = torch.tensor([0.3, -1.0], dtype=torch.float64)
    (found,) = torch.autograd.grad((u @ weights).sum(), p)
    (wanted,) = torch.autograd.grad((expected @ weights).sum(), p)
    assert torch.allclose(found, wanted, rtol=1e-7, atol=1e-10)


def test_the_torch_engine_refuses_an_end_before_a_saved_time_too():
    problem = symde.Problem(
        symde.ode_def("param k = 1\nstate x = 1\nx' = -k*x\nwhen x < 0.5: stop\ntime 0 .. 3")
    )
    with pytest.raises(ValueError, match="an event ended the solve before t = 3"):
        diffeq(torch.tensor([1.0]), problem, backend="torch")
    with pytest.raises(ValueError, match="an event ended the solve of member 1 before t = 0.5"):
        diffeq(torch.tensor([[1.0], [2.0]]), problem, saveat=[0.5], backend="torch")
    assert diffeq(torch.tensor([1.0]), problem, saveat=[0.3], backend="torch").shape == (1, 1)


def test_modules_that_events_call_have_gradients():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(1, 4), torch.nn.GELU(), torch.nn.Linear(4, 1)).double()
    model = symde.ode_def("""
      extern level(x) -> 1
      param k = 0.7
      state x = 1
      time 0 .. 2
      x' = -k*x
      when x < 0.6 + 0.1*level(x): x = 1 + 0.2*level(x)
    """).bind(level=net)
    problem = symde.Problem(model)

    def loss(sensealg="discrete"):
        u = diffeq(None, problem, saveat=[0.5, 2.0], sensealg=sensealg, backend="torch", **TIGHT)
        return u.square().sum()

    weights = list(net.parameters())
    found = [torch.autograd.grad(loss(one), weights) for one in ("discrete", "interpolating", "tape")]
    for one in found[1:]:
        for a, b in zip(one, found[0], strict=True):
            assert torch.allclose(a, b, rtol=1e-6, atol=1e-9)
    step, bias = 1e-6, weights[-1]
    values = []
    with torch.no_grad():
        for sign in (1.0, -1.0):
            bias += sign * step
            values.append(loss().item())
            bias -= sign * step
    assert found[0][-1].item() == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-5)


def test_members_whose_branches_are_modes_are_solved_one_by_one():
    # with their columns in one loop such models crashed
    problem = symde.Problem("param c = 0.4, a = 1, b = 3\nx' = x > c ? -a : -b\nx(0) = 1\ntime 0 .. 1")
    p = torch.tensor([[0.4, 1.0, 3.0], [0.5, 1.0, 2.0]], dtype=torch.float64, requires_grad=True)
    u = diffeq(p, problem, saveat=[1.0], sensealg="forward", **TIGHT)[:, 0, 0]
    expected = p[:, 0] - p[:, 2] * (1 - (1 - p[:, 0]) / p[:, 1])  # x = c - b (t - t*)
    assert torch.allclose(u, expected, rtol=1e-8)
    (found,) = torch.autograd.grad(u.sum(), p)
    (wanted,) = torch.autograd.grad(expected.sum(), p)
    assert torch.allclose(found, wanted, rtol=1e-7)
