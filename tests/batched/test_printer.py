"""The printed torch module: the graph's values in every form, and gradients without NaN."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import symde
from symde.codegen.evaluate import evaluate
from symde.codegen.model_kernels import ModelGraph
from symde.export import export
from symde.layers.module import module_of
from tests.export.models import BARE, EVERYTHING, NAMES, ROBER, points
from tests.export.tools import imported

MODELS = {"everything": EVERYTHING, "rober": ROBER, "names": NAMES, "bare": BARE}
FORMS = ("forward", "jacobian_values", "time_gradient", "observables")


def printed(text: str) -> torch.nn.Module:
    model = symde.ode_def(text)
    return module_of(
        symde.Problem(
            model, u0=[0.5] * len(model.states), p=[1.0] * len(model.parameters), tspan=(0, 1)
        ).system
    )


def many(model: symde.Model) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """t (5,), u (n, 5), p (m, 5)."""
    found = points(len(model.states), len(model.parameters))
    t, u, p = (np.stack([one[k] for one in found], axis=-1) for k in range(3))
    return tuple(torch.from_numpy(np.array(one)) for one in (t, u, p.reshape(len(model.parameters), 5)))


def graph_values(text: str, form: str) -> np.ndarray:
    graph = ModelGraph(symde.ode_def(text).definition)
    roots = {
        "forward": graph.lowered.rhs,
        "jacobian_values": graph.jacobian.nodes,
        "time_gradient": graph.time_gradient,
        "observables": graph.lowered.observables,
    }[form]
    t, u, p = (one.numpy() for one in many(symde.ode_def(text)))
    values = evaluate(graph.lowered.graph, roots, t, {"u": u, "p": p})
    return np.array([np.broadcast_to(values[node], t.shape) for node in roots], dtype=float).reshape(
        -1, len(t)
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", MODELS)
def test_values_are_the_graphs_as_new_tensors_and_into_rows(name, form):
    text = MODELS[name]
    rhs, (t, u, p) = printed(text), many(symde.ode_def(text))
    expected = graph_values(text, form)
    # torch's and numpy's functions differ in the last digits
    np.testing.assert_allclose(getattr(rhs, form)(t, u, p).numpy(), expected, rtol=1e-14)
    out = torch.full(expected.shape, torch.nan, dtype=torch.float64)
    into = "into" if form == "forward" else f"{form}_into"
    getattr(rhs, into)(t, u.unbind(0), p.unbind(0), out.unbind(0))
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-14)


def test_float32_states_stay_float32_though_time_is_float64():
    t, u, p = many(symde.ode_def(EVERYTHING))
    du = printed(EVERYTHING)(t, u.float(), p.float())
    assert du.dtype == torch.float32
    # seven digits, of which sums lose some
    np.testing.assert_allclose(du.numpy(), graph_values(EVERYTHING, "forward"), rtol=1e-4)


def test_parameters_may_be_shared_by_all_members():
    t, u, p = many(symde.ode_def(EVERYTHING))
    one = printed(EVERYTHING)(t, u, p[:, :1])
    torch.testing.assert_close(one, printed(EVERYTHING)(t, u, p[:, :1].expand(-1, 5)), rtol=1e-15, atol=0)


@pytest.mark.parametrize("name", ["everything", "rober", "names"])
def test_torch_finds_the_printed_jacobian_by_itself(name):
    text = MODELS[name]
    rhs, (t, u, p) = printed(text), many(symde.ode_def(text))
    whole = torch.func.jacrev(lambda u: rhs(t, u, p))(u)  # (n, 5, n, 5)
    dense = torch.zeros(len(u), len(u), 5, dtype=torch.float64)
    dense[list(rhs.jacobian_rows), list(rhs.jacobian_columns)] = rhs.jacobian_values(t, u, p)
    mine = torch.stack([whole[:, k, :, k] for k in range(5)], -1)
    torch.testing.assert_close(mine, dense, rtol=1e-12, atol=1e-12)


BRANCHES = {
    "sqrt": "ifelse(x > 0, sqrt(x), 0)",
    "log": "ifelse(x > 0, log(x), x)",
    "division": "ifelse(x == 0, 1, sin(x)/x)",
    "power": "ifelse(x > 0, x^k, 0)",
    "overflow": "ifelse(x < 1, x, 1/exp(1000*(1 - x)^2*k) + exp(1e4*x))",
    "nested": "ifelse(x > 0, ifelse(k > 0, log(x/k), log(-x/k)), 1/(1 - x))",
    "shared": "ifelse(x > 0, 2*sqrt(x), 0) + ifelse(x > 0.5, 3*sqrt(x), 0)",
    "condition": "ifelse(sqrt(abs(x)) > 2, sqrt(abs(x)), 1)",
}


@pytest.mark.parametrize("expression", BRANCHES)
@pytest.mark.parametrize("x", [-1.0, 0.0, 0.7])
def test_a_branch_left_out_sends_no_nan_into_gradients(expression, x):
    rhs = printed(f"state x = 1\nparam k = 1\nx' = {BRANCHES[expression]}")
    u = torch.tensor([[x]], dtype=torch.float64, requires_grad=True)
    k = torch.tensor([[1.5]], dtype=torch.float64, requires_grad=True)
    if expression == "condition" and x == 0.0:
        x = 0.1  # abs has no derivative there
        u = torch.tensor([[x]], dtype=torch.float64, requires_grad=True)
    value = rhs(torch.zeros(1, dtype=torch.float64), u, k)
    assert torch.isfinite(value).all()
    for one in torch.autograd.grad(value.sum(), (u, k), allow_unused=True):
        assert one is None or torch.isfinite(one).all()


def test_the_exported_file_runs_by_itself_with_its_start(tmp_path):
    module = imported(export(symde.ode_def(EVERYTHING), "torch"), tmp_path)
    p = module.parameters(d=0.4)
    u0 = module.initial_state(p)
    rhs = module.RightHandSide()
    du = rhs(torch.zeros(1, dtype=torch.float64), torch.tensor(u0)[:, None], torch.tensor(p)[:, None])
    assert isinstance(rhs, torch.nn.Module) and du.shape == (4, 1)
    assert module.STATES == ("x", "y", "z", "w")


def test_a_function_that_cannot_be_traced_is_refused_with_the_remedy():
    def noisy(u, p, t):
        return [-float(u[0])]

    problem = symde.Problem(noisy, [1.0], (0, 1))
    with pytest.raises(ValueError, match="could not be traced"):
        symde.solve(problem, backend="torch")
