"""Warnings about legal models that are likely mistakes."""

from __future__ import annotations

import pytest

from symde.model.check import check
from symde.model.ode_def import ode_def

FULL = "param k = 1\nstate x = 1\nx' = -k*x\n"


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("@ode_def M begin\ndx = -k*x\nx(0) = 1\nparam k = 1\nparam q = 2\nend k q", "W101", "q"),
        (FULL + "y' = x\ny(t0) = 1", "W102", "y"),
        (FULL + "y' = 2*0\ny(t0) = x0\nconst x0 = 3\nz = y", "W103", "2*0"),
        (FULL + "z = 1/2x", "W104", "2x"),
        (FULL + "exp(a) = 2*a\nz = exp(x)", "W105", "exp"),
        ("param k\nstate x = 1\nx' = -k*x", "W106", "k"),
        ("param k = 1\nstate x\nx' = -k*x", "W107", "x"),
        (FULL + "f(a) = 2*a", "W108", "f"),
    ],
)
def test_each_oddity_has_its_warning(text: str, code: str, place: str) -> None:
    found = {one.code: one for one in check(ode_def(text))}
    assert set(found) == {code}
    assert found[code].span.text == place
    assert found[code].render().startswith(f"warning[{code}]: ")


def test_a_function_without_brackets_is_noticed() -> None:
    found = check(ode_def("x' = -exp*x"))
    assert "W109" in {one.code for one in found}


def test_a_complete_model_has_no_warning() -> None:
    assert check(ode_def(FULL)) == []


def test_warnings_come_in_the_order_of_the_text() -> None:
    found = check(ode_def("param a, b\nstate x, y\nx' = -x\ny' = -y"))
    positions = [one.span.start for one in found]
    assert positions == sorted(positions) and len(found) == 6


def test_a_default_outside_its_bounds_is_told():
    found = check(
        ode_def("model M\n param k = 5 in (0, 1)\n param q = 2*k in (0, 1)\n state x = 1\n x' = -k*q*x\nend")
    )
    assert [one.code for one in found] == ["W110"]
    assert "`k` is 5, outside (0, 1)" in found[0].message
