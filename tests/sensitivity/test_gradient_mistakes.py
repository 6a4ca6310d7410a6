"""What users get wrong in a call for a derivative is told; what they do to their arrays changes nothing."""

import pickle

import numpy as np
import pytest

import symde
from symde.sensitivity import registry

PREDATORS = symde.Problem("""
param a = 1.5, b = 1, c = 3, d = 1
x(0) = 1; y(0) = 1
x' = a*x - b*x*y
y' = d*x*y - c*y
time 0 .. 2
""")

MOVING = symde.Problem(
    "x' = -k*x + c*t", lambda p: [2 * p[0]], lambda p: (0.1 * p[1], 4 * p[0]), {"k": 0.5, "c": 1.0}
)
"""Start and end follow the parameters."""


def squares(u):
    return (u**2).sum(), 2 * u


def second_order(u):
    return (*squares(u), lambda v: 2 * v)


# -- losses


@pytest.mark.parametrize("sensealg", registry.NAMES)
@pytest.mark.parametrize("problem", [PREDATORS, MOVING], ids=["fixed span", "span of p"])
def test_a_loss_may_overwrite_what_it_is_given(sensealg, problem):
    def overwriting(u):
        value = (u**2).sum()
        u *= 2
        return value, u

    def spoiling(u):
        value, slopes = squares(u)
        u[:] = 1e5
        return value, slopes

    times = [1.0, problem.tspan[1]]
    value, grad = symde.value_and_grad(squares, problem, saveat=times, sensealg=sensealg)
    for loss in (overwriting, spoiling):
        again, found = symde.value_and_grad(loss, problem, saveat=times, sensealg=sensealg)
        assert again == value and (found.vector() == grad.vector()).all() and found.error == grad.error


def test_a_second_order_loss_may_overwrite_what_it_is_given():
    def spoiling(u):
        value, slopes = squares(u)
        u[:] = 1e5
        return value, slopes, lambda v: np.multiply(v, 2, out=v)

    expected = symde.hessian(second_order, PREDATORS).matrix
    assert (symde.hessian(spoiling, PREDATORS).matrix == expected).all()


def test_an_error_estimate_does_not_read_what_the_caller_has_changed_since():
    times, atol = np.array([1.0, 2.0]), np.array([1e-9, 1e-9])
    gradients = []
    for _ in range(2):
        gradients.append(
            symde.value_and_grad(squares, PREDATORS, saveat=times, atol=atol, sensealg="discrete")[1]
        )
    expected = gradients[0].error
    times[:], atol[:] = [0.1, 0.2], 1.0
    assert gradients[1].error == expected


@pytest.mark.parametrize(
    ("slopes", "error", "told"),
    [
        (lambda u: u * 1j, TypeError, "complex"),
        (lambda u: u > 0, TypeError, "real numbers"),
        (lambda u: "steep", TypeError, "real numbers, found 'steep'"),
        (lambda u: u.astype(str), TypeError, "real numbers"),
        (lambda u: None, TypeError, "found None"),
        (lambda u: np.ma.masked_array(u, u > 0), ValueError, "masked"),
        (lambda u: u.T, ValueError, r"shape \(2, 1\): it must have the shape of the saved states, \(1, 2\)"),
        (lambda u: 1.0, ValueError, r"shape \(\)"),
    ],
)
def test_a_derivative_that_is_none_is_refused(slopes, error, told):
    for sensealg in ("forward", "discrete"):
        with pytest.raises(error, match=told):
            symde.value_and_grad(lambda u: (1.0, slopes(u)), PREDATORS, sensealg=sensealg)
    with pytest.raises(error, match=told):
        symde.hessian(lambda u: (1.0, u, slopes), PREDATORS)


@pytest.mark.parametrize(
    "other",
    [
        lambda ones: ones.astype(np.float32),
        lambda ones: ones.astype(int),
        lambda ones: ones.astype(object),
        lambda ones: ones.tolist(),
        np.asfortranarray,
        lambda ones: np.broadcast_to(1.0, ones.shape),
    ],
)
@pytest.mark.parametrize("sensealg", registry.NAMES)
def test_derivatives_of_other_numbers_and_layouts_are_taken(other, sensealg):
    options = {"saveat": 1.0, "sensealg": sensealg}
    _, expected = symde.value_and_grad(lambda u: (0.0, np.ones_like(u)), PREDATORS, **options)
    _, found = symde.value_and_grad(lambda u: (0.0, other(np.ones_like(u))), PREDATORS, **options)
    assert (found.vector() == expected.vector()).all()


