"""Data come in many forms and mean one thing; what they cannot mean is refused with the reason."""

from __future__ import annotations

import re

import numpy as np
import pytest

import symde
from tests.fit.models import DECAY, LOTKA, exact, problem

TIMES = np.array([0.5, 1.0, 2.0, 3.5])
VALUES = exact(LOTKA, TIMES, ["x", "product"])
NAMES = ["x", "product"]


def residuals(data, **options):
    return symde.Objective(problem(LOTKA, a=1.4), symde.LeastSquares(data, **options), ["a"]).residuals([0.0])


def test_all_forms_of_the_same_data_give_the_same_residuals():
    pandas = pytest.importorskip("pandas")
    expected = residuals((TIMES, VALUES), names=NAMES, sigma=0.1)
    frame = pandas.DataFrame(VALUES, columns=NAMES, index=pandas.Index(TIMES, name="t"))
    forms = [
        (([*TIMES], VALUES.tolist()), {"names": NAMES}),
        (frame, {}),
        (frame.reset_index(), {}),
        (frame.rename_axis("hours").reset_index(), {"time": "hours"}),
        (frame.rename(columns={"x": "rabbits"}), {"names": {"rabbits": "x", "product": "product"}}),
        (frame.assign(note="none"), {"names": NAMES}),
        ({"t": TIMES, **dict(zip(NAMES, VALUES.T, strict=True))}, {}),
        ({"time": TIMES, "x": VALUES[:, 0], "product": VALUES[:, 1]}, {}),
        (np.ma.masked_invalid(VALUES), None),
        (symde.Experiment(frame), {}),
        ([symde.Experiment((TIMES, VALUES), names=NAMES)], {}),
        (frame.convert_dtypes(), {}),
    ]
    for data, options in forms:
        if options is None:
            data, options = (TIMES, data), {"names": NAMES}
        np.testing.assert_array_equal(residuals(data, sigma=0.1, **options), expected)


def test_missing_values_are_marked_in_every_form():
    pandas = pytest.importorskip("pandas")
    holed = VALUES.copy()
    holed[1, 0] = holed[2, 1] = np.nan
    expected = residuals((TIMES, holed), names=NAMES)
    assert len(expected) == 6
    frame = pandas.DataFrame(holed, columns=NAMES, index=pandas.Index(TIMES, name="t"))
    masked = np.ma.masked_invalid(holed)
    for data in (
        (TIMES, masked),
        frame,
        frame.convert_dtypes(),
        frame.astype(object).where(frame.notna(), None),
    ):
        options = {"names": NAMES} if isinstance(data, tuple) else {}
        np.testing.assert_array_equal(residuals(data, **options), expected)


def test_all_forms_of_noise_and_weights_give_the_same_residuals():
    pandas = pytest.importorskip("pandas")
    per_value = np.broadcast_to([0.1, 0.5], VALUES.shape)
    frame = pandas.DataFrame(per_value, columns=NAMES)
    expected = residuals((TIMES, VALUES), names=NAMES, sigma=per_value)
    for form in ([0.1, 0.5], {"x": 0.1, "product": 0.5}, {"product": [0.5] * 4, "x": 0.1}, frame):
        np.testing.assert_array_equal(residuals((TIMES, VALUES), names=NAMES, sigma=form), expected)
    doubled = residuals((TIMES, VALUES), names=NAMES, sigma=per_value, weights={"x": 4.0})
    np.testing.assert_allclose(doubled.reshape(4, 2), expected.reshape(4, 2) * [2.0, 1.0], rtol=1e-15)


def test_residuals_are_in_the_order_of_the_rows():
    order = [2, 0, 3, 1, 1]
    shuffled = residuals((TIMES[order], VALUES[order]), names=NAMES).reshape(5, 2)
    np.testing.assert_array_equal(shuffled, residuals((TIMES, VALUES), names=NAMES).reshape(4, 2)[order])


