"""Events beside noise at known times and at conditions: moments and first passages against closed forms, and
how paths are told."""

from __future__ import annotations

import itertools
import math
import pickle

import numpy as np
import pytest
from scipy import integrate, stats

import symde
import symde.noise
from symde.engine.noise.registry import methods
from symde.ensemble.ensemble import EnsembleWarning
from symde.model.events import with_events
from symde.noise import solve_noise
from symde.problem.retcode import Retcode
from symde.problem.solution import SolveError

DOSES = """
model Doses
  param a = 1.3, s = 0.4, dose = 2
  state x = 1
  time 0 .. 2
  discrete given = 0
  dx = -a*x*dt + s*dW
  dose: at t = 0.5, 1.237: x = x + dose, given += 1
end
"""
FIRE = """
model Fire
  param mu = 1, s = 0.5, line = 1
  state x = 0
  time 0 .. 6
  dx = mu*dt + s*dW
  fire: when x >= line: x = 0
end
"""
HIT = FIRE.replace("x = 0\nend", "stop\nend")
KNOWN = {"dt0": 0.05}, {"dt0": 0.05, "method": "EulerMaruyama"}, {"rtol": 1e-3, "atol": 1e-3}


def problem(text: str, **given) -> symde.Problem:
    return symde.Problem(symde.ode_def(text), **given)


def first_times(members: symde.ensemble.Ensemble) -> np.ndarray:
    """Of each member that has had an event the time of its first."""
    return np.array([one[0].t for one in members.happened if len(one)])


# -- known times
# ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", KNOWN)
def test_doses_move_the_mean_and_not_the_variance(options: dict) -> None:
    n, (a, s, dose) = 20_000, (1.3, 0.4, 2)
    if options.get("method") == "EulerMaruyama":
        options = {**options, "dt0": 0.005}
    found = symde.ensemble(problem(DOSES), n=n, seed=1, saveat=[0.4, 0.5, 1.5, 2.0], **options)["x"]
    for k, (t, doses) in enumerate([(0.4, []), (0.5, [0.5]), (1.5, [0.5, 1.237]), (2.0, [0.5, 1.237])]):
        mean = math.exp(-a * t) + sum(dose * math.exp(-a * (t - at)) for at in doses)
        variance = s**2 * (1 - math.exp(-2 * a * t)) / (2 * a)
        assert abs(found[:, k].mean() - mean) < 4 * (variance / n) ** 0.5 + 0.002
        assert abs(found[:, k].var() / variance - 1) < 0.05


def test_periodic_kicks_make_the_mean_of_a_geometric_series() -> None:
    text = "dx = -x*dt + 0.3*x*dW; x(0) = 1; time 0 .. 3\nevery 0.35 from 0.2: x = x/2 + 0.1"
    found = symde.ensemble(problem(text), "EulerMaruyama", n=20_000, dt0=0.01, seed=1, saveat=[3.0])["x"]
    mean, last = 1.0, 0.0
    for at in 0.2 + 0.35 * np.arange(9):  # kicks act on means as on paths
        mean, last = mean * math.exp(last - at) / 2 + 0.1, at
    mean *= math.exp(last - 3.0)
    assert abs(found.mean() - mean) < 4 * found.std() / 20_000**0.5 + 0.004 * mean


def test_both_limits_are_kept_and_the_log_tells_them() -> None:
    path = symde.solve(problem(DOSES), dt0=0.1, seed=1)
    assert [(one.name, one.t) for one in path.events] == [("dose", 0.5), ("dose", 1.237)]
    for number, one in enumerate(path.events):
        assert np.allclose(one.after - one.before, [2, 1]) and one.before[1] == number
        assert np.array_equal(path(one.t, side="left"), one.before)
        assert np.array_equal(path(one.t), one.after)
        rows = path.u[path.t == one.t]
        assert np.array_equal(rows, [one.before, one.after])
    assert np.all(np.diff(path.t) >= 0) and len(path.t) == 21 + 1 + 2
    assert path.stats.steps == 21 and path.stats.jumps == 0


