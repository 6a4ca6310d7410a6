"""Every linear solver gives what LAPACK gives, whatever the matrix; the choice follows the pattern."""

import numpy as np
import pytest

import symde
from benchmarks.audit import the_audit
from benchmarks.networks import network
from benchmarks.robustness import Bench, trial
from benchmarks.stiff_systems import draws, structure
from symde.engine.cpu import linear_solvers
from symde.engine.cpu.layout import BACKWARD_ERROR, Attempt
from symde.engine.cpu.linear_solvers import sparse
from symde.engine.cpu.linear_solvers.sparse import analysis_of
from symde.engine.cpu.linear_solvers.structure import structure_of
from tests.engine.systems import LinearSystem, Pattern, backward_error, needs_klu
from tests.problems import get

FACTORING = ("dense", "lapack", "banded", "sparse", pytest.param("klu", marks=needs_klu))


def pattern_of(mask):
    return Pattern(np.concatenate([[0], np.cumsum(mask.sum(axis=1))]), np.nonzero(mask)[1])


def band(n, lower, upper):
    i, j = np.indices((n, n))
    return (j - i <= upper) & (i - j <= lower)


def scattered(n, per_row, seed):
    mask = np.zeros((n, n), bool)
    for i, columns in enumerate(np.random.default_rng(seed).integers(0, n, (n, per_row))):
        mask[i, columns] = True
    return mask


def shuffled(mask, seed):
    order = np.random.default_rng(seed).permutation(len(mask))
    return mask[np.ix_(order, order)]


MASKS = {
    "one": np.ones((1, 1), bool),
    "empty": np.zeros((6, 6), bool),
    "full": np.ones((17, 17), bool),
    "diagonal": np.eye(9, dtype=bool),
    "band": band(40, 2, 3),
    "upper": band(21, 0, 4),
    "shuffled band": shuffled(band(60, 1, 1), 3),
    "scattered": scattered(50, 3, 4),
    "arrow": np.eye(30, dtype=bool) | (np.arange(30) == 0) | (np.arange(30) == 0)[:, None],
}


@pytest.mark.parametrize("name", FACTORING)
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS.keys())
@pytest.mark.parametrize("scaling", [0, 6, 12])
def test_solvers_agree_with_lapack(name, mask, scaling):
    """Rows and columns scaled by up to 10^±scaling; the forward error may be as large as the backward error
    of both times the condition (with the scaling of columns taken out, since it only scales x)."""
    n = len(mask)
    system = LinearSystem(name, pattern_of(mask))
    for seed in range(8):
        numbers = np.random.default_rng(seed)
        rows, columns = 10.0 ** numbers.uniform(-scaling, scaling, (2, n))
        shift = 10.0 ** numbers.uniform(-1, 1)
        jacobian = np.where(mask, numbers.normal(size=(n, n)), 0.0) * rows[:, None] * columns
        matrix, b = shift * np.eye(n) - jacobian, numbers.normal(size=n) * rows
        assert system.factor(jacobian, shift) == Attempt.FINE
        code, x = system.solve(b)
        assert code == Attempt.FINE
        assert backward_error(matrix, x, b) <= BACKWARD_ERROR
        if scaling == 0:
            expected = np.linalg.solve(matrix, b)
            limit = 2 * BACKWARD_ERROR * np.linalg.cond(matrix)
            assert np.abs(x - expected).max() <= limit * np.abs(expected).max()


@pytest.mark.parametrize("name", FACTORING)
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS.keys())
def test_transposed_solves_agree_with_lapack(name, mask):
    """With a diagonal of 1.5 times the row's entries, so that no refinement is needed: errors of 1e-12."""
    n, numbers = len(mask), np.random.default_rng(5)
    jacobian = np.where(mask, numbers.normal(size=(n, n)), 0.0)
    shift = 1.5 * max(np.abs(jacobian).sum(axis=1).max(), np.abs(jacobian).sum(axis=0).max(), 1.0)
    system = LinearSystem(name, pattern_of(mask))
    assert system.factor(jacobian, shift) == Attempt.FINE
    b = numbers.normal(size=n)
    code, x = system.substitute_transposed(b)
    assert code == Attempt.FINE
    np.testing.assert_allclose(
        x, np.linalg.solve((shift * np.eye(n) - jacobian).T, b), rtol=1e-10, atol=1e-13
    )


