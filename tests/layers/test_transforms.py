"""Every transform of torch gives the derivatives of the closed solution, or refuses."""

from __future__ import annotations

import pytest
import torch
from torch.autograd import forward_ad
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, vjp, vmap

from symde.layers import DiffEqLayer, diffeq
from tests.layers.models import CLOSE, LOTKA_PROBLEM, SEASONS_PROBLEM, TIGHT, double, seasons

P, U0 = double(0.7, 2.0), double(0.5)
TIMES = double(0.5, 1.0, 2.5)
SPAN = double(0.0, 3.0)
STRATEGIES = ("discrete", "forward", "interpolating", "auto")


def solved(p, u0=U0, times=TIMES, t0=0.0, sensealg="discrete"):
    return diffeq(p, SEASONS_PROBLEM, u0=u0, tspan=(t0, 3.0), saveat=times, sensealg=sensealg, **TIGHT)


def exact(p, u0=U0, times=TIMES, t0=0.0, sensealg=None):
    return seasons(p, u0, t0, times)


def loss(solution):
    def of(p, u0=U0, times=TIMES, t0=0.0, **given):
        return (torch.sin(solution(p, u0, times, t0, **given)) ** 2).sum()

    return of


INPUTS = P, U0, TIMES, torch.tensor(0.1, dtype=torch.float64)
ALL = (0, 1, 2, 3)

FIRST = {
    "grad": lambda f: grad(loss(f), ALL)(*INPUTS),
    "jacrev": lambda f: jacrev(f, ALL)(*INPUTS),
    "jacfwd": lambda f: jacfwd(f, ALL)(*INPUTS),
    "vjp": lambda f: vjp(f, *INPUTS)[1](double(1.0, -2.0, 0.5)[:, None]),
    "jvp": lambda f: jvp(f, INPUTS, tuple(torch.cos(3.0 * one) for one in INPUTS)),
    "jvp by some": lambda f: jvp(lambda p: f(p), (P,), (double(0.3, -1.0),)),
    "vmap of parameters": lambda f: vmap(f)(torch.stack([P, 1.1 * P, 0.9 * P])),
    "vmap of all": lambda f: vmap(f)(*(torch.stack([one, 1.1 * one]) for one in INPUTS)),
    "vmap along another axis": lambda f: vmap(f, in_dims=(1, None))(torch.stack([P, 1.1 * P], 1), U0),
    "vmap of vmap": lambda f: vmap(lambda p: vmap(lambda u0: f(p, u0))(double(0.4, 0.6)[:, None]))(
        torch.stack([P, 1.1 * P, 0.9 * P])
    ),
    "vmap of grad": lambda f: vmap(grad(loss(f), (0, 1)))(
        torch.stack([P, 1.1 * P]), double(0.4, 0.6)[:, None]
    ),
    "grad of vmap": lambda f: grad(lambda p: vmap(loss(f))(torch.stack([p, 1.1 * p])).sum())(P),
    "vmap of jacrev": lambda f: vmap(jacrev(f))(torch.stack([P, 1.1 * P])),
    "jacrev of vmap": lambda f: jacrev(lambda p: vmap(f)(torch.stack([p, 1.1 * p])))(P),
    "jacfwd of vmap": lambda f: jacfwd(lambda p: vmap(f)(torch.stack([p, 1.1 * p])))(P),
    "vmap of jvp": lambda f: vmap(lambda p, v: jvp(f, (p,), (v,))[1])(
        torch.stack([P, 1.1 * P]), torch.eye(2, dtype=torch.float64)
    ),
}

SECOND = {
    "hessian": lambda f: hessian(loss(f))(P),
    "hessian by initial values too": lambda f: hessian(loss(f), (0, 1))(P, U0),
    "hessian by all": lambda f: hessian(loss(f), ALL)(*INPUTS),
    "jacfwd of jacrev of the states": lambda f: jacfwd(jacrev(f, ALL), ALL)(*INPUTS),
    "jacrev of jacrev": lambda f: jacrev(jacrev(loss(f), ALL), ALL)(*INPUTS),
    "jacrev of jacfwd": lambda f: jacrev(jacfwd(loss(f), ALL), ALL)(*INPUTS),
    "jacrev of grad": lambda f: jacrev(grad(loss(f), ALL), ALL)(*INPUTS),
    "second derivatives of the states": lambda f: hessian(f, (0, 1))(P, U0),
    "grad of grad": lambda f: grad(lambda p: (torch.cos(p) * grad(loss(f))(p)).sum())(P),
    "vmap of hessian": lambda f: vmap(hessian(loss(f)))(torch.stack([P, 1.1 * P])),
    "hessian of vmap": lambda f: hessian(lambda p: vmap(loss(f))(torch.stack([p, 1.1 * p])).sum())(P),
    "jacrev of jacrev of vmap": lambda f: jacrev(jacrev(lambda p: vmap(f)(torch.stack([p, 2.0 * p]))))(P),
    "jvp of grad": lambda f: jvp(grad(loss(f)), (P,), (double(1.0, -1.0),)),
    "grad of jvp, by the direction too": lambda f: grad(
        lambda p, v: jvp(f, (p,), (v,))[1].pow(2).sum(), (0, 1)
    )(P, double(1.0, -1.0)),
}


def compared(found, expected):
    flat, _ = torch.utils._pytree.tree_flatten(found)
    wanted, _ = torch.utils._pytree.tree_flatten(expected)
    assert len(flat) == len(wanted)
    for one, other in zip(flat, wanted, strict=True):
        torch.testing.assert_close(one, other, **CLOSE)


