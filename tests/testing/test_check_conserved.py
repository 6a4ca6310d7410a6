"""The check of conserved quantities passes on true claims and fails on false ones, saying which."""

from __future__ import annotations

from pathlib import Path

import pytest

import symde
from symde.testing import check_conserved

EXAMPLES = Path(__file__).parents[2] / "grammar" / "examples"

OSCILLATOR = "state x = 1, v = 0.3\nparam k = 2\nx' = v\nv' = -k*x\nconserved (v^2 + k*x^2)/2{more}"


def test_a_true_claim_passes():
    report = check_conserved(symde.ode_def(OSCILLATOR.format(more="")), points=7)
    assert (report.points, report.quantities) == (7, 1) and report.largest < 1e-14


def test_a_false_claim_is_named_with_its_line():
    with pytest.raises(AssertionError, match=r"`conserved x\*v` \(line 6\) is not kept: it changes by"):
        check_conserved(symde.ode_def(OSCILLATOR.format(more="\nconserved x*v")))


def test_claims_hold_on_the_constraints_only():
    """The energy of the Cartesian pendulum is kept where the rod's length and its derivative are."""
    model = symde.load(EXAMPLES / "pendulum_cartesian.symde")
    assert check_conserved(model).largest < 1e-9


def test_a_claim_may_read_time_and_variables_that_are_observed():
    text = "state x = 1, z = 0\nx' = z\n0 = z - 2*t\nconserved x - t^2 + z - 2*t"
    assert check_conserved(symde.ode_def(text)).quantities == 1


def test_a_model_without_claims_is_refused():
    with pytest.raises(ValueError, match="states nothing as conserved"):
        check_conserved(symde.ode_def("x' = -x"))
    with pytest.raises(TypeError, match="takes a model"):
        check_conserved("x' = -x")
