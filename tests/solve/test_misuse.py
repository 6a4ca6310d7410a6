"""What careless calls do: nothing silently wrong, and every refusal says what to do instead."""

import dataclasses
import importlib
import pathlib
import re
import sys
import warnings

import numpy as np
import pytest

import symde
from symde.engine.cpu import build
from symde.engine.methods import registry
from symde.model import split

MODEL = symde.ode_def(
    "model Decay\n param k = 1\n state x = k, y = 2\n time 0 .. 1\n x' = -k*x\n y' = -y + x\nend"
)
PROBLEM = symde.Problem(MODEL)
# methods for any equation, by whose errors steps are chosen
GENERAL = [one.name for one in registry.methods() if one.adaptive and not one.name.startswith("DPRKN")]
GROWTH = symde.Problem("y' = y^2", [1.0], (0, 2))


@pytest.mark.parametrize("name", ["u0", "tspan", "p", "model", "system"])
def test_a_problem_is_changed_by_remake_only(name):
    """An assigned parameter would be used by solve and forgotten by remake, and values made of it kept."""
    with pytest.raises(AttributeError, match="remake" if name in ("u0", "tspan", "p") else "make another"):
        setattr(PROBLEM, name, getattr(PROBLEM, name))


def test_a_problem_does_not_follow_the_callers_span():
    span = [0.0, 1.0]
    problem = symde.Problem(MODEL, tspan=span)
    span[1] = 5.0
    assert symde.remake(problem, p=[2.0]).tspan == (0.0, 1.0)
    assert symde.remake(symde.Problem(MODEL, tspan=iter((0, 2))), p=[2.0]).tspan == (0.0, 2.0)


def test_a_function_of_p_that_forgets_its_return_is_told():
    """None given means the model's own values; None returned means a mistake."""
    for what in ("u0", "tspan"):
        with pytest.raises(TypeError, match=f"{what} as a function of p returned None"):
            symde.Problem(MODEL, **{what: lambda p: None})
        with pytest.raises(TypeError, match=re.escape(f"{what}(p)")):
            symde.remake(PROBLEM, **{what: lambda: (0, 1)})


def test_a_name_given_twice_is_refused():
    import sympy

    with pytest.raises(ValueError, match="`x` is given twice"):
        symde.Problem(MODEL, u0={"x": 1, sympy.Symbol("x"): 2})


def test_values_that_can_be_read_only_once_are_refused():
    for refused in (
        lambda: symde.Problem(MODEL, u0=(one for one in (1, 2))),
        lambda: symde.solve(PROBLEM, saveat=(one for one in (0.1, 0.2))),
    ):
        with pytest.raises(TypeError, match=r"write list\(\.\.\.\) around it"):
            refused()


def test_the_name_of_a_file_is_no_model():
    for call in (symde.ode_def, symde.Problem):
        with pytest.raises(ValueError, match=r"symde\.load\('examples/rober\.symde'\)"):
            call("examples/rober.symde")
        with pytest.raises(TypeError, match=r"symde\.load\(path\)"):
            call(pathlib.Path("examples/rober.symde"))


def test_a_spacing_that_would_fill_the_memory_is_refused():
    """A process that asked for 10^9 points was ended by the system."""
    with pytest.raises(ValueError, match="larger spacing"):
        symde.solve(PROBLEM, saveat=1e-9)


def test_a_time_just_outside_the_span_is_told_with_all_its_digits():
    with pytest.raises(ValueError, match=re.escape("1.0000000000000002, outside")):
        symde.solve(PROBLEM, saveat=[1.0000000000000002])


@pytest.mark.parametrize("value", ["no", [], np.array([1, 2])])
def test_dense_is_a_truth_value(value):
    with pytest.raises(TypeError, match="dense must be True or False"):
        symde.solve(PROBLEM, dense=value)


def test_a_class_is_no_method():
    with pytest.raises(TypeError, match="found the class ExplicitTableau"):
        symde.solve(PROBLEM, type(registry.get("Tsit5")))


