"""Every mistake in a call is told: what was expected, what was found, the nearest name."""

import re

import numpy as np
import pytest

import symde

DECAY = symde.ode_def("""
model Decay
  param rate = 2 nominal 1
  state mass = 3, age = 0
  time 0 .. 1
  mass' = -rate*mass
  age' = 1
  half = mass/2
end
""")


def problem(**changes):
    return symde.Problem(DECAY, **changes)


PROBLEMS = {
    "unknown parameter": (dict(p={"rat": 1}), ValueError, "unknown parameter `rat`; did you mean `rate`"),
    "unknown state": (dict(u0={"mas": 1}), ValueError, "unknown state `mas`; did you mean `mass`"),
    "too few states": (dict(u0=[1.0]), ValueError, "expected 2 values of states (mass, age), found 1"),
    "too many parameters": (dict(p=[1, 2]), ValueError, "expected 1 values of parameters (rate), found 2"),
    "matrix of states": (dict(u0=[[1.0, 2.0]]), ValueError, "one-dimensional"),
    "NaN state": (dict(u0=[np.nan, 0]), ValueError, "state `mass` is nan: it must be finite"),
    "infinite parameter": (dict(p={"rate": np.inf}), ValueError, "parameter `rate` is inf"),
    "complex parameter": (dict(p={"rate": 1j}), TypeError, "complex"),
    "text for a parameter": (dict(p={"rate": "2"}), TypeError, "must be a number, found '2'"),
    "text for parameters": (dict(p="rate=2"), TypeError, "sequence or a mapping"),
    "None for a state": (dict(u0=[None, 1]), TypeError, "must be a number, found None"),
    "empty span": (dict(tspan=(1, 1)), ValueError, "tspan is empty"),
    "span of three": (dict(tspan=(0, 1, 2)), ValueError, "two times"),
    "number for a span": (dict(tspan=5), ValueError, "two times"),
    "NaN span": (dict(tspan=(0, np.nan)), ValueError, "tspan[1] is nan"),
    "complex span": (dict(tspan=(0, 1j)), TypeError, "complex"),
    "history": (dict(history=lambda t: 1), ValueError, "delay equations"),
    "unknown kind": (dict(kind="pde"), ValueError, "unknown kind 'pde'"),
    "noise without any": (dict(kind="sde"), ValueError, "no noise and no reactions"),
    "jumps without any": (dict(kind="jump"), ValueError, "no reactions and no jumps"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_mistaken_problem_says_what_is_wrong(name):
    changes, kind, words = PROBLEMS[name]
    with pytest.raises(kind, match=re.escape(words)):
        problem(**changes)


SOLVES = {
    "unknown method": (dict(method="rodas5"), ValueError, "Rodas5P"),
    "number as method": (dict(method=3), TypeError, "method must be a name"),
    "negative rtol": (dict(rtol=-1e-3), ValueError, "rtol"),
    "zero tolerances": (dict(rtol=0, atol=0), ValueError, "both zero"),
    "tiny rtol": (dict(rtol=1e-17), ValueError, "rtol"),
    "NaN rtol": (dict(rtol=np.nan), ValueError, "rtol is nan"),
    "text rtol": (dict(rtol="small"), TypeError, "rtol must be a number"),
    "negative atol": (dict(atol=-1), ValueError, "negative"),
    "atol of wrong length": (dict(atol=[1e-6]), ValueError, "expected 2 values"),
    "atol by unknown name": (dict(atol={"mss": 1}), ValueError, "did you mean `mass`"),
    "NaN atol": (dict(atol=np.nan), ValueError, "atol is nan"),
    "saveat outside": (dict(saveat=[0.5, 2.0]), ValueError, "outside the span"),
    "saveat descending": (dict(saveat=[0.5, 0.2]), ValueError, "order of integration"),
    "saveat NaN": (dict(saveat=[0.5, np.nan]), ValueError, "saveat[1] is not finite"),
    "saveat zero": (dict(saveat=0.0), ValueError, "must be positive"),
    "saveat negative": (dict(saveat=-0.1), ValueError, "must be positive"),
    "saveat empty": (dict(saveat=[]), ValueError, "non-empty"),
    "saveat far too fine": (dict(saveat=1e-12), ValueError, "larger spacing"),
    "saveat text": (dict(saveat=["a"]), TypeError, "saveat"),
    "negative dt0": (dict(dt0=-0.1), ValueError, "dt0"),
    "zero dtmax": (dict(dtmax=0), ValueError, "dtmax"),
    "no steps": (dict(max_steps=0), ValueError, "max_steps"),
    "half a step": (dict(max_steps=1.5), ValueError, "whole number"),
    "fixed step without its size": (dict(method="RK4"), ValueError, "dt0"),
    "unknown backend": (dict(backend="gpu"), ValueError, "unknown backend"),
    "events": (dict(events=[1]), TypeError, "events must be symde.Event, found 1"),
    "seed": (dict(seed=3), ValueError, "seed belongs to jump processes"),
    "Julia's tolerance": (dict(reltol=1e-3), TypeError, "solve has no option `reltol`: did you mean `rtol`?"),
    "SciPy's times": (dict(t_eval=[1.0]), TypeError, "did you mean `saveat`?"),
    "misspelled option": (dict(save_at=0.1), TypeError, "did you mean `saveat`?"),
    "no option": (dict(xyz=1), TypeError, "solve has no option `xyz`: there are method, rtol, "),
}


@pytest.mark.parametrize("name", SOLVES)
def test_a_mistaken_solve_says_what_is_wrong(name):
    options, kind, words = SOLVES[name]
    with pytest.raises(kind, match=re.escape(words)):
        symde.solve(problem(), **options)


def test_solving_a_model_says_to_make_a_problem():
    with pytest.raises(TypeError, match=r"symde\.Problem\(model"):
        symde.solve(DECAY)


def test_a_problem_of_a_number_is_refused():
    with pytest.raises(TypeError, match="expected a model"):
        symde.Problem(42)


def test_a_missing_value_is_named_with_its_remedy():
    model = symde.ode_def("model M\n param a\n state x\n x' = a*x\nend")
    with pytest.raises(ValueError, match=r"no value for parameter `a`: give p="):
        symde.Problem(model, u0=[1.0], tspan=(0, 1))
    with pytest.raises(ValueError, match=r"no value for state `x`: give u0="):
        symde.Problem(model, p=[1.0], tspan=(0, 1))
    with pytest.raises(ValueError, match="no time span"):
        symde.Problem(model, u0=[1.0], p=[1.0])


def test_quantities_of_a_solution_are_found_by_name_or_suggested():
    solution = symde.solve(problem(), saveat=[0.5, 1.0])
    assert solution["mass"].shape == (2,)
    np.testing.assert_allclose(solution["half"], solution["mass"] / 2)
    np.testing.assert_array_equal(solution["rate"], [2.0, 2.0])
    with pytest.raises(ValueError, match="did you mean `mass`"):
        solution["mas"]


def test_a_solution_of_points_refuses_to_be_evaluated_between_them():
    solution = symde.solve(problem(), saveat=0.5)
    with pytest.raises(ValueError, match="dense=True"):
        solution(0.3)


def test_a_continuous_solution_ends_where_the_span_ends():
    solution = symde.solve(problem())
    with pytest.raises(ValueError, match="outside the solution"):
        solution(1.5)
    assert solution(0.25).shape == (2,)
    assert solution([0.25, 0.5, 1.0]).shape == (3, 2)
    assert solution([0.25, 0.5], "half").shape == (2,)
    assert solution(0.25, ["age", "half"]).shape == (2,)
