"""Textbook systems become what one derives by hand."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import symde
from symde.derive.reduction import solvable
from symde.language.syntax import Number
from symde.model.definition import State
from symde.model.evaluate import evaluate
from symde.model.events import At, Effect, ModelEvent
from tests.problems.implicit import pendulum_end

from .numbers import Point, index_one_matrix, solved

EXAMPLES = Path(__file__).parents[2] / "grammar" / "examples"


def example(name):
    return symde.load(EXAMPLES / f"{name}.symde").definition


def reduced(text):
    return solvable(symde.ode_def(text).definition)


def drawn(definition, seed=0):
    random = np.random.default_rng(seed)
    values = {name: random.uniform(0.2, 1.0) for name in definition.state_names}
    return values | {"t": random.uniform(0.2, 1.0)}


def test_the_pendulum_has_index_3():
    """d²/dt² of x² + y² = L², with x'' = -T x/m, y'' = -T y/m - g."""
    definition = solvable(example("pendulum_cartesian"))
    assert definition.state_names == ("x", "x'", "y", "y'", "T")
    assert [state.algebraic for state in definition.states] == [False] * 4 + [True]
    given = drawn(definition) | {"m": 1.3, "L": 0.7, "g": 9.81}
    x, u, y, v, tension = (given[name] for name in definition.state_names)
    m, length, g = given["m"], given["L"], given["g"]
    point = Point(definition, given)
    hidden = 2 * (u**2 + v**2) - 2 * tension * (x**2 + y**2) / m - 2 * y * g
    np.testing.assert_allclose(point.rhs(), [u, -tension * x, v, -tension * y - m * g, -hidden], rtol=1e-14)
    np.testing.assert_allclose(np.diag(point.mass()), [1, m, 1, m, 0])
    expected = [length**2 - x**2 - y**2, -2 * (x * u + y * v)]
    np.testing.assert_allclose(point.invariants(), expected, rtol=1e-14)
    energy = m * (u**2 + v**2) / 2 + m * g * y
    np.testing.assert_allclose(point.invariants(at_zero=False), [energy], rtol=1e-14)
    assert [(one.at_zero, one.projected, one.derivative) for one in definition.invariants] == [
        (False, False, 0), (True, True, 0), (True, True, 1)
    ]  # fmt: skip
    assert all(one.span.text == "x^2 + y^2 = L^2" for one in definition.invariants[1:])


def test_the_capacitor_loop_has_index_2():
    """v3' = U d/dt sin(2 pi f t) gives i3, and v1' + v2' = v3' the division of the currents."""
    definition = solvable(example("capacitor_loop"))
    assert [one.derivative for one in definition.invariants] == [0, 0]
    given = drawn(definition)
    point = Point(definition, given)
    v, c = point.values, {"1": 1e-6, "2": 2e-6, "3": 5e-7}
    slope = 5 * 2 * np.pi * 50 * np.cos(2 * np.pi * 50 * given["t"])
    rows = [value for value, one in zip(point.rhs(), definition.states, strict=True) if one.algebraic]
    expected = [
        v["i3"] / c["3"] - slope,
        v["i3"] / c["3"] - v["i1"] / c["1"] - v["i2"] / c["2"],
        1000 * v["iR"] - v["v2"],
    ]
    np.testing.assert_allclose(sorted(np.abs(rows)), sorted(np.abs(expected)), rtol=1e-13)
    assert {"i1", "i3"} <= set(definition.observable_names)
    assert np.linalg.matrix_rank(index_one_matrix(definition, given)) == len(definition.states)


def test_the_amplifier_has_index_1_with_three_dependent_rows():
    """Both nodes of a capacitor together: the current through it drops out (Kirchhoff)."""
    definition = solvable(example("transistor_amplifier"))
    assert definition.invariants == ()
    assert [state.name for state in definition.states if state.algebraic] == ["u2", "u5", "u8"]
    given = {f"u{k}": 3 + 0.01 * k for k in range(1, 9)} | {"t": 0.03}
    raw, point = Point(example("transistor_amplifier"), given), Point(definition, given)
    f = raw.rhs()
    expected = f.copy()
    expected[[1, 4, 7]] = f[1] + f[0], f[4] + f[3], f[7] + f[6]
    np.testing.assert_allclose(point.rhs(), expected, rtol=1e-12)
    assert np.linalg.matrix_rank(raw.mass()) == 5
    mass = raw.mass()
    mass[[1, 4, 7]] = 0
    np.testing.assert_array_equal(point.mass(), mass)


def test_robertson_and_akzo_nobel_are_ordinary_once_their_explicit_variable_is_observed():
    for name, variable in (("robertson_dae", "y3"), ("akzo_nobel", "y6")):
        definition = solvable(example(name))
        assert definition.mass is None and definition.invariants == ()
        assert variable in definition.observable_names and variable not in definition.state_names
    given = {"y1": 0.3, "y2": 1e-5, "t": 0.0}
    rober = Point(solvable(example("robertson_dae")), given)
    y1, y2, y3 = 0.3, 1e-5, 1 - 0.3 - 1e-5
    assert rober.values["y3"] == pytest.approx(y3, rel=1e-15)
    expected = [-0.04 * y1 + 1e4 * y2 * y3, 0.04 * y1 - 3e7 * y2**2 - 1e4 * y2 * y3]
    np.testing.assert_allclose(rober.rhs(), expected, rtol=1e-13)


def test_the_squeezer_has_index_3():
    """Six loops, each differentiated twice; accelerations and constraint forces are algebraic."""
    definition = solvable(example("squeezer"))
    assert [one.derivative for one in definition.invariants] == [0, 1] * 6
    algebraic = [state.name for state in definition.states if state.algebraic]
    assert sorted(algebraic) == sorted(
        ["β''", "Θ''", "Φ''", "δ''", "Ω''", "ε''", *(f"λ{k}" for k in range(1, 7))]
    )
    given = {state.name: evaluate(state.initial, {}) for state in definition.states} | {"t": 0.0}
    assert np.abs(Point(definition, given).invariants()).max() < 1e-15
    found = solved(definition, given)
    # the accelerations and forces at the start, Mazzia and Magherini (2008), Andrews' squeezing mechanism
    assert found["β''"] == pytest.approx(14222.4439199541138705911625887, rel=1e-6)
    assert found["Θ''"] == pytest.approx(-10666.8329399655854029433719415, rel=1e-6)
    assert found["λ1"] == pytest.approx(98.566870396241, rel=1e-6)
    assert found["λ2"] == pytest.approx(-6.12268834425566, rel=1e-6)
    for name in ("Φ''", "δ''", "Ω''", "ε''", "λ3", "λ4", "λ5", "λ6"):
        assert abs(found[name]) < 1e-4


def test_a_chain_of_derivatives_is_read_off_the_constraint():
    """a = g(t), b = a', c = b': index 3, and nothing is left to integrate."""
    definition = reduced("state a = 0, b = 0, c = 0\n0 = a^3 + a - sin(t)\n0 = b - a'\n0 = c - b'")
    t, a = 0.4, 0.3
    b = np.cos(t) / (3 * a**2 + 1)
    c = (-np.sin(t) - 6 * a * b**2) / (3 * a**2 + 1)
    point = Point(definition, {"a": a, "b": b, "c": c, "t": t})
    np.testing.assert_allclose(point.rhs(), [b, c, 0], atol=1e-15)
    np.testing.assert_allclose(point.invariants(), [a**3 + a - np.sin(t), 0], atol=1e-15)


def test_a_variable_that_must_be_differentiated_is_still_solved_for():
    """z and x are fixed by two equations: one stays z's own, and q follows from their derivatives."""
    definition = reduced("state x = 1, z = 5, q = 7\nx' = q\n0 = z^3 + z + x - t\n0 = z - exp(x) + z^2")
    by_name = {state.name: state for state in definition.states}
    assert [name for name, state in by_name.items() if state.algebraic] == ["z", "z'", "q"]
    x, z, slope, q = 0.3, 0.4, 0.5, 0.6
    point = Point(definition, {"x": x, "z": z, "z'": slope, "q": q, "t": 0.2})
    rows = {state.name: value for state, value in zip(definition.states, point.rhs(), strict=True)}
    first, second = (3 * z**2 + 1) * slope + q - 1, slope - np.exp(x) * q + 2 * z * slope
    assert sorted([rows["z'"], rows["q"]]) == pytest.approx(sorted([first, second]), rel=1e-14)
    assert rows["x"] == q
    constraints = [z**3 + z + x - 0.2, z - np.exp(x) + z**2]
    np.testing.assert_allclose(point.invariants(), constraints, rtol=1e-14)
    assert any(rows["z"] == pytest.approx(one, rel=1e-14) for one in constraints)


