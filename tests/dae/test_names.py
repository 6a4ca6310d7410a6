"""Names of variables that equations give outright, and that what is solved no longer has as states."""

from __future__ import annotations

import numpy as np
import pytest

import symde

TEXT = """
model Named
  param a = 2, b = 3
  state x = 1, z = 1, w = 0, v = -0.5
  time 0 .. 1 + b
  x' = -a*x + w
  0 = z - b*x
  0 = w^3 + w - x*z
  0 = v + w
  y = z^2 + a*t + w
end
"""
OPTIONS = {"rtol": 1e-9, "atol": 1e-11}


@pytest.fixture(scope="module")
def problem():
    return symde.Problem(symde.ode_def(TEXT))


def test_they_are_observed_quantities(problem):
    assert problem.system.state_names == ("x", "v")
    solution = symde.solve(problem)
    np.testing.assert_allclose(solution["z"], 3 * solution["x"], rtol=1e-14)
    np.testing.assert_array_equal(solution["w"], -solution["v"])


def test_sensitivities_of_what_is_computed_from_states(problem):
    found = symde.sensitivities(problem, saveat=[0.0, 0.5], **OPTIONS)
    np.testing.assert_allclose(found["z", "a"], 3 * found["x", "a"], rtol=1e-14)
    np.testing.assert_allclose(found["z", "b"], 3 * found["x", "b"] + found.u[:, 0], rtol=1e-14)
    np.testing.assert_allclose(found["z", "x(0)"], 3 * found["x", "x(0)"], rtol=1e-14)
    np.testing.assert_allclose(found["w", "b"], -found["v", "b"], rtol=1e-14)
    by_a = 2 * found.solution["z"] * found["z", "a"] + found.t + found["w", "a"]
    np.testing.assert_allclose(found["y", "a"], by_a, rtol=1e-13)


def test_also_where_the_end_follows_a_parameter(problem):
    def end(value):
        return symde.solve(symde.remake(problem, p={"b": value}), **OPTIONS)["y"][-1]

    h = 1e-3
    expected = (8 * (end(3 + h) - end(3 - h)) - (end(3 + 2 * h) - end(3 - 2 * h))) / (12 * h)
    found = symde.sensitivities(problem, wrt="b", **OPTIONS)
    assert found["y", "b"][-1] == pytest.approx(expected, rel=1e-6)


def test_unknown_names_are_told_with_those_there_are(problem):
    found = symde.sensitivities(problem, saveat=[0.5])
    with pytest.raises(KeyError, match="unknown quantity 'q': the model has x, v, z, w, y"):
        found["q", "a"]
    with pytest.raises(KeyError, match=r"no derivative by 'z\(0\)' was asked for: there are a, b, x\(0\)"):
        found["x", "z(0)"]


def test_losses_read_them(problem):
    def loss(values):
        return (values**2).sum(), 2 * values

    options = {"saveat": [0.5, 1.0], "wrt": ("a", "b"), "of": ("z", "y"), **OPTIONS}
    found = {
        sensealg: symde.value_and_grad(loss, problem, sensealg=sensealg, **options)
        for sensealg in ("forward", "discrete", "interpolating")
    }
    sens = symde.sensitivities(problem, saveat=[0.5, 1.0], **OPTIONS)
    for sensealg in found:
        for name in ("a", "b"):
            expected = sum(2 * (sens.solution[q] * sens[q, name]).sum() for q in ("z", "y"))
            assert found[sensealg][1][name] == pytest.approx(expected, rel=1e-6)


def test_tolerances_of_aliases_are_those_of_what_they_are(problem):
    named = symde.solve(problem, "Rodas5P", rtol=1e-4, atol={"x": 1e-7, "w": 1e-8})
    plain = symde.solve(problem, "Rodas5P", rtol=1e-4, atol={"x": 1e-7, "v": 1e-8})
    np.testing.assert_array_equal(named.u, plain.u)
    both = symde.solve(problem, "Rodas5P", rtol=1e-4, atol={"x": 1e-7, "w": 1e-3, "v": 1e-8})
    np.testing.assert_array_equal(both.u, plain.u)
    found = symde.sensitivities(problem, "Rodas5P", rtol=1e-4, atol={"w": 1e-8}, saveat=[1.0])
    assert np.isfinite(found.dp).all()