def test_several_events_in_a_step_keep_their_order() -> None:
    one = problem("dx = 0*dt + 0.1*dW; x(0) = 0; time 0 .. 1\nevery 0.07: x = x + 1")
    path = symde.solve(one, dt0=0.25, seed=1)
    assert len(path.events) == 14 and len(path.t) == 5 + 28 and np.all(np.diff(path.t) >= 0)
    for event in path.events:
        rows = path.u[path.t == event.t]
        assert np.array_equal(rows, [event.before, event.after])
        assert abs(event.after[0] - event.before[0] - 1) < 1e-12


@pytest.mark.parametrize("options", KNOWN)
def test_times_to_save_that_are_events_hold_the_state_after_them(options: dict) -> None:
    times = [0.0, 0.5, 1.237, 2.0]
    text = DOSES.replace("t = 0.5", "t = 0, 2, 0.5")
    path = symde.solve(problem(text), seed=3, saveat=times, **options)
    assert np.array_equal(path.u, [one.after for one in path.events])
    assert path.u[0].tolist() == [3, 1]


@pytest.mark.parametrize("method", ["EulerMaruyama", "SOSRA", "SKenCarp"])
def test_a_seed_has_one_brownian_motion_whatever_happens(method: str) -> None:
    # the state is W, with what events add to it
    times = np.linspace(0, 1, 11)
    plain = problem("dw = 0*dt + dW; w(0) = 0; time 0 .. 1")
    w = symde.solve(plain, method, dt0=0.1, seed=4, saveat=times)["w"]
    dosed = [symde.Event(every=0.0371, effects={"w": "w + 1"})]
    path = symde.solve(plain, method, dt0=0.1, seed=4, saveat=times, events=dosed)
    added = np.array([sum(one.t <= t + 1e-12 for one in path.events) for t in times])
    assert len(path.events) == 26 and np.allclose(path["w"], w + added, atol=1e-13)


def test_steps_in_pieces_have_the_law_of_increments_and_integrals() -> None:
    # v and its integral at the end of one step that is cut twice, and between: the covariance of W and A
    text = """
    dv = 0*dt + dW
    dx = v*dt
    v(0) = 0; x(0) = 0
    time 0 .. 1
    discrete a = 0, b = 0
    early: at t = 0.3: a = v, b = x
    late: at t = 0.8: a = a, b = b
    """
    rows = symde.ensemble(problem(text), "SRA1", n=100_000, dt0=1.0, seed=1, saveat=[1.0]).u[:, 0]
    found = np.cov(rows.T)
    t, s = 1.0, 0.3
    later = s**2 / 2 + s * (t - s)
    exact = [
        [t, t**2 / 2, s, s**2 / 2],
        [t**2 / 2, t**3 / 3, later, s**3 / 3 + s**2 / 2 * (t - s)],
        [s, later, s, s**2 / 2],
        [s**2 / 2, s**3 / 3 + s**2 / 2 * (t - s), s**2 / 2, s**3 / 3],
    ]
    assert np.abs(found - exact).max() < 0.015


@pytest.mark.parametrize("method", [one.name for one in methods()])
def test_events_at_known_times_keep_the_order_of_each_method(method: str) -> None:
    # a linear equation, whose paths are known: the error at the end falls as the step does
    additive = method.startswith("S") and method not in ("SRIW1", "SRIW2", "SOSRI")
    noise = "s*dW1" if additive else "s*x*dW1"
    text = f"""
    param a = 0.8, s = 0.5
    dx = -a*x*dt + {noise}
    dw = 0*dt + dW1
    x(0) = 1; w(0) = 0
    time 0 .. 1
    kick: at t = 0.4137: x = 2*x
    """
    one = problem(text)
    errors = []
    for dt0 in (0.1, 0.0125):
        found = symde.ensemble(one, method, n=400, dt0=dt0, seed=1, saveat=[1.0])
        x, w = found["x"][:, 0], found["w"][:, 0]
        if additive:  # the mean of what noise does not move
            errors.append(abs(x.mean() - 2 * math.exp(-0.8)) / x.std())
            continue
        exact = 2 * np.exp(-(0.8 + 0.125) + 0.5 * w)
        errors.append(np.abs(x - exact).mean())
    assert errors[1] < (0.2 if additive else 0.5 * errors[0])


