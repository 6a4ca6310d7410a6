"""Networks bound to a model: names and order of weights, values by array, derivatives, errors."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import symde
from symde.model.network import ACTIVATIONS
from symde.testing import check_derivatives

TEXT = """model Mixed
  param k = 0.5
  extern net(a, b) -> 2
  state x = 1, y = 0.5
  time 0 .. 2
  (f, g) = net(x, t*y)
  x' = -k*x + f
  y' = g - y
end
"""


def network(activation: str | None = "tanh", seed: int = 3, hidden: int = 3) -> symde.Network:
    return symde.Network([symde.Dense(2, hidden, activation), symde.Dense(hidden, 2)], seed=seed)


def loss(u: np.ndarray) -> tuple[float, np.ndarray]:
    return float((u**2).sum()), 2 * u


def test_weights_are_named_as_torch_names_them() -> None:
    model = symde.ode_def(TEXT).bind(net=network())
    names = model.parameter_names
    assert names[:4] == ("k", "net.0.weight[0,0]", "net.0.weight[0,1]", "net.0.weight[1,0]")
    assert names[7:10] == ("net.0.bias[0]", "net.0.bias[1]", "net.0.bias[2]")
    assert names[10] == "net.2.weight[0,0]", "an activation counts as a module of its own"
    assert np.array_equal(symde.Problem(model).p[1:], network().vector())


def test_the_right_hand_side_is_that_of_the_network() -> None:
    for activation in (None, *ACTIVATIONS):
        net = network(activation)
        problem = symde.Problem(symde.ode_def(TEXT).bind(net=net))
        for t, u in ((0.3, np.array([1.3, -0.4])), (2.0, np.array([-3.0, 40.0]))):
            f, g = net([u[0], t * u[1]])
            expected = [-0.5 * u[0] + f, g - u[1]]
            # sums in another order
            assert np.allclose(problem.system.slope(t, u, problem.p), expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("activation", [None, *ACTIVATIONS])
def test_derivatives_agree_with_sympy_and_differences(activation: str | None) -> None:
    model = symde.ode_def(TEXT).bind(net=network(activation))
    check_derivatives(model)


def test_large_inputs_of_softplus_and_relu_at_zero() -> None:
    text = "extern h(a) -> 1\nx' = h(x)"
    one = symde.Network([symde.Dense(1, 1, "softplus", bias=False)]).with_vector([1.0])
    problem = symde.Problem(symde.ode_def(text).bind(h=one), u0=[1.0], tspan=(0, 1))
    for x, value in ((800.0, 800.0), (-800.0, 0.0), (0.0, np.log(2.0)), (36.9, np.logaddexp(0, 36.9))):
        assert problem.system.slope(0.0, np.array([x]), problem.p) == pytest.approx([value], rel=4e-16)
    relu = symde.Network([symde.Dense(1, 1, "relu", bias=False)]).with_vector([1.0])
    problem = symde.Problem(symde.ode_def(text).bind(h=relu), u0=[0.0], tspan=(0, 1))
    _, grad = symde.value_and_grad(loss, problem, "Tsit5", wrt="u0")
    assert grad["u0"] == [0.0], (
        "u stays 0: the derivative of relu at 0 is that of its lower side, as in torch"
    )


@pytest.mark.parametrize("sensealg", ["forward", "discrete", "interpolating"])
@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P"])
def test_gradients_by_weights_agree_with_differences(method: str, sensealg: str) -> None:
    model = symde.ode_def(TEXT).bind(net=network())
    problem, options = symde.Problem(model), dict(saveat=0.5, rtol=1e-9, atol=1e-11)
    value, grad = symde.value_and_grad(loss, problem, method, wrt=("net", "k"), sensealg=sensealg, **options)
    assert grad["net"].shape == (17,) and isinstance(grad["k"], float)
    vector = network().vector()
    for j in (0, 5, 7, 9, 14, 16):
        sides = []
        for step in (1e-5, -1e-5):
            moved = vector.copy()
            moved[j] += step
            u = symde.solve(
                symde.remake(problem, p={"net": moved}), "Vern9", saveat=0.5, rtol=1e-12, atol=1e-13
            ).u
            sides.append(loss(u)[0])
        # differences of second order with solves to 1e-12
        assert grad["net"][j] == pytest.approx((sides[0] - sides[1]) / 2e-5, rel=1e-6, abs=1e-6)


def test_gradients_by_arrays_have_their_shapes() -> None:
    problem = symde.Problem(symde.ode_def(TEXT).bind(net=network()))
    _, grad = symde.value_and_grad(
        loss, problem, "Tsit5", wrt=("net.0.weight", "net.0", "net", "x"), sensealg="discrete"
    )
    assert grad["net.0.weight"].shape == (3, 2) and grad["net.0"].shape == (9,)
    assert np.array_equal(grad["net.0.weight"].ravel(), grad["net"][:6])
    assert grad.vector().shape == (6 + 9 + 17 + 1,)


def test_weights_are_given_by_array_by_network_and_by_element() -> None:
    model, other = symde.ode_def(TEXT).bind(net=network()), network(seed=9)
    problem, weights = symde.Problem(model), other.state_dict()
    whole = symde.remake(problem, p={"net": other}).p[1:]
    assert np.array_equal(whole, other.vector())
    assert np.array_equal(symde.remake(problem, p={"net": other.vector()}).p[1:], whole)
    assert np.array_equal(symde.remake(problem, p={"net": weights}).p[1:], whole)
    assert np.array_equal(symde.Problem(model, p={"net": other, "k": 2.0}).p, [2.0, *whole])
    part = symde.remake(problem, p={"net.0.weight": weights["0.weight"], "net.2.bias[1]": 7.0}).p[1:]
    assert np.array_equal(part[:6], whole[:6]) and part[-1] == 7.0
    assert np.array_equal(part[6:-1], network().vector()[6:-1])


MISTAKES = [
    ({"net": np.ones(3)}, "expected 17 values for `net`"),
    ({"net.0.weight": np.ones((2, 3))}, r"of shape \(3, 2\)"),
    ({"net.1.weight": 1.0}, "did you mean `net.[02].weight`"),
    ({"net": network(hidden=4)}, "shape"),
    ({"net": {"0.weight": np.ones((3, 2))}}, "missing net.0.bias"),
    ({"net.0.bias": [1.0, np.nan, 1.0]}, r"`net.0.bias\[1\]` is nan"),
    ({"net": network(), "net.0.bias[0]": 1.0}, "given twice"),
]


@pytest.mark.parametrize(("given", "message"), MISTAKES, ids=[str(one[1]) for one in MISTAKES])
def test_wrong_weights_are_refused(given: dict, message: str) -> None:
    problem = symde.Problem(symde.ode_def(TEXT).bind(net=network()))
    with pytest.raises(ValueError, match=message):
        symde.remake(problem, p=given)


def test_wrong_bindings_are_refused() -> None:
    model = symde.ode_def(TEXT)
    with pytest.raises(ValueError, match="did you mean `net`"):
        model.bind(nett=network())
    with pytest.raises(ValueError, match="reads 2 and gives 2 values, and the network reads 3"):
        model.bind(net=symde.Network([symde.Dense(3, 2)]))
    with pytest.raises(TypeError, match="symde.Network or a torch.nn.Module, found function"):
        model.bind(net=lambda x: x)
    with pytest.raises(ValueError, match="declares no function from outside"):
        symde.ode_def("x' = -x").bind(net=network())


def test_wrong_layers_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown activation 'gelu'.*\"tanh\""):
        symde.Dense(2, 2, "gelu")
    with pytest.raises(TypeError, match="whole number"):
        symde.Dense(2.5, 2)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="1 at least"):
        symde.Dense(0, 2)
    with pytest.raises(ValueError, match="one layer at least"):
        symde.Network([])
    with pytest.raises(ValueError, match=r"Dense\(2, 3\) gives 3 values, and Dense\(2, 2\) reads 2"):
        symde.Network([symde.Dense(2, 3), symde.Dense(2, 2)])
    with pytest.raises(ValueError, match="unknown 1.weight"):
        network().load_state_dict({**network().state_dict(), "1.weight": 1})


def test_bound_models_compare_pickle_and_bind_anew() -> None:
    text, first = symde.ode_def(TEXT), symde.ode_def(TEXT).bind(net=network())
    assert (
        first != text and first == text.bind(net=network()) and hash(first) == hash(text.bind(net=network()))
    )
    assert first != text.bind(net=network(seed=4)) and first.bind(net=network(seed=4)) == text.bind(
        net=network(seed=4)
    )
    assert pickle.loads(pickle.dumps(first)) == first
    assert symde.ode_def(first.text()) == text, "the text of a bound model is that of the model without"


def test_random_weights_are_those_of_their_seed_within_the_bounds_of_torch() -> None:
    net = symde.Network([symde.Dense(100, 200), symde.Dense(200, 4)], seed=5)
    weights = net.state_dict()
    assert np.array_equal(weights["0.weight"], symde.Network(net.layers, seed=5).state_dict()["0.weight"])
    for name, inputs in (("0.weight", 100), ("1.weight", 200)):
        assert 0.99 < np.abs(weights[name]).max() * np.sqrt(inputs) <= 1.0


def test_one_network_called_twice_shares_its_weights() -> None:
    text = "extern h(a) -> 1\nx' = h(x) - h(y)\ny' = h(h(x))"
    net = symde.Network([symde.Dense(1, 4, "silu"), symde.Dense(4, 1)], seed=1)
    model = symde.ode_def(text).bind(h=net)
    assert len(model.parameter_names) == 13
    check_derivatives(model)


def test_two_networks_keep_their_weights_apart() -> None:
    model = symde.ode_def("extern f(a) -> 1\nextern g(a) -> 1\nx' = k*f(x) - g(x)")
    one, other = (symde.Network([symde.Dense(1, 2, "tanh"), symde.Dense(2, 1)], seed=s) for s in (1, 2))
    model = model.bind(f=one).bind(g=other)
    problem = symde.Problem(model, u0=[1.0], p={"k": 2.0}, tspan=(0, 1))
    expected = 2.0 * one([0.7]) - other([0.7])
    assert problem.system.slope(0.0, np.array([0.7]), problem.p) == pytest.approx(expected, rel=1e-14)
    assert np.array_equal(symde.remake(problem, p={"f": other}).p[1:8], other.vector())


def test_exports_of_a_bound_model_are_whole() -> None:
    source = symde.export(symde.ode_def(TEXT).bind(net=network()), "numpy")
    assert "tanh" in source
