"""Jumps beside differential equations, there scipy as well, and beside noise, with gradients of such paths.

python -m benchmarks.jumps_beside
"""

from __future__ import annotations

import numpy as np

from benchmarks.jumps import best

SWITCH = """
model Switch
  param kon = 5, koff = 3, b = 2, d = 0.7
  state g = 0, x = 0
  time 0 .. 10000
  dx = b*g - d*x
  jump kon*(1 - g)*(1 + x): g += 1
  jump koff*g: g -= 1
end
"""

MERTON = """
model Merton
  param mu = 0.1, sigma = 0.2, lam = 1, m = -0.1, s = 0.15
  state S = 1
  time 0 .. 1
  dS = mu*S*dt + sigma*S*dW
  jump RATE: S = S*exp(normal(m, s))
end
"""


def beside() -> None:
    """Jumps a second beside an equation, by method and tolerance, and steps a second beside noise."""
    import symde
    from symde.piecewise import solve_piecewise

    problem = symde.Problem(symde.ode_def(SWITCH))
    end = [problem.tspan[1]]
    print("jumps beside an equation, million a second:")
    for method in ("BS3", "Tsit5", "Vern7", "Taylor", "Rodas5P", "VCABM"):
        speeds = []
        for rtol in (1e-4, 1e-6, 1e-8):
            options = {"seed": 1, "saveat": end, "rtol": rtol, "max_steps": 10**8}
            seconds = best(lambda: solve_piecewise(problem, method, **options))  # noqa: B023
            speeds.append(solve_piecewise(problem, method, **options).stats.jumps / seconds / 1e6)
        print(
            f"  {method:10}", *(f"{speed:6.2f}" for speed in speeds), " at rtol 1e-4, 1e-6, 1e-8", flush=True
        )
    seconds, jumps = _switch_by_scipy(20.0)
    print(f"  scipy, RK45 with an event: {jumps / seconds / 1e6:.5f} at rtol 1e-6")
    _gradients()
    for rate in ("lam", "lam*S"):
        problem = symde.Problem(symde.ode_def(MERTON.replace("RATE", rate)))
        for method in ("EulerMaruyama", "SRIW1"):
            options = {"n": 10_000, "seed": 1, "dt0": 1 / 128, "saveat": [1.0]}
            seconds = best(lambda: symde.ensemble(problem, method, **options))  # noqa: B023
            print(f"jump {rate}: ... beside noise by {method}: {1.28 / seconds:.1f} million steps a second")


def _switch_by_scipy(end: float) -> tuple[float, int]:
    """`SWITCH` as one writes it without symde, a call of `solve_ivp` from jump to jump: the seconds of a path
    and its jumps."""
    from scipy.integrate import solve_ivp

    def rates(g: float, x: float) -> tuple[float, float]:
        return 5.0 * (1.0 - g) * (1.0 + x), 3.0 * g

    def slope(t: float, u: np.ndarray) -> list[float]:
        return [0.0, 2.0 * u[0] - 0.7 * u[1], -sum(rates(u[0], u[1]))]

    def due(t: float, u: np.ndarray) -> float:
        return u[2]

    due.terminal, due.direction = True, -1  # type: ignore[attr-defined]
    jumps = 0

    def path() -> None:
        nonlocal jumps
        random, t, g, x, jumps = np.random.default_rng(1), 0.0, 0.0, 0.0, 0
        while t < end:
            u0 = [g, x, random.exponential()]
            found = solve_ivp(slope, (t, end), u0, rtol=1e-6, atol=1e-9, events=due)
            t, (g, x, _) = found.t[-1], found.y[:, -1]
            if found.status == 1:
                on, off = rates(g, x)
                g = 1.0 if random.random() * (on + off) < on else 0.0
                jumps += 1

    return best(path), jumps


def _gradients() -> None:
    """Greeks of Merton's model: what a gradient costs beside its paths."""
    import symde

    problem = symde.Problem(symde.ode_def(MERTON.replace("RATE", "lam")))
    given = {"n": 1000, "seed": 1, "dt0": 1 / 128}

    def call(u: np.ndarray) -> tuple[float, np.ndarray]:
        return np.maximum(u - 1, 0).mean(), (u > 1) / u.size

    for method in ("EulerMaruyama", "SRIW1"):
        paths = best(lambda: symde.ensemble(problem, method, saveat=[1.0], **given))  # noqa: B023
        told = [f"paths {1e3 * paths:.2f} ms"]
        for name in ("forward", "discrete"):
            options = {"wrt": ["S", "sigma", "m", "s"], "sensealg": name, **given}
            seconds = best(lambda: symde.value_and_grad(call, problem, method, **options))  # noqa: B023
            told.append(f"{name} {1e3 * seconds:.2f} ms")
        print(f"  delta, vega and two more of 1000 paths that jump, {method}: {', '.join(told)}", flush=True)


if __name__ == "__main__":
    beside()