def test_events_may_set_states_and_no_algebraic_variables():
    definition = symde.ode_def("state x = 1, z = 1\nx' = -z\n0 = z^3 + z - x").definition
    zero = Number(0, "0", span=None)

    def setting(name):
        return dataclasses.replace(definition, events=(ModelEvent("e", At((zero,)), (Effect(name, zero),)),))

    assert solvable(setting("x")).events == setting("x").events
    with pytest.raises(symde.ModelError, match="an event cannot set `z`"):
        solvable(setting("z"))
    definition = symde.ode_def("param C = 1\nstate x = 1, y = 0\nC*(x' - y') = -x\ny' + x' = y").definition
    with pytest.raises(symde.ModelError, match="cannot set `C`(?s:.*)divide the equation"):
        solvable(setting("C"))


def test_discrete_variables_have_their_own_rows():
    """They join a model after its mass matrix is made."""
    definition = symde.ode_def("state x = 1, z = 1\nx' = -z\n0 = z^3 + z - x").definition
    zero = Number(0, "0", span=None)
    larger = dataclasses.replace(
        definition, states=(*definition.states, State("m", zero, zero, discrete=True))
    )
    for one in (larger, solvable(larger)):
        assert [state.algebraic for state in one.states] == [False, True, False]
        point = Point(one, {"x": 0.5, "z": 0.4, "m": 2.0, "t": 0.0})
        np.testing.assert_array_equal(point.mass(), np.diag([1.0, 0.0, 1.0]))


