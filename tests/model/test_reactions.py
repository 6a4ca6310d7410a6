"""Reactions in models: states, equations by mass action, text, sympy, mistakes."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import symde
from symde.diagnostics import ModelError
from symde.model.check import check
from symde.model.reactions import Reaction

MICHAELIS = """
model Michaelis
  param kf = 1, kr = 0.5, kc = 0.1
  state E = 1, S = 10, ES = 0, P = 0
  time 0 .. 20
  (kf, kr), E + S <--> ES
  kc, ES --> E + P
end
"""


def _right_sides(model: symde.Model) -> dict[str, sympy.Expr]:
    return dict(zip(model.state_names, model.rhs(), strict=True))


@pytest.mark.parametrize(
    ("reactions", "equations"),
    [
        ("k, A + 2B --> C", {"A": "-k*A*B**2/2", "B": "-k*A*B**2", "C": "k*A*B**2/2"}),
        ("k, A + A --> C", {"A": "-k*A**2", "C": "k*A**2/2"}),
        ("k, 3A --> 2A", {"A": "-k*A**3/6"}),
        ("(a, b), A <--> 2B", {"A": "-a*A + b*B**2/2", "B": "2*a*A - b*B**2"}),
        ("k*A/(1 + A), A => B", {"A": "-k*A/(1 + A)", "B": "k*A/(1 + A)"}),
        ("(a, b), A <=> B", {"A": "b - a", "B": "a - b"}),
        ("k*B, A --> C\nk, B --> B", {"A": "-k*A*B", "C": "k*A*B", "B": "0"}),
        ("k, 0 --> A\nm, A --> 0", {"A": "k - m*A"}),
        ("k, A --> A + B\nx' = A - x", {"x": "A - x", "A": "0", "B": "k*A"}),
        ("k*t, A --> 0", {"A": "-k*t*A"}),
    ],
)
def test_mass_action(reactions: str, equations: dict[str, str]) -> None:
    model = symde.ode_def(reactions)
    symbols = {str(one): one for one in (*model.states, *model.parameters)} | {
        "t": sympy.Symbol("t", real=True)
    }
    for name, value in _right_sides(model).items():
        assert sympy.expand(value - sympy.sympify(equations[name], locals=symbols)) == 0, name
    assert set(model.state_names) == set(equations)


def test_the_same_model_written_as_equations_solves_alike() -> None:
    network = symde.ode_def(MICHAELIS)
    by_hand = symde.ode_def("""
model Michaelis
  param kf = 1, kr = 0.5, kc = 0.1
  state E = 1, S = 10, ES = 0, P = 0
  time 0 .. 20
  E' = -kf*E*S + kr*ES + kc*ES
  S' = -kf*E*S + kr*ES
  ES' = kf*E*S - kr*ES - kc*ES
  P' = kc*ES
