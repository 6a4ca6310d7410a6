"""Split models: additive pairs take the stiff part implicitly and agree with the unsplit solve."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

import symde
from symde.engine.methods import registry
from tests.problems import get

HALVES = [method.name for method in registry.methods() if getattr(method, "additive", None) is not None]
# x follows cos t at rate k, y decays with it
MARKED = """
model Follower
  param k = 1000
  state x = 2, y = 1
  time 0 .. 2
  x' = stiff(-k*(x - cos(t))) - sin(t)*y
  y' = -x*y
end
"""
PLAIN = MARKED.replace("stiff(", "(")


def stiff(u, p, t):
    return [-p[0] * (u[0] - np.cos(t)), 0 * u[1]]


def nonstiff(u, p, t):
    return [-np.sin(t) * u[1], -u[0] * u[1]]


def branching(u, p, t):
    """As `nonstiff`, but no tracer follows a branch on a value."""
    return nonstiff(u, p, t) if u[0] < 1e9 else [0, 0]


PROBLEMS = {
    "marked": lambda: symde.Problem(symde.ode_def(MARKED)),
    "traced": lambda: symde.Problem(symde.SplitFunction(stiff, nonstiff), [2, 1], (0, 2), [1000]),
    "called back": lambda: symde.Problem(symde.SplitFunction(stiff, branching), [2, 1], (0, 2), [1000]),
}


def reference():
    return symde.solve(symde.Problem(symde.ode_def(PLAIN)), "Rodas5P", rtol=1e-12, atol=1e-12).u[-1]


@pytest.mark.parametrize("name", HALVES)
@pytest.mark.parametrize("kind", PROBLEMS)
def test_a_split_solve_agrees_with_the_unsplit_one(kind, name):
    solution = symde.solve(PROBLEMS[kind](), name, rtol=1e-6, atol=1e-6)
    # errors of some hundred steps add up to some tolerances
    np.testing.assert_allclose(solution.u[-1], reference(), rtol=2e-5)
    # explicit evaluations beside those of the iterations: the pair was at work
    assert solution.stats.evaluations > solution.stats.iterations + 3 * solution.stats.accepted


@pytest.mark.parametrize("name", HALVES)
def test_diffusion_taken_apart_from_its_reaction_gives_the_same_end(name):
    case = get("brusselator")
    text = re.sub(r"d\*\((.*)\)$", r"stiff(d*(\1))", case.text, flags=re.MULTILINE)
    assert text.count("stiff(") == 80
    apart = symde.solve(symde.Problem(symde.ode_def(text)), name, rtol=1e-8, atol=1e-8, saveat=[10.0])
    whole = symde.solve(case.problem, name, rtol=1e-8, atol=1e-8, saveat=[10.0])
    # each is within a hundred tolerances of the reference, and so of the other
    assert case.error(apart.u[-1]) < 1e-6 and case.error(whole.u[-1]) < 1e-6
    np.testing.assert_allclose(apart.u[-1], whole.u[-1], rtol=2e-6)
    # diffusion is linear
    assert apart.stats.jacobians == 1 < whole.stats.jacobians


@pytest.mark.parametrize("name", HALVES)
def test_a_linear_stiff_part_needs_one_jacobian(name):
    stats = symde.solve(PROBLEMS["marked"](), name, rtol=1e-6, atol=1e-6).stats
    assert stats.jacobians == 1
    # one iteration a stage, and one more where the rate of convergence is measured again
    stages = registry.get(name).stages - 1
    assert stats.iterations < 1.4 * stages * stats.steps


@pytest.mark.parametrize("name", HALVES)
def test_the_compiled_pair_converges_with_its_order(name):
    # embedded weights equal to the step's own: no estimate, so every step has the size asked for
    half = registry.get(name)
    pair = dataclasses.replace(half, embedded=half.a[-1], embedded_order=1).additive

    class Fixed:
        adaptive = False

        def __getattr__(self, key):
            return getattr(pair, key)

    text = "x' = stiff(-3*(x - cos(t))) - sin(t)*y; y' = -x*y + nonstiff(t)*y^2; x(0) = 1.5; y(0) = 1"
    problem = symde.Problem(symde.ode_def(text), tspan=(0, 2))
    end = symde.solve(problem, "Vern7", rtol=1e-13, atol=1e-13).u[-1]
    counts, errors = {3: (40, 80, 160), 4: (20, 40, 80), 5: (12, 24, 48)}[half.order], []
    for count in counts:
        h = 2 / count
        solution = symde.solve(problem, Fixed(), rtol=1e-12, atol=1e-12, dt0=h, dtmax=h, saveat=[2.0])
        errors.append(np.abs(solution.u[-1] - end).max())
    assert -np.polyfit(np.log(counts), np.log(errors), 1)[0] > half.order - 0.2


def test_only_the_stiff_part_has_a_jacobian():
    model = symde.ode_def("x' = stiff(-1000*x) + y*z; y' = stiff(-y) + x*z; z' = x*y")
    kernels = symde.Problem(model, [1, 1, 1], (0, 1)).system.kernels
    assert len(kernels.pattern[1]) == 8 and kernels.split.pattern[1].tolist() == [0, 1]


@pytest.mark.parametrize("method", ["Rodas5P", "Kvaerno5", "TRBDF2", "Tsit5", None])
def test_every_other_method_solves_the_sum_as_if_nothing_were_marked(method):
    options = {"rtol": 1e-6, "atol": 1e-6}
    marked = symde.solve(PROBLEMS["marked"](), method, **options)
    plain = symde.solve(symde.Problem(symde.ode_def(PLAIN)), method, **options)
    np.testing.assert_array_equal(marked.u, plain.u)


@pytest.mark.parametrize("name", HALVES)
def test_the_same_name_solves_an_unsplit_model_as_it_is(name):
    solution = symde.solve(symde.Problem(symde.ode_def(PLAIN)), name, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(solution.u[-1], reference(), rtol=2e-5)


@pytest.mark.parametrize("make", [symde.solve, symde.Integrator])
def test_a_pair_asked_for_by_its_own_name_needs_a_split(make):
    with pytest.raises(
        ValueError, match=r"IMEXKenCarp4 needs .* stiff\(\.\.\.\) .* symde.SplitFunction.*KenCarp4"
    ):
        make(symde.Problem(symde.ode_def(PLAIN)), "IMEXKenCarp4")
    own, other = (symde.solve(PROBLEMS["marked"](), name).u for name in ("imexkencarp4", "KenCarp4"))
    np.testing.assert_array_equal(own, other)


def test_saved_points_lie_on_the_continuous_solution_and_it_is_near_the_true_one():
    options = {"rtol": 1e-8, "atol": 1e-8}
    for name in HALVES:
        whole = symde.solve(PROBLEMS["marked"](), name, **options)
        points = symde.solve(PROBLEMS["marked"](), name, saveat=0.1, **options)
        np.testing.assert_allclose(points.u, whole(points.t), rtol=1e-12, atol=1e-13)
        exact = symde.solve(symde.Problem(symde.ode_def(PLAIN)), "Rodas5P", rtol=1e-12, atol=1e-12)
        # one order less than the steps' own, over steps chosen for 1e-8
        np.testing.assert_allclose(points.u, exact(points.t), atol=1e-5)


def test_a_split_solve_runs_backward_and_by_hand():
    text = MARKED.replace("k = 1000", "k = 3")
    options = {"rtol": 1e-8, "atol": 1e-8}
    forward = symde.solve(symde.Problem(symde.ode_def(text)), "KenCarp4", **options).u[-1]
    back = symde.solve(symde.Problem(symde.ode_def(text), forward, (2, 0)), "KenCarp4", **options).u[-1]
    np.testing.assert_allclose(back, [2, 1], rtol=1e-5)  # errors grow by exp(2 k) on the way back
    integrator = symde.Integrator(symde.Problem(symde.ode_def(text)), "KenCarp4", **options)
    integrator.advance(0.7)
    integrator.set_u(integrator.u)
    integrator.advance(2.0)
    np.testing.assert_allclose(integrator.u, forward, rtol=1e-6)


def test_what_a_part_raises_is_raised_by_the_solve():
    def failing(u, p, t):
        if t > 1:
            raise RuntimeError("no weather beyond t = 1")
        return branching(u, p, t)

    problem = symde.Problem(symde.SplitFunction(stiff, failing), [2, 1], (0, 2), [1000])
    with pytest.raises(RuntimeError, match="no weather"):
        symde.solve(problem, "KenCarp4")


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match=r"nonstiff must be a function f\(u, p, t\), found list"):
        symde.SplitFunction(stiff, [1, 2])
    with pytest.raises(TypeError, match="time at another place"):
        symde.SplitFunction(lambda t, u, p: u, nonstiff)
