"""Members side by side: each is what it is alone, whatever its neighbours are."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.engine.cpu.layout import COUNTERS
from symde.engine.methods import registry
from symde.members.lanes import lanes_for
from symde.plan import plan_for
from tests.ensemble.models import BLOWUP, LOTKA, ROBER, lotka_parameters, rober_parameters

EXPLICIT = ["BS3", "DP5", "Tsit5", "Vern6", "Vern7", "Vern8", "Vern9", "DOP853"]
STIFF = ["Rosenbrock23", "Rodas4", "Rodas5P"]
TIMES = np.linspace(0, 10, 21)

FORCED = symde.ode_def("""
model Forced
  param a = 1, b = 0.3
  state x = 0.2, y = 1, z = 0.5
  time 0 .. 6
  drive = sin(3*t) + max(0, cos(t))^2
  x' = -a*x + drive*tanh(y)/(1 + exp(-z))
  y' = b*log(1 + x^2) - y + min(z, 1)*atan2(x, 2)
  z' = ifelse(x > y, 0.1*x^3, -0.2*z) + erf(t - 3) - sqrt(abs(z))*mod(t, 7)/7
end
""")


def has_lanes(problem, method):
    plan = plan_for(problem.system, method, 1e-6, None, None, 1000, "auto", None)
    return bool(lanes_for(problem.system, plan).methods)


@pytest.mark.parametrize("method", EXPLICIT)
@pytest.mark.parametrize("model", [LOTKA, FORCED], ids=["lotka", "forced"])
def test_steps_of_one_size_are_those_of_single_solves_up_to_rounding(model, method):
    # whatever the error is, so that nothing is amplified by the choice of the sizes
    given = {"p": {"a": np.linspace(0.8, 1.6, 7)}, "atol": 1e9, "dt0": 0.05, "dtmax": 0.05}
    problem = symde.Problem(model, tspan=(0, 3))
    assert has_lanes(problem, method)
    # what is rounded in a slope comes back in the sums of stages, by weights that reach 400
    rounding = 2e-15 * np.abs(np.asarray(registry.get(method).a, dtype=float)).sum(axis=1).max()
    for saveat in ([3.0], 0.07):
        found, alone = (
            symde.ensemble(problem, method, **given, saveat=saveat, lanes=lanes) for lanes in (True, False)
        )
        np.testing.assert_allclose(found.u, alone.u, rtol=rounding, atol=rounding)
        assert np.array_equal(found.counters[:, :2], alone.counters[:, :2])


@pytest.mark.parametrize("method", [*EXPLICIT, *STIFF])
def test_chosen_steps_are_those_of_single_solves(method):
    # an error estimate is what cancellation leaves, so that its rounding shows in the sizes of steps
    problem = symde.Problem(LOTKA)
    given = {"p": lotka_parameters(9), "saveat": TIMES}
    found, alone = (symde.ensemble(problem, method, **given, lanes=lanes) for lanes in (True, False))
    np.testing.assert_allclose(found.u, alone.u, rtol=1e-8, atol=1e-8)
    assert np.abs(found.counters[:, :2] - alone.counters[:, :2]).max() <= 1


@pytest.mark.parametrize("method", ["Rodas5P", "Rosenbrock23", None])
def test_stiff_members_side_by_side(method):
    problem = symde.Problem(ROBER)
    p = rober_parameters(11)
    given = {"p": p, "saveat": [1.0, 1e2, 1e4], "rtol": 1e-8, "atol": 1e-12}
    found = symde.ensemble(problem, method, **given)
    exact = symde.ensemble(problem, "Radau", **{**given, "rtol": 1e-11, "atol": 1e-15})
    np.testing.assert_allclose(found.u, exact.u, rtol=1e-5 if method == "Rosenbrock23" else 1e-6)
    assert found.stats.factorisations > 0
    assert (found.u.sum(axis=2) - 1 < 1e-13).all()


@pytest.mark.parametrize("method", ["Tsit5", "Vern7", "Rodas5P", None])
def test_a_member_is_the_same_whatever_its_neighbours_are(method):
    problem = symde.Problem(ROBER if method == "Rodas5P" else LOTKA)
    p = rober_parameters(37) if method == "Rodas5P" else lotka_parameters(37)
    times = np.linspace(*problem.tspan, 14)
    together = symde.ensemble(problem, method, p=p, saveat=times)
    order = np.random.default_rng(1).permutation(37)
    shuffled = symde.ensemble(problem, method, p=p[order], saveat=times)
    assert np.array_equal(shuffled.u, together.u[order])
    assert np.array_equal(shuffled.counters, together.counters[order])
    for i in (0, 5, 36):
        assert np.array_equal(symde.ensemble(problem, method, p=p[[i]], saveat=times).u[0], together.u[i])
    threads = symde.ensemble(problem, method, p=p, saveat=times, workers=2)
    assert np.array_equal(threads.u, together.u)


@pytest.mark.parametrize("method", ["Tsit5", "DOP853", "Rodas5P"])
def test_backwards_with_first_step_and_several_saves_of_one_time(method):
    problem = symde.Problem(LOTKA, tspan=(5, 0))
    times = [5, 5, 4.25, 4.25, 1.0, 0.0, 0.0]
    given = {"p": lotka_parameters(6), "saveat": times, "dt0": 0.01, "dtmax": 0.3, "rtol": 1e-10}
    found, alone = (symde.ensemble(problem, method, **given, lanes=lanes) for lanes in (True, False))
    np.testing.assert_allclose(found.u, alone.u, rtol=1e-8)
    assert np.array_equal(found.u[:, 0], found.u0) and np.array_equal(found.u[:, 5], found.u[:, 6])


def test_members_of_very_different_length_keep_the_lanes_apart():
    model = symde.ode_def("param w = 1\nstate x = 1, y = 0\ntime 0 .. 3\nx' = w*y\ny' = -w*x")
    w = np.array([0.1, 50.0, 1.0, 20.0, 0.5, 3.0, 100.0, 0.01, 7.0])
    found = symde.ensemble(symde.Problem(model), "Vern9", p={"w": w}, rtol=1e-11, atol=1e-13, saveat=0.25)
    np.testing.assert_allclose(found["x"], np.cos(w[:, None] * found.t), atol=3e-9)
    assert found.counters[:, 0].max() > 20 * found.counters[:, 0].min()


def test_what_fails_is_told_as_a_single_solve_tells_it():
    k = np.array([0.1, 1.0, 0.25, 4.0, 0.2, 0.3, -1.0, 0.4])
    with pytest.warns(RuntimeWarning, match="2 of 8"):
        found = symde.ensemble(symde.Problem(BLOWUP), "Tsit5", p={"k": k}, saveat=[0.1, 2.0])
    assert [one.index for one in found.failures] == [1, 3]
    for one in found.failures:
        alone = symde.solve(
            symde.remake(found.problem, p={"k": k[one.index]}), "Tsit5", saveat=[0.1, 2.0], throw=False
        )
        assert one.message == alone.message and one.retcode is alone.retcode
        assert found.member(one.index).stats.accepted == alone.stats.accepted
    good = np.delete(np.arange(8), [1, 3])
    np.testing.assert_allclose(found["x"][good, 1], 1 / (1 - 2 * k[good]), rtol=1e-4)
    assert np.isnan(found["x"][[1, 3], 1]).all()
    with pytest.warns(RuntimeWarning, match="8 of 8"):
        few = symde.ensemble(symde.Problem(BLOWUP), "Vern7", p={"k": k}, max_steps=3)
    assert {one.retcode for one in few.failures} == {symde.Retcode.MAX_STEPS}


def test_a_span_that_an_explicit_method_cannot_cover_is_told_as_stiff():
    model = symde.ode_def("model M\n param k = 1e6\n state x = 1\n time 0 .. 1e4\n x' = -k*(x - cos(t))\nend")
    with pytest.warns(RuntimeWarning, match="stiff"):
        found = symde.ensemble(symde.Problem(model), "Tsit5", p={"k": [1e6, 2e6]}, max_steps=20_000)
    assert {one.retcode for one in found.failures} == {symde.Retcode.STIFF}
    chosen = symde.ensemble(symde.Problem(model), p={"k": [1e6, 2e6]}, saveat=[1e4])
    np.testing.assert_allclose(chosen["x"], np.cos(1e4), atol=1e-5)
    assert chosen.stats.factorisations > 0


def test_members_that_become_stiff_begin_anew_side_by_side():
    model = symde.ode_def("param m = 1\nstate x = 2, y = 0\ntime 0 .. 200\nx' = y\ny' = m*(1 - x^2)*y - x")
    problem, m = symde.Problem(model), np.geomspace(0.5, 300, 21)
    found = symde.ensemble(problem, p={"m": m}, saveat=[200.0])
    exact = symde.ensemble(problem, "Radau", p={"m": m}, saveat=[200.0], rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(found.u, exact.u, rtol=1e-3, atol=1e-3)
    factorised = found.counters[:, COUNTERS.index("factorisations")] > 0
    assert not factorised[0] and factorised[-1] and (np.diff(factorised.astype(int)) >= 0).all()
    # single solves with a choice of methods measure stiffness by products with J: none was one
    assert found.stats.products == 0 and found.stats.switches == 0


def test_models_and_methods_without_steps_for_lanes_are_solved_one_by_one():
    text = "\n".join(f"x{i}' = -x{i}*x{(i + 1) % 20}" for i in range(20))
    large = symde.Problem(symde.ode_def(text), {f"x{i}": 1 + 0.1 * i for i in range(20)}, (0, 1))
    assert not has_lanes(large, "Tsit5") and not has_lanes(symde.Problem(LOTKA), "Taylor")
    found = symde.ensemble(large, "Tsit5", u0={"x0": [1.0, 2.0]}, saveat=[1.0])
    alone = symde.solve(symde.remake(large, u0={"x0": 2.0}), "Tsit5", saveat=[1.0])
    assert np.array_equal(found.u[1], alone.u)


def test_a_linear_solver_that_is_named_is_used():
    problem, p = symde.Problem(ROBER), rober_parameters(3)
    for method in (None, "Rodas5P"):
        found = symde.ensemble(problem, method, p=p, saveat=[1e4], linear_solver="dense")
        alone = symde.solve(symde.remake(problem, p=p[2]), method, saveat=[1e4], linear_solver="dense")
        assert np.array_equal(found.u[2], alone.u)
    with pytest.raises(ValueError, match="has nothing to do"):
        symde.ensemble(problem, "Tsit5", p=p, linear_solver="dense")
    generated = symde.ensemble(problem, "Rodas5P", p=p, saveat=[1e4], linear_solver="generated")
    assert np.array_equal(generated.u, symde.ensemble(problem, "Rodas5P", p=p, saveat=[1e4]).u)


def test_models_without_parameters_and_of_one_state():
    model = symde.ode_def("x' = -x\nx(0) = 1")
    u0 = np.linspace(1, 2, 11)
    for method in ("Vern7", "Rodas5P", None):
        found = symde.ensemble(symde.Problem(model, tspan=(0, 1)), method, u0={"x": u0}, rtol=1e-9)
        np.testing.assert_allclose(found["x"], u0[:, None] * np.exp(-found.t), rtol=1e-8)
