"""Every member is what a solve of its own gives."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.engine.cpu.batch import Members, Outcome
from symde.ensemble.members import starts_of
from symde.ensemble.singles import LoopOverMembers, WholeSolves
from symde.members.lanes import NONE
from symde.members.loops import Loops, hosted
from symde.plan import plan_for
from tests.ensemble.models import BLOWUP, DECAY, LOTKA, ROBER, lotka_parameters, rober_parameters

PROBLEM = symde.Problem(LOTKA)
TIMES = np.linspace(0, 10, 21)


@pytest.mark.parametrize("method", [None, "Tsit5", "Vern7", "Taylor", "VCABM", "Rodas5P", "QNDF", "Radau"])
def test_members_are_to_the_last_bit_what_solves_of_their_own_give(method):
    p = lotka_parameters(7)
    found = symde.ensemble(PROBLEM, method, p=p, saveat=TIMES, lanes=False)
    for i in range(7):
        alone = symde.solve(symde.remake(PROBLEM, p=p[i]), method, saveat=TIMES)
        assert np.array_equal(found.u[i], alone.u)
        assert found.member(i).stats.as_dict() == {**alone.stats.as_dict(), "seconds": 0.0}
        assert found.member(i).problem.p.tolist() == p[i].tolist()
    assert found.stats.accepted == sum(found.member(i).stats.accepted for i in range(7))
    assert found.success and found.retcodes.tolist() == [symde.Retcode.SUCCESS] * 7


def test_a_switch_of_method_in_one_member_leaves_the_next_alone():
    problem = symde.Problem(ROBER)
    p = rober_parameters(5)
    found = symde.ensemble(problem, p=p, saveat=[1e2, 1e4], lanes=False)
    assert found.stats.switches >= 5
    for i in range(5):
        assert np.array_equal(found.u[i], symde.solve(symde.remake(problem, p=p[i]), saveat=[1e2, 1e4]).u)


def test_backwards_and_with_tolerances_by_name():
    problem = symde.Problem(LOTKA, tspan=(10, 0))
    given = {"rtol": 1e-8, "atol": {"x": 1e-10, "y": 1e-4}, "dtmax": 0.5, "saveat": 0.5}
    found = symde.ensemble(problem, "Vern7", u0={"x": [1.0, 2.0, 3.0]}, **given, lanes=False)
    for i, x in enumerate((1.0, 2.0, 3.0)):
        alone = symde.solve(symde.remake(problem, u0={"x": x}), "Vern7", **given)
        assert np.array_equal(found.u[i], alone.u) and np.array_equal(found.t, alone.t)


def test_values_by_order_by_name_and_mixed_mean_the_same():
    p = lotka_parameters(4)
    by_order = symde.ensemble(PROBLEM, "Tsit5", p=p, saveat=[10])
    columns = {name: p[:, k] for k, name in enumerate("abcd")}
    assert np.array_equal(symde.ensemble(PROBLEM, "Tsit5", p=columns, saveat=[10]).u, by_order.u)
    mixed = symde.ensemble(PROBLEM, "Tsit5", p=[p[:, 0], 1.0, 3.0, p[:, 3]], saveat=[10])
    named = symde.ensemble(PROBLEM, "Tsit5", p={"d": p[:, 3], "a": p[:, 0], "b": 1.0}, saveat=[10])
    assert np.array_equal(mixed.u, named.u)
    assert np.array_equal(mixed.p, np.column_stack([p[:, 0], np.ones(4), np.full(4, 3.0), p[:, 3]]))


def test_what_follows_a_parameter_follows_it_in_every_member():
    k = np.array([0.25, 0.5, 1.0])
    found = symde.ensemble(symde.Problem(DECAY), p={"k": k}, saveat=[0, 1, 2], rtol=1e-10)
    np.testing.assert_array_equal(found["twice"], 2 * k)
    np.testing.assert_array_equal(found["x"][:, 0], 2 * k)
    np.testing.assert_allclose(found["x"], 2 * k[:, None] * np.exp(-k[:, None] * found.t), rtol=1e-8)
    fixed = symde.ensemble(symde.Problem(DECAY, p={"twice": 3}), p={"k": k}, u0={"x": 5}, saveat=[0])
    assert fixed["twice"].tolist() == [3.0] * 3 and fixed["x"][:, 0].tolist() == [5.0] * 3


def test_initial_states_may_be_a_function_of_the_parameters():
    problem = symde.Problem(LOTKA, u0=lambda p: [p[0], 1.0])
    found = symde.ensemble(problem, p={"a": [1.0, 2.0]}, saveat=[0])
    assert found["x"][:, 0].tolist() == [1.0, 2.0]


def test_arrays_of_parameters_take_values_with_the_members_in_front():
    text = "extern net(x, y) -> 2\nx(0) = 1\ny(0) = 2\n(x', y') = net(x, y)"
    layers = [symde.Dense(2, 3, "tanh"), symde.Dense(3, 2)]
    problem = symde.Problem(symde.ode_def(text).bind(net=symde.Network(layers, seed=1)), tspan=(0, 1))
    w = np.random.default_rng(2).normal(size=(3, 3, 2))
    for given in (w, w.reshape(3, 6)):
        found = symde.ensemble(problem, p={"net.0.weight": given}, saveat=[1.0], lanes=False)
        for i in range(3):
            alone = symde.solve(symde.remake(problem, p={"net.0.weight": w[i]}), saveat=[1.0])
            assert np.array_equal(found.u[i], alone.u)
    same = symde.ensemble(problem, n=2, p={"net.0.weight": w[2]}, saveat=[1.0], lanes=False)
    assert np.array_equal(same.u[0], found.u[2]) and np.array_equal(same.u[1], found.u[2])
    with pytest.raises(ValueError, match="shape"):
        symde.ensemble(problem, p={"net.0.weight": w.reshape(2, 9)})


def test_a_function_of_python_is_called_back():
    def f(u, p, t):
        return [-p[0] * u[0] if float(u[0]) > -1 else 0.0]  # cannot be traced

    problem = symde.Problem(f, [1.0], (0, 1), [1.0])
    assert not problem.system.compiled
    found = symde.ensemble(problem, p=[[1.0], [2.0]], saveat=[1.0])
    np.testing.assert_allclose(found.u[:, 0, 0], np.exp([-1.0, -2.0]), rtol=1e-5)

    def broken(u, p, t):
        if p[0] > 1 and float(t) > 0:
            raise ZeroDivisionError("mine")
        return [-float(p[0]) * u[0]]

    with pytest.raises(ZeroDivisionError, match="mine"):
        symde.ensemble(symde.Problem(broken, [1.0], (0, 1), [1.0]), p=[[1.0], [2.0]])


@pytest.mark.parametrize("workers", [2, 3, None])
@pytest.mark.parametrize("reduce", [None, ("mean", "quantiles")])
def test_any_number_of_threads_gives_the_same_bits(workers, reduce):
    given = {"p": lotka_parameters(300), "saveat": TIMES, "reduce": reduce}
    one = symde.ensemble(PROBLEM, "Tsit5", **given)
    several = symde.ensemble(PROBLEM, "Tsit5", **given, workers=workers)
    if reduce is None:
        assert np.array_equal(one.u, several.u)
    else:
        assert np.array_equal(one.var(), several.var())
        assert np.array_equal(one.quantile([0.1, 0.5]), several.quantile([0.1, 0.5]))
    assert np.array_equal(one.counters, several.counters)


def test_observed_quantities_and_names():
    p = lotka_parameters(3)
    found = symde.ensemble(PROBLEM, p=p, saveat=TIMES)
    assert len(found) == 3 and found.u.shape == (3, 21, 2)
    np.testing.assert_array_equal(found["y"], found.u[:, :, 1])
    np.testing.assert_array_equal(found["total"], p[:, :1] * found["x"] + found["y"])
    np.testing.assert_array_equal(found["total"][2], found.member(2)["total"])
    np.testing.assert_array_equal(found["a"], p[:, 0])
    assert found["t"] is found.t
    with pytest.raises(ValueError, match="did you mean `total`"):
        found["totel"]
    with pytest.raises(IndexError, match="has 3"):
        found.member(3)


def test_without_saveat_101_times_are_saved():
    found = symde.ensemble(PROBLEM, n=1)
    np.testing.assert_array_equal(found.t, np.linspace(0, 10, 101))


def test_failures_are_told_and_leave_the_others_alone():
    k = np.array([0.1, 1.0, 0.25, 4.0])  # x = 1/(1 - k t) ends at t = 1/k
    with pytest.warns(RuntimeWarning, match=r"2 of 4 members failed.*member 1") as caught:
        found = symde.ensemble(symde.Problem(BLOWUP), "Tsit5", p={"k": k}, saveat=[0, 0.2, 0.5, 2.0])
    assert len(caught) == 1
    assert [one.index for one in found.failures] == [1, 3]
    np.testing.assert_allclose([one.time for one in found.failures], [1.0, 0.25], rtol=1e-3)
    assert "k*x^2" in found.failures[0].message and "help:" in found.failures[1].message
    assert found.succeeded.tolist() == [True, False, True, False] and not found.success
    assert np.isnan(found["x"][1]).tolist() == [False, False, False, True]
    assert np.isnan(found["x"][3]).tolist() == [False, False, True, True]
    np.testing.assert_allclose(found["x"][[0, 2], -1], 1 / (1 - 2 * k[[0, 2]]), rtol=1e-4)
    np.testing.assert_array_equal(found.mean("x"), found["x"][[0, 2]].mean(axis=0))
    failed = found.member(3)
    assert failed.t.tolist() == [0, 0.2] and not failed.success and "k*x^2" in failed.message
    alone = symde.solve(failed.problem, "Tsit5", saveat=[0, 0.2, 0.5, 2.0], throw=False)
    assert alone.message == failed.message


def test_many_failures_are_told_and_where_all_fail_there_is_no_mean():
    with pytest.warns(RuntimeWarning, match="200 of 200"):
        found = symde.ensemble(symde.Problem(BLOWUP), "Tsit5", n=200, p={"k": 4}, max_steps=5)
    assert {one.retcode for one in found.failures} == {symde.Retcode.MAX_STEPS}
    with pytest.raises(ValueError, match="no member reached its end"):
        found.mean()
    with pytest.warns(RuntimeWarning, match="2 of 2"):
        kept = symde.ensemble(symde.Problem(BLOWUP), "Tsit5", p={"k": [4, 5]}, reduce=["var", "quantiles"])
    for statistic in (kept.mean, kept.var, lambda: kept.quantile(0.5)):
        with pytest.raises(ValueError, match="no member reached its end"):
            statistic()


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({}, "nothing tells how many members"),
        ({"n": 0}, "one member at least"),
        ({"n": 2.5}, "whole number"),
        ({"n": True}, "whole number"),
        ({"n": 3, "p": {"a": [1.0, 2.0]}}, "n = 3, and parameter `a` has values of 2"),
        (
            {"p": {"a": [1.0, 2.0], "b": [1.0]}},
            "parameter `b` has values of 1 members, and parameter `a` of 2",
        ),
        ({"p": {"a": [1.0, 2.0]}, "u0": {"x": [1.0, 2.0, 3.0]}}, "state `x` has values of 3"),
        ({"p": {"alpha": [1.0]}}, "unknown parameter `alpha`"),
        ({"p": {"a": [1.0, np.nan]}}, "`a` is nan in member 1"),
        ({"p": {"a": [[1.0]]}}, "shape"),
        ({"p": np.ones((5, 3))}, "expected values of 4 parameters"),
        ({"p": np.ones((5, 3, 2))}, "shape"),
        ({"n": 2, "seed": 1}, "nothing is drawn"),
        ({"n": 2, "workers": 0}, "workers = 0"),
        ({"n": 2, "reduce": "median"}, "'median'"),
        ({"n": 2, "reduce": []}, "empty"),
        ({"n": 2, "reduce": 3}, "a function reduce.state, member., or a list of these, found 3"),
        ({"p": [np.ones(5)] * 4}, r"shape \(4, 5\), expected a row for each member, .*column_stack"),
        ({"n": 2, "t_eval": [1.0]}, "did you mean `saveat`"),
        ({"n": 2, "p": lambda i, rng: None}, "returned None"),
        ({"n": 2, "p": lambda i, rng: {"ab"[i]: 1.0}}, "the same names for all"),
    ],
)
def test_what_cannot_be_is_refused(given, match):
    with pytest.raises((ValueError, TypeError), match=match):
        symde.ensemble(PROBLEM, **given)


def test_a_time_span_that_follows_the_parameters_is_refused_where_it_differs():
    problem = symde.Problem(LOTKA, tspan=lambda p: (0.0, 2 * p[0]))
    with pytest.raises(ValueError, match="the time span follows the parameters"):
        symde.ensemble(problem, p={"a": [1.5, 2.0]})
    assert symde.ensemble(problem, p={"b": [1.5, 2.0]}).t[-1] == 3.0


@pytest.mark.parametrize("model", [LOTKA, BLOWUP])
def test_whole_solves_are_the_members_of_the_loop(model):
    # what a model with a part that the host sees to is solved by
    saveat = np.array([0, 0, 0.3, 0.3, *np.linspace(0.5, 1.9, 5)])
    problem = symde.Problem(model)
    plan = plan_for(problem.system, "Vern7", 1e-7, None, 0.5, 10_000, "auto", None)
    starts = starts_of(problem, None, {model.parameter_names[0]: [0.2, 1.1, 0.4]}, None, None)
    members = Members(starts.u0, starts.p, np.array([problem.tspan]), saveat[None].astype(float), 3)
    ids, parts, failures = np.arange(1, 3), [], []
    for kind in ("loop", "whole"):
        part = Outcome.empty(2, len(saveat), len(problem.u0))
        if kind == "loop":
            solves = LoopOverMembers(Loops(problem.system, plan, 1e-8, members, NONE), problem, members)
        else:
            solves = WholeSolves(problem, problem.system, plan, 1e-8, members)
        failures.append(solves.run(ids, part, 1, lambda: None))
        parts.append(part)
    for name in ("u", "codes", "counters", "ends"):
        np.testing.assert_array_equal(getattr(parts[0], name), getattr(parts[1], name))
    assert failures[0] == failures[1] and len(failures[0]) == (1 if model is BLOWUP else 0)
    assert not hosted(problem.system, plan)
