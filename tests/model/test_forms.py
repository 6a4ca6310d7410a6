"""What each form of a model means: LANGUAGE.md's rules that are decided after parsing."""

from __future__ import annotations

from pathlib import Path

import pytest
import sympy

import symde.model.ode_def as module
from symde.diagnostics import ModelError
from symde.model.definition import Observable, State
from symde.model.model import Model
from symde.model.ode_def import load, ode_def

SHORT = """
@ode_def rober begin
  dy1 = -k1*y1+k3*y2*y3
  dy2 =  k1*y1-k2*y2^2-k3*y2*y3
  dy3 =  k2*y2^2
end k1 k2 k3
"""
LONG = """
model rober "Robertson (1966), autocatalysis"
  param k1, k2, k3
  state y1, y2, y3

  dy1 = -k1*y1 + k3*y2*y3
  dy2 =  k1*y1 - k2*y2^2 - k3*y2*y3
  dy3 =  k2*y2^2
end
"""
ANONYMOUS = """
y1' = -k1*y1 + k3*y2*y3
D(y2) = k1*y1 - k2*y2**2 - k3*y2*y3
y3' = k2*y2^2
"""


def decorated() -> Model:
    @ode_def
    def rober(y1, y2, y3, *, k1, k2, k3):
        dy1 = -k1 * y1 + k3 * y2 * y3  # noqa: F841
        dy2 = k1 * y1 - k2 * y2**2 - k3 * y2 * y3  # noqa: F841
        dy3 = k2 * y2**2  # noqa: F841

    return rober


def with_values() -> tuple[Model, Model]:
    @ode_def()
    def rober(y1=1.0, y2=0.0, y3=0.0, *, k1=0.04, k2=3e7, k3=1e4):
        dy1 = -k1 * y1 + k3 * y2 * y3  # noqa: F841
        dy2 = k1 * y1 - k2 * y2**2 - k3 * y2 * y3  # noqa: F841
        dy3 = k2 * y2**2  # noqa: F841

    text = LONG.replace("k1, k2, k3", "k1 = 0.04, k2 = 3e7, k3 = 1e4").replace(
        "y1, y2, y3", "y1 = 1, y2 = 0, y3 = 0"
    )
    return rober, ode_def(text)


def test_three_forms_are_the_same_model() -> None:
    short, long, function = ode_def(SHORT), ode_def(LONG), decorated()
    assert short == long == function
    assert hash(short) == hash(long) == hash(function)
    assert short.jacobian() == long.jacobian() == function.jacobian()
    assert len({short, long, function}) == 1


def test_forms_with_values_are_the_same_model() -> None:
    function, text = with_values()
    assert function == text
    assert [one.initial is not None for one in text.definition.states] == [True] * 3


def test_an_anonymous_model_differs_by_its_name_alone() -> None:
    anonymous = ode_def(ANONYMOUS, parameters=["k1", "k2", "k3"])
    assert anonymous != ode_def(LONG)
    assert anonymous.name == "model"
    assert anonymous == ode_def(LONG.replace("model rober", "model model"))


@pytest.mark.parametrize(
    "other",
    [
        SHORT.replace("k1*y1-", "2*k1*y1-"),
        SHORT.replace("end k1 k2 k3", "end k3 k2 k1"),
        SHORT.replace("rober", "robertson"),
        SHORT.replace("end", "y1(0) = 1\nend"),
        SHORT.replace("end", "s = y1 + y2 + y3\nend"),
    ],
)
def test_what_means_something_else_is_another_model(other: str) -> None:
    assert ode_def(SHORT) != ode_def(other)


def test_spelling_is_no_difference() -> None:
    first = ode_def("x' = -k*x + (a if x < 1.0 else b)^2 - 1")
    second = ode_def("x' = (-k)*x + where(x < 1, a, b)**2 - 1.0")
    assert first == second


def test_undefined_symbols_become_parameters_in_order_of_appearance() -> None:
    model = ode_def("x' = b*x - a*f(x)\nf(z) = c*z\nx(0) = start\ntime 0 .. length")
    assert model.parameter_names == ("b", "a", "c", "start", "length")


def test_texts_that_name_parameters_name_all() -> None:
    assert ode_def("param a = 1\nx' = -a*x").parameter_names == ("a",)
    with pytest.raises(ModelError, match="unknown name `b`"):
        ode_def("param a = 1\nx' = -a*x + b")


def test_caller_names_parameters_and_their_order() -> None:
    assert ode_def("x' = b*x - a", parameters=["a", "b", "unused"]).parameter_names == ("a", "b", "unused")