@pytest.mark.parametrize("name", FACTORING)
def test_zero_pivots_are_avoided(name):
    """A diagonal of zeros: the static order cannot be used, and other rows must be found."""
    n, numbers = 30, np.random.default_rng(2)
    jacobian = np.where(band(n, 3, 3), numbers.normal(size=(n, n)), 0.0)
    np.fill_diagonal(jacobian, 2.0)
    matrix, b = 2.0 * np.eye(n) - jacobian, numbers.normal(size=n)
    system = LinearSystem(name, pattern_of(jacobian != 0))
    assert system.factor(jacobian, 2.0) == Attempt.FINE
    code, x = system.solve(b)
    assert code == Attempt.FINE
    np.testing.assert_allclose(matrix @ x, b, atol=1e-10 * np.abs(matrix).sum() * np.abs(x).max())
    assert system.state.pivotings == (name == "sparse")


def test_pivots_that_were_found_are_kept_while_they_serve():
    """The second matrix of the same kind needs no other pivots; a quite different one is solved all the
    same."""
    n, numbers = 40, np.random.default_rng(8)
    mask = band(n, 2, 2)
    system = LinearSystem("sparse", pattern_of(mask))
    for diagonal in (1.0, 1.0, -50.0):
        jacobian = np.where(mask, numbers.uniform(1, 2, (n, n)), 0.0)
        np.fill_diagonal(jacobian, diagonal)
        assert system.factor(jacobian, 1.0) == Attempt.FINE
        b = numbers.normal(size=n)
        code, x = system.solve(b)
        matrix = np.eye(n) - jacobian
        assert code == Attempt.FINE and backward_error(matrix, x, b) <= BACKWARD_ERROR
        if diagonal == 1.0:
            assert system.state.pivoted and system.state.pivotings <= 2


@pytest.mark.parametrize("name", FACTORING)
@pytest.mark.parametrize("spoiled", ["singular", "nan", "inf"])
def test_no_solution_is_no_solution(name, spoiled):
    """Two equal rows, or entries that are not finite: a clear code, and the next matrix is solved."""
    n = 12
    mask = np.ones((n, n), bool)
    system = LinearSystem(name, pattern_of(mask))
    good = np.random.default_rng(3).normal(size=(n, n))
    bad = good.copy()
    if spoiled == "singular":
        bad[:] = 0.0
        np.fill_diagonal(bad, 1.0)
        bad[4] = 0.0
        bad[4, 4] = 1.0  # row 4 of I - J is zero
    else:
        bad[3, 5] = float(spoiled)
    code = system.factor(bad, 1.0)
    if code == Attempt.FINE:
        code, _ = system.solve(np.ones(n))
    assert code == Attempt.SINGULAR
    assert system.factor(good, 1.0) == Attempt.FINE
    code, x = system.solve(np.ones(n))
    assert code == Attempt.FINE
    np.testing.assert_allclose(x, np.linalg.solve(np.eye(n) - good, np.ones(n)), rtol=1e-8)


def test_memory_that_ends_is_no_solution(monkeypatch):
    """Pivoting fills in what no one can foresee: where it does not fit, a smaller step must be taken."""
    monkeypatch.setattr(sparse, "SPARE", 0)
    jacobian = np.ones((10, 10))
    system = LinearSystem("sparse", pattern_of(jacobian != 0))
    assert system.factor(jacobian, 1.0) == Attempt.SINGULAR
    assert system.factor(jacobian, 20.0) == Attempt.FINE
    code, x = system.solve(np.ones(10))
    assert code == Attempt.FINE
    np.testing.assert_allclose(x, 0.1, rtol=1e-12)  # each row: 20 x - 10 x = 1


@pytest.mark.parametrize("name", FACTORING)
def test_a_right_side_that_is_not_finite_is_left_for_the_error_test(name):
    """It is the model's, and no fault of the factorisation: no refinement, no pivoting."""
    system = LinearSystem(name, pattern_of(MASKS["band"]))
    system.factor(np.zeros((40, 40)), 1.0)
    b = np.ones(40)
    b[7] = np.nan
    code, x = system.solve(b)
    assert code == Attempt.FINE and np.isnan(x).any()
    assert system.state.refinements == system.state.pivotings == 0


