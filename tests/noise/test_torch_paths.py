"""Paths in torch: the compiled engine's own, and their exact derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import symde
from symde.engine.batched.paths.normal import philox
from symde.engine.batched.paths.step_sizes import rounded
from symde.engine.cpu.compiled.noise_adaptive import rounded as rounded_when_compiled
from symde.engine.noise.registry import get
from symde.layers import diffeq
from symde.layers.noise_module import noise_module_of
from symde.layers.path_steps import PathOptions
from symde.layers.paths import Told, solve_paths
from tests.batched.test_work import Count
from tests.jumps.test_random import VECTORS

DIAGONAL = """
  param a = 2.2, b = 1, c = 2, d = 0.4, s = 0.3
  state x = 1, y = 1
  time 0 .. 1
  dx = (a*x - b*x*y)*dt + s*x*dW
  dy = (-c*y + d*x*y)*dt + s*y*dW
"""
ADDITIVE = """
  param a = 2.2, s = 0.1, w = 3
  state x = 1, y = 1
  time 0 .. 1
  dx = -a*x*y*dt + s*cos(w*t)*dW1 + 0.2*dW2
  dy = (x - y)*dt + 0.3*t*dW1
"""
COMMUTATIVE = """
  param a = 0.2, s = 0.4, r = 0.3
  state x = 1, y = 0.5
  time 0 .. 1
  dx = a*x*dt + s*x*dW1 + r*x*dW2
  dy = -y*dt + s*y*dW1
  stratonovich
"""
BOUNDED = """
  param a = 2, s = 1
  state x = 0.1, y = 1
  dom x >= 0
  time 0 .. 1
  dx = a*(0.05 - x)*dt + s*sqrt(x)*dW
  dy = x*y*dt + s*y*dW
"""
GENERAL = """
  param a = 1, b = 0.5, c = 0.3
  state x = 1, y = 0.5, z = 0.2
  time 0 .. 1
  dx = -a*x*dt + b*y*dW1 + c*x*dW2
  dy = -y*dt + 0.4*x*dW2 + 0.1*cos(z)*dW3
  dz = (x - z)*dt + c*sin(y)*dW1 + 0.2*dW3
"""
STIFF = """
  param a = 50, s = 0.1
  state x = 1, y = 1
  time 0 .. 1
  dx = -a*(x - y^2)*dt + s*dW1
  dy = (x - 2*y)*dt + 2*s*cos(t)*dW2
"""
BETWEEN = """
  param a = 2, s = 1
  state x = 0.5, y = 1
  dom -0.75 <= x <= 1
  time 0 .. 1
  dx = a*(0.2 - x)*dt + s*sqrt((1 - x)*(x + 0.75))*dW1
  dy = x*y*dt + s*x*y*dW1 + 0.1*y*dW2