WRONG = [
    ((TIMES, VALUES[:, :1]), {}, "1 column.s., and the model has 2 states .*: say what the columns are"),
    ((TIMES, VALUES), {"names": ["x"]}, "2 columns, and names has 1"),
    ((TIMES, VALUES), {"names": ["x", "prodct"]}, "did you mean `product`"),
    ((TIMES, {"x": VALUES[:, 0]}), {}, r"one mapping of columns: write \{'t': times, 'x': values, ...\}"),
    ((TIMES, VALUES[:3]), {"names": NAMES}, r"must be \(4, quantities\)"),
    ((TIMES + 2, VALUES), {"names": NAMES}, r"t = 5.5 lies outside the span 0 to 4: .*tspan=\(start, end\)"),
    ((TIMES - 1, VALUES), {"names": NAMES}, "t = -0.5 lies outside"),
    (([0.5, np.nan], [[1, 2]] * 2), {"names": NAMES}, "time 1 of the data is nan: leave out the rows"),
    ((TIMES, np.full((4, 2), np.nan)), {"names": NAMES}, "all are missing"),
    (
        (TIMES, VALUES * [np.inf, 1]),
        {"names": NAMES},
        r"row 0, column 0 of the data is infinite \(missing: NaN\)",
    ),
    ((TIMES, -VALUES), {"names": NAMES, "log": True}, "x at t = 0.5 is .* and has no logarithm"),
    ((TIMES, VALUES), {"names": NAMES, "log": "y"}, "unknown column in log `y`"),
    ((TIMES, VALUES), {"names": NAMES, "sigma": 0.0}, "sigma of x at t = 0.5 is not positive"),
    (
        (TIMES, VALUES),
        {"names": NAMES, "sigma": [0.1] * 3},
        r"a number, one a column \(2,\) or one a value \(4, 2\)",
    ),
    ((TIMES, VALUES), {"names": NAMES, "sigma": {"x": 0.1}}, "sigma says nothing of product"),
    ((TIMES, VALUES), {"names": NAMES, "sigma": "nois"}, "did you mean `noise`"),
    ((TIMES, VALUES), {"names": NAMES, "weights": -1}, "the weight of x at t = 0.5"),
    ((TIMES, VALUES), {"names": NAMES, "weights": 0}, "have weight 0"),
    ({"x": TIMES}, {}, "name their column with time="),
    ({"t": TIMES}, {}, "no column beside their times"),
    ({"t": TIMES, "x": TIMES}, {"names": ["z"]}, "no column 'z': there are t, x"),
    ({"t": TIMES, "x": TIMES}, {"time": "hours"}, "no column 'hours' of times"),
]


@pytest.mark.parametrize(("data", "options", "words"), WRONG, ids=[words for _, _, words in WRONG])
def test_data_that_mean_nothing_are_refused_with_what_to_do(data, options, words):
    with pytest.raises(ValueError) as refused:
        symde.fit(problem(LOTKA), data, ["a"], **options)
    assert re.search(words, str(refused.value), re.DOTALL), refused.value


def test_a_frame_whose_index_counts_rows_has_no_times():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match=r"frame.rename_axis\('t'\)"):
        symde.LeastSquares(pandas.DataFrame({"x": [1.0, 2.0]}))


def test_frames_and_series_bring_the_names_of_their_columns():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(VALUES, columns=NAMES)
    by_name = residuals((TIMES, frame[NAMES[::-1]]))
    np.testing.assert_array_equal(
        by_name.reshape(4, 2)[:, ::-1].ravel(), residuals((TIMES, VALUES), names=NAMES)
    )
    series = frame.set_axis(TIMES)["x"]
    np.testing.assert_array_equal(residuals(series), residuals((TIMES, VALUES[:, 0]), names=["x"]))
    np.testing.assert_array_equal(
        residuals(frame.assign(t=TIMES).to_records(index=False)), residuals((TIMES, VALUES), names=NAMES)
    )
    with pytest.raises(ValueError, match="the series has no times: set its index"):
        residuals(frame["x"])


def test_noise_and_weights_may_be_columns_of_the_data():
    spread, count = np.array([0.1, 0.2, 0.3, 0.4]), np.array([1.0, 0.0, 2.0, 1.0])
    table = {"t": TIMES, "x": VALUES[:, 0], "sd": spread, "n": count}
    expected = residuals((TIMES, VALUES[:, 0]), names=["x"], sigma=spread, weights=count)
    np.testing.assert_array_equal(residuals(table, sigma="sd", weights="n"), expected)
    np.testing.assert_array_equal(residuals(table, sigma={"x": "sd"}, weights={"x": "n"}), expected)
    with pytest.raises(ValueError, match="weights names 'm', and the data have no such column"):
        residuals({"t": TIMES, "x": VALUES[:, 0]}, sigma=0.1, weights="m")