def test_a_narrow_order_is_found():
    """A shuffled chain is a band of one entry on either side again; a band as it stands is left alone."""
    place, lower, upper = structure_of(pattern_of(shuffled(band(200, 1, 1), 1))).band
    assert (lower, upper) == (1, 1) and sorted(place) == list(range(200))
    place, lower, upper = structure_of(pattern_of(band(50, 1, 2))).band
    assert (lower, upper) == (1, 2) and list(place) == list(range(50))


def test_the_static_pattern_is_that_of_elimination():
    """Boolean elimination on the full matrix in the same order, by definition."""
    mask = scattered(40, 4, 9) | np.eye(40, dtype=bool)
    known = analysis_of(pattern_of(mask))
    work = mask[np.ix_(known.order, known.order)].copy()
    for k in range(40):
        work[k + 1 :, k + 1 :] |= work[k + 1 :, k, None] & work[k, k + 1 :]
    assert known.fill == work.sum()
    for k in range(40):
        lower = known.lower_rows[known.lower_starts[k] : known.lower_starts[k + 1]]
        upper = known.upper_rows[known.upper_starts[k] : known.upper_starts[k + 1]]
        assert list(lower) == [i for i in range(k + 1, 40) if work[i, k]]
        assert list(upper) == [i for i in range(k) if work[i, k]]


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (np.ones((30, 30), bool), "dense"),
        (np.ones((300, 300), bool), "lapack"),
        (band(400, 20, 20), "banded"),
        (band(400, 1, 1), "sparse"),
        (scattered(300, 3, 1), "sparse"),
    ],
    ids=["full", "large full", "wide band", "chain", "scattered"],
)
def test_the_choice_follows_the_pattern(mask, expected):
    assert linear_solvers.choose(pattern_of(mask)).name == expected


def test_small_models_are_solved_by_their_own_code():
    assert linear_solvers.choose(get("rober_1e5").problem.system.kernels).name == "generated"
    assert linear_solvers.choose(get("brusselator").problem.system.kernels).name == "generated"


@pytest.fixture(scope="module")
def large():
    """A network of 120 species, too large for generated elimination, and its end at a tight tolerance."""
    problem = symde.Problem(symde.ode_def(network(120, seed=2)))
    return problem, symde.solve(problem, "Rodas5P", rtol=1e-9, atol=1e-12, saveat=[1.0]).u[-1]


@pytest.mark.parametrize("name", ["auto", *FACTORING, "krylov"])
def test_all_solvers_solve_a_network(large, name):
    """The same steps; the ends differ by what is left of the step's own error, far below rtol."""
    problem, end = large
    solution = symde.solve(problem, "Rodas5P", rtol=1e-7, atol=1e-10, saveat=[1.0], linear_solver=name)
    np.testing.assert_allclose(solution.u[-1], end, rtol=1e-6, atol=1e-9)
    assert solution.stats.pivotings == 0
    assert (solution.stats.products > 0) == (name == "krylov")


@pytest.mark.parametrize("preconditioner", [None, "jacobi", "ilu0"])
@pytest.mark.parametrize("problem", ["hires", "rober_1e5", "vanderpol_1e3", "brusselator"])
def test_krylov_is_as_accurate_as_elimination(problem, preconditioner):
    """Iterated to a thousandth of the tolerance: the error of the solve is at most doubled."""
    case = get(problem)
    errors, steps = [], []
    for options in ({}, {"linear_solver": "krylov", "preconditioner": preconditioner}):
        solution = symde.solve(
            case.problem, "Rodas5P", rtol=1e-6, atol=1e-9, saveat=[case.problem.tspan[1]], **options
        )
        errors.append(case.error(solution.u[-1]))
        steps.append(solution.stats.steps)
    assert errors[1] <= 2 * errors[0] + 1e-6
    assert abs(steps[1] - steps[0]) <= 0.1 * steps[0] + 2


def test_a_preconditioner_saves_products():
    """The incomplete factors of the Brusselator's band are nearly its factors."""
    problem = get("brusselator").problem
    counts = [
        symde.solve(
            problem, "Rodas5P", saveat=[1.0], linear_solver="krylov", preconditioner=one
        ).stats.products
        for one in (None, "ilu0")
    ]
    assert counts[1] < 0.7 * counts[0]


