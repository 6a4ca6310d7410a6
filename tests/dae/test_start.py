"""Consistent values at the start, and starts that have none."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.engine.cpu.layout import Status
from symde.plan import plan_for
from symde.sessions import make_session
from symde.solve import begin
from tests.dae.problems import AMPLIFIER, akzo, amplifier
from tests.dae.systems import METHODS, SOLVERS, with_mass

FALLING = """
model Falling
  param k = 2
  state x = {x}, z = {z}
  time 0 .. 1
  x' = -z
  z' = {equation}
end
"""


def falling(equation, x=1, z=1):
    return symde.Problem(with_mass(FALLING.format(equation=equation, x=x, z=z), algebraic=("z",)))


@pytest.mark.parametrize("method", METHODS)
def test_algebraic_variables_are_solved_for_and_others_keep_their_values(method):
    solution = symde.solve(falling("exp(z) - 3*x", z=-1), method, rtol=1e-4, atol=1e-4)
    assert solution.u[0, 0] == 1.0
    # far below the tolerance of the solve
    assert solution.u[0, 1] == pytest.approx(np.log(3), rel=1e-14)


@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_finds_them(solver):
    if solver == "klu":
        pytest.importorskip("nbklu")
    problem = symde.remake(symde.Problem(akzo()), u0={"y6": 7.0})
    solution = symde.solve(problem, "QNDF", linear_solver=solver, saveat=[0.0, 1.0])
    np.testing.assert_allclose(
        solution.u[0], [0.444, 0.00123, 0, 0.007, 0, 115.83 * 0.444 * 0.007], rtol=1e-13
    )


@pytest.mark.parametrize("guess", [1e3, -50.0, 0.0])
def test_far_guesses_are_damped(guess):
    # an undamped iteration for the arctangent diverges from beyond 1.4
    solution = symde.solve(falling("atan(z) - 0.1*x", z=guess), saveat=[0.0])
    assert solution.u[0, 1] == pytest.approx(np.tan(0.1), rel=1e-13)


def test_what_the_rows_of_a_matrix_keep_is_kept():
    # the capacitors' voltages, not the nodes' own
    problem = symde.remake(symde.Problem(amplifier()), u0={"y1": 0.3, "y2": 3.4})
    start = symde.solve(problem, rtol=1e-8, atol=1e-10, saveat=[0.0]).u[0]
    assert start[1] - start[0] == pytest.approx(3.1, rel=1e-12)
    residual = problem.system.slope(0.0, start, problem.p)
    # the sums of rows over the input's capacitor: currents of 1e-4
    lowered = problem.system.kernels.lowered
    constraints = [i for i, row in enumerate(lowered.mass) if not row]
    assert len(constraints) == 3
    assert np.abs(residual[constraints]).max() < 1e-16
    assert "y8" in AMPLIFIER


def test_the_worst_equation_is_named():
    with pytest.raises(symde.SolveError) as caught:
        symde.solve(falling("z^2 + x", z=0.5))
    message = str(caught.value)
    assert caught.value.solution.retcode is symde.Retcode.INCONSISTENT
    assert "worst equation: z' = z^2 + x" in message
    assert "line 7" in message
    assert "residual:       1 at x = 1" in message
    assert "nearer to a solution" in message


def test_equations_of_higher_index_are_told():
    with pytest.raises(symde.SolveError, match="(?s)worst equation: z' = x - 2.*the index is above 1"):
        symde.solve(falling("x - 2"))


def unsolved(equations, u0=None):
    model = symde.ode_def(f"state x = 1, z = 0, w = 0\nx' = -z\n{equations}")
    with pytest.raises(symde.SolveError) as caught:
        symde.solve(symde.Problem(model, u0=u0, tspan=(0, 1)))
    return str(caught.value)


@pytest.mark.parametrize(
    ("equations", "said"),
    [
        (
            "z + w = 1\n2*z + 2*w = 3",
            "z, w by z + w = 1 (<string>, line 3); 2*z + 2*w = 3 (<string>, line 4)",
        ),
        ("0 = z^2 - x\n0 = w + w^3 - x", "z by 0 = z^2 - x (<string>, line 3)"),
        ("0 = z - z + x - 1\n0 = w + w^3 - x", "z by 0 = z - z + x - 1 (<string>, line 3)"),
        ("0 = (z + w)^2 - x\n0 = (z + w)^3", "z, w by 0 = (z + w)^2 - x (<string>, line 3); 0 = (z + w)^3 ("),
    ],
)
def test_equations_that_depend_on_each_other_are_named(equations, said):
    message = unsolved(equations)
    assert f"  undetermined:   {said}" in message
    assert "x' = -z" not in message


def test_redundant_constraints_are_named():
    text = (
        "state x = 1, y = 0, T = 0, S = 0\nx'(0) = 0; y'(0) = 0\nx'' = -T*x - S*x\ny'' = -T*y - S*y - 1\n"
        "x^2 + y^2 = 1\n(x - 1)*(x + 1) + y^2 = 0"
    )
    with pytest.raises(
        symde.SolveError, match=r"T, S by x\^2 \+ y\^2 = 1 \(.*line 5\); \(x - 1\)\*\(x \+ 1\)"
    ):
        symde.solve(symde.Problem(symde.ode_def(text), tspan=(0, 1)))


def test_values_that_were_solved_for_are_named_with_their_guess():
    text = "state x = 0.6, T = 0, y\nx'(0) = 0.3\nx'' = -T*x\ny'' = -T*y - 1\nx^2 + y^2 = 1"
    with pytest.raises(symde.SolveError, match=r"help: y = 0 as solved for.*u0=\{'y': \.\.\.\}"):
        symde.solve(symde.Problem(symde.ode_def(text), tspan=(0, 1)))


@pytest.mark.parametrize("guess", [30.0, 100.0, 250.0])
def test_an_exponential_is_left_however_steep(guess):
    solution = symde.solve(falling("exp(z) - 3*x", z=guess), saveat=[0.0])
    assert solution.u[0, 1] == pytest.approx(np.log(3), rel=1e-14)


def test_a_correction_beyond_all_numbers_is_no_domain():
    with pytest.raises(symde.SolveError, match="(?s)residual: *-3 at.*guesses, nearer to a solution"):
        symde.solve(falling("exp(z) - 3*x", z=-700))
    with pytest.raises(symde.SolveError, match="guesses inside its domain"):
        symde.solve(falling("sqrt(z) - 3*x", z=0))


def test_guesses_outside_a_domain_are_told():
    with pytest.raises(symde.SolveError, match="(?s)log\\(z\\).*guesses inside its domain"):
        symde.solve(falling("log(z) - x", z=-2))


def test_what_is_left_of_the_equations_is_told():
    solution = symde.solve(falling("exp(z) - 3*x", z=-1), rtol=1e-6, atol=1e-6)
    (left,) = solution.residuals.values()
    assert list(solution.residuals) == ["z' = exp(z) - 3*x"]
    np.testing.assert_allclose(left, np.exp(solution["z"]) - 3 * solution["x"], atol=1e-15)
    assert abs(left[0]) < 1e-14
    assert np.abs(left).max() < 1e-6
    assert symde.solve(symde.Problem(symde.ode_def("x' = -x"), u0={"x": 1}, tspan=(0, 1))).residuals == {}


def test_nothing_is_raised_where_that_is_asked_for():
    solution = symde.solve(falling("z^2 + x", z=0.5), throw=False)
    assert solution.retcode is symde.Retcode.INCONSISTENT
    assert not solution.success


def test_a_session_goes_on_after_a_start_that_failed():
    problem = falling("z^2 - k*x", z=1)
    for _ in range(2):
        assert not symde.solve(symde.remake(problem, p={"k": -1.0}), throw=False).success
        solution = symde.solve(problem, saveat=[0.0])
        assert solution.u[0, 1] == pytest.approx(np.sqrt(2), rel=1e-14)


def test_values_are_made_consistent_after_an_event():
    problem = falling("z^2 - k*x", z=1)
    plan = plan_for(problem.system, "Rodas5P", 1e-6, None, None, 1000, "auto", None)
    session = make_session(problem.system, plan)
    begin(session, problem, plan, 1e-8, None, False, True)
    assert session.run() == Status.STEPPED
    z = session.vector("u")[1]
    session.load_u(np.array([0.5, z]))  # as events do
    assert session.make_consistent() == Status.DONE
    np.testing.assert_allclose(session.vector("u"), [0.5, 1.0], rtol=1e-14)
    while session.run() == Status.STEPPED:
        pass
    t = session.state.t
    assert t == 1.0


@pytest.mark.parametrize("method", ["Rodas5P", "QNDF", "KenCarp4", "Radau"])
def test_an_integrator_makes_new_states_consistent(method):
    integrator = symde.Integrator(falling("z - k*x"), method, rtol=1e-8, atol=1e-10)
    integrator.advance(0.5)
    integrator.set_u({"x": 3.0})
    end = integrator.advance(1.0)
    np.testing.assert_allclose(end, [3 * np.exp(-1), 6 * np.exp(-1)], rtol=1e-6)


@pytest.mark.parametrize(("x", "z"), [(1, 5.0), (1, 2.0), (0.7, -3e5)])
def test_what_is_linear_is_solved_at_once(x, z):
    # 115.83 x is rounded: what is left of the equation is no reason to go on
    solution = symde.solve(falling("115.83*x - z", x=x, z=z), "Rodas5P", rtol=1e-6, atol=1e-8)
    assert solution.u[0, 1] == pytest.approx(115.83 * x, rel=1e-15)
    # beside its stages: at most three corrections with their tests, the slope and the first size
    assert solution.stats.solves <= 8 * solution.stats.steps + 8
    assert solution.stats.evaluations <= 8 * solution.stats.steps + 8
