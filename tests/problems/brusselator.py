"""Brusselator with diffusion on a line: 40 points, 80 states."""

from __future__ import annotations

import numpy as np

from .case import Case

POINTS = 40


def _neighbour(name: str, i: int, edge: str) -> str:
    return f"{name}{i}" if 1 <= i <= POINTS else edge


def _equation(name: str, i: int, reaction: str, edge: str) -> str:
    left, right = _neighbour(name, i - 1, edge), _neighbour(name, i + 1, edge)
    return f"  {name}{i}' = {reaction} + d*({left} - 2*{name}{i} + {right})"


def _text() -> str:
    lines = ['model Brusselator "a chemical oscillator with diffusion"', "  param A = 1, B = 3, alpha = 0.02"]
    for i in range(1, POINTS + 1):
        lines.append(f"  state u{i} = 1 + sin(2*pi*{i}/{POINTS + 1}), v{i} = 3")
    lines += ["  time 0 .. 10", "", f"  d = alpha*{POINTS + 1}^2    # alpha/dx^2"]
    for i in range(1, POINTS + 1):
        lines.append(_equation("u", i, f"A + u{i}^2*v{i} - (B + 1)*u{i}", "1"))
        lines.append(_equation("v", i, f"B*u{i} - u{i}^2*v{i}", "3"))
    return "\n".join([*lines, "end", ""])


def _laplacian(w, edge: float):
    border = np.full_like(w[:1], edge)
    wide = np.concatenate([border, w, border])
    return wide[:-2] - 2 * w + wide[2:]


def rhs(state, p, t):
    """Lefever and Nicolis's reaction at each point, diffusion between them, u = 1 and v = 3 at both ends."""
    u, v = state[0::2], state[1::2]
    A, B, alpha = p
    d, made = alpha * (POINTS + 1) ** 2, u * u * v
    result = np.empty_like(state)
    result[0::2] = A + made - (B + 1) * u + d * _laplacian(u, 1.0)
    result[1::2] = B * u - made + d * _laplacian(v, 3.0)
    return result


CASES = (
    Case(
        name="brusselator",
        text=_text(),
        rhs=rhs,
        reference=(
            0.93691334172,
            3.0796044721,
            0.8753478178,
            3.1572375799,
            0.8166058767,
            3.2311818165,
            0.76170267425,
            3.3000705128,
            0.71133855252,
            3.362934901,
            0.6659085742,
            3.4192047041,
            0.625539633,
            3.4686723649,
            0.59014354668,
            3.5114339998,
            0.55947537039,
            3.5478197692,
            0.53318878985,
            3.5783238009,
            0.51088362888,
            3.603540434,
            0.49214334269,
            3.6241103689,
            0.47656243937,
            3.6406778341,
            0.46376501554,
            3.6538582611,
            0.45341615561,
            3.6642150688,
            0.44522804111,
            3.6722438165,
            0.4389624462,
            3.6783619818,
            0.43443100593,
            3.6829028091,
            0.43149432833,
            3.6861119397,
            0.43006072969,
            3.6881458284,
            0.43008512305,
            3.6890712251,
            0.43156838301,
            3.6888652619,
            0.43455733547,
            3.6874159236,
            0.43914536336,
            3.6845229081,
            0.44547346185,
            3.6798991098,
            0.45373140228,
            3.6731731982,
            0.46415845786,
            3.6638940138,
            0.47704289789,
            3.6515377799,
            0.49271917177,
            3.6355193993,
            0.51156140135,
            3.6152093617,
            0.53397153173,
            3.5899579431,
            0.56036035336,
            3.5591283406,
            0.59111974976,
            3.5221399984,
            0.62658514157,
            3.4785224399,
            0.6669883889,
            3.4279782615,
            0.71240350518,
            3.3704514703,
            0.76269033148,
            3.3061942337,
            0.81744435997,
            3.235821911,
            0.87596327496,
            3.1603439669,
            0.9372412962,
            3.0811583243,
        ),  # fmt: skip
        digits=11,
        origin="Hairer & Wanner II (1996), section IV.1, N = 40, alpha = 1/50, to t = 10",
        reference_origin="own computation, see make_references.py",
        floor=1.0,
        floor_reason="all components are of size one",
        stiff=True,
    ),
)