def test_what_happens_at_one_time_comes_by_priority_and_in_the_order_of_the_text() -> None:
    text = """
    dx = 0*dt + 0.1*dW; x(0) = 0
    time 0 .. 1
    discrete a = 0
    one: at t = 0.5: a = a + 1
    two: at t = 0.5 priority 1: a = 2*a + 10
    three: when a >= 11: a = -a
    four: when a < 0: stop
    """
    path = symde.solve(problem(text), dt0=0.25, seed=1)
    assert [one.name for one in path.events] == ["two", "one", "three", "four"]
    assert [one.after[1] for one in path.events] == [10, 11, -11, -11]
    assert path.retcode is Retcode.TERMINATED and path.t[-1] == 0.5
    assert [one.before[1] for one in path.events] == [0, 10, 11, -11]


def test_times_follow_the_parameters_of_each_member() -> None:
    text = (
        "param lag = 0.3\ndx = 0*dt + 0*dW; x(0) = 0; time 0 .. 1\nat t = lag: x = 1\nevery 2*lag: x = x + t"
    )
    lags = np.array([0.05, 0.2, 0.45, 0.9])
    found = symde.ensemble(problem(text), "EulerMaruyama", p={"lag": lags}, dt0=0.1, seed=1, saveat=[1.0])
    sums = [1 + sum(t for t in 2 * lag * np.arange(1, 11) if t <= 1 + 1e-9) for lag in lags]
    assert np.allclose(found["x"][:, 0], sums)
    assert found.happened[1][0].t == 0.2 and [one.t for one in found.happened[2]] == [0.45, 0.9]


def test_a_parameter_that_an_event_sets_is_a_state() -> None:
    one = problem("param s = 0.1\ndx = 0*dt + s*dW; x(0) = 0; time 0 .. 1")
    events = [symde.Event(at=0.5, effects={"s": 0})]
    path = symde.solve(one, dt0=0.1, seed=1, events=events)
    assert path.names == ("x", "s") and path.method[0].name == "SOSRA"  # between events the noise is additive
    assert np.ptp(path["x"][path.t >= 0.5]) == 0 and np.ptp(path["x"][path.t < 0.5]) > 0
    again = pickle.loads(pickle.dumps(path.problem))
    assert np.array_equal(symde.solve(again, dt0=0.1, seed=1).u, path.u)


def test_the_langevin_equation_of_reactions_takes_doses() -> None:
    network = symde.ode_def("10, 0 --> X\n1, X --> 0\nX(0) = 10\ntime 0 .. 1\nat t = 0.5: X = X + 50")
    found = symde.ensemble(symde.Problem(network, kind="sde"), n=4000, dt0=0.02, seed=1, saveat=[1.0])["X"]
    assert abs(found.mean() - (10 + 50 * math.exp(-0.5))) < 0.5


# -- conditions
# ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"dt0": 0.5}, {"dt0": 0.5, "method": "EulerMaruyama"}, {"rtol": 1e-2}])
def test_first_passages_of_a_brownian_motion_with_drift_are_inverse_gaussian(options: dict) -> None:
    # steps of half the mean: with looks at their ends alone the mean would be late by 0.21 (Broadie,
    # Glasserman and Kou 1997: the line seems to be farther by 0.5826 s sqrt(h))
    n = 8000
    found = symde.ensemble(problem(HIT), n=n, seed=1, saveat=[6.0], **options)
    mu, s, line = 1, 0.5, 1
    law = stats.invgauss(mu=s**2 / (mu * line), scale=line**2 / s**2)
    times = first_times(found)
    assert abs(len(times) / n - law.cdf(6)) < 0.002
    assert stats.kstest(times, law.cdf).pvalue > 1e-3
    assert abs(times.mean() - law.mean()) < 4 * law.std() / n**0.5
    states = np.array([one[0].before[0] for one in found.happened if len(one)])
    assert np.all(states >= 1) and np.all(states < 1 + 1e-4)


