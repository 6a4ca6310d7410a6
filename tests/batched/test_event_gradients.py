"""Gradients through the events of the batched engine: closed forms, the compiled engine, differences."""

from __future__ import annotations

import math

import pytest
import torch

import symde
from symde.engine.batched import integrate
from symde.layers import diffeq
from symde.layers.module import module_of
from symde.layers.module_events import events_of
from tests.batched.test_events import BALL, DOSES, THERMOSTAT

G = 9.81
TIGHT = {"rtol": 1e-10, "atol": 1e-12}
GRADIENTS = ("replay", "tape", "adjoint")


def falling(t, u, p):
    """A ball that falls, as a torch function."""
    return torch.stack([u[1], torch.full_like(u[0], -G)])


def solved(text, gradient, saveat, method="Tsit5", scale=1.0, **more):
    """Solution, initial state and parameters of a model."""
    problem = symde.Problem(symde.ode_def(text))
    rhs, events = module_of(problem.system), events_of(problem.system)
    u0, p = (torch.tensor(one)[:, None] * scale for one in (problem.u0, problem.p))
    u0, p = u0.requires_grad_(), p.requires_grad_()
    span = problem.tspan
    options = {"method": method, "gradient": gradient, "events": events, **TIGHT, **more}
    return integrate(rhs, u0, p, *span, saveat, **options), u0, p


