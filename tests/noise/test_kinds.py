"""What kind of noise equations have where coefficients jump or bend, and what is refused there."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import symde
from symde.codegen.graph import Graph
from symde.codegen.noise_derivatives import NoiseDerivatives


def problem(text: str) -> symde.Problem:
    return symde.Problem(symde.ode_def(text), tspan=(0, 1))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        # the derivative of what jumps is 0 on both sides, and it is no constant
        ("state x = 1\ndx = -x*dt + (x > 0 ? 0.3 : 1.5)*dW", "diagonal"),
        ("state x = 1\ndx = -x*dt + floor(x)*dW", "diagonal"),
        ("state x = 1, y = 1\ndx = -x*dt + (y > 0 ? 0.3 : 1.5)*dW1\ndy = -y*dt + dW1", "scalar"),
        ("state x = 1, y = 1\ndx = 0*dt + floor(y)*x*dW\ndy = 0*dt + y*dW", "commutative"),
        ("state x = 1, y = 1\ndx = 0*dt + sign(t - 0.5)*dW\ndy = 0*dt + (t > 0.5 ? 1 : 2)*dW", "additive"),
        # of each branch: the noise commutes in one of them alone
        ("state x = 5, y = 1\ndx = 0*dt + (x > 3 ? y : 0)*dW1\ndy = 0*dt + dW2", "general"),
        ("state x = 5, y = 1\ndx = 0*dt + (t > 3 ? y : 0)*dW1\ndy = 0*dt + dW2", "general"),
        ("state x = 5, y = 1\ndx = 0*dt + max(y - 3, 0)*dW1\ndy = 0*dt + dW2", "general"),
        ("state x = 5, y = 1\ndx = 0*dt + (y - 3 + abs(y - 3))*dW1\ndy = 0*dt + dW2", "general"),
        ("param b = 9\nstate x = 5, y = 1\ndx = 0*dt + min(b*y, 7)*dW1\ndy = 0*dt + dW2", "general"),
        # and in all of them
        ("param r = 0.5\nstate x = 1, y = 1\ndx = 0*dt + x*dW1\ndy = 0*dt + y*(r*dW1 + sqrt(1 - r^2)*dW2)",
         "commutative"),
        ("param r = 0.5\nstate x = 1, y = 1\ndx = 0*dt + x*dW1\ndy = 0*dt + x*(r*dW1 + sqrt(1 - r^2)*dW2)",
         "general"),
        ("state x = 1\ndx = 0*dt + max(x, 1)*dW1 + max(x, 1)*dW2", "commutative"),
        ("state x = 1\ndx = 0*dt + 2*abs(x)*dW1 + 3*abs(x)*dW2", "commutative"),
        ("state x = 1\ndom x >= 0\ndx = 0*dt + sqrt(x)*dW1 + 2*sqrt(x)*dW2", "commutative"),
        ("state x = 1, y = 1\ndom x >= 0\ndx = 0*dt + x*dW1 + 2*x*dW2\ndy = x*y*dW1 + 2*x*y*dW2 + dt",
         "commutative"),
    ],
)  # fmt: skip
def test_the_kind_holds_on_every_branch(text: str, kind: str) -> None:
    assert problem(text).system.noise.kind == kind


def test_steps_that_are_rejected_when_their_noise_is_known_are_refused_of_noise_that_jumps() -> None:
    # the variance at 1 is 0.1275 with 4096 steps of one size; such steps gave 0.21 at tolerances of 0.01
    jumping = problem("state x = 0.2\ndx = -x*dt + (x > 0 ? 0.3 : 1.5)*dW")
    with pytest.raises(ValueError, match=r"the noise jumps where states decide, and SRIW1 rejects steps"):
        symde.solve(jumping, "SRIW1", rtol=0.01, seed=1)
    assert symde.solve(jumping, rtol=0.01, seed=1).method[0].name == "EulerMaruyama"
    errors = [
        abs(symde.ensemble(jumping, n=5000, rtol=one, atol=one, seed=3, saveat=[1.0]).u.var() - 0.1275)
        for one in (3e-2, 1e-3)
    ]
    assert errors[1] < 0.5 * errors[0]  # with 99 steps in the mean
    assert np.isfinite(symde.solve(jumping, dt0=0.1, seed=1).u).all()
    for smooth in ("max(x, 1)*dW", "(x > 1 ? x : 1)*dW", "(t > 0.5 ? x : 2*x)*dW"):
        assert symde.solve(problem(f"state x = 1\ndx = -x*dt + {smooth}"), rtol=0.1, seed=1).retcode.success


def test_stratonovich_noise_that_jumps_is_refused() -> None:
    # half its slope times itself is infinite at the jump
    for jumping in ("floor(x)*dW", "(x > 0.5 ? x : 0)*dW"):
        with pytest.raises(ValueError, match="noise in the sense of Stratonovich jumps where states decide"):
            problem(f"stratonovich\nstate x = 1\ndx = -x*dt + {jumping}")
    for bent in ("abs(x)*dW", "max(x, 1)*dW", "(x > 0.5 ? x : 0.5)*dW", "(t > 0.5 ? x : 2*x)*dW"):
        problem(f"stratonovich\nstate x = 1\ndx = -x*dt + {bent}")


def test_general_noise_that_jumps_takes_no_derivatives() -> None:
    found = symde.solve(
        problem("state x = 5, y = 1\ndx = 0*dt + (x > 3 ? y : 0)*dW1\ndy = 0*dt + dW2"), dt0=0.1, seed=1
    )
    assert found.method[0].name == "EulerMaruyama"


def test_threads_do_not_spoil_the_graph_for_one_another(monkeypatch) -> None:
    # between the number of a node and the node itself another thread may come in
    def slowly(self, key, op, args, value, span):
        node = self._known.get(key)
        if node is None:
            node = self._known[key] = len(self.op)
            time.sleep(1e-3)
            for one, given in zip(
                (self.op, self.args, self.value, self.span), (op, args, value, span), strict=True
            ):
                one.append(given)
        return node

    text = "state x = 0.3, y = 1\ndx = -x*y*dt + sin(x*y)*dW1\ndy = exp(-x)*dt + x*y*dW1 + cos(y)*dW2"
    expected = symde.solve(problem(text), "Milstein", dt0=0.1, seed=1).u
    kernels = problem(text + "\nz = x").system.noise
    monkeypatch.setattr(Graph, "_node", slowly)
    asked = [lambda: kernels.products, lambda: kernels.kind, lambda: kernels.drift_jacobian]
    derivatives = NoiseDerivatives(kernels)
    asked += [lambda: derivatives.along("both"), lambda: derivatives.back("milstein")]
    with ThreadPoolExecutor(len(asked)) as pool:
        for future in [pool.submit(one) for one in asked]:
            future.result()
    graph = kernels.graph
    assert len(set(graph._known.values())) == len(graph.op)
    assert all(
        graph._known[graph.op[node], graph.args[node]] == node
        for node in range(len(graph.op))
        if graph.args[node]
    )
    assert np.array_equal(symde.solve(problem(text), "Milstein", dt0=0.1, seed=1).u, expected)