@pytest.mark.parametrize("name", FIRST)
def test_first_derivatives_are_those_of_the_closed_solution(name):
    compared(FIRST[name](solved), FIRST[name](exact))


@pytest.mark.parametrize("name", SECOND)
def test_second_derivatives_are_those_of_the_closed_solution(name):
    compared(SECOND[name](solved), SECOND[name](exact))


@pytest.mark.parametrize("sensealg", STRATEGIES)
@pytest.mark.parametrize("name", ["grad", "hessian"])
def test_every_strategy_serves_every_transform(name, sensealg):
    transform = grad if name == "grad" else hessian
    inputs = P, U0
    found = transform(lambda *x: loss(solved)(*x, sensealg=sensealg), (0, 1))(*inputs)
    compared(found, transform(loss(exact), (0, 1))(*inputs))


@pytest.mark.parametrize("sensealg", STRATEGIES)
def test_backward_and_double_backward(sensealg):
    results = []
    for solution in (solved, exact):
        inputs = [one.clone().requires_grad_() for one in INPUTS]
        first = torch.autograd.grad(loss(solution)(*inputs, sensealg=sensealg), inputs, create_graph=True)
        second = torch.autograd.grad(sum((torch.cos(one) * one).sum() for one in first), inputs)
        results.append((first, second))
    compared(*results)


def test_a_batch_has_double_backward():
    results = []
    for solution in (solved, lambda *x, **_: vmap(exact)(x[0], x[1])):
        p, u0 = torch.stack([P, 1.1 * P, 0.8 * P]).requires_grad_(), double(0.4, 0.5, 0.6)[:, None]
        u0.requires_grad_()
        first = torch.autograd.grad(loss(solution)(p, u0), (p, u0), create_graph=True)
        second = torch.autograd.grad(sum((one**2).sum() for one in first), (p, u0))
        results.append((first, second))
    compared(*results)


def test_gradcheck_in_all_modes():
    inputs = tuple(one.clone().requires_grad_() for one in (P, U0, TIMES))
    # differences of 1e-5 of a solution held to 1e-11
    check = dict(eps=1e-5, atol=1e-5, rtol=1e-5)
    assert torch.autograd.gradcheck(solved, inputs, check_forward_ad=True, **check)


def test_gradgradcheck():
    inputs = tuple(one.clone().requires_grad_() for one in (P, U0, TIMES))
    assert torch.autograd.gradgradcheck(solved, inputs, eps=1e-5, atol=1e-5, rtol=1e-5)


def test_gradgradcheck_of_the_start_time():
    t0 = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    p = P.clone().requires_grad_()
    assert torch.autograd.gradgradcheck(
        lambda p, t0: solved(p, U0, TIMES, t0), (p, t0), eps=1e-5, atol=1e-5, rtol=1e-5
    )


def test_the_older_way_of_batched_gradients_is_refused():
    p = P.clone().requires_grad_()
    weights = torch.eye(3, dtype=torch.float64)[..., None]
    with pytest.raises(NotImplementedError, match=r"torch\.func\.jacrev"):
        torch.autograd.grad(solved(p), p, weights, is_grads_batched=True)


def test_forward_mode_without_torch_func():
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(P, double(0.3, -1.0))
        found = forward_ad.unpack_dual(solved(dual))
        expected = forward_ad.unpack_dual(exact(dual))
    compared((found.primal, found.tangent), (expected.primal, expected.tangent))


def test_a_module_under_functional_call():
    layer = DiffEqLayer(SEASONS_PROBLEM, saveat=TIMES, dtype=torch.float64, **TIGHT)
    values = {"p.r": P[0], "p.K": P[1]}
    found = grad(lambda values: (functional_call(layer, values, ()) ** 2).sum())(values)
    expected = grad(lambda p: (exact(p) ** 2).sum())(P)
    compared((found["p.r"], found["p.K"]), tuple(expected))


@pytest.mark.parametrize("twice", [lambda f: jacfwd(jacfwd(f)), lambda f: jacfwd(jacfwd(jacrev(f)))])
def test_forward_mode_in_forward_mode_is_refused(twice):
    with pytest.raises(NotImplementedError, match="forward mode within forward mode"):
        twice(loss(solved))(P)


@pytest.mark.parametrize("thrice", [lambda f: jacrev(jacrev(jacrev(f))), lambda f: jacrev(hessian(f))])
def test_third_derivatives_are_refused(thrice):
    with pytest.raises(NotImplementedError, match="third derivatives"):
        thrice(loss(solved))(P)


def test_a_hessian_of_a_stiff_method_is_symdes_own():
    times = double(2.0, 5.0, 10.0)
    data = diffeq(None, LOTKA_PROBLEM, saveat=times) + 0.1
    how = dict(saveat=times, method="Rodas5P", rtol=1e-9, atol=1e-9, sensealg="discrete")
    found = hessian(lambda p: ((diffeq(p, LOTKA_PROBLEM, **how) - data) ** 2).sum())(double(2.2, 1, 2, 0.4))

    def own(u):
        residual = u - data.numpy()
        return (residual**2).sum(), 2 * residual, lambda v: 2 * v

    import symde

    how["saveat"] = times.numpy()
    expected = symde.hessian(own, LOTKA_PROBLEM, wrt="p", **how)
    # the same products, but the gradient of the loss is read at the solution alone: 1e-9 of the tolerance
    assert abs(found.numpy() - expected.matrix).max() <= 1e-6 * abs(expected.matrix).max()