@pytest.mark.parametrize("order", [0, -1, 2.5, 100])
@pytest.mark.parametrize("name", ["Tsit5", "ROCK4", "Rodas5P", "KenCarp4", "GaussLegendre4"])
def test_an_order_that_cannot_be_proved_is_refused_at_once(name, order):
    """The trees of order 100 would be written out for ever."""
    with pytest.raises((ValueError, TypeError)):
        dataclasses.replace(registry.get(name), order=order)


def test_an_order_of_a_nystrom_method_that_cannot_be_proved_is_refused_at_once():
    with pytest.raises(ValueError, match="orders 1 to"):
        dataclasses.replace(registry.get("DPRKN6"), order=100)


def test_method_objects_made_for_each_solve_do_not_fill_the_memory():
    problem = symde.Problem(MODEL)
    for _ in range(100):
        symde.solve(problem, dataclasses.replace(registry.get("Euler")), dt0=0.5)
    assert len(problem.system.sessions) <= 64


def _takes_all(u, p, t):
    if u[0] > 1e9:  # called back, not traced
        return u
    slope = -u
    u[:] = 0.0
    return slope


def test_the_parts_of_a_split_function_do_not_see_each_others_changes():
    parts = symde.SplitFunction(_takes_all, lambda u, p, t: -u)
    problem = symde.Problem(parts, [1.0], (0, 1))
    for method in ("Tsit5", "KenCarp4", None):
        # u' = -2u
        assert symde.solve(problem, method).u[-1, 0] == pytest.approx(np.exp(-2), rel=1e-4)


@pytest.mark.parametrize("method", ["Tsit5", "KenCarp4"])
def test_a_part_of_another_shape_is_not_stretched(method):
    parts = symde.SplitFunction(_takes_all, lambda u, p, t: 1.0)
    with pytest.raises(ValueError, match="expected"):
        symde.solve(symde.Problem(parts, [1.0, 2.0], (0, 1)), method)


def test_a_preconditioner_of_complex_values_is_refused():
    with pytest.raises(TypeError, match="complex"):
        symde.solve(
            PROBLEM, "Rodas5P", linear_solver="krylov", preconditioner=lambda t, u, shift: lambda r: r * 1j
        )


def test_nothing_is_warned_of_that_the_user_did_not_do():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # near 1.8e308 the explanation of the failure leaves float64
        assert not symde.solve(symde.Problem("x' = x", [1.0], (0, 1000)), throw=False).success
        # the points at which a traced function is tried are symde's own
        assert symde.solve(symde.Problem(lambda u, p, t: [-((u[0] - 1) ** 0.5)], [2.0], (0, 0.1))).success


@pytest.mark.parametrize("name", GENERAL)
def test_stepping_goes_on_from_another_state_after_a_failure(name):
    integrator = symde.Integrator(GROWTH, name)
    with pytest.raises(symde.SolveError):
        integrator.advance(1.5)
    start = integrator.t
    integrator.set_u([0.1])
    # u = 1/(10 - t), counted from there; ten times what the loosest of the methods makes of rtol = 1e-6
    assert integrator.advance(2.0)[0] == pytest.approx(1 / (10 - (2 - start)), rel=2e-4)


def test_a_solution_in_the_midst_of_stepping_does_not_claim_the_end():
    integrator = symde.Integrator(PROBLEM)
    assert integrator.solution().message == "stepped to t = 0 of 1"
    integrator.advance(1.0)
    assert "end of its span" in integrator.solution().message


def test_a_long_model_is_read_in_proportion_to_its_length(monkeypatch):
    """Each equation was held against all before it: 10^4 lines took minutes."""
    compared = []
    monkeypatch.setattr(split, "_are_two_parts", lambda one, other: bool(compared.append(one)))
    symde.ode_def("\n".join(f"x{i}' = -x{i}" for i in range(300)))
    assert len(compared) <= 300


def test_ctrl_c_during_the_import_of_numba_leaves_no_half_of_it(monkeypatch):
    """What is left in `sys.modules` would make every later solve of the process fail."""

    def interrupted(name):
        monkeypatch.setitem(sys.modules, f"{name}.half_read", sys)
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib, "import_module", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build._numba()
    assert "numba.half_read" not in sys.modules
