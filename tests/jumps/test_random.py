"""Random numbers by counting: the published vectors, and numbers that follow from seed and path alone."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from scipy import stats

from symde.engine.cpu.jump_layout import RANDOMS, JumpState
from symde.engine.cpu.library import function_address

_function = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64)


def _entry(module: str, name: str):
    return _function(function_address(module, name))


# Random123 (Salmon et al. 2011), file kat_vectors: philox4x32 with 10 rounds
VECTORS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


@pytest.mark.parametrize(("counter", "key", "expected"), VECTORS)
def test_known_answers(counter: str, key: str, expected: str) -> None:
    memory = np.zeros(10, dtype=np.int64)
    memory[:6] = [int(word, 16) for word in (counter + " " + key).split()]
    _entry("random", "words")(memory.ctypes.data)
    assert [f"{word:08x}" for word in memory[6:]] == expected.split()


def philox(counter: int, key: int) -> list[int]:
    """The same in Python's integers."""
    c = [counter >> shift & 0xFFFFFFFF for shift in (0, 32, 64, 96)]
    k = [key >> shift & 0xFFFFFFFF for shift in (0, 32)]
    for _ in range(10):
        low, high = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [high >> 32 ^ c[1] ^ k[0], high & 0xFFFFFFFF, low >> 32 ^ c[3] ^ k[1], low & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return c


def _numbers(seed: int, path: int, draw: int = 0, times: int = 1) -> np.ndarray:
    state, found = JumpState(), []
    buffer = np.zeros(RANDOMS)
    state.randoms, state.draw = buffer.ctypes.data, draw
    state.seed, state.path = ctypes.c_int64(seed).value, ctypes.c_int64(path).value
    for _ in range(times):
        _entry("random", "numbers")(ctypes.addressof(state))
        found.append(buffer.copy())
    return np.concatenate(found)


@pytest.mark.parametrize(("seed", "path"), [(0, 0), (1, 2**40 + 7), (2**64 - 1, 2**64 - 1), (2**63, 2**63)])
def test_numbers_of_a_path_are_those_of_its_counters(seed: int, path: int) -> None:
    expected = []
    for draw in range(RANDOMS):
        w = philox(draw | path << 64, seed)
        expected += [((w[0] | w[1] << 32) >> 11) * 2.0**-53, ((w[2] | w[3] << 32) >> 11) * 2.0**-53]
    assert _numbers(seed, path, times=2).tolist() == expected
    assert _numbers(seed, path, draw=RANDOMS // 2).tolist() == expected[RANDOMS:]


def test_numbers_are_uniform_and_paths_independent() -> None:
    paths = np.array([_numbers(5, path, times=200) for path in range(100)])
    assert paths.min() >= 0 and paths.max() < 1
    # of uniform numbers the p-values of a test are uniform themselves
    assert stats.kstest([stats.kstest(one, "uniform").pvalue for one in paths], "uniform").pvalue > 1e-3
    between = np.corrcoef(paths)[np.triu_indices(100, 1)] * np.sqrt(paths.shape[1])
    within = np.array([np.corrcoef(one[:-1], one[1:])[0, 1] for one in paths]) * np.sqrt(paths.shape[1])
    assert stats.kstest(between, "norm").pvalue > 1e-3
    assert stats.kstest(within, "norm").pvalue > 1e-3


@pytest.mark.parametrize("mean", [0.001, 0.3, 4.0, 9.99, 10.0, 12.5, 40.0, 300.0, 1e5])
def test_poisson_numbers_have_their_distribution(mean: float) -> None:
    count = 40_000
    state, buffer, numbers = JumpState(), np.zeros(RANDOMS), np.zeros(count)
    state.randoms, state.random_at, state.seed = buffer.ctypes.data, RANDOMS, 11
    state.out_t, state.out_capacity, state.epsilon = numbers.ctypes.data, count, mean
    _entry("poisson", "sample")(ctypes.addressof(state))
    assert (numbers == np.floor(numbers)).all() and (numbers >= 0).all()
    edges = np.unique(stats.poisson.ppf(np.linspace(0, 1, 41)[1:-1], mean))
    bounds = np.concatenate([[-1], edges, [np.inf]])
    expected = np.diff(stats.poisson.cdf(bounds, mean)) * count
    observed = np.histogram(numbers, bins=np.concatenate([[-0.5], edges + 0.5, [np.inf]]))[0]
    keep = expected > 5
    statistic = ((observed - expected)[keep] ** 2 / expected[keep]).sum()
    assert stats.chi2.sf(statistic, max(keep.sum() - 1, 1)) > 1e-3
    assert abs(numbers.mean() - mean) < 4.5 * np.sqrt(mean / count)