end""")
    first, second = (symde.solve(symde.Problem(one), saveat=1.0, rtol=1e-9) for one in (network, by_hand))
    np.testing.assert_allclose(first.u, second.u, rtol=1e-8, atol=1e-9)
    assert network != by_hand and not by_hand.reactions


def test_the_network_as_data_and_as_sympy() -> None:
    model = symde.ode_def(MICHAELIS)
    forward, back, catalysis = model.reactions
    assert forward.reactants == back.products == (("E", 1), ("S", 1))
    assert catalysis.net == {"ES": -1, "E": 1, "P": 1} and forward.mass_action
    assert model.stoichiometry().tolist() == [[-1, 1, 1], [-1, 1, 0], [1, -1, -1], [0, 0, 1]]
    e, s, es, _ = model.states
    kf, kr, kc = model.parameters
    assert model.rates == (kf * e * s, kr * es, kc * es) == model.propensities
    # the equations are the stoichiometric matrix times the rates
    assert model.rhs() == sympy.Matrix(model.stoichiometry()) * sympy.Matrix(model.rates)


def test_counted_molecules_are_chosen_without_replacement() -> None:
    model = symde.ode_def("k, 3A + B --> 0")
    a, b = model.states
    (k,) = model.parameters
    (propensity,), (rate,) = model.propensities, model.rates
    assert sympy.expand(propensity - k * b * sympy.ff(a, 3).expand(func=True) / 6) == 0
    assert rate == k * a**3 * b / 6
    assert propensity.subs({k: 1, a: 7, b: 2}) == math.comb(7, 3) * 2


def test_a_jump_is_no_part_of_the_equations() -> None:
    model = symde.ode_def("jump k*S*I: S -= 1, I += 1\nx' = -x\njump 2: x = 1")
    assert _right_sides(model) == {"S": 0, "I": 0, "x": -model.states[0]}
    (infection, reset) = model.jumps
    assert [(one.state, one.operator) for one in infection.effects] == [("S", "-="), ("I", "+=")]
    assert reset.span is not None and reset.span.text == "jump 2: x = 1"


@pytest.mark.parametrize("copy", [lambda m: symde.ode_def(m.text()), lambda m: pickle.loads(pickle.dumps(m))])
@pytest.mark.parametrize(
    "text",
    [
        MICHAELIS,
        "k, 2A + B --> 3C\nhill(C, v, K, 4), 0 => A\nx' = C - x\njump k*A: A -= 1, x = 0\njump 1: y *= 2",
    ],
)
def test_text_and_pickle_give_an_equal_model(text: str, copy) -> None:
    model = symde.ode_def(text)
    again = copy(model)
    assert again == model and hash(again) == hash(model) and again.reactions == model.reactions
    assert again.jumps == model.jumps


def test_models_with_other_reactions_of_equal_equations_differ() -> None:
    pair, law = symde.ode_def("k, A --> B"), symde.ode_def("k*A, A => B")
    assert pair.rhs() == law.rhs() and pair != law


NAMES = st.sampled_from("ABCDE")
SIDES = st.lists(st.tuples(NAMES, st.integers(1, 4)), max_size=3)


def _side(terms: list[tuple[str, int]]) -> str:
    return " + ".join(f"{count}{name}" for name, count in terms) or "0"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(SIDES, SIDES, st.booleans()).filter(lambda one: one[0] or one[1]), min_size=1))
def test_networks_come_back_from_their_text(network) -> None:
    lines = [
        f"k{i}, {_side(left)} {'-->' if mass else '=>'} {_side(right)}"
        for i, (left, right, mass) in enumerate(network)
    ]
    model = symde.ode_def("\n".join(lines))
    assert symde.ode_def(model.text()) == model
    assert pickle.loads(pickle.dumps(model)) == model
    u = np.array([2.0, 3.0, 5.0, 7.0, 11.0][: len(model.state_names)])
    values = dict(zip(model.state_names, u, strict=True))
    slopes = model.stoichiometry() @ [_flux(one, values) for one in model.reactions]
    p = np.arange(2.0, 2.0 + len(model.parameter_names))
    problem = symde.Problem(model, u, (0, 1), p)
    scaled = model.stoichiometry() @ [
        _flux(one, values) * p[model.parameter_names.index(one.rate.id)] for one in model.reactions
    ]
    np.testing.assert_allclose(problem.system.slope(0.0, u, p), scaled, rtol=1e-12)
    assert np.isfinite(slopes).all()


def _flux(reaction: Reaction, values: dict[str, float]) -> float:
    """k*A^n/n! with k = 1, by hand."""
    if not reaction.mass_action:
        return 1.0
    return math.prod(values[name] ** count / math.factorial(count) for name, count in reaction.reactants)


MISTAKES = [
    ("param A = 1\nparam k = 1\nk, A --> B", "E360", "A", "`A` is a parameter"),
    ("A = 3\nk, A --> B", "E360", "A", "`A` is an observed quantity"),
    ("k, t --> B", "E204", "t", "reserved"),
    ("k, A --> B\nA' = 1", "E361", "A", "differential equation in line 2"),
    ("k, A --> B\ndB = A", "E361", "B", "differential equation in line 2"),
    ("k, 101A --> B", "E362", "k, 101A --> B", "more than 100"),
    ("f(A), A --> B", "E202", "f", "unknown function"),
    ("hill(A, 1), A => B", "E206", "hill(A, 1)", "takes 4 arguments"),
    ("A > 1, A => B", "E312", "A > 1", "a number is expected"),
    ("model M\nstate A = 1\nk, A --> 0\nend", "E201", "k", "unknown name"),
    ("model M\nparam k = 1\nstate A = 1\nk, A --> B\nend", "E303", "B", "not declared as a state"),
    ("jump k: x' += 1", "E360", "x'", "is a derivative"),
    ("jump k: k += 1\nparam k = 1", "E360", "k", "is changed by a jump"),
    ("jump k: x += normal(0)", "E206", "normal(0)", "takes 2 arguments"),
    ("jump normal(0, 1): x += 1", "E363", "normal(0, 1)", "only the effects of jumps"),
    ("x' = uniform(0, 1)", "E363", "uniform(0, 1)", "only the effects of jumps"),
    ("f(a) = exponential(a)\njump k: x += f(2)", "E363", "exponential(a)", "only the effects of jumps"),
]


@pytest.mark.parametrize(("text", "code", "place", "message"), MISTAKES)
def test_mistakes(text: str, code: str, place: str, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        symde.ode_def(text)
    (one,) = caught.value.diagnostics
    assert one.code == code and message in one.message
    assert one.span is not None and one.span.text == place


def test_a_species_that_is_no_state_twice_over_is_told_once() -> None:
    with pytest.raises(ModelError) as caught:
        symde.ode_def("param A = 1, k = 1\nk, A --> B\nk, A --> 2B")
    assert len(caught.value.diagnostics) == 1


def test_laws_of_the_field_need_no_definition() -> None:
    model = symde.ode_def(
        "param v = 2, K = 3\nmm(A, v, K), A => B\nhill(B, v, K, 2), B => 0\nA(0) = 1; B(0) = 1"
    )
    a, b = model.states
    v, k = model.parameters
    assert model.rates == (v * a / (a + k), v * b**2 / (b**2 + k**2))
    repressed = symde.ode_def("r = hillr(A, 2, 3, 4)\ns = mmr(A, 2, 3)\nA' = r + s")
    (a,) = repressed.states
    assert sympy.simplify(repressed.rhs()[0] - 162 / (81 + a**4) - 6 / (a + 3)) == 0


def test_an_own_function_of_that_name_is_ones_own() -> None:
    (right,) = symde.ode_def("mm(x) = 2*x\nA' = mm(A)").rhs()
    assert str(right) == "2*A"
    assert symde.ode_def("mm' = -k*mm").state_names == ("mm",)


def test_nothing_is_odd_about_products_and_catalysts() -> None:
    assert check(symde.ode_def(MICHAELIS)) == []
    text = "param k = 1\nstate A = 1, S = 3\nk, A --> A + B\nB(0) = 0\njump k*S: S -= 1"
    assert check(symde.ode_def(text)) == []


def test_reactions_and_jumps_are_printed_as_a_text_has_them() -> None:
    text = "(kf, kr), e1 + 2B <--> C\nmm(C, kf, kr), C => B\nmax(kf, -1)*B, 2*e1 --> 0\nkr, 0 --> C"
    model = symde.ode_def(text)
    printed = [str(one) for one in model.reactions]
    assert printed[:2] == ["kf, e1 + 2B --> C", "kr, C --> e1 + 2B"]
    assert printed[2:] == text.split("\n")[1:]
    assert symde.ode_def("\n".join(printed)).reactions == model.reactions
    assert repr(model.reactions[1]) == "<Reaction kr, C --> e1 + 2B>"
    (jump,) = symde.ode_def("state S = 1, I = 2\nparam a = 1\njump a*S*I: S -= 1, I += normal(1, a)").jumps
    assert repr(jump) == "<Jump jump a*S*I: S -= 1, I += normal(1, a)>"
    # nor does what lies below print the whole text with each of its parts
    assert len(repr(model.definition)) < 100 * len(text)