def test_the_mean_first_passage_of_an_ornstein_uhlenbeck_process() -> None:
    # Ricciardi and Sato 1988: sqrt(pi) times the integral of exp(z^2) (1 + erf z)
    text = "dx = (0.8 - x)*dt + 0.5*dW; x(0) = 0; time 0 .. 40\nhit: when x > 1: stop"
    found = symde.ensemble(problem(text), n=8000, dt0=0.25, seed=1, saveat=[40.0])
    ends = [(one - 0.8) / 0.5 for one in (0, 1)]
    exact = math.sqrt(math.pi) * integrate.quad(lambda z: math.exp(z * z) * (1 + math.erf(z)), *ends)[0]
    times = first_times(found)
    assert len(times) == 8000
    assert abs(times.mean() - exact) < 4 * times.std() / 8000**0.5 + 0.01 * exact


def test_the_bias_of_a_first_passage_falls_with_the_step() -> None:
    # of a process whose scheme is not exact the error is that of the scheme
    text = "dx = x*dt + 0.4*x*dW; x(0) = 0.5; time 0 .. 8\nhit: when x >= 1: stop"
    exact = math.log(2) / (1 - 0.08)  # log x is a Brownian motion with drift 1 - 0.4^2/2
    errors = []
    for dt0 in (0.5, 0.125, 0.03125):
        found = symde.ensemble(problem(text), "EulerMaruyama", n=20_000, dt0=dt0, seed=1, saveat=[8.0])
        errors.append(first_times(found).mean() - exact)
    noise = 0.4 * exact / 20_000**0.5
    assert errors[0] > 0.1 and abs(errors[1]) < 0.4 * errors[0]  # weak order 1
    assert abs(errors[2]) < 0.3 * abs(errors[1]) + 4 * noise


def test_a_neuron_with_noise_fires_at_its_rate() -> None:
    found = symde.ensemble(problem(FIRE, tspan=(0, 50)), n=200, dt0=0.1, seed=1, saveat=[50.0])
    times = [[one.t for one in events] for events in found.happened]
    waits = np.concatenate([np.diff(one, prepend=0) for one in times])
    law = stats.invgauss(mu=0.25, scale=4)
    assert abs(np.mean([len(one) for one in times]) / 50 - 1) < 0.01  # renewal: one in the mean passage time
    assert abs(waits.std() / law.std() - 1) < 0.06


def test_one_path_is_the_same_by_every_method_where_all_are_exact() -> None:
    one = problem(FIRE)
    found = [
        symde.solve(one, method.name, dt0=0.1, seed=1) for method in methods() if "additive" in method.noise
    ]
    assert len(found) > 6
    for path in found[1:]:
        assert np.allclose([e.t for e in path.events], [e.t for e in found[0].events], atol=1e-10)
        assert np.allclose(path.u, found[0].u, atol=1e-5)


def test_a_condition_that_is_not_met_changes_no_bit() -> None:
    text = "dx = -x*dt + 0.5*x*dW; x(0) = 1; time 0 .. 1\n"
    met = problem(text + "when x > 1.1: x = 0")
    far = problem(text + "when x > 1000: x = 0")
    for options in ({"dt0": 0.0625}, {"rtol": 1e-2}):
        paths = [
            symde.ensemble(one, "SRIW1", n=64, seed=1, saveat=[0.5, 1.0], **options) for one in (met, far)
        ]
        free = [len(events) == 0 for events in paths[0].happened]
        assert 3 < sum(free) < 61
        assert np.array_equal(paths[0].u[free], paths[1].u[free])
    plain = symde.ensemble(problem(text), "SRIW1", n=64, seed=1, saveat=[0.5, 1.0], rtol=1e-2)
    assert np.array_equal(plain.u, paths[1].u)


def test_sizes_chosen_before_the_noise_follow_from_the_path_alone() -> None:
    # and so neither from a condition that is not met, nor from the path that a session followed before
    text = (
        "dx = -x*dt + 0.5*x*dW1 + 0.2*y*dW2; dy = (x - y)*dt + 0.3*x*dW2; x(0) = 1; y(0) = 1; time 0 .. 1\n"
    )
    options = {"method": "EulerMaruyama", "rtol": 1e-2, "atol": 1e-2, "saveat": [0.5, 1.0]}
    plain, far = problem(text), problem(text + "when x > 1000: x = 0")
    members = symde.ensemble(far, n=32, seed=1, **options)
    assert np.array_equal(symde.ensemble(plain, n=32, seed=1, **options).u, members.u)
    for i in reversed(range(32)):
        assert np.array_equal(solve_noise(far, seed=1, trajectory=i, **options).u, members.u[i])


