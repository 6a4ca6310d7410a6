"""Every way to ask for derivatives of paths with jumps tells that, and why, there are none."""

from __future__ import annotations

import numpy as np
import pytest

import symde

DATA = np.array([1.0, 2.0]), np.ones(2)
PROBLEMS = {
    "beside": "param b = 2\nstate g = 0, x = 0\ntime 0 .. 5\ndx = b*g - x\njump 0.5*(1 - g): g = 1",
    "alone": "param k = 0.5\nstate n = 0\ntime 0 .. 5\njump k: n += 1",
    "reactions": "param k = 0.5\nstate X = 3\ntime 0 .. 5\nk, X --> 0",
    "noise": "param k = 0.5\nstate x = 3\ntime 0 .. 5\ndx = -x*dt + dW\njump k*(1 + x^2): x = 1",
}
OPTIONS: list[dict] = [{}, {"seed": 1}, {"seed": 1, "dt0": 0.1}]


def loss(u: np.ndarray):
    return u.sum(), np.ones_like(u)


def problem_of(name: str) -> symde.Problem:
    kind = "jump" if name == "reactions" else None
    return symde.Problem(symde.ode_def(PROBLEMS[name]), kind=kind)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", PROBLEMS)
def test_derivatives_are_refused_with_the_remedy(name: str, options: dict) -> None:
    problem = problem_of(name)
    given = {"dt0": 0.1} | options if name == "noise" else options  # which has no path without
    ways = [
        lambda: symde.value_and_grad(loss, problem, **given),
        lambda: symde.sensitivities(problem, **given),
    ]
    if name == "noise" or "seed" not in given:
        ways.append(lambda: symde.fit(problem, DATA, **given))
    for ask in ways:
        with pytest.raises(ValueError, match="differences .*between ensembles of one seed"):
            ask()


@pytest.mark.parametrize("name", PROBLEMS)
def test_second_derivatives_are_refused(name: str) -> None:
    for ask in (symde.hessian, lambda *given: symde.hessian_vector_product(*given, np.ones(1))):
        with pytest.raises(ValueError, match="of one seed|with one seed"):
            ask(loss, problem_of(name))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", [one for one in PROBLEMS if one != "noise"])
def test_torch_is_refused(name: str, options: dict) -> None:
    layers = pytest.importorskip("symde.layers")
    for backend in (None, "cpu", "torch"):
        with pytest.raises(ValueError, match="differences between ensembles of one seed|as a jump process"):
            layers.diffeq(None, problem_of(name), backend=backend, **options)
