"""`sensealg="auto"`: what it reports, remembers and refuses, and that the fastest trial wins. Seconds are
scripted: no test depends on the machine's."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest

import symde
from symde.engine.methods import registry as methods
from symde.sensitivity import auto, forward, registry
from symde.sensitivity.run import prepare
from symde.sensitivity.wrt import wrt_of

PREDATORS = """
model Predators
  param a = 1.5, b = 1.0, c = 3.0, d = 1.0
  state x = 1, y = 1.2
  time 0 .. 2
  dx = a*x - b*x*y
  dy = -c*y + d*x*y
end
"""

CHAIN = "\n".join([
    "model Chain",
    "  param k = 2",
    *(f"  state x{i} = {i % 3}" for i in range(60)),
    "  time 0 .. 1",
    *(f"  x{i}' = k*(x{(i + 1) % 60} - x{i})" for i in range(60)),
    "end",
])  # fmt: skip
"""More states than the stiff half of the default pair is a Rosenbrock method for."""


def loss(u):
    return 0.5 * float((u**2).sum()), u


numbers = itertools.count()


@pytest.fixture
def problem():
    """A problem of its own system, so that nothing is remembered: equal models share theirs."""
    return symde.Problem(symde.ode_def(PREDATORS.replace("Predators", f"Predators{next(numbers)}")))


def scripted(monkeypatch, seconds: dict[str, list[float]]) -> list[str]:
    """Trials take the seconds listed for their strategy, the last again and again, or one second where none
    are listed; the order they came in."""
    order: list[str] = []
    left: dict[str, Iterator[float]] = {name: iter(values) for name, values in seconds.items()}

    def gradient(trial):
        name = trial.choice.sensealg
        order.append(name)
        return next(left[name], seconds[name][-1]) if name in seconds else 1.0

    monkeypatch.setattr(auto, "_gradient", gradient)
    return order


@pytest.mark.parametrize("fastest", registry.AUTOMATIC)
def test_fastest_trial_wins_and_is_reported(monkeypatch, problem, fastest):
    scripted(monkeypatch, {name: [1.0, 1.0 if name == fastest else 2.0] for name in registry.AUTOMATIC})
    _, gradient = symde.value_and_grad(loss, problem, "Tsit5")
    assert gradient.sensealg == fastest
    _, named = symde.value_and_grad(loss, problem, "Tsit5", sensealg=fastest)
    assert named.sensealg == fastest
    assert np.array_equal(gradient.vector(), named.vector())  # the same computation


def test_one_disturbed_run_does_not_decide(monkeypatch, problem):
    # the runs that compile and begin, then a disturbed one of 8 times, then as it is
    scripted(monkeypatch, {"discrete": [1.0, 1e-3, 8e-3, 1e-3], "forward": [1.0, 1e-3, 2e-3]})
    _, gradient = symde.value_and_grad(loss, problem, "Tsit5")
    assert gradient.sensealg == "discrete"


def test_first_run_of_fifty_times_does_not_decide(monkeypatch, problem):
    # a collection of garbage in the one run that is timed before strategies are left out
    scripted(monkeypatch, {"discrete": [1.0, 1e-3, 5e-2, 1e-3], "forward": [1.0, 1e-3, 2e-3]})
    _, gradient = symde.value_and_grad(loss, problem, "Tsit5")
    assert gradient.sensealg == "discrete"


def test_beginning_of_fifty_times_does_not_decide(monkeypatch, problem):
    scripted(monkeypatch, {"discrete": [1.0, 2e-3], "forward": [1.0, 5e-2, 1e-3]})
    _, gradient = symde.value_and_grad(loss, problem, "Tsit5")
    assert gradient.sensealg == "forward"


def test_strategy_that_is_far_behind_at_the_beginning_is_tried_no_longer(monkeypatch, problem):
    spans = []
    scripted(monkeypatch, {"discrete": [1.0, 1e-3], "forward": [1.0, 2e-2]})
    timed = auto._gradient

    def gradient(trial):
        if trial.choice.sensealg == "forward":
            spans.append(trial.run.problem.tspan[1])
        return timed(trial)

    monkeypatch.setattr(auto, "_gradient", gradient)
    _, found = symde.value_and_grad(loss, problem, "Tsit5", rtol=1e-8)
    assert found.sensealg == "discrete"
    assert len(spans) == 3  # it compiled, and was timed twice
    assert max(spans) < 0.5 < problem.tspan[1]


def test_strategy_that_is_far_behind_later_is_timed_no_more(monkeypatch, problem):
    order = scripted(monkeypatch, {"discrete": [1.0, 1e-3], "forward": [1.0, 1e-3, 0.2]})
    _, gradient = symde.value_and_grad(loss, problem, "Tsit5")
    assert gradient.sensealg == "discrete"
    assert order.count("forward") == 3  # it compiled, began, and was timed once


@pytest.mark.parametrize(
    ("wall", "process", "counted"),
    [
        (0.0604, 0.0004, 0.0004),  # another process had the core for 60 ms
        (0.010, 0.019, 0.010),  # two threads of a library at once
        (0.0004, 0.0, 0.0004),  # a clock of the process with ticks of 16 ms, between two of them
        (0.0004, 0.0156, 0.0004),  # and at one
    ],
)
def test_a_run_counts_without_what_others_took_of_the_core(monkeypatch, wall, process, counted):
    times = {"perf_counter": iter([5.0, 5.0 + wall]), "process_time": iter([2.0, 2.0 + process])}
    for name, values in times.items():
        monkeypatch.setattr(auto.time, name, lambda values=values: next(values))
    assert auto.stopwatch()() == pytest.approx(counted, rel=1e-9)


def test_choice_is_remembered_for_system_and_wish(monkeypatch, problem):
    order = scripted(monkeypatch, {name: [1e-3] for name in registry.AUTOMATIC})
    symde.value_and_grad(loss, problem, "Tsit5", wrt="p")
    tried = len(order)
    assert tried
    symde.value_and_grad(loss, symde.remake(problem, p={"a": 1.4}), "Tsit5", wrt="p")
    assert len(order) == tried
    symde.value_and_grad(loss, problem, "Tsit5", wrt="a")
    assert len(order) > tried


def test_no_more_choices_are_remembered_than_said(monkeypatch, problem):
    scripted(monkeypatch, {name: [1.0] for name in registry.AUTOMATIC})
    monkeypatch.setattr(auto, "REMEMBERED", 2)
    for name in "abcd":
        symde.value_and_grad(loss, problem, "Tsit5", wrt=name)
    assert len(auto._remembered[problem.system]) <= 2


def test_strategy_whose_arithmetic_alone_takes_longer_is_not_tried(monkeypatch, problem):
    order = scripted(monkeypatch, {name: [1.0] for name in registry.AUTOMATIC})
    monkeypatch.setattr(auto, "MULTIPLY_ADDS", 1e-3)
    _, gradient = symde.value_and_grad(loss, problem, "Tsit5")
    assert "forward" not in order
    assert gradient.sensealg != "forward"


def test_least_work_grows_with_columns(problem):
    run = prepare(problem, "Tsit5")
    one, all_of = (forward.least_work(run, wrt_of(wish, problem.system)) for wish in ("a", ("u0", "p")))
    assert all_of == 6 * one > 0  # 2 initial values and 4 parameters


def test_default_methods_give_way_to_those_of_the_strategy(monkeypatch):
    chain = symde.Problem(symde.ode_def(CHAIN))
    monkeypatch.setattr(registry, "AUTOMATIC", ("discrete",))
    run, wish = prepare(chain, None), wrt_of("p", chain.system)
    name, chosen = auto.choose(run, wish, free=True)
    assert name == "discrete"
    assert run.plan.methods[1] is methods.get("QNDF")
    assert registry.get(name).record(chosen, wish).solution.success


def test_named_methods_do_not_give_way(monkeypatch):
    chain = symde.Problem(symde.ode_def(CHAIN))
    _, gradient = symde.value_and_grad(loss, chain, "QNDF", wrt="p")
    assert gradient.sensealg == "forward"
    monkeypatch.setattr(registry, "AUTOMATIC", ("discrete",))
    with pytest.raises(ValueError, match="no strategy can differentiate this solve. discrete: QNDF has no"):
        symde.value_and_grad(loss, chain, "QNDF", wrt=("u0", "p"))


@pytest.mark.parametrize("span", [(0.0, 2.0), (2.0, 0.0)])
def test_trial_of_a_long_solve_covers_its_first_steps(monkeypatch, problem, span):
    monkeypatch.setattr(auto, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(auto, "FIRST_STEPS", 4)
    times = np.linspace(*span, 41)[1:]
    run = prepare(symde.remake(problem, tspan=span), "Tsit5", rtol=1e-8, saveat=times)
    first, evaluations = auto.first_steps(run)
    start, reached = first.problem.tspan
    assert start == span[0]
    assert 0 < abs(reached - start) < 2
    assert first.times is not None and first.times[-1] == reached
    assert np.array_equal(first.times[:-1], times[: len(first.times) - 1])
    assert 4 * 6 <= evaluations <= 60  # Tsit5 takes 6 a step, and some to begin


def test_trial_of_a_short_solve_is_all_of_it(monkeypatch, problem):
    monkeypatch.setattr(auto, "LEAST_SECONDS", math.inf)
    run = prepare(problem, "Tsit5")
    assert auto.first_steps(run)[0] is run


def test_failing_solve_tells_why():
    growth = symde.Problem(
        symde.ode_def("model G\n  param a = 1\n  state x = 1\n  time 0 .. 2\n  x' = a*x^2\nend")
    )
    with pytest.raises(symde.SolveError):
        symde.value_and_grad(loss, growth, "Tsit5")