# -- what to differentiate by


@pytest.mark.parametrize(
    ("wrt", "error", "told"),
    [
        (None, TypeError, "takes names"),
        (3, TypeError, "takes names"),
        ({"a", "b"}, TypeError, "order"),
        ((), ValueError, "empty"),
        ("q", ValueError, "unknown parameter or state `q`"),
        ("a(0)", ValueError, "unknown parameter or state"),
    ],
)
def test_what_is_no_name_to_differentiate_by_is_told(wrt, error, told):
    for call in (
        lambda: symde.value_and_grad(squares, PREDATORS, wrt=wrt),
        lambda: symde.sensitivities(PREDATORS, wrt=wrt),
        lambda: symde.hessian(second_order, PREDATORS, wrt=wrt),
    ):
        with pytest.raises(error, match=told):
            call()


def test_a_name_given_twice_counts_once():
    once = symde.hessian(second_order, PREDATORS, wrt=("a", "x"))
    twice = symde.hessian(second_order, PREDATORS, wrt=("a", "x", "a"))
    assert twice.names == once.names and (twice.matrix == once.matrix).all()
    product = symde.hessian_vector_product(second_order, PREDATORS, [1.0, 0.0], wrt=("a", "x", "a"))
    assert list(product) == ["a", "x"]


def test_names_of_numpy_are_names():
    _, grad = symde.value_and_grad(squares, PREDATORS, wrt=np.array(["a", "x"]))
    assert list(map(type, grad)) == [str, str]


def test_a_hessian_knows_initial_values_by_both_names():
    hessian = symde.hessian(second_order, PREDATORS, wrt=("a", "x"))
    assert hessian["a", "x"] == hessian["x(0)", "a"]
    with pytest.raises(KeyError, match="no derivative by 'y'"):
        hessian["a", "y"]


@pytest.mark.parametrize("sensealg", registry.NAMES)
def test_models_without_parameters_have_derivatives_by_initial_values_alone(sensealg):
    problem = symde.Problem("x' = -x\nx(0) = 1\ntime 0 .. 1")
    _, grad = symde.value_and_grad(squares, problem, sensealg=sensealg)
    assert grad["u0"] == pytest.approx([2 * np.exp(-2)], rel=1e-4) and grad["p"].shape == (0,)
    with pytest.raises(ValueError, match="the model has no parameters"):
        symde.value_and_grad(squares, problem, wrt="p", sensealg=sensealg)


# -- options


CALLS = {
    "value_and_grad": lambda **options: symde.value_and_grad(squares, PREDATORS, **options),
    "sensitivities": lambda **options: symde.sensitivities(PREDATORS, **options),
    "hessian": lambda **options: symde.hessian(second_order, PREDATORS, **options),
    "hessian_vector_product": lambda **options: symde.hessian_vector_product(
        second_order, PREDATORS, {"p": np.ones(4)}, **options
    ),
    "shadowing": lambda **options: symde.shadowing(PREDATORS, "x", **options),
    "steady_state": lambda **options: symde.steady_state(PREDATORS, **options),
}


@pytest.mark.parametrize("function", CALLS)
def test_options_of_other_programs_are_answered_with_the_ones_here(function):
    with pytest.raises(TypeError, match=f"{function} has no option `reltol`: did you mean `rtol`"):
        CALLS[function](reltol=1e-6)
    with pytest.raises(TypeError, match=f"{function} has no option `backend`: there are method"):
        CALLS[function](backend="cpu")


