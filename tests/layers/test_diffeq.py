"""What goes in and what comes out: values, shapes, types, batches, starts and times."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import symde
from symde.layers import diffeq, diffeq_adjoint, diffeq_fd, diffeq_rd
from tests.layers.models import (
    CLOSE,
    FOLLOWING,
    FOLLOWING_PROBLEM,
    LOTKA,
    LOTKA_PROBLEM,
    SEASONS_PROBLEM,
    TIGHT,
    double,
    seasons,
)

P = double(2.2, 1.0, 2.0, 0.4)
GROWING = symde.Problem("param k = 1\nstate x = 1\nx' = k*x^2", tspan=(0, 1))


@pytest.mark.parametrize("method", [None, "Tsit5", "Rodas5P", "QNDF", "VCABM", "Radau", "Taylor"])
@pytest.mark.parametrize("saveat", [0.1, [0.0, 1.0, 7.3]])
def test_values_are_bitwise_those_of_solve(method, saveat):
    u = diffeq(P * 1.1, LOTKA_PROBLEM, method, saveat=saveat)
    problem = symde.remake(LOTKA_PROBLEM, p=(P * 1.1).numpy())
    assert np.array_equal(u.numpy(), symde.solve(problem, method, saveat=saveat).u)


def test_values_to_be_differentiated_are_bitwise_those_of_the_recorded_solve():
    read = []

    def loss(u):
        read.append(u)
        return 0.0, np.zeros_like(u)

    for sensealg in ("discrete", "forward", "interpolating"):
        symde.value_and_grad(loss, LOTKA_PROBLEM, wrt="p", saveat=0.1, sensealg=sensealg)
        u = diffeq(P.clone().requires_grad_(), LOTKA_PROBLEM, saveat=0.1, sensealg=sensealg)
        assert np.array_equal(u.detach().numpy(), read[-1])


@pytest.mark.parametrize("sensealg", ["discrete", "forward", "interpolating", "gauss", "backsolve", "auto"])
def test_gradients_are_bitwise_those_of_value_and_grad(sensealg):
    def loss(u):
        return (u**2).sum(), 2 * u

    _, expected = symde.value_and_grad(loss, LOTKA_PROBLEM, saveat=0.5, sensealg=sensealg)
    p, u0 = P.clone().requires_grad_(), double(1.0, 1.0).requires_grad_()
    (diffeq(p, LOTKA_PROBLEM, u0=u0, saveat=0.5, sensealg=sensealg) ** 2).sum().backward()
    assert np.array_equal(p.grad.numpy(), expected["p"])
    assert np.array_equal(u0.grad.numpy(), expected["u0"])


def test_one_word_switches_between_the_three():
    gradients = []
    for layer in (diffeq_rd, diffeq_fd, diffeq_adjoint):
        p = P.clone().requires_grad_()
        layer(p, LOTKA_PROBLEM, saveat=0.1, rtol=1e-9, atol=1e-9).sum().backward()
        gradients.append(p.grad)
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-6, atol=0.0)
    torch.testing.assert_close(gradients[2], gradients[0], rtol=1e-6, atol=0.0)


def test_without_times_the_end_is_saved():
    assert diffeq(P, LOTKA_PROBLEM).shape == (1, 2)
    assert torch.equal(diffeq(P, LOTKA_PROBLEM), diffeq(P, LOTKA_PROBLEM, saveat=[10.0]))


def test_without_parameters_they_are_the_problems():
    assert torch.equal(diffeq(None, LOTKA_PROBLEM, saveat=1.0), diffeq(P, LOTKA_PROBLEM, saveat=1.0))


@pytest.mark.parametrize("dtypes", [(torch.float32, torch.float32), (torch.float32, torch.float64)])
def test_what_comes_out_has_the_wider_type_of_what_goes_in(dtypes):
    p, u0 = P.to(dtypes[0]).requires_grad_(), double(1.0, 1.0).to(dtypes[1]).requires_grad_()
    u = diffeq(p, LOTKA_PROBLEM, u0=u0, saveat=0.5)
    assert u.dtype == dtypes[1]
    u.sum().backward()
    assert (p.grad.dtype, u0.grad.dtype) == dtypes
    same = diffeq(p.double(), LOTKA_PROBLEM, u0=u0.double(), saveat=0.5)
    assert torch.equal(u, same.to(u.dtype))  # float32 is solved in float64


@pytest.mark.parametrize("members", [1, 3, 7])
def test_a_batch_is_its_members(members):
    p = torch.stack([P * (1 + 0.05 * i) for i in range(members)])
    u0 = torch.stack([double(1.0 + 0.1 * i, 1.0) for i in range(members)])
    u = diffeq(p, LOTKA_PROBLEM, u0=u0, saveat=0.5, lanes=False)
    assert u.shape == (members, 21, 2)
    for i in range(members):
        assert torch.equal(u[i], diffeq(p[i], LOTKA_PROBLEM, u0=u0[i], saveat=0.5))


@pytest.mark.parametrize("method", ["Tsit5", "Vern9", "Rodas5P", None])
def test_members_side_by_side_are_the_same_in_every_batch(method):
    count, how = 21, dict(method=method, saveat=0.5, rtol=1e-9, atol=1e-9)
    p = torch.stack([P * (1 + 0.02 * i) for i in range(count)])
    u0 = torch.stack([double(1.0 + 0.1 * i, 1.0) for i in range(count)])
    u = diffeq(p, LOTKA_PROBLEM, u0=u0, **how)
    assert torch.equal(diffeq(p.flip(0), LOTKA_PROBLEM, u0=u0.flip(0), **how), u.flip(0))
    assert torch.equal(torch.func.vmap(lambda p, u0: diffeq(p, LOTKA_PROBLEM, u0=u0, **how))(p, u0), u)
    for i in (0, 7, 20):
        assert torch.equal(diffeq(p[i : i + 1], LOTKA_PROBLEM, u0=u0[i], **how)[0], u[i])
        alone = diffeq(p[i], LOTKA_PROBLEM, u0=u0[i], **how)
        torch.testing.assert_close(u[i], alone, rtol=1e-6, atol=1e-7)
    exact = diffeq(p, LOTKA_PROBLEM, u0=u0, **TIGHT, saveat=0.5)
    torch.testing.assert_close(u, exact, rtol=1e-6, atol=1e-7)


def test_members_side_by_side_have_spans_and_times_of_their_own():
    starts, ends = double(0.0, 0.5, 3.0), double(3.0, 2.0, 0.25)
    times = torch.stack(
        [torch.linspace(a, b, 4, dtype=torch.float64) for a, b in zip(starts, ends, strict=True)]
    )
    p, u0 = double(0.7, 2.0), double(0.5)
    found = diffeq(p, SEASONS_PROBLEM, u0=u0, tspan=(starts, ends), saveat=times, **TIGHT)
    for u, t0, row in zip(found, starts, times, strict=True):
        torch.testing.assert_close(u, seasons(p, u0, t0, row), **CLOSE)


@pytest.mark.parametrize("members", [3, 7])  # recorded solves are kept of no more than four
@pytest.mark.parametrize("sensealg", ["discrete", "forward", "interpolating"])
def test_gradients_of_a_batch_are_those_of_its_members(members, sensealg):
    weights = torch.linspace(-1.0, 1.0, members * 21 * 2, dtype=torch.float64).reshape(members, 21, 2)
    how = dict(saveat=0.5, sensealg=sensealg)
    p = torch.stack([P * (1 + 0.05 * i) for i in range(members)]).requires_grad_()
    u0 = double(1.0, 1.0).requires_grad_()
    (diffeq(p, LOTKA_PROBLEM, u0=u0, **how) * weights).sum().backward()
    total = torch.zeros(2, dtype=torch.float64)
    for i in range(members):
        mine, start = p[i].detach().requires_grad_(), u0.detach().requires_grad_()
        (diffeq(mine, LOTKA_PROBLEM, u0=start, **how) * weights[i]).sum().backward()
        assert torch.equal(p.grad[i], mine.grad)
        total += start.grad
    torch.testing.assert_close(u0.grad, total, rtol=1e-13, atol=1e-13)


def test_columns_that_take_too_much_memory_are_solved_when_they_are_needed(monkeypatch):
    from dataclasses import replace

    from symde.sensitivity import auto

    results = []
    for memory in (1, 2**20):
        monkeypatch.setattr(auto, "choose", lambda run, wrt, free: ("forward", replace(run, memory=memory)))  # noqa: B023
        p = torch.stack([P * (1 + 0.05 * i) for i in range(7)]).requires_grad_()
        u = diffeq(p, LOTKA_PROBLEM, saveat=0.5)
        u.backward(torch.ones_like(u))
        results.append((u.detach(), p.grad))
    assert torch.equal(results[0][1], results[1][1])
    torch.testing.assert_close(results[0][0], results[1][0], rtol=1e-4, atol=1e-5)
    assert torch.equal(results[0][0], diffeq(p.detach(), LOTKA_PROBLEM, saveat=0.5))


def test_threads_change_no_bit():
    p = torch.stack([P * (1 + 0.002 * i) for i in range(70)])
    results = []
    for workers in (1, 2):
        mine = p.clone().requires_grad_()
        plain = diffeq(p, LOTKA_PROBLEM, saveat=1.0, workers=workers)
        diffeq(mine, LOTKA_PROBLEM, saveat=1.0, sensealg="discrete", workers=workers).sum().backward()
        with pytest.raises(symde.SolveError, match=r"batch failed \(67, 68, 69\)"):
            diffeq(torch.arange(70.0)[:, None] / 66.5, GROWING, workers=workers)
        results.append((plain, mine.grad))
    assert torch.equal(results[0][0], results[1][0]) and torch.equal(results[0][1], results[1][1])


def test_an_empty_batch_is_empty():
    p = torch.empty(0, 4, dtype=torch.float64, requires_grad=True)
    u = diffeq(p, LOTKA_PROBLEM, saveat=0.5)
    assert u.shape == (0, 21, 2)
    u.sum().backward()
    assert p.grad.shape == (0, 4)


def test_some_parameters_by_name_alone_are_differentiated():
    a, c = torch.tensor(2.0, requires_grad=True), torch.tensor([1.9, 2.1], requires_grad=True)
    u = diffeq({"a": a, "c": c, "d": 0.5}, LOTKA_PROBLEM, saveat=1.0)
    assert u.shape == (2, 11, 2) and u.dtype == torch.float32
    u.sum().backward()
    full = torch.tensor([[2.0, 1.0, 1.9, 0.5], [2.0, 1.0, 2.1, 0.5]], requires_grad=True)
    v = diffeq(full, LOTKA_PROBLEM, saveat=1.0)
    torch.testing.assert_close(u, v, rtol=1e-4, atol=1e-4)  # the steps are chosen for other derivatives
    v.sum().backward()
    torch.testing.assert_close(a.grad, full.grad[:, 0].sum(), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(c.grad, full.grad[:, 2], rtol=1e-3, atol=1e-3)


def test_what_follows_parameters_follows_them():
    """r sets K, the start and t0; closed solution by torch."""
    r, length = double(0.8, 2.9).requires_grad_().unbind()
    found = diffeq({"r": r, "length": length}, FOLLOWING_PROBLEM, saveat=None, **TIGHT)
    capacity = 2 * r + 0.6
    times = torch.stack([length])
    expected = seasons(torch.stack([r, capacity]), 0.25 * capacity[None], 0.1 * r, times)
    torch.testing.assert_close(found, expected, **CLOSE)
    for order in (1, 2):
        one = torch.autograd.grad(found.sum(), (r, length), create_graph=True)
        two = torch.autograd.grad(expected.sum(), (r, length), create_graph=True)
        torch.testing.assert_close(one, two, **CLOSE)
        found, expected = (sum(torch.sin(x) for x in these) for these in (one, two))
        assert order == 1 or found.requires_grad


def test_what_follows_parameters_has_the_values_of_solve():
    problem = symde.remake(FOLLOWING_PROBLEM, p={"r": 0.9})
    found = diffeq({"r": torch.tensor(0.9, dtype=torch.float64)}, FOLLOWING_PROBLEM, saveat=0.25)
    assert np.array_equal(found.numpy(), symde.solve(problem, saveat=0.25).u)


def test_all_parameters_given_follow_nothing():
    p = double(0.7, 1.5, 3.0).requires_grad_()
    found = diffeq(p, FOLLOWING_PROBLEM, **TIGHT)
    expected = seasons(p[:2], 0.25 * p[1:2], 0.1 * p[0], p[2:])
    torch.testing.assert_close(
        torch.autograd.grad(found.sum(), p), torch.autograd.grad(expected.sum(), p), **CLOSE
    )


def test_parameters_given_to_the_problem_stay():
    problem = symde.Problem(FOLLOWING, p={"K": 1.7})
    r = torch.tensor(0.8, dtype=torch.float64, requires_grad=True)
    found = diffeq({"r": r}, problem, **TIGHT)
    expected = seasons(torch.stack([r, torch.tensor(1.7)]), double(0.25 * 1.7), 0.1 * r, double(3.0))
    torch.testing.assert_close(
        torch.autograd.grad(found.sum(), r), torch.autograd.grad(expected.sum(), r), **CLOSE
    )


def test_functions_of_the_parameters_are_traced():
    problem = symde.Problem(
        symde.ode_def("param r = 0.7, K = 2\nx' = r*cos(t)*x*(1 - x/K)"),
        u0=lambda p: [0.25 * p[1] ** 2],
        tspan=lambda p: (0.1 * p[0], 3.0),
    )
    p = double(0.8, 1.9).requires_grad_()
    found = diffeq(p, problem, saveat=[1.0, 2.0], **TIGHT)
    expected = seasons(p, 0.25 * p[1:] ** 2, 0.1 * p[0], double(1.0, 2.0))
    torch.testing.assert_close(found, expected, **CLOSE)
    torch.testing.assert_close(
        torch.autograd.grad(found.sum(), p), torch.autograd.grad(expected.sum(), p), **CLOSE
    )


def test_a_given_initial_state_wins():
    p, u0 = double(0.7, 2.0, 3.0).requires_grad_(), double(0.3).requires_grad_()
    u = diffeq(p, FOLLOWING_PROBLEM, u0=u0, tspan=(0.0, 3.0), **TIGHT)
    torch.testing.assert_close(u, seasons(p[:2], u0, 0.0, double(3.0)), **CLOSE)


def test_a_spacing_moves_with_the_time_span():
    p, u0 = double(0.7, 2.0), double(0.5)
    ends = [double(t)[0].requires_grad_() for t in (0.2, 2.0)]
    found = diffeq(p, SEASONS_PROBLEM, u0=u0, tspan=ends, saveat=0.5, **TIGHT)
    times = torch.cat([ends[0] + 0.5 * torch.arange(4), ends[1][None]])
    expected = seasons(p, u0, ends[0], times)
    torch.testing.assert_close(found, expected, **CLOSE)
    weights = torch.linspace(1.0, 2.0, 5)[:, None]
    torch.testing.assert_close(
        torch.autograd.grad((found * weights).sum(), ends),
        torch.autograd.grad((expected * weights).sum(), ends),
        **CLOSE,
    )


@pytest.mark.parametrize("sensealg", ["discrete", "forward", "interpolating"])
def test_times_are_differentiated(sensealg):
    p, u0 = double(0.7, 2.0), double(0.5)
    span, times = double(0.2, 3.0).requires_grad_(), double(0.5, 1.5, 3.0).requires_grad_()
    found = diffeq(p, SEASONS_PROBLEM, u0=u0, tspan=span, saveat=times, sensealg=sensealg, **TIGHT)
    expected = seasons(p, u0, span[0], times)
    weights = double(1.0, -2.0, 3.0)[:, None]
    by_span, by_times = torch.autograd.grad((found * weights).sum(), (span, times))
    other_span, other_times = torch.autograd.grad((expected * weights).sum(), (span, times))
    torch.testing.assert_close((by_span, by_times), (other_span, other_times), **CLOSE)
    assert by_span[1] == 0.0  # the end of the span changes nothing that was saved before


def test_backward_in_time():
    times, u0 = double(2.0, 1.0, 0.0).requires_grad_(), double(1.5).requires_grad_()
    p = double(0.7, 2.0).requires_grad_()
    found = diffeq(p, SEASONS_PROBLEM, u0=u0, tspan=(3.0, 0.0), saveat=times, **TIGHT)
    expected = seasons(p, u0, 3.0, times)
    torch.testing.assert_close(
        torch.autograd.grad(found.sum(), (p, u0, times)),
        torch.autograd.grad(expected.sum(), (p, u0, times)),
        **CLOSE,
    )


def test_a_batch_of_times():
    p, u0 = double(0.7, 2.0), double(0.5)
    times = torch.tensor([[0.5, 1.0], [0.7, 2.0]], dtype=torch.float64, requires_grad=True)
    starts = double(0.0, 0.3).requires_grad_()
    found = diffeq(p, SEASONS_PROBLEM, u0=u0, tspan=(starts, 3.0), saveat=times, **TIGHT)
    expected = torch.stack([seasons(p, u0, t0, row) for t0, row in zip(starts, times, strict=True)])
    torch.testing.assert_close(found, expected, **CLOSE)
    torch.testing.assert_close(
        torch.autograd.grad(found.sum(), (starts, times)),
        torch.autograd.grad(expected.sum(), (starts, times)),
        **CLOSE,
    )


def test_parameters_may_change_in_place_after_the_gradient():
    p = P.clone().requires_grad_()
    for _ in range(2):
        p.grad = None
        diffeq(p, LOTKA_PROBLEM, saveat=1.0).sum().backward()
        with torch.no_grad():
            p.sub_(1e-3 * p.grad)
    fresh = p.detach().clone().requires_grad_()
    diffeq(fresh, LOTKA_PROBLEM, saveat=1.0).sum().backward()
    p.grad = None
    diffeq(p, LOTKA_PROBLEM, saveat=1.0).sum().backward()
    assert torch.equal(p.grad, fresh.grad)


def test_a_change_in_place_before_the_gradient_is_noticed():
    p = P.clone().requires_grad_()
    u = diffeq(p, LOTKA_PROBLEM, saveat=1.0)
    with torch.no_grad():
        p.mul_(1.1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        u.sum().backward()


def test_a_graph_that_is_kept_is_pulled_back_again():
    p = P.clone().requires_grad_()
    u = diffeq(p, LOTKA_PROBLEM, saveat=1.0)
    first, second = (torch.autograd.grad(u.sum(), p, retain_graph=True) for _ in range(2))
    assert torch.equal(first[0], second[0])


def test_a_plain_function_that_can_be_traced_is_a_model():
    problem = symde.Problem(
        lambda u, p, t: [p[0] * np.cos(t) * u[0] * (1 - u[0] / p[1])], [0.5], (0.0, 3.0), [0.7, 2.0]
    )
    p = double(0.7, 2.0).requires_grad_()
    found = diffeq(p, problem, saveat=[1.0, 3.0], **TIGHT)
    expected = seasons(p, double(0.5), 0.0, double(1.0, 3.0))
    torch.testing.assert_close(
        torch.autograd.grad(found.sum(), p), torch.autograd.grad(expected.sum(), p), **CLOSE
    )


def test_sessions_are_given_back():
    """Gradients in a row use the same memory."""
    problem = symde.Problem(LOTKA)
    p = P.clone().requires_grad_()
    for _ in range(20):
        diffeq(p, problem, saveat=1.0, sensealg="discrete").sum().backward()
    assert all(len(kept) <= 4 for kept in problem.system.sessions.values())
