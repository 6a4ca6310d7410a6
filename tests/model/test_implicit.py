"""Implicit equations in models: what they determine, what they become, and that nothing of them is lost."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import sympy

import symde
from symde.language import parse, unparse
from symde.model.bind import bound
from symde.model.check import check
from symde.model.integrals import with_integrals
from symde.model.ode_def import ode_def

EXAMPLES = sorted((Path(__file__).parents[2] / "grammar" / "examples").glob("*.symde"))
AMPLIFIER = "model A\nparam C = 2, R = 3\nstate u = 1, v = 0\nC*(u' - v') = -u/R\nC*(v' - u') + v' = v\nend"


def rows(model):
    """Each row as (name, whether algebraic, {column: entry}, right side) in text."""
    definition = model.definition
    entries = {index: {} for index in range(len(definition.states))}
    for one in definition.mass or ():
        entries[one.row][definition.state_names[one.column]] = unparse(one.value)
    return [
        (state.name, state.algebraic, entries[index], unparse(state.derivative))
        for index, state in enumerate(definition.states)
    ]


def test_equations_without_derivatives_are_rows_of_their_algebraic_variables():
    model = ode_def("state x = 1, z = 0, w = 0\nx' = -z\nw + z = x\n0 = w^3 - x")
    assert rows(model) == [
        ("x", False, {"x": "1"}, "-z"),
        ("z", True, {}, "x - (w + z)"),
        ("w", True, {}, "w^3 - x"),
    ]


def test_derivatives_with_fixed_factors_are_entries_of_the_mass_matrix():
    assert rows(ode_def(AMPLIFIER)) == [
        ("u", False, {"u": "C", "v": "-C"}, "-u/R"),
        ("v", False, {"u": "-C", "v": "C + 1"}, "v"),
    ]
    assert rows(ode_def("const c = 2\nparam k = 1\nstate x = 1\n0 = 3*x - c/k*x' - sin(k)*x'")) == [
        ("x", False, {"x": "c/k + sin(k)"}, "3*x")
    ]


@pytest.mark.parametrize("factor", ["x", "t", "sqrt(1 + x)", "a", "f(2)"])
def test_a_derivative_with_another_factor_is_an_algebraic_variable(factor):
    model = ode_def(f"f(z) = z*x\na = 1 + x\nparam k = 1\nstate x = 1\n(1 + {factor})*x' = k")
    assert [row[:3] for row in rows(model)] == [("x", False, {"x": "1"}), ("x'", True, {})]


@pytest.mark.parametrize("equation", ["0 = x'^2 - x", "0 = sin(x') - x/2", "0 = 1/x' - 1", "x'*x' = x"])
def test_a_derivative_in_which_an_equation_is_not_linear_is_one_too(equation):
    assert [row[:3] for row in rows(ode_def(f"state x = 1\n{equation}"))] == [
        ("x", False, {"x": "1"}),
        ("x'", True, {}),
    ]


def test_so_is_a_derivative_that_something_else_reads():
    model = ode_def("state x = 1, y = 2\nparam C = 1\nC*x' + y = 1\ni = C*x'\ny' = x'")
    assert [row[0] for row in rows(model)] == ["x", "x'", "y"]
    assert model.observable_names == ("i",)
    dotted = ode_def("state x = 1, y = 2\nparam C = 1\nC*x' + y = 1\ni = C*dx\ny' = D(x)")
    assert [row[0] for row in rows(dotted)] == ["x", "x'", "y"]


def test_so_is_one_that_a_conserved_quantity_reads():
    model = ode_def("state x = 1, y = 0\nparam C = 2\nC*x' = -y\ny' = x\nconserved C*x'^2 + y'^2*C/C^2")
    assert [row[0] for row in rows(model)] == ["x", "x'", "y"]


def test_equations_of_second_order_have_the_velocity_as_a_state():
    model = ode_def("state x = 1, y = 0\nx'(0) = 2\nparam m = 2\nm*x'' + x' = -y\n0 = y - x^3")
    assert rows(model) == [
        ("x", False, {"x": "1"}, "x'"),
        ("x'", False, {"x'": "m"}, "-y - x'"),
        ("y", True, {}, "y - x^3"),
    ]
    assert unparse(model.definition.states[1].initial) == "2"


def test_all_spellings_of_a_derivative_mean_the_same():
    models = [ode_def(f"state x = 1, y = 2\n2*{x} + {y} = x\n{x} - {y} = y") for x, y in (
        ("x'", "y'"), ("dx", "dy"), ("D(x)", "D(y)"))]  # fmt: skip
    assert models[0] == models[1] == models[2]


def test_what_is_primed_in_the_short_form_is_a_state():
    model = ode_def("@ode_def M begin\nC*x' - y = 0\n(dy) = -x\nend C")
    assert model.state_names == ("x", "y") and model.parameter_names == ("C",)


def test_an_explicit_equation_owns_its_derivative():
    """x' in the implicit equation is what the explicit one says."""
    model = ode_def("state x = 1, z = 0\nx' = -x\n0 = z - 2*x'")
    assert rows(model)[1] == ("z", True, {}, "z - 2*x'")
    values = {str(name): value for name, value in model.observable_values().items()}
    assert values["x'"] == -sympy.Symbol("x", real=True)


