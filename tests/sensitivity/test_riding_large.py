"""Explicit steps of large models ride with a tangent of the whole: no Jacobian is needed, the steps are the
same."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.sensitivity import riding
from symde.sensitivity.augmented import AugmentedSystem
from symde.sensitivity.run import prepare
from symde.sensitivity.start import start_of
from symde.sensitivity.tangent import TangentSystem
from symde.sensitivity.wrt import wrt_of

MODEL = symde.ode_def("extern net(a, b) -> 2\n(x', y') = net(x^3, y^3)")


def run_of(hidden: int, method: str):
    network = symde.Network([symde.Dense(2, hidden, "tanh"), symde.Dense(hidden, 2)], seed=1)
    problem = symde.Problem(MODEL.bind(net=network), u0=[2.0, 0.0], tspan=(0, 1.5))
    return prepare(problem, method=method, saveat=None, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(("hidden", "method", "kind"), [
    (50, "Vern7", TangentSystem), (3, "Vern7", AugmentedSystem), (50, "Rodas5P", AugmentedSystem)
])  # fmt: skip
def test_the_system_follows_size_and_method(hidden: int, method: str, kind: type) -> None:
    assert type(riding._with_direction(run_of(hidden, method))) is kind


@pytest.mark.parametrize("method", ["Tsit5", "Vern7", "DOP853"])
def test_the_steps_are_those_beside_a_column(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_of(50, method)
    wrt, start = wrt_of("net", run.problem.system), start_of(run.problem)
    found = riding.chosen_steps(run, wrt, start)
    monkeypatch.setattr(riding, "OPERATIONS", 10**9)
    expected = riding.chosen_steps(run, wrt, start)
    assert found.count == expected.count
    # error estimates of 1e-9 keep 7 digits, and the step sizes what is left of them after a few steps
    assert np.allclose(found.h[: found.count], expected.h[: found.count], rtol=1e-4)
