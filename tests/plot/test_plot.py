"""A plot shows the solution that it is given: curves, axes, window."""

from __future__ import annotations

import numpy as np
import pytest

import symde

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

from matplotlib import pyplot  # noqa: E402

from symde.plot import plot  # noqa: E402

TEXT = """
param k = 0.5 [1/h]
state x = 1 [mol], y = 0 [mol], z = 3
x' = -k*x
y' = k*x
z' = 0*z
share = x/(x + y)
"""


@pytest.fixture(scope="module")
def solution():
    """x = exp(-t/2), y = 1 - x, z = 3 on 0..10."""
    return symde.solve(symde.Problem(symde.ode_def(TEXT), tspan=(0, 10)), rtol=1e-9)


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


def curves(axes):
    return {line.get_label(): line.get_xydata().T for line in axes.get_lines()}


def test_all_states_are_drawn_by_name(solution):
    axes = solution.plot()
    assert list(curves(axes)) == ["x", "y", "z"]
    assert axes.get_xlabel() == "t"
    assert axes.get_legend() is not None


def test_a_curve_is_the_continuous_solution_not_a_polygon_of_steps(solution):
    t, x = curves(plot(solution, vars="x"))["x"]
    assert len(t) > 500 and t[0] == 0 and t[-1] == 10
    np.testing.assert_allclose(x, np.exp(-t / 2), atol=1e-7)


def test_observed_quantities_and_parameters_are_drawn_by_name(solution):
    found = curves(plot(solution, vars=["share", "k"]))
    np.testing.assert_allclose(found["share"][1], np.exp(-found["share"][0] / 2), atol=1e-7)
    assert set(found["k"][1]) == {0.5}


def test_states_are_drawn_by_index(solution):
    assert list(curves(plot(solution, vars=[1, 0]))) == ["y", "x"]


@pytest.mark.parametrize("xscale", ["log", "log10", np.log10])
def test_a_logarithmic_axis_is_sampled_evenly_for_the_eye(solution, xscale):
    axes = plot(solution, vars="x", xscale=xscale, tspan=(1e-3, 10))
    t, x = curves(axes)["x"]
    assert axes.get_xscale() == "log"
    assert t[0] == 1e-3 and t[-1] == 10
    assert np.diff(np.log(t)).max() < 1.01 * np.log(1e4) / 999  # no gap wider than that of 1000 even points
    np.testing.assert_allclose(x, np.exp(-t / 2), atol=1e-7)


def test_a_logarithmic_axis_from_zero_starts_at_the_first_step(solution):
    t, _ = curves(plot(solution, vars="x", xscale="log"))["x"]
    assert t[0] == solution.t[1] > 0


def test_a_window_is_kept(solution):
    t, _ = curves(plot(solution, vars="x", tspan=(2, 3)))["x"]
    assert (t[0], t[-1]) == (2, 3)


def test_a_window_that_reaches_beyond_is_cut(solution):
    t, _ = curves(plot(solution, vars="x", tspan=(-5, 50)))["x"]
    assert (t[0], t[-1]) == (0, 10)


def test_a_pair_is_drawn_one_over_the_other(solution):
    axes = plot(solution, vars=[("x", "y")])
    ((x, y),) = curves(axes).values()
    np.testing.assert_allclose(x + y, 1, atol=1e-8)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x [mol]", "y [mol]")


def test_units_are_shown_where_they_are_shared(solution):
    assert plot(solution, vars=["x", "y"]).get_ylabel() == "[mol]"
    assert plot(solution, vars=["x", "z"]).get_ylabel() == ""
    assert plot(solution, vars="x").get_ylabel() == "x [mol]"


def test_quantities_are_scaled_and_say_so(solution):
    found = curves(plot(solution, vars=["x", "z"], scales={"x": 3}))
    assert list(found) == ["3 × x", "z"]
    assert found["3 × x"][1][0] == 3


def test_saved_points_are_drawn_where_nothing_else_was_kept():
    solution = symde.solve(symde.Problem(symde.ode_def(TEXT), tspan=(0, 10)), saveat=1)
    t, _ = curves(solution.plot(vars="x"))["x"]
    assert t.tolist() == list(range(11))


