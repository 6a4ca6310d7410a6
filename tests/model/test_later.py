"""Statements of later versions are recognised, named, and do not drag other errors along."""

from __future__ import annotations

import pytest

from symde.diagnostics import ModelError
from symde.model.ode_def import ode_def

STATEMENTS = [
    ("x' = -k*x\ndU[i] = U[i] for i in 1:N", "E906"),
    ('import "pump.symde"\nuse Pump as p1(k=2)\nx\' = -k*x', "E912"),
]


@pytest.mark.parametrize(("text", "code"), STATEMENTS)
def test_each_later_statement_says_so(text: str, code: str) -> None:
    with pytest.raises(ModelError, match="not in this version yet") as caught:
        ode_def(text)
    assert {one.code for one in caught.value.diagnostics} == {code}, str(caught.value)


def test_mistakes_beside_a_later_statement_are_reported_too() -> None:
    with pytest.raises(ModelError) as caught:
        ode_def("dU[i] = U[i] for i in 1:N\nx' = exp(x, 1)\nx' = 2")
    assert sorted(one.code for one in caught.value.diagnostics) == ["E206", "E301", "E906"]
