"""Fits find the parameters that made the data, and say what the data cannot tell."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import symde
from symde.fit.identifiability import IdentifiabilityWarning
from tests.fit.models import DECAY, LINE, LOTKA, exact, problem

TIMES = np.linspace(0.2, 4.0, 12)
TRUE = {"a": 1.5, "b": 1.0, "c": 3.0, "d": 1.0}
START = {"a": 1.2, "b": 1.3, "c": 2.5, "d": 1.2}
ROBER = """
model Robertson
  param k1 = 0.04 in (0, 1), k2 = 3e7 in (0, 1e9), k3 = 1e4 in (0, 1e6)
  state y1 = 1, y2 = 0 nominal 1e-5, y3 = 0
  time 0 .. 4e4
  y1' = -k1*y1 + k3*y2*y3
  y2' = k1*y1 - k2*y2^2 - k3*y2*y3
  y3' = k2*y2^2
end
"""


@pytest.mark.parametrize("noise", [{}, {"sigma": 0.1}, {"sigma": 0.1, "log": True}], ids=str)
@pytest.mark.parametrize("names", [["x", "y"], ["product", "x"]], ids=str)
def test_exact_data_give_the_parameters_that_made_them(noise, names):
    data = (TIMES, exact(LOTKA, TIMES, names))
    result = symde.fit(problem(LOTKA, **START), data, [*TRUE, "x(0)"], names=names, **noise)
    assert result.success
    np.testing.assert_allclose(result.x, [*TRUE.values(), 1.0], rtol=1e-6)
    assert result.problem.p[:4].tolist() == result.x[:4].tolist()
    assert result.problem.u0[0] == result["x"] == result["x(0)"] == result.values["x(0)"]


def test_rate_constants_over_nine_decades_are_found_on_a_stiff_problem():
    times = np.logspace(-4, 4, 30)
    data = symde.solve(problem(ROBER), "Rodas5P", saveat=times, rtol=1e-10, atol=1e-14).u
    start = problem(ROBER, k1=0.1, k2=1e7, k3=3e4)
    result = symde.fit(start, (times, data), sigma=[0.01, 1e-7, 0.01], atol=1e-12)
    np.testing.assert_allclose(result.x, [0.04, 3e7, 1e4], rtol=1e-6)


def test_experiments_with_conditions_of_their_own_are_fitted_together():
    experiments = [
        symde.Experiment(
            (TIMES, exact(LOTKA, TIMES, ["x"], p={"b": rate}, u0={"x": first})),
            p={"b": rate},
            u0={"x": first},
            names=["x"],
        )
        for rate, first in ((0.5, 1.0), (1.5, 2.0))
    ]
    result = symde.fit(problem(LOTKA, a=1.2, c=2.5, d=1.2), experiments, ["a", "c", "d"], sigma=0.1)
    np.testing.assert_allclose(result.x, [1.5, 3.0, 1.0], rtol=1e-6)
    assert len(result.solutions) == 2 and [len(table) for table in result.residuals] == [12, 12]
    assert "2 experiments" in result.summary()


def test_parameters_that_an_experiment_sets_are_told_from_the_others():
    fixed = symde.Experiment((TIMES, exact(LOTKA, TIMES, ["x"], p={"b": 0.5})), p={"b": 0.5}, names=["x"])
    free = symde.Experiment((TIMES, exact(LOTKA, TIMES, ["x"])), names=["x"])
    result = symde.fit(problem(LOTKA, a=1.3, b=1.2), [fixed, free], ["a", "b"])
    np.testing.assert_allclose(result.x, [1.5, 1.0], rtol=1e-6)
    with pytest.raises(ValueError, match="b is set by every experiment"):
        symde.fit(problem(LOTKA), [fixed], ["b"])
    assert "b" not in symde.Objective(problem(LOTKA), [fixed]).names


def test_a_span_of_its_own_lets_an_experiment_last_longer():
    times = np.array([3.0, 7.0])
    data = exact(LOTKA, times, ["x"], tspan=(0, 8))
    one = symde.Experiment((times, data), names=["x"], tspan=(0, 8))
    assert symde.fit(problem(LOTKA, a=1.45), one, ["a"])["a"] == pytest.approx(1.5, rel=1e-6)


def test_estimated_noise_is_the_root_mean_square_of_the_residuals():
    values = exact(DECAY, TIMES, ["x"]) + 0.1 * np.random.default_rng(1).standard_normal((12, 1))
    result = symde.fit(problem(DECAY), (TIMES, values), ["k", "x(0)", "noise"], sigma="noise")
    given = symde.fit(problem(DECAY), (TIMES, values), ["k", "x(0)"])
    # the maximum of the likelihood: its mean parameters are those of least squares
    assert result["k"] == pytest.approx(given["k"], rel=1e-5)
    assert result["noise"] == pytest.approx(np.sqrt(2 * given.value / 12), rel=1e-5)
    # information of a scale: 2 n / sigma^2
    assert result.standard_errors["noise"] == pytest.approx(result["noise"] / np.sqrt(24), rel=1e-5)


def test_a_bound_holds_and_is_told():
    values = exact(DECAY, TIMES, ["x"])
    result = symde.fit(
        problem(DECAY, k=0.2), (TIMES, values), ["k", "x(0)"], bounds={"k": (0.1, 0.5)}, sigma=0.1
    )
    assert result["k"] == 0.5 and result.success and result.at_bound.tolist() == [True, False]
    assert "at its bound" in result.summary()
    assert np.isnan(result.standard_errors["k"]) and np.isfinite(result.standard_errors["x(0)"])


@pytest.mark.filterwarnings("error")
def test_what_the_data_identify_gives_no_warning():
    symde.fit(problem(DECAY), (TIMES, exact(DECAY, TIMES, ["x"])), ["k", "x(0)"], sigma=0.1)


REDUNDANT = (
    "param a = 1 in (0, 10), b = 2 in (0, 10), c = 1 in (0, 10)\nstate x = 1\ntime 0..4\nx' = -a*b*x + c"
)


def test_a_product_that_alone_matters_is_named():
    data = (TIMES, exact(REDUNDANT, TIMES, ["x"]))
    with pytest.warns(IdentifiabilityWarning, match=r"of a and b only a\*b is known"):
        result = symde.fit(problem(REDUNDANT, a=1.2), data, sigma=0.1)
    assert result["a"] * result["b"] == pytest.approx(2.0, rel=1e-6)
    assert result["c"] == pytest.approx(1.0, rel=1e-6)
    assert [one.names for one in result.unidentified] == [("a", "b")]
    errors = result.standard_errors
    assert np.isinf(errors["a"]) and np.isinf(errors["b"])
    # c is as well known as if b had been known
    alone = symde.fit(problem(REDUNDANT), data, ["a", "c"], sigma=0.1)
    assert errors["c"] == pytest.approx(alone.standard_errors["c"], rel=1e-4)
    assert "not identified: of a and b" in result.summary() and "unknown" in result.summary()


COMBINATIONS = [
    ("a/b", "in (0, 10)", r"of a and b only a/b is known"),
    ("a*b^2", "in (0, 10)", r"of a and b only a\*b\^2 is known"),
    ("a*b*e", "in (0, 10)", r"of a, b and e only a\*b\*e is known"),
    ("a*b + 0*e", "in (0, 10)", r"of a and b only a\*b is known; no prediction depends on e"),
    ("a + 0*b", "in (0, 10)", "no prediction depends on b"),
    ("a*b", "in (-10, 10)", r"a and b can change together: a [+-]0.02, b [+-]0.015"),
    ("(a + b)", "in (0, 10)", r"a and b can change together: a -0.75 %, b \+1 %"),
]


@pytest.mark.parametrize(("rate", "bounds", "sentence"), COMBINATIONS, ids=[one[0] for one in COMBINATIONS])
def test_combinations_are_spelled_out(rate, bounds, sentence):
    # a + b stays when a = 2 falls by 0.75 % and b = 1.5 grows by 1 %
    text = f"param a = 2 {bounds}, b = 1.5 {bounds}, e = 1 {bounds}\nstate x = 1\ntime 0..4\nx' = -{rate}*x"
    wanted = ["a", "b", "e"] if "e" in rate else ["a", "b"]
    with pytest.warns(IdentifiabilityWarning, match=sentence):
        symde.fit(problem(text), (TIMES, exact(text, TIMES, ["x"])), wanted, sigma=0.1)


def test_parameters_without_bounds_may_change_their_sign():
    text = "param k = 1, m = 1\nstate x = 1\ntime 0..4\nx' = -k*x + m"
    data = (TIMES, exact(text, TIMES, ["x"], p={"k": -0.3, "m": 2.0}))
    result = symde.fit(problem(text), data)
    np.testing.assert_allclose(result.x, [-0.3, 2.0], rtol=1e-6)
    assert not any(one.log for one in result.objective.parameters)


def test_many_starts_find_the_best_optimum_and_are_repeatable():
    # a sine of unknown frequency has an optimum near every alias
    text = "param w = 3 in (1, 30)\nstate s = 0, c = 1\ntime 0..4\ns' = w*c\nc' = -w*s"
    data = (TIMES, np.sin(9.0 * TIMES))
    one = symde.fit(problem(text), data, names=["s"])
    assert one.value > 0.1
    several = [symde.fit(problem(text), data, names=["s"], starts=30, seed=5) for _ in range(2)]
    assert several[0]["w"] == pytest.approx(9.0, rel=1e-6)
    assert [start.value for start in several[0].starts] == [start.value for start in several[1].starts]
    assert len(several[0].starts) == 30 and several[0].starts[0].value == several[0].value
    assert "of 30 starts ended at this loss" in several[0].summary()


def test_other_parameters_that_fit_as_well_are_told():
    # the rates of absorption and elimination change their roles where the volume follows: "flip-flop"
    text = (
        "param ka = 1.5 in (0, 20), ke = 0.2 in (0, 20), v = 1 in (0, 20)\n"
        "state gut = 1, blood = 0\ntime 0..4\ngut' = -ka*gut\nblood' = ka*gut - ke*blood\nc = blood/v"
    )
    data = (TIMES, exact(text, TIMES, ["c"], p={"ka": 2.0, "ke": 0.3}))
    result = symde.fit(problem(text), data, names=["c"], sigma=0.01, starts=12)
    np.testing.assert_allclose(result.x, [2.0, 0.3, 1.0], rtol=1e-6)  # where the given start leads
    (other,) = result.alternatives
    # c = ka/v/(ka - ke)*(exp(-ke*t) - exp(-ka*t)): ka/v stays
    np.testing.assert_allclose([*other.values()], [0.3, 2.0, 0.15], rtol=1e-5)
    assert "as good: ka = 0.3, ke = 2, v = 0.15" in result.summary()


BLOWS_UP = "param k = 1 in (0, 5)\nstate x = 1\ntime 0 .. 1\nx' = k*x^2"


def test_starts_that_fail_do_not_stop_the_others():
    times = np.linspace(0.1, 1.0, 10)
    data = (times, 1 / (1 - 0.5 * times))  # the solution is 1/(1 - k*t), which has an end for k >= 1
    result = symde.fit(problem(BLOWS_UP, k=0.2), data, starts=10)
    assert result["k"] == pytest.approx(0.5, rel=1e-6)
    failed = [start for start in result.starts if not np.isfinite(start.value)]
    assert failed and all("t = " in start.message for start in failed)
    assert f"{len(failed)} failed" in result.summary()


def test_a_fit_that_cannot_start_says_why():
    times = np.linspace(0.1, 1.0, 10)
    with pytest.raises(symde.SolveError, match="worst state: x"):
        symde.fit(problem(BLOWS_UP, k=3.0), (times, times))
    with pytest.raises(ValueError, match="x of the model cannot be compared at t = .*logarithms"):
        symde.fit(problem("param k = 1\nstate x = -1\ntime 0..1\nx' = -k*x"), (times, times), log=True)
    with pytest.raises(ValueError, match="sigma of x is not positive"):
        symde.fit(
            problem("param k = 1, s = -1\nstate x = 1\ntime 0..1\nx' = -k*x"), (times, times), sigma="s"
        )


def test_the_search_steps_around_parameters_that_cannot_be_solved():
    times = np.linspace(0.1, 1.0, 10)
    data = (times, 1 / (1 - 0.95 * times))
    result = symde.fit(problem(BLOWS_UP, k=0.01), data, scale="linear")
    assert result["k"] == pytest.approx(0.95, rel=1e-6)


def test_no_convergence_is_told():
    data = (TIMES, exact(LOTKA, TIMES, ["x", "y"]))
    with pytest.warns(RuntimeWarning, match="limit of 2 iterations"):
        result = symde.fit(problem(LOTKA, **START), data, [*TRUE], max_iterations=2)
    assert not result.success and "NOT CONVERGED" in result.summary() and "not converged" in repr(result)


WRONG = [
    ({"parameters": ["alpha"]}, "unknown parameter or initial value `alpha`"),
    ({"parameters": []}, "nothing is to be estimated"),
    ({"parameters": ["k", "k"]}, "k is named twice"),
    ({"parameters": {"k": 30.0}}, "k starts at 30, outside its bounds 0 to 20"),
    ({"bounds": {"k": (2, 1)}}, "bounds of k hold nothing"),
    ({"bounds": {"k": 3}}, "must be two numbers"),
    ({"bounds": {"x": (0, 1)}}, r"bounds names x\(0\), which is not estimated"),
    ({"scale": "logarithmic"}, "must be 'log' or 'linear'"),
    ({"parameters": ["k", "x", "noise"]}, "3 parameters cannot be told from 2 values"),
    ({"starts": 0}, "starts = 0"),
    ({"seed": -1}, "seed = -1"),
    ({"workers": 0}, "workers = 0"),
    ({"callback": 1}, "callback must be a function"),
    ({"bounds": [(0, 1)]}, r"bounds go by name, bounds=\{'k': \(low, high\)\}"),
    ({"saveat": 1.0}, "saveat"),
]


@pytest.mark.parametrize(("options", "words"), WRONG, ids=[words for _, words in WRONG])
def test_a_wish_that_cannot_be_met_is_refused(options, words):
    options = {"parameters": ["k"], **options}
    with pytest.raises((ValueError, TypeError), match=words):
        symde.fit(problem(DECAY), ([1.0, 2.0], [1.0, 0.5]), **options)


def test_options_of_the_data_belong_to_the_data():
    loss = symde.LeastSquares(([1.0], [1.0]))
    with pytest.raises(ValueError, match="sigma belongs to the LeastSquares"):
        symde.fit(problem(DECAY), loss, ["k"], sigma=0.1)
    with pytest.raises(TypeError, match="expected a symde.Problem"):
        symde.fit(problem(DECAY).model, loss, ["k"])
    with pytest.raises(ValueError, match="unknown estimate `z`"):
        symde.fit(problem(DECAY), ([1.0, 2.0], [1.0, 0.4]), ["k"])["z"]


def test_progress_is_a_bar_on_stderr(capsys):
    pytest.importorskip("tqdm")
    symde.fit(problem(LINE), ([1.0, 2.0], [1.0, 2.1]), starts=3, progress=True)
    printed = capsys.readouterr()
    assert printed.out == "" and "3/3" in printed.err and "best" in printed.err


def test_a_fit_prints_nothing_and_warns_of_nothing(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        symde.fit(problem(LINE), ([1.0, 2.0], [1.0, 2.1])).summary()
    assert capsys.readouterr() == ("", "")
