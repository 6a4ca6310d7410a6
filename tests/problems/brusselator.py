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
        reference=(0.0,) * 80,
        digits=13,
        origin="Hairer & Wanner II (1996), eq. IV.1.6', N = 40, alpha = 1/50, t = 10",
        reference_origin="own computation, see make_references.py",
        floor=1.0,
        floor_reason="all components are of size one",
        stiff=True,
    ),
)
