"""What the modeller wrote is what the graph computes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from symde.codegen import lower as lowering_module
from symde.codegen.evaluate import evaluate, first_nonfinite
from symde.codegen.lower import lower
from symde.diagnostics import ModelError
from symde.language.syntax import Compare, Conditional, Expr, Logic, Negate, Not, Power, Product, Sum
from symde.model.functions import BUILT_IN

from .models import Call, Function, add, definition, div, mul, n, robertson, sub, v

X, Y = v("x"), v("y")


def value(expression: Expr, x: float = 0.0, y: float = 0.0, t: float = 0.0, **parts) -> float:
    lowered = lower(definition({"x": expression, "y": n(0)}, **parts))
    values = evaluate(lowered.graph, lowered.rhs, t, {"u": (x, y), "p": ()})
    return float(values[lowered.rhs[0]])


@pytest.mark.parametrize(
    "expression, expected",
    [
        (add(X, Y, n(1)), 2.5 + 0.5 + 1),
        (Sum((("-", X), ("+", Y))), -2.5 + 0.5),
        (Product((("*", n(1)), ("/", X), ("*", Y))), 1 / 2.5 * 0.5),
        (Product((("/", X),)), 1 / 2.5),
        (Negate(Power(X, n(2))), -6.25),
        (Power(X, Power(Y, n(2))), 2.5**0.25),
        (v("pi"), math.pi),
        (v("t"), 7.0),
        (Conditional(Compare((X, Y), (">",)), n(1), n(2)), 1.0),
        (Conditional(Compare((n(0), Y, X, n(3)), ("<", "<=", "!=")), n(1), n(2)), 1.0),
        (Conditional(Compare((n(0), X, Y), ("<", "<=")), n(1), n(2)), 2.0),
        (Conditional(Compare((X, X), ("==",)), n(1), n(2)), 1.0),
        (Conditional(Not(Compare((X, Y), (">=",))), n(1), n(2)), 2.0),
        (Conditional(Logic("or", (Compare((X, Y), ("<",)), Compare((X, Y), (">",)))), n(1), n(2)), 1.0),
        (Conditional(Logic("and", (Compare((X, Y), ("<",)), Compare((X, Y), (">",)))), n(1), n(2)), 2.0),
        (Call("min", (X, Y, n(0.25))), 0.25),
        (Call("max", (X, Y, n(0.25))), 2.5),
        (Call("heaviside", (X,)), 1.0),
        (Call("heaviside", (Negate(X),)), 0.0),
        (Call("heaviside", (n(0),)), 1.0),
        (Call("ifelse", (Compare((X, Y), ("<",)), n(1), n(2))), 2.0),
        (Call("mod", (Negate(X), n(2))), 1.5),
        (Call("atan2", (X, Y)), math.atan2(2.5, 0.5)),
    ],
)
def test_expressions_mean_what_they_say(expression, expected):
    assert value(expression, x=2.5, y=0.5, t=7.0) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("x, expected", [(-1.0, 10.0), (0.5, 20.0), (2.0, 30.0)])
def test_the_first_condition_that_holds_decides(x, expected):
    below = [Compare((X, n(limit)), ("<",)) for limit in (0, 1)]
    assert value(Call("piecewise", (n(10), below[0], n(20), below[1], n(30))), x=x) == expected


@pytest.mark.parametrize("name", sorted(set(BUILT_IN) - {"piecewise", "ifelse", "where"}))
def test_every_function_of_the_language_is_known(name):
    arguments = (X, Y)[: BUILT_IN[name].minimum]
    assert math.isfinite(value(Call(name, arguments), x=0.4, y=0.8))


@pytest.mark.parametrize("name", sorted(set(BUILT_IN) - {"piecewise", "ifelse", "where"}))
def test_every_function_keeps_a_nan(name):
    arguments = (X, Y)[: BUILT_IN[name].minimum]
    assert math.isnan(value(Call(name, arguments), x=math.nan, y=0.8))
    if len(arguments) == 2:
        assert math.isnan(value(Call(name, arguments), x=0.4, y=math.nan))


def test_sums_are_added_from_left_to_right():
    # (1e16 + 1) - 1e16 is 0 in float64; any other order gives 1.
    assert value(Sum((("+", X), ("+", n(1)), ("-", X))), x=1e16) == 0.0


def test_constants_are_folded_and_infinities_are_not():
    lowered = lower(
        definition({"x": Power(X, div(n(1), v("c"))), "y": div(n(1), n(0))}, constants={"c": 2.0})
    )
    graph = lowered.graph
    exponent = graph.args[lowered.rhs[0]][1]
    assert graph.value[exponent] == 0.5
    assert graph.op[lowered.rhs[1]] == "div"


def test_observables_are_shared_and_keep_their_names():
    lowered = lower(
        definition(
            {"x": v("rate"), "y": Negate(v("rate"))},
            observables={"rate": mul(X, Y), "twice": mul(n(2), v("rate"))},
        )
    )
    rate, twice = lowered.observables
    assert lowered.rhs[0] == rate
    assert lowered.graph.args[lowered.rhs[1]] == (rate,)
    assert rate in lowered.graph.args[twice]
    assert lowered.graph.names[rate] == "rate"


def test_functions_stand_in_place_of_their_calls():
    saturation = Function("saturation", ("s", "k"), div(v("s"), add(v("k"), v("s"))))
    twice = Function("twice", ("x",), add(Call("saturation", (v("x"), Y)), Call("saturation", (v("x"), Y))))
    found = value(Call("twice", (X,)), x=3.0, y=1.0, functions=(saturation, twice))
    assert found == 2 * 3.0 / 4.0


def test_a_function_s_parameter_hides_a_state_of_that_name():
    shifted = Function("shifted", ("y",), add(v("y"), X))
    assert value(Call("shifted", (n(10),)), x=1.0, y=99.0, functions=(shifted,)) == 11.0


def test_a_function_may_have_the_name_of_a_built_in_one():
    gamma = Function("gamma", ("a",), mul(n(2), v("a")))
    assert value(Call("gamma", (X,)), x=5.0, functions=(gamma,)) == 10.0


def test_calls_with_equal_arguments_are_lowered_once():
    # 60 levels of f_k(x) = f_{k-1}(x) + f_{k-1}(x): 2^60 operations if calls were not shared.
    functions = [Function("f0", ("x",), v("x"))]
    for k in range(1, 61):
        call = Call(f"f{k - 1}", (v("x"),))
        functions.append(Function(f"f{k}", ("x",), add(call, call)))
    assert value(Call("f60", (X,)), x=1.0, functions=tuple(functions)) == 2.0**60


def test_functions_that_multiply_without_end_are_refused(monkeypatch):
    monkeypatch.setattr(lowering_module, "NODE_LIMIT", 10_000)
    functions = [Function("f0", ("x",), mul(v("x"), v("x")))]
    for k in range(1, 31):
        call = [Call(f"f{k - 1}", (add(v("x"), n(shift)),)) for shift in (k + 0.5, -k - 0.25)]
        functions.append(Function(f"f{k}", ("x",), add(*call)))
    with pytest.raises(ModelError, match="10000 operations"):
        value(Call("f30", (X,)), functions=tuple(functions))


def test_a_chain_of_ten_thousand_functions_does_not_recurse():
    functions = [Function("f0", ("x",), v("x"))]
    functions += [
        Function(f"f{k}", ("x",), add(Call(f"f{k - 1}", (v("x"),)), n(1))) for k in range(1, 10_001)
    ]
    assert value(Call("f10000", (X,)), functions=tuple(functions)) == 10_000.0


def test_shared_syntax_is_visited_once():
    node: Expr = X
    for _ in range(200):
        node = add(node, node)
    assert value(node, x=1.0) == 2.0**200


def test_robertson_is_robertson():
    lowered = lower(robertson())
    values = evaluate(lowered.graph, lowered.rhs, 0.0, {"u": (0.9, 1e-5, 0.1), "p": (0.04, 3e7, 1e4)})
    # By hand: 0.04*0.9 = 0.036, 3e7*1e-10 = 0.003, 1e4*1e-5*0.1 = 0.01.
    found = [float(values[node]) for node in lowered.rhs]
    assert found == pytest.approx([-0.036 + 0.01, 0.036 - 0.003 - 0.01, 0.003], rel=1e-12)


class TestFirstNonFinite:
    def culprit(self, expression: Expr, x: float, y: float = 1.0) -> str | None:
        lowered = lower(definition({"x": expression, "y": n(0)}))
        values = evaluate(lowered.graph, lowered.rhs, 0.0, {"u": (x, y), "p": ()})
        node = first_nonfinite(lowered.graph, lowered.rhs, values)
        return None if node is None else lowered.graph.op[node]

    def test_a_finite_model_has_none(self):
        assert self.culprit(Call("log", (X,)), 1.0) is None

    def test_it_is_the_operation_whose_arguments_are_finite(self):
        assert self.culprit(mul(Y, add(Call("log", (X,)), n(1))), -1.0) == "log"
        assert self.culprit(add(div(Y, X), Call("sqrt", (Negate(Y),))), 0.0) == "div"

    def test_a_branch_left_out_does_not_count(self):
        positive = Compare((X, n(0)), (">",))
        safe = Conditional(positive, Call("log", (X,)), n(0))
        assert self.culprit(add(safe, div(Y, X)), 0.0) == "div"
        assert self.culprit(safe, -1.0) is None

    def test_a_state_that_is_not_finite_is_the_cause_itself(self):
        assert self.culprit(sub(X, Y), np.nan) == "input"
