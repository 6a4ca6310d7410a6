"""Paths as users ask for them: options, seeds, threads, refusals."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.engine.noise import registry
from symde.noise import solve_noise
from symde.problem.retcode import Retcode
from symde.problem.solution import SolveError

GROWTH = """
model Growth
  param a = 0.5, s = 0.8
  state x = 1, w = 0
  time 0 .. 1
  dx = a*x*dt + s*x*dW1
  dw = 0*dt + dW1
end
"""


def growth(**given) -> symde.Problem:
    return symde.Problem(symde.ode_def(GROWTH), **given)


def test_a_path_follows_from_its_seed() -> None:
    first, again, other = (symde.solve(growth(), dt0=0.01, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.u, again.u) and not np.array_equal(first.u, other.u)
    drawn = symde.solve(growth(), dt0=0.01)
    assert np.array_equal(drawn.u, symde.solve(growth(), dt0=0.01, seed=drawn.seed).u)
    assert first.stats.steps == 100 and len(first.t) == 101 and first.t[-1] == 1.0
    assert "100 steps, seed 1" in repr(first)


def test_a_path_is_the_same_whatever_is_saved() -> None:
    every = symde.solve(growth(), dt0=0.1, seed=5)
    some = symde.solve(growth(), dt0=0.1, seed=5, saveat=[0.0, 0.25, 1.0])
    assert np.array_equal(some.u[[0, 2]], every.u[[0, -1]])
    # between steps it is a straight line, in the loop as in the solution
    np.testing.assert_allclose(some.u[1], 0.5 * (every.u[2] + every.u[3]), rtol=1e-14)
    np.testing.assert_allclose(every(0.25), some.u[1], rtol=1e-14)
    with pytest.raises(ValueError, match="outside of the span"):
        every(1.5)


def test_a_prefix_of_the_span_gives_a_prefix_of_the_path() -> None:
    whole = symde.solve(growth(), dt0=0.125, seed=5)
    half = symde.solve(growth(tspan=(0, 0.5)), dt0=0.125, seed=5)
    assert np.array_equal(half.u, whole.u[:5])


@pytest.mark.parametrize("method", [None, "EulerMaruyama", "Milstein"])
def test_members_are_paths_of_their_numbers(method: str | None) -> None:
    one, two = (
        symde.ensemble(growth(), method, n=200, seed=3, dt0=0.02, saveat=[0.5, 1.0], workers=k)
        for k in (1, 2)
    )
    assert np.array_equal(one.u, two.u)
    alone = solve_noise(growth(), method, dt0=0.02, seed=3, trajectory=117, saveat=[0.5, 1.0])
    assert np.array_equal(one.u[117], alone.u)
    assert one.seed == 3
    drawn = symde.ensemble(growth(), method, n=2, dt0=0.02, saveat=[1.0])
    assert drawn.seed is not None
    alone = solve_noise(growth(), method, dt0=0.02, seed=drawn.seed, trajectory=1, saveat=[1.0])
    assert np.array_equal(drawn.u[1], alone.u)


def test_members_have_parameters_and_starts_of_their_own() -> None:
    result = symde.ensemble(growth(), p={"s": np.array([0.0, 0.8])}, seed=3, dt0=0.02, saveat=[1.0])
    quiet = symde.solve(growth(p={"s": 0.0}), dt0=0.02, seed=9, saveat=[1.0])
    assert result.u[0, 0, 0] == quiet.u[0, 0]
    drawn = symde.ensemble(growth(), n=4, u0=lambda i, rng: {"x": rng.uniform()}, seed=3, dt0=0.1)
    again = symde.ensemble(growth(), n=4, u0=lambda i, rng: {"x": rng.uniform()}, seed=3, dt0=0.1)
    assert np.array_equal(drawn.u, again.u) and len(set(drawn.u[:, 0, 0])) == 4


def test_statistics_without_paths() -> None:
    kept = symde.ensemble(growth(), n=300, seed=3, dt0=0.1, saveat=[1.0])
    moments = symde.ensemble(growth(), n=300, seed=3, dt0=0.1, saveat=[1.0], reduce="mean")
    np.testing.assert_allclose(moments.mean("x"), kept.u[:, :, 0].mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "kind", "method"),
    [
        ("dx = -x*dt + exp(-t)*dW1\ndy = x*dt + dW1 + 2*dW2", "additive", "SOSRA"),
        ("dx = -x*dt + x*dW\ndy = x*dt + sin(y)*dW", "diagonal", "SRIW1"),
        ("dx = -x*dt + x*y*dW1\ndy = x*dt + sin(y)*dW1", "scalar", "SRIW1"),
        ("dx = -x*dt + x*dW1 + x*dW2\ndy = x*dt + y*dW1", "commutative", "Milstein"),
        ("dx = dt + dW1\ndy = dt + x*dW2", "general", "Milstein"),
    ],
)
def test_the_default_follows_the_noise(text: str, kind: str, method: str) -> None:
    problem = symde.Problem(symde.ode_def(text), {"x": 1.0, "y": 1.0}, (0, 1))
    assert problem.system.noise.kind == kind
    assert symde.solve(problem, dt0=0.1, seed=1).method[0].name == method
    following = {"commutative": "SPaRK", "general": "SPaRK"}.get(kind, method)
    assert symde.solve(problem, rtol=0.1, seed=1).method[0].name == following


def test_every_method_says_what_it_is() -> None:
    for one in registry.methods():
        assert registry.get(one.name.lower()) is one and one.when_to_use.endswith(".")
        assert "doi" in one.citation and repr(one) == f"<NoiseMethod {one.name}>"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"SRIW1 keeps its step size: give dt0=..., such as dt0=0.001 for 1000 steps"),
        ({"dt0": 0.1, "dtmax": 1e-3}, "dtmax=0.001 belongs to ordinary differential equations"),
        ({"dt0": 0.1, "callback": print}, "callback=.* belongs to ordinary"),
        ({"dt0": 0.1, "method": "Tsit5"}, "'Tsit5' is a method for ordinary differential equations"),
        ({"dt0": 0.1, "method": "srk"}, "did you mean 'SRIW1'"),
        ({"dt0": 0.1, "method": "SRA1"}, "SRA1 is for additive noise, and this is scalar: use 'SRIW1'"),
        ({"dt0": 0.1, "max_steps": 5}, "takes 10 steps, and max_steps = 5"),
        ({"dt0": 0.1, "seed": -1}, "seed = -1"),
        ({"dt0": 0.1, "saveat": 0.5, "dense": True}, "leave out saveat"),
        ({"dt0": -0.1}, "dt0"),
        ({"dt0": 1e-300}, r"dt0 = 1e-300 takes 1e\+300 steps, more than can be counted"),
        ({"dt0": 1e-12}, r"each of 1e\+12 steps would be saved: give the times in saveat"),
        ({"dt0": 0.1, "progress": True}, "progress is shown of ensembles"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        symde.solve(growth(), **options)


def test_methods_for_noise_are_told_to_ordinary_equations() -> None:
    plain = symde.Problem("state x = 1\nx' = -x", tspan=(0, 1))
    with pytest.raises(ValueError, match="'sra1' is a method for equations with noise, .* has none"):
        symde.solve(plain, "sra1")


def test_what_knows_ordinary_equations_alone_refuses() -> None:
    for function in (symde.Integrator, symde.steady_state):
        with pytest.raises(ValueError, match="the problem has noise"):
            function(growth())
    with pytest.raises(ValueError, match="the model has noise"):
        growth(kind="ode")
    with pytest.raises(ValueError, match="knows nothing of noise"):
        growth(kind="jump")
    with pytest.raises(ValueError, match="kind='sde' means nothing"):
        symde.Problem("x' = -x", {"x": 1.0}, (0, 1), kind="sde")
    with pytest.raises(ValueError, match="noise comes as time goes on"):
        symde.solve(growth(tspan=(1, 0)), dt0=0.1)


def test_general_noise_is_refused_by_methods_for_less() -> None:
    problem = symde.Problem("dx = dt + dW1\ndy = dt + x*dW2", {"x": 1.0, "y": 1.0}, (0, 1))
    with pytest.raises(ValueError, match="and this is general: use 'Milstein'"):
        symde.solve(problem, "SRIW1", dt0=0.1)


def test_general_noise_that_is_not_smooth_takes_no_derivatives() -> None:
    text = "dx = dt + sqrt(y)*dW1\ndy = dt + x*dW2\ndom y >= 0"
    problem = symde.Problem(symde.ode_def(text), {"x": 1.0, "y": 1.0}, (0, 1))
    assert problem.system.noise.kind == "general"
    assert symde.solve(problem, dt0=0.1, seed=1).method[0].name == "EulerMaruyama"
    network = symde.ode_def("1, A --> B\n1, B --> C\n0.1, A + B --> C\nA(0) = 50; B(0) = 50; C(0) = 0")
    langevin = symde.Problem(network, tspan=(0, 0.1), kind="sde")
    assert symde.solve(langevin, dt0=0.01, seed=1).method[0].name == "EulerMaruyama"


def test_a_path_that_ends_early_says_where() -> None:
    problem = symde.Problem("dx = x^3*dt + 0.1*dW", {"x": 2.0}, (0, 10))
    with pytest.raises(
        SolveError, match="non_finite: the path is not finite, in the step from t = "
    ) as caught:
        symde.solve(problem, dt0=0.1, seed=1)
    solution = caught.value.solution
    assert solution.retcode is Retcode.NON_FINITE and np.isfinite(solution.u).all() and solution.t[-1] < 10
    with pytest.warns(RuntimeWarning, match="2 of 2 members failed"):
        result = symde.ensemble(problem, n=2, seed=1, dt0=0.1, saveat=[0.0, 10.0])
    assert np.isnan(result.u[:, 1]).all() and (result.u[:, 0] == 2.0).all()
