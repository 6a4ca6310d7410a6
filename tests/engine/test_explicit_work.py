"""How many steps explicit methods take on known problems, and that a step evaluates nothing twice."""

import pytest

import symde
from symde.engine.methods import registry
from tests.problems import get

# steps as found when the methods were added; within 3 per cent, for rounding. SciPy's DOP853, with another
# step control, takes 2882 evaluations for the last, symde 2853
STEPS = {
    ("Vern6", "lorenz", 1e-6): 255,
    ("Vern8", "lorenz", 1e-6): 120,
    ("Vern9", "lorenz", 1e-6): 135,
    ("DOP853", "lorenz", 1e-6): 129,
    ("Vern6", "pleiades", 1e-9): 482,
    ("Vern8", "pleiades", 1e-9): 215,
    ("Vern9", "pleiades", 1e-9): 186,
    ("DOP853", "pleiades", 1e-9): 240,
}


@pytest.mark.parametrize("name, problem, rtol", STEPS)
def test_the_work_on_known_problems(name, problem, rtol):
    case, method = get(problem), registry.get(name)
    end = [case.problem.tspan[1]]
    stats = symde.solve(case.problem, name, rtol=rtol, atol=rtol * case.floor, saveat=end).stats
    assert stats.steps == pytest.approx(STEPS[name, problem, rtol], rel=0.03)
    # the first stage is kept after a rejection, and from the last step where it is the last stage; the start
    # probes f once more
    stages = method.stages
    if method.fsal:
        assert stats.evaluations == (stages - 1) * stats.steps + 2
    else:
        assert stats.evaluations == stages * stats.accepted + (stages - 1) * stats.rejected + 1
