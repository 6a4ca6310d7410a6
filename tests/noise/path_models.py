"""Models whose paths are differentiated, one for each kind of noise and of trouble."""

from __future__ import annotations

import functools

import symde

TEXTS = {
    "additive": """
        param a = 1.2, m = 0.4, s = 0.5
        state x = 1, y = 0.2
        time 0 .. 1
        dx = a*(m - x)*dt + s*cos(t)*dW1
        dy = (x*y - y^3)*dt + s*dW1 + 0.3*a*dW2
    """,
    "diagonal": """
        param a = 1.5, b = 1, c = 2, d = 0.7, s = 0.2
        state x = 1, y = 1.3
        time 0 .. 1
        dx = (a*x - b*x*y)*dt + s*x*dW
        dy = (-c*y + d*x*y)*dt + s*sin(y)*dW
    """,
    "scalar": """
        param a = 0.5, s = 0.4
        state x = 1, y = 2
        time 0 .. 1
        dx = a*y*dt + s*x*y*dW1
        dy = -y*x*dt + s*(x - y^2)*dW1
    """,
    "commutative": """
        param a = 0.5, s = 0.4, r = 0.3
        state x = 1, y = 2
        time 0 .. 1
        dx = a*x*dt + s*x*dW1 + r*x*dW2
        dy = -x*y*dt + r*y*dW1 + s*y*dW2
    """,
    "general": """
        param a = 0.5, s = 0.4
        state x = 1, y = 2
        time 0 .. 1
        dx = a*x*dt + s*y*dW1 + s*x^2*dW2
        dy = -x*y*dt + x*dW2
    """,
    "stratonovich": """
        param a = 0.5, s = 0.4
        state x = 1
        time 0 .. 1
        stratonovich
        dx = a*x*dt + s*sin(x)*dW
    """,
    "start": """
        param a = 0.5, b = 2*a, s = 0.3
        state x = a + s
        time 0 .. 1
        dx = (b - x)*dt + s*x*dW
    """,
    "alike": """
        param a = 0.5, s = 0.4
        state x = 1, y = 2
        time 0 .. 1
        dx = s*x*y*dt + s*x*y*dW1
        dy = (a - s*x*y)*dt - s*x*y*dW1
    """,
    "domain": """
        param a = 0.3, m = 0.05, s = 1.1
        state x = 0.2
        time 0 .. 1
        dom x >= 0
        dx = a*(m - x)*dt + s*sqrt(x)*dW
    """,
}


@functools.cache
def problem(name: str) -> symde.Problem:
    """A problem, made once."""
    return symde.Problem(symde.ode_def(TEXTS[name]))


@functools.cache
def langevin() -> symde.Problem:
    """Two reactions that end in two others, as Langevin equations."""
    network = symde.ode_def(
        "param k = 40, r = 1\nk, 0 --> X\nr, X --> Y\n0.5*r, Y --> 0\nX(0) = 30; Y(0) = 20"
    )
    return symde.Problem(network, tspan=(0, 1), kind="sde")
