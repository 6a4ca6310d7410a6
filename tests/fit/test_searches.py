"""Many starts: by several workers, interrupted, watched; and results that are stored and sent."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

import symde
from symde.fit.objective import Objective
from tests.fit.models import DECAY, LOTKA, exact, problem

TIMES = np.linspace(0.2, 4.0, 12)
WANTED = ["a", "b", "c", "d"]


def lotka(**options):
    values = exact(LOTKA, TIMES, ["x", "y"]) + 0.05 * np.random.default_rng(2).standard_normal((12, 2))
    return symde.fit(problem(LOTKA, a=1.2), (TIMES, values), WANTED, sigma=0.05, starts=8, seed=3, **options)


@pytest.mark.parametrize("workers", [2, 5, 30])
def test_the_number_of_workers_does_not_change_a_result(workers):
    alone, together = lotka(), lotka(workers=workers)
    assert together.theta.tolist() == alone.theta.tolist()
    for one, other in zip(together.starts, alone.starts, strict=True):
        assert (one.number, one.value, one.message) == (other.number, other.value, other.message)
        np.testing.assert_array_equal(one.end, other.end)


def test_a_callback_sees_every_step_and_may_end_the_fit():
    seen = []
    result = lotka(callback=lambda values, loss: seen.append((values, loss)))
    assert result.success and set(seen[0][0]) == set(WANTED)
    assert min(loss for _, loss in seen) == pytest.approx(result.value, rel=1e-9)
    with pytest.warns(RuntimeWarning, match="the callback ended the search$"):
        ended = symde.fit(
            problem(LOTKA, a=1.2), (TIMES, exact(LOTKA, TIMES, ["x", "y"])), WANTED, callback=lambda *_: True
        )
    assert not ended.success and len(ended.starts) == 1 and ended.iterations == 1


@pytest.mark.parametrize("workers", [1, 3])
def test_an_interrupted_fit_keeps_the_best_of_what_it_found(workers):
    losses = []

    def interrupt(values, loss):
        losses.append(loss)
        if len(losses) == 25:
            raise KeyboardInterrupt

    with pytest.raises(symde.FitInterrupted, match="`result` of this exception: <FitResult") as stopped:
        lotka(callback=interrupt, workers=workers)
    result = stopped.value.result
    # of equally good ends (`same_loss`) that of the earliest start is the result
    best = min(losses)
    assert result.value in losses and result.value <= (best if workers == 1 else best * (1 + 2e-6))
    assert len(result.starts) < 8
    assert any(start.message == "the search was interrupted" for start in result.starts)
    assert isinstance(stopped.value, KeyboardInterrupt) and "parameters from" in result.summary()
    assert pickle.loads(pickle.dumps(stopped.value)).result.value == result.value
    assert lotka().success  # what was interrupted is ready again


@pytest.mark.parametrize("workers", [1, 3])
def test_an_interrupt_before_anything_was_found_is_an_interrupt(monkeypatch, workers):
    def interrupted(self, theta):
        raise KeyboardInterrupt

    monkeypatch.setattr(Objective, "point", interrupted)
    with pytest.raises(KeyboardInterrupt) as stopped:
        lotka(workers=workers)
    assert not isinstance(stopped.value, symde.FitInterrupted)


def test_a_mistake_in_a_callback_comes_out_of_every_worker():
    for workers in (1, 3):
        with pytest.raises(ZeroDivisionError):
            lotka(callback=lambda values, loss: 1 / 0, workers=workers)


@pytest.mark.parametrize(
    "of", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))], ids=["copy", "pickle"]
)
def test_results_are_the_same_when_stored(of):
    values = exact(DECAY, TIMES, ["x"]) + 0.1 * np.random.default_rng(1).standard_normal((12, 1))
    experiments = [
        symde.Experiment((TIMES, values)),
        symde.Experiment((TIMES, values), u0={"x": 2.5}, name="b"),
    ]
    result = symde.fit(problem(DECAY), experiments, ["k", "x(0)"], starts=3)
    result.summary(), result.solutions  # what was looked at before does not matter
    again = of(result)
    assert again.summary() == result.summary() and again.values == result.values
    np.testing.assert_array_equal(again.solutions[1].u, result.solutions[1].u)
    assert again.profile("k").interval == result.profile("k").interval
    objective = of(result.objective)
    assert objective.residuals(result.theta).tolist() == result.objective.residuals(result.theta).tolist()
    loss = of(result.objective.loss)
    assert repr(loss) == "<LeastSquares: 24 values, 2 experiments>"
    assert repr(objective) == "<Objective: 2 parameters, 24 values, noise unknown>"


def test_fits_run_in_other_processes():
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        data = (TIMES, 2 * np.exp(-TIMES))
        result = pool.submit(symde.fit, problem(DECAY, k=0.5), data, ["k"]).result()
    assert result["k"] == pytest.approx(1.0, rel=1e-6) and result.solution["x"].shape == (12,)
