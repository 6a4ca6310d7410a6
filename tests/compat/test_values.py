"""Values against closed forms: methods, shapes, types, directions."""

from __future__ import annotations

import pytest
import torch

from symde.compat import odeint, odeint_adjoint
from tests.compat.equations import F64, START, TIMES, Decay, decayed

ADAPTIVE = [
    "dopri5",
    "dopri8",
    "tsit5",
    "bosh3",
    "adaptive_heun",
    "fehlberg2",
    "Vern7",
    "Rodas5P",
    "KenCarp4",
]
ORDERS = {"euler": 1, "midpoint": 2, "heun2": 2, "heun3": 3, "rk4": 4}


@pytest.mark.parametrize("method", ADAPTIVE)
def test_methods_follow_the_solution(method: str) -> None:
    with torch.no_grad():
        y = odeint(Decay(), START, TIMES, rtol=1e-5, atol=1e-6, method=method)
    # errors of steps add up; those of fehlberg2 are nearly constant where its estimate of order 1 is small
    bound = 1e-3 if method == "fehlberg2" else 1e-4
    assert (y - decayed(START, TIMES, 0.7)).abs().max() < bound
    assert torch.equal(y[0], START)


@pytest.mark.parametrize("function", [odeint, odeint_adjoint])
@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (1, 2, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_shapes_and_types_are_those_of_the_state(function, shape: tuple, dtype: torch.dtype) -> None:
    y0 = torch.full(shape, 0.8, dtype=dtype)
    y = function(Decay(dtype=dtype), y0, TIMES)
    assert y.dtype == dtype and y.shape == (4, *shape)
    # the tolerance is 1e-7; float32 has 24 bits
    bound = 1e-5 if dtype == torch.float32 else 1e-6
    assert (y - decayed(y0.double(), TIMES, 0.7)).abs().max() < bound


@pytest.mark.parametrize("function", [odeint, odeint_adjoint])
@pytest.mark.parametrize("method", ["dopri5", "rk4"])
def test_time_may_run_backward(function, method: str) -> None:
    options = {"step_size": 0.02} if method == "rk4" else None
    times = TIMES.flip(0)
    y = function(Decay(), START, times, method=method, options=options)
    # interpolation of rk4 is linear, as torchdiffeq's: 0.02^2 / 8 of a second derivative below 3
    assert (y - decayed(START, times, 0.7)).abs().max() < (2e-4 if method == "rk4" else 1e-6)


def test_tuples_go_in_and_come_out() -> None:
    model = Decay()
    parts = (START, torch.tensor(0.5, dtype=F64))
    found = odeint(lambda t, y: (model(t, y[0]), -y[1]), parts, TIMES)
    assert isinstance(found, tuple) and [one.shape for one in found] == [(4, 2, 3), (4,)]
    assert torch.allclose(found[0], decayed(START, TIMES, 0.7), rtol=0, atol=1e-6)
    assert torch.allclose(found[1], 0.5 * torch.exp(-TIMES), rtol=0, atol=1e-6)


def test_complex_states_turn() -> None:
    y0 = torch.tensor([1.0 + 0.5j, -2.0j], dtype=torch.complex128)
    y = odeint(lambda t, y: 2j * y, y0, TIMES)
    assert torch.allclose(y, torch.exp(2j * TIMES)[:, None] * y0, rtol=0, atol=1e-6)


def test_one_time_is_the_start() -> None:
    for function in (odeint, odeint_adjoint):
        assert torch.equal(function(Decay(), START, TIMES[:1]), START[None])
        assert torch.equal(function(Decay(), START, TIMES[:1], method="rk4"), START[None])


@pytest.mark.parametrize(("method", "order"), ORDERS.items())
def test_fixed_steps_are_of_their_order(method: str, order: int) -> None:
    ends = torch.tensor([0.0, 1.0], dtype=F64)
    exact = decayed(START, ends, 0.7)[-1]
    errors = []
    for size in (0.1, 0.05):
        y = odeint(Decay(), START, ends, method=method, options={"step_size": size})
        errors.append((y[-1] - exact).abs().max())
    assert abs(torch.log2(errors[0] / errors[1]) - order) < 0.3


def test_without_a_step_size_each_interval_is_a_step() -> None:
    model = Decay()
    odeint(model, START, TIMES, method="rk4")
    assert model.calls == 4 * 3


def test_the_step_is_one_for_the_whole_state() -> None:
    # an entry with a tolerance that asks nothing of it does not shorten the steps of the others
    frequencies = torch.tensor([1.0, 40.0], dtype=F64)
    calls = []

    def oscillation(t, y):
        calls.append(t)
        return frequencies * torch.cos(frequencies * t)

    odeint(oscillation, torch.zeros(2, dtype=F64), TIMES)
    both = len(calls)
    calls.clear()
    odeint(oscillation, torch.zeros(2, dtype=F64), TIMES, atol=torch.tensor([1e-9, 1e9], dtype=F64))
    assert len(calls) < both / 3


def test_func_gets_a_time_without_dimensions_of_the_type_of_the_state() -> None:
    seen = []

    def func(t, y):
        seen.append((t.shape, t.dtype, y.shape))
        return -y

    odeint(func, torch.ones(2, 3), TIMES)
    assert set(seen) == {(torch.Size([]), torch.float32, torch.Size([2, 3]))}


def test_states_that_func_keeps_stay_as_they_were() -> None:
    kept = []

    def func(t, y):
        kept.append((t, y, t.clone(), y.clone()))
        return -y

    with torch.no_grad():
        odeint(func, START, TIMES)
    assert all(torch.equal(t, t_then) and torch.equal(y, y_then) for t, y, t_then, y_then in kept)
