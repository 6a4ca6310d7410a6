"""`diffeq` by the batched engine: what the compiled one gives, and models that call modules."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import symde
from symde.layers import DiffEqLayer, NeuralODE, diffeq
from symde.layers.failures import BatchSolveError
from symde.sensitivity.moving_jump import MovingJumpWarning
from tests.layers.models import FOLLOWING_PROBLEM, LOTKA_PROBLEM, SEASONS_PROBLEM, TIGHT, double, seasons

HYBRID = symde.ode_def("""
model Hybrid
  param a = 1.3, d = 1.8
  extern eaten(x, y) -> 2
  state x = 0.44, y = 4.63
  time 0 .. 3
  (f, g) = eaten(x, y)
  x' = a*x - f
  y' = g - d*y
end
""")
NETWORK = symde.Network([symde.Dense(2, 8, "tanh"), symde.Dense(8, 2)], seed=2)
COMPILED = symde.Problem(HYBRID.bind(eaten=NETWORK))
P = double(1.3, 1.8)
GROWING = symde.Problem("param k = 1\nstate x = 1\nx' = k*x^2", tspan=(0, 2))


class Counted(nn.Module):
    """A module that counts its calls."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module, self.shapes = module, []

    def forward(self, x: Tensor) -> Tensor:
        self.shapes.append(tuple(x.shape))
        return self.module(x)


def calling(module: nn.Module | None = None) -> tuple[symde.Problem, nn.Module]:
    module = NETWORK.to_torch() if module is None else module
    return symde.Problem(HYBRID.bind(eaten=module)), module


def gradients(u: Tensor, *inputs: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad((u**2).sum(), inputs))


def close(first: list[Tensor], second: list[Tensor], rtol: float = 1e-6) -> None:
    for a, b in zip(first, second, strict=True):
        assert torch.allclose(a, b, rtol=rtol, atol=rtol * float(b.detach().abs().max()))


@pytest.mark.parametrize("method", ["Tsit5", "Vern7", "Rodas5P", "KenCarp4"])
def test_a_module_and_the_same_network_compiled_are_one_solution(method):
    problem, _ = calling()
    options = dict(saveat=0.5, rtol=1e-8, atol=1e-10)
    found = symde.solve(problem, method, backend="torch", **options)
    expected = symde.solve(COMPILED, method, **options)
    assert np.allclose(found.u, expected.u, rtol=1e-6, atol=1e-8)
    assert np.allclose(found["f"], expected["f"], rtol=1e-6, atol=1e-8)


def test_a_module_is_called_once_for_each_evaluation_of_all_members():
    problem, module = calling(Counted(NETWORK.to_torch()))
    diffeq(P.expand(5, 2), problem, "RK4", dt0=0.5)
    # six steps of four stages; before and after these a call each shows whether the module has changed
    assert set(module.shapes) == {(5, 2)} and len(module.shapes) == 4 * 6 + 2


@pytest.mark.parametrize("sensealg", ["discrete", "tape", "interpolating"])
def test_gradients_by_parameters_and_weights_are_those_of_the_compiled_network(sensealg):
    problem, module = calling()
    how: dict = dict(method="Vern7", rtol=1e-8, atol=1e-10)
    p, q = (P.clone().requires_grad_() for _ in range(2))
    found = gradients(diffeq(p, problem, saveat=0.5, sensealg=sensealg, **how), p, *module.parameters())
    w = {name: one.detach().clone().requires_grad_() for name, one in module.named_parameters()}
    u = diffeq({"a": q[0], "d": q[1], "eaten": w}, COMPILED, saveat=0.5, sensealg="discrete", **how)
    close(found, gradients(u, q, *w.values()))


def test_weights_are_given_as_vector_arrays_one_array_or_a_network():
    vector = torch.tensor(NETWORK.vector())
    arrays = {name: torch.tensor(one) for name, one in NETWORK.state_dict().items()}
    how = dict(method="Tsit5", saveat=0.5)
    expected = diffeq(None, COMPILED, **how)
    for given in (vector, arrays, NETWORK, NETWORK.vector(), NETWORK.state_dict()):
        assert torch.equal(diffeq({"eaten": given}, COMPILED, **how), expected)
    bias = arrays["0.bias"]
    assert torch.equal(diffeq({"eaten.0.bias": bias}, COMPILED, **how), expected)
    many = torch.stack([vector, 0.9 * vector])
    batch = diffeq({"eaten": many, "a": double(1.3, 1.2)}, COMPILED, lanes=False, **how)
    assert torch.equal(batch[0], expected) and batch.shape == (2, 7, 2)
    assert torch.equal(batch[1], diffeq({"eaten": many[1], "a": 1.2}, COMPILED, **how))