def test_a_function_says_the_same_as_a_text():
    @symde.ode_def
    def model(u=1.0, v=0.0, z=0.0, *, C=2.0):
        2 * D(u) - C * D(v) == -u  # noqa: B015, F821
        D(u) + D(v) == z  # noqa: B015, F821
        0 == z - u**2  # noqa: B015

    equations = "2*u' - C*v' = -u\nu' + v' = z\n0 = z - u^2"
    text = ode_def(f"model model\nstate u = 1, v = 0, z = 0\nparam C = 2\n{equations}\nend")
    assert text == model


def test_sympy_shows_the_rows():
    model = ode_def("param C = 1\nstate x = 1, y = 0, z = 0\nC*(x' - y') = -x\ny' = z\n0 = z - x*y")
    x, y, z, C = sympy.symbols("x y z C", real=True)
    assert model.mass_matrix() == sympy.Matrix([[C, 0, 0], [0, 1, 0], [0, 0, 0]])
    model = ode_def("param C = 1\nstate x = 1, y = 0, z = 0\nC*(x' - y') = -x\n2*y' = z\n0 = z - x*y")
    assert model.mass_matrix() == sympy.Matrix([[C, -C, 0], [0, 2, 0], [0, 0, 0]])
    assert model.rhs() == sympy.Matrix([-x, z, z - x * y])
    t = sympy.Symbol("t", real=True)
    left = C * sympy.Derivative(x, t, evaluate=False) - C * sympy.Derivative(y, t, evaluate=False)
    assert model.equations[0].lhs == left and model.equations[2].lhs == 0
    assert ode_def("x' = -x").mass_matrix() == sympy.eye(1)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_text_pickles_and_hashes_keep_everything(file):
    for block in parse(file.read_text(encoding="utf-8")):
        model = symde.load(file, name=block.name.id if block.name is not None else None)
        again = ode_def(model.text())
        assert again == model and hash(again) == hash(model) and again.text() == model.text()
        assert pickle.loads(pickle.dumps(model)) == model


def test_models_differ_by_factors_and_by_conserved_quantities():
    first = ode_def(AMPLIFIER)
    assert first != ode_def(AMPLIFIER.replace("+ v' = v", "+ 2*v' = v"))
    assert first != ode_def(AMPLIFIER.replace("end", "conserved u\nend"))
    lines = AMPLIFIER.splitlines()
    lines[3], lines[4] = lines[4], lines[3]
    assert first == ode_def("\n".join(lines))  # in any order


def test_a_conserved_quantity_is_an_invariant_that_nothing_is_projected_to():
    model = ode_def(
        "state x = 1, v = 0\nx' = v\nv' = -x\ne = (x^2 + v^2)/2\nconserved e\nconserved x^2 + v^2"
    )
    found = model.definition.invariants
    assert [(unparse(one.value), one.at_zero, one.projected) for one in found] == [
        ("e", False, False), ("x^2 + v^2", False, False)
    ]  # fmt: skip
    assert found[1].span.text == "conserved x^2 + v^2"
    assert "conserved = 2" in ode_def("conserved = 2*x\nx' = -x*conserved").text()


def test_integrals_have_rows_of_their_own():
    model = ode_def("state x = 1, z = 0\nx' = -z\n0 = z^3 + z - x")
    larger = with_integrals(model.definition, {"q": "z^2", "r": "x'"})
    assert larger.state_names == ("x", "z", "q", "r")
    assert {(one.row, one.column) for one in larger.mass} == {(0, 0), (2, 2), (3, 3)}
    assert unparse(larger.states[3].derivative) == "-z"
    with pytest.raises(ValueError, match="implicit equations determine it"):
        with_integrals(model.definition, {"q": "z'"})


def test_networks_keep_the_rows():
    model = ode_def("extern net(x) -> 1\nstate x = 1, z = 0\nx' = -z\n0 = z^3 + z - net(x)\nconserved x")
    definition = bound(model.definition, {"net": symde.Network([symde.Dense(1, 1)])})
    assert definition.mass == model.definition.mass and definition.invariants == model.definition.invariants


def test_a_variable_without_guess_is_told_as_one():
    warnings = {one.code: one for one in check(ode_def("state x = 1, z\nx' = -z\n0 = z^3 + z - x"))}
    assert "algebraic variable `z` has no guess" in warnings["W107"].message
    assert "W103" not in {one.code for one in check(ode_def("state x = 1, z = 1\nx' = -z\n0 = z*(x - x)"))}


def test_many_equations_are_read_in_reasonable_work():
    """A chain of 300 loops: matchings and structure stay near linear."""
    n = 300
    text = "state " + ", ".join(f"z{k} = 0" for k in range(n)) + "\nstate x = 1\nx' = -z0\n"
    text += "\n".join(f"0 = z{k}^3 + z{k} - {'x' if k == n - 1 else f'z{k + 1}'}" for k in range(n))
    model = ode_def(text)
    assert [row[3] for row in rows(model)[:2]] == ["z0^3 + z0 - z1", "z1^3 + z1 - z2"]
    assert np.count_nonzero(model.sparsity()) == 2 * n + 1
