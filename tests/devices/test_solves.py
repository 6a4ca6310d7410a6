"""Solves on a device give what they give on the CPU: values, gradients by all ways, events."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import symde
from symde.compat import odeint, odeint_adjoint
from symde.engine.batched import integrate
from symde.layers import DiffEqLayer, NeuralODE, diffeq, diffeq_adjoint, diffeq_rd
from symde.layers.module import module_of
from symde.layers.module_events import events_of
from tests.batched.batches import crowd, rhs_of
from tests.batched.test_events import BALL, DOSES
from tests.devices.same import gradients, network, require_same

WAYS = [
    ("Tsit5", "replay"),
    ("Tsit5", "tape"),
    ("Tsit5", "adjoint"),
    ("Rodas5P", "tape"),
    ("KenCarp4", "tape"),
]
WAYS += [("Rosenbrock23", "adjoint"), ("TRBDF2", "adjoint")]
WAYS += [
    (one, "replay")
    for one in ("BS3", "DP5", "Vern7", "RK4", "Rosenbrock23", "Rodas5P", "KenCarp4", "Kvaerno5")
]


@pytest.mark.parametrize(("method", "gradient"), WAYS)
def test_a_model_as_text(device, method, gradient):
    def run(home):
        u0, p = (one.to(home).requires_grad_() for one in crowd("lotka", 5))
        times = torch.tensor([0.3, 0.5], dtype=torch.float64)
        how = dict(rtol=1e-4, dt0=0.05 if method == "RK4" else None, gradient=gradient)
        found = integrate(rhs_of("lotka"), u0, p, 0.0, 0.5, times, method, **how)
        return found.u, *gradients(found.u.square().sum(), u0, p)

    require_same(device, run)


@pytest.mark.parametrize("method", ["Rodas5P", "Kvaerno5"])
def test_a_stiff_model(device, method):
    def run(home):
        u0, p = (one.to(home).requires_grad_() for one in crowd("rober_1e5", 4))
        found = integrate(rhs_of("rober_1e5"), u0, p, 0.0, 40.0, None, method, rtol=1e-6, atol=1e-10)
        return found.u, *gradients(found.u[-1, 1].sum(), u0, p)

    require_same(device, run, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("members", [1, 3])
def test_a_module_in_a_neural_ode(device, members, dtype):
    def run(home):
        net = network((2, 8, 2), home, dtype)
        node = NeuralODE(net, (0, 1), "Tsit5", saveat=0.25, rtol=1e-4, backend="torch")
        u0 = torch.linspace(0.5, 1.0, 2 * members, dtype=dtype).reshape(members, 2).to(home).requires_grad_()
        u = node(u0)
        return u, *gradients(u.square().mean(), u0, net)

    close = (1e-9, 1e-11) if dtype == torch.float64 else (2e-4, 2e-5)
    require_same(device, run, *close)


@pytest.mark.parametrize("layer", [diffeq, diffeq_rd, diffeq_adjoint])
def test_layers_of_a_model(device, layer):
    problem = symde.Problem(
        "param a = 2.2, b = 1, c = 2*a\nstate x = 0.5*a, y = 1\ntime 0 .. 2\n"
        "x' = a*x - b*x*y\ny' = -c*y + x*y"
    )

    def run(home):
        a = torch.tensor([2.0, 2.2, 2.4], dtype=torch.float64, device=home, requires_grad=True)
        u = layer({"a": a, "b": 1.1}, problem, saveat=torch.tensor([0.5, 2.0]), backend="torch")
        return u, *gradients(u.square().sum(), a)

    require_same(device, run)


def test_times_that_are_differentiated_by(device):
    problem = symde.Problem("param a = 1\nstate x = 1\ntime 0 .. 1\nx' = -a*x^2")

    def run(home):
        p, times, end = (
            torch.tensor(one, dtype=torch.float64, device=home, requires_grad=True)
            for one in ([[1.0], [2.0]], [0.2, 0.7], 1.0)
        )
        u = diffeq(p, problem, tspan=(0.0, end), saveat=times, backend="torch")
        last = diffeq(p, problem, tspan=(0.0, end), backend="torch")
        return u, *gradients(u.sum() + last.sum(), p, times, end)

    require_same(device, run)


def test_a_layer_that_is_moved(device):
    problem = symde.Problem("param a = 1, k = 2\nstate x = 1\ntime 0 .. 1\nx' = -a*x^2 + k")

    def run(home):
        layer = DiffEqLayer(problem, p=["a"], u0="learnable", saveat=0.5, backend="torch").to(home)
        return layer(), *gradients(layer().sum(), layer)

    # what is learned is float32, and so is its gradient, which rounding may move by a unit of its last place
    require_same(device, run, rtol=2 * torch.finfo(torch.float32).eps)


def test_a_model_that_calls_a_module(device):
    model = symde.ode_def("extern net(x, y) -> 2\n(x', y') = net(x, y)\nx(0) = 1; y(0) = 0.5\ntime 0 .. 1")

    def run(home):
        net = network((2, 6, 2), home)
        u = diffeq(None, symde.Problem(model.bind(net=net)), saveat=0.5)
        return u, *gradients(u.square().sum(), net)

    require_same(device, run)


@pytest.mark.parametrize(
    ("text", "method", "gradient"),
    [
        (DOSES, "Tsit5", "replay"),
        (BALL, "Tsit5", "replay"),
        (BALL, "Tsit5", "tape"),
        (BALL, "Tsit5", "adjoint"),
    ]
    + [(BALL, "Rodas5P", "replay"), (BALL, "KenCarp4", "replay")],
)
def test_events(device, text, method, gradient):
    problem = symde.Problem(symde.ode_def(text))

    def run(home):
        spread = torch.tensor([[1.0, 1.1, 0.9]], dtype=torch.float64)
        p = (torch.tensor(problem.p)[:, None] * spread).to(home).requires_grad_()
        u0 = torch.tensor(problem.u0)[:, None].repeat(1, 3).to(home).requires_grad_()
        how = dict(method=method, events=events_of(problem.system), gradient=gradient, rtol=1e-6)
        found = integrate(module_of(problem.system), u0, p, 0.0, 1.5, [0.7, 1.4, 1.5], **how)
        assert len(found.events.records(0)) > 1
        return found.u, found.events.t, *gradients(found.u.square().sum(), u0, p)

    require_same(device, run, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("solve", [odeint, odeint_adjoint])
@pytest.mark.parametrize("method", ["dopri5", "rk4"])
def test_calls_of_torchdiffeq(device, solve, method):
    class Slopes(nn.Module):
        def __init__(self, home):
            super().__init__()
            self.net = network((2, 6, 2), home)

        def forward(self, t, y):
            return self.net(y) * torch.cos(t)

    def run(home):
        slopes = Slopes(home)
        y0 = torch.tensor([[1.0, 0.5], [0.2, -0.3]], dtype=torch.float64, device=home, requires_grad=True)
        t = torch.tensor([0.0, 0.4, 1.0], dtype=torch.float64, device=home, requires_grad=True)
        u = solve(slopes, y0, t, rtol=1e-6, atol=1e-8, method=method)
        return u, *gradients(u.square().sum(), y0, t, slopes)

    require_same(device, run, rtol=1e-6, atol=1e-7)  # the adjoint equation has steps of its own


def test_a_zero_that_ends_a_solve_of_torchdiffeq(device):
    def run(home):
        y0 = torch.tensor([1.0, 0.0], dtype=torch.float64, device=home, requires_grad=True)
        t = torch.tensor([0.0, 1.0], dtype=torch.float64, device=home)

        def fall(t, y):
            return torch.stack([y[1], -9.81 + 0.0 * y[0]])

        time, u = odeint(fall, y0, t, event_fn=lambda t, y: y[0], method="dopri5")
        return time, u, *gradients(time + u[-1, 1], y0)

    require_same(device, run, rtol=1e-7, atol=1e-9)
