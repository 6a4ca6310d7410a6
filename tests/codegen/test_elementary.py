"""exp, log and tanh of lanes: how exact they are, and what they give at the ends of the line."""

from __future__ import annotations

import ctypes
import math

import mpmath
import numpy as np
import pytest

from symde.codegen.graph import Graph
from symde.codegen.kernel import Kernel, Output, Vector
from symde.codegen.llvm import ir_module
from symde.codegen.llvm_operations import vector
from symde.native import load_ir

COUNT = 1000

# Units in the last place: 0.5 of the result, and less than as much before it; tanh adds what it has lost.
BOUNDS = {"cos": 1.0, "exp": 1.0, "log": 1.0, "sin": 1.0, "tanh": 1.0}


@pytest.fixture(scope="module", params=sorted(BOUNDS))
def function(request: pytest.FixtureRequest):
    """Name, and the compiled function of COUNT numbers."""
    graph, name = Graph(), request.param
    nodes = tuple(graph.apply(name, graph.input("u", i)) for i in range(COUNT))
    kernel = Kernel(f"many_{name}", graph, (Vector("u", COUNT),), (Output("values", nodes),))
    text = ir_module([kernel])
    if name in ("sin", "cos"):  # which ask the library beyond 2^19
        assert f"@symde_{name}_v4f64(" in text
    else:
        assert f"@{name}(" not in text, "the C library's function is called"
    address = load_ir(text).address(kernel.name)
    entry = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p)(address)

    def call(x: np.ndarray) -> np.ndarray:
        x, values = np.ascontiguousarray(x, dtype=float), np.empty(COUNT)
        given, taken = ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(values.ctypes.data)
        assert entry(0.0, ctypes.addressof(given), ctypes.addressof(taken)) == 0
        return values

    return name, call


def _points(name: str) -> np.ndarray:
    random = np.random.default_rng(5)
    far = 22.0 if name == "tanh" else 708.0
    parts = [
        random.uniform(-far, far, COUNT),
        random.uniform(-2.0, 2.0, 3 * COUNT),
        random.uniform(-0.4, 0.4, 2 * COUNT),
        random.choice((-1.0, 1.0), 2 * COUNT) * 10.0 ** random.uniform(-18.0, 0.0, 2 * COUNT),
        # where the whole multiple of log 2 changes
        (np.arange(COUNT) - COUNT / 2 + 0.5)
        % 32
        * math.log(2.0)
        * 0.5
        * (1 + 1e-9 * random.normal(size=COUNT)),
    ]
    if name in ("sin", "cos"):
        multiples = random.integers(-333_000, 333_000, 4 * COUNT)
        near = np.array([float(mpmath.mpf(int(n)) * mpmath.pi / 2) for n in multiples])
        parts += [near, np.nextafter(near, 0), random.uniform(-(2.0**19), 2.0**19, 4 * COUNT)]
        parts += [random.choice((-1.0, 1.0), COUNT) * 10.0 ** random.uniform(5.0, 300.0, COUNT)]
    if name == "log":
        parts = [np.abs(part) for part in parts]
        parts.append(1.0 + random.choice((-1.0, 1.0), COUNT) * 10.0 ** random.uniform(-16.0, -0.5, COUNT))
        parts.append(10.0 ** random.uniform(-320.0, 308.0, COUNT))
        parts.append(2.0 ** np.arange(-500, 500) * math.sqrt(0.5) * (1 + 1e-15 * random.normal(size=COUNT)))
    return np.concatenate(parts)


def test_values_are_within_the_stated_units_in_the_last_place(function) -> None:
    name, call = function
    points = _points(name)
    found = np.concatenate([call(part) for part in points.reshape(-1, COUNT)])
    worst = (0.0, 0.0)
    with mpmath.workprec(120):
        exact = getattr(mpmath, name)
        for x, value in zip(points.tolist(), found.tolist(), strict=True):
            true = exact(mpmath.mpf(x))
            unit = math.ulp(float(true))
            worst = max(worst, (abs(float((mpmath.mpf(value) - true) / unit)), x))
    assert worst[0] <= BOUNDS[name], worst


def test_special_values_are_those_of_the_c_library(function) -> None:
    name, call = function
    special = [
        0.0,
        -0.0,
        math.inf,
        -math.inf,
        math.nan,
        1e300,
        -1e300,
        5e-324,
        -5e-324,
        1e-310,
        709.9,
        -745.2,
    ]
    special += [-746.5, -740.0, 710.5, 20.0, -20.0, 25.0]
    x = np.zeros(COUNT)
    x[: len(special)] = special
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(x)
    found = call(x)
    both = np.isnan(expected) == np.isnan(found)
    close = np.isclose(found, expected, rtol=4e-16, atol=5e-324)
    assert (both & (close | np.isnan(expected))).all(), [
        (a, b, c) for a, b, c in zip(x, found, expected, strict=True) if a
    ][:20]
    assert (np.signbit(found) == np.signbit(expected))[~np.isnan(expected)].all()


def test_every_lane_gives_the_same(function) -> None:
    name, call = function
    for x in (0.3, 1.7 if name == "log" else -1.7, 12.0):
        assert len(set(call(np.full(COUNT, x)).tolist())) == 1


def test_no_lane_depends_on_another(function) -> None:
    name, call = function
    random = np.random.default_rng(8)
    x = np.abs(random.normal(size=COUNT)) * 10.0 ** random.uniform(-3, 2, COUNT)
    alone = np.array([call(np.full(COUNT, one))[0] for one in x[:60]])
    far = x.copy()
    far[::3] = [1e7, np.nan, np.inf, 1e300] * (COUNT // 12) + [1e9] * (len(far[::3]) - 4 * (COUNT // 12))
    kept = np.arange(60) % 3 != 0
    assert np.array_equal(call(x)[:60], alone) and np.array_equal(call(far)[:60][kept], alone[kept])


@pytest.mark.parametrize("exponent", [0.5, 1.5, 3.5, -0.5, -1.5, -2.5])
def test_half_powers_of_lanes_are_within_two_units_of_the_power(exponent) -> None:
    graph = Graph()
    power = graph.apply("pow", graph.input("u", 0), graph.constant(exponent))
    kernel = Kernel("half_power", graph, (Vector("u", 1),), (Output("values", (power,)),))
    text = ir_module([kernel], vector(8))
    assert "@pow(" not in text
    entry = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p)(
        load_ir(text).address(kernel.name)
    )
    x = np.array([0.0, -0.0, np.inf, np.nan, -1.0, *10.0 ** np.random.default_rng(3).uniform(-60, 60, 395)])
    found = np.empty_like(x)
    for first in range(0, len(x), 8):
        given, taken = (ctypes.c_void_p(one.ctypes.data + 8 * first) for one in (x, found))
        assert entry(0.0, ctypes.addressof(given), ctypes.addressof(taken)) == 0
    with np.errstate(all="ignore"):
        expected = np.array([math.pow(one, exponent) if one > 0 else np.nan for one in x])
    expected[:2] = 0.0 if exponent > 0 else np.inf
    np.testing.assert_allclose(found, expected, rtol=5e-16)
    assert not np.signbit(found[:2]).any()