def test_what_a_differentiated_constraint_gives_outright_is_observed():
    """w - x = 0 with w' = z and x' = q gives z = q, and leaves one constraint."""
    definition = reduced("state x = 1, w = 1, z = 5, q = 7\nx' = q\nw' = z\n0 = w - x\n0 = z^3 + x - t")
    assert [one.derivative for one in definition.invariants] == [0]
    point = Point(definition, {"x": 0.3, "w": 0.3, "z": 0.5, "q": 0.5, "t": 0.2})
    assert point.values["z"] == point.values["q"] == 0.5


def test_a_hamiltonian_with_a_constraint_has_its_multiplier_determined():
    """H = |p|^2/2 + g y + l (x^2 + y^2 - 1)/2 and the constraint: Lagrange's equations of the first kind."""
    text = """
    model Constrained
      const g = 9.81
      state x = 1, y = 0, px = 0, py = 0, l = 0
      hamiltonian H = (px^2 + py^2)/2 + g*y + l*(x^2 + y^2 - 1)/2 for (x, px), (y, py)
      x^2 + y^2 = 1
      time 0 .. 2
    end
    """
    model = symde.ode_def(text)
    assert symde.ode_def(model.text()) == model
    solution = symde.solve(symde.Problem(model), rtol=1e-10, atol=1e-10)
    end = pendulum_end(2.0)
    found = [solution[name][-1] for name in ("x", "y", "px", "py", "l")]
    np.testing.assert_allclose(found, [end[name] for name in ("x", "y", "x'", "y'", "T")], rtol=1e-7)