def test_tolerances_of_others_are_explained(problem):
    with pytest.raises(ValueError, match=r"the equations give `z` outright, as `b\*x`.*that of `x` makes"):
        symde.solve(problem, atol={"z": 1e-3})
    with pytest.raises(ValueError, match=r"`y` is an observed quantity.*that of `x`, `v` makes of it"):
        symde.solve(problem, atol={"y": 1e-3})
    with pytest.raises(ValueError, match="unknown state `q`"):
        symde.solve(problem, atol={"q": 1e-3})


def test_initial_values_of_them_are_explained(problem):
    with pytest.raises(ValueError, match=r"wrt: the equations give `z` outright.*by initial values of `x`"):
        symde.sensitivities(problem, wrt=["z"])
    with pytest.raises(ValueError, match=r"wrt: `y` is an observed quantity.*no initial value"):
        symde.value_and_grad(lambda u: (u.sum(), np.ones_like(u)), problem, wrt=["a", "y(0)"])
    with pytest.raises(ValueError, match="unknown parameter or state `q`"):
        symde.sensitivities(problem, wrt=["q"])


def test_sensitivities_of_observed_quantities_where_an_event_ends_the_solve():
    text = "param k = 2\nstate x = 1\ntime 0 .. 9\nx' = -k*x\ny = x + t\nlow: when x < 0.5: stop"
    found = symde.sensitivities(symde.Problem(symde.ode_def(text)), wrt=("p", "u0"), **OPTIONS)
    # the end is at log(2 x0)/k, where x is 1/2
    assert found["y", "k"][-1] == pytest.approx(-np.log(2) / 4, rel=1e-7)
    assert found["y", "x(0)"][-1] == pytest.approx(1 / 2, rel=1e-7)


def test_ensembles_take_guesses_of_them_that_are_not_needed(problem):
    ensemble = symde.ensemble(problem, u0={"z": np.array([1.0, 2.0]), "x": 2.0}, saveat=[1.0])
    assert ensemble["z"].shape == (2, 1)
    assert ensemble["z"][0] == ensemble["z"][1]
    with pytest.raises(ValueError, match="unknown state `q`"):
        symde.ensemble(problem, u0={"q": np.array([1.0, 2.0])})


@pytest.mark.parametrize("states", ["z = -1, w = 0", "w = 0, z = -1", "z = -1, w"])
@pytest.mark.parametrize("alias", ["0 = z + w", "0 = w + z"])
def test_guesses_of_aliases_choose_among_solutions(states, alias):
    text = f"state x = 1, {states}\ntime 0 .. 1\nx' = -x\n0 = z^2 - x\n{alias}"
    problem = symde.Problem(symde.ode_def(text))
    solution = symde.solve(problem)
    assert solution["z"][0] == pytest.approx(-1)
    assert solution["w"][0] == pytest.approx(1)
    for name, z in (("z", 3.0), ("w", -3.0), ("w", 2.0)):
        found = symde.solve(symde.remake(problem, u0={name: z}))
        assert found[name][0] == pytest.approx(np.sign(z))
    several = symde.ensemble(problem, u0={"w": np.array([-2.0, 2.0])}, saveat=[0.0])
    np.testing.assert_allclose(several["w"][:, 0], [-1.0, 1.0], rtol=1e-6)


def test_guesses_of_aliases_change_no_initial_value():
    text = "state x = 1, z = 5\ntime 0 .. 1\nx' = -x\n0 = z - x"
    problem = symde.Problem(symde.ode_def(text), u0={"z": 7.0})
    assert symde.solve(problem)["x"][0] == 1.0
