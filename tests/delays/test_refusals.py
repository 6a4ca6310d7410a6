"""What delays do not go with is refused with the reason and a remedy."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.engine.methods import registry

TEXT = "param tau = 1\nstate x = 1\nx' = -x(t - tau)\nz = x(t - 0.5) + t\ntime 0 .. 3"


def problem(**p: float) -> symde.Problem:
    return symde.Problem(symde.ode_def(TEXT), p=p)


def test_backwards_in_time():
    with pytest.raises(ValueError, match="forwards in time only"):
        symde.solve(symde.remake(problem(), tspan=(3, 0)))


@pytest.mark.parametrize("tau", [0.0, -0.5])
@pytest.mark.parametrize("method", [None, "Tsit5", "KenCarp4"])
def test_a_delay_that_is_none(tau, method):
    with pytest.raises(ValueError, match=r"`t - tau` \(.*, line 3\) is not in the past at t = 0: a const"):
        symde.solve(problem(tau=tau), method)
    # the next solve knows nothing of it
    assert symde.solve(problem(), method).success


def test_a_delay_that_turns_negative():
    model = symde.ode_def("state x = 1\nx' = -x(t - 1 + 0.5*t)")
    with pytest.raises(ValueError, match="is not in the past at t = 2"):
        symde.solve(symde.Problem(model, tspan=(0, 5)), "Tsit5")


@pytest.mark.parametrize("method", [
    one for one in registry.names()
    if registry.get(one).family in ("taylor", "symplectic", "nystrom", "stabilised", "exponential", "gauss")
])  # fmt: skip
def test_families_that_know_no_past(method):
    with pytest.raises(ValueError, match=r"does not solve models with delays: .* such as Tsit5"):
        symde.solve(problem(), method, dt0=0.1)


def test_other_backends_and_targets():
    with pytest.raises(ValueError, match="the torch engine does not know models with delays"):
        symde.solve(problem(), backend="torch")
    for target in ("c", "numpy", "torch"):
        with pytest.raises(symde.ModelError, match="printed source knows the present alone"):
            symde.export(problem().model, target)
    assert r"x{\left(t - \tau \right)}" in symde.export(problem().model, "latex")


def test_what_needs_ordinary_equations():
    with pytest.raises(ValueError, match="does not know models with delays"):
        symde.steady_state(problem())
    with pytest.raises(ValueError, match="does not know models with delays"):
        symde.hessian(lambda u: (0.0, 0 * u, lambda v: v), problem())
    with pytest.raises(ValueError, match="takes ordinary models"):
        symde.testing.check_derivatives(problem().model)
    with pytest.raises(ValueError, match="leave linear_solver"):
        symde.solve(problem(), "KenCarp4", linear_solver="krylov")


def test_domains_and_projections():
    with pytest.raises(ValueError, match="delays and domains of states"):
        symde.solve(symde.Problem("state x = 1\ndom x >= 0\nx' = -x(t - 1)\ntime 0 .. 3"))
    text = "state x = 1, y = 0\nconserved x + y\nx' = -x(t - 1)\ny' = x(t - 1)\ntime 0 .. 3"
    stated = symde.ode_def(text)
    assert symde.solve(symde.Problem(stated), "Tsit5").success
    with pytest.raises(ValueError, match="delays and steps projected"):
        symde.solve(symde.Problem(stated.with_projection()))


def test_a_history_given_to_the_problem():
    with pytest.raises(ValueError, match="write `history x = ...` in its text"):
        symde.Problem(problem().model, history=lambda t: 1.0)


def test_quantities_of_the_past_need_the_continuous_solution():
    solution = symde.solve(problem(), "Tsit5", rtol=1e-9)
    t = solution.t
    past = np.where(t < 0.5, 1.0, solution(np.maximum(t - 0.5, 0.0))[:, 0])
    np.testing.assert_allclose(solution["z"], past + t, rtol=1e-13)
    assert solution(1.25, "z") == pytest.approx(solution(0.75)[0] + 1.25)
    with pytest.raises(ValueError, match="dense=True"):
        symde.solve(problem(), saveat=1.0)["z"]
    with pytest.raises(ValueError, match="reads delayed values"):
        symde.value_and_grad(lambda u: (u.sum(), np.ones_like(u)), problem(), of=["z"])


def test_a_failure_names_the_equation():
    # x' = x(t - 1)^2 with x = 1: finite, but dx/dt = 1/(3 - t) is not
    model = symde.ode_def("state x = 1\nx' = x(t - 1) + 1/(3 - t)^2")
    with pytest.raises(symde.SolveError, match=r"x' = x\(t - 1\)"):
        symde.solve(symde.Problem(model, tspan=(0, 5)), "Tsit5")


def test_a_history_that_is_not_finite_is_named():
    problem = symde.Problem(
        "state x = 1, y = 0\nhistory y = sqrt(t + 0.5)\nx' = -x(t - 1)\ny' = y(t - 1)\ntime 0 .. 3"
    )
    with pytest.raises(symde.SolveError, match="not finite:  the history of y, read before t0"):
        symde.solve(problem)
    # it is defined on (-0.5, 0), and nothing earlier is read
    text = problem.model.text().replace("y(t - 1)", "y(t - 0.5)")
    with pytest.raises(symde.SolveError) as told:
        symde.solve(symde.Problem(text.replace("-x(t - 1)", "-x(t - 1) + sqrt(1 - t)")))
    assert "the history" not in str(told.value)


def test_a_time_that_is_not_a_number_is_no_present():
    with pytest.raises(symde.SolveError, match="not finite"):
        symde.solve(symde.Problem("state x = 1\nx' = -x(t - sqrt(-x))\ntime 0 .. 5"))


@pytest.mark.parametrize("factor", [1.0, -1.0, -1.5])
def test_derivatives_at_the_start_that_repeated_evaluation_does_not_find(factor):
    text = f"param c = {factor}\nstate x = 1\nhistory x = 1 + t*S\nx' = -x + c*x'(t/2)\ntime 0 .. 2"
    with pytest.raises(ValueError, match="tell them by the history"):
        symde.solve(symde.Problem(text.replace("S", "0.3")))
    if factor != 1:  # nothing solves it for 1
        slope = -1 / (1 - factor)
        solution = symde.solve(symde.Problem(text.replace("S", repr(slope))), "Tsit5", rtol=1e-9)
        assert abs(solution(1e-4, "x") - 1 - slope * 1e-4) < 1e-7
