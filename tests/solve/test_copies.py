"""What a solve gives back travels: copied, pickled, sent from one process to another."""

import copy
import multiprocessing
import pickle

import pytest

import symde

GROWTH = symde.Problem("x' = x^2\ntwice = 2*x", [1.0], (0, 2))


def _round_trips(value):
    return [copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))]


def test_a_failure_keeps_its_message_and_its_part_of_the_solution():
    with pytest.raises(symde.SolveError) as caught:
        symde.solve(GROWTH)
    error = caught.value
    for other in _round_trips(error):
        assert type(other) is symde.SolveError
        assert str(other) == str(error)
        assert other.retcode is error.retcode
        assert other.solution["twice"].tolist() == error.solution["twice"].tolist()


def test_an_interruption_keeps_its_part_of_the_solution():
    def interrupt(t, u):
        raise KeyboardInterrupt

    with pytest.raises(symde.SolveInterrupted) as caught:
        symde.solve(GROWTH, callback=interrupt)
    for other in _round_trips(caught.value):
        assert other.solution.t.tolist() == caught.value.solution.t.tolist()


def test_a_failure_in_another_process_arrives():
    with multiprocessing.get_context("fork").Pool(1) as pool, pytest.raises(symde.SolveError, match="x"):
        pool.apply_async(symde.solve, (GROWTH,)).get(timeout=60)


def test_an_integrator_is_not_copied():
    integrator = symde.Integrator(GROWTH)
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="holds the memory of a running solve"):
            attempt(integrator)