def test_work_at_a_line_is_that_of_some_hundred_steps() -> None:
    # each halving looks at pieces that the path may have crossed in: as many as -log of what is neglected
    one = problem("dx = 1*dt + dW; x(0) = 0; time 0 .. 8\nhit: when x >= 1: stop")
    from symde.engine.noise import session

    counted = []
    original = session.NoiseSession.run

    def run(self, *given, **options):
        found = original(self, *given, **options)
        counted.append(self.events.state.looks)
        return found

    session.NoiseSession.run = run
    try:
        symde.ensemble(one, "EulerMaruyama", n=500, dt0=0.25, seed=1, saveat=[8.0])
    finally:
        session.NoiseSession.run = original
    assert 50 < sum(counted) / 500 < 400


@pytest.mark.parametrize(
    ("event", "when"),
    [
        ("when x == 1: n += 1", 1.5),
        ("when rising x == 1: n += 1", 1.5),
        ("when falling x == 1: n += 1", None),
        ("when x > 1 and t > 1.8: n += 1", 1.8),
        ("when floor(x) >= 1: n += 1", 1.5),
        ("when (0 if x < 1 else 3) > 1: n += 1", 1.5),
        ("when x > 1 after 0.25: n += 1", 1.75),
        ("when abs(x) > 1: n += 1", 1.5),
        ("when mod(t, 0.7) > 0.6 and x > 0: n += 1", 0.6),
    ],
)
def test_conditions_of_every_kind(event: str, when: float | None) -> None:
    text = f"dx = 1*dt + 0.02*dW; x(0) = -0.5; time 0 .. 1.9\ndiscrete n = 0\n{event}"
    path = symde.solve(problem(text), dt0=0.19, seed=1, saveat=[1.9])
    times = [one.t for one in path.events]
    assert len(times) == path["n"][-1]
    assert times == [] if when is None else abs(times[0] - when) < 0.1


def test_delayed_events_wait_and_are_dropped_unless_they_persist() -> None:
    text = """
    dx = 1*dt + 0.05*dW; x(0) = 0
    time 0 .. 3
    discrete a = 0
    z: when x > 1 after 0.5{}: a = t
    back: when x > 1.2: x = 0
    """
    dropped = symde.solve(problem(text.format("")), dt0=0.1, seed=1)
    assert {one.name for one in dropped.events} == {"back"}
    kept = symde.solve(problem(text.format(" persistent")), dt0=0.1, seed=1)
    (first, *_) = (one for one in kept.events if one.name == "z")
    assert abs(first.t - first.after[1] - 0.5) < 1e-12  # the values are those of the trigger


@pytest.mark.parametrize(
    "options", [{"rtol": 1e-1}, {"rtol": 1e-3}, {"rtol": 1e-1, "method": "EulerMaruyama"}]
)
def test_a_delay_ends_in_time_within_steps_that_halve_others(options: dict) -> None:
    text = """
    dx = -x*dt + 0.4*y*dW1 + 0.3*x*dW2
    dy = (x - y)*dt + 0.3*x*dW2
    x(0) = 1; y(0) = 1
    time 0 .. 1
    discrete m = 0
    begins: when x > 1.05: m = 1
    ends: when x > 1.05 after 0.111 persistent: m = 0
    """
    paths = symde.ensemble(problem(text), n=64, seed=3, saveat=[1.0], **options)
    begun = 0
    for happened in paths.happened:
        begins = [one.t for one in happened if one.name == "begins" and one.t <= 1 - 0.111]
        assert [one.t for one in happened if one.name == "ends"] == [t + 0.111 for t in begins]
        assert all(later.t >= one.t for one, later in itertools.pairwise(happened))
        begun += len(begins)
    assert begun > 20


