"""Members by the batched engine of torch."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import symde
from tests.ensemble.models import BLOWUP, LOTKA, lotka_parameters

torch = pytest.importorskip("torch")

WITH_NET = """
extern net(x, y) -> 2
param e = 1
state x = 1, y = 0
time 0 .. 3
(x', y') = net(x, y)
level = e*x + y
"""
SAVED = [1.0, 3.0]


@pytest.fixture
def problem():
    torch.manual_seed(3)
    net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2)).double()
    return symde.Problem(symde.ode_def(WITH_NET).bind(net=net))


def test_members_of_a_model_that_calls_modules_are_single_solves(problem):
    x, e = np.linspace(0.5, 1.5, 9), np.linspace(1, 2, 9)
    found = symde.ensemble(problem, u0={"x": x}, p={"e": e}, saveat=SAVED, backend="torch")
    assert found.success and found.method[0].name == "Vern7"
    for i in (0, 4, 8):
        one = symde.remake(problem, u0={"x": x[i]}, p={"e": e[i]})
        alone = symde.solve(one, saveat=SAVED, backend="torch")
        # products of matrices are summed in another order
        np.testing.assert_allclose(found.u[i], alone.u, rtol=1e-13)
        np.testing.assert_allclose(found["level"][i], alone["level"], rtol=1e-13)
        assert found.member(i).stats.accepted == alone.stats.accepted
    kept = symde.ensemble(
        problem, u0={"x": x}, p={"e": e}, saveat=SAVED, backend="torch", reduce=["mean", "quantiles"]
    )
    np.testing.assert_allclose(kept.mean("level"), found.mean("level"), rtol=1e-13)
    with pytest.raises(ValueError, match="`net` is bound to a torch module.*backend='torch'"):
        symde.ensemble(problem, n=2)


def test_both_engines_give_the_same_members():
    problem, p = symde.Problem(LOTKA), lotka_parameters(70)
    found = symde.ensemble(problem, "Tsit5", p=p, saveat=SAVED, backend="torch")
    compiled = symde.ensemble(problem, "Tsit5", p=p, saveat=SAVED, backend="cpu", lanes=False)
    np.testing.assert_allclose(found.u, compiled.u, rtol=1e-9)
    np.testing.assert_array_equal(found.counters[:, :2], compiled.counters[:, :2])
    few = symde.ensemble(problem, "Tsit5", p=p[:3], saveat=SAVED, backend="torch")
    np.testing.assert_array_equal(few.u, found.u[:3])


def test_failures_and_events_are_those_of_the_members():
    with pytest.warns(RuntimeWarning, match="2 of 4 members failed"):
        found = symde.ensemble(
            symde.Problem(BLOWUP), p={"k": [0.1, 1, 0.2, 4]}, saveat=[0.5, 2.0], backend="torch"
        )
    assert [one.index for one in found.failures] == [1, 3]
    np.testing.assert_allclose([one.time for one in found.failures], [1, 0.25], rtol=1e-3)
    assert "k*x^2" in found.failures[0].message and found.member(1).t.tolist() == [0.5]
    ball = "param e = 0.8; state x = 1, v = 0; x' = v; v' = -9.81; when x <= 0: v = -e*v; when t > 2*e: stop"
    given = {"p": {"e": [0.5, 0.8]}, "saveat": [0.5, 1.5, 3.0]}
    problem = symde.Problem(ball, tspan=(0, 3))
    found, compiled = (symde.ensemble(problem, **given, backend=one) for one in ("torch", "cpu"))
    np.testing.assert_allclose(found.u, compiled.u, atol=1e-6)
    for one, other in zip(found, compiled, strict=True):
        assert one.retcode is symde.Retcode.TERMINATED and one.t.tolist() == other.t.tolist()
        assert [event.name for event in one.events] == [event.name for event in other.events]


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"workers": 2}, "workers belongs to backend='cpu'"),
        ({"lanes": False}, "lanes belongs to backend='cpu'"),
        ({"linear_solver": "dense"}, "linear_solver belongs to backend='cpu'"),
        ({"method": "QNDF"}, "QNDF is no method of the torch engine"),
        ({"backend": "trch"}, "did you mean 'torch'"),
        ({"backend": ["torch"]}, "unknown backend"),
    ],
)
def test_what_the_engine_has_not_is_refused(given, match):
    with pytest.raises(ValueError, match=match):
        symde.ensemble(symde.Problem(LOTKA), n=2, **{"backend": "torch", **given})


def test_paths_and_missing_packages_are_told(monkeypatch):
    noise = symde.Problem("dx = -x*dt + dW; x(0) = 1", tspan=(0, 1))
    with pytest.raises(ValueError, match="followed by the compiled engine: leave out backend"):
        symde.ensemble(noise, n=2, dt0=0.1, backend="torch")
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [one for one in sys.modules if one.startswith(("symde.layers", "symde.engine.batched"))]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ImportError, match=r"pip install 'symde\[torch\]'"):
        symde.ensemble(symde.Problem(LOTKA), n=2, backend="torch")
