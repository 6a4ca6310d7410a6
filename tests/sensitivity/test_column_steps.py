"""Whole steps and interpolants of states with columns as kernels: they are those of the general step."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.codegen import columns
from symde.engine.methods import registry

from .forward_models import HIRES, SEASONS, relative_error

EXPLICIT = [one.name for one in registry.methods() if one.family in ("explicit", "explicit_two_estimates")]
TIMES = np.linspace(0.05, 1.0, 40)
"""Several times in a step, none in some, and none where a step ends but the last."""


def solved(text, method, wrt, **options):
    """Sensitivities, and their problem."""
    problem = symde.Problem(symde.ode_def(text), tspan=(0.0, 1.0))
    fixed = {} if registry.get(method).adaptive else {"dt0": 0.01}
    return symde.sensitivities(problem, method, wrt=wrt, saveat=TIMES, **fixed, **options), problem


def both(monkeypatch, text, method, wrt, **options):
    """The sensitivities by kernels, and without them."""
    # models of two names, since what is compiled is remembered with its text
    name = f"{method}{len(wrt)}"
    by_kernels, problem = solved(text.replace("model ", f"model K{name}", 1), method, wrt, **options)
    (system,) = problem.system.augmented.values()
    ((session,),) = system.sessions.values()
    assert session._slots[0].step and session._slots[0].interpolant
    for kernel in ("column_step", "column_interpolant"):
        monkeypatch.setattr(columns, kernel, lambda *given: None)
    general, problem = solved(text.replace("model ", f"model G{name}", 1), method, wrt, **options)
    (system,) = problem.system.augmented.values()
    ((session,),) = system.sessions.values()
    assert not session._slots[0].step and not session._slots[0].interpolant
    return by_kernels, general


def assert_same(found, expected):
    # sums are in another order, and estimates of the error, differences of nearly equal ones, round by 1e-10:
    # the steps move by as much, where a wrong coefficient would change the result by the tolerance of 1e-6
    assert relative_error(found.u, expected.u) <= 1e-10
    for one, other in ((found.dp, expected.dp), (found.du0, expected.du0)):
        assert one.shape == other.shape
        assert not one.size or relative_error(one, other) <= 1e-9
    work, other = found.solution.stats, expected.solution.stats
    assert (work.accepted, work.rejected) == (other.accepted, other.rejected)
    assert work.evaluations == other.evaluations


@pytest.mark.parametrize("method", EXPLICIT)
def test_kernels_do_what_the_general_step_does(monkeypatch, method):
    assert_same(*both(monkeypatch, SEASONS, method, ("p", "u0")))


@pytest.mark.parametrize("count", range(1, 10))
def test_any_number_of_columns(monkeypatch, count):
    """One and two lanes, groups of four, and groups with places left over."""
    names = tuple(f"k{j + 1}" for j in range(count))
    assert_same(*both(monkeypatch, HIRES, "Vern7", names, rtol=1e-4))


def test_more_columns_than_the_stack_is_for_are_left_to_the_general_step(monkeypatch):
    monkeypatch.setattr("symde.codegen.column_steps.STACK_LIMIT", 8)
    _, problem = solved(SEASONS.replace("model ", "model L", 1), "Vern7", "p")
    (system,) = problem.system.augmented.values()
    ((session,),) = system.sessions.values()
    assert not session._slots[0].step and not session._slots[0].interpolant


def test_a_value_that_is_not_finite_stays_so():
    """x leaves where it has a logarithm: the solve says so, and nothing hides it."""
    text = "model Out\n  param k = 1\n  state x = 1\n  time 0 .. 5\n  dx = -k + 0*log(x)\nend\n"
    problem = symde.Problem(symde.ode_def(text))
    with pytest.raises(symde.SolveError, match="not finite|step_too_small|non_finite"):
        symde.sensitivities(problem, "Vern7", wrt="p", saveat=[5.0])