@pytest.mark.parametrize("options", KNOWN)
def test_steps_that_end_at_events_are_limited(options: dict) -> None:
    text = "dx = -x*dt + 0.4*dW; x(0) = 1; time 0 .. 2\nevery 1e-9: x = x"
    with pytest.raises(SolveError, match=r"max_steps: .*\n.*raise max_steps.*events") as caught:
        symde.solve(problem(text), seed=1, saveat=[2.0], max_steps=500, **options)
    path = caught.value.solution
    assert path.stats.steps == 500 and len(path.events) == 500
    with pytest.warns(EnsembleWarning, match="raise max_steps"):
        paths = symde.ensemble(problem(text), n=2, seed=1, saveat=[2.0], max_steps=500, **options)
    assert [one.word for one in paths.retcodes] == ["max_steps"] * 2
    seldom = problem(text.replace("1e-9", "0.01"))
    assert len(symde.solve(seldom, seed=1, saveat=[2.0], max_steps=2000, **options).events) == 200


def test_a_line_that_is_met_counts_once_until_a_step_ends_beside_it() -> None:
    text = "dx = 0*dt + dW; x(0) = 0; time 0 .. 1\ndiscrete n = 0\nwhen x > 0.2: n += 1"
    counts = [
        symde.ensemble(problem(text), "EulerMaruyama", n=300, dt0=dt0, seed=1, saveat=[1.0])["n"]
        for dt0 in (1 / 16, 1 / 64, 1 / 256)
    ]
    for coarse in counts:
        assert coarse.max() <= 256
    means = [one.mean() for one in counts]
    assert 1.6 < means[1] / means[0] < 2.4 and 1.6 < means[2] / means[1] < 2.4  # as 1/sqrt(dt0)


def test_members_that_end_early() -> None:
    one = problem(HIT)
    found = symde.ensemble(one, n=40, dt0=0.1, seed=3, saveat=[0.5, 1.0, 2.0])
    assert found.success and set(found.retcodes) <= {Retcode.TERMINATED, Retcode.SUCCESS}
    for k in range(40):
        events = found.happened[k]
        end = events[0].t if len(events) else math.inf
        assert np.array_equal(np.isnan(found.u[k, :, 0]), found.t > end)
    alone = solve_noise(one, dt0=0.1, seed=3, trajectory=7, saveat=[0.5, 1.0, 2.0])
    member = found.member(7)
    assert np.array_equal(member.u, alone.u) and member.retcode is alone.retcode
    assert [one.t for one in member.events] == [one.t for one in alone.events]


@pytest.mark.parametrize("options", [{"dt0": 0.1}, {"rtol": 1e-2}])
@pytest.mark.parametrize("text", [FIRE, DOSES])
def test_members_are_paths_to_the_last_bit_on_any_number_of_threads(text: str, options: dict) -> None:
    one, times = problem(text), [0.5, 1.9]
    found = symde.ensemble(one, n=70, seed=3, saveat=times, **options)
    threads = symde.ensemble(one, n=70, seed=3, saveat=times, workers=2, **options)
    assert np.array_equal(found.u, threads.u)
    for member in (0, 33, 69):
        alone = solve_noise(one, seed=3, trajectory=member, saveat=times, **options)
        assert np.array_equal(alone.u, found.u[member])
        assert [(e.t, e.name) for e in alone.events] == [(e.t, e.name) for e in found.happened[member]]


# -- what cannot be
# ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words", "code"),
    [
        ("when x >= 1: x = 1 - 1e-9", "zeno", Retcode.ZENO),
        (
            "discrete a = 0\nat t = 0.5: a = 1\nwhen a > 0.5: a = 0\nwhen a < 0.5: a = 1",
            "chattering",
            Retcode.CHATTERING,
        ),
    ],
)
def test_events_without_end_are_told(text: str, words: str, code: Retcode) -> None:
    with pytest.raises(SolveError, match=words) as caught:
        symde.solve(problem("dx = 1*dt + 0.1*dW; x(0) = 0; time 0 .. 4\n" + text), dt0=0.1, seed=1)
    assert caught.value.solution.retcode is code and "event `" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("param T = -1\nevery T: x = 0", "has a period of -1: it must be positive"),
        ("param T = 0\nat t = 1/T: x = 0", "is due at t = inf"),
        ("when x > 0.5 after -x: x = 0", "has a delay of -0.5"),
        ("jump 1: x = x + 1\nat t = 1: x = 0", "jumps or events"),
    ],
)
def test_what_means_nothing_is_refused(text: str, words: str) -> None:
    one = problem("dx = 1*dt + 0.1*dW; x(0) = 0; time 0 .. 2\n" + text) if "jump" not in text else None
    with pytest.raises(ValueError, match=words):
        symde.solve(one or problem("dx = 1*dt + 0.1*dW; x(0) = 0; time 0 .. 2\n" + text), dt0=0.1, seed=1)
    if one is not None:
        with pytest.raises(ValueError, match=words):
            symde.ensemble(one, n=3, dt0=0.1, seed=1, saveat=[2.0])


