"""The export function, its targets, and what every printed file tells its reader."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import symde
from symde.codegen.evaluate import evaluate
from symde.codegen.model_kernels import ModelGraph
from symde.export import export, find_target, register, registry, target_names
from symde.export.registry import TARGETS
from symde.export.target import PrintedTarget, Target
from tests.export.models import EVERYTHING, NAMES, ROBER, chain_text
from tests.export.tools import called, compiled_c, imported

SOURCES = ("c", "llvm", "numba", "numpy")


@pytest.fixture(scope="module")
def rober() -> symde.Model:
    return symde.ode_def(ROBER)


def test_every_target_of_the_table_is_there_under_its_name():
    assert set(target_names()) >= {"c", "latex", "llvm", "numba", "numpy"}
    for name in TARGETS:
        target = find_target(name)
        assert isinstance(target, Target)
        assert target.name == name
        assert target.suffix.startswith(".")
        assert target.summary


@pytest.mark.parametrize("target", TARGETS)
def test_the_same_model_gives_the_same_text(target):
    assert export(symde.ode_def(EVERYTHING), target) == export(symde.ode_def(EVERYTHING), target)


@pytest.mark.parametrize("target", TARGETS)
def test_a_path_gets_the_text_that_is_returned(target, rober, tmp_path):
    text = export(rober, target, path=tmp_path / "file.txt")
    assert (tmp_path / "file.txt").read_bytes() == text.encode("utf-8")
    assert text.endswith("\n") and "\r" not in text


@pytest.mark.parametrize(("target", "file"), [("c", "Rober.c"), ("numpy", "Rober.py"), ("llvm", "Rober.ll")])
def test_a_folder_gets_a_file_with_the_models_name(target, file, rober, tmp_path):
    text = export(rober, target, path=tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == [file]
    assert (tmp_path / file).read_text("utf-8") == text


def test_an_unknown_target_is_refused_with_the_nearest_name_and_the_list(rober):
    with pytest.raises(
        ValueError, match="no export target 'nunpy'; did you mean 'numpy'.*c, latex, llvm, numba"
    ):
        export(rober, target="nunpy")
    with pytest.raises(ValueError, match="no export target 'fortran'. There are: "):
        export(rober, target="fortran")


def test_target_names_are_known_in_any_case(rober):
    assert export(rober, target="NumPy") == export(rober, target="numpy")


@pytest.mark.parametrize("given", [ROBER, None, 3])
def test_what_is_no_model_is_refused(given):
    with pytest.raises(TypeError, match=f"takes a model.*got {type(given).__name__}"):
        export(given, target="c")


NAMES_TARGET = PrintedTarget(
    "names", ".txt", "names of the states", lambda model: "\n".join(model.state_names)
)


def test_others_register_a_target_by_its_place(rober, monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})
    elsewhere = ModuleType("elsewhere_targets")
    elsewhere.NAMES = NAMES_TARGET  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "elsewhere_targets", elsewhere)
    register("names", "elsewhere_targets:NAMES")
    assert export(rober, target="names") == "y₁\ny₂\ny₃"
    assert "names" in target_names()
    register("names", "elsewhere_targets:NAMES")  # twice the same is no mistake
    with pytest.raises(ValueError, match="there is a target 'names' already"):
        register("names", "elsewhere:TARGET")
    with pytest.raises(ValueError, match="there is a target 'c' already"):
        register("c", "elsewhere:TARGET")


def test_a_target_may_be_given_as_an_object(rober):
    assert export(rober, target=NAMES_TARGET) == "y₁\ny₂\ny₃"


@pytest.mark.parametrize("place", ["module", "module:", ":TARGET", "module:not a name"])
def test_a_place_of_the_wrong_form_is_refused(place):
    with pytest.raises(ValueError, match="package.module:ATTRIBUTE"):
        register("mine", place)


def test_what_is_announced_but_no_target_is_refused(rober, monkeypatch):
    monkeypatch.setattr(registry, "_registered", {"pi": "math:pi"})
    with pytest.raises(TypeError, match="math:pi is no export target"):
        export(rober, target="pi")


@pytest.mark.parametrize("target", SOURCES)
def test_the_header_tells_model_version_names_defaults_and_calls(target):
    text = export(symde.ode_def(EVERYTHING), target)
    for words in (
        "Model Everything: every function and every kind of declaration; made up",
        f"symde {symde.__version__}",
        "u[0]  x = a*b  [mol] first",
        "u[3]  w = -0.5",
        "p[0]  a = 0.7  [1/s] a rate",
        "p[1]  b = 2*a + c",
        "p[3]  d = (to be given)",
        "observables[0]  flux = a*x - b*y/(c + x^2)",
        "bump(s, m) = exp(-(s - m)^2/(2*c^2))",
        "rhs",
        "parameter_jacobian",
        "initial_state",
    ):
        assert words in text


@pytest.mark.parametrize("target", SOURCES)
def test_every_equation_stands_in_the_modellers_words(target, rober):
    text = export(rober, target)
    for words in ("dy₁ = -k₁*y₁+k₃*y₂*y₃", "dy₂ = k₁*y₁-k₂*y₂^2-k₃*y₂*y₃", "dy₃ = k₂*y₂^2"):
        assert words in text


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("numpy", "    du[0] = -k1*y + k2*y**2/(k1 + y) - t\n"),
        ("numba", "    du[0] = -k1*y + k2*y**2/(k1 + y) - t\n"),
        ("c", "    du[0] = -k1*y + k2*(y*y)/(k1 + y) - t;\n"),
    ],
)
def test_an_equation_that_shares_nothing_reads_as_it_was_written(target, line):
    model = symde.ode_def("@ode_def begin\n dy = -k₁*y + k₂*y^2/(k₁ + y) - t\n end k₁ k₂")
    assert line in export(model, target)


def test_latex_is_one_block_with_a_line_for_each_equation(rober):
    text = export(rober, "latex")
    assert text.count(r"\begin{align*}") == text.count(r"\end{align*}") == 1
    assert text.count("&=") == 3
    assert r"k_{1} y_{1}" in text
    assert "aligned" not in text


def test_words_of_the_model_stay_in_the_comments_of_latex(rober):
    definition = replace(rober.definition, name="a\n\\end{align*}", doc="b\r\\end{align*}\u2028c")
    lines = export(symde.Model(definition), "latex").splitlines()
    assert [line for line in lines if "end{align*}" in line] == [lines[0], "\\end{align*}"]
    assert lines[0].startswith("% ")


SPECIAL = """
model special
  state x = 1, y = 1, z = 1, w = 1, v = 1
  param a = 1
  dx = min(x, y)
  dy = max(x, y)
  dz = 1/(x - y)^2 + a
  dw = sign(x) + mod(y, a)
  dv = ifelse(x < y, log(x), sqrt(y))