@pytest.mark.parametrize("gradient", GRADIENTS)
@pytest.mark.parametrize(
    ("text", "method"),
    [(BALL, "Tsit5"), (BALL, "Rodas5P"), (BALL, "KenCarp4"), (THERMOSTAT, "Vern7"), (DOSES, "Tsit5")],
)
def test_gradients_are_those_of_the_compiled_engine(text, method, gradient):
    times = torch.tensor([0.0, 0.3, 1.1, 2.5], dtype=torch.float64)
    scale = torch.tensor([[1.0, 1.04]], dtype=torch.float64)
    found, u0, p = solved(text, gradient, times, method, scale)
    weights = torch.linspace(-1.0, 2.0, found.u.numel(), dtype=torch.float64).view_as(found.u)
    by_p, by_u0 = torch.autograd.grad((found.u * weights).sum(), (p, u0))
    there_p, there_u0 = (one.detach().T.clone().requires_grad_() for one in (p, u0))
    u = diffeq(
        there_p, symde.Problem(symde.ode_def(text)), method, u0=there_u0, saveat=times, sensealg="forward",
        **TIGHT,
    )  # fmt: skip
    wanted = torch.autograd.grad((u.permute(1, 2, 0) * weights).sum(), (there_p, there_u0))
    assert torch.allclose(found.u, u.permute(1, 2, 0), atol=1e-7)
    assert torch.allclose(by_p, wanted[0].T, rtol=1e-6, atol=1e-6)
    assert torch.allclose(by_u0, wanted[1].T, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_a_loss_of_the_time_of_an_event_alone(gradient):
    # the second impact of a ball dropped from h is at sqrt(2 h/g)*(1 + 2 e)
    bounce = symde.Event(
        lambda t, u, p: u[0],
        lambda t, u, p: torch.stack([u[0], -p[0] * u[1]]),
        direction="falling",
        name="bounce",
    )
    p = torch.tensor([[0.8, 0.7]], dtype=torch.float64, requires_grad=True)
    u0 = torch.tensor([[1.0, 1.2], [0.0, 0.0]], dtype=torch.float64, requires_grad=True)
    found = integrate(falling, u0, p, 0.0, 1.5, gradient=gradient, events=[bounce], **TIGHT)
    second = torch.stack([found.events.times(k, "bounce")[1] for k in range(2)])
    by_p, by_u0 = torch.autograd.grad(second.sum(), (p, u0))
    h, e = u0[0].detach(), p[0].detach()
    assert torch.allclose(second, torch.sqrt(2 * h / G) * (1 + 2 * e), rtol=1e-12)
    assert torch.allclose(by_p[0], 2 * torch.sqrt(2 * h / G), rtol=1e-10)
    assert torch.allclose(by_u0[0], (1 + 2 * e) / torch.sqrt(2 * h * G), rtol=1e-10)


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_where_an_event_ended_the_solve_moves_with_it(gradient):
    hit = symde.Event(lambda t, u, p: u[0] - p[0], stop=True)
    p = torch.tensor([[0.25]], dtype=torch.float64, requires_grad=True)
    u0 = torch.tensor([[1.0], [0.0]], dtype=torch.float64)
    found = integrate(falling, u0, p, 0.0, 2.0, gradient=gradient, events=hit, **TIGHT)
    fall = math.sqrt(2 * 0.75 / G)
    assert found.t.item() == pytest.approx(fall, abs=1e-12)
    assert torch.equal(found.u[0], found.state)
    (by_time,) = torch.autograd.grad(found.t.sum(), p, retain_graph=True)
    assert by_time.item() == pytest.approx(-1 / (G * fall), rel=1e-10)  # p = 1 - g t^2/2
    (by_speed,) = torch.autograd.grad(found.u[0, 1].sum(), p, retain_graph=True)
    assert by_speed.item() == pytest.approx(1 / fall, rel=1e-10)  # v = -g t
    (by_place,) = torch.autograd.grad(found.u[0, 0].sum(), p)
    assert by_place.item() == pytest.approx(1.0, rel=1e-10)


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_doses_whose_times_are_parameters(gradient):
    dose = symde.Event(at=[lambda p: p[2], 1.5], effects=lambda t, u, p: u + p[1], name="dose")
    p = torch.tensor([0.7, 2.0, 1.3], dtype=torch.float64)[:, None].requires_grad_()
    u0 = torch.ones(1, 1, dtype=torch.float64)
    found = integrate(
        lambda t, u, p: -p[0] * u, u0, p, 0.0, 3.0, [3.0], gradient=gradient, events=[dose], **TIGHT
    )
    q = p.detach().clone().requires_grad_()
    k, size, time = q[:, 0]
    expected = torch.exp(-3 * k) + size * (torch.exp(-k * (3 - time)) + torch.exp(-1.5 * k))
    assert torch.allclose(found.u[0, 0, 0], expected, rtol=1e-9)
    (by_p,), (wanted,) = (torch.autograd.grad(one.sum(), of) for one, of in ((found.u, p), (expected, q)))
    assert torch.allclose(by_p, wanted, rtol=1e-7)


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_times_that_follow_the_start_move_with_it(gradient):
    # x = 1 but for doses of D every P from t0 on, which decay at rate k
    text = "param k = 0.7, P = 0.4\nstate x = 1\nx' = -k*x\nevery P: x += 1\ntime 0 .. 1"
    problem = symde.Problem(symde.ode_def(text))
    rhs, events = module_of(problem.system), events_of(problem.system)
    u0, p = (torch.tensor(one)[:, None] for one in (problem.u0, problem.p))
    t0 = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
    found = integrate(rhs, u0, p, t0, 1.0, gradient=gradient, events=events, **TIGHT)
    found.u.sum().backward()
    k, period = problem.p
    # u = sum over the start and doses at t0 + j P of exp(-k (1 - t0 - j P))
    expected = sum(k * math.exp(-k * (1 - j * period)) for j in range(3))
    assert t0.grad.item() == pytest.approx(expected, rel=1e-8)


class Network(torch.nn.Module):
    """A turning with a small network beside it, and a level that an event reads."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        layers = torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2)
        self.layers = torch.nn.Sequential(*layers).double()
        self.level = torch.nn.Parameter(torch.tensor(0.1, dtype=torch.float64))

    def forward(self, t, u, p):
        return self.layers(u.T).T + torch.stack([5 * u[1], -5 * u[0]])


def test_weights_that_events_read_are_differentiated_by():
    network = Network()
    event = symde.Event(
        lambda t, u, p: u[0] - network.level,
        lambda t, u, p: torch.stack([u[0], 0.8 * u[1] + 0.1 * network.level]),
    )
    u0 = torch.tensor([[1.0, 0.5], [0.0, 1.0]], dtype=torch.float64)

    def loss(gradient="replay"):
        options = {"gradient": gradient, "events": event, "method": "Vern7", "rtol": 1e-9, "atol": 1e-11}
        found = integrate(network, u0, None, 0.0, 1.0, [0.7, 1.0], **options)
        return found.u.square().sum() + found.events.t.square().sum()

    weights = list(network.parameters())
    grads = [torch.autograd.grad(loss(one), weights) for one in GRADIENTS]
    for found in grads[1:]:
        for one, other in zip(found, grads[0], strict=True):
            assert torch.allclose(one, other, rtol=1e-6, atol=1e-8)
    step = 1e-5
    with torch.no_grad():
        values = []
        for sign in (1.0, -1.0):
            network.level += sign * step
            values.append(loss().item())
            network.level -= sign * step
    place = next(k for k, one in enumerate(weights) if one is network.level)
    assert grads[0][place].item() == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-6)


def test_gradients_step_by_step_are_those_side_by_side(monkeypatch):
    found = []
    for kept in (True, False):
        if not kept:
            monkeypatch.setattr("symde.engine.batched.forward.FEW", 0)
        made, u0, p = solved(DOSES, "replay", [0.5, 2.0, 4.0])
        assert made.record.side_by_side is kept
        found.append(torch.autograd.grad(made.u.square().sum(), (u0, p)))
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=1e-11, atol=1e-13)


def test_torch_func_grad_goes_through_events_by_a_tape():
    problem = symde.Problem(symde.ode_def(BALL))
    rhs, events = module_of(problem.system), events_of(problem.system)
    u0, p = (torch.tensor(one)[:, None] for one in (problem.u0, problem.p))

    def loss(p):
        return integrate(rhs, u0, p, 0.0, 1.0, gradient="tape", events=events, **TIGHT).u.square().sum()

    q = p.clone().requires_grad_()
    assert torch.allclose(torch.func.grad(loss)(p), torch.autograd.grad(loss(q), q)[0], rtol=1e-12)


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_second_derivatives_are_refused(gradient):
    found, _, p = solved(BALL, gradient, [1.0])
    (by_p,) = torch.autograd.grad(found.u.square().sum(), p, create_graph=True)
    with pytest.raises(NotImplementedError):
        by_p.sum().backward()


def test_what_has_no_derivative_is_refused():
    # x = (1 - t)^2 goes below 1e-9 by less than the tolerance
    touching = """
      param level = 1e-9
      state x = 1, v = -2
      discrete n = 0
      x' = v; v' = 2
      when falling x == level: n = 1
      time 0 .. 2"""
    found, _, _ = solved(touching, "replay", [0.5, 2.0], rtol=1e-6, atol=1e-9)
    assert len(found.events) == 1
    with pytest.raises(ValueError, match="only touches what triggers event `event 1`"):
        found.u.sum().backward()
    # what comes before does not depend on it
    found, u0, _ = solved(touching, "replay", [0.5, 2.0], rtol=1e-6, atol=1e-9)
    assert torch.autograd.grad(found.u[0, 0].sum(), u0)[0][:2, 0].tolist() == pytest.approx([1.0, 0.5])
    apart = "param a = 1, b = 1\nstate x = 0\nx' = 1\nat t = a: x += 1\nat t = b: x *= 2\ntime 0 .. 2"
    found, _, _ = solved(apart, "replay", [2.0])
    with pytest.raises(ValueError, match="come at the same time for different reasons"):
        found.u.sum().backward()


def test_events_of_functions_say_what_they_want():
    u0, one = torch.ones(1, 2, dtype=torch.float64), torch.ones(1, dtype=torch.float64, requires_grad=True)

    def run(event, **more):
        return integrate(lambda t, u, p: -u, u0, None, 0.0, 1.0, events=[event], **more)

    for event, kind, message in (
        (symde.Event("x < 1", stop=True), TypeError, "condition as text"),
        (symde.Event(lambda t, u, p: u, stop=True), ValueError, r"floats of shape \(2,\)"),
        (symde.Event(lambda t, u, p: u[0] < 0.5, stop=True), ValueError, "found torch.bool"),
        (symde.Event(at=0.5, effects=lambda t, u, p: u[0]), ValueError, r"shape \(1, 2\); found"),
        (symde.Event(lambda t, u, p: u[0] - one, stop=True), ValueError, "an event, reads 1 tensors"),
    ):
        with pytest.raises(kind, match=message):
            run(event)
    levels = torch.tensor([0.5, 0.6], dtype=torch.float64)
    with pytest.raises(ValueError, match="do not take 1 of the 2 that there are: .* rows of p"):
        run(symde.Event(lambda t, u, p: u[0] - levels, stop=True))
    problem = symde.Problem(symde.ode_def(BALL))
    with pytest.raises(ValueError, match="an event, reads 1 tensors"):
        start, p = (torch.tensor(each)[:, None] for each in (problem.u0, problem.p))
        event = symde.Event(lambda t, u, p: u[0] - one, stop=True)
        integrate(module_of(problem.system), start, p.requires_grad_(), 0.0, 1.0, events=[event])
    with pytest.raises(ValueError, match="compile=True does not go with events"):
        run(symde.Event(at=0.5, effects=lambda t, u, p: 2 * u), compile=True)
    with pytest.raises(TypeError, match="condition of an event of a model is text"):
        symde.solve(symde.Problem(symde.ode_def(BALL)), events=[symde.Event(lambda t, u, p: u[0], stop=True)])


def test_float32_states_have_events_and_gradients():
    problem = symde.Problem(symde.ode_def(BALL))
    rhs, events = module_of(problem.system), events_of(problem.system)
    found = []
    for dtype in (torch.float64, torch.float32):
        u0, p = (torch.tensor(one)[:, None].to(dtype) for one in (problem.u0, problem.p))
        p.requires_grad_()
        made = integrate(rhs, u0, p, 0.0, 1.5, rtol=1e-5, atol=1e-6, events=events)
        assert made.events.t.dtype == torch.float64
        found.append((made.events.t, *torch.autograd.grad(made.u.square().sum(), p)))
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other.double(), rtol=1e-3)  # of 1e-5 and what float32 holds