def test_a_mistake_says_in_which_experiment_it_is():
    good, late = symde.Experiment((TIMES, VALUES), names=NAMES), ([5.0], [1.0])
    for other, words in (
        (
            symde.Experiment(late, names=["x"], name="evening"),
            r"experiment 2 \(evening\): the data go from t = 5",
        ),
        (symde.Experiment({"t": [1.0], "z": [1.0]}), "experiment 2: column 'z' of the data is no quantity"),
        (symde.Experiment((TIMES, VALUES), names=NAMES, u0={"z": 1.0}), "experiment 2: unknown state `z`"),
    ):
        with pytest.raises(ValueError, match=words):
            symde.fit(problem(LOTKA), [good, other], ["a"])
    with pytest.raises(ValueError, match="experiment 2: the data are empty: they have no rows"):
        symde.fit(problem(LOTKA), [good, symde.Experiment(([], []))], ["a"])


def columns_without_numbers():
    hours = np.array(["2026-01-01T00", "2026-01-01T01"], dtype="datetime64[s]")
    yield (
        {"t": hours, "x": [1.0, 2.0]},
        r"times of the data must be numbers.*\(t - start\) / pandas.Timedelta",
    )
    yield {"t": hours - hours[0], "x": [1.0, 2.0]}, "hours, for one, are t / pandas.Timedelta"
    yield {"t": np.array(["1", "2"]), "x": [1.0, 2.0]}, "found the text '1'.*pandas.to_numeric"
    yield (
        {"t": [1.0, 2.0], "x": np.array([1.0, "n/a"], object)},
        "column 'x' must be numbers, found the text 'n/a'",
    )
    yield {"t": [1.0, 2.0], "x": np.array([True, False])}, "column 'x' must be numbers, found truth values"
    yield [], "there is no experiment in the list"
    yield [{"t": [1.0], "x": [1.0]}, {"t": [1.0], "x": [1.0]}], r"a list of symde.Experiment\(frame, ...\)"
    yield np.ones(3), r"an array alone has no times, write \(times, values\)"
    yield symde.solve(problem(DECAY), saveat=1.0), r"write \(solution.t, solution.u\)"


@pytest.mark.parametrize(("data", "words"), list(columns_without_numbers()), ids=lambda one: str(one)[:40])
def test_what_holds_no_numbers_is_refused_with_how_to_make_them(data, words):
    with pytest.raises(TypeError, match=words):
        symde.fit(problem(DECAY), data, ["k"])


def test_what_is_no_data_is_told():
    with pytest.raises(TypeError, match=r"must be \(times, values\)"):
        symde.LeastSquares([1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="symde.Experiment alone"):
        symde.LeastSquares([symde.Experiment((TIMES, VALUES)), (TIMES, VALUES)])
    with pytest.raises(TypeError, match="real numbers"):
        symde.LeastSquares((TIMES, ["a", "b", "c", "d"]))


def test_noise_is_given_for_all_experiments_or_for_none():
    one = symde.Experiment(([1.0], [1.0]), names=["x"], sigma=0.1)
    other = symde.Experiment(([1.0], [1.0]), names=["x"])
    with pytest.raises(ValueError, match="give all of them one, or none"):
        symde.fit(problem(DECAY), [one, other], ["k"])


def test_a_span_whose_end_moves_onto_the_data_is_refused():
    text = "param k = 1, last = 3\nstate x = 1\ntime 0 .. last\nx' = -k*x"
    moving = symde.Problem(symde.ode_def(text))
    assert symde.fit(moving, ([1.0, 2.0], np.exp([-1.5, -3.0])), ["k"])["k"] == pytest.approx(1.5, rel=1e-7)
    with pytest.raises(ValueError, match="which moves with the parameters"):
        symde.fit(moving, ([1.0, 3.0], [0.5, 0.3]), ["k"])
