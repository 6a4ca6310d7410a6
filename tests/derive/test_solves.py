"""Linear systems of random structure are solved to their known solution, whatever their index."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.derive.reduction import solvable

from .numbers import index_one_matrix
from .test_random_systems import exact

T0, T1 = 0.3, 0.8
FREQUENCIES = [1.0, 1.5, 2.0, 2.5]


def text(seed):
    """Sums of c*(x_j - s_j) and c*(x_j' - s_j') with s_j = sin(w_j t + j); equation i reads unknown i."""
    random = np.random.default_rng(seed)
    n = int(random.integers(2, 5))
    equations = []
    for i in range(n):
        terms = []
        for j in {i, *random.integers(0, n, 2).tolist()}:
            w, factor, derivative = FREQUENCIES[j], random.uniform(0.5, 2), random.random() < 0.4
            value = f"{w}*cos({w}*t + {j})" if derivative else f"sin({w}*t + {j})"
            terms.append(f"{factor:.3f}*(x{j}{chr(39) if derivative else ''} - {value})")
        equations.append("0 = " + " + ".join(terms))
    declared = "state " + ", ".join(f"x{j} = 0" for j in range(n))
    return "\n".join([declared, *equations])


@pytest.mark.parametrize("seed", range(30))
def test_a_linear_system_of_any_index_is_solved(seed):
    model = symde.ode_def(text(seed))
    definition = solvable(model.definition)
    given = {name: exact(name, FREQUENCIES, T0) for name in definition.state_names}
    # eigenvalues of the pencil grow no error by more than e^(0.5 * 40) below this
    assert np.linalg.cond(index_one_matrix(definition, given | {"t": T0})) < 1e6
    problem = symde.Problem(model, u0=given, tspan=(T0, T1))
    solution = symde.solve(problem, "Rodas5P", rtol=1e-9, atol=1e-9)
    end = np.array([exact(name, FREQUENCIES, T1) for name in problem.system.state_names])
    assert (np.abs(solution.u[-1] - end) <= 1e-5 * (1 + np.abs(end))).all()


def test_the_systems_are_of_several_kinds():
    definitions = [solvable(symde.ode_def(text(seed)).definition) for seed in range(30)]
    assert sum(bool(one.invariants) for one in definitions) >= 3
    assert sum(any(state.algebraic for state in one.states) for one in definitions) >= 5
    assert sum(one.mass is None or not one.invariants for one in definitions) >= 5