def test_short_form_takes_exactly_the_listed_parameters() -> None:
    model = ode_def("@ode_def M begin\ndx = -k*x\nend k unused")
    assert model.parameter_names == ("k", "unused")


def test_unicode_names_stay_apart() -> None:
    model = ode_def("@ode_def M begin\ndy₁ = -k₁*y₁ + α*y1\ndy1 = -y1\nend k₁ α")
    assert model.state_names == ("y₁", "y1")
    assert model.jacobian()[0, 1] == sympy.Symbol("α", real=True)


class TestDerivativeNames:
    """`dNAME = e`."""

    def test_is_an_equation_where_name_is_declared(self) -> None:
        assert ode_def("state x = 1\ndx = -2").state_names == ("x",)

    def test_is_an_equation_where_name_is_read(self) -> None:
        assert ode_def("dx = -x").state_names == ("x",)

    def test_is_an_equation_where_name_is_initialised(self) -> None:
        assert ode_def("x(t0) = 1\ndx = -2").state_names == ("x",)

    def test_is_an_equation_in_the_short_form_whatever_else(self) -> None:
        model = ode_def("@ode_def M begin\ndose = 5*k\ndx = dose - x\nend k")
        assert model.state_names == ("ose", "x")
        assert model.observable_names == ("dose",)

    def test_is_observed_where_only_it_is_read(self) -> None:
        model = ode_def("x' = dose - x\ndose = 5*k")
        assert model.state_names == ("x",)
        assert model.observable_names == ("dose",)

    def test_is_observed_where_the_rest_is_no_name(self) -> None:
        model = ode_def("x' = -x\nd1 = 2*x\nd = 3*x\nd₂ = x")
        assert model.observable_names == ("d1", "d", "d₂")

    def test_read_without_definition_is_the_derivative(self) -> None:
        model = ode_def("x' = -k*x\ny' = dx + x' + D(x)")
        observed = model.definition.observables
        equation = model.definition.states[0].derivative
        assert observed == (Observable("dx", equation), Observable("x'", equation))
        x, k = sympy.symbols("x k", real=True)
        assert model.equations[1].rhs == -3 * k * x


class TestSecondOrder:
    """`x'' = e`."""

    def test_adds_the_velocity_as_a_state(self) -> None:
        model = ode_def("x'' = -x - c*x'\nx(0) = 1\nx'(0) = 2")
        assert model.state_names == ("x", "x'")
        x, velocity = model.states
        assert model.equations[0].rhs == velocity
        assert model.equations[1].rhs == -x - sympy.Symbol("c", real=True) * velocity
        assert [str(one.initial.value) for one in model.definition.states] == ["1", "2"]

    def test_keeps_declared_order(self) -> None:
        model = ode_def("state y = 1, x = 2\nx'' = -x*y\ny' = -y")
        assert model.state_names == ("y", "x", "x'")

    def test_higher_orders_work_alike(self) -> None:
        assert ode_def("x''' = -x + x''").state_names == ("x", "x'", "x''")

    def test_velocity_reads_as_dx_too(self) -> None:
        model = ode_def("x'' = -dx")
        assert model.equations[1].rhs == -model.states[1]


class TestObservables:
    """`x = e`."""

    def test_come_in_order_of_dependence(self) -> None:
        model = ode_def("a = b + c\nb = c*x\nc = 2\nx' = -a")
        assert model.observable_names == ("c", "b", "a")

    def test_keep_the_texts_order_where_they_are_independent(self) -> None:
        assert ode_def("b = x\na = x\nx' = -x").observable_names == ("b", "a")

    def test_long_chains_need_no_recursion(self) -> None:
        chain = "\n".join(f"a{n} = a{n + 1}" for n in range(3000))
        assert ode_def(f"{chain}\na3000 = x\nx' = a0").observable_names[0] == "a3000"


class TestInitialValues:
    """`state x = e`, `x(t0) = e`, `x(0) = e`."""

    def test_read_parameters_and_the_initial_time(self) -> None:
        model = ode_def("state x = 2*a + t0\nx' = -a*x", parameters=["a"])
        assert model.parameter_names == ("a",)

    def test_t0_may_be_declared_and_then_is_that(self) -> None:
        assert ode_def("param t0 = 3\nstate x = t0\nx' = -x*t0").parameter_names == ("t0",)

    def test_read_observables_that_do_not_change(self) -> None:
        model = ode_def("total = 2*a\nx(t0) = total\nx' = -a*x")
        other = ode_def("total = 2*a\nx(t0) = 2*a\nx' = -a*x")
        assert model == other

    def test_zero_stands_for_t0_where_t0_is_zero(self) -> None:
        assert ode_def("time 0 .. 1\nx(0) = 2\nx' = -x") == ode_def("time 0 .. 1\nx(t0) = 2\nx' = -x")
        assert ode_def("x(0) = 2\nx' = -x") == ode_def("state x = 2\nx' = -x")


