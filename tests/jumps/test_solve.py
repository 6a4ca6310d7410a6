"""Solves of jump processes: what is saved, what follows from the seed, what is refused and how."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import symde
from symde.engine.jumps import registry, session
from symde.engine.jumps.choice import MANY_REACTIONS
from symde.jumps import solve_jumps
from symde.problem import Retcode, SolveError
from tests.jumps.paths import METHODS

MODEL = """
model Genes
  param k = 5, g = 0.5, b = 0.02, u = 1
  state M = 0, P = 10, D = 0
  time 0 .. 10
  k, 0 --> M
  g, M --> 0
  2, M --> M + P
  (b, u), 2P <--> D
  M*hill(D, 3, 10, 2), M => 0
  total = P + 2*D
end
"""
MASS_ACTION = "\n".join(line for line in MODEL.splitlines() if "hill" not in line)


def _problem(text: str = MODEL, **given) -> symde.Problem:
    return symde.Problem(symde.ode_def(text), kind="jump", **given)


def _text(method: str) -> str:
    return MASS_ACTION if method == "TauLeaping" else MODEL


@pytest.mark.parametrize("method", METHODS)
def test_a_path_follows_from_seed_and_trajectory_alone(method: str) -> None:
    problem = _problem(_text(method))
    first, again = (symde.solve(problem, method, seed=5) for _ in range(2))
    assert (first.t == again.t).all() and (first.u == again.u).all() and first.seed == 5
    for other in (symde.solve(problem, method, seed=6), solve_jumps(problem, method, seed=5, trajectory=1)):
        assert len(other.t) != len(first.t) or (other.t != first.t).any()
    assert (solve_jumps(problem, method, seed=5, trajectory=0).u == first.u).all()


@pytest.mark.parametrize("method", METHODS)
def test_output_buffers_and_slices_change_nothing(method: str, monkeypatch) -> None:
    problem = _problem(_text(method))
    whole = symde.solve(problem, method, seed=2)
    monkeypatch.setattr(session, "FIRST_ROWS", 3)
    monkeypatch.setattr(session, "SLICE", 7)
    parts = symde.solve(problem, method, seed=2)
    assert (whole.t == parts.t).all() and (whole.u == parts.u).all()
    seen = []
    watched = symde.solve(problem, method, seed=2, callback=lambda t, u: seen.append((t, *u)))
    assert (watched.u == whole.u).all()
    if method != "TauLeaping":
        assert np.array_equal(np.array(seen), np.column_stack([whole.t, whole.u])[1:-1])


@pytest.mark.parametrize("method", [one for one in METHODS if one != "TauLeaping"])
def test_saved_times_have_the_values_of_the_path_right_of_them(method: str) -> None:
    problem = _problem()
    path = symde.solve(problem, method, seed=3)
    times = np.sort(np.concatenate([np.linspace(0, 10, 33), path.t[1:6]]))
    saved = symde.solve(problem, method, seed=3, saveat=times)
    assert (saved.t == times).all()
    np.testing.assert_array_equal(saved.u, path(times))
    # at an event's own time the value is the one after it
    np.testing.assert_array_equal(path(path.t[3]), path.u[3])
    before = np.nextafter(path.t[3], 0)
    np.testing.assert_array_equal(path(before), path.u[2])


def test_every_event_changes_the_state_by_one_reaction() -> None:
    problem = _problem()
    path = symde.solve(problem, seed=1)
    changes = {tuple(column) for column in problem.model.stoichiometry().T}
    steps = np.diff(path.u[:-1], axis=0)
    assert {tuple(int(one) for one in row) for row in steps} == changes
    assert path.stats.events == len(path.t) - 2 and path.t[0] == 0 and path.t[-1] == 10
    assert (path.u >= 0).all() and (path.u == np.round(path.u)).all() and (np.diff(path.t) >= 0).all()
    assert path.stats.evaluations >= path.stats.events and path.stats.seconds > 0


def test_names_observed_quantities_and_frames() -> None:
    path = symde.solve(_problem(), seed=1, saveat=1.0)
    np.testing.assert_array_equal(path["total"], path["P"] + 2 * path["D"])
    assert path["k"][0] == 5 and path.names == ("M", "P", "D") and len(path) == 11
    assert "events, seed 1" in repr(path) and path.citations()[0].startswith("J. M. McCollum")
    dense = symde.solve(_problem(), seed=1)
    np.testing.assert_array_equal(dense(4.2, "total"), dense(4.2)[1] + 2 * dense(4.2)[2])


def test_without_a_seed_one_is_drawn_and_told() -> None:
    problem = _problem()
    first, second = symde.solve(problem), symde.solve(problem)
    assert first.seed != second.seed
    assert (symde.solve(problem, seed=first.seed).u == first.u).all()


@pytest.mark.parametrize("method", METHODS)
def test_threads_do_not_meet(method: str) -> None:
    problem = _problem(_text(method))

    def end(i: int) -> list[float]:
        return solve_jumps(problem, method, seed=1, trajectory=i, saveat=[10.0]).u[0].tolist()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(end, range(80))) == [end(i) for i in range(80)]


def test_a_path_that_has_run_dry_stays() -> None:
    path = symde.solve(_problem("1, X --> 0\nX(0) = 3", tspan=(0, 1000)), seed=1)
    assert path.u[:, 0].tolist() == [3, 2, 1, 0, 0] and path.t[-1] == 1000
    saved = symde.solve(_problem("1, X --> 0\nX(0) = 0", tspan=(0, 5)), seed=1, saveat=1.0)
    assert saved.u.tolist() == [[0]] * 6 and saved.stats.events == 0


def test_other_values_by_remake_and_pickle() -> None:
    problem = _problem()
    other = symde.remake(problem, p={"k": 0.0}, u0={"P": 4}, tspan=(0, 1))
    path = symde.solve(other, seed=2)
    assert path["M"].max() == 0 and path["P"][0] == 4 and other.kind == "jump"
    copy = pickle.loads(pickle.dumps(problem))
    assert (symde.solve(copy, seed=2).u == symde.solve(problem, seed=2).u).all()
    kept = pickle.loads(pickle.dumps(symde.solve(problem, seed=2, saveat=1.0)))
    assert kept.seed == 2 and kept.stats.events > 0


def test_models_of_jumps_are_jump_processes_without_being_told() -> None:
    model = symde.ode_def("jump b*S*I: S -= 1, I += 1\njump g*I: I -= 1, R += 1\nb = 0.01; g = 0.1")
    problem = symde.Problem(model, {"S": 40, "I": 2, "R": 0}, (0, 200))
    path = symde.solve(problem, seed=1)
    assert problem.kind == "jump" and (path.u.sum(axis=1) == 42).all() and path["I"][-1] == 0
    # states that are no species may be negative
    walk = symde.solve(symde.Problem("jump 1: x += 1\njump 1: x -= 2", {"x": 0}, (0, 30)), seed=1)
    assert walk.u.min() < 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x' = -x", "has no reactions and no jumps"),
        ("k, A --> B\nstate A = 1, B = 0, y = 0\n0 = y - A", "algebraic equations"),
        ("k, A --> B\nx' = x(t - 1)", "delays"),
    ],
)
def test_what_is_no_jump_process_is_refused(text: str, message: str) -> None:
    model = symde.ode_def(text)
    with pytest.raises(ValueError, match=message):
        symde.Problem(model, tspan=(0, 1), kind="jump")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kind": "dde"}, "unknown kind 'dde': a model is read as 'ode', 'jump', 'sde'"),
        ({"kind": "jump", "u0": {"P": 1.5}}, "`P` starts at 1.5"),
        ({"kind": "jump", "u0": {"P": -1}}, "`P` starts at -1"),
    ],
)
def test_readings_and_starts_are_checked(given: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        symde.Problem(symde.ode_def(MODEL), **given)


def test_a_model_with_jumps_has_no_other_reading() -> None:
    model = symde.ode_def("jump 1: x += 1\nx(0) = 0")
    with pytest.raises(ValueError, match="the model has jumps"):
        symde.Problem(model, tspan=(0, 1), kind="ode")
    with pytest.raises(ValueError, match="has jumps, which its differential equations know nothing of"):
        symde.export(model, "numpy")
    with pytest.raises(ValueError, match="the problem is a jump process"):
        symde.sensitivities(symde.Problem(model, tspan=(0, 1)))
    with pytest.raises(ValueError, match="the problem is a jump process"):
        symde.Integrator(symde.Problem(model, tspan=(0, 1)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rtol": 1e-3}, "rtol=0.001 belongs to differential equations"),
        ({"atol": [1, 2, 3]}, "belongs to differential equations"),
        ({"dt0": 0.1}, "dt0=0.1 belongs"),
        ({"linear_solver": "dense"}, "belongs"),
        ({"method": "Tsit5"}, "'Tsit5' is a method for differential equations"),
        ({"method": "NMR"}, "did you mean 'NRM'"),
        ({"method": "ssa"}, "did you mean 'SortingDirect'"),
        (
            {"method": "TauLeaping"},
            r"TauLeaping needs mass action .* `M\*hill\(D, 3, 10, 2\), M => 0` \(line 10\)",
        ),
        ({"seed": -1}, "seed = -1"),
        ({"seed": 2**64}, "must lie between 0"),
        ({"saveat": 1.0, "dense": True}, "leave out saveat"),
        ({"saveat": [1, 11]}, "outside the span"),
        ({"max_steps": 0}, "max_steps"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        symde.solve(_problem(), **options)


def test_other_mistakes() -> None:
    with pytest.raises(ValueError, match="give it symde.Problem"):
        solve_jumps(symde.Problem(symde.ode_def(MODEL)))
    with pytest.raises(TypeError, match="seed must be an integer"):
        symde.solve(_problem(), seed=1.5)
    with pytest.raises(TypeError, match="expected a name such as 'SortingDirect'"):
        symde.solve(_problem(), 3)
    with pytest.raises(ValueError, match="runs forwards in time"):
        symde.solve(_problem(tspan=(1, 0)))
    with pytest.raises(ValueError, match="'Direct' is a method for jump processes"):
        symde.solve(symde.Problem(symde.ode_def(MODEL)), "Direct")
    with pytest.raises(ValueError, match="seed belongs to jump processes and noise"):
        symde.solve(symde.Problem(symde.ode_def(MODEL)), seed=1)
    with pytest.raises(ValueError, match=r"rate constant of `k, 0 --> M` \(line 6\) is -1"):
        symde.solve(_problem(p={"k": -1}))
    with pytest.raises(ValueError, match="is exact and has no epsilon"):
        registry.get("NRM").with_epsilon(0.1)
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        registry.get("TauLeaping").with_epsilon(0)


def _failure(text: str, method: str = "Direct", **given) -> SolveError:
    with pytest.raises(SolveError) as caught:
        symde.solve(_problem(text, **given), method, seed=1)
    return caught.value


@pytest.mark.parametrize("method", [one for one in METHODS if one != "TauLeaping"])
def test_failures_name_the_reaction_and_its_line(method: str) -> None:
    error = _failure("1, A --> 0\nA - 5, 0 => B\nA(0) = 9; B(0) = 0", method, tspan=(0, 99))
    assert "the rate of `A - 5, 0 => B` (line 2) is -1" in str(error) and "A = 4" in str(error)
    assert error.retcode is Retcode.BAD_RATE and error.solution.u[-1, 0] == 4
    error = _failure("1, A --> 0\n1/A, 0 => B\nA(0) = 3; B(0) = 0", method, tspan=(0, 99))
    assert "the rate of `1/A, 0 => B` (line 2) is inf" in str(error)
    error = _failure("1, A --> 0\nlog(A - 5), 0 => B\nA(0) = 9; B(0) = 0", method, tspan=(0, 99))
    assert "(line 2) is -inf" in str(error)
    error = _failure("3, A => B\nA(0) = 2; B(0) = 0", method, tspan=(0, 99))
    assert "bad_rate: `3, A => B` (line 1) would leave -1 of `A`" in str(error)
    assert error.solution.u.min() == 0
    kept = symde.solve(_problem("3, A => B\nA(0) = 2; B(0) = 0", tspan=(0, 99)), method, seed=1, throw=False)
    assert not kept.success and kept.t[-1] < 99


def test_events_can_be_limited_and_stopped() -> None:
    problem = _problem()
    error = _failure_of(problem, max_steps=20)
    assert error.retcode is Retcode.MAX_STEPS and error.solution.stats.events == 20
    stopped = symde.solve(problem, seed=1, callback=lambda t, u: u[0] >= 3)
    assert stopped.retcode is Retcode.STOPPED and stopped.u[-1, 0] == 3 and stopped.t[-1] < 10


def _failure_of(problem: symde.Problem, **options) -> SolveError:
    with pytest.raises(SolveError) as caught:
        symde.solve(problem, seed=1, **options)
    return caught.value


def test_growth_without_bound_ends_with_a_reason() -> None:
    error = _failure("X^200, 0 => X\nX(0) = 2", tspan=(0, 1))
    assert "not finite" in str(error)


@pytest.mark.parametrize("method", METHODS)
def test_counts_end_where_float64_skips_whole_numbers(method: str) -> None:
    """2**53 + 1 is 2**53 in float64: a path would stand there for ever."""
    problem = symde.Problem("k, 0 --> X", {"X": 2**53 - 3}, (0, 1), {"k": 30}, kind="jump")
    error = _failure_of(problem, method=method)
    assert error.solution.retcode == Retcode.BAD_RATE
    assert "`X` has reached 2**53" in str(error) and "help: count in a larger unit" in str(error)
    with pytest.raises(ValueError, match=r"whole numbers below 2\*\*53"):
        symde.Problem("k, 0 --> X", {"X": 2**53}, (0, 1), {"k": 30}, kind="jump")
    down = symde.Problem("k, X --> 0", {"X": 2**53 - 1}, (0, 1), {"k": 1e-14}, kind="jump")
    path = symde.solve(down, method, seed=1, saveat=[1.0])
    if method != "TauLeaping":
        assert 2**53 - 1 - path.u[0, 0] == path.stats.events


@pytest.mark.parametrize("method", [one for one in METHODS if one != "TauLeaping"])
@pytest.mark.parametrize("start", [1e15, 1e16, -1e16])
def test_a_time_too_large_for_the_waiting_times_is_refused(method: str, start: float) -> None:
    """At 1e15 times lie 0.125 apart and waiting times of 0.1 come out 1/(24*0.8**2) = 7 % short on average;
    at 1e16 the time would stand still."""
    late = symde.Problem("10, 0 --> X", {"X": 0}, (start, start + 1000), kind="jump")
    error = _failure_of(late, method=method, saveat=[start + 1000])
    assert "times near" in str(error) and "help: begin at 0" in str(error)
    slow = symde.Problem("1e-3, 0 --> X", {"X": 0}, (start, start + 1000), kind="jump")
    assert symde.solve(slow, method, seed=1).success


@pytest.mark.parametrize("method", [one for one in METHODS if one != "TauLeaping"])
def test_a_reaction_that_was_all_but_stopped_goes_on(method: str) -> None:
    """At a rate of 1e-310 its time is beyond all numbers; it must fire once the rate is 5 again."""
    text = "jump 1: on += 1\njump ifelse(on > 0, 5, 1e-310): X += 1"
    problem = symde.Problem(text, {"on": 0, "X": 0}, (0, 50), kind="jump")
    assert symde.solve(problem, method, seed=1, saveat=[50.0])["X"][0] > 100  # 250 or so


def test_the_default_follows_the_size() -> None:
    ring = "\n".join(f"1, X{i} --> X{(i + 1) % (MANY_REACTIONS + 1)}" for i in range(MANY_REACTIONS + 1))
    small = symde.solve(_problem(), seed=1)
    large = symde.solve(_problem(ring, u0=np.ones(MANY_REACTIONS + 1), tspan=(0, 1)), seed=1)
    assert [one.method[0].name for one in (small, large)] == ["SortingDirect", "RSSACR"]


def test_every_method_says_what_it_is() -> None:
    for one in registry.methods():
        assert (
            registry.get(one.name.lower()) is one and one.when_to_use.endswith(".") and "doi" in one.citation
        )
        assert repr(one) == f"<JumpMethod {one.name}>"


@pytest.mark.parametrize("method", ["Direct", "NRM", "CompositionRejection"])
def test_only_what_a_reaction_changes_is_evaluated_again(method: str) -> None:
    # a ring of one-way steps: each event changes two propensities, and all are evaluated once at the start
    count = 40
    ring = "\n".join(f"1, X{i} --> X{(i + 1) % count}" for i in range(count))
    path = symde.solve(_problem(ring, u0=np.full(count, 5), tspan=(0, 5)), method, seed=1, saveat=[5.0])
    assert path.stats.evaluations == count + 2 * path.stats.events


def test_populations_within_their_intervals_cost_no_evaluation() -> None:
    ring = "\n".join(f"1, X{i} --> X{(i + 1) % 40}" for i in range(40))
    path = symde.solve(_problem(ring, u0=np.full(40, 1000), tspan=(0, 1)), "RSSACR", seed=1, saveat=[1.0])
    assert path.stats.events > 30_000 and path.stats.evaluations < path.stats.events / 5


def test_what_can_fire_no_more_ends_the_path() -> None:
    # six molecules, of which seven react: bounds of an interval round six let candidates come for ever
    path = symde.solve(_problem("1, 7A --> B\nA(0) = 6; B(0) = 0", tspan=(0, 1e12)), "RSSACR", seed=1)
    assert path.stats.events == 0 and path.stats.rejections < 2000


def test_a_path_has_two_limits_at_an_event() -> None:
    path = symde.solve(symde.Problem("1, A --> 0", {"A": 5}, (0, 100), kind="jump"), seed=2)
    first = path.t[1]
    assert path(first, "A") == 4 and path(first, "A", side="left") == 5
    assert path(0.0, "A", side="left") == 5
    with pytest.raises(ValueError, match="side must be"):
        path(first, side="before")
