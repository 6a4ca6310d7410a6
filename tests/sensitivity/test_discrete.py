"""Discrete adjoints as users meet them: starts and ends that follow parameters, memory, pairs, errors,
refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest

import symde
from symde.engine.cpu.adjoints import FAMILIES
from symde.sensitivity import discrete, riding
from symde.sensitivity.loss import FunctionLoss, Part
from symde.sensitivity.run import prepare
from symde.sensitivity.start import start_of
from symde.sensitivity.wrt import wrt_of
from tests.problems import get

from .test_discrete_exact import PREDATORS, ROBER, SPRINGS, difference

ALL = ("u0", "p")


def squares(u):
    return float((u**2).sum()), 2 * u


def agree(problem, wrt=ALL, method="Vern9", times=None, rtol=1e-11):
    """Discrete adjoint and forward sensitivities of a solve at a tight tolerance."""
    options = {"saveat": times, "wrt": wrt, "rtol": rtol, "atol": 1e-13}
    _, found = symde.value_and_grad(squares, problem, method, sensealg="discrete", **options)
    _, expected = symde.value_and_grad(squares, problem, method, sensealg="forward", **options)
    np.testing.assert_allclose(found.vector(), expected.vector(), rtol=1e-8, atol=1e-9)


# -- what follows the parameters


def test_initial_values_in_the_model_that_follow_parameters():
    text = PREDATORS.text.replace("x = 1, y = 1.2", "x = 0.5*a + b, y = c/2.5")
    agree(symde.Problem(text, tspan=(0.0, 2.0)), times=[0.0, 0.4, 2.0])


def test_initial_values_by_a_function_of_the_parameters():
    problem = symde.Problem(PREDATORS.text, u0=lambda p: [p[0] ** 2, 0.4 * p[2]], tspan=(0.0, 2.0))
    agree(problem, wrt="p", times=[0.0, 0.4, 2.0])


@pytest.mark.parametrize("span", [lambda p: (0.1 * p[1], 1.0 + p[0]), lambda p: (1.0 + p[0], 0.1 * p[1])])
def test_time_spans_that_follow_parameters(span):
    agree(symde.Problem(PREDATORS.text, tspan=span), wrt="p")


def test_parameters_that_follow_others():
    agree(
        symde.Problem(PREDATORS.text.replace("d = 1.0", "d = 2*b/a"), tspan=(0.0, 2.0)), wrt=("a", "b", "y")
    )


def test_saved_times_are_differentiated_by_the_slope():
    problem = symde.Problem(PREDATORS.text, tspan=(0.0, 2.0))

    def solve(times):
        return symde.solve(problem, "Vern9", saveat=times, rtol=1e-12, atol=1e-12).u

    times = np.array([0.3, 1.1])
    found = discrete.record(
        prepare(problem, "Vern9", saveat=times, rtol=1e-12, atol=1e-12), wrt_of("p", problem.system)
    )
    weights = np.array([[1.0, -2.0], [0.5, 3.0]])
    step = 1e-4  # central differences leave step^2 of the third derivative
    expected = (weights * (solve(times + step) - solve(times - step))).sum(axis=1) / (2 * step)
    np.testing.assert_allclose(found.times_back(weights), expected, rtol=1e-6)


# -- memory


def kept(record):
    """States in memory while a record is pulled back: over the solve, and between two of these."""
    return len(record.steps.u) + record.steps.stride


def least(record):
    """States that are enough for any solve."""
    return 4 * math.isqrt(record.steps.count)


BOUNDED = [
    (PREDATORS, "Vern7"), (PREDATORS, "DOP853"), (PREDATORS, "Rodas5P"), (PREDATORS, "KenCarp4"),
    (PREDATORS, "Radau"), (PREDATORS, "GaussLegendre4"), (PREDATORS, None), (ROBER, None), (ROBER, "TRBDF2"),
    (ROBER, "Radau"), (SPRINGS, "VelocityVerlet"), (SPRINGS, "DPRKN8"), (SPRINGS, "DPRKN6"),
]  # fmt: skip


@pytest.mark.parametrize("model, method", BOUNDED)
def test_less_memory_gives_the_same_gradient_to_the_last_bit(model, method):
    problem = symde.Problem(model.text, tspan=(0.0, 10.0))
    fixed = method in ("GaussLegendre4", "VelocityVerlet")
    times = [0.5, 3.3, 3.31, 10.0]
    options = {"rtol": 1e-6, "atol": 1e-9, "saveat": times, "dt0": 0.05 if fixed else None}
    found = []
    for memory in (2**20, 1):
        run = prepare(problem, method, **options, memory=memory)
        record = discrete.record(run, wrt_of(ALL, problem.system))
        found.append(record.pull_back(2 * record.solution.u))
    assert record.steps.stride > 1
    assert kept(record) <= least(record)
    for plenty, little in zip(*found, strict=True):
        np.testing.assert_array_equal(plenty, little)


def test_a_solve_that_records_as_it_goes_needs_no_more_memory():
    """Methods that no column rides with are recorded in their own solve."""
    problem = symde.Problem(PREDATORS.text, tspan=(0.0, 10.0))
    run = prepare(problem, "RK4", dt0=0.05, saveat=[10.0], memory=1)
    assert not riding.can_ride(run)
    record = discrete.record(run, wrt_of(ALL, problem.system))
    assert kept(record) <= least(record) < record.steps.count


@pytest.mark.parametrize("method", ["RK4", "Tsit5", "Rodas5P"])
@pytest.mark.parametrize("memory", [1000, 6000, 20_000])
def test_states_take_no_more_bytes_than_asked_for(method, memory):
    """Those kept over the solve, and those of the steps done again between two of them."""
    problem = symde.Problem(PREDATORS.text, tspan=(0.0, 100.0))
    run = prepare(problem, method, dt0=0.05, dtmax=0.05, saveat=[100.0], memory=memory)
    record = discrete.record(run, wrt_of(ALL, problem.system))
    state = 32  # two numbers and their compensations
    assert record.steps.count >= 2000
    assert record.steps.stride > 1
    for many in (len(record.steps.u), record.steps.stride):
        assert many * state <= max(memory, least(record) // 2 * state)
    u0, _ = record.pull_back(np.ones_like(record.solution.u))
    assert np.isfinite(u0).all()


def test_memory_is_an_option_of_the_call(monkeypatch):
    rows = []
    whole = discrete.DiscreteRecord.pull_back

    def pull_back(record, weights):
        rows.append(len(record.steps.u))
        return whole(record, weights)

    monkeypatch.setattr(discrete.DiscreteRecord, "pull_back", pull_back)
    problem = symde.Problem(PREDATORS.text, tspan=(0.0, 100.0))
    options = {"saveat": 1.0, "sensealg": "discrete", "method": "Tsit5"}
    plenty = symde.value_and_grad(squares, problem, **options)
    little = symde.value_and_grad(squares, problem, **options, memory=1000)
    assert plenty[0] == little[0]
    assert np.array_equal(plenty[1].vector(), little[1].vector())
    assert rows[0] > 300 > 31 >= rows[1]  # 1000 bytes hold 31 states


@pytest.mark.parametrize("memory", [0, -1.0, math.nan, math.inf])
def test_memory_that_is_none_is_refused(memory):
    problem = symde.Problem(PREDATORS.text, tspan=(0.0, 1.0))
    with pytest.raises(ValueError, match="memory"):
        symde.value_and_grad(squares, problem, memory=memory)


# -- which methods


@pytest.mark.parametrize("rtol, atol", [(1e-4, 1e-7), (1e-10, 1e-9)])
def test_the_pair_switches_and_stays_exact(rtol, atol):
    """At 1e-10 the stiff method is Radau, with its formulas of several orders."""
    slots = set()
    times = [0.0, 1e-3, 1.0, 37.0, 100.0]
    assert difference(ROBER, None, (0.0, 100.0), times, rtol, atol=atol, slots=slots) < 1e-9
    assert slots == {0, 1}


def test_many_states_take_a_pair_that_is_able():
    problem = get("brusselator").problem
    assert len(problem.u0) > 50
    run = discrete.able(prepare(problem, None))
    assert all(method.family in FAMILIES for method in run.plan.methods)
    assert len(run.plan.methods) == 2


@pytest.mark.parametrize(
    "method, word", [("QNDF", "Sandu 2008"), ("VCABM", "Sandu 2008"), ("ROCK4", "no discrete")]
)
def test_methods_without_one_are_refused_with_what_to_do(method, word):
    problem = symde.Problem(PREDATORS.text, tspan=(0.0, 2.0))
    with pytest.raises(ValueError, match=word) as refusal:
        symde.value_and_grad(squares, problem, method, sensealg="discrete")
    for other in ("'forward'", "'interpolating'", "'gauss'", "Rodas5P"):
        assert other in str(refusal.value)


# -- the direction in the error test


def test_the_direction_moves_what_is_asked_for_by_its_size():
    problem = symde.Problem(PREDATORS.text, tspan=(0.0, 2.0))
    run, wrt = prepare(problem, "Tsit5"), wrt_of(("a", "c", "y"), problem.system)
    u0, p = riding.direction(run, wrt, start_of(problem))
    # nine tenths of it to all of it, so that what is equal does not move alike
    np.testing.assert_allclose(np.abs(p), 0.95 * np.array([1.5, 0.0, 3.0, 0.0, 0.0]), rtol=0.06)
    np.testing.assert_allclose(np.abs(u0), [0.0, 0.95 * 1.2], rtol=0.06)
    assert abs(p[0]) / 1.5 != abs(p[2]) / 3.0


def test_steps_become_finer_where_the_derivative_is_hard_to_follow():
    problem = symde.Problem(PREDATORS.text, tspan=(0.0, 20.0))
    run = prepare(problem, "Tsit5", rtol=1e-4, saveat=[problem.tspan[1]])
    alone = symde.solve(problem, "Tsit5", rtol=1e-4).stats.accepted
    steps = riding.chosen_steps(run, wrt_of(ALL, problem.system), start_of(problem))
    assert steps.count > alone


# -- the error of the gradient

POINTS = 41

CASES = {
    "predators": ("Tsit5", "Vern7", "DOP853", "BS3", "KenCarp4"),
    "hires": ("Rodas5P", "KenCarp4", "RadauIIA5"),
    "rober": ("Rodas5P", "KenCarp4", "RadauIIA5", None),
    # the front of a loose solution passes at another time than that of its halved steps
    "vanderpol_1e3": ("Rodas5P", "Rosenbrock23", "TRBDF2", "KenCarp4", "RadauIIA5", "Radau", None),
    "orego": ("Rodas5P", "KenCarp4", None),
    # their halved steps may agree on a gradient that is wrong altogether
    "kepler": ("DOP853", "Vern7"),
}


def judged(case):
    """A problem, times to save and a loss of 40 points and of sizes about 1."""
    own = {
        "predators": lambda: symde.Problem(PREDATORS.text, tspan=(0.0, 10.0)),
        "rober": lambda: symde.Problem(ROBER.text, tspan=(0.0, 1e3)),
    }
    problem = own[case]() if case in own else get(case).problem
    t0, t1 = problem.tspan
    times = np.logspace(-3, np.log10(t1), POINTS) if case == "rober" else np.linspace(t0, t1, POINTS)[1:]
    times[-1] = t1
    scale = np.abs(symde.solve(problem, rtol=1e-8, atol=1e-11, saveat=times).u).max(axis=0)

    def loss(u):
        return float(((u / scale) ** 2).sum()), 2 * u / scale**2

    return problem, times, loss, scale


@pytest.mark.parametrize("case", CASES)
def test_the_error_is_bounded_by_its_estimate(case):
    """The reference at 1e-11 is better than what it judges by a factor of 100 at least."""
    problem, times, loss, scale = judged(case)
    reference = "Vern9" if case in ("predators", "kepler") else "Rodas5P"
    _, exact = symde.value_and_grad(
        loss, problem, reference, sensealg="forward", saveat=times, rtol=1e-11, atol=1e-14
    )
    by = np.concatenate(riding.sizes(problem))
    for method in CASES[case]:
        for rtol in (1e-2, 1e-3, 1e-4):
            options = {"saveat": times, "rtol": rtol, "atol": 1e-3 * rtol * scale}
            _, found = symde.value_and_grad(loss, problem, method, sensealg="discrete", **options)
            true = np.abs(by * (found.vector() - exact.vector())).max() / np.abs(by * exact.vector()).max()
            # the reference of a gradient that is off by more than itself may be off by a twentieth
            assert true <= 1.05 * found.error
            # and tells something: at most twelve times as much
            assert found.error <= 12 * true


def test_a_gradient_that_its_halved_steps_do_not_tell_is_judged_by_tighter_solves():
    problem, times, loss, scale = judged("vanderpol_1e3")
    options = {"saveat": times, "sensealg": "discrete", "atol": 1e-6 * scale}
    sources = [
        symde.value_and_grad(loss, problem, "RadauIIA5", rtol=rtol, **options)[1].error_from
        for rtol in (1e-3, 1e-6)
    ]
    assert sources[0] is not None
    assert sources[0].startswith("solves to rtol 1e-")
    assert sources[1] == "halved steps"


def test_a_gradient_that_nothing_resolves_has_an_infinite_error():
    """That of the Lorenz equations over 100 time units: errors grow by exp(0.9 t)."""
    text = """
    param s = 10, r = 28, b = 8/3
    x' = s*(y - x); y' = x*(r - z) - y; z' = x*y - b*z
    x(0) = 1; y(0) = 0; z(0) = 0
    """
    problem = symde.Problem(text, tspan=(0, 100))
    _, found = symde.value_and_grad(squares, problem, "Tsit5", sensealg="discrete", rtol=1e-3)
    assert found.error == math.inf
    assert found.error_from == "no tolerance resolves the gradient"


def test_gradients_over_several_solves_have_an_error_of_the_whole():
    """Solves of both spans take part: x = x0 exp(k t), L = x(1)^2 + x(2)^2."""
    problem = symde.Problem("x' = k*x; x(0) = 1.5; param k = -0.7", tspan=(0, 1))

    class Whole:
        def parts(self, problem):
            ends = (problem, symde.remake(problem, tspan=(0, 2)))
            return [Part(one, FunctionLoss(squares, None, None)) for one in ends]

    _, found = symde.value_and_grad(
        Whole(), problem, "BS3", wrt="k", sensealg="discrete", rtol=1e-3, atol=1e-6
    )
    true = sum(2 * t * (1.5 * np.exp(-0.7 * t)) ** 2 for t in (1, 2))
    assert abs(found["k"] - true) / true <= found.error <= 12 * abs(found["k"] - true) / true


def test_a_gradient_tells_how_it_was_found():
    problem = symde.Problem(PREDATORS.text, tspan=(0.0, 2.0))
    _, found = symde.value_and_grad(squares, problem, "Tsit5", sensealg="discrete")
    assert found.sensealg == "discrete"
    assert found.stats is not None
    assert found.stats.accepted > 0
    assert found.error is not None
    assert 0.0 < found.error < 1e-3


def test_forward_sensitivities_estimate_no_error():
    problem = symde.Problem(PREDATORS.text, tspan=(0.0, 2.0))
    _, found = symde.value_and_grad(squares, problem, "Tsit5", sensealg="forward")
    assert found.sensealg == "forward"
    assert found.error is None


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P", None])
def test_equal_states_that_go_different_ways_when_one_is_moved(method):
    """x' = k (y - x), y' = 0 from x = y: x stays, but d(x)/d(x0) = exp(-k t) asks for small steps."""
    problem = symde.Problem("param k = 1e4\nstate x = 1, y = 1\nx' = k*(y - x)\ny' = 0*y", tspan=(0, 0.4))
    _, found = symde.value_and_grad(
        lambda u: (u.sum(), np.ones_like(u)), problem, method, saveat=[0.4], sensealg="discrete"
    )
    np.testing.assert_allclose(found["u0"], [0.0, 2.0], atol=1e-4)
