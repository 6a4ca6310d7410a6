"""Random systems with a known solution: what is derived from them holds on it, and has index 1."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import symde
from symde.derive.reduction import solvable
from symde.derive.system import Incidence, system_of

from .numbers import Point

MANY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
"""Some systems are thrown away; what is left is enough."""


@st.composite
def systems(draw):
    """Texts of systems in x0, x1, ... that are solved by x_j = sin(w_j t + j), and the frequencies w_j.

    Each equation is a sum of terms that vanish on the solution: c*(x_j - s_j), c*(x_j' - s_j'), products of
    two states minus what they are there. Equation i reads unknown i, so that the structure is not singular.
    """
    n = draw(st.integers(1, 5))
    frequencies = [1 + 0.5 * j for j in range(n)]
    equations = []
    for i in range(n):
        own = draw(st.sampled_from(("state", "derivative", "product")))
        terms = [(own, i)]
        for j in draw(st.lists(st.integers(0, n - 1), max_size=2)):
            terms.append((draw(st.sampled_from(("state", "derivative", "product"))), j))
        written = []
        for kind, j in dict.fromkeys(terms):
            factor = draw(st.integers(1, 9))
            w, k = frequencies[j], (j + 1) % n
            value, slope = f"sin({w}*t + {j})", f"{w}*cos({w}*t + {j})"
            if kind == "state":
                written.append(f"{factor}*(x{j} - {value})")
            elif kind == "derivative":
                written.append(f"{factor}*(x{j}' - {slope})")
            else:
                other = f"sin({frequencies[k]}*t + {k})"
                written.append(f"{factor}*((2 + x{k})*x{j} - (2 + {other})*{value})")
        equations.append("0 = " + " + ".join(written))
    declared = "state " + ", ".join(f"x{j} = 0" for j in range(n))
    return "\n".join(["model Random", declared, *equations, "end"]), frequencies


def exact(name, frequencies, t, more=0):
    """The value of a state, or of a derivative by its primes."""
    base, order = name.rstrip("'"), name.count("'") + more
    w, j = frequencies[int(base[1:])], int(base[1:])
    return w**order * math.sin(w * t + j + order * math.pi / 2)


def derived(text):
    """The definition that is solved; None where the equations depend on each other, which is refused."""
    try:
        return solvable(symde.ode_def(text).definition)
    except symde.ModelError as error:
        assert {one.code for one in error.diagnostics} <= {"E352", "E353"}, error
        return None


@MANY
@given(systems(), st.floats(0, 3))
def test_what_is_derived_holds_on_the_solution(case, t):
    text, frequencies = case
    definition = derived(text)
    if definition is None:
        return
    given = {name: exact(name, frequencies, t) for name in definition.state_names} | {"t": t}
    slopes = np.array([exact(name, frequencies, t, 1) for name in definition.state_names])
    point = Point(definition, given)
    size = 1 + np.abs(slopes).max(initial=0)
    # rows are sums of at most a few dozen terms of this size
    np.testing.assert_allclose(point.mass() @ slopes, point.rhs(), rtol=0, atol=1e-10 * size * 1e3)
    np.testing.assert_allclose(point.invariants(), 0, atol=1e-10 * size * 1e3)
    for one in definition.observables:
        assert abs(point.values[one.name] - exact(one.name, frequencies, t)) <= 1e-10 * size * 1e3


@MANY
@given(systems())
def test_every_row_has_a_state_of_its_own(case):
    definition = derived(case[0])
    if definition is None:
        return
    names = definition.state_names
    incidence = Incidence(system_of(definition), names)
    entries = {(entry.row, entry.column) for entry in definition.mass or ()}
    rows = {row for row, _ in entries} if definition.mass is not None else set(range(len(names)))
    for index, state in enumerate(definition.states):
        if state.algebraic:
            assert index not in rows and index in incidence.of(state.derivative)
        elif definition.mass is not None:
            assert (index, index) in entries


@MANY
@given(systems())
def test_derived_definitions_are_derived_already(case):
    definition = derived(case[0])
    if definition is not None:
        again = solvable(definition)
        assert again.state_names == definition.state_names and again.mass == definition.mass


@MANY
@given(systems())
def test_a_text_written_from_a_model_gives_the_model(case):
    model = symde.ode_def(case[0])
    assert symde.ode_def(model.text()) == model
