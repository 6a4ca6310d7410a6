"""Every mistake the builder knows: text -> code, text under the caret, message, help."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from symde.diagnostics import ModelError
from symde.model.ode_def import ode_def


@dataclass(frozen=True)
class Mistake:
    law: str
    text: str
    code: str
    caret: str
    message: str = ""
    help: str = ""


LONG = "model M\n{}\nend"

MISTAKES = [
    Mistake(
        "unknown name with a near one",
        "param alpha = 1\nx' = alpah*x",
        "E201",
        "alpah",
        "unknown name `alpah`",
        "there is a parameter `alpha`",
    ),
    Mistake(
        "unknown name in the short form",
        "@ode_def M begin\ndx = -zz*x\nend k",
        "E201",
        "zz",
        "",
        "after `end`",
    ),
    Mistake(
        "unknown name in the long form", LONG.format("state x = 1\nx' = -zz*x"), "E201", "zz", "", "param"
    ),
    Mistake("function read as a value", "param k = 1\nx' = -k*exp", "E201", "exp", "", "`exp(...)`"),
    Mistake("higher derivative than the equation", "x' = -x + x'''", "E201", "x'''", "", "not a state"),
    Mistake(
        "unknown function with a near one", "x' = -sqr(x)", "E202", "sqr", "`sqr`", "did you mean `sqrt`"
    ),
    Mistake("function by its name elsewhere", "x' = -ln(x)", "E202", "ln", "`ln`", "did you mean `log`"),
    Mistake("function in capitals", "x' = -EXP(x)", "E202", "EXP", "`EXP`", "did you mean `exp`"),
    Mistake("power as a function", "x' = -pow(x, 2)", "E202", "pow", "`pow`", "x^n"),
    Mistake("unknown function", "x' = -qqqqq(x)", "E202", "qqqqq", "`qqqqq`", "`qqqqq*(...)`"),
    Mistake("parameter declared twice", "param k = 1\nparam k = 2\nx' = -k*x", "E203", "k", "declared twice"),
    Mistake("state declared twice", "state x = 1, x = 2\nx' = -x", "E203", "x", "declared twice"),
    Mistake(
        "parameter and state", "param x = 1\nstate x = 2\nx' = -x", "E203", "x", "it is a parameter already"
    ),
    Mistake(
        "parameter and constant", "param c = 1\nconst c = 2\nx' = -c*x", "E203", "c", "parameter already"
    ),
    Mistake("parameter and function", "param f = 1\nf(a) = a\nx' = -x", "E203", "f", "parameter already"),
    Mistake("function defined twice", "f(a) = a\nf(b) = 2*b\nx' = f(x)", "E203", "f", "declared twice"),
    Mistake("listed parameter twice", "@ode_def M begin\ndx = -k*x\nend k k", "E203", "k", "declared twice"),
    Mistake("observable twice", "y = x\ny = 2*x\nx' = -y", "E203", "y", "assigned twice"),
    Mistake("time as a parameter", "param t = 1\nx' = -x", "E204", "t", "`t` is reserved", "another name"),
    Mistake("pi as a constant", "const pi = 3\nx' = -x", "E204", "pi", "`pi` is reserved", "another name"),
    Mistake("time assigned", "t = 1\nx' = -x", "E204", "t", "`t` is reserved"),
    Mistake("derivative of time", "t' = 1\nx' = -x", "E204", "t", "`t` is reserved"),
    Mistake("time as an argument", "f(t) = t\nx' = f(x)", "E204", "t", "`t` is reserved", "may read `t`"),
    Mistake("parameter called", "param k = 1\nx' = -k(x)", "E205", "k", "cannot be called", "`k*(...)`"),
    Mistake("state with its time", "x' = -x(t)", "E205", "x(t)", "", "write `x`"),
    Mistake(
        "wrong arity of a built-in",
        "x' = -exp(x, 2)",
        "E206",
        "exp(x, 2)",
        "takes 1 argument, and 2 are given",
    ),
    Mistake(
        "too few for min", "x' = -min(x)", "E206", "min(x)", "takes at least 2 arguments, and 1 is given"
    ),
    Mistake(
        "even piecewise", "x' = piecewise(x, x > 1)", "E206", "piecewise(x, x > 1)", "odd number of arguments"
    ),
    Mistake(
        "wrong arity of a function", "f(a, b) = a*b\nx' = f(x)", "E206", "f(x)", "takes 2 arguments, and 1 is"
    ),
    Mistake(
        "initial value reads a state",
        "x(t0) = y\ny(t0) = 1\nx' = -x\ny' = -y",
        "E208",
        "y",
        "cannot read `y`",
        "`t0`",
    ),
    Mistake("initial value reads the time", "x(t0) = 2*t\nx' = -x", "E208", "t", "cannot read `t`", "`t0`"),
    Mistake(
        "initial value through an observable",
        "s = 2*x\nx(t0) = 1\ny(t0) = s\nx' = -x\ny' = -y",
        "E208",
        "s",
        "cannot read `s`",
        "`t0`",
    ),
    Mistake(
        "initial value through a function", "f(a) = a*x\nx(t0) = f(2)\nx' = -x", "E208", "f(2)", "reads `x`"
    ),
    Mistake(
        "default reads a state", "param k = x\nx' = -k*x", "E208", "x", "cannot read `x`", "other parameters"
    ),
    Mistake("time span reads a state", "time 0 .. x\nx' = -x", "E208", "x", "cannot read `x`", "parameters"),
    Mistake(
        "constant reads a parameter", "param k = 1\nconst c = k\nx' = -c*k*x", "E208", "k", "", "`const`"
    ),
    Mistake(
        "t0 in an equation", "param k = 1\nx' = -k*(t - t0)", "E208", "t0", "`t0`", "initial values only"
    ),
    Mistake("two equations", "x' = -x\nx' = 1", "E301", "x", "two equations", "keep one"),
    Mistake("two spellings of one equation", "x' = -x\nD(x) = 1", "E301", "x", "two equations", "keep one"),
    Mistake("second and first order", "x'' = -x\nx' = 1", "E301", "x", "two equations", "keep one"),
    Mistake(
        "state without equation", "state x = 1, y = 2\nx' = -x", "E302", "y", "no equation", "`y' = ...`"
    ),
    Mistake(
        "equation that defines a function",
        "state x = 1, z = 0\nx' = -z\nsin(z) = x",
        "E302",
        "z",
        "no equation",
        "`0 = sin(z) - ...` is an equation",
    ),
    Mistake(
        "misspelled equation",
        "state predator = 1\npredatr' = -predatr",
        "E302",
        "predator",
        "no equation",
        "there is an equation for `predatr`",
    ),
    Mistake(
        "undeclared state in the long form",
        LONG.format("state x = 1\nx' = -x\ny' = -y"),
        "E303",
        "y",
        "not declared as a state",
        "`state y = ...`",
    ),
    Mistake("dNAME with neither read", "x' = -x\ndose = 5*x", "E304", "dose", "neither", "`ose' = ...`"),
    Mistake("dNAME with both read", "x' = -x + dy\ndy = y", "E304", "dy", "may be", "`y' = ...`"),
    Mistake("dNAME of a parameter", "param k = 1\nx' = -k*x\ndk = 2", "E304", "dk", "`k` is a parameter"),
    Mistake("observable of itself", "y = y + x\nx' = -y", "E305", "y", "y -> y"),
    Mistake("cycle of observables", "a = b\nb = c + x\nc = a\nx' = -a", "E305", "a", "a -> b -> c -> a"),
    Mistake("derivative of itself", "x' = -x + x'", "E305", "x' = -x + x'", "x' -> x'"),
    Mistake("cycle of defaults", "param a = b\nparam b = 2*a\nx' = -a*b*x", "E306", "b", "a -> b -> a"),
    Mistake("cycle of constants", "const a = b\nconst b = a\nx' = -a*b*x", "E306", "b", "a -> b -> a"),
    Mistake("recursive function", "f(a) = f(a - 1)\nx' = f(x)", "E307", "f", "f -> f", "recursion"),
    Mistake(
        "mutually recursive functions", "f(a) = g(a)\ng(a) = f(a)\nx' = f(x)", "E307", "f", "f -> g -> f"
    ),
    Mistake("assigned state", "state x = 1\nx = 2\nx' = -x", "E308", "x", "cannot be assigned", "`x' = ...`"),
    Mistake("assigned and differentiated", "x = 2\nx' = -x", "E308", "x", "cannot be assigned", "remove one"),
    Mistake("assigned parameter", "param k = 1\nk = 2\nx' = -k*x", "E308", "k", "cannot be assigned"),
    Mistake(
        "equation of a parameter", "param k = 1\nk' = 2\nx' = -k*x", "E308", "k", "no differential equation"
    ),
    Mistake("two initial values", "state x = 1\nx(t0) = 2\nx' = -x", "E309", "x", "two initial values"),
    Mistake("initial value of a parameter", "param k = 1\nk(t0) = 2\nx' = -k*x", "E310", "k", "not a state"),
    Mistake("initial value of nothing", "xx(t0) = 2\nx' = -x", "E310", "xx", "not a state", "a state `x`"),
    Mistake(
        "initial value of a given derivative",
        "x'(t0) = 2\nx' = -x",
        "E310",
        "x",
        "no initial value of its own",
    ),
    Mistake("x(0) where t0 is not 0", "time 1 .. 2\nx(0) = 2\nx' = -x", "E311", "0", "", "`x(t0) = ...`"),
    Mistake("x(5) without a time span", "x(5) = 2\nx' = -x", "E311", "5", "", "`x(t0) = ...`"),
    Mistake(
        "condition as a number", "x' = x + (x < 1)", "E312", "x < 1", "condition", "`ifelse(x < 1, 1, 0)`"
    ),
    Mistake("condition as an equation", "x' = x < 1", "E312", "x < 1", "condition", "ifelse"),
    Mistake("condition observed", "y = x < 1\nx' = -y", "E312", "x < 1", "condition", "ifelse"),
    Mistake("number as a condition", "x' = 1 if x else 2", "E312", "x", "number", "`x > 0`"),
    Mistake("number in logic", "x' = 1 if x < 1 and t else 2", "E312", "t", "number", "`t > 0`"),
    Mistake("number in ifelse", "x' = ifelse(1, x, 2)", "E312", "1", "number", "compare"),
    Mistake("number in piecewise", "x' = piecewise(1, x, 2)", "E312", "x", "number", "compare"),
    Mistake("negated number", "x' = 1 if not x else 2", "E312", "x", "number", "compare"),
    Mistake(
        "empty bounds",
        "param k = 1 in (2, 1)\nx' = -k*x",
        "E314",
        "2, 1",
        "hold nothing",
        "lower bound first",
    ),
    Mistake("negative nominal", "param k = 1 nominal -3\nx' = -k*x", "E315", "-3", "positive"),
    Mistake("zero nominal of a state", "state x = 1 nominal 0\nx' = -x", "E315", "0", "positive"),
    Mistake("argument twice", "f(a, a) = a\nx' = f(x, x)", "E317", "a", "two arguments named `a`"),
    Mistake("overflowing constant", "x' = x*9^9^9", "E318", "9^9^9", "too large"),
    Mistake("undefined constant", "x' = x + log(0 - 1)", "E318", "log(0 - 1)", "no number"),
    Mistake("division by zero", "x' = x + 1/0", "E318", "1/0", "no number"),
    Mistake(
        "two time spans", "time 0 .. 1\ntime 0 .. 2\nx' = -x", "E320", "time 0 .. 2", "twice", "keep one"
    ),
    Mistake("no equation at all", "y = 2*k", "E321", "y = 2*k", "no differential equation"),
    Mistake("absurd order", "x" + "'" * 21 + " = -x", "E322", "x", "order 21", "states of their own"),
    Mistake("noise without dt", "x' = -k*x + dW1", "E390", "dW1", "has no `dt`", "0*dt"),
    Mistake("dt elsewhere", "y = 2*dt\nx' = -x", "E390", "dt", "stochastic differential equation alone"),
    Mistake("neither dt nor dW", "dx = -k*x*dt + 0.1*x*dW + 3", "E391", "3", "without `dt` or `dW`"),
    Mistake(
        "another word for noise",
        "dx = -x*dt + dB",
        "E391",
        "dB",
        "without `dt` or `dW`",
        "called `dW`, `dW1`",
    ),
    Mistake(
        "a state W",
        "W' = -W\ndx = -x*dt + 2*dW",
        "E391",
        "2*dW",
        "without",
        "derivative of the state `W` here",
    ),
    Mistake(
        "a parameter dW",
        "param dW = 1\ndx = -x*dt + dW",
        "E391",
        "dW",
        "without",
        "declared as a parameter, and",
    ),
    Mistake("stiff noise", "stiff: dx = -x*dt + dW", "E393", "-x*dt + dW", "marks of stiffness cannot stand"),
    Mistake("an oscillator", "x'' = -x + dW", "E390", "dW", "has no `dt`", "velocity as a state"),
    Mistake("a product of differentials", "dx = dt*dW", "E391", "dt*dW", "not linear in `dW` and `dt`"),
    Mistake("noise of second order", "x'' = dt + dW", "E391", "x", "first order", "velocity"),
    Mistake(
        "a declared dt", "param dt = 1\nx' = -x*dt + dW", "E392", "dW", "declared as a parameter", "rename"
    ),
    Mistake("no noise to read", "x' = -x\nstratonovich", "E393", "stratonovich", "the model has none"),
    Mistake("conserved and noise", "dx = -x*dt + dW\nconserved x", "E393", "conserved x", "beside noise"),
    Mistake(
        "undeclared algebraic variable",
        "x' = -x*z\n0 = z + x - 1",
        "E351",
        "0 = z + x - 1",
        "2 for the 1 unknown `x`",
        "if `z` is unknown, declare it: `state z = guess`",
    ),
    Mistake(
        "equation too many",
        LONG.format("state x = 1, z = 2\nx' = z\n0 = x - 2\n0 = x + t"),
        "E351",
        "0 = x + t",
        "too many equations: 2 for the 1 unknown `x`",
        "remove 1 equation, or let another unknown stand in one of them",
    ),
    Mistake(
        "equation without unknowns",
        LONG.format("param k1 = 1, k2 = 2\nstate x = 1, z = 2\nx' = z\n0 = k1 - k2*t"),
        "E350",
        "0 = k1 - k2*t",
        "nothing in this equation is unknown",
        "state z = guess",
    ),
    Mistake(
        "unknown that nothing determines",
        LONG.format("state x = 1, z = 2, w = 3\nx' = -x\n0 = z + w - x"),
        "E352",
        "w",
        "2 unknowns `z`, `w` and only 1 equation (line 4)",
        "`z` or `w`",
    ),
    Mistake(
        "declared and in no implicit equation",
        LONG.format("state x = 1, z = 2, w = 3\nx' = -x\n0 = z - x"),
        "E302",
        "w",
        "state `w` has no equation",
        "an equation `0 = ...` in which it stands",
    ),
    Mistake(
        "initial value of a derivative that equations give",
        "state x = 1, y = 2\nx'(t0) = 3\n2*x' - y' = x\nx' + y' = y",
        "E310",
        "x",
        "no initial value of its own",
        "are `x`",
    ),
    Mistake(
        "stiff part of an implicit equation",
        "state x = 1, z = 2\nx' = z\n0 = stiff(z) + x",
        "E323",
        "stiff(z)",
        "of a differential equation",
    ),
    Mistake("conserved nonsense", "x' = -x\nconserved y + x + k\nparam k = 1", "E201", "y", "unknown name"),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda one: one.law)
def test_each_mistake_has_its_code_place_and_remedy(mistake: Mistake) -> None:
    with pytest.raises(ModelError) as caught:
        ode_def(mistake.text)
    matching = [one for one in caught.value.diagnostics if one.code == mistake.code]
    assert matching, str(caught.value)
    assert any(
        one.span.text == mistake.caret and mistake.message in one.message and mistake.help in (one.help or "")
        for one in matching
    ), str(caught.value)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda one: one.law)
def test_one_mistake_gives_one_error(mistake: Mistake) -> None:
    follows = {"misspelled equation"}
    with pytest.raises(ModelError) as caught:
        ode_def(mistake.text)
    assert len(caught.value.diagnostics) == 1 or mistake.law in follows, str(caught.value)


def test_all_independent_mistakes_are_reported_together() -> None:
    text = """
    model Many
      param k = 1, k = 2
      state x = 1, y = 2, z = 3
      x' = -kk*x + foo(x)
      x' = 2
      y' = exp(1, 2) + (x < 1)
      a = b
      b = a
    end
    """
    with pytest.raises(ModelError) as caught:
        ode_def(text)
    codes = sorted(one.code for one in caught.value.diagnostics)
    assert codes == ["E201", "E202", "E203", "E206", "E301", "E302", "E305", "E312"]


def test_a_name_unknown_in_many_places_is_reported_once() -> None:
    with pytest.raises(ModelError) as caught:
        ode_def("param k = 1\nx' = -kk*x\ny' = kk*x")
    assert [one.code for one in caught.value.diagnostics] == ["E201"]


def test_exploding_functions_are_refused_in_bounded_time() -> None:
    chain = "\n".join(f"f{n}(x) = f{n - 1}(x) + f{n - 1}(x + 1)" for n in range(1, 60))
    with pytest.raises(ModelError) as caught:
        ode_def(f"f0(x) = x\n{chain}\ny' = f59(y)")
    (error,) = caught.value.diagnostics
    assert (error.code, error.span.text) == ("E319", "f59")


def test_caller_parameters_contradicting_the_text_are_a_value_error() -> None:
    with pytest.raises(ValueError, match="names its parameters itself"):
        ode_def("param k = 1\nx' = -k*x", parameters=["a"])
    with pytest.raises(ValueError, match="is a state"):
        ode_def("x' = -k*x", parameters=["x"])
    with pytest.raises(ValueError, match="named twice"):
        ode_def("x' = -k*x", parameters=["k", "k"])
    with pytest.raises(TypeError, match="list of names"):
        ode_def("x' = -k*x", parameters="k")


def test_caller_names_make_undefined_symbols_errors() -> None:
    with pytest.raises(ModelError, match="unknown name `b`"):
        ode_def("x' = -k*x + b", parameters=["k"])


MANY = 3000


@pytest.mark.parametrize(
    "text",
    [
        "param k = 1\n" + "\n".join(f"x{n}' = -q{n}" for n in range(MANY)),
        "\n".join(f"x{n}' = -q{n}(1)" for n in range(MANY)),
        LONG.format("\n".join(f"z{n}(t0) = 1\nx{n}' = -x{n}" for n in range(MANY))),
        "\n".join(f"state z{n}\nx{n}' = -x{n}" for n in range(MANY)),
        "x' = a0\n" + "\n".join(f"a{n} = a{(n + 1) % MANY} + a{(n + 7) % MANY}" for n in range(MANY)),
        "x' = 1\n" * MANY,
    ],
    ids=["names", "functions", "undeclared", "declared", "cycles", "duplicates"],
)
def test_thousands_of_mistakes_take_linear_time(text: str) -> None:
    # Comparing every mistake with every name took minutes for these; the whole area is to stay below one.
    with pytest.raises(ModelError) as caught:
        ode_def(text)
    assert max(len(line) for line in str(caught.value).splitlines()) < 300
