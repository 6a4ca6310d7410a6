"""Conservation laws of networks, and models without the species they give."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symde
from symde.model.definition import Definition

MICHAELIS = """
model Michaelis
  param kf = 1, kr = 0.5, kc = 0.1, E0 = 1
  state E = E0, S = 10, ES = 0, P = 0
  time 0 .. 20
  (kf, kr), E + S <--> ES
  kc, ES --> E + P
  bound = ES/(E + ES)
end
"""


@pytest.mark.parametrize(
    ("reactions", "laws"),
    [
        (MICHAELIS, ["E + ES", "S + ES + P"]),
        ("k, 2H2 + O2 --> 2W", ["H2 + W", "2*O2 + W"]),
        ("k, A --> B\nk, B --> A", ["A + B"]),
        ("k, A --> 0", []),
        ("k, 0 --> A\nk, B --> C", ["B + C"]),
        ("k, A + B --> 0", ["A - B"]),
        ("k, A --> A + B\nk, B --> 0", ["A"]),
        ("k, 2A --> 3B", ["3*A + 2*B"]),
        ("k, A --> B\njump k: B += 1", []),
        ("k, A --> B\nx' = A", ["A + B"]),
        ("x' = -x", []),
    ],
)
def test_laws(reactions: str, laws: list[str]) -> None:
    assert [str(one) for one in symde.conservation_laws(symde.ode_def(reactions))] == laws


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.randoms(use_true_random=False))
def test_as_many_as_the_rank_leaves_and_all_of_them_hold(n: int, count: int, random) -> None:
    # every species takes part, as a catalyst at least
    idle = "\n".join(f"k, X{i} --> X{i}" for i in range(n))
    sides = [[random.randint(0, 3) for _ in range(n)] for _ in range(2 * count)]
    texts = [" + ".join(f"{c}*X{i}" for i, c in enumerate(side) if c) or "0" for side in sides]
    lines = [f"k, {a} --> {b}" for a, b in zip(texts[::2], texts[1::2], strict=True) if (a, b) != ("0", "0")]
    model = symde.ode_def("\n".join([idle, *lines]))
    matrix = model.stoichiometry()
    laws = symde.conservation_laws(model)
    vectors = np.zeros((len(laws), n), dtype=int)
    for row, law in zip(vectors, laws, strict=True):
        for name, value in law.coefficients:
            row[model.state_names.index(name)] = value
    assert not (vectors @ matrix).any()
    assert len(laws) == n - np.linalg.matrix_rank(matrix)
    assert np.linalg.matrix_rank(vectors) == len(laws) if len(laws) else True


def test_the_smaller_model_has_the_same_solution() -> None:
    model = symde.ode_def(MICHAELIS)
    smaller = symde.eliminate_conserved(model)
    assert smaller.state_names == ("ES", "P") and smaller.observable_names == ("E", "S", "bound")
    first, second = (symde.solve(symde.Problem(one), saveat=1.0, rtol=1e-9) for one in (model, smaller))
    for name in ("E", "S", "ES", "P", "bound"):
        np.testing.assert_allclose(first[name], second[name], rtol=1e-7, atol=1e-9)
    # totals follow the parameters that the initial values are made of
    other = symde.solve(symde.Problem(smaller, p={"E0": 2}), saveat=1.0)
    np.testing.assert_allclose(other["E"] + other["ES"], 2, rtol=1e-12)
    given = symde.solve(symde.Problem(smaller, p={"total_E": 3}), saveat=1.0)
    np.testing.assert_allclose(given["E"] + given["ES"], 3, rtol=1e-12)


def test_the_smaller_model_is_written_and_read() -> None:
    smaller = symde.eliminate_conserved(symde.ode_def(MICHAELIS))
    assert symde.ode_def(smaller.text()) == smaller and not smaller.reactions
    assert 'param total_E = E0 + 0 "conserved: E + ES"' in smaller.text()


def test_the_jacobian_of_the_smaller_model_is_regular() -> None:
    model = symde.ode_def(MICHAELIS.replace("kc, ES --> E + P", "(kc, kc/3), ES <--> E + P"))
    assert model.jacobian().rank() == 2 and symde.eliminate_conserved(model).jacobian().rank() == 2


def test_a_total_without_initial_values_is_asked_for() -> None:
    smaller = symde.eliminate_conserved(symde.ode_def("k, A --> 2B\nB(0) = 0"))
    assert smaller.state_names == ("B",) and smaller.parameter_names == ("k", "total_A")
    with pytest.raises(ValueError, match="no value for parameter `total_A`"):
        symde.Problem(smaller, tspan=(0, 1), p={"k": 1})


def test_names_of_totals_give_way() -> None:
    model = symde.ode_def("param total_A = 2\ntotal_A, A --> B\nA(0) = 1; B(0) = 0")
    assert symde.eliminate_conserved(model).parameter_names == ("total_A", "total_A_")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("k, A --> 0", "conserve no sum of species"),
        ("x' = -x", "conserve no sum of species"),
        ("k, A --> A", "change no species"),
        ("k, A --> B\njump k: x += 1", "this one has jumps"),
        ("k, A --> B\nA(t0) = t0; B(t0) = 1", "depends on the initial time"),
    ],
)
def test_what_cannot_be_made_smaller_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        symde.eliminate_conserved(symde.ode_def(text))


@dataclasses.dataclass(frozen=True)
class Larger(Definition):
    """A definition with a part that these readings do not know."""

    surprises: tuple[str, ...] = ("one",)


def test_parts_that_a_reading_does_not_know_are_not_overlooked() -> None:
    definition = symde.ode_def(MICHAELIS).definition
    values = {one.name: getattr(definition, one.name) for one in dataclasses.fields(Definition)}
    model = symde.Model(Larger(**values))
    with pytest.raises(ValueError, match="knows nothing of surprises"):
        symde.eliminate_conserved(model)
    with pytest.raises(ValueError, match="knows nothing of surprises"):
        symde.Problem(model, kind="jump")
