"""Mistakes are told with what was expected and found."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import symde
from symde.layers import DiffEqLayer, diffeq
from symde.layers.failures import BatchSolveError
from tests.layers.models import LOTKA_PROBLEM, SEASONS_PROBLEM, double

P = double(2.2, 1.0, 2.0, 0.4)
GROWING = symde.Problem("param k = 1\nstate x = 1\nx' = k*x^2", tspan=(0, 2))

MISTAKES = {
    "p without values": (lambda: diffeq(P.to("meta"), LOTKA_PROBLEM), TypeError, "meta, and has no values"),
    "p is a list": (
        lambda: diffeq([1.0, 2.0], LOTKA_PROBLEM),
        TypeError,
        "tensor of all parameters .a, b, c, d",
    ),
    "p is too short": (
        lambda: diffeq(P[:3], LOTKA_PROBLEM),
        ValueError,
        r"shape \(4,\) or \(batch, 4\).*\(3,\)",
    ),
    "p has three axes": (lambda: diffeq(P.expand(2, 2, 4), LOTKA_PROBLEM), ValueError, r"found \(2, 2, 4\)"),
    "p of integers": (
        lambda: diffeq(torch.ones(4, dtype=torch.int64), LOTKA_PROBLEM),
        TypeError,
        r"\.double\(\)",
    ),
    "p of halves": (lambda: diffeq(P.half(), LOTKA_PROBLEM), TypeError, r"\.float\(\)"),
    "p complex": (lambda: diffeq(P + 0j, LOTKA_PROBLEM), TypeError, "complex"),
    "p elsewhere": (lambda: diffeq(P.to("meta"), LOTKA_PROBLEM), TypeError, "meta"),
    "p sparse": (lambda: diffeq(P.to_sparse(), LOTKA_PROBLEM), TypeError, "to_dense"),
    "p not finite": (
        lambda: diffeq(double(2.2, np.nan, 2.0, 0.4), LOTKA_PROBLEM),
        ValueError,
        "parameter `b` is nan: it must be finite",
    ),
    "p not finite in a batch": (
        lambda: diffeq(torch.stack([P, P * np.inf]), LOTKA_PROBLEM),
        ValueError,
        "parameter `a` is inf in member 1 of the batch",
    ),
    "unknown name": (lambda: diffeq({"aa": P[0]}, LOTKA_PROBLEM), ValueError, "did you mean `a`"),
    "a matrix by name": (lambda: diffeq({"a": P[None]}, LOTKA_PROBLEM), ValueError, r"\(\) or \(batch,\)"),
    "text by name": (lambda: diffeq({"a": "1"}, LOTKA_PROBLEM), TypeError, "must be a number"),
    "u0 is a list": (
        lambda: diffeq(P, LOTKA_PROBLEM, u0=[1.0, 1.0]),
        TypeError,
        "tensor of all states .x, y",
    ),
    "u0 is too long": (lambda: diffeq(P, LOTKA_PROBLEM, u0=P), ValueError, r"\(2,\) or \(batch, 2\)"),
    "u0 not finite": (
        lambda: diffeq(P, LOTKA_PROBLEM, u0=double(1.0, np.inf)),
        ValueError,
        "initial value of state `y` is inf",
    ),
    "batches that differ": (
        lambda: diffeq(P.expand(3, 4), LOTKA_PROBLEM, u0=torch.ones(2, 2)),
        ValueError,
        r"u0 \(2, 2\), p \(3, 4\)",
    ),
    "an empty span": (
        lambda: diffeq(P, LOTKA_PROBLEM, tspan=(1.0, 1.0)),
        ValueError,
        "two different finite times",
    ),
    "three times of a span": (
        lambda: diffeq(P, LOTKA_PROBLEM, tspan=(1.0, 2.0, 3.0)),
        ValueError,
        r"\(t0, t1\)",
    ),
    "a span of matrices": (
        lambda: diffeq(P, LOTKA_PROBLEM, tspan=torch.ones(2, 2)),
        ValueError,
        r"shape \(2,\)",
    ),
    "times out of the span": (
        lambda: diffeq(P, LOTKA_PROBLEM, saveat=double(1.0, 11.0)),
        ValueError,
        "outside",
    ),
    "times out of order": (
        lambda: diffeq(P, LOTKA_PROBLEM, saveat=double(2.0, 1.0)),
        ValueError,
        "ascending",
    ),
    "no times": (lambda: diffeq(P, LOTKA_PROBLEM, saveat=double()), ValueError, "one time at least"),
    "integer times": (
        lambda: diffeq(P, LOTKA_PROBLEM, saveat=torch.tensor([1, 2])),
        TypeError,
        "saveat must be",
    ),
    "a learnable spacing": (
        lambda: diffeq(P, LOTKA_PROBLEM, saveat=torch.tensor(0.1, requires_grad=True)),
        ValueError,
        "plain number",
    ),
    "a spacing of unequal spans": (
        lambda: diffeq(P, LOTKA_PROBLEM, tspan=(0.0, double(1.0, 2.0)), saveat=0.5),
        ValueError,
        "between 3 and 5 times",
    ),
    "no problem": (lambda: diffeq(P, "x' = -x"), TypeError, "expected a symde.Problem"),
    "an unknown strategy": (
        lambda: diffeq(P, LOTKA_PROBLEM, sensealg="magic"),
        ValueError,
        "unknown sensealg",
    ),
    "an unknown method": (lambda: diffeq(P, LOTKA_PROBLEM, "Magic5"), ValueError, "Magic5"),
    "an unknown backend": (lambda: diffeq(P, LOTKA_PROBLEM, backend="abacus"), ValueError, "unknown backend"),
    "a strategy that cannot": (
        lambda: diffeq(P.requires_grad_(), LOTKA_PROBLEM, "QNDF", sensealg="discrete"),
        ValueError,
        "QNDF has no discrete adjoint",
    ),
    "a strategy that cannot, in a batch": (
        lambda: diffeq(P.expand(9, 4).clone().requires_grad_(), LOTKA_PROBLEM, "QNDF", sensealg="discrete"),
        ValueError,
        "QNDF has no discrete adjoint",
    ),
    "a tolerance as a tensor": (
        lambda: diffeq(P, LOTKA_PROBLEM, rtol=torch.ones(2)),
        (TypeError, ValueError),
        "rtol",
    ),
    "no threads": (lambda: diffeq(P, LOTKA_PROBLEM, workers=0), ValueError, "positive whole number"),
    "half a thread": (lambda: diffeq(P, LOTKA_PROBLEM, workers=0.5), TypeError, "whole number"),
    "threads of torch's engine": (
        lambda: diffeq(P, LOTKA_PROBLEM, backend="torch", workers=2),
        ValueError,
        "workers belongs to backend='cpu'",
    ),
    "lanes of torch's engine": (
        lambda: diffeq(P, LOTKA_PROBLEM, backend="torch", lanes=False),
        ValueError,
        "lanes belongs to backend='cpu'",
    ),
    "a layer's option": (lambda: DiffEqLayer(LOTKA_PROBLEM, saveas=0.1), TypeError, "no option `saveas`"),
    "a layer's parameter": (lambda: DiffEqLayer(LOTKA_PROBLEM, p=["e"]), ValueError, "unknown parameter `e`"),
    "a layer's state": (lambda: DiffEqLayer(LOTKA_PROBLEM, u0="z"), ValueError, "unknown state `z`"),
    "a layer of no problem": (lambda: DiffEqLayer("x' = -x"), TypeError, "expected a symde.Problem"),
    "a layer given too much": (lambda: DiffEqLayer(LOTKA_PROBLEM)(P), TypeError, "takes nothing, found 1"),
    "a layer given too little": (
        lambda: DiffEqLayer(LOTKA_PROBLEM, p="incoming", u0="incoming")(P),
        TypeError,
        "takes p and u0, found 1",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_explained(name):
    call, error, words = MISTAKES[name]
    with pytest.raises(error, match=words):
        call()


def called_back():
    def f(u, p, t):
        return [-p[0] * u[0]] if u[0] > 0 else [0.0]

    return symde.Problem(f, [1.0], (0.0, 1.0), [2.0])


def test_a_function_that_cannot_be_traced_is_solved_but_not_differentiated():
    problem, p = called_back(), double(2.0)
    assert not problem.system.compiled
    assert np.array_equal(diffeq(p, problem, saveat=0.5).numpy(), symde.solve(problem, saveat=0.5).u)
    with pytest.raises(ValueError, match="Python function that is called back"):
        diffeq(p.requires_grad_(), problem)
    with pytest.raises(ValueError, match="Python function that is called back"):
        torch.func.jvp(lambda p: diffeq(p, problem), (double(2.0),), (double(1.0),))


def test_a_start_that_cannot_be_traced_is_solved_but_not_differentiated():
    problem = symde.Problem("param k = 1\nx' = -k*x", u0=lambda p: [1.0 if p[0] > 0 else 2.0], tspan=(0, 1))
    assert diffeq(double(1.0), problem, saveat=[0.0]).item() == 1.0
    with pytest.raises(ValueError, match="cannot be traced"):
        diffeq(double(1.0).requires_grad_(), problem)


def test_a_solve_that_fails_raises():
    with pytest.raises(symde.SolveError, match="worst state: x"):
        diffeq(double(1.0), GROWING)
    with pytest.raises(symde.SolveError, match=r"at t = 1 .*\n.*worst state: .*\n.*x' = k\*x\^2"):
        diffeq(double(1.0).requires_grad_(), GROWING)


@pytest.mark.parametrize("requires_grad", [False, True])
def test_members_that_fail_are_named(requires_grad):
    p = torch.tensor(
        [[0.1], [1.0], [0.2], [2.0], [0.3], [0.4]], dtype=torch.float64, requires_grad=requires_grad
    )
    with pytest.raises(
        BatchSolveError, match=r"2 of the 6 members of the batch failed \(1, 3\). Member 1: "
    ) as caught:
        diffeq(p, GROWING, saveat=0.1)
    assert sorted(caught.value.failures) == [1, 3]
    if not requires_grad:  # the part that was computed: 1/(1 - 2t) up to its pole
        assert 0.39 < caught.value.failures[3].solution.t[-1] <= 0.5
    assert isinstance(caught.value, symde.SolveError)


def test_a_failure_can_be_pickled():
    import pickle

    with pytest.raises(BatchSolveError) as caught:
        diffeq(double(1.0)[None], GROWING)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value) and list(again.failures) == [0]


def test_gradients_of_a_loss_that_is_not_finite_are_not_finite():
    p = double(0.7, 2.0).requires_grad_()
    (diffeq(p, SEASONS_PROBLEM, saveat=1.0) * np.nan).sum().backward()
    assert torch.isnan(p.grad).any()
