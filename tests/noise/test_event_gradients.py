"""Derivatives of paths with events at known times, and what has none."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.engine.noise.registry import methods

TEXT = """
model Doses
  param a = 1.2, s = 0.4, d = 1.5, r = 0.3, late = 0.35
  state x = 1, y = 0.5
  time 0 .. 1
  discrete k = 0
  dx = -a*x*dt + s*x*dW
  dy = (k*x - y)*dt + 0.3*y*dW
  dose: at t = 0.2, late: x = x + d*a, y = x*y, k = k + r
  more: every 0.27: x = x*(1 + k)
  last: when k > 0.5: y = y*d
end
"""
ADDITIVE = TEXT.replace("s*x*dW", "s*dW").replace("0.3*y*dW", "0.3*dW")
TIMES = [0.3, 0.5, 1.0]


def problem(text: str = TEXT, **given) -> symde.Problem:
    return symde.Problem(symde.ode_def(text), **given)


@pytest.mark.parametrize("method", [one.name for one in methods() if one.along])
def test_derivatives_through_known_times_are_those_of_differences(method: str) -> None:
    noise = next(one.noise for one in methods() if one.name == method)
    text = TEXT if "diagonal" in noise else ADDITIVE
    solving = dict(seed=1, dt0=0.05, saveat=TIMES)
    found = symde.sensitivities(problem(text), method, wrt=["a", "s", "d", "r"], **solving)
    for name, value in {"a": 1.2, "s": 0.4, "d": 1.5, "r": 0.3}.items():
        up, down = (
            symde.solve(problem(text, p={name: value + h}), method, **solving).u for h in (1e-6, -1e-6)
        )
        for place, state in enumerate(("x", "y", "k")):
            difference = (up - down)[:, place] / 2e-6
            assert np.allclose(found[state, name], difference, rtol=1e-6, atol=1e-7)


def test_derivatives_by_initial_values_with_steps_that_follow_the_error() -> None:
    # where all is linear in x the derivative by its start is x over it
    text = "dx = -x*dt + 0.4*x*dW; x(0) = 2; time 0 .. 1\nevery 0.3: x = 3*x"
    found = symde.sensitivities(problem(text), wrt="u0", seed=1, rtol=1e-3, saveat=TIMES)
    assert np.allclose(found["x", "x"], found.u[:, 0] / 2, rtol=1e-12)


def test_gradients_of_means_and_fits_go_through_doses() -> None:
    text = "param d = 1\ndx = -x*dt + 0.2*dW; x(0) = 0; time 0 .. 2\ndose: at t = 0.5: x = x + d"

    def last(u):
        return u.mean(), np.full(u.shape, 1 / u.size)

    _, grad = symde.value_and_grad(last, problem(text), n=50, seed=1, dt0=0.05, saveat=[2.0], wrt="p")
    both = [
        symde.value_and_grad(
            last, problem(text), n=50, seed=1, dt0=0.05, saveat=[2.0], wrt="p", workers=workers
        )[1]["p"]
        for workers in (1, 2)
    ]
    assert np.array_equal(*both) and grad.sensealg == "forward" and abs(grad["p"][0] - np.exp(-1.5)) < 1e-3
    t = np.linspace(0.6, 2, 8)
    result = symde.fit(problem(text), (t, 1.7 * np.exp(0.5 - t)), dt0=0.05, n=200, seed=3)
    assert abs(result["d"] - 1.7) < 0.03


def test_a_state_beyond_its_domain_has_no_derivative_in_an_event() -> None:
    # the event reads the state inside of its domain
    text = """
    dx = -5*dt + 0*x*dW; x(0) = 1; dom x >= 0
    dy = 0*dt + 0.1*dW; y(0) = 0
    time 0 .. 1
    at t = LATE: y = 2*x
    """
    one, early = problem(text.replace("LATE", "0.5")), problem(text.replace("LATE", "0.1"))
    for given, slope in ((one, 0), (early, 2)):
        found = symde.sensitivities(given, "EulerMaruyama", wrt="u0", seed=1, dt0=0.05, saveat=[1.0])
        assert found["y", "x"][0] == slope


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("k > 0.5", "x > 0.5"), "a path with noise has no slope there"),
        (("y = y*d", "stop"), "event `last` ends the path"),
        (("k > 0.5", "k > 0.5 after 0.1"), "event `last` is delayed"),
    ],
)
def test_what_a_path_decides_has_no_derivative(change: tuple[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        symde.sensitivities(problem(TEXT.replace(*change)), wrt=["a"], seed=1, dt0=0.1)


def test_parameters_that_move_times_have_no_derivative_and_others_do() -> None:
    with pytest.raises(ValueError, match="parameter `late` moves the times of events"):
        symde.sensitivities(problem(), wrt=["late"], seed=1, dt0=0.1)
    with pytest.raises(ValueError, match="goes back over the steps of a path, and not over events"):
        symde.value_and_grad(
            lambda u: (0.0, 0 * u), problem(), seed=1, dt0=0.1, wrt=["a"], sensealg="discrete"
        )


@pytest.mark.parametrize(
    ("event", "by"),
    [
        ("at t = 0.5: x = x > 0.7 ? 2 : x", ["q"]),
        ("at t = 0.5: x = floor(4*x)*q", ["q"]),
        ("at t = 0.5: x = x > q ? 2 : x", ["q"]),
        ("at t = 0.5: n = x\nwhen n > 0.7: x = x + 1", ["x"]),
        ("at t = 0.5: n = x\nwhen n > r: x = x + 1", ["r"]),
    ],
)
def test_what_noise_decides_has_no_derivative_by_what_moves_it(event: str, by: list[str]) -> None:
    # the mean of the derivatives of paths is not that of the mean: decisions leap in each path
    text = f"""
    param q = 0.3, r = 0.7, s = 0.2
    state x = 1, y = 1
    discrete n = 0
    time 0 .. 1
    dx = -q*x*dt + 0.4*x*dW
    dy = (s - y)*dt + 0.1*y*dW
    {event}
    """
    solving = dict(dt0=0.1, seed=1, saveat=[1.0])
    with pytest.raises(ValueError, match="which noise decides and what is differentiated by moves"):
        symde.sensitivities(problem(text), wrt=by, **solving)
    with pytest.raises(ValueError, match="which noise decides"):
        symde.value_and_grad(lambda u: (u.mean(), u * 0 + 1 / u.size), problem(text), wrt=by, n=2, **solving)
    found = symde.sensitivities(problem(text), wrt=["s"], **solving)  # which moves no decision
    assert abs(found["y", "s"][0] - (1 - np.exp(-1))) < 0.1 and found["x", "s"][0] == 0


def test_events_of_a_call_are_differentiated_as_those_of_a_model() -> None:
    text = "param a = 1\nstate x = 1\ntime 0 .. 1\ndx = -a*x*dt + 0.3*x*dW"
    given, events = problem(text), [symde.Event(at=0.5, effects={"x": "x + a"})]
    own, solving = problem(f"{text}\nat t = 0.5: x += a"), dict(seed=1, dt0=0.1)
    dp = symde.sensitivities(given, events=events, **solving).dp
    assert np.array_equal(dp, symde.sensitivities(own, **solving).dp)
    _, grad = symde.value_and_grad(lambda u: (u[-1, 0], np.ones_like(u)), given, events=events, **solving)
    np.testing.assert_allclose(grad["p"], dp[-1, 0], rtol=1e-12)


def test_torch_functions_refuse_events() -> None:
    torch = pytest.importorskip("torch")
    from symde.layers import diffeq

    with pytest.raises(ValueError, match="torch functions of paths with noise know nothing of events"):
        diffeq(torch.tensor([1.2, 0.4, 1.5, 0.3, 0.35]), problem(), dt0=0.1, seed=1)
