"""Events, discrete variables and domains in definitions: resolved, kept, shown, and refused with a reason."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest
import sympy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import symde
from symde.diagnostics import ModelError, Span
from symde.language import parse_expression
from symde.language.syntax import Name
from symde.lowering import ModelSystem
from symde.model.bind import bound
from symde.model.check import check
from symde.model.definition import Constant, Definition, Observable, Parameter, State
from symde.model.events import (
    BOTH,
    FALLING,
    At,
    Crossing,
    Effect,
    Every,
    ModelEvent,
    When,
    event_expressions,
    with_events,
)
from symde.model.integrals import with_integrals
from symde.model.model import Model
from symde.model.ode_def import ode_def
from symde.model.split import STIFF, part_of

from .expressions import conditions, expressions, names, number

BALL = """model Ball
  param g = 9.81, e = 0.9
  state x = 1
  x'(t0) = 0
  discrete n = 0
  time 0 .. 3
  x'' = -g
  bounce: when falling x == 0: x' = -e*x', n += 1
  when n >= 3: stop
end
"""


def shown(span: Span | None) -> str:
    return span.text if span is not None else ""


def e(text: str):
    return parse_expression(text)


def test_events_are_resolved() -> None:
    bounce, stop = ode_def(BALL).definition.events
    velocity = Effect("x'", e("-e*x'"))
    assert bounce == ModelEvent("bounce", Crossing(e("x"), FALLING), (velocity, Effect("n", e("n + 1"))))
    assert stop == ModelEvent("event 2", When(e("n >= 3")), stop=True)
    assert bounce.span is not None and bounce.span.text.startswith("bounce: when")
    assert velocity == bounce.effects[0]


def test_known_times_and_properties() -> None:
    model = ode_def(
        "param T = 2, d = 1\nstate x = 1\nx' = -x\n"
        "at t = t0, 2*T priority -1: x += d\nevery T from 1 until t0 + 9: x = 0\nevery T: x = 0\n"
        "late: when x < 0.5 after d*x persistent: x = 1\ntime 0 .. 9"
    )
    at, every, plain, late = model.definition.events
    assert at.trigger == At((Name("t0"), e("2*T"))) and at.priority == e("-1")
    assert every.trigger == Every(Name("T"), e("1"), e("t0 + 9"))
    assert plain.trigger == Every(Name("T"))
    assert (late.after, late.persistent) == (e("d*x"), True)
    assert event_expressions(late) == (e("x < 0.5"), e("d*x"), e("1"))


def test_equality_is_a_crossing_where_its_sides_move_and_a_condition_elsewhere() -> None:
    text = "param k = 1\nstate x = 1\ndiscrete m = 0\nx' = -x\ny = m + k\nz = x + m\nf(a) = a*k\ng(a) = a*t\n"
    cases = {
        "x == k": Crossing(e("x - k"), BOTH),
        "k == x": Crossing(e("k - x"), BOTH),
        "t == 3": Crossing(e("t - 3"), BOTH),
        "z == 0": Crossing(e("z"), BOTH),
        "g(m) == 0": Crossing(e("g(m)"), BOTH),
        "m == k": When(e("m == k")),
        "y == f(m)": When(e("y == f(m)")),
        "m == 1 and x > 2": When(e("m == 1 and x > 2")),
        "falling m == k": Crossing(e("m - k"), FALLING),
    }
    for condition, trigger in cases.items():
        (event,) = ode_def(f"{text}when {condition}: m = 1").definition.events
        assert event.trigger == trigger, condition


def test_discrete_variables_are_states_that_stand_last() -> None:
    model = ode_def(
        'discrete m = 2*k [mV] nominal 3 "mode"\nparam k = 1\nx\' = -m*x\nwhen x < 1: m = 0\nx(0) = 2'
    )
    assert model.state_names == ("x", "m")
    m = model.definition.states[1]
    assert m == State("m", number(0), e("2*k"), "mV", 3.0, discrete=True) and m.doc == "mode"
    assert ModelSystem(model.definition).slope(0.0, np.array([2.0, 3.0]), np.array([1.0])).tolist() == [-6, 0]
    assert model.jacobian() == sympy.Matrix([[-model.states[1], -model.states[0]], [0, 0]])


def test_a_discrete_variable_may_start_at_the_parameter_of_its_name() -> None:
    model = ode_def("param k = 2, h = 3*k\nstate x = k\ndiscrete k\ntime 0 .. k\nx' = -k*x\nat t = k: k = 0")
    definition = model.definition
    assert definition.state_names == ("x", "k") and definition.parameter_names == ("k", "h")
    assert definition.states[1].initial == Name("k")
    assert model.parameter_jacobian() == sympy.zeros(2, 2)
    system = ModelSystem(definition)
    assert system.slope(0.0, np.array([5.0, 7.0]), np.array([2.0, 6.0])).tolist() == [-35, 0]
    problem = symde.Problem(model, p={"k": 4})
    assert problem.u0.tolist() == [4, 4] and problem.p.tolist() == [4, 12] and problem.tspan == (0, 4)


def test_domains_belong_to_states() -> None:
    model = ode_def(
        "const c = 2\nstate x = 1, y = 1, z = 1\ndom x >= -1/c, y <= c\ndom 0 <= z\ndom z <= 1\n"
        "x' = 1; y' = 1; z' = 1"
    )
    assert [state.domain for state in model.definition.states] == [(-0.5, None), (None, 2.0), (0.0, 1.0)]


def test_derivatives_may_be_read_and_velocities_set() -> None:
    model = ode_def(
        "state x = 1\nx'' = -x\nwhen rising x' == 0: D(x) = x''\ny' = -y\nwhen dy > 1: y = D(y)\ny(0) = 1"
    )
    first, second = model.definition.events
    assert first.effects == (Effect("x'", Name("x''")),)
    assert second.effects == (Effect("y", Name("y'")),)
    assert {"x''", "y'", "dy"} <= set(model.observable_names)


TEXTS = [
    BALL,
    "x' = -k*x\nwhen x < thr: x = 1\nat t = 1, T: x += d\nevery T from t0 until 3*T priority 2: x = 0",
    "param k = 2\nstate x = 1\ndiscrete k\ndiscrete m = 3 [mV]\nx' = -k*x\ndom 0 <= x\n"
    "a: when m == 1: k = 2, stop",
    "x' = -x\nx(0) = 2\nslow: when x < 1 and not x < 0.5 after 0.1*x persistent: x = 2\n"
    "when falling x == 1: stop",
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_pickle_and_replace_keep_events(text: str) -> None:
    model = ode_def(text)
    again = ode_def(model.text())
    assert again == model and hash(again) == hash(model), model.text()
    assert again.text() == model.text()
    copy = pickle.loads(pickle.dumps(model))
    assert copy == model and copy.definition.events == model.definition.events
    assert shown(copy.definition.events[0].span) == shown(model.definition.events[0].span)
    assert copy.definition.states == model.definition.states


def test_models_differ_where_their_events_do() -> None:
    texts = [
        "when x < 1: x = 2",
        "when x < 1: x = 3",
        "when x < 2: x = 2",
        "when x < 1: x = 2, stop",
        "when x < 1 priority 1: x = 2",
        "when x < 1 after 1: x = 2",
        "when x < 1 after 1 persistent: x = 2",
        "a: when x < 1: x = 2",
        "when x == 1: x = 2",
        "when falling x == 1: x = 2",
        "at t = 1: x = 2",
        "every 1: x = 2",
        "every 1 from 0: x = 2",
        "dom x >= 0",
        "",
    ]
    models = [ode_def(f"x' = -x\nx(0) = 1\n{one}") for one in texts]
    assert len(set(models)) == len(texts)


def test_other_forms_of_a_definition_keep_events() -> None:
    model = ode_def(BALL)
    definition = with_integrals(model.definition, {"q": "x^2"})
    assert [one.name for one in definition.states] == ["x", "x'", "q", "n"]
    assert definition.events == model.definition.events
    assert bound(model.definition, {}).events == model.definition.events
    split = ode_def("x' = stiff(-x) + 1\nx(0) = 1\nwhen x > 2: x = 0").definition
    assert part_of(split, STIFF).events == split.events


WORDS = ("x", "m", "k", "c", "o", "t")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    conditions(expressions(WORDS, leaves=4)),
    st.lists(expressions(WORDS, leaves=4), min_size=3, max_size=3),
    st.lists(expressions(("k", "t0", "c"), leaves=3), min_size=3, max_size=3),
    st.sampled_from(["rising", "falling"]),
    st.booleans(),
    names(("x", "m")),
)
def test_every_event_has_a_text(condition, values, times, direction, flag, target) -> None:
    first, second, third = values
    effects = (Effect(target.id, first),)
    definition = Definition(
        name="M",
        doc=None,
        states=(
            State("x", second, number(1), domain=(None, 2.5) if flag else (-1.0, 1.0)),
            State("m", number(0), number(2), discrete=True),
        ),
        parameters=(Parameter("k", number(1)),),
        observables=(Observable("o", Name("x", span=None)),),
        constants=(Constant("c", 2.5),),
        functions=(),
        tspan=None,
        events=(
            ModelEvent("event 1", When(condition), effects, stop=flag, after=third, persistent=flag),
            ModelEvent("named", Crossing(second, direction), effects, priority=third),
            ModelEvent("event 3", At(tuple(times[:2])), stop=True),
            ModelEvent("event 4", Every(times[2], times[0] if flag else None, times[1]), effects),
        ),
    )
    model = Model(definition)
    try:
        again = ode_def(model.text())
    except ModelError as problem:
        # random constants overflow, are negative periods or delays; random conditions are equalities
        assert {one.code for one in problem.diagnostics} <= {"E318", "E344", "E346"}
        return
    if isinstance(again.definition.events[0].trigger, Crossing):
        return  # `a == b` of moving values is a crossing in the text
    assert again == model, model.text()


def test_the_sympy_view_is_readable() -> None:
    model = ode_def(BALL + "\n").with_events(
        [
            symde.Event(at=["t0", 2], effects={"n": "0"}, name="reset"),
            symde.Event(every="2*e", start=1, until=9, stop=True, priority=1),
            symde.Event("x > 2", {"x": 2}, after="e", persistent=True),
        ]
    )
    bounce, stop, reset, every, late = model.events
    x, velocity, n = model.states
    g, restitution = model.parameters
    assert bounce.condition == sympy.Eq(x, 0, evaluate=False) and bounce.direction == "falling"
    assert bounce.effects == {velocity: -restitution * velocity, n: n + 1}
    assert stop.condition == (n >= 3) and stop.stop and stop.effects == {}
    assert reset.times == (sympy.Symbol("t0", real=True), 2) and reset.name == "reset"
    assert (every.period, every.start, every.end) == (2 * restitution, 1, 9)
    assert (late.after, late.persistent) == (restitution, True)
    assert [str(one) for one in model.events] == [
        "bounce: when falling x == 0: x' = -e*x', n = n + 1",
        "event 2: when n >= 3: stop",
        "reset: at t = t0, 2: n = 0",
        "event 4: every 2*e from 1 until 9 priority 1: stop",
        "event 5: when x > 2 after e persistent: x = 2",
    ]


@pytest.mark.parametrize("target", ["c", "llvm", "numba", "numpy", "torch", "latex"])
def test_exports_say_that_events_are_not_in_them(target: str) -> None:
    text = symde.export(ode_def(BALL), target=target)
    assert "vents of the model" in text
    assert "vents of the model" not in symde.export(ode_def("x' = -x"), target=target)
    if target != "latex":
        assert "bounce: when falling x == 0" in text and "n changes at events only" in text


def test_warnings() -> None:
    assert check(ode_def(BALL)) == []
    (warning,) = check(ode_def("x' = -m*x\ndiscrete m = 1\nx(0) = 1"))
    assert (warning.code, shown(warning.span)) == ("W111", "m")
    # what only events read is not unused
    assert check(ode_def("param k = 1\nstate x = 1\nx' = -x\nwhen x < k: x = 1")) == []


MISTAKES = [
    (
        "param k = 1\nwhen x > 1: k = 2",
        "E340",
        "k",
        "cannot set the parameter `k`",
        "`discrete k = ...` in place",
    ),
    ("const c = 1\nwhen x > 1: c = 2", "E340", "c", "cannot set the constant `c`", "`discrete c = ...`"),
    ("y = 2*x\nwhen x > 1: y = 2", "E340", "y", "observed quantity `y`", "set what it is computed from"),
    ("f(a) = a\nwhen x > 1: f = 2", "E340", "f", "cannot set the function `f`", ""),
    ("when x > 1: t = 2", "E340", "t", "cannot set `t`", ""),
    ("when x > 1: x' = 2", "E340", "x'", "cannot set the derivative of `x`", "x'' = ..."),
    ("state speed = 1\nspeed' = 1\nwhen x > 1: sped = 2", "E201", "sped", "unknown name", "a state `speed`"),
    ("when x > 1: q = 2", "E201", "q", "unknown name `q`", "discrete q"),
    ("param k = 1\nwhen x > kk: x = 2", "E201", "kk", "unknown name `kk`", "a parameter `k`"),
    ("when x: x = 2", "E312", "x", "a condition is expected", "x > 0"),
    ("when x - 1: x = 2", "E312", "x - 1", "a condition is expected", ""),
    ("when x > 1: x = x > 2", "E312", "x > 2", "a number is expected", ""),
    ("dom y >= 0", "E341", "y", "is no state", ""),
    ("discrete m = 1\ndom m >= 0", "E341", "m", "`m` is no state", ""),
    ("dom x >= 0\ndom 1 <= x", "E341", "1 <= x", "bounded twice", ""),
    ("dom 2 <= x <= 1", "E314", "2 <= x <= 1", "hold nothing", ""),
    ("param k = 1\ndom x >= k", "E208", "k", "a bound cannot read `k`", ""),
    ("when x > 1: x = 1, x = 2", "E342", "x", "sets `x` twice", "at once"),
    ("a: when x > 1: x = 1\na: when x > 2: x = 1", "E343", "a", "two events `a`", ""),
    ("when x == 1 and t > 2: x = 2", "E344", "x == 1", "`==` of values that move", "when a == b"),
    ("when x != 1: x = 2", "E344", "x != 1", "`!=` of values that move", ""),
    ("when rising x > 1: x = 2", "E345", "x > 1", "this is no crossing", "`when rising a == b`"),
    ("every 0: x = 2", "E346", "0", "a period is positive, and this is 0", ""),
    ("const c = 2\nevery 1 - c: x = 2", "E346", "1 - c", "a period is positive, and this is -1", ""),
    ("every 1 from 3 until 2: x = 2", "E346", "every 1 from 3 until 2", "ends at 2 before", ""),
    ("when x > 1 after -1: x = 2", "E346", "-1", "a delay is not negative", ""),
    ("at t = x: x = 2", "E208", "x", "times of an event cannot read `x`", "parameters, constants and `t0`"),
    ("every t: x = 2", "E208", "t", "times of an event cannot read `t`", ""),
    ("when x > t0: x = 2", "E208", "t0", "`t0` cannot be read in an equation", ""),
    (
        "discrete m = 1\nm' = 2",
        "E308",
        "m",
        "discrete variable and has no differential equation",
        "as a state",
    ),
    ("discrete m = 1\nm = 2*x", "E308", "m", "discrete variable and cannot be assigned", ""),
    ("discrete m = 1\nm(0) = 2", "E310", "m", "initial value of `m`", "discrete"),
    ("discrete x = 1", "E203", "x", "", ""),
    ("discrete m = x", "E208", "x", "an initial value cannot read `x`", ""),
    ("discrete m = 1\nparam k = m", "E208", "m", "a parameter's default cannot read `m`", ""),
    ("discrete m = 1\nx2' = m(2)\nx2(0) = 1", "E205", "m", "cannot be called", ""),
]


@pytest.mark.parametrize(("text", "code", "caret", "message", "remedy"), MISTAKES)
def test_mistakes(text: str, code: str, caret: str, message: str, remedy: str) -> None:
    with pytest.raises(ModelError) as caught:
        ode_def(f"model M\nstate x = 1\nx' = -x\n{text}\nend")
    (error,) = caught.value.diagnostics
    assert error.code == code, str(error)
    assert error.span is not None and error.span.text == caret, str(error)
    assert message in error.message, str(error)
    assert remedy in f"{error.help} {error.label}", str(error)


# ---- events given where a problem is solved

SIR = "param beta = 0.4, gamma = 0.1, lock = 0.3\nstate S = 0.99, I = 0.01, R = 0\nconst N = 1\n"
SIR += "dS = -beta*S*I/N; dI = beta*S*I/N - gamma*I; dR = gamma*I\ntime 0 .. 100"


def test_a_parameter_that_an_event_sets_becomes_a_discrete_variable() -> None:
    model = ode_def(SIR)
    locked = model.with_events([symde.Event("I/N > 0.1", {"beta": "beta*lock"})])
    assert locked.parameter_names == model.parameter_names
    assert locked.state_names == (*model.state_names, "beta")
    (event,) = locked.definition.events
    assert event == ModelEvent("event 1", When(e("I/N > 0.1")), (Effect("beta", e("beta*lock")),))
    problem = symde.Problem(locked, p={"beta": 0.5})
    assert problem.u0.tolist() == [0.99, 0.01, 0, 0.5]
    assert ode_def(locked.text()) == locked
    again = locked.with_events([symde.Event("I/N < 0.01", {"beta": 0.5}, name="open")])
    assert again.state_names == locked.state_names
    assert [one.name for one in again.definition.events] == ["event 1", "open"]
    assert model.with_events([]) == model and with_events(model.definition, []) is model.definition


def test_call_time_events_say_what_the_text_says() -> None:
    text = ode_def(
        f"{SIR}\na: when falling I == 0.1 after 2 persistent priority 3: S += 1, I = -0.5\n"
        "at t = t0, 2*lock: R = 0, stop\nevery 2 from 1 until 9: R = x\nx = I + t"
    )
    called = ode_def(f"{SIR}\nx = I + t").with_events(
        [
            symde.Event(
                "I == 0.1",
                {"S": "S + 1", "I": -0.5},
                name="a",
                direction="falling",
                after=2,
                persistent=True,
                priority=3,
            ),
            symde.Event(at=("t0", "2*lock"), effects={"R": 0}, stop=True),
            symde.Event(every=2, start="1", until=9, effects={"R": "x"}),
        ]
    )
    assert called == text


def test_derivatives_read_by_a_call_time_event_are_written_out() -> None:
    called = ode_def(SIR).with_events([symde.Event("dI == 0", {"R": "S'"}, name="peak")])
    (event,) = called.definition.events
    assert event.trigger == Crossing(e("beta*S*I/N - gamma*I"), BOTH)
    assert event.effects == (Effect("R", e("-beta*S*I/N")),)


CALL_MISTAKES = [
    (dict(condition="I > nn", stop=True), "E201", "nn", "<event 1: condition>"),
    (dict(condition="I >", stop=True), "E103", "", "<event 1: condition>"),
    (dict(condition="I", stop=True, name="e"), "E312", "I", "<event e: condition>"),
    (dict(condition="I > 1", effects={"q": 1}), "E201", "q", "<event 1: effects>"),
    (dict(condition="I > 1", effects={"N": 1}), "E340", "N", "<event 1: effects>"),
    (dict(condition="I > 1", effects={"2x": 1}), "E101", "2x", "<event 1: effects>"),
    (dict(condition="I > 1", effects={"S": "exp(1, 2)"}), "E206", "exp(1, 2)", "<event 1: S>"),
    (dict(at=[1, "S"], stop=True), "E208", "S", "<event 1: at>"),
    (dict(every=-1, stop=True), "E346", "-1", "<event 1: every>"),
    (dict(condition="I > 1", stop=True, name="a b"), "E101", "a b", "<event a b: name>"),
]


def test_derivatives_of_a_model_whose_parameter_is_set_are_those_of_sympy() -> None:
    locked = ode_def(SIR).with_events([symde.Event("I/N > 0.1", {"beta": "beta*lock"})])
    symde.testing.check_derivatives(locked)


@pytest.mark.parametrize(("event", "code", "caret", "where"), CALL_MISTAKES)
def test_mistakes_in_the_strings_have_their_place(event, code, caret, where) -> None:
    with pytest.raises(ModelError) as caught:
        ode_def(SIR).with_events([symde.Event(**event)])
    (error,) = caught.value.diagnostics
    assert error.span is not None
    assert (error.code, error.span.text, error.span.source.name) == (code, caret, where), str(error)


def test_a_name_that_the_model_gave_is_taken() -> None:
    with pytest.raises(ModelError, match="already"):
        ode_def(BALL).with_events([symde.Event("x > 1", stop=True, name="bounce")])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(stop=True), "one of condition, at= and every="),
        (dict(condition="x > 1", at=1, stop=True), "condition and at"),
        (dict(condition="x > 1"), "changes something"),
        (dict(condition="x > 1", start=1, stop=True), "belong to every="),
        (dict(condition="x == 1", direction="up", stop=True), "rising"),
        (dict(at=1, after=1, stop=True), "after= belongs to events with a condition"),
        (dict(condition="x > 1", persistent=True, stop=True), "give the delay"),
        (dict(at=[], stop=True), "at least one time"),
        (dict(at=float("nan"), stop=True), "not finite"),
    ],
)
def test_an_event_that_cannot_be_is_refused(arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        symde.Event(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        dict(condition=1.0, stop=True),
        dict(condition="x > 1", effects=[("x", 1)]),
        dict(condition="x > 1", effects={1: 1}),
        dict(condition="x > 1", effects={"x": None}),
        dict(at=object(), stop=True),
        dict(condition="x > 1", name=3, stop=True),
    ],
)
def test_what_is_neither_text_nor_number_is_refused(arguments) -> None:
    with pytest.raises(TypeError):
        symde.Event(**arguments)


def test_events_are_values() -> None:
    first, second = (symde.Event("x > 1", {"x": 0, "y": "x"}, name="a") for _ in range(2))
    assert first == second and hash(first) == hash(second)
    assert first.effects == (("x", 0.0), ("y", "x"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.name = "b"  # type: ignore[misc]
    with pytest.raises(TypeError, match=r"symde\.Event"):
        ode_def("x' = -x").with_events(["x > 1"])  # type: ignore[list-item]
