"""Steps of every family in plain Python, for complex numbers: what a solve with given steps computes.

Steps are taken as they were recorded, so the imaginary part of the end is the derivative of exactly that
computation (W. Squire, G. Trapp, SIAM Review 40 (1998)). Nothing here is the engine's but the coefficients.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

STEP = 1e-30
"""Of complex-step differences: its square is lost in rounding."""


@dataclass(frozen=True)
class Model:
    """A model as text and as functions of (t, u, p), for complex numbers.

    Attributes:
        text: For symde.
        f, jacobian, by_time: The right-hand side and its derivatives, shapes (n,), (n, n), (n,).
        positions: Which states are positions, shape (n,), where they are halves.
    """

    text: str
    f: Callable[..., np.ndarray]
    jacobian: Callable[..., np.ndarray]
    by_time: Callable[..., np.ndarray]
    positions: Any = None


def sums(weights: Any, vectors: list[np.ndarray]) -> np.ndarray:
    """sum_j weights[j] * vectors[j] over the vectors there are."""
    return sum((float(w) * v for w, v in zip(weights, vectors, strict=False)), 0 * vectors[0])


def polynomial(u: np.ndarray, rows: list[np.ndarray]) -> Callable[[float], np.ndarray]:
    """theta -> u + sum_m rows[m] theta^(m + 1)."""
    return lambda theta: u + sum((row * theta ** (m + 1) for m, row in enumerate(rows)), 0 * u)


def explicit(method: Any, model: Model, formula: int, t: float, u: Any, p: Any, h: float) -> Any:
    """One step: its end, and its interpolant."""
    k: list[np.ndarray] = []
    rows = [*method.a, *method.extra_a] if len(method.extra_c) else list(method.a)
    for row, c in zip(rows, [*method.c, *method.extra_c], strict=True):
        y = u + h * sums(row[: len(k)], k) if k else u
        k.append(model.f(t + float(c) * h, y, p))
    within = [h * sums(column, k) for column in np.asarray(method.interpolant).T]
    return u + h * sums(method.b, k), polynomial(u, within)


def rosenbrock(method: Any, model: Model, formula: int, t: float, u: Any, p: Any, h: float) -> Any:
    """Likewise; Hairer & Wanner II (1996), (7.25)."""
    matrix = np.eye(len(u)) / (h * method.gamma) - model.jacobian(t, u, p)
    stages: list[np.ndarray] = []
    for i in range(len(method.m)):
        y = u + sums(method.a[i], stages) if stages else u
        rhs = model.f(t + float(method.alpha[i]) * h, y, p) + h * method.d[i] * model.by_time(t, u, p)
        rhs = rhs + (sums(method.c_matrix[i], stages) / h if stages else 0)
        stages.append(np.linalg.solve(matrix, rhs))
    within = [sums(column, stages) for column in np.asarray(method.interpolant).T]
    return u + sums(method.m, stages), polynomial(u, within)


def newton(residual: Callable[[Any], Any], slope: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    """The root, real part and imaginary part: quadratic convergence of the first gives the second one
    later."""
    for _ in range(30):
        change = np.linalg.solve(slope(x), residual(x))
        x = x - change
        small = np.abs(change.real).max() <= 1e-14 * np.abs(x.real).max()
        if small and np.abs(change.imag).max() <= 1e-14 * np.abs(x.imag).max() + 1e-300:
            return x
    return x


def esdirk(method: Any, model: Model, formula: int, t: float, u: Any, p: Any, h: float) -> Any:
    """Likewise."""
    k = [model.f(t, u, p)]
    y = u
    for i in range(1, method.stages):
        time, base = t + float(method.c[i]) * h, u + h * sums(method.a[i][:i], k)
        gamma = h * method.gamma

        def residual(y: Any, time: float = time, base: Any = base, gamma: float = gamma) -> Any:
            return y - base - gamma * model.f(time, y, p)

        def slope(y: Any, time: float = time, gamma: float = gamma) -> Any:
            return np.eye(len(y)) - gamma * model.jacobian(time, y, p)

        y = newton(residual, slope, base + gamma * k[-1])
        k.append((y - base) / gamma)
    return y, polynomial(u, [h * sums(column, k) for column in np.asarray(method.interpolant).T])


def collocate(a: Any, c: Any, model: Model, t: float, u: Any, p: Any, h: float) -> list[np.ndarray]:
    """The derivatives at the stages of a fully implicit method."""
    s, n = len(c), len(u)
    times = [t + float(node) * h for node in c]

    def states(k: Any) -> Any:
        return u + h * a @ k.reshape(s, n)

    def residual(k: Any) -> Any:
        values = [model.f(time, y, p) for time, y in zip(times, states(k), strict=True)]
        return k - np.concatenate(values)

    def slope(k: Any) -> Any:
        jacobians = [model.jacobian(time, y, p) for time, y in zip(times, states(k), strict=True)]
        blocks = [
            [float(i == j) * np.eye(n) - h * a[i, j] * jacobians[i] for j in range(s)] for i in range(s)
        ]
        return np.block(blocks)

    return list(newton(residual, slope, np.concatenate([model.f(t, u, p)] * s)).reshape(s, n))


def radau(method: Any, model: Model, formula: int, t: float, u: Any, p: Any, h: float) -> Any:
    """Likewise; the polynomial through the start and the stages."""
    c = np.asarray(method.tables[formula].array("c"), dtype=float)
    powers = np.arange(1, len(c) + 1)
    values = c[:, None] ** powers
    a = (values / powers) @ np.linalg.inv(c[:, None] ** (powers - 1))
    z = h * a @ np.array(collocate(a, c, model, t, u, p, h))
    return u + z[-1], polynomial(u, list(np.linalg.solve(values, z)))


def hermite(passes: Any, f: Callable[..., Any], t: float, u: Any, end: Any, h: float) -> Any:
    """The interpolant of Enright, Jackson, Norsett and Thomsen (1986)."""
    ends = [(end - u) / h, f(t, u), f(t + h, end)]
    found = polynomial(u, [])
    for one in passes:
        data = ends + [f(t + float(theta) * h, found(float(theta))) for theta in one.nodes]
        found = polynomial(u, [h * sums(row, data) for row in one.weights])
    return found


def gauss(method: Any, model: Model, formula: int, t: float, u: Any, p: Any, h: float) -> Any:
    """Likewise."""
    end = u + h * sums(method.b, collocate(method.a, method.c, model, t, u, p, h))
    return end, hermite(method.interpolant.passes, lambda t, u: model.f(t, u, p), t, u, end, h)


def symplectic(method: Any, model: Model, formula: int, t: float, u: Any, p: Any, h: float) -> Any:
    """Likewise, kicks and drifts in turn."""
    position, x = model.positions, u
    drifted = kicked = 0.0
    for kick, drift in zip(method.b, method.a, strict=True):
        x = x + kick * h * np.where(position, 0, model.f(t + drifted * h, x, p))
        kicked += kick
        x = x + drift * h * np.where(position, model.f(t + kicked * h, x, p), 0)
        drifted += drift
    return x, hermite(method.interpolant.passes, lambda t, u: model.f(t, u, p), t, u, x, h)


def nystrom(method: Any, model: Model, formula: int, t: float, u: Any, p: Any, h: float) -> Any:
    """Likewise; q'' is the derivative of q' along the solution."""
    position = model.positions

    def accelerations(t: float, u: Any) -> Any:
        f = model.f(t, u, p)
        return np.where(position, model.jacobian(t, u, p) @ f, f)

    def rates(t: float, u: Any) -> Any:
        return np.where(position, model.f(t, u, p), 0)

    rate, k = rates(t, u), []
    for i, c in enumerate(method.c):
        y = u + float(c) * h * rate + (h * h * sums(method.a[i][: len(k)], k) if k else 0)
        k.append(accelerations(t + float(c) * h, np.where(position, y, u)))
    moved = np.where(position, h * rate + h * h * sums(method.b, k), h * sums(method.b_velocity, k))
    end = u + moved
    if method.built is None:
        q = [h * h * sums(column, k) for column in np.asarray(method.interpolant).T]
        m = [h * sums(column, k) for column in np.asarray(method.interpolant_velocity).T]
        return end, lambda theta: np.where(
            position, polynomial(u + theta * h * rate, [0 * u, *q])(theta), polynomial(u, m)(theta)
        )
    ends = [(end - u) / h, rate, rates(t + h, end)]
    seconds = [accelerations(t, u), accelerations(t + h, end)]
    found = polynomial(u, [])
    for one in method.built.passes:
        nodes = [accelerations(t + float(x) * h, np.where(position, found(float(x)), u)) for x in one.nodes]
        data = [h * v for v in ends] + [h * h * v for v in (*seconds, *nodes)]
        found = polynomial(u, [sums(row, data) for row in one.weights])
    data = [(end - u) / h, *seconds, *nodes]
    momenta = polynomial(u, [h * sums(row, data) for row in method.built.momenta.weights])
    return end, lambda theta: np.where(position, found(theta), momenta(theta))