def test_a_preconditioner_of_the_user_is_called():
    """The exact inverse: one direction and one product a solve at most."""
    problem = get("hires").problem
    model = symde.solve(problem, "Rodas5P", saveat=[1.0]).u[-1]
    made = []

    def make(t, u, shift):
        made.append(t)
        jacobian = np.zeros((8, 8))
        for j in range(8):
            moved = u.copy()
            moved[j] += 1e-7
            jacobian[:, j] = (
                problem.system.slope(t, moved, problem.p) - problem.system.slope(t, u, problem.p)
            ) / 1e-7
        inverse = np.linalg.inv(shift * np.eye(8) - jacobian)
        return lambda r: inverse @ r

    solution = symde.solve(problem, "Rodas5P", saveat=[1.0], linear_solver="krylov", preconditioner=make)
    plain = symde.solve(problem, "Rodas5P", saveat=[1.0], linear_solver="krylov")
    np.testing.assert_allclose(solution.u[-1], model, rtol=1e-4, atol=1e-7)
    assert made and made == sorted(made)
    assert solution.stats.products < 0.6 * plain.stats.products


def test_an_exception_of_a_preconditioner_ends_the_solve():
    problem = get("hires").problem

    def fails(t, u, shift):
        raise ArithmeticError("no inverse today")

    with pytest.raises(ArithmeticError, match="no inverse today"):
        symde.solve(problem, "Rodas5P", linear_solver="krylov", preconditioner=fails)
    with pytest.raises(TypeError, match="must return a function"):
        symde.solve(problem, "Rodas5P", linear_solver="krylov", preconditioner=lambda t, u, shift: 3)
    with pytest.raises(ValueError, match=r"returned shape \(3,\), expected \(8,\)"):
        symde.solve(
            problem, "Rodas5P", linear_solver="krylov", preconditioner=lambda t, u, s: lambda r: r[:3]
        )


def test_mistakes_are_told():
    problem = get("hires").problem
    with pytest.raises(ValueError, match="unknown linear_solver 'spares': there are auto, generated"):
        symde.solve(problem, linear_solver="spares")
    with pytest.raises(TypeError, match="linear_solver must be a name"):
        symde.solve(problem, linear_solver=3)
    with pytest.raises(ValueError, match="belongs to linear_solver='krylov'"):
        symde.solve(problem, linear_solver="sparse", preconditioner="ilu0")
    with pytest.raises(ValueError, match="must be 'jacobi', 'ilu0', or a function"):
        symde.solve(problem, linear_solver="krylov", preconditioner="ilut")
    for method in ("Tsit5", "ROCK2", "Exprb32"):
        with pytest.raises(ValueError, match=f"{method} solves no linear systems.*'sparse'.*leave it out"):
            symde.solve(problem, method, linear_solver="sparse")
    with pytest.raises(ValueError, match="Tsit5 solves no linear systems"):
        symde.Integrator(problem, "Tsit5", linear_solver="dense")
    called = symde.Problem(lambda u, p, t: -u if u[0] > -9 else u, [1.0, 2.0], (0, 1))
    with pytest.raises(ValueError, match="no generated factorisation"):
        symde.solve(called, "Rodas5P", linear_solver="generated")


@pytest.mark.parametrize("name", ["dense", "banded", "sparse", "krylov"])
def test_functions_that_are_called_are_solved_by_all(name):
    """Their Jacobian is taken by differences, or multiplied so."""
    called = symde.Problem(
        lambda u, p, t: [-50 * u[0] if u[0] > -9 else 0.0, 50 * u[0] - u[1]], [1.0, 2.0], (0, 1)
    )
    solution = symde.solve(called, "Rodas5P", saveat=[1.0], linear_solver=name)
    # by hand: y = 2e^-t + 50/49 (e^-t - e^-50t)
    exact = 2 * np.exp(-1) + 50 / 49 * (np.exp(-1) - np.exp(-50))
    assert abs(solution.u[-1, 1] - exact) < 1e-4


