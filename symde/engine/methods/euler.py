"""Euler: the explicit method of order 1, with fixed steps; the interpolant is the straight line.

Source: L. Euler, Institutionum calculi integralis I (1768), section II, chapter 7.
"""

from __future__ import annotations

from symde.engine.methods.explicit import ExplicitTableau

METHOD = ExplicitTableau(
    name="Euler",
    order=1,
    embedded_order=None,
    a=("",),
    b="1",
    c="0",
    error=None,
    interpolant=("1",),
    interpolant_order=1,
    citation="L. Euler, Institutionum calculi integralis I, St. Petersburg (1768)",
    when_to_use="Fixed steps, for teaching and for comparison with programs that use it.",
    source="Euler (1768), section II, chapter 7",
)