STEPS: dict[str, Any] = {
    "explicit": explicit,
    "explicit_two_estimates": explicit,
    "rosenbrock": rosenbrock,
    "esdirk": esdirk,
    "radau": radau,
    "gauss": gauss,
    "symplectic": symplectic,
    "nystrom": nystrom,
}


def replay(model: Model, methods: Any, recording: Any, count: int, u: Any, p: Any, times: Any) -> np.ndarray:
    """The saved states, shape (n_times, n), of a solve with the recorded steps from another start."""
    saved, todo = [], list(times)
    while todo and todo[0] == recording.t[0, 0]:
        saved.append(u)
        todo.pop(0)
    for (t, t_new), h, slot in zip(
        recording.t[:count], recording.h[:count], recording.slot[:count], strict=True
    ):
        method, formula = methods[slot % 256], slot // 256
        end, within = STEPS[method.family](method, model, formula, t, u, p, h)
        while todo and (todo[0] - t_new) * np.sign(h) <= 0:
            at = todo.pop(0)
            saved.append(end if at == t_new else within((at - t) / h))
        u = end
    return np.array(saved)


def gradient(
    model: Model, methods: Any, recording: Any, count: int, u0: Any, p: Any, times: Any, weights: Any
) -> Any:
    """Derivatives of sum(weights * saved) by u0 and by p, all steps frozen."""
    found = []
    for which, length in ((0, len(u0)), (1, len(p))):
        values = np.zeros(length)
        for j in range(length):
            of_u0, of_p = u0.astype(complex), p.astype(complex)
            (of_p if which else of_u0)[j] += 1j * STEP
            saved = replay(model, methods, recording, count, of_u0, of_p, times)
            values[j] = (weights * saved).sum().imag / STEP
        found.append(values)
    return found


def along(
    model: Model, methods: Any, recording: Any, u0: Any, p: Any, times: Any, direction: Any
) -> np.ndarray:
    """The derivative of the saved states along a direction of u0 and p, shape (n + m,), all steps frozen."""
    of_u0 = u0 + 1j * STEP * direction[: len(u0)]
    of_p = p + 1j * STEP * direction[len(u0) :]
    return replay(model, methods, recording, recording.count, of_u0, of_p, times).imag / STEP