class TestParameters:
    """`param k = e [unit] in (lo, hi) nominal s "doc"`."""

    def test_keep_unit_bounds_nominal_and_documentation(self) -> None:
        model = ode_def(
            'const big = 1e3\nparam k = 2 [1/s] in (0, 10*big) nominal 5 "a rate"\nx\' = -k*big*x'
        )
        (k,) = model.definition.parameters
        assert (k.unit, k.bounds, k.nominal, k.doc) == ("1/s", (0.0, 10000.0), 5.0, "a rate")

    def test_bounds_may_be_infinite(self) -> None:
        (k,) = ode_def("param k = 2 in (0, inf)\nx' = -k*x").definition.parameters
        assert k.bounds == (0.0, float("inf"))

    def test_defaults_refer_to_each_other_in_any_order(self) -> None:
        model = ode_def("param a = 2*b, b = 3\nx' = -a*b*x")
        assert model.parameter_names == ("a", "b")


class TestConstants:
    """`const c = number`."""

    def test_are_folded_into_the_equations(self) -> None:
        model = ode_def("const c = 2*d, d = 3\nx' = -c*x")
        assert model.parameter_names == ()
        assert model.equations[0].rhs == -6.0 * model.states[0]


class TestNames:
    """Contextual names."""

    def test_built_in_names_work_as_parameters_and_states(self) -> None:
        model = ode_def("param beta = 1, gamma = 2\nS' = -beta*S*I\nI' = beta*S*I - gamma*I")
        assert model.state_names == ("S", "I")
        assert model.equations[1].rhs.has(sympy.Symbol("gamma", real=True))

    def test_names_of_sympy_mean_nothing(self) -> None:
        model = ode_def("E' = -I*E\nI' = Q*N - zeta*S + O")
        assert model.parameter_names == ("Q", "N", "zeta", "S", "O")

    def test_functions_shadow_built_in_ones(self) -> None:
        model = ode_def("exp(z) = 2*z\nx' = -exp(x)")
        assert model.equations[0].rhs == -2 * model.states[0]

    def test_a_function_may_read_the_model_and_the_time(self) -> None:
        model = ode_def("f(a) = a*x*k*t\nx' = f(2)")
        assert model.parameter_names == ("k",)
        assert model.time_gradient()[0] == 2 * model.states[0] * model.parameters[0]


class TestSources:
    """Files, several models, and what is no model."""

    def test_files_hold_several_models(self, tmp_path: Path) -> None:
        path = tmp_path / "two.symde"
        path.write_text(
            "model A\nstate x = 1\nx' = -x\nend\nmodel B\nstate y = 1\ny' = -y\nend\n", encoding="utf-8"
        )
        assert load(path, "B").state_names == ("y",)
        assert load(str(path), name="A").state_names == ("x",)
        with pytest.raises(ValueError, match="holds 2 models"):
            load(path)
        with pytest.raises(ValueError, match="no model named 'C'"):
            load(path, "C")

    def test_errors_name_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / "wrong.symde"
        path.write_text("param k = 1\nx' = -kk*x\n", encoding="utf-8")
        with pytest.raises(ModelError, match=r"wrong\.symde:2:7"):
            load(path)

    def test_files_are_utf8(self, tmp_path: Path) -> None:
        path = tmp_path / "latin.symde"
        path.write_bytes("# é\nx' = -x".encode("latin-1"))
        with pytest.raises(ValueError, match="UTF-8"):
            load(path)
        with pytest.raises(FileNotFoundError):
            load(tmp_path / "missing.symde")

    def test_other_things_are_a_type_error(self) -> None:
        with pytest.raises(TypeError, match="not int"):
            module.ode_def(3)  # type: ignore[call-overload]


def test_states_know_where_they_are_written() -> None:
    model = ode_def("state x = 1\nx' = -x")
    (state,) = model.definition.states
    assert isinstance(state, State)
    assert (state.span.text, state.equation.text) == ("x", "x' = -x")


def test_the_representation_names_everything() -> None:
    assert repr(ode_def("x' = -k*y\ny = 2*x")) == "<Model model: states x; parameters k; observables y>"
