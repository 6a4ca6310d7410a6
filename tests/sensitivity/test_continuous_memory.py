"""The forward solution in bounded memory: stretches, and what going back over them costs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import symde
from symde.engine.cpu.session import Session
from symde.sensitivity import gauss, interpolating
from symde.sensitivity.along import record_along
from symde.sensitivity.jumps import jumps_of
from symde.sensitivity.run import prepare
from tests.sensitivity.networks import TIMED_LOTKA, loss

numbers = itertools.count()

BOUND = 64 * 1024
END = 300.0


def record(strategy, method, bound, saveat, rtol=1e-8, tspan=(0.0, END)):
    """A record of a model of its own, whose sessions have no memory from solves before."""
    text = TIMED_LOTKA.replace("TimedLotka", f"TimedLotka{next(numbers)}")
    problem = symde.Problem(symde.ode_def(text), tspan=tspan)
    run = prepare(problem, method, rtol=rtol, atol=rtol, saveat=saveat, memory=bound)
    return record_along(run, True, strategy)


def worst(found, exact):
    """Largest relative error of the two parts of a gradient."""
    return max(
        np.abs(one - other).max() / np.abs(other).max() for one, other in zip(found, exact, strict=True)
    )


@pytest.mark.parametrize("tspan", [(0.0, END), (END, 0.0)])
@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P", "QNDF"])
@pytest.mark.parametrize("strategy", [interpolating.STRATEGY, gauss.STRATEGY])
def test_a_solution_that_does_not_fit_is_solved_again_stretch_by_stretch(strategy, method, tspan):
    saveat = np.linspace(*tspan, 8)
    whole, cut = (record(strategy, method, bound, saveat, tspan=tspan) for bound in (2**28, BOUND))
    weights = loss(whole.solution.u)[1]
    stretches = len(cut._forward.boundaries) + 1
    assert len(whole._forward.boundaries) == 0 and stretches > 5
    steps = cut.solution.stats.accepted
    exact = record(interpolating.STRATEGY, "Vern9", 2**28, saveat, 1e-11, tspan).pull_back(weights)
    errors = [worst(found.pull_back(weights), exact) for found in (cut, whole)]
    # three times for what each stretch's first steps and the small breaks between stretches add
    assert errors[0] <= 3 * errors[1] + 1e-7
    # forward work at most twice: a stretch begins with a few small steps
    assert steps - 2 * steps / stretches < cut._forward.repeated < steps + 40 * stretches
    assert whole._forward.repeated == 0
    session: Session = cut._forward._session
    assert (
        session.output.rows.nbytes <= 1.3 * BOUND
    )  # a stretch that needs a few more steps the second time may pass the bound


@pytest.mark.parametrize("strategy", [interpolating.STRATEGY, gauss.STRATEGY])
def test_a_record_can_be_pulled_back_again(strategy):
    found = record(strategy, "Tsit5", BOUND, [100.0, END])
    weights = np.array([[1.0, 2.0], [3.0, -1.0]])
    first, second = found.pull_back(weights), found.pull_back(weights)
    for one, other in zip(first, second, strict=True):
        assert one == pytest.approx(other, rel=1e-6)  # the last stretch is solved again the second time


@pytest.mark.parametrize("strategy", [interpolating.STRATEGY, gauss.STRATEGY])
def test_saved_times_at_the_borders_of_stretches(strategy):
    plain = record(strategy, "Tsit5", BOUND, [END])
    borders = plain._forward.boundaries
    times = [*borders, END]
    cut, whole = (record(strategy, "Tsit5", bound, times) for bound in (BOUND, 2**28))
    assert cut._forward.boundaries == borders
    weights = loss(whole.solution.u)[1]
    assert cut.pull_back(weights)[1] == pytest.approx(whole.pull_back(weights)[1], rel=1e-4)


def test_jumps_go_back_once_for_each_time_with_weight():
    times = np.array([0.0, 1.0, 1.0, 2.0, 3.0])
    weights = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 1.0], [0.0, 0.0], [4.0, 5.0]])
    jumps = jumps_of(times, weights)
    assert jumps.t.tolist() == [3.0, 1.0, 0.0]
    assert jumps.rows.tolist() == [[4.0, 5.0], [5.0, 1.0], [1.0, 0.0]]
    assert np.asarray(jumps.at(0.0)).tolist() == [1.0, 0.0]


def test_stops_join_jumps_and_marked_times():
    jumps = jumps_of(np.array([0.0, 1.0, 2.0, 4.0]), np.ones((4, 1)))
    stops = jumps.stops(0.0, np.array([0.0, 0.5, 2.0, 3.0, 5.0]))
    assert stops.t.tolist() == [3.0, 2.0, 1.0, 0.5]  # neither the ends nor what lies beyond
    assert stops.rows.tolist() == [-1, 1, 2, -1]
    assert stops.marks.tolist() == [3, 2, -1, 1]