@pytest.mark.parametrize("backend", ["cpu", "torch"])
def test_64_trajectories_agree_in_values_and_gradients(backend):
    random = torch.Generator().manual_seed(1)
    spread = 1 + 0.1 * torch.rand(64, 4, generator=random, dtype=torch.float64)
    p = (double(2.2, 1.0, 2.0, 0.4) * spread).requires_grad_()
    u0 = (spread[:, :2] * double(1.0, 1.0)).detach().requires_grad_()
    times = torch.linspace(0.5, 5.0, 7, dtype=torch.float64, requires_grad=True)
    start = torch.zeros(64, dtype=torch.float64, requires_grad=True)
    options = dict(u0=u0, tspan=(start, 5.0), saveat=times, sensealg="discrete", **TIGHT)
    u = diffeq(p, LOTKA_PROBLEM, backend=backend, **options)
    assert u.shape == (64, 7, 2)
    exact = diffeq(p, LOTKA_PROBLEM, backend="cpu", **{**options, "method": "DOP853"})
    # 1e-11 in each step, and 1e3 for what grows on the way
    close([u], [exact], 1e-8)
    close(gradients(u, p, u0, start, times), gradients(exact, p, u0, start, times), 1e-7)


@pytest.mark.parametrize("sensealg", ["discrete", "tape", "interpolating"])
def test_each_member_may_have_a_span_and_times_of_its_own(sensealg):
    p = double(0.7, 2.0).expand(3, 2)
    u0 = torch.full((3, 1), 0.5, dtype=torch.float64)
    start, end = double(0.0, 0.2, 0.4), double(3.0, 2.5, 2.8)
    times = torch.stack(
        [double(1.0, 2.0, 2.2), double(0.5, 1.5, 2.5), double(0.4, 1.1, 1.1)]
    ).requires_grad_()
    u = diffeq(
        p,
        SEASONS_PROBLEM,
        u0=u0,
        tspan=(start, end),
        saveat=times,
        backend="torch",
        sensealg=sensealg,
        **TIGHT,
    )
    exact = torch.stack([seasons(*(one[k] for one in (p, u0, start, times))) for k in range(3)])
    close([u], [exact], 1e-9)
    close(gradients(u, times), gradients(exact, times), 1e-8)


def test_what_follows_parameters_follows_them():
    p = double(0.7, 2.0, 3.0).requires_grad_()
    u, v = (diffeq(p, FOLLOWING_PROBLEM, saveat=0.5, backend=one, **TIGHT) for one in ("torch", "cpu"))
    close([u, *gradients(u, p)], [v, *gradients(v, p)])


def test_the_types_are_those_of_p_u0_and_weights():
    problem, module = calling()
    assert diffeq(None, problem).dtype == torch.float64
    with pytest.raises(
        TypeError, match=r"float64 weights, and the states are float32: write module.float\(\)"
    ):
        diffeq(P.float(), problem)
    module.float()
    u = diffeq(P.float(), problem, rtol=1e-5, atol=1e-6)
    assert u.dtype == torch.float32
    assert torch.allclose(u.double(), diffeq(None, COMPILED), rtol=1e-3)


def test_a_layer_learns_the_weights_that_its_model_calls():
    problem, module = calling()
    layer = DiffEqLayer(problem, "Tsit5", p="fixed", saveat=0.5)
    assert {id(one) for one in layer.parameters()} == {id(one) for one in module.parameters()}
    (layer() ** 2).sum().backward()
    assert all(one.grad is not None for one in module.parameters())


@pytest.mark.parametrize("gradient", [False, True])
def test_members_that_fail_are_named_as_by_the_compiled_engine(gradient):
    p = torch.tensor([[0.1], [1.0], [0.2], [2.0]], dtype=torch.float64, requires_grad=gradient)
    words = (
        r"2 of the 4 members of the batch failed \(1, 3\). Member 1: .*\n.*worst state: x.*\n.*x' = k\*x\^2"
    )
    with pytest.raises(BatchSolveError, match=words) as caught:
        diffeq(p, GROWING, saveat=0.1, backend="torch")
    assert sorted(caught.value.failures) == [1, 3]
    # 1/(1 - 2t) up to its pole
    assert 0.39 < caught.value.failures[3].solution.t[-1] <= 0.5
    with pytest.raises(symde.SolveError, match="at t = 1 ") as only:
        diffeq(double(1.0), GROWING, backend="torch")
    assert not isinstance(only.value, BatchSolveError)


def test_a_neural_ode_fails_as_diffeq_does():
    class Squared(nn.Module):
        def forward(self, t, u):
            return u**2

    layer = NeuralODE(Squared(), (0.0, 2.0), max_steps=500)
    with pytest.raises(BatchSolveError, match=r"1 of the 2 members of the batch failed \(1\)"):
        layer(double(0.1, 1.0)[:, None])
    with pytest.raises(symde.SolveError, match="worst state: u1"):
        layer(double(1.0))