def test_a_backward_solution_is_drawn():
    solution = symde.solve(symde.Problem(symde.ode_def(TEXT), tspan=(10, 0)), rtol=1e-8)
    t, x = curves(solution.plot(vars="x"))["x"]
    assert t.min() == 0 and t.max() == 10
    np.testing.assert_allclose(x, np.exp((10 - t) / 2), rtol=1e-5)


def test_several_solutions_go_into_given_axes(solution):
    _, axes = pyplot.subplots()
    assert plot(solution, vars="x", ax=axes, label="first") is axes
    plot(solution, vars="x", ax=axes, label="second", linestyle="--")
    assert list(curves(axes)) == ["first", "second"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"vars": "shares"}, "share"),
        ({"xscale": "cubic"}, "xscale"),
        ({"tspan": (20, 30)}, "outside"),
        ({"xscale": "log", "tspan": (-3, 0)}, "positive"),
        ({"scales": {"w": 2}}, "w"),
        ({"tspan": 5}, "two times"),
        ({"vars": []}, "empty"),
        ({"vars": [3]}, "0 to 2"),
        ({"vars": [("x", "y", "z")]}, "pair"),
    ],
)
def test_what_cannot_be_drawn_is_told(solution, options, words):
    with pytest.raises(ValueError, match=words):
        plot(solution, **options)


@pytest.mark.parametrize("option", ["aspect", "legend", "idxs"])
def test_an_option_that_no_line_has_is_told_before_there_is_a_figure(solution, option):
    with pytest.raises(TypeError, match=f"{option}.*set on the axes"):
        plot(solution, **{option: 1})
    assert not pyplot.get_fignums()


def test_a_logarithmic_axis_of_a_pair_is_not_that_of_time(solution):
    ((x, _),) = curves(plot(solution, vars=[("x", "y")], xscale="log")).values()
    assert x[0] == 1  # from the first time on, which is zero


@pytest.fixture(scope="module")
def wide():
    """Forty states u_i = exp(-i t/40)."""
    text = "\n".join(f"state u{i} = 1\nu{i}' = -{i}/40*u{i}" for i in range(40))
    return symde.solve(symde.Problem(text, tspan=(0, 1)))


def test_many_curves_are_shaded_in_order_and_a_legend_names_some(wide):
    axes = wide.plot()
    assert len({line.get_color().tobytes() for line in axes.get_lines()}) == 40
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert len(names) == 20 and (names[0], names[-1]) == ("u0", "u39")
    for line, name in zip(axes.get_legend().get_lines(), names, strict=True):
        assert (line.get_color() == curve_of(axes, name).get_color()).all()


def curve_of(axes, name):
    return next(line for line in axes.get_lines() if line.get_label() == name)


def test_every_curve_is_named_where_there_is_room(wide):
    axes = wide.plot(vars=list(wide.names[:15]), color="black")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(wide.names[:15])
    assert {line.get_color() for line in axes.get_lines()} == {"black"}


def test_many_curves_evaluate_the_solution_once(wide, monkeypatch):
    calls = []
    evaluate = type(wide).__call__
    monkeypatch.setattr(type(wide), "__call__", lambda *args: calls.append(args) or evaluate(*args))
    wide.plot()
    assert len(calls) == 1


def test_a_path_of_jumps_is_drawn_as_steps():
    problem = symde.Problem("1, X --> 0\n", {"X": 4}, (0, 20), kind="jump")
    path = symde.solve(problem, seed=1)
    times, values = curves(plot(path))["X"]
    # it stays until just before an event, and falls there: nothing lies between two whole numbers
    assert set(values) == {0, 1, 2, 3, 4}
    for event in path.t[1:-1]:
        at = np.searchsorted(times, event)
        assert times[at] == event and values[at - 1] == values[at] + 1
        assert event - times[at - 1] < 1e-12 * event


def test_a_solution_without_points_has_no_picture():
    problem = symde.Problem("x' = x^2; x(0) = 1; time 0 .. 3")
    with pytest.raises(ValueError, match="ended before the first time to be saved"):
        symde.solve(problem, saveat=[2.0], throw=False).plot()
