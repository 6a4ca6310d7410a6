"""Under `torch.compile` a solve is one node of the graph, with the values and gradients it has without."""

from __future__ import annotations

import pytest
import torch

import symde
from symde.layers import DiffEqLayer, diffeq
from symde.layers.bridge import operators
from tests.layers.models import FOLLOWING_PROBLEM, LOTKA_PROBLEM, double

P = double(2.2, 1.0, 2.0, 0.4)


@pytest.fixture(autouse=True)
def fresh():
    """Nothing is compiled by another test."""
    torch.compiler.reset()


def compiled(function):
    return torch.compile(function, fullgraph=True, backend="aot_eager")


def loss(p):
    u = diffeq(2.0 * p, LOTKA_PROBLEM, saveat=0.5, sensealg="discrete")
    return ((u - 1) ** 2).sum()


def test_values_and_gradients_are_bitwise_the_same():
    results = []
    for function in (loss, compiled(loss)):
        p = (0.5 * P).requires_grad_()
        value = function(p)
        value.backward()
        results.append((value.detach(), p.grad))
    assert torch.equal(results[0][0], results[1][0]) and torch.equal(results[0][1], results[1][1])
    with torch.no_grad():
        assert torch.equal(compiled(loss)(0.5 * P), loss(0.5 * P))


def test_all_that_goes_in_may_be_compiled():
    def named(a, c, u0, times, t0):
        u = diffeq(
            {"a": a, "c": c, "d": 0.5},
            LOTKA_PROBLEM,
            u0=u0,
            tspan=(t0, 5.0),
            saveat=times,
            sensealg="forward",
        )
        return u, (u**2).sum()

    values = [double(2.0)[0], double(1.9, 2.1), double(1.0, 2.0), double(1.0, 4.0), double(0.1)[0]]
    results = []
    for function in (named, compiled(named)):
        inputs = [one.clone().to(torch.float32).requires_grad_() for one in values]
        u, total = function(*inputs)
        assert u.dtype == torch.float32 and u.shape == (2, 2, 2)
        results.append(torch.autograd.grad(total, inputs))
    assert all(torch.equal(*pair) for pair in zip(*results, strict=True))


def test_a_module_is_compiled():
    layer = DiffEqLayer(LOTKA_PROBLEM, "Tsit5", saveat=0.5)
    out = compiled(layer)()
    assert torch.equal(out, layer())
    out.sum().backward()
    found = [one.grad.clone() for one in layer.parameters()]
    layer.zero_grad()
    layer().sum().backward()
    assert all(torch.equal(one, other.grad) for one, other in zip(found, layer.parameters(), strict=True))


def test_another_problem_is_another_solve():
    function = compiled(lambda p, problem: diffeq(p, problem, saveat=1.0))
    other = symde.remake(LOTKA_PROBLEM, u0=[2.0, 1.0])
    for problem in (LOTKA_PROBLEM, other, LOTKA_PROBLEM):
        assert torch.equal(function(P, problem), diffeq(P, problem, saveat=1.0))


def test_two_solves_before_their_gradients_are_not_mixed_up():
    function = compiled(loss)
    inputs = [(0.5 * P * factor).requires_grad_() for factor in (1.0, 1.1)]
    values = [function(one) for one in inputs]
    sum(values).backward()
    for one in inputs:
        alone = one.detach().clone().requires_grad_()
        loss(alone).backward()
        assert torch.equal(one.grad, alone.grad)


@pytest.mark.parametrize("needed", [[True, True], [False, True], [False, False]])
def test_the_operator_passes_the_checks_of_torch(needed):
    compiled(lambda p, u0: diffeq(p, LOTKA_PROBLEM, u0=u0, saveat=1.0))(P, double(1.0, 1.0))
    inputs = [
        one.clone().requires_grad_(need) for one, need in zip((P, double(1.0, 1.0)), needed, strict=True)
    ]
    found = torch.library.opcheck(operators.solve, (inputs, needed, len(operators._kept) - 1))
    assert set(found.values()) == {"SUCCESS"}


@pytest.mark.parametrize("transform", [torch.func.grad, torch.func.jacfwd, torch.func.hessian])
def test_transforms_within_compiled_code_are_refused(transform):
    with pytest.raises(Exception, match=r"transforms of torch\.func inside of compiled code"):
        compiled(lambda p: transform(loss)(p))(0.5 * P)


def test_forward_mode_through_compiled_code_is_refused():
    function = compiled(loss)
    function(0.5 * P)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(0.5 * P, P)
        with pytest.raises(Exception, match="not known of a solve"):
            function(dual)


def test_double_backward_through_compiled_code_is_refused():
    p = (0.5 * P).requires_grad_()
    with pytest.raises(RuntimeError, match="does not currently support double backward"):
        (first,) = torch.autograd.grad(compiled(loss)(p), p, create_graph=True)
        first.sum().backward()


def test_a_number_of_times_that_is_not_constant_is_refused():
    function = compiled(lambda r: diffeq({"r": r}, FOLLOWING_PROBLEM, saveat=0.5))
    with pytest.raises(Exception, match="gives no constant number of times"):
        function(double(0.7)[0])