"""
CASES = [
    (DIAGONAL, "EulerMaruyama"),
    (DIAGONAL, "Milstein"),
    (DIAGONAL, "SRIW1"),
    (DIAGONAL, "SRIW2"),
    (DIAGONAL, "SOSRI"),
    (ADDITIVE, "EulerMaruyama"),
    (ADDITIVE, "SRA1"),
    (ADDITIVE, "SRA2"),
    (ADDITIVE, "SRA3"),
    (ADDITIVE, "SOSRA"),
    (COMMUTATIVE, "Milstein"),
    (BOUNDED, "EulerMaruyama"),
    (BOUNDED, "SRIW1"),
    (BOUNDED, "Milstein"),
    (BETWEEN, "Milstein"),
    (GENERAL, "Milstein"),
    (GENERAL, "DRI1"),
    (COMMUTATIVE, "DRI1"),
    (DIAGONAL, "DRI1"),
    (GENERAL, "ImplicitMilstein"),
    (BOUNDED, "ImplicitEulerMaruyama"),
    (STIFF, "ImplicitEulerMaruyama"),
    (STIFF, "SKenCarp"),
    (GENERAL, "SPaRK"),
    (COMMUTATIVE, "SPaRK"),
    (ADDITIVE, "SPaRK"),
]


def problem_of(text: str) -> symde.Problem:
    return symde.Problem(symde.ode_def(text), kind="sde")


def paths(problem, method, u0, p, sensealg="discrete", seed=5, dt0=0.02, saveat=None, **how):
    system = problem.system
    equation = noise_module_of(system).on(u0.device, u0.dtype)
    told = Told(system.state_names, system.parameter_names, lambda: problem)
    options = PathOptions(get(method), dt0, seed, sensealg=sensealg, **how)
    span = torch.tensor(problem.tspan, dtype=torch.float64)
    return solve_paths(equation, told, u0, p, span, saveat, options)


def tensors(problem, gradient=False):
    return (torch.tensor(one, requires_grad=gradient) for one in (problem.u0, problem.p))


def test_philox_gives_the_published_words():
    for counter, key, expected in VECTORS:
        words = [torch.tensor([int(one, 16)]) for one in counter.split()]
        k0, k1 = (int(one, 16) for one in key.split())
        found = philox((words[0], words[1], words[2], words[3]), (k0, k1))
        assert [int(one) for one in found] == [int(one, 16) for one in expected.split()]


@pytest.mark.parametrize(("text", "method"), CASES)
def test_a_path_is_that_of_the_compiled_engine(text, method):
    problem = problem_of(text)
    times = [0.0, 0.1, 0.333, 0.5, 1.0]
    u0, p = tensors(problem)
    expected = symde.solve(problem, method, dt0=0.02, seed=5, saveat=times).u
    found = paths(problem, method, u0, p, saveat=times)
    # the slope of sqrt(x) near 0 makes rounding larger
    np.testing.assert_allclose(
        found, expected, rtol=1e-10 if text in (BOUNDED, BETWEEN) else 1e-12, atol=1e-13
    )


def test_members_of_a_batch_are_the_paths_of_a_seed():
    problem = problem_of(DIAGONAL)
    u0, p = tensors(problem)
    expected = symde.ensemble(problem, "SRIW1", n=4, dt0=0.03, seed=9, saveat=0.25).u
    found = paths(problem, "SRIW1", u0.expand(4, 2), p, seed=9, dt0=0.03, saveat=0.25)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    last = paths(problem, "SRIW1", u0, p, seed=9, dt0=0.03, saveat=0.25, trajectory=3)
    np.testing.assert_allclose(last, expected[3], rtol=1e-12)


@pytest.mark.parametrize(("text", "method"), CASES)
def test_steps_done_again_give_the_derivative_of_the_computed_numbers(text, method):
    problem = problem_of(text)
    gradients = []
    for sensealg in ("discrete", "tape"):
        u0, p = tensors(problem, gradient=True)
        u = paths(problem, method, u0, p, sensealg, saveat=0.1)
        weights = torch.linspace(0.5, 1.5, u.numel(), dtype=torch.float64).reshape(u.shape)
        gradients.append(torch.autograd.grad((weights * u.square()).sum(), (u0, p)))
    for again, tape in zip(*gradients, strict=True):
        torch.testing.assert_close(again, tape, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("text", "method"), [CASES[k] for k in (2, 6, 10, 15, 16, 19, 22)])
def test_derivatives_are_those_of_differences_of_the_compiled_path(text, method):
    problem = problem_of(text)
    u0, p = tensors(problem, gradient=True)
    paths(problem, method, u0, p)[-1, 0].backward()

    def end(values):
        return symde.solve(symde.remake(problem, p=values), method, dt0=0.02, seed=5, saveat=[1.0]).u[-1, 0]

    for place, slope in enumerate(p.grad.tolist()):
        step = 1e-5 * np.eye(len(problem.p))[place]
        difference = (end(problem.p + step) - end(problem.p - step)) / 2e-5
        assert slope == pytest.approx(difference, rel=1e-7, abs=1e-8)


def test_forward_mode_and_second_derivatives_go_along_a_tape():
    problem = problem_of(DIAGONAL)
    u0, p = tensors(problem)

    def loss(p):
        return paths(problem, "SRIW1", u0, p, "tape", dt0=0.2).square().sum()

    gradient = torch.func.grad(loss)(p)
    torch.testing.assert_close(torch.func.jacfwd(loss)(p), gradient, rtol=1e-12, atol=0)
    q = p.clone().requires_grad_()
    paths(problem, "SRIW1", u0, q, "discrete", dt0=0.2).square().sum().backward()
    torch.testing.assert_close(q.grad, gradient, rtol=1e-12, atol=0)
    hessian = torch.func.hessian(loss)(p)
    up, down = (torch.func.grad(loss)(p + h) for h in (1e-5 * torch.eye(5)[0], -1e-5 * torch.eye(5)[0]))
    torch.testing.assert_close(hessian[0], (up - down) / 2e-5, rtol=1e-6, atol=1e-7)


def test_what_is_done_again_cannot_be_differentiated_twice():
    problem = problem_of(DIAGONAL)
    u0, p = tensors(problem, gradient=True)
    u = paths(problem, "EulerMaruyama", u0, p)
    (first,) = torch.autograd.grad(u.sum(), p, create_graph=True)
    with pytest.raises(NotImplementedError, match="sensealg='tape'"):
        first.sum().backward()


@pytest.mark.parametrize(("method", "order"), [("EulerMaruyama", 0.5), ("Milstein", 1.0), ("SRIW1", 1.5)])
def test_derivatives_of_geometric_motion_converge_at_the_order_of_the_path(method, order):
    # x = exp((a - s^2/2) t + s W), so that dx/ds = (W - s t) x
    problem = problem_of(
        "param a = 0.5, s = 0.8\nstate x = 1, w = 0\ntime 0 .. 1\ndx = a*x*dt + s*x*dW1\ndw = 0*dt + dW1"
    )
    u0, p = tensors(problem, gradient=True)
    sizes = np.array([1 / 64, 1 / 256])
    errors = []
    for h in sizes:
        many = p.detach().expand(400, 2).clone().requires_grad_()
        u = paths(problem, method, u0.detach(), many, dt0=h)[:, 0]
        (slopes,) = torch.autograd.grad(u[:, 0].sum(), many)
        w = u[:, 1].detach()
        exact = (w - 0.8) * torch.exp(torch.tensor(0.5 - 0.32) + 0.8 * w)
        errors.append(float((slopes[:, 1] - exact).abs().mean()))
    found = np.log(errors[0] / errors[1]) / np.log(sizes[0] / sizes[1])
    assert abs(found - order) < 0.25


def test_float32_stays_close():
    problem = problem_of(DIAGONAL)
    u0, p = tensors(problem)
    found = paths(problem, "SRIW1", u0.float(), p.float())
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), paths(problem, "SRIW1", u0, p), rtol=1e-4, atol=1e-5)


def test_memory_is_that_of_some_states_and_not_of_all_steps():
    problem = problem_of(DIAGONAL)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda one: kept.append(one) or one, lambda one: one):
        u0, p = tensors(problem, gradient=True)
        u = paths(problem, "EulerMaruyama", u0, p, dt0=1e-3)
    assert len(kept) < 20  # a tape keeps some ten for each of the thousand steps
    assert len(u.grad_fn.next_functions[0][0].next_functions[0][0].found[1]) == 33


def test_mistakes_are_told():
    problem = problem_of(DIAGONAL)
    u0, p = tensors(problem, gradient=True)
    with pytest.raises(ValueError, match="no sensealg 'forward'"):
        paths(problem, "EulerMaruyama", u0, p, "forward")
    with pytest.raises(ValueError, match="give dt0"):
        paths(problem, "EulerMaruyama", u0, p, dt0=None)
    with pytest.raises(ValueError, match="initial value of state `y` is nan in member 1"):
        paths(problem, "EulerMaruyama", torch.tensor([[1.0, 1.0], [1.0, torch.nan]]).double(), p)
    with pytest.raises(NotImplementedError, match="sensealg='tape'"):
        torch.func.grad(lambda q: paths(problem, "EulerMaruyama", u0.detach(), q).sum())(p.detach())
    blown = problem_of("dx = x^3*dt + x*dW\nx(0) = 10\ntime 0 .. 1")
    with pytest.raises(
        symde.SolveError, match=r"non_finite: the path is not finite, in the step from t = "
    ) as info:
        paths(blown, "EulerMaruyama", torch.tensor([10.0], dtype=torch.float64), torch.zeros(0), saveat=0.1)
    compiled = symde.solve(blown, "EulerMaruyama", dt0=0.02, seed=5, saveat=0.1, throw=False)
    assert len(info.value.solution.t) == len(compiled.t)
    assert str(info.value) == compiled.message


METHODLESS = [(one, None) for one in (DIAGONAL, ADDITIVE, COMMUTATIVE, GENERAL, BOUNDED, BETWEEN)]


@pytest.mark.parametrize(("text", "method"), METHODLESS + CASES[13:])
def test_both_engines_give_the_same_path_and_gradient(text, method):
    problem = problem_of(text)
    found = []
    for backend in ("cpu", "torch"):
        u0, p = tensors(problem, gradient=True)
        how = dict(u0=u0, dt0=0.05, seed=4, saveat=0.25, backend=backend)
        u = diffeq(p.expand(3, -1), problem, method, **how)
        found.append((u.detach(), *torch.autograd.grad(u.square().sum(), (u0, p))))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10 if text == BOUNDED else 1e-11, atol=1e-12)


def test_what_an_implicit_step_cannot_solve_is_told_as_the_compiled_engine_tells_it():
    problem = problem_of("dx = (1 + x^2)*dt + 0.1*dW\nx(0) = 1\ntime 0 .. 2")
    u0, p = tensors(problem)
    compiled = symde.solve(problem, "ImplicitEulerMaruyama", dt0=0.1, seed=5, saveat=0.1, throw=False)
    assert compiled.retcode.word == "diverged"
    with pytest.raises(symde.SolveError, match="diverged") as info:
        paths(problem, "ImplicitEulerMaruyama", u0, p, dt0=0.1, saveat=0.1)
    assert str(info.value) == compiled.message
    np.testing.assert_allclose(info.value.solution.u, compiled.u, rtol=1e-9)


def test_implicit_steps_are_differentiated_once_and_backward():
    problem = problem_of(STIFF)
    u0, p = tensors(problem, gradient=True)
    with pytest.raises(NotImplementedError, match="not known of implicit steps"):
        torch.func.grad(lambda q: paths(problem, "SKenCarp", u0, q, "tape").sum())(p.detach())
    u = paths(problem, "SKenCarp", u0, p, "tape")
    (first,) = torch.autograd.grad(u.square().sum(), p, create_graph=True)
    with pytest.raises(NotImplementedError, match="implicit function theorem, once"):
        first.sum().backward()


def test_a_stage_takes_few_iterations():
    # of Newton's method: a linear drift takes one and another that tells what is left
    problem = problem_of("dx = -1000*x*dt + 0.1*dW\nx(0) = 1\ntime 0 .. 1")
    u0, p = tensors(problem)
    counts = []
    for size in (0.1, 0.05):
        with Count() as mode:
            paths(problem, "ImplicitEulerMaruyama", u0, p, dt0=size)
        counts.append(mode.found["aten.linalg_lu_factor_ex.default"])
    assert counts[1] - counts[0] == 20


ADAPTIVE = [
    (DIAGONAL, "SRIW1"),
    (DIAGONAL, "SOSRI"),
    (ADDITIVE, "SRA1"),
    (ADDITIVE, None),
    (STIFF, "SKenCarp"),
    (GENERAL, None),
    (COMMUTATIVE, None),
    (BOUNDED, None),
    (DIAGONAL, "SPaRK"),
    (GENERAL, "EulerMaruyama"),
]


@pytest.mark.parametrize(("text", "method"), ADAPTIVE)
def test_steps_that_follow_the_error_are_those_of_the_compiled_engine(text, method):
    problem = problem_of(text)
    times = [0.0, 0.25, 0.25, 1 / 3, 1.0]
    found = []
    for backend, sensealg in (("cpu", "auto"), ("torch", "discrete"), ("torch", "tape")):
        u0, p = tensors(problem, gradient=True)
        how = dict(rtol=1e-2, atol=1e-3, seed=4, saveat=times, backend=backend, sensealg=sensealg)
        u = diffeq(p.expand(4, -1), problem, method, u0=u0, **how)
        weights = torch.linspace(0.5, 1.5, u.numel(), dtype=torch.float64).reshape(u.shape)
        found.append((u.detach(), *torch.autograd.grad((weights * u.square()).sum(), (u0, p))))
    for others in found[1:]:
        torch.testing.assert_close(found[0][0], others[0], rtol=1e-12, atol=1e-12)
        for one, other in zip(found[0], others, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("text", "method"), [(DIAGONAL, "SRIW1"), (GENERAL, "SPaRK"), (BETWEEN, None)])
def test_saves_cut_steps_as_in_the_compiled_engine(text, method):
    # at no early ends of the tree: steps cut short tell little of the next, and stretches have odd halves
    problem = problem_of(text)
    u0, p = tensors(problem)
    how = dict(rtol=2e-2, atol=2e-2, seed=8, saveat=0.0137)
    here, there = (diffeq(p.expand(3, -1), problem, method, backend=one, **how) for one in ("torch", "cpu"))
    torch.testing.assert_close(here, there, rtol=1e-12, atol=1e-12)


def test_a_method_that_is_left_to_be_chosen_is_that_of_the_compiled_engine():
    for text, name in (
        (DIAGONAL, "SRIW1"),
        (ADDITIVE, "SOSRA"),
        (GENERAL, "SPaRK"),
        (BOUNDED, "EulerMaruyama"),
    ):
        problem = problem_of(text)
        how = dict(rtol=0.1, seed=2, backend="torch")
        assert torch.equal(diffeq(None, problem, **how), diffeq(None, problem, name, **how))
        assert symde.solve(problem, rtol=0.1, seed=2).method[0].name == name


@pytest.mark.parametrize("size", [1, 31, 32, 33, 63, 64, 65, 1000, 2**39 + 12345, 2**40])
def test_ends_of_steps_are_rounded_as_in_the_compiled_engine(size):
    begins = [0, 1, 7, 64, 2**20 + 3, 2**39 + 1]
    found = rounded(torch.tensor(begins), torch.full((len(begins),), size))
    assert found.tolist() == [rounded_when_compiled.py_func(begin, begin + size) for begin in begins]


def test_a_path_by_steps_of_its_own_does_not_depend_on_the_others():
    problem = problem_of(DIAGONAL)
    u0, p = tensors(problem)
    many = p * torch.linspace(0.5, 2.0, 5, dtype=torch.float64)[:, None]
    how = dict(rtol=1e-2, dt0=None, saveat=0.5)
    together = paths(problem, "SRIW1", u0, many, **how)
    for k in range(5):
        torch.testing.assert_close(paths(problem, "SRIW1", u0, many[k], trajectory=k, **how), together[k])
    single = paths(problem, "SRIW1", u0.float(), many.float(), **how)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), together, rtol=0.05, atol=0.05)


def test_tolerances_are_refused_where_steps_would_come_to_a_wrong_limit():
    for text, method, message in (
        (DIAGONAL, "Milstein", "Milstein does not estimate its error"),
        (BOUNDED, "SRIW1", "`x` has a domain"),
        (BOUNDED, "SPaRK", "follows Stratonovich's equation"),
    ):
        with pytest.raises(ValueError, match=message):
            diffeq(None, problem_of(text), method, rtol=1e-2, backend="torch")
    problem = problem_of(DIAGONAL)
    u0, p = tensors(problem)
    with pytest.raises(NotImplementedError, match="not known of steps that follow the error"):
        torch.func.grad(lambda q: paths(problem, "SRIW1", u0, q, "tape", dt0=None, rtol=0.1).sum())(p)


@pytest.mark.parametrize(
    ("text", "how"),
    [("dx = x^3*dt + 0.1*x*dW\nx(0) = 10\ntime 0 .. 1", {}), (DIAGONAL, {"max_steps": 7})],
)
def test_paths_that_do_not_reach_their_end_are_told_as_the_compiled_engine_tells_them(text, how):
    problem = problem_of(text)
    u0, p = tensors(problem)
    given = dict(rtol=1e-2, dt0=None, saveat=0.001, **how)
    compiled = symde.solve(problem, "SRIW1", seed=5, throw=False, **given)
    with pytest.raises(symde.SolveError) as info:
        paths(problem, "SRIW1", u0, p, **given)
    assert str(info.value) == compiled.message and not compiled.retcode.success
    np.testing.assert_allclose(info.value.solution.u, compiled.u, rtol=1e-9)
    assert info.value.solution.stats.steps == compiled.stats.steps


def test_a_model_that_calls_a_module_has_noise():
    net = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.GELU(), torch.nn.Linear(4, 2)).double()
    model = symde.ode_def(
        "extern net(x, y) -> 2\n(f, g) = net(x, y)\ndx = f*dt + 0.1*x*dW\ndy = g*dt + 0.1*y*dW\n"
        "x(0) = 1; y(0) = 1\ntime 0 .. 1"
    ).bind(net=net)
    u = diffeq(None, symde.Problem(model, kind="sde"), dt0=0.1, seed=1, saveat=0.5)
    u.square().sum().backward()
    assert u.shape == (3, 2) and net[0].weight.grad.abs().sum() > 0


def test_options_that_mean_nothing_are_refused():
    problem = problem_of(DIAGONAL)
    for given in ({"dtmax": 0.1}, {"workers": 2}, {"saveat": torch.rand(2, 3)}):
        with pytest.raises(ValueError):
            diffeq(None, problem, **{"dt0": 0.1, "backend": "torch", **given})
    with pytest.raises(ValueError, match="RKMilGeneral|unknown method"):
        diffeq(None, problem, "nothing", dt0=0.1, backend="torch")