@pytest.mark.parametrize("function", ["value_and_grad", "hessian", "hessian_vector_product"])
@pytest.mark.parametrize(
    ("other", "told"),
    [
        ("InterpolatingAdjoint", "did you mean 'interpolating'"),
        ("BacksolveAdjoint", "did you mean 'backsolve'"),
        ("GaussAdjoint", "did you mean 'gauss'"),
        ("ForwardDiffSensitivity", "did you mean 'forward'"),
        ("ReverseDiffAdjoint()", "did you mean 'discrete'"),
        ("RecursiveCheckpointAdjoint", "did you mean 'discrete'"),
        ("adjoint", "did you mean 'interpolating'"),
        ("Forward", "did you mean 'forward'"),
        ("discret", "did you mean 'discrete'"),
        ("SteadyStateAdjoint", "symde.steady_state"),
        ("NILSS", "symde.shadowing"),
        (None, "there are auto, forward"),
        (3, "there are auto, forward"),
    ],
)
def test_strategies_of_other_programs_are_answered_with_the_ones_here(function, other, told):
    with pytest.raises(ValueError, match=told):
        CALLS[function](sensealg=other)


def test_every_foreign_name_means_a_strategy():
    assert set(registry.FOREIGN.values()) <= set(registry.NAMES)
    assert all(hasattr(symde, name.removeprefix("symde.")) for name in registry.ELSEWHERE.values())


def test_what_is_no_problem_is_told():
    for call in (
        lambda: symde.value_and_grad(squares, "x' = -x"),
        lambda: symde.sensitivities("x' = -x"),
        lambda: symde.hessian(second_order, "x' = -x"),
        lambda: symde.shadowing("x' = -x", "x"),
        lambda: symde.steady_state("x' = -x"),
    ):
        with pytest.raises(TypeError, match=r"expected a symde.Problem, found str"):
            call()


@pytest.mark.parametrize("of", [[], 3, {"x"}, [1], b"x"])
def test_what_a_loss_reads_has_names(of):
    with pytest.raises(TypeError, match="of takes the names"):
        symde.value_and_grad(squares, PREDATORS, of=of)


@pytest.mark.parametrize("sensealg", ["auto", *registry.NAMES])
def test_without_a_relative_tolerance_gradients_are_right_or_refused(sensealg):
    options = {"rtol": 0, "atol": 1e-8, "sensealg": sensealg}
    if sensealg in ("interpolating", "gauss", "backsolve"):
        with pytest.raises(ValueError, match="rtol = 0"):
            symde.value_and_grad(squares, PREDATORS, **options)
    else:
        _, expected = symde.value_and_grad(squares, PREDATORS, rtol=1e-9, sensealg="forward")
        _, found = symde.value_and_grad(squares, PREDATORS, **options)
        assert found.vector() == pytest.approx(expected.vector(), rel=1e-5)


# -- results


def test_two_names_are_two_names():
    results = (symde.sensitivities(PREDATORS), symde.hessian(second_order, PREDATORS))
    for result in results:
        for one in ("xa", "x", 0, ("x",), ("x", "a", "b")):
            with pytest.raises(TypeError, match=r"two names are needed, as in \w+\[\"\w+\", \"\w+\"\]"):
                result[one]


@pytest.mark.parametrize("vector", ["a", ["1"] * 6, [1j] * 6, None, {"p": ["1"] * 4}])
def test_a_direction_is_of_numbers(vector):
    with pytest.raises(TypeError, match=r"vector.* must be"):
        symde.hessian_vector_product(second_order, PREDATORS, vector)


@pytest.mark.parametrize("weights", ["x", [1j], [None]])
def test_weights_of_a_steady_state_are_numbers(weights):
    state = symde.steady_state(symde.Problem("param a = 2\nx' = a - x\nx(0) = 0\ntime 0 .. 10"))
    with pytest.raises(TypeError, match="weights must be"):
        state.gradient(weights)


@pytest.mark.parametrize("sensealg", registry.NAMES)
def test_results_go_to_other_processes(sensealg):
    _, grad = symde.value_and_grad(squares, PREDATORS, sensealg=sensealg)
    sent = pickle.loads(pickle.dumps(grad))
    assert (sent.vector() == grad.vector()).all() and sent.sensealg == sensealg
    assert sent.stats.steps == grad.stats.steps
    with pytest.raises(ValueError, match=r"read grad.error first"):
        sent.error  # noqa: B018 - it is found when it is read
    assert grad.error == pickle.loads(pickle.dumps(grad)).error


def test_hessians_go_to_other_processes():
    hessian = symde.hessian(second_order, PREDATORS)
    sent = pickle.loads(pickle.dumps(hessian))
    assert (sent.matrix == hessian.matrix).all() and sent.names == hessian.names
