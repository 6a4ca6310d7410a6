"""The loop over members, and lanes, where members have time spans and times to save of their own."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.engine.cpu.batch import BatchRun, Members, Outcome, Steps
from symde.engine.cpu.lanes import LaneRun
from symde.engine.cpu.layout import Status
from symde.members.lanes import lanes_for
from symde.plan import plan_for
from symde.sessions import make_session
from tests.ensemble.models import LOTKA, lotka_parameters

COUNT = 13
RANDOM = np.random.default_rng(2)
ENDS = RANDOM.uniform(-8, 8, COUNT)
SPANS = np.column_stack([RANDOM.uniform(-1, 1, COUNT), ENDS])
TIMES = np.linspace(SPANS[:, 0], SPANS[:, 1], 6, axis=1)
TIMES[:, -1] = ENDS
PROBLEM = symde.Problem(LOTKA)


@pytest.mark.parametrize("order", [np.arange(COUNT), np.array([7, 2, 12, 5])])
@pytest.mark.parametrize("side_by_side", [False, True])
def test_members_may_have_spans_and_times_of_their_own(side_by_side, order):
    p = lotka_parameters(COUNT)
    members = Members(np.array([[1.0, 2.0]]), p, SPANS, np.ascontiguousarray(TIMES), COUNT)
    plan = plan_for(PROBLEM.system, "Vern7", 1e-7, None, None, 10_000, "auto", None)
    session = make_session(PROBLEM.system, plan)
    session.atol[...] = 1e-9
    run, outcome = BatchRun(session, members, Steps(1e-7, None, None, 10_000)), Outcome.empty(COUNT, 6, 2)
    outcome.codes[:] = -1
    if side_by_side:
        choice = lanes_for(PROBLEM.system, plan)
        lanes = LaneRun(run, choice.kernels[plan.methods[0]], switches=False)
        lanes.run(order, outcome, 0, lambda: None)
    else:
        run.run(order, outcome, 0, lambda member, status: pytest.fail(f"{member}: {status}"), lambda: None)
    assert (outcome.codes[order] == Status.DONE).all()
    assert (np.delete(outcome.codes, order) == -1).all()
    for i in order:
        alone = symde.remake(PROBLEM, p=p[i], u0=[1, 2], tspan=tuple(SPANS[i]))
        expected = symde.solve(alone, "Vern7", rtol=1e-7, saveat=TIMES[i])
        if side_by_side:
            np.testing.assert_allclose(outcome.u[i], expected.u, rtol=1e-9)
        else:
            assert np.array_equal(outcome.u[i], expected.u)
        assert outcome.ends[i] == ENDS[i] and outcome.counters[i, 0] == expected.stats.accepted
