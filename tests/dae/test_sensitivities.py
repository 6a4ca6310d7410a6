"""Derivatives of solutions of M u' = f: forward sensitivities, the start's algebraic variables among them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import symde
from symde.language.syntax import Name, Negate
from tests.dae.problems import amplifier
from tests.dae.systems import METHODS, unreduced, with_mass
from tests.dae.test_projection import CONSTRAINTS

LINEAR = """
model Linear
  param a = 1, b = 2, c = 1
  state x = 1 + c/2, z = 5
  time 0 .. 2
  x' = -a*x + z
  z' = c*x - b*z + sin(2*t)
end
"""
TIMES = [0.0, 0.5, 2.0]

MASSIVE = """
model Massive
  param a = 2, k = 5, e = 0.3, c = 0.5
  state x = 1, y = 0.5, w = 0, z = 1
  time 0 .. 2
  x' = -k*x + y*z + cos(t)
  y' = x - y^2
  w' = k*(x - w) + sin(3*t)
  z' = z^3 + z - x*c - 1
end
"""
ENTRIES = (
    ("x", "x", "a"), ("x", "y", 0.5), ("y", "y", "e"), ("y", "w", -0.25), ("w", "x", 0.3), ("w", "w", 1.5),
)  # fmt: skip


def linear():
    return symde.Problem(with_mass(LINEAR, algebraic=("z",)))


def differences(problem, names, times, part=1e-3):
    """Central differences of fourth order by parameters, shape (n_times, n, len(names))."""
    columns = []
    for name in names:
        value = problem.p[problem.system.parameter_names.index(name)]
        h = part * value

        def at(change, name=name, value=value):
            moved = symde.remake(problem, p={name: value + change})
            return symde.solve(moved, "Rodas5P", rtol=1e-11, atol=1e-13, saveat=times).u

        columns.append((8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h))
    return np.stack(columns, axis=-1)


@pytest.fixture(scope="module")
def linear_reference():
    return differences(linear(), ("a", "b", "c"), TIMES)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_differentiates(method, linear_reference):
    rtol = 1e-5 if method in ("Rosenbrock23", "TRBDF2") else 1e-7
    found = symde.sensitivities(linear(), method, rtol=rtol, atol=0.1 * rtol, saveat=TIMES)
    np.testing.assert_allclose(found.dp, linear_reference, rtol=0, atol=100 * rtol)
    # x by its own start falls like the homogeneous solution, z = x/2 with it; a guess changes nothing
    decay = np.exp(-0.5 * np.array(TIMES))
    np.testing.assert_allclose(found["x", "x(0)"], decay, atol=100 * rtol)
    np.testing.assert_allclose(found["z", "x(0)"], 0.5 * decay, atol=100 * rtol)
    assert not found["x", "z(0)"].any()
    assert not found["z", "z(0)"].any()


def test_algebraic_variables_begin_with_derivatives_of_their_equations():
    found = symde.sensitivities(linear(), rtol=1e-6, atol=1e-6, saveat=[0.0])
    # z = (c x + sin 2t)/b, x = 1 + c/2: at c = 1, b = 2
    np.testing.assert_allclose(found.dp[0], [[0, 0, 0.5], [0, -0.375, 1.0]], atol=1e-14)
    np.testing.assert_allclose(found.du0[0], [[1, 0], [0.5, 0]], atol=1e-14)


@pytest.mark.parametrize("method", ["Rodas5P", "QNDF", "KenCarp4", "Radau"])
def test_parameters_of_the_mass_matrix(method):
    problem = symde.Problem(with_mass(MASSIVE, ENTRIES, algebraic=("z",)))
    names = ("a", "k", "e", "c")
    found = symde.sensitivities(problem, method, wrt=names, rtol=1e-8, atol=1e-9, saveat=TIMES)
    np.testing.assert_allclose(found.dp, differences(problem, names, TIMES), atol=1e-7)


@pytest.mark.parametrize("solver", ["auto", "dense", "sparse"])
@pytest.mark.parametrize("method", ["Rodas5P", "FBDF", "Radau"])
def test_the_amplifier_by_its_parts(method, solver):
    problem = symde.remake(symde.Problem(amplifier()), tspan=(0, 0.02))
    names, times = ("Ub", "UF", "alpha", "beta", "R"), [0.0, 0.003, 0.02]
    found = symde.sensitivities(
        problem, method, wrt=names, rtol=1e-6, atol=1e-9, saveat=times, linear_solver=solver
    )
    sizes = np.array([problem.p[problem.system.parameter_names.index(name)] for name in names])
    expected = differences(problem, names, times, 1e-4) * sizes
    assert np.abs(expected).max() > 1
    np.testing.assert_allclose(found.dp * sizes, expected, rtol=1e-4, atol=1e-6)


def test_a_capacitor_between_nodes():
    text = "model Capacitor\n param C = 2\n state x = 1, y = 0\n time 0 .. 3\n x' = -x + 1\n y' = -y\nend"
    names = [("x", "x", "C"), ("x", "y", "C"), ("y", "x", "C"), ("y", "y", "C")]
    model = with_mass(text, names)
    mass = tuple(
        entry if entry.row == entry.column else dataclasses.replace(entry, value=Negate(Name("C")))
        for entry in model.definition.mass
    )
    problem = symde.Problem(unreduced(dataclasses.replace(model.definition, mass=mass)))
    found = symde.sensitivities(problem, wrt="p", rtol=1e-9, atol=1e-10, saveat=[3.0])
    # 2 C (x - y)' = 1 - (x - y) from 1: it stays there, whatever C
    np.testing.assert_allclose(found.dp, 0.0, atol=1e-8)
    charged = symde.remake(problem, u0={"x": 2.0, "y": 0.0})
    found = symde.sensitivities(charged, wrt="p", rtol=1e-9, atol=1e-10, saveat=[3.0])
    # v = 1 + exp(-t/(2C)), x = (1 + v)/2 and y = (1 - v)/2
    by_c = np.exp(-3 / 4) * 3 / 8
    np.testing.assert_allclose(found.dp[-1, :, 0], [by_c / 2, -by_c / 2], rtol=1e-6)


def weighted(weights):
    return lambda u: ((weights * u).sum(), weights.copy())


@pytest.mark.parametrize("method", [name for name in METHODS if name not in ("QNDF", "FBDF")])
def test_discrete_adjoints_agree_with_forward_sensitivities(method):
    # through saved points between steps, the end, and the algebraic variable of the start
    weights = np.random.default_rng(3).normal(size=(3, 2))
    rtol = 1e-5 if method in ("Rosenbrock23", "TRBDF2", "KenCarp3") else 1e-8
    options = {"rtol": rtol, "atol": 0.01 * rtol, "saveat": TIMES}
    found = symde.sensitivities(linear(), method, **options)
    _, gradient = symde.value_and_grad(weighted(weights), linear(), method, sensealg="discrete", **options)
    np.testing.assert_allclose(gradient["p"], np.einsum("ti,tij->j", weights, found.dp), atol=400 * rtol)
    np.testing.assert_allclose(gradient["u0"], np.einsum("ti,tij->j", weights, found.du0), atol=400 * rtol)


@pytest.mark.parametrize("method", ["Rodas5P", "Radau", "KenCarp5"])
def test_discrete_adjoints_are_exact_for_the_steps_taken(method):
    # equal steps, much too long for five digits, in both: the same computation is differentiated twice
    problem = symde.Problem(with_mass(MASSIVE, ENTRIES, algebraic=("z",)))
    options = {"rtol": 1e-2, "atol": 1e6, "dt0": 0.1, "dtmax": 0.1, "saveat": [0.33, 2.0], "wrt": ("k", "c")}
    if method != "Rodas5P":  # whose stages are solved to the tolerance
        options |= {"rtol": 1e-6, "atol": 1e-6, "dtmax": 0.01, "dt0": 0.01}
    weights = np.random.default_rng(5).normal(size=(2, 4))
    found = symde.sensitivities(problem, method, **options)
    _, gradient = symde.value_and_grad(weighted(weights), problem, method, sensealg="discrete", **options)
    expected = np.einsum("ti,tij->j", weights, found.dp)
    np.testing.assert_allclose(
        [gradient["k"], gradient["c"]], expected, rtol=1e-11 if method == "Rodas5P" else 1e-6
    )


@pytest.mark.parametrize("method", ["Rodas5P", "Radau"])
def test_discrete_adjoints_of_a_singular_matrix_without_empty_rows(method):
    problem = symde.remake(symde.Problem(amplifier()), tspan=(0, 0.02))
    weights = np.random.default_rng(4).normal(size=(2, 8))
    options = {"rtol": 1e-7, "atol": 1e-10, "saveat": [0.003, 0.02], "wrt": ("Ub", "UF", "alpha", "R")}
    found = symde.sensitivities(problem, method, **options)
    _, gradient = symde.value_and_grad(weighted(weights), problem, method, sensealg="discrete", **options)
    expected = np.einsum("ti,tij->j", weights, found.dp)
    np.testing.assert_allclose([gradient[name] for name in options["wrt"]], expected, rtol=1e-5)


def test_discrete_adjoints_do_not_divide_by_the_matrix():
    # where m is 0, x is an algebraic variable
    text = "param m = 0, k = 2\nstate x = 1, y = 1\ntime 0 .. 2\nm*x' = -x + k*y\ny' = -k*y"
    problem = symde.Problem(symde.ode_def(text))
    loss = weighted(np.array([[1.0, 0.0]]))
    for method in ("Rodas5P", "Radau", "KenCarp4"):
        value, gradient = symde.value_and_grad(
            loss, problem, method, sensealg="discrete", wrt="k", rtol=1e-9, atol=1e-11
        )
        # x = k exp(-k t)
        assert value == pytest.approx(2 * np.exp(-4), rel=1e-7)
        assert gradient["k"] == pytest.approx(np.exp(-4) * (1 - 2 * 2), rel=1e-6)


def test_a_parameter_that_takes_a_derivative_away_is_refused():
    text = "param m = 0, k = 2\nstate x = 1, y = 1\ntime 0 .. 2\nm*x' = -x + k*y\ny' = -k*y"
    problem = symde.Problem(symde.ode_def(text))
    with pytest.raises(
        ValueError, match=r"by `m` is known here.*`m\*x' = -x \+ k\*y` has no derivative left"
    ):
        symde.sensitivities(problem)
    symde.sensitivities(symde.remake(problem, p={"m": 0.1}))


def test_discrete_adjoints_refuse_what_they_do_not_know():
    problem = symde.Problem(with_mass(MASSIVE, ENTRIES, algebraic=("z",)))
    loss = weighted(np.ones((1, 4)))
    with pytest.raises(ValueError, match="QNDF has no discrete adjoint"):
        symde.value_and_grad(loss, problem, "QNDF", sensealg="discrete", wrt="k")
    pendulum = symde.Problem(with_mass(PENDULUM, algebraic=("lam",), invariants=CONSTRAINTS))
    with pytest.raises(ValueError, match="knows no projections onto invariants"):
        symde.value_and_grad(weighted(np.ones((1, 5))), pendulum, sensealg="discrete", wrt="g")


def test_gradients_choose_among_what_is_known():
    def loss(u):
        return (u**2).sum(), 2 * u

    value, gradient = symde.value_and_grad(loss, linear(), saveat=TIMES, rtol=1e-8, atol=1e-9)
    assert gradient.sensealg in ("forward", "discrete")
    found = symde.sensitivities(linear(), saveat=TIMES, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(gradient["p"], np.einsum("ti,tij->j", 2 * found.u, found.dp), rtol=1e-6)
    assert value == pytest.approx((found.u**2).sum(), rel=1e-7)


def test_other_derivatives_say_that_they_cannot():
    problem = symde.Problem(
        with_mass(MASSIVE.replace("cos(t)", "1").replace("sin(3*t)", "1"), ENTRIES, ["z"])
    )
    with pytest.raises(ValueError, match="knows no eigenvalues of models with equations without"):
        symde.steady_state(problem)
    with pytest.raises(ValueError, match="knows no tangents of models with equations without"):
        symde.shadowing(problem, "x", wrt="k")


def test_torch_says_that_it_cannot():
    torch = pytest.importorskip("torch")
    from symde import layers

    with pytest.raises(ValueError, match="torch functions know no models with equations without"):
        layers.diffeq(torch.ones(3, dtype=torch.float64), linear())
    with pytest.raises(ValueError, match="the torch engine has no equations without"):
        symde.solve(linear(), backend="torch")


def test_second_derivatives_say_that_they_cannot():
    with pytest.raises(ValueError, match="central differences of first derivatives"):
        symde.hessian(lambda u: (u.sum(), np.ones_like(u), lambda v: 0 * v), linear(), wrt="p")


PENDULUM = """
model Pendulum
  param g = 9.81, L = 1
  state x = 0.6*L, y = -0.8*L, v = 0, w = 0, lam = 0
  time 0 .. 1.5
  x' = v
  y' = w
  v' = -lam*x
  w' = -lam*y - g
  lam' = v^2 + w^2 - lam*(x^2 + y^2) - g*y
  length = x^2 + y^2 - L^2
  along = x*v + y*w
end
"""


def test_derivatives_along_constraints():
    problem = symde.Problem(with_mass(PENDULUM, algebraic=("lam",), invariants=CONSTRAINTS))
    found = symde.sensitivities(problem, "Rodas5P", wrt=("g", "L"), rtol=1e-8, atol=1e-8, saveat=[0.0, 1.5])
    expected = differences(problem, ("g", "L"), [0.0, 1.5])
    np.testing.assert_allclose(found.dp, expected, atol=1e-5)


def test_derivatives_that_leave_a_constraint_are_refused():
    text = PENDULUM.replace("0.6*L", "0.6").replace("-0.8*L", "-0.8")
    problem = symde.Problem(with_mass(text, algebraic=("lam",), invariants=CONSTRAINTS))
    symde.sensitivities(problem, wrt="g", saveat=[1.0])
    with pytest.raises(ValueError, match="leaves the constraint `length` when L changes alone"):
        symde.sensitivities(problem, wrt="L", saveat=[1.0])
    with pytest.raises(ValueError, match="leaves the constraint `length` when x\\(0\\) changes alone"):
        symde.sensitivities(problem, wrt=("x",), saveat=[1.0])
