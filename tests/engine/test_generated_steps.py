"""A whole step as one kernel gives the numbers of the general step; a failed linear solve falls back to
it."""

import numpy as np
import pytest

import symde
from symde.engine.choice import methods_for
from symde.engine.cpu.layout import Status
from symde.engine.cpu.session import Session
from symde.engine.cpu.slots import packed
from symde.engine.methods import registry

HIRES = """model Hires
  state y1 = 1, y2 = 0, y3 = 0, y4 = 0, y5 = 0, y6 = 0, y7 = 0, y8 = 0.0057
  time 0 .. 321.8122
  y1' = -1.71*y1 + 0.43*y2 + 8.32*y3 + 0.0007
  y2' = 1.71*y1 - 8.75*y2
  y3' = -10.03*y3 + 0.43*y4 + 0.035*y5
  y4' = 8.32*y2 + 1.71*y3 - 1.12*y4
  y5' = -1.745*y5 + 0.43*y6 + 0.43*y7
  y6' = -280*y6*y8 + 0.69*y4 + 1.71*y5 - 0.43*y6 + 0.69*y7
  y7' = 280*y6*y8 - 1.81*y7
  y8' = -280*y6*y8 + 1.81*y7
end"""
FORCED = """model Forced
  param a = 3
  state x = 1, y = 0
  time 0 .. 5
  x' = y + sin(a*t)
  y' = -x - 20*y*(x^2 - 1) + exp(-t)
end"""


def run(text, name, generated, accept=True, **options):
    problem = symde.Problem(symde.ode_def(text))
    session = Session(
        problem.system.kernels, [packed(method) for method in methods_for(name, 1e-6, problem.system.traits)]
    )
    assert all(slot.step for slot in session._slots)
    if not generated:
        for slot in session._slots:
            slot.step = 0
    session.u[:], session.p[:], session.atol[:] = problem.u0, problem.p, 1e-9
    settings = dict(
        rtol=1e-6, saveat=None, save_steps=True, dense=True, dt0=None, dtmax=np.inf, max_steps=10**6
    )
    session.begin(*problem.tspan, **{**settings, **options})
    assert session.run() == Status.DONE
    return session


EXPLICIT = ("explicit", "explicit_two_estimates")
GENERATED = [method.name for method in registry.methods() if method.family in (*EXPLICIT, "rosenbrock")]


@pytest.mark.parametrize("text", [HIRES, FORCED], ids=["hires", "forced"])
@pytest.mark.parametrize("name", GENERATED)
def test_generated_and_general_steps_agree(text, name):
    method = registry.get(name)
    options = {} if method.adaptive else {"dt0": 1e-3}
    if method.adaptive and method.family in EXPLICIT:
        options["dt0"] = 0.02  # the error of a much smaller first step is rounding, and so is what follows it
    if text is HIRES and method.family in EXPLICIT:
        options["dtmax"] = 0.02  # inside the region of stability: the two must not part for want of it
    general, generated = run(text, name, False, **options), run(text, name, True, **options)
    (t, u), (s, v) = general.output.saved(), generated.output.saved()
    assert len(t) == len(s)
    # rounding differs (sums are fused differently), and the control of the step size feeds on it: where
    # coefficients reach 200 and estimates cancel by 1e6, 1e-16 becomes 1e-8 of a step and more along the way
    np.testing.assert_allclose(s, t, rtol=1e-6 if method.order <= 5 else 1e-4)
    np.testing.assert_allclose(v[-1], u[-1], rtol=1e-7, atol=1e-12)
    assert general.counters().as_dict()["accepted"] == generated.counters().as_dict()["accepted"]
    # after a rejection the general step keeps f and J, the generated one computes them again
    assert 0 <= generated.state.evaluations - general.state.evaluations <= general.state.rejected + 1


def test_one_generated_step_is_one_general_step_to_rounding():
    """From the same state with the same size: no control in between to magnify rounding."""
    for name in ("Rodas5P", "Rodas4", "Rosenbrock23", "Vern7", "Tsit5", "DP5", "BS3", "DOP853"):
        ends = []
        for generated in (False, True):
            session = run(FORCED, name, generated, rtol=0.1, dt0=0.05, dtmax=0.05)
            ends.append(session.output.saved()[1][1])
        np.testing.assert_allclose(ends[1], ends[0], rtol=1e-14, atol=1e-15)