end
"""


@pytest.mark.parametrize("x", [math.nan, 1.0, -2.0, math.inf])
@pytest.mark.parametrize("y", [math.nan, 0.5, -1.0, -math.inf])
def test_nan_and_infinity_come_out_as_in_the_graph(x, y, special_modules):
    graph = ModelGraph(symde.ode_def(SPECIAL).definition)
    u, p = np.array([x, y, 1.0, 1.0, 1.0]), np.array([0.75])
    values = evaluate(graph.lowered.graph, graph.lowered.rhs, 0.0, {"u": u, "p": p})
    expected = [float(values[node]) for node in graph.lowered.rhs]
    for target, function in special_modules.items():
        np.testing.assert_allclose(function(u, p), expected, rtol=1e-15, err_msg=target)


@pytest.fixture(scope="module")
def special_modules(tmp_path_factory):
    folder = tmp_path_factory.mktemp("special")
    model = symde.ode_def(SPECIAL)
    with_numpy = imported(export(model, "numpy"), folder, "with_numpy")
    with_numba = imported(export(model, "numba"), folder, "with_numba")
    library = compiled_c(export(model, "c"), folder)

    def by_numpy(u, p):
        with np.errstate(all="ignore"):
            return with_numpy.rhs(0.0, u, p)

    def by_numba(u, p):
        du = np.empty(5)
        with_numba.rhs(0.0, u, p, du)
        return du

    return {
        "numpy": by_numpy,
        "numba": by_numba,
        "c": lambda u, p: called(library.special_rhs, 0.0, u, p, length=5),
    }


def test_numpy_source_warns_of_nothing_in_the_branch_left_out(tmp_path):
    model = symde.ode_def("state x = 1\nx' = ifelse(x > 0, log(x), 0)")
    module = imported(export(model, "numpy"), tmp_path)
    with np.errstate(all="raise"):
        assert module.rhs(0.0, [-1.0], []).tolist() == [0.0]
        assert module.jacobian(0.0, [-1.0], []).tolist() == [[0.0]]


def test_numpy_source_runs_in_scipys_solver(rober, tmp_path):
    integrate = pytest.importorskip("scipy.integrate")
    module = imported(export(rober, "numpy"), tmp_path)
    p = module.parameters(k1=0.04, k2=3e7, k3=1e4)
    u0 = module.initial_state(p, y1=1.0, y2=0.0, y3=0.0)
    solution = integrate.solve_ivp(
        module.rhs, (0.0, 40.0), u0, "BDF", jac=module.jacobian, args=(p,), rtol=1e-8, atol=1e-12
    )
    # Hairer and Wanner (1996), Solving Ordinary Differential Equations II, section IV.10: ROBER at t = 40.
    reference = [0.7158270688, 9.185534765e-6, 0.2841637457]
    np.testing.assert_allclose(solution.y[:, -1], reference, rtol=1e-6)


def test_a_thousand_states_are_printed_and_the_text_is_right(tmp_path):
    model = symde.ode_def(chain_text(1000))
    for target in SOURCES:
        assert export(model, target).count("\n") > 1000
    module = imported(export(model, "numpy"), tmp_path)
    random = np.random.default_rng(3)
    u, p = random.uniform(0.5, 1.5, 1000), random.uniform(0.5, 1.5, 1000)
    graph = ModelGraph(model.definition)
    values = evaluate(graph.lowered.graph, graph.lowered.rhs, 0.0, {"u": u, "p": p})
    expected = [float(values[node]) for node in graph.lowered.rhs]
    np.testing.assert_allclose(module.rhs(0.0, u, p), expected, rtol=1e-13, atol=1e-13)


def test_functions_in_pieces_compute_what_one_function_computes(tmp_path, monkeypatch):
    model = symde.ode_def(chain_text(40))
    values = {}
    for pieces, limit in (("one", 10**9), ("many", 50)):
        monkeypatch.setattr("symde.codegen.c_printer.PIECE", limit)
        folder = tmp_path / pieces
        folder.mkdir()
        text = export(model, "c")
        assert ("_part2" in text) == (pieces == "many")
        library = compiled_c(text, folder)
        u, p = np.linspace(0.5, 1.5, 40), np.linspace(1.2, 0.3, 40)
        values[pieces] = [
            called(library.ring40_rhs, 0.0, u, p, length=40),
            called(library.ring40_jacobian_dense, 0.0, u, p, length=1600),
        ]
    for one, many in zip(values["one"], values["many"], strict=True):
        np.testing.assert_array_equal(one, many)


@pytest.mark.parametrize("target", SOURCES)
def test_long_sums_and_deep_nesting_stay_within_the_limits_of_every_compiler(target, tmp_path):
    long_sum = " + ".join(f"sin({i}*x)" for i in range(1, 2001))
    deep = "x"
    for _ in range(150):
        deep = f"cos(x - {deep}/2)"
    text = export(symde.ode_def(f"state x = 0.3, y = 0\nx' = {long_sum}\ny' = {deep}"), target)
    assert (
        max(len(line) for line in text.splitlines() if not line.lstrip().startswith((";", "#", "/*"))) < 4096
    )
    if target == "numpy":
        numbers = np.arange(1, 2001)
        module = imported(text, tmp_path)
        value = 0.3
        for _ in range(150):
            value = math.cos(0.3 - value / 2)
        np.testing.assert_allclose(
            module.rhs(0.0, [0.3, 0.0], []), [np.sin(0.3 * numbers).sum(), value], rtol=1e-11
        )
    if target == "c":
        assert compiled_c(text, tmp_path, "-std=c99", "-O0", "-Wall", "-Wextra", "-Wpedantic", "-Werror")


def test_exporting_source_needs_neither_numba_nor_sympy():
    code = (
        "import sys, symde\n"
        f"model = symde.ode_def({NAMES!r})\n"
        "for target in ('numpy', 'numba', 'c', 'llvm'): symde.export(model, target)\n"
        "print(sorted({'sympy', 'numba', 'scipy', 'torch', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


ALGEBRAIC = "model A\nparam k = 2\nstate x = 1, z = 0\nx' = -k*z\n0 = z - x^2\nend"
IMPLICIT = "model I\nstate x = 1, z = 0\nx' = -z\n0 = z^3 + z - x\nend"


def test_variables_that_equations_give_outright_are_exported_as_observed_quantities(
    tmp_path: Path,
) -> None:
    module = imported(export(symde.ode_def(ALGEBRAIC), "numpy"), tmp_path)
    assert module.rhs(0.0, np.array([3.0]), np.array([2.0])) == pytest.approx([-18.0])
    assert module.observables(0.0, np.array([3.0]), np.array([2.0])) == pytest.approx([9.0])


@pytest.mark.parametrize("target", [name for name in target_names() if name != "latex"])
def test_what_is_no_explicit_equation_is_not_exported_as_one(target: str) -> None:
    with pytest.raises(symde.ModelError, match=r"`z` is determined by an implicit equation") as caught:
        export(symde.ode_def(IMPLICIT), target)
    assert caught.value.diagnostics[0].code == "E605"


def test_latex_shows_the_rows_of_a_mass_matrix() -> None:
    text = export(
        symde.ode_def("model M\nparam C = 1\nstate x = 1, y = 0\nC*(x' - y') = -x\n(1 - C)*y' = y\nend"),
        "latex",
    )
    assert r"C \frac{d x}{d t} - C \frac{d y}{d t} &= - x" in text
    assert r"\left(1 - C\right) \frac{d y}{d t} &= y" in text
    assert r"0 &= - x + z^{3} + z" in export(symde.ode_def(IMPLICIT), "latex")
