"""The error of DOP853 is the fine estimate, scaled by how the coarse one compares."""

import math

import numpy as np
import pytest

import symde
from symde.engine.cpu.layout import Status
from symde.engine.cpu.session import Session
from symde.engine.cpu.slots import packed
from symde.engine.methods import registry

RTOL, ATOL = 1e-6, 1e-8


@pytest.mark.parametrize("generated", [False, True])
def test_the_norm_is_that_of_dop853(generated):
    problem = symde.Problem("state x = 1, y = 0.5\nx' = y + t\ny' = (1 - x^2)*y - x", tspan=(0, 5))
    method = registry.get("DOP853")
    session = Session(problem.system.kernels, [packed(method)])
    if not generated:
        session._slots[0].step = 0
    session.u[:], session.p[:], session.atol[:] = problem.u0, problem.p, ATOL
    session.begin(
        0.0,
        5.0,
        rtol=RTOL,
        saveat=None,
        save_steps=False,
        dense=False,
        dt0=0.1,
        dtmax=math.inf,
        max_steps=100,
        single_step=True,
    )
    assert session.run() == Status.STEPPED and session.state.rejected == 0
    k = session.arrays["stages"][: 12 * session.padded].reshape(12, -1)[:, :2]
    scale = ATOL + RTOL * np.maximum(np.abs(problem.u0), np.abs(session.vector("u")))
    fine = np.mean((0.1 * method.error @ k / scale) ** 2)
    coarse = np.mean((0.1 * method.coarse_error @ k / scale) ** 2)
    found = np.mean((session.vector("error") / scale) ** 2) ** 0.5
    # Hairer, Norsett & Wanner I, II.10: err = err5^2 / sqrt(err5^2 + 0.01 err3^2)
    assert found == pytest.approx(fine / math.sqrt(fine + 0.01 * coarse), rel=1e-9)
    assert coarse > 1e3 * fine
