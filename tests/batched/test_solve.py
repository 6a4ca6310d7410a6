"""`symde.solve(problem, backend="torch")` gives an ordinary solution."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from tests.problems import get


@pytest.mark.parametrize("options", [{}, {"saveat": 1.5}, {"saveat": [0.0, 2.5, 10.0], "dense": True}])
@pytest.mark.parametrize(("method", "name"), [("Tsit5", "lotka"), ("Vern7", "lotka")])
def test_a_solution_is_that_of_the_cpu(method, name, options):
    problem = get(name).problem
    ours, other = (symde.solve(problem, method, backend=one, **options) for one in ("torch", "cpu"))
    np.testing.assert_allclose(ours.t, other.t, rtol=1e-8)  # steps add up rounding
    np.testing.assert_allclose(ours.u, other.u, rtol=1e-7)
    assert (ours.dense is None) == (other.dense is None)
    if ours.dense is not None:
        times = np.linspace(0, 10, 31)
        np.testing.assert_allclose(ours(times), other(times), rtol=1e-9)
    assert ours.method[0].name == method and ours.success
    assert ours.stats.accepted == other.stats.accepted


def test_stiff_steps_have_their_own_interpolant():
    problem = get("hires").problem
    ours, other = (symde.solve(problem, "Rodas5P", backend=one, rtol=1e-4) for one in ("torch", "cpu"))
    times = np.linspace(*problem.tspan, 31)
    np.testing.assert_allclose(ours(times), other(times), rtol=1e-6, atol=1e-9)


def test_without_a_method_it_is_explicit():
    problem = get("decay").problem
    assert symde.solve(problem, backend="torch").method[0].name == "Vern7"
    assert symde.solve(problem, backend="torch", rtol=1e-3).method[0].name == "Tsit5"


def test_a_failure_keeps_what_was_computed():
    problem = symde.Problem("state x = 1\nx' = x^2", tspan=(0, 2))
    with pytest.raises(symde.SolveError, match=r"dt_underflow.*at t = 1\.00") as caught:
        symde.solve(problem, "BS3", backend="torch", rtol=1e-3)
    solution = caught.value.solution
    assert solution.t[-1] == pytest.approx(1.0, abs=1e-2) and len(solution.t) > 10


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (dict(backend="trch"), "did you mean 'torch'"),
        (dict(backend="torch", callback=lambda t, u: False), "callback belongs to backend='cpu'"),
        (dict(backend="torch", linear_solver="dense"), "linear_solver belongs to"),
        (dict(backend="torch", progress=True), "progress belongs to"),
        (dict(backend="torch", method="QNDF"), "no method of the torch engine"),
    ],
)
def test_what_the_backend_does_not_have_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        symde.solve(get("decay").problem, **options)
