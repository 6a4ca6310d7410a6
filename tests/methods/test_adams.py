"""The error constants of Adams methods."""

from __future__ import annotations

from fractions import Fraction

import pytest

from symde.engine.methods.adams import AdamsMethod, corrector_constants


def test_the_constants_are_those_of_the_adams_moulton_formulas():
    # Hairer, Norsett & Wanner I, III.1, table 1.2
    expected = "1 -1/2 -1/12 -1/24 -19/720 -3/160 -863/60480 -275/24192 -33953/3628800".split()
    assert corrector_constants(9) == tuple(map(Fraction, expected))


@pytest.mark.parametrize("order", [0, 13])
def test_orders_the_engine_has_no_room_for_are_refused(order):
    with pytest.raises(ValueError, match=f"expected an order from 1 to 12, found {order}"):
        AdamsMethod(
            name="A", order=order, real_stability=1.0, citation="none", when_to_use="None.", source="none"
        )
