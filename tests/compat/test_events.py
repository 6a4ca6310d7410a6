"""event_fn and odeint_event: the time of an event, the state there, and gradients through both."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from symde.compat import odeint, odeint_adjoint, odeint_event


class Fall(nn.Module):
    """A ball that falls, and the floor that it falls to."""

    def __init__(self) -> None:
        super().__init__()
        self.gravity = nn.Parameter(torch.tensor(9.81, dtype=torch.float64))

    def forward(self, t, state):
        place, speed = state
        return speed, -self.gravity * torch.ones_like(place)


class Floor(nn.Module):
    """How far above the floor the ball is."""

    def __init__(self) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.tensor([0.25], dtype=torch.float64))

    def forward(self, t, state):
        return state[0] - self.level


def start(height=1.0):
    """At rest."""
    one = torch.tensor([height], dtype=torch.float64, requires_grad=True)
    return one, torch.zeros(1, dtype=torch.float64)


@pytest.mark.parametrize("solver", [odeint, odeint_adjoint])
def test_a_ball_hits_the_floor_when_it_should(solver):
    func, floor, (height, rest) = Fall(), Floor(), start()
    t0 = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    time, (place, speed) = odeint_event(
        func, (height, rest), t0, event_fn=floor, odeint_interface=solver, rtol=1e-10, atol=1e-12
    )
    fall = math.sqrt(2 * 0.75 / 9.81)
    assert time.shape == ()
    assert time.item() == pytest.approx(0.5 + fall, abs=1e-12)
    assert place[:, 0].tolist() == pytest.approx([1.0, 0.25], abs=1e-12)
    inputs = func.gravity, floor.level, height, t0
    found = torch.autograd.grad(time, inputs, retain_graph=True)
    # t = t0 + sqrt(2 (h - l)/g)
    expected = -fall / (2 * 9.81), -1 / (9.81 * fall), 1 / (9.81 * fall), 1.0
    assert [one.item() for one in found] == pytest.approx(expected, rel=1e-9)
    found = torch.autograd.grad(speed[1].sum(), inputs)
    # v = -sqrt(2 g (h - l))
    expected = -fall / 2, 1 / fall, -1 / fall, 0.0
    assert [one.item() for one in found] == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("dtype", "rtol", "allowed"), [(torch.float64, 1e-10, 1e-9), (torch.float32, 1e-5, 1e-4)]
)
def test_bounces_in_a_loop_are_differentiated(dtype, rtol, allowed):
    func, (height, rest) = Fall().to(dtype), (one.detach().to(dtype) for one in start())
    height.requires_grad_()
    bounce = torch.tensor(0.8, dtype=dtype, requires_grad=True)
    t, state = torch.tensor(0.0, dtype=dtype), (height, rest)
    for _ in range(2):
        t, states = odeint_event(func, state, t, event_fn=lambda t, y: y[0], rtol=rtol, atol=rtol / 100)
        place, speed = (one[-1] for one in states)
        state = place, -bounce * speed
    # the second impact is at sqrt(2 h/g)*(1 + 2 e)
    first = math.sqrt(2 / 9.81)
    assert t.item() == pytest.approx(first * 2.6, rel=allowed)
    by_bounce, by_height = torch.autograd.grad(t, (bounce, height))
    assert by_bounce.item() == pytest.approx(2 * first, rel=allowed)
    assert by_height.item() == pytest.approx(first * 2.6 / 2, rel=allowed)


def test_the_first_zero_of_several_ends_the_solve_also_backward_in_time():
    y0 = torch.tensor([1.0, 0.0], dtype=torch.float64)

    def turning(t, y):
        return torch.stack([y[1], -y[0]])

    def events(t, y):
        return torch.stack([y[0] - 0.5, y[0] + 0.5])

    for reverse, sign in ((False, 1.0), (True, -1.0)):
        time, states = odeint_event(
            turning, y0, torch.tensor(0.0), event_fn=events, reverse_time=reverse, rtol=1e-9, atol=1e-11
        )
        assert time.dtype == torch.float32  # as t0
        assert time.item() == pytest.approx(sign * math.pi / 3, rel=1e-6)
        assert states[1].tolist() == pytest.approx([0.5, -sign * math.sqrt(0.75)], abs=1e-8)
    t = torch.tensor([0.0, 1.0], dtype=torch.float64)
    time, states = odeint(turning, y0, t, event_fn=events, method="dopri8", rtol=1e-9, atol=1e-11)
    assert time.item() == pytest.approx(math.pi / 3, abs=1e-9)


def test_what_does_not_go_with_events_is_refused():
    y0, t = torch.ones(1, dtype=torch.float64), torch.tensor([0.0, 1.0], dtype=torch.float64)
    level = torch.tensor([0.5], dtype=torch.float64, requires_grad=True)

    class Decay(nn.Module):
        def forward(self, t, y):
            return -y

    def below(t, y):
        return y - level

    for arguments, kind, message in (
        ({"event_fn": 3}, TypeError, "callable as event_fn"),
        ({"event_fn": below, "method": "rk4"}, ValueError, "does not go with .* on a grid"),
        ({"event_fn": lambda t, y: y < 0.5}, TypeError, "tensor of floats"),
        ({"event_fn": below, "options": {"step_t": t[:1] + 0.5}}, ValueError, "step_t and jump_t"),
    ):
        with pytest.raises(kind, match=message):
            odeint(Decay(), y0, t, **arguments)
    with pytest.raises(ValueError, match="t has two times"):
        odeint(Decay(), y0, torch.linspace(0, 1, 3), event_fn=below)
    with pytest.raises(ValueError, match="event_fn reads tensors"):
        odeint_adjoint(Decay(), y0.requires_grad_(), t, event_fn=below)
    with pytest.raises(RuntimeError, match="max_num_steps"):
        odeint(Decay(), y0, t, event_fn=lambda t, y: y + 1, options={"max_num_steps": 20})
