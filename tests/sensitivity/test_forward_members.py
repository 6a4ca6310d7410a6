"""Forward sensitivities of many members are those of each, to the last bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import symde
from symde.engine.cpu.batch import Members
from symde.problem.problem import remake
from symde.sensitivity import forward
from symde.sensitivity.forward_members import ForwardMembers, together
from symde.sensitivity.run import prepare
from symde.sensitivity.wrt import Wrt

FEEDING = symde.ode_def("""
model Feeding
  param a = 1.5, b = 1, c = 3, d = 1, e = 0
  state x = 1, y = 1
  time 0 .. 4
  x' = a*x - b*x*y + e
  y' = -c*y + d*x*y
end
""")
PROBLEM = symde.Problem(FEEDING)
COUNT = 5
RANDOM = np.random.default_rng(4)
P = PROBLEM.p * RANDOM.uniform(0.9, 1.1, (COUNT, 5))
U0 = RANDOM.uniform(0.5, 1.5, (COUNT, 2))
P[2, 0], P[:2, 4], U0[3, 1] = 0.0, 0.1, 0.0  # sizes of zero are found otherwise
TIMES = np.linspace(0, 4, 9)


@pytest.mark.parametrize("method", ["Tsit5", "Vern7", "Rodas5P", "KenCarp4", "QNDF", "Taylor", None])
@pytest.mark.parametrize("wrt", [Wrt((), (0, 2, 4), (0, 1)), Wrt((), (1, 4), ()), Wrt((), (), (1,))])
def test_members_are_those_of_single_solves(method, wrt):
    run = prepare(PROBLEM, method, saveat=TIMES)
    given = {"u0": ("x", "y"), "p": FEEDING.parameter_names}

    def run_of(member):
        numbers = (("u0", U0[member]), ("p", P[member]))
        changed = {what: dict(zip(given[what], row.tolist(), strict=True)) for what, row in numbers}
        return replace(run, problem=remake(PROBLEM, **changed))

    assert together(run_of(0), wrt)
    members = Members(U0, P, np.array([[0.0, 4.0]]), TIMES[None], COUNT)
    solving = ForwardMembers(run_of(0), wrt, members, run_of)
    assert solving.run(np.array([3, 1])) == solving.run(np.array([0, 4, 2])) == []
    found = solving.found()
    weights = RANDOM.normal(size=(2, COUNT, 9, 2))
    u0, p = np.zeros((2, COUNT, 2)), np.zeros((2, COUNT, 5))
    found.pull_back(weights, u0, p)
    for member in range(COUNT):
        alone = forward.record(run_of(member), wrt)
        assert np.array_equal(found.u[member], alone.solution.u)
        for several in range(2):
            by_u0, by_p = alone.pull_back(weights[several, member])
            assert np.array_equal(u0[several, member], by_u0) and np.array_equal(p[several, member], by_p)


def test_those_that_fail_are_told():
    model = symde.ode_def("param k = 1\nx(0) = 1\nx' = k*x^2")
    problem = symde.Problem(model, tspan=(0, 2))
    run, wrt = prepare(problem, "Tsit5", saveat=[1.0, 2.0]), Wrt((), (0,), ())
    k = np.array([[0.1], [1.0], [0.2], [3.0]])
    members = Members(np.ones((1, 1)), k, np.array([[0.0, 2.0]]), np.array([[1.0, 2.0]]), 4)
    solving = ForwardMembers(run, wrt, members, lambda member: run)
    assert solving.run(np.arange(4)) == [1, 3]
    found = solving.found()
    # x = 1/(1 - k t), dx/dk = t x^2
    good, t = [0, 2], np.array([1.0, 2.0])
    exact = 1 / (1 - k[good] * t)
    np.testing.assert_allclose(found.u[good, :, 0], exact, rtol=1e-5)
    np.testing.assert_allclose(found.columns[good, :, 0], t * exact**2, rtol=1e-5)
    assert np.isnan(found.u[[1, 3], 1]).all()


def test_models_that_the_host_sees_to_and_starts_that_follow_are_left_out():
    following = symde.Problem("param k = 1\nstate x = 2*k\nx' = -k*x", tspan=(0, 1))
    assert not together(prepare(following, "Tsit5", saveat=[1.0]), Wrt((), (0,), ()))
    algebraic = symde.Problem("state x = 1, y = 0\nx' = -x\n0 = y + y^5 - x", tspan=(0, 1))
    assert not together(prepare(algebraic, "Rodas5P", saveat=[1.0]), Wrt((), (), (0,)))
    delayed = symde.Problem("state x = 1\nx' = -x(t - 1)\nhistory x = 1", tspan=(0, 1))
    assert not together(prepare(delayed, "Tsit5", saveat=[1.0]), Wrt((), (), (0,)))
