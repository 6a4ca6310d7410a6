"""Solves that creep along a switch that is evaluated as it stands say which one it is."""

from __future__ import annotations

import pytest

import symde

MANY = "; ".join(f"x{k}' = -sign(x{k}) + 0.5*sin(t + {k}); x{k}(0) = {k / 10}" for k in range(65))


@pytest.mark.parametrize("method", ["Tsit5", "Vern7", "Rodas5P", "QNDF"])
@pytest.mark.parametrize(
    ("text", "switch"),
    [
        # dry friction and a force that comes late
        ("x' = v; v' = -x - 0.4*sign(v) + 0.5*x(t - 2); x(0) = 1; v(0) = 0; time 0 .. 20", "sign(v)"),
        ("x' = (x > 0 ? -1 : 1) + 0.3*x(t - 1); x(0) = 1; time 0 .. 6", "x > 0"),
    ],
)
def test_switches_beside_delays_are_named(method, text, switch):
    solution = symde.solve(symde.Problem(text), method, rtol=1e-8, atol=1e-10, max_steps=20000, throw=False)
    assert not solution.success
    assert f"`{switch}` (line 1)" in solution.message and "let the switch be smooth" in solution.message


def test_one_of_many_switches_is_named():
    solution = symde.solve(symde.Problem(f"{MANY}; time 0 .. 2"), "Tsit5", max_steps=2000, throw=False)
    assert solution.retcode is symde.Retcode.MAX_STEPS
    assert "`sign(x0)` (line 1) changes there" in solution.message


def test_a_solve_that_is_merely_long_names_none():
    text = "x' = cos(1e3*t) + 0.1*sign(x + 5) + 0*x(t - 1); x(0) = 1; time 0 .. 50"
    solution = symde.solve(symde.Problem(text), "Tsit5", max_steps=200, throw=False)
    assert solution.retcode is symde.Retcode.MAX_STEPS and "switch" not in solution.message
