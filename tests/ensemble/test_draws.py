"""What a member draws depends on the seed and its index alone."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.ensemble.draws import Draws, Purpose
from tests.ensemble.models import LOTKA

PROBLEM = symde.Problem(LOTKA)


def draw(index, rng):
    return {"a": rng.uniform(1, 2), "b": 1.0 + index}


def start(index, rng):
    return {"x": rng.uniform(1, 2)}


def test_draws_depend_on_the_seed_and_the_index_alone():
    few = symde.ensemble(PROBLEM, n=3, p=draw, u0=start, seed=7, saveat=[0])
    many = symde.ensemble(PROBLEM, n=10, p=draw, u0=start, seed=7, saveat=[0], workers=2)
    assert np.array_equal(few.p, many.p[:3]) and np.array_equal(few.u0, many.u0[:3])
    assert few["b"].tolist() == [1, 2, 3] and few.seed == 7
    assert len({*many["a"], *many.u0[:, 0]}) == 20
    other = symde.ensemble(PROBLEM, n=3, p=draw, u0=start, seed=8, saveat=[0])
    assert not np.isin(other["a"], few["a"]).any()


def test_one_function_draws_the_same_with_and_without_the_other():
    both = symde.ensemble(PROBLEM, n=3, p=draw, u0=start, seed=7, saveat=[0])
    assert np.array_equal(symde.ensemble(PROBLEM, n=3, u0=start, seed=7, saveat=[0]).u0, both.u0)


def test_generators_are_those_of_numpy_at_the_members_counter():
    draws = Draws(5)
    key = np.random.SeedSequence(5).generate_state(2, np.uint64)
    for member in (3, 11, 3):
        found = draws.generator(member, Purpose.INITIAL_STATE)
        counter = np.array([0, 0, member, Purpose.INITIAL_STATE], dtype=np.uint64)
        own = np.random.Generator(np.random.Philox(key=key, counter=counter))
        assert found.normal(size=5).tolist() == own.normal(size=5).tolist()
        for kind in (np.int32, np.int64):  # half of a word is kept for the next draw
            assert (
                found.integers(9, size=3, dtype=kind).tolist() == own.integers(9, size=3, dtype=kind).tolist()
            )


def test_without_a_seed_the_one_that_was_drawn_is_kept():
    one, other = (symde.ensemble(PROBLEM, n=3, p=draw, saveat=[0]) for _ in range(2))
    assert one.seed != other.seed
    again = symde.ensemble(PROBLEM, n=3, p=draw, seed=one.seed, saveat=[0])
    assert np.array_equal(again.p, one.p)


def test_uniform_draws_of_members_are_uniform():
    many = symde.ensemble(PROBLEM, n=4000, p=draw, seed=1, saveat=[0])
    # Kolmogorov and Smirnov: beyond 1.95/sqrt(n) one in a thousand
    ordered = np.sort(many["a"]) - 1
    distance = np.abs(ordered - (np.arange(4000) + 0.5) / 4000).max()
    assert distance < 1.95 / np.sqrt(4000)
    neighbours = np.corrcoef(many["a"][:-1], many["a"][1:])[0, 1]
    assert abs(neighbours) < 4 / np.sqrt(4000)


@pytest.mark.parametrize("seed", [-1, 1.5, "x", True])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises((ValueError, TypeError), match="seed"):
        symde.ensemble(PROBLEM, n=2, p=draw, seed=seed)
