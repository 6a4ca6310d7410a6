"""Jumps beside differential equations, and rates that change between jumps."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy import stats

import symde
from symde.ensemble.ensemble import EnsembleWarning
from symde.piecewise import solve_piecewise
from tests.jumps.paths import agreement

LIKELY = 1e-3

GENE = """
model Gene
  param kon = 0.5, koff = 0.3, b = 2, d = 0.7
  state g = 0, x = 0
  time 0 .. 20
  dx = b*g - d*x
  jump kon*(1 - g): g += 1
  jump koff*g: g -= 1
end
"""

WAITING = "model W\nparam a = 0.4\nstate n = 0\ntime 0 .. 50\njump RATE: n += 1\nwhen n > 0: stop\nend"


def _first_times(rate: str, n: int = 3000, method: str = "Tsit5", **options) -> np.ndarray:
    problem = symde.Problem(symde.ode_def(WAITING.replace("RATE", rate)))
    found = (
        solve_piecewise(problem, method, seed=5, trajectory=i, saveat=[50.0], **options) for i in range(n)
    )
    return np.array([path.events[0].t for path in found])


@pytest.mark.parametrize(
    ("rate", "distribution"),
    [
        ("a*t", stats.rayleigh(scale=0.4**-0.5)),  # the hazard is a t^2/2
        ("a*exp(t/4)", stats.gompertz(1.6, scale=4)),  # a = c/scale
        ("a", stats.expon(scale=2.5)),
    ],
)
def test_waiting_times_have_their_distribution(rate: str, distribution) -> None:
    assert stats.kstest(_first_times(rate), distribution.cdf).pvalue > LIKELY


@pytest.mark.parametrize("method", ["BS3", "Tsit5", "Vern7", "Taylor", "VCABM", "Rodas5P", "QNDF", "Radau"])
def test_times_of_jumps_are_as_exact_as_the_tolerance(method: str) -> None:
    # x = exp(-t) makes the hazard 1 - exp(-t) + t: the time at which it is E is the root of that
    text = "x' = -x\nx(0) = 1; n(0) = 0; time 0 .. 60\njump 1 + x: n += 1"
    problem = symde.Problem(symde.ode_def(text))
    exact = None
    for rtol in (1e-4, 1e-7, 1e-10):
        path = symde.solve(problem, method, seed=3, rtol=rtol, atol=rtol)
        times = np.array([one.t for one in path.events])
        hazards = np.diff(1 - np.exp(-times) + times, prepend=0.0)
        exact = hazards if exact is None or rtol == 1e-10 else exact
        assert len(times) > 30
    drawn = symde.solve(problem, "Vern9", seed=3, rtol=1e-13, atol=1e-14)
    best = np.array([one.t for one in drawn.events])
    assert abs(times - best).max() < 1e-7
    assert stats.kstest(exact, stats.expon.cdf).pvalue > LIKELY


def test_a_gene_switch_has_its_moments() -> None:
    problem = symde.Problem(symde.ode_def(GENE), tspan=(0, 30))
    found = symde.ensemble(problem, "Tsit5", n=6000, seed=3, saveat=[30.0], rtol=1e-5)
    g, x = found.u[:, -1].T
    # of a telegraph process and what it drives (Peccoud and Ycart 1995), in the long run
    on, kon, koff, b, d = 0.625, 0.5, 0.3, 2.0, 0.7
    mean, variance = b * on / d, (b / d) ** 2 * on * (1 - on) * d / (d + kon + koff)
    assert abs(g.mean() - on) < 4 * (on * (1 - on) / 6000) ** 0.5
    assert abs(x.mean() - mean) < 4 * (variance / 6000) ** 0.5
    assert abs(x.var() / variance - 1) < 0.06


def test_the_same_path_however_it_is_solved() -> None:
    problem = symde.Problem(symde.ode_def(GENE))
    times = [
        np.array([one.t for one in symde.solve(problem, m, seed=1, rtol=1e-10, atol=1e-12).events])
        for m in ("Tsit5", "Rodas5P", "Radau", "Taylor")
    ]
    assert len(times[0]) > 5
    for other in times[1:]:
        assert abs(other - times[0]).max() < 1e-7


def test_reactions_whose_rates_follow_the_time_have_the_right_distribution() -> None:
    text = "8*(1 + sin(t)), 0 --> X\n1, X --> 0\nX(0) = 0"
    problem = symde.Problem(symde.ode_def(text), tspan=(0, 3), kind="jump")
    found = symde.ensemble(problem, "Tsit5", n=4000, seed=2, saveat=[3.0], rtol=1e-5).u[:, 0, 0]
    # from nobody the number is Poisson with the mean of the differential equation (Jahnke and Huisinga 2007)
    mean = symde.solve(symde.Problem(text, tspan=(0, 3)), rtol=1e-10)["X"][-1]
    assert agreement(found, stats.poisson.pmf(np.arange(50), mean)) > LIKELY


def test_members_are_paths_to_the_last_bit_for_any_number_of_threads() -> None:
    problem = symde.Problem(symde.ode_def(GENE))
    times = [0.0, 5.0, 20.0]
    one, two = (symde.ensemble(problem, n=130, seed=3, saveat=times, workers=w) for w in (1, 2))
    assert (one.u == two.u).all()
    for member in (0, 7, 129):
        alone = solve_piecewise(problem, seed=3, trajectory=member, saveat=times)
        assert (alone.u == one.u[member]).all()


def test_both_limits_are_saved_and_jumps_are_logged() -> None:
    path = symde.solve(symde.Problem(symde.ode_def(GENE)), "Tsit5", seed=1)
    first = path.events[0]
    assert first.name == "jump 1" and first.before[0] == 0 and first.after[0] == 1
    assert path(first.t, "g", side="left") == 0 and path(first.t, "g") == 1
    rows = np.flatnonzero(path.t == first.t)
    assert path["g"][rows].tolist() == [0, 1] and path.stats.jumps == len(path.events)
    assert [one.t for one in path.events] == sorted(one.t for one in path.events)
    # a time to save that is that of a jump holds the state after it
    at = symde.solve(symde.Problem(symde.ode_def(GENE)), "Tsit5", seed=1, saveat=[first.t, 20.0])
    assert at["g"][0] == 1
    assert (symde.solve(path.problem, "Tsit5", seed=1).u == path.u).all()


def test_many_jumps_fill_all_memory_many_times() -> None:
    problem = symde.Problem("x' = -x\nx(0) = 1; n(0) = 0; time 0 .. 30\njump 40*(2 + x): n += 1, x += 0.01")
    path = symde.solve(problem, "Tsit5", seed=1)
    assert len(path.events) == path.stats.jumps == path["n"][-1] > 2000
    assert (np.diff(path.t) >= 0).all() and len(path.t) == path.stats.accepted + path.stats.jumps + 1
    short = symde.solve(problem, "Tsit5", seed=1, saveat=[30.0])
    assert (short.u[-1] == path.u[-1]).all()


BESIDE = GENE.replace(
    "end",
    "  discrete hits = 0, dose = 0\n  jump 0.2: dose = uniform(0, 1)\n  up: when x > 1.5: hits += 1\n"
    "  at t = 10: x += 3\nend",
)


def test_events_and_discrete_variables_beside_jumps() -> None:
    problem = symde.Problem(symde.ode_def(BESIDE.replace("- d*x", "- d*x + dose")))
    path = symde.solve(problem, "Tsit5", seed=3, rtol=1e-9)
    names = {one.name for one in path.events}
    assert {"jump 1", "jump 2", "jump 3", "up"} < names
    ups = [one for one in path.events if one.name == "up"]
    assert path["hits"][-1] == len(ups) and all(abs(one.before[1] - 1.5) < 1e-9 or one.t == 10 for one in ups)
    at = next(one for one in path.events if one.t == 10.0)
    assert at.after[1] - at.before[1] == pytest.approx(3)
    assert [one.t for one in path.events] == sorted(one.t for one in path.events)
    assert 0 < path["dose"][-1] < 1


def test_jumps_are_the_same_whoever_carries_them_out() -> None:
    # an event that never happens puts the host in charge, and changes nothing
    alone = symde.solve(symde.Problem(symde.ode_def(GENE)), "Tsit5", seed=3, rtol=1e-10)
    beside = GENE.replace("end", "  when x > 1e6: stop\nend")
    hosted = symde.solve(symde.Problem(symde.ode_def(beside)), "Tsit5", seed=3, rtol=1e-10)
    times = [[one.t for one in path.events] for path in (alone, hosted)]
    assert times[0] == pytest.approx(times[1], abs=1e-8)
    assert alone.u[-1] == pytest.approx(hosted.u[-1], abs=1e-8)


def test_a_jump_makes_a_condition_true() -> None:
    text = "discrete m = 0\nn(0) = 0; x(0) = 0\nx' = 1\njump 1: n += 1\nthird: when n > 2.5: m = 1\n"
    path = symde.solve(symde.Problem(text, tspan=(0, 30)), seed=1)
    (third,) = [one for one in path.events if one.name == "third"]
    jumps = [one.t for one in path.events if one.name == "jump 1"]
    assert third.t == jumps[2] and path["m"][-1] == 1


def test_branches_are_modes_between_jumps() -> None:
    text = "x' = -x if x > 1 else -x/2\nx(0) = 3; time 0 .. 20\njump 0.5: x += 2"
    problem = symde.Problem(symde.ode_def(text))
    rough, fine = (symde.solve(problem, "Tsit5", seed=1, rtol=tol, atol=tol) for tol in (1e-8, 1e-12))
    assert len(rough.events) == len(fine.events) > 4
    assert abs(rough.u[-1] - fine.u[-1]) < 1e-6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x' = -x\nx(0) = 1\njump x - 0.5: x = 1", r"the rate of `jump x - 0.5: x = 1` \(line 3\) is -0.0"),
        ("x' = -x\nx(0) = 1\njump x - 2: x = 1", "is -1, at t = 0, after 0 jumps"),
        ("x' = 1\nx(0) = 0\njump 1: x = normal(0, -1)", "draws from no distribution"),
        ("x' = 1\nx(0) = 0\nA(0) = 3\n1, A --> 0\njump 1: A *= 0.5", "no whole number of molecules"),
    ],
)
def test_what_cannot_be_ends_the_path(text: str, message: str) -> None:
    problem = symde.Problem(symde.ode_def(text), tspan=(0, 40))
    with pytest.raises(symde.SolveError, match=message) as caught:
        symde.solve(problem, seed=1)
    assert caught.value.retcode.word == "bad_rate"
    with pytest.warns(EnsembleWarning):
        members = symde.ensemble(problem, n=2, seed=1, saveat=[40.0])
    assert members.failures[0].message == str(caught.value) and np.isnan(members.u[0]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": "torch"}, "compiled engine"),
        ({"events": []}, "statements of the model"),
        ({"method": "direct"}, "draws jumps alone"),
        ({"rtol": 2.0}, "rtol = 2"),
        ({"seed": -1}, "seed = -1"),
    ],
)
def test_options_are_checked(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        symde.solve(symde.Problem(symde.ode_def(GENE)), **options)


def test_derivatives_are_refused_with_a_reason() -> None:
    problem = symde.Problem(symde.ode_def(GENE))
    with pytest.raises(ValueError, match="differences between ensembles of one seed"):
        symde.sensitivities(problem, "kon")
    with pytest.raises(ValueError, match="as time goes on"):
        symde.solve(symde.remake(problem, tspan=(1, 0)))


def test_a_callback_sees_steps_and_jumps_and_may_stop() -> None:
    seen: list[tuple[float, int]] = []
    problem = symde.Problem(symde.ode_def(GENE))
    path = symde.solve(problem, "Tsit5", seed=1, callback=lambda t, u: seen.append((t, len(u))) or t > 10)
    assert path.retcode.word == "stopped" and path.t[-1] > 10 and {n for _, n in seen} == {2}


def test_problems_and_solutions_are_pickled() -> None:
    problem = symde.Problem(symde.ode_def(GENE))
    again = pickle.loads(pickle.dumps(problem))
    one, other = (symde.solve(p, "Tsit5", seed=1) for p in (problem, again))
    assert (one.u == other.u).all()
    kept = pickle.loads(pickle.dumps(other))
    assert kept.seed == 1 and kept.stats.jumps == one.stats.jumps and kept.events[0].t == one.events[0].t


def test_laws_and_sizes_by_every_exact_method() -> None:
    text = "jump 3: A += 1, y += normal(0, 1)\n2*A, A => 0\n1, A + A --> A\nA(0) = 0; y(0) = 0; time 0 .. 3"
    problem = symde.Problem(symde.ode_def(text))
    means = []
    for method in ("Direct", "NRM", "CompositionRejection", "RSSACR"):
        u = symde.ensemble(problem, method, n=3000, seed=1, saveat=[3.0]).u[:, 0]
        means.append(u.mean(axis=0))
        assert abs(u[:, 1].var() / 9 - 1) < 0.12
    assert np.ptp([one[0] for one in means]) < 0.1 and abs(np.array(means)[:, 1]).max() < 0.25


def test_steps_that_jumps_end_count() -> None:
    text = "state x = 1, n = 0\ntime 0 .. 1\ndx = -x\njump 1e7: n += 1"
    told = r"max_steps: .* at t = .*, after \d+ jumps\n.*raise max_steps"
    for events in ("", "\nwhen x == 0.5: x = 0.4"):  # which the host sees to
        problem = symde.Problem(symde.ode_def(text + events))
        with pytest.raises(symde.SolveError, match=told) as caught:
            symde.solve(problem, "Tsit5", seed=1, max_steps=500, saveat=[1.0])
        assert caught.value.solution.stats.jumps < 500