TRANSFORMED = {
    "grad": lambda p: torch.func.grad(lambda p: diffeq(p, LOTKA_PROBLEM, backend="torch").sum())(p),
    "jvp": lambda p: torch.func.jvp(lambda p: diffeq(p, LOTKA_PROBLEM, backend="torch"), (p,), (p,)),
    "vmap": lambda p: torch.func.vmap(lambda p: diffeq(p, LOTKA_PROBLEM, backend="torch"))(p[None]),
}


@pytest.mark.parametrize("name", TRANSFORMED)
def test_transforms_are_refused(name):
    with pytest.raises(NotImplementedError, match="backend='torch'.*backend='cpu'"):
        TRANSFORMED[name](double(2.2, 1.0, 2.0, 0.4))


def test_second_derivatives_by_a_tape_are_those_of_the_compiled_engine():
    options = dict(saveat=1.0, tspan=(0.0, 2.0), **TIGHT)
    p = double(2.2, 1.0, 2.0, 0.4)

    def hessian(**how):
        return torch.autograd.functional.hessian(
            lambda p: diffeq(p, LOTKA_PROBLEM, **options, **how).sum(), p
        )

    close([hessian(backend="torch", sensealg="tape")], [hessian(sensealg="discrete")])


MISTAKES = {
    "forward": (
        lambda: diffeq(P, calling()[0], sensealg="forward"),
        ValueError,
        "no sensealg 'forward'.*'tape'",
    ),
    "gauss": (lambda: diffeq(P, calling()[0], sensealg="gauss"), ValueError, "no sensealg 'gauss'"),
    "an unknown one": (lambda: diffeq(P, calling()[0], sensealg="magic"), ValueError, "unknown sensealg"),
    "a linear solver": (
        lambda: diffeq(P, calling()[0], linear_solver="dense"),
        ValueError,
        "belongs to backend='cpu'",
    ),
    "the other engine": (lambda: diffeq(P, calling()[0], backend="cpu"), ValueError, "cannot call"),
    "a method": (lambda: diffeq(P, calling()[0], "QNDF"), ValueError, "no method of the torch engine"),
    "not finite": (
        lambda: diffeq(torch.stack([P, P * np.nan]), calling()[0]),
        ValueError,
        "`a` is nan in member 1 of the batch",
    ),
    "an empty span": (lambda: diffeq(P, calling()[0], tspan=(1.0, 1.0)), ValueError, "two different finite"),
    "times out of order": (lambda: diffeq(P, calling()[0], saveat=double(2.0, 1.0)), ValueError, "ascending"),
    "batches that differ": (
        lambda: diffeq(P.expand(3, 2), calling()[0], u0=torch.ones(2, 2, dtype=torch.float64)),
        ValueError,
        r"u0 \(2, 2\), p \(3, 2\)",
    ),
    "values of another shape": (
        lambda: diffeq(P, calling(nn.Linear(2, 3).double())[0]),
        ValueError,
        r"expected values of shape \(1, 2\)",
    ),
    "a module for weights": (
        lambda: diffeq({"eaten": calling()[1]}, COMPILED),
        TypeError,
        "named_parameters",
    ),
    "weights of another shape": (
        lambda: diffeq({"eaten.0.weight": torch.ones(2, 8)}, COMPILED),
        ValueError,
        r"\(8, 2\) or \(batch, 8, 2\)",
    ),
    "arrays missing": (lambda: diffeq({"eaten": {}}, COMPILED), ValueError, "missing eaten.0.bias"),
    "twice": (
        lambda: diffeq({"eaten": double(*NETWORK.vector()), "eaten.0.bias": torch.ones(8)}, COMPILED),
        ValueError,
        "given twice",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_explained(name):
    call, error, words = MISTAKES[name]
    with pytest.raises(error, match=words):
        call()


def test_derivatives_that_leave_out_moving_jumps_are_told():
    problem = symde.Problem("param c = 0.4, a = 1\nx' = x > c ? -a : -3*a\nx(0) = 1\ntime 0 .. 1")
    p = torch.tensor([0.4, 1.0], dtype=torch.float64, requires_grad=True)
    with pytest.warns(MovingJumpWarning, match=r"`x > c` .*backend='cpu'"):
        diffeq(p, problem, backend="torch")
    with torch.no_grad():  # nothing is differentiated: no warning, which would be an error
        diffeq(p, problem, backend="torch")


def test_a_model_without_parameters_that_calls_a_module():
    net = nn.Linear(2, 2, bias=False).double()
    model = symde.ode_def("extern net(x, y) -> 2\n(x', y') = net(x, y)\nx(0) = 1; y(0) = 0.5\ntime 0 .. 1")
    u = diffeq(None, symde.Problem(model.bind(net=net)), "Vern9", rtol=1e-12, atol=1e-13)
    exact = torch.linalg.matrix_exp(net.weight) @ double(1.0, 0.5)
    torch.testing.assert_close(u[0], exact, rtol=1e-10, atol=1e-11)