def test_stepping_by_hand_takes_the_same_options():
    problem = get("hires").problem
    integrator = symde.Integrator(problem, "Rodas5P", linear_solver="sparse")
    expected = symde.solve(problem, "Rodas5P", saveat=[10.0], linear_solver="sparse").u[-1]
    np.testing.assert_allclose(integrator.advance(10.0), expected, rtol=1e-5, atol=1e-8)
    with pytest.raises(ValueError, match="unknown linear_solver"):
        symde.Integrator(problem, linear_solver="qr")


def test_random_stiff_networks_and_oregonators_need_no_pivoting():
    """The short form of benchmarks/robustness.py: no stage that an accepted step rests on has a backward
    error above the bound, fewer than one step in a thousand pivots, and the ends are those with LAPACK to
    within ten tolerances of a step."""
    *_, counts = trial(range(10), 25, ("lapack", "generated", "sparse"))
    for name in ("generated", "sparse"):
        count = counts[name]
        assert count.solves == 250 and count.failures == 0 and count.steps > 10_000
        assert count.worst <= BACKWARD_ERROR
        assert count.pivotings < 1e-3 * count.steps
        assert count.differing == 0


def test_an_end_that_rounding_decides_is_known_by_lapack_that_does_not_repeat_itself():
    """System 68 of structure 1: a species that is used up turns negative by 1e-17 with LAPACK, and runs away
    or not with the last digit of the data. The generated factorisation has the end of two methods with a
    thousand times finer tolerances."""
    kernels = symde.Problem(symde.ode_def(structure(1)[0])).system.kernels
    bench, system = Bench(kernels, "Rodas5P"), draws(1, kernels.n, kernels.m, 69)[68]
    run = bench.run("generated", system)
    reference = bench.reference(system)
    assert reference is not None and run.is_same(reference)
    assert bench.repeats_itself("generated", system, run)
    assert not bench.repeats_itself("lapack", system, bench.run("lapack", system))


def test_a_sum_of_solutions_is_refused_long_before_a_single_one():
    """Errors of 1e-12 are far from rounding, and may be a small solution's own of 1e-6; 1e-15 is rounding."""
    system, ones = LinearSystem("sparse", pattern_of(np.eye(2, dtype=bool))), np.ones(2)
    system.factor(np.zeros((2, 2)), 1.0)
    assert system.accept(ones, ones + [0.0, 1e-12]) == Attempt.INACCURATE
    assert system.accept(ones, ones + [0.0, 1e-15]) == Attempt.FINE


@pytest.mark.parametrize(
    "solver, number, place", [("generated", 17, 209), ("generated", 26, 254), ("sparse", 24, 248)]
)
def test_no_stage_hides_behind_larger_ones(solver, number, place):
    """Systems with stages above the bound that the sum of the step's stages, held against that bound, did not
    show: up to 4e-10."""
    kernels = symde.Problem(symde.ode_def(structure(number)[0])).system.kernels
    bench, audit = Bench(kernels, "Rodas5P"), the_audit()
    bench.run(solver, draws(number, kernels.n, kernels.m, place + 1)[place], audit)
    worst, above, stages = audit.result(bench.session(solver).counters().accepted)
    assert stages > 1000 and above == 0 and 1e-13 < worst <= BACKWARD_ERROR


def test_stages_solved_to_rounding_refuse_a_solver_that_stops_at_a_tolerance():
    problem = symde.Problem("state x = 1\nx' = -x", tspan=(0, 1))
    with pytest.raises(ValueError, match="GaussLegendre4 solves its stages to rounding.*'krylov'"):
        symde.solve(problem, "GaussLegendre4", dt0=0.1, linear_solver="krylov")


@pytest.mark.parametrize(
    "apply, error, message",
    [
        (lambda r: np.nan * r, ValueError, "not finite for a finite r"),
        (lambda r: 0 * r, ValueError, "zeros for an r that is not zero"),
        (lambda r: "x", TypeError, "returned 'x', expected 2 numbers"),
        (lambda r: r[:1], ValueError, r"shape \(1,\), expected \(2,\) as r"),
    ],
)
def test_a_preconditioner_that_cannot_be_one_is_named(apply, error, message):
    problem = symde.Problem("state x = 1, y = 0\nx' = -100*x + y\ny' = x - y", tspan=(0, 1))
    with pytest.raises(error, match=message):
        symde.solve(problem, "QNDF", linear_solver="krylov", preconditioner=lambda t, u, shift: apply)
