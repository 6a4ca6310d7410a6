"""Roots behind guards, which have no value beyond the line at which a solution comes to rest."""

from __future__ import annotations

import numpy as np
import pytest

import symde


@pytest.mark.parametrize("method", ["VCABM", "Tsit5", "Rodas5P", "QNDF"])
@pytest.mark.parametrize(
    "x0, share", [(39.810717055349734, 3), (39.810717055349734, 20), (6.309573444801936, 20)]
)
def test_a_vessel_runs_empty(method, x0, share):
    # steps come so near to the end that none between there and the resolution of the time is left
    law = symde.Problem("x' = -(x > 0 ? sqrt(x) : 0); x(0) = 1; time 0 .. 5")
    emptied = symde.remake(law, u0={"x": x0}, tspan=(0, 2 * share * np.sqrt(x0)))
    assert symde.solve(emptied, method, rtol=1e-4)["x"][-1] == pytest.approx(0, abs=1e-6)
