"""Initial values that constraints determine may be left out, and those that are given must fulfil them."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.derive.reduction import solvable

LOOP = """
model Loop
  param C1 = 1, C2 = 2, U = 5
  state v1 = {v1}, v2{v2}, v3{v3}
  state i = 0
  C1*v1' = i
  C2*v2' = i
  v1 + v2 = v3
  0 = v3 - U*cos(t)
  s = i + v3'
end
"""
"""Two capacitors in series at a source: v3 is given, v2 follows from v1."""


def loop(v1="0", v2="", v3=""):
    return symde.ode_def(LOOP.format(v1=v1, v2=v2, v3=v3))


def test_values_that_are_left_out_are_solved_for():
    problem = symde.Problem(loop(v1="1.5"), tspan=(0.0, 2.0))
    solution = symde.solve(problem, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        [solution[name][0] for name in ("v1", "v2", "v3")], [1.5, 3.5, 5.0], rtol=1e-14
    )
    # the charge that both capacitors take is the same
    np.testing.assert_allclose((solution["v1"] - 1.5), 2 * (solution["v2"] - 3.5), atol=1e-8)
    np.testing.assert_allclose(solution["v3"], 5 * np.cos(solution.t), atol=1e-8)


def test_no_more_are_guessed_than_constraints_determine():
    definition = solvable(loop(v1="0").definition)
    assert [state.name for state in definition.states if state.guess] == ["v2", "v3"]
    none_given = symde.ode_def(LOOP.format(v1="0", v2="", v3="").replace("v1 = 0", "v1"))
    guessed = [state.name for state in solvable(none_given.definition).states if state.guess]
    assert len(guessed) == 2
    with pytest.raises(ValueError, match="no value for state `v"):
        symde.Problem(none_given, tspan=(0.0, 1.0))


def test_values_that_contradict_a_constraint_are_refused_with_its_line():
    problem = symde.Problem(loop(v1="1", v2=" = 1", v3=" = 5"), tspan=(0.0, 1.0))
    with pytest.raises(symde.SolveError, match=r"(?s)contradict a constraint.*v1 \+ v2 = v3.*line 8"):
        symde.solve(problem)


def test_hidden_constraints_are_named_as_what_they_are():
    text = "state x = 1, y = 0, T = 0\nx'(0) = 1; y'(0) = 0\nx'' = -T*x\ny'' = -T*y - 1\nx^2 + y^2 = 1"
    model = symde.ode_def(text)
    with pytest.raises(symde.SolveError, match=r"(?s)the derivative by t of x\^2 \+ y\^2 = 1.*line 5"):
        symde.solve(symde.Problem(model, tspan=(0.0, 1.0)))


OBSERVED = "model A\nstate z = 0, x = 1\nx' = -z\n0 = z - x\ntime 0 .. 1\nend"


def test_guesses_that_are_not_needed_are_left_out():
    model = symde.ode_def(OBSERVED)
    for u0 in ({"x": 3.0, "z": 1.0}, [1.0, 3.0], [3.0], lambda p: [1.0, 3.0]):
        assert symde.Problem(model, u0=u0).u0 == [3.0]
    problem = symde.Problem(model)
    assert symde.remake(problem, u0={"z": 5.0}).u0 == [1.0]
    assert symde.remake(problem, u0=[5.0, 2.0]).u0 == [2.0]
    with pytest.raises(ValueError, match="unknown state `y`"):
        symde.Problem(model, u0={"y": 1.0})
    with pytest.raises(ValueError, match="expected 1 values of states"):
        symde.Problem(model, u0=[1.0, 2.0, 3.0])


def test_a_list_that_may_be_in_two_orders_is_refused():
    """z is observed, and z' of another model's order takes its place."""
    text = "state x = 1, z = 5, q = 7, w = 0\nx' = q\n0 = z^3 + z + x - t\n0 = z - exp(x) + z^2\n0 = w - x"
    model = symde.ode_def(text)
    system = symde.Problem(model, tspan=(0.0, 1.0)).system
    assert len(system.state_names) == len(model.state_names) and set(system.state_names) != set(
        model.state_names
    )
    with pytest.raises(ValueError, match="give the values by name"):
        symde.Problem(model, u0=[1.0, 2.0, 3.0, 4.0], tspan=(0.0, 1.0))


LEFT_OUT = """
param g = 9.81, L = 1
state x = 0.6, T = 0, y
x'(0) = 0.3
time 0 .. 1
x'' = -T*x
y'' = -T*y - g
x^2 + y^2 = L^2
"""
"""A pendulum whose height follows from where it is, and its velocity from another."""


@pytest.mark.parametrize("guess", [-50.0, -0.8, 1e-9, 0.1, 3.0, 1e3])
def test_several_guesses_at_once_come_from_far(guess):
    solution = symde.solve(symde.Problem(symde.ode_def(LEFT_OUT), u0={"y": guess}), saveat=[0.0])
    side = np.sign(guess)
    # y^2 = 1 - 0.36, and x x' + y y' = 0
    np.testing.assert_allclose([solution["y"][0], solution["y'"][0]], [side * 0.8, -side * 0.225], rtol=1e-11)


def test_derivatives_of_initial_values_that_are_left_out():
    problem = symde.Problem(symde.ode_def(LEFT_OUT), u0={"y": -1.0})
    options = {"rtol": 1e-9, "atol": 1e-10, "saveat": [0.0, 1.0]}
    for method in ("Rodas5P", "QNDF"):
        found = symde.sensitivities(problem, method, wrt=("g", "L", "x", "y"), **options)
        # y = -sqrt(L^2 - x^2), and y' = -x x'/y with x' = 0.3
        np.testing.assert_allclose(
            [found["y", "L"][0], found["y", "x(0)"][0]], [-1 / 0.8, 0.6 / 0.8], rtol=1e-9
        )
        np.testing.assert_allclose(found["y'", "L"][0], -0.6 * 0.3 / 0.8**3, rtol=1e-9)
        assert not found.du0[:, :, 1].any()  # a guess
        for place, name in enumerate(("g", "L")):

            def end(change, name=name):
                value = problem.p[problem.system.parameter_names.index(name)] + change
                return symde.solve(symde.remake(problem, p={name: value}), "Radau", **options).u

            np.testing.assert_allclose(found.dp[:, :, place], (end(1e-4) - end(-1e-4)) / 2e-4, atol=1e-4)


WATCHED = LEFT_OUT.replace("state x", "discrete n = 0\nstate x") + "passed: when x == 0.4: n += 1\n"


def test_derivatives_at_the_start_are_the_same_with_events():
    problem = symde.Problem(symde.ode_def(WATCHED), u0={"y": -1.0})
    plain = symde.Problem(symde.ode_def(LEFT_OUT), u0={"y": -1.0})
    options = {"wrt": ("L", "x"), "rtol": 1e-9, "atol": 1e-10, "saveat": [0.0, 1.0]}
    found, expected = symde.sensitivities(problem, **options), symde.sensitivities(plain, **options)
    assert found.u[-1, -1] > 0
    for state in ("x", "y", "x'", "y'", "T"):
        for by in ("L", "x(0)"):
            np.testing.assert_allclose(found[state, by], expected[state, by], rtol=1e-6)


def test_derivatives_that_leave_a_constraint_are_refused_with_events_too():
    text = WATCHED.replace(", y", ", y = -0.8").replace("x'(0) = 0.3", "x'(0) = 0; y'(0) = 0")
    problem = symde.Problem(symde.ode_def(text))
    with pytest.raises(ValueError, match=r"leaves the constraint `x\^2 \+ y\^2 = L\^2` when L changes alone"):
        symde.sensitivities(problem, wrt="L")
    symde.sensitivities(problem, wrt="g")


CRANK = """
param r = 0.2, l = 0.5, tau = 0.3
state angle = 0.5, push = 0, side = 0
state rod
state slide
angle'(0) = 2
time 0 .. 0.5
0.1*angle'' = tau + push*r*sin(angle) - side*r*cos(angle)
0.4*slide'' = push
0.01*rod'' = push*l*sin(rod) - side*l*cos(rod)
0 = slide - r*cos(angle) - l*cos(rod)
0 = r*sin(angle) + l*sin(rod)
"""


def test_a_crank_by_its_length_and_its_speed():
    problem = symde.Problem(symde.ode_def(CRANK))
    found = symde.sensitivities(problem, wrt=("r", "angle'"), rtol=1e-9, atol=1e-11, saveat=[0.0, 0.5])
    value = dict(zip(problem.system.state_names, found.u[0], strict=True))
    s, c, w = 0.2 * np.sin(0.5), 0.2 * np.cos(0.5), 2.0
    rod = -np.sqrt(0.25 - s**2)  # -l cos(rod)
    # sin(rod) = -r sin(angle)/l
    np.testing.assert_allclose(value["rod"], np.arcsin(-s / 0.5), rtol=1e-12)
    np.testing.assert_allclose(found["rod", "r"][0], np.sin(0.5) / rod, rtol=1e-9)
    np.testing.assert_allclose(found["slide'", "angle'(0)"][0], -s + s * c / rod, rtol=1e-9)
    assert value["slide'"] == pytest.approx((-s + s * c / rod) * w, rel=1e-12)

    def end(r, speed):
        moved = symde.remake(problem, p={"r": r}, u0={"angle'": speed})
        return symde.solve(moved, rtol=1e-11, atol=1e-12, saveat=[0.5]).u[-1]

    h = 1e-4
    np.testing.assert_allclose(found.dp[-1, :, 0], (end(0.2 + h, 2) - end(0.2 - h, 2)) / (2 * h), rtol=1e-5)
    np.testing.assert_allclose(found.du0[-1, :, 0], (end(0.2, 2 + h) - end(0.2, 2 - h)) / (2 * h), rtol=1e-5)


MORE_IN_THE_TEXT = (
    "param a = 1\nstate x = a, z = 0, w = 3\nx' = -z*w\n0 = z - 2*x\n0 = w + w^3 - z\ntime 0 .. 1"
)
"""z becomes an observed quantity, and x and w are solved for."""


@pytest.mark.parametrize(
    "u0", [lambda p: [p[0], 0, 3], lambda p: [p[0], 3], lambda p: {"x": p[0], "z": 0.0, "w": 3.0}]
)
def test_functions_of_the_parameters_may_give_all_states_of_the_text(u0):
    model = symde.ode_def(MORE_IN_THE_TEXT)
    found = symde.sensitivities(symde.Problem(model, u0=u0), wrt="a")
    np.testing.assert_array_equal(found.dp, symde.sensitivities(symde.Problem(model), wrt="a").dp)


def test_integrators_and_fits_take_all_states_of_the_text():
    problem = symde.Problem(symde.ode_def(MORE_IN_THE_TEXT))
    integrator = symde.Integrator(problem)
    for u in ({"x": 2.0, "z": 1.0}, [2.0, 1.0, 1.0], [2.0, 1.0]):
        integrator.set_u(u)
        # w + w^3 = 2*2
        np.testing.assert_allclose(integrator.u, [2.0, 1.3787967001295525], rtol=1e-14)
    times = np.linspace(0.2, 1, 5)
    data = {"t": times, "z": symde.solve(problem, rtol=1e-8, atol=1e-10, saveat=times)["z"]}
    start = {"x": 1.0, "z": 0.0, "w": 1.0}
    assert symde.Experiment(data, u0=start).matched(problem).fixed_u0 == {"x": 1.0, "w": 1.0}
