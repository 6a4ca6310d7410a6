"""What is too large, too fast or too much: told, never passed over."""

from __future__ import annotations

import pytest

import symde
from symde.engine.jumps import registry
from symde.jumps import solve_jumps
from symde.noise import solve_noise
from symde.piecewise import solve_piecewise

GATE = "n(0) = 0; y(0) = 1; time 0 .. 1\ndy = -y\njump (t > 0.5 ? {} : 0)*(1 - n): n += 1"


@pytest.mark.parametrize("method", ["Tsit5", "Vern7", "Rodas5P"])
@pytest.mark.parametrize("rate", ["1e13", "1e15", "1e20"])
def test_a_rate_that_begins_at_once_jumps_at_once(method: str, rate: str) -> None:
    path = symde.solve(symde.Problem(symde.ode_def(GATE.format(rate))), method, seed=1)
    assert path["n"][-1] == 1 and path.events[0].t == pytest.approx(0.5, abs=1e-12)


def test_jumps_that_no_time_tells_apart_are_told() -> None:
    problem = symde.Problem(symde.ode_def("n(0) = 0; y(0) = 1; time 0 .. 1\ndy = -y\njump 1e300: n += 1"))
    told = (
        r"bad_rate: jumps follow each other more closely .*\n  states: .*\n  help: the rates come to 1e\+300"
    )
    with pytest.raises(symde.SolveError, match=told):
        symde.solve(problem, "Tsit5", seed=1)


def test_a_propensity_beyond_all_numbers_is_told_with_its_value() -> None:
    problem = symde.Problem("1e-9, 100X --> 0", {"X": 2e6}, (0, 1), kind="jump")
    with pytest.raises(symde.SolveError, match=r"the rate of `1e-9, 100X --> 0` \(line 1\) is inf"):
        symde.solve(problem, seed=1)


def test_mass_action_of_a_million_molecules_is_refused_before_it_is_written_out() -> None:
    # 1000000! has more digits than Python writes
    with pytest.raises(symde.ModelError, match="(?s)E362.*mass action of more than 100 molecules"):
        symde.ode_def("1, 1000000X --> 0")


def test_a_state_that_nothing_changes_may_be_changed_by_a_jump() -> None:
    with pytest.raises(
        symde.ModelError, match="(?s)state `X` has no equation.*or let a reaction or a jump change it"
    ):
        symde.ode_def("state X = 10\njump 1: Y += 1")


def test_statistics_that_are_none_are_told() -> None:
    problem = symde.Problem("1, X --> 0", {"X": 3}, (0, 1), kind="jump")
    with pytest.raises(TypeError, match="reduce takes .mean., .var., .quantiles., a function"):
        symde.ensemble(problem, n=3, seed=1, reduce=5)


@pytest.mark.parametrize("text", ["jump 0.5: x -= 5", "at t = 1: x -= 5"])
def test_a_state_that_is_set_outside_of_its_domain_is_told(text: str) -> None:
    problem = symde.Problem(symde.ode_def(f"x(0) = 1; time 0 .. 5\ndx = 1\ndom x >= 0\n{text}"))
    seed = {"seed": 1} if "jump" in text else {}
    with pytest.raises(symde.SolveError, match=r"`x` was set to -\d.*, outside of its domain"):
        symde.solve(problem, "Tsit5", **seed)


def test_what_is_no_model_is_told() -> None:
    for ask in (symde.conservation_laws, symde.eliminate_conserved):
        with pytest.raises(TypeError, match="expected a model .* found str"):
            ask("1, A --> B")  # type: ignore[arg-type]


@pytest.mark.parametrize("epsilon", ["a", None, True])
def test_an_epsilon_that_is_no_number_is_told(epsilon: object) -> None:
    with pytest.raises(TypeError, match="epsilon must be a number"):
        registry.get("TauLeaping").with_epsilon(epsilon)  # type: ignore[arg-type]


@pytest.mark.parametrize("solver", [solve_jumps, solve_piecewise, solve_noise])
def test_what_is_no_problem_is_told(solver) -> None:
    with pytest.raises(TypeError, match="expected a symde.Problem, found str"):
        solver("1, X --> 0")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_events": -3}, "max_events = -3: it must be a positive whole number"),
        ({"max_events": 2.5}, "max_events must be a whole number"),
        ({"max_events": "a"}, "max_events must be a whole number"),
        ({"dense": "yes"}, "dense must be True or False"),
    ],
)
def test_options_of_paths_are_checked(options: dict, message: str) -> None:
    problem = symde.Problem("1, X --> 0", {"X": 3}, (0, 1), kind="jump")
    with pytest.raises((TypeError, ValueError), match=message):
        solve_jumps(problem, seed=1, **options)
