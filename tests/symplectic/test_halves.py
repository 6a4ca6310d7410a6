"""Positions and momenta are found from the equations; models without them are refused with the reason."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.codegen.model_kernels import ModelGraph

from .systems import COUPLED, KEPLER, model, problem


def halves(text):
    graph = ModelGraph(symde.ode_def(text).definition)
    names = graph.definition.state_names
    found = graph.partition
    return [names[i] for i in found.positions], [names[i] for i in found.momenta], found.unsteady


def test_second_order_form_gives_positions_and_velocities():
    assert halves("x'' = -x*y\ny'' = -x^2")[:2] == (["x", "y"], ["x'", "y'"])


def test_a_hamiltonian_gives_them_in_any_order():
    text = "model M\nstate p = 1, q = 0\nhamiltonian H = p^2/2 - cos(q) for (q, p)\nend"
    # p comes first, and q' = p tells which is the position
    assert halves(text) == (["q"], ["p"], "")


def test_the_first_state_is_a_position_where_nothing_else_tells():
    positions, momenta, unsteady = halves("a' = sin(b)\nb' = cos(a)")
    assert (positions, momenta) == (["a"], ["b"])
    assert unsteady == "a' is not linear in the other states"


def test_parts_that_do_not_meet_are_told_apart_one_by_one():
    assert halves("a' = b\nb' = -sin(a)\nc' = -sin(d)\nd' = c")[:2] == (["a", "d"], ["b", "c"])


def test_a_state_that_follows_the_time_alone_is_a_momentum():
    assert halves("x' = cos(t)\nq' = p\np' = -q") == (["q"], ["x", "p"], "")


def test_masses_are_constants_and_moving_ones_are_not():
    assert halves("param m = 2\nq' = p/m\np' = -q")[2] == ""
    assert halves("q' = p/(1 + t)\np' = -q^3")[2] == "q' depends on the time t"


def test_steps_without_a_derivative_are_read_all_the_same():
    # floor(q) has derivative 0, and yet q' reads q
    with pytest.raises(ValueError, match="q' depends on q"):
        halves("q' = p + floor(q)\np' = -q")


REFUSED = [
    ("x' = y\ny' = -x - 0.1*y", "y' depends on y"),
    ("x'' = -x - 0.1*x'", "x'' depends on x'"),
    ("a' = b\nb' = c\nc' = a", "by the other equations both belong to the same half"),
]


@pytest.mark.parametrize("method", ["VelocityVerlet", "DPRKN6"])
@pytest.mark.parametrize("text, reason", REFUSED)
def test_what_has_no_halves_is_refused_with_the_states(method, text, reason):
    run = symde.Problem(symde.ode_def(text), u0=[1.0] * len(symde.ode_def(text).state_names), tspan=(0, 1))
    with pytest.raises(ValueError, match=reason) as caught:
        symde.solve(run, method, dt0=0.1)
    assert method in str(caught.value) and "GaussLegendre4" in str(caught.value)


def test_a_coupled_hamiltonian_is_refused_and_solved_by_collocation():
    with pytest.raises(ValueError, match="q' depends on q"):
        symde.solve(problem(COUPLED), "KahanLi6", dt0=0.1)
    assert symde.solve(problem(COUPLED), "GaussLegendre4", dt0=0.1).retcode.success


@pytest.mark.parametrize("method", ["McAte4", "DPRKN8"])
def test_methods_for_second_order_equations_need_them(method):
    text = "model M\nstate q = 1, p = 0\nhamiltonian H = cosh(p) + cosh(q) for (q, p)\nend"
    with pytest.raises(ValueError, match="q' is not linear in the other states"):
        symde.solve(symde.Problem(symde.ode_def(text), tspan=(0, 1)), method, dt0=0.1)
    assert symde.solve(symde.Problem(symde.ode_def(text), tspan=(0, 1)), "KahanLi6", dt0=0.1).retcode.success


def test_a_function_that_cannot_be_traced_is_refused():
    def pendulum(u, p, t):
        return [u[1], -u[0] if u[0] > 0 else -(u[0] ** 3)]

    with pytest.raises(ValueError, match="cannot be traced"):
        symde.solve(symde.Problem(pendulum, [1.0, 0.0], (0, 1)), "VelocityVerlet", dt0=0.1)


def test_a_traced_function_serves():
    run = symde.Problem(lambda u, p, t: [u[1], -np.sin(u[0])], [1.0, 0.0], (0, 1))
    exact = symde.solve(run, "Vern7", rtol=1e-12, atol=1e-12).u[-1]
    np.testing.assert_allclose(symde.solve(run, "KahanLi8", dt0=0.1).u[-1], exact, atol=1e-11)
    np.testing.assert_allclose(symde.solve(run, "DPRKN12", rtol=1e-12, atol=1e-12).u[-1], exact, atol=1e-11)


def test_momenta_that_are_no_velocities_serve_pairs_for_second_order_equations():
    text = """model Masses
      param m = 2, M = 5
      state q = 1, r = 0, p = 0, s = 1
      hamiltonian H = p^2/(2*m) + s^2/(2*M) + p*s/7 + (q - r)^4/4 + q^2/2 for (q, p), (r, s)
    end"""
    run = symde.Problem(symde.ode_def(text), tspan=(0, 10))
    exact = symde.solve(run, "Vern7", rtol=1e-13, atol=1e-13)
    times = np.linspace(0, 10, 201)
    for name in ("DPRKN6", "DPRKN8", "DPRKN12"):
        found = symde.solve(run, name, rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(found.u[-1], exact.u[-1], atol=1e-9)
        np.testing.assert_allclose(found(times), exact(times), atol=1e-7)


def test_kernels_of_the_halves_add_up_to_the_right_hand_side():
    graph = ModelGraph(model(KEPLER).definition)
    whole = graph.lowered.rhs
    zero = graph.lowered.graph.constant(0.0)
    (first,) = graph.kernel("rhs_positions").outputs
    (second,) = graph.kernel("rhs_momenta").outputs
    for node, one, other in zip(whole, first.nodes, second.nodes, strict=True):
        assert {one, other} == {node, zero}
    # no force is computed for a drift, and none for what is not read
    assert len(graph.kernel("rhs_positions").nodes()) == 3  # u, v, zero