def test_double_integrals_are_known_of_whole_steps_alone() -> None:
    text = "dx = dt + 0.1*y*dW1 + 0.2*dW2; dy = x*dW1 + dt; x(0) = 0; y(0) = 1; time 0 .. 2\n"
    known, moving = text + "every 0.33: x = 0", text + "when x > 0.5: x = 0"
    assert len(symde.solve(problem(known), "Milstein", dt0=0.1, seed=1).events) == 6
    assert symde.solve(problem(moving), dt0=0.1, seed=1).method[0].name == "EulerMaruyama"
    with pytest.raises(ValueError, match="states or the time decide when events happen"):
        symde.solve(problem(moving), "Milstein", dt0=0.1, seed=1)


def test_a_path_of_adaptive_steps_is_not_known_between() -> None:
    path = symde.solve(problem(FIRE), rtol=1e-2, seed=1)
    with pytest.raises(ValueError, match="no continuous solution|not kept|dense"):
        path(0.123)
    with pytest.raises(ValueError, match="events are not: leave out dense"):
        symde.solve(problem(FIRE), rtol=1e-2, seed=1, dense=True)


def test_events_are_given_to_ensembles_as_to_solves() -> None:
    text = "dx = -x*dt + 0.4*dW; x(0) = 1; time 0 .. 1"
    given = [symde.Event(at=0.3, effects={"x": "x + 1"}), symde.Event("x > 1.2", {"x": "0.5"})]
    solving = dict(dt0=0.1, seed=1, saveat=[0.5, 1.0])
    found = symde.ensemble(problem(text), n=12, events=given, **solving)
    written = symde.ensemble(
        problem(text + "\nat t = 0.3: x = x + 1\nwhen x > 1.2: x = 0.5"), n=12, **solving
    )
    assert np.array_equal(found.u, written.u)
    assert np.array_equal(symde.solve(problem(text), events=given, **solving).u, found.u[0])


def test_events_are_added_to_models_too() -> None:
    plain = symde.ode_def("dx = 1*dt + 0.5*dW; x(0) = 0; time 0 .. 6")
    event = symde.Event("x >= 1", {"x": 0}, name="fire")
    given = symde.solve(symde.Problem(plain), dt0=0.1, seed=1, events=[event])
    own = symde.solve(problem(FIRE), dt0=0.1, seed=1)
    assert np.array_equal(given.u, own.u)
    assert with_events(plain.definition, [event]).events[0].name == "fire"
    members, others = (
        symde.ensemble(one, n=5, dt0=0.1, seed=1, events=events)
        for one, events in ((symde.Problem(plain), [event]), (problem(FIRE), None))
    )
    assert np.array_equal(members.u, others.u)
    assert [one.t for one in members.happened[3]] == [one.t for one in others.happened[3]] != []


def test_a_session_is_given_back_when_all_that_it_tells_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    one = problem(DOSES)
    expected = symde.solve(one, dt0=0.05, seed=1)
    give_back = symde.noise.give_back

    def taken_at_once(system, session) -> None:
        give_back(system, session)
        again = symde.noise.borrow(system, symde.noise.plan_of(one, None, 0.05, 2**53))
        assert again is session  # as another thread would take it, for another path
        out = np.empty((1, 1, len(one.u0)))
        grid = symde.noise.plan_of(one, None, 0.05, 2**53).grid
        again.run(grid, 5.0 + one.u0[None], one.p[None], 9, 3, np.array([2.0]), out, log=True)

    monkeypatch.setattr(symde.noise, "give_back", taken_at_once)
    found = symde.solve(one, dt0=0.05, seed=1)
    assert len(found.events) == len(expected.events) > 1
    for event, other in zip(found.events, expected.events, strict=True):
        assert event.t == other.t and np.array_equal(event.before, other.before)
