"""The shell command as a user meets it: what it prints, what it writes, how it ends."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import symde
from symde.cli import main
from symde.engine.jumps import registry as jump_registry
from symde.engine.methods import registry
from symde.engine.noise import registry as noise_registry

ROOT = Path(__file__).parents[2]
ROBER = str(ROOT / "examples" / "rober.symde")
DECAY = "model Decay\n  param k = 1\n  state x = 2 [mol]\n  time 0 .. 1\n  x' = -k*x\n  half = x/2\nend\n"


@pytest.fixture
def decay(tmp_path):
    """A model whose solution is 2 exp(-k t)."""
    path = tmp_path / "decay.symde"
    path.write_text(DECAY, encoding="utf-8")
    return str(path)


def run(capsys, *arguments):
    """Exit code, output and error output of a command."""
    try:
        code = main(list(arguments))
    except SystemExit as exit_:
        code = exit_.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def result(capsys, *arguments):
    """A solve's JSON."""
    code, out, _ = run(capsys, "solve", *arguments, "--json")
    assert code == 0
    return json.loads(out)


def test_a_solve_prints_end_values_with_units_and_work(capsys, decay):
    code, out, _ = run(capsys, "solve", decay, "--rtol", "1e-10", "--atol", "1e-12")
    assert code == 0
    assert "Decay: success, t = 1" in out
    assert "0.7357588" in out and "mol" in out  # 2/e
    assert "half" in out and "0.3678794" in out  # 1/e
    assert "steps" in out


def test_options_reach_the_solve(capsys, decay):
    found = result(capsys, decay, "--set", "k=0.5", "--u0", "x=1", "--tspan", "0..4", "--method", "vern7",
                   "--rtol", "1e-10", "--atol", "x=1e-12", "--saveat", "1,2,4")  # fmt: skip
    assert found["method"] == ["Vern7"]
    assert found["saved"]["t"] == [1, 2, 4]
    assert found["saved"]["x"][-1] == pytest.approx(0.1353352832366127, rel=1e-8)  # exp(-2)
    assert found["end"]["half"] == found["end"]["x"] / 2


def test_csv_holds_the_saved_points_with_all_digits(capsys, decay, tmp_path):
    file = tmp_path / "out.csv"
    assert run(capsys, "solve", decay, "--saveat", "0.25", "--csv", str(file))[0] == 0
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    solution = symde.solve(symde.Problem(symde.load(decay)), saveat=0.25)
    assert list(rows[0]) == ["t", "x", "half"]
    assert [float(row["x"]) for row in rows] == solution["x"].tolist()


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_a_plot_is_written_in_the_format_of_its_name(capsys, decay, tmp_path, ending):
    file = tmp_path / f"out.{ending}"
    assert run(capsys, "solve", decay, "--plot", str(file), "--xscale", "log", "--vars", "x", "half")[0] == 0
    assert file.read_bytes()[:4] in (b"\x89PNG", b"%PDF", b"<?xm")


def test_a_failed_solve_says_why_and_keeps_its_part(capsys, tmp_path):
    path, file = tmp_path / "blow.symde", tmp_path / "blow.csv"
    path.write_text("state y = 1\ntime 0 .. 2\ny' = y^2\n", encoding="utf-8")
    code, _, err = run(capsys, "solve", str(path), "--csv", str(file))
    assert code == 1
    assert "y' = y^2" in err and "line 3" in err and "help" in err
    last = float(file.read_text().splitlines()[-1].split(",")[0])
    assert abs(last - 1) < 1e-4  # the solution is 1/(1 - t), within its tolerance


def test_a_mistake_in_the_model_is_shown_without_traceback(capsys, tmp_path):
    path = tmp_path / "bad.symde"
    path.write_text("state x = 1\nparam alpha = 2\nx' = alpah*x\n", encoding="utf-8")
    for command in ("solve", "show", "check"):
        code, out, err = run(capsys, command, str(path))
        assert code == 1 and out == ""
        assert err.startswith("error[E201]: unknown name `alpah`")
        assert f"{path}:3:6" in err and "alpha" in err and "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["solve", ROBER, "--method", "rodas6"], 1, "rodas"),
        (["solve", ROBER, "--set", "k9=1"], 1, "k9"),
        (["solve", ROBER, "--set", "k1"], 2, "NAME=VALUE"),
        (["solve", ROBER, "--rtol", "tight"], 2, "rtol"),
        (["solve", ROBER, "--saveat", "2e5,"], 1, "saveat"),
        (["solve", ROBER, "--model", "Robber"], 2, "Rober"),
        (["solve", "nowhere.symde"], 1, "nowhere.symde"),
        (["frobnicate"], 2, "frobnicate"),
        (["export", ROBER, "--target", "fortran"], 1, "fortran"),
        ([], 2, ""),
    ],
)
def test_a_mistake_in_the_command_ends_with_a_code_and_a_sentence(capsys, arguments, code, words):
    found, _, err = run(capsys, *arguments)
    assert found == code
    assert words in err and "Traceback" not in err


def test_show_prints_equations_structure_and_jacobian(capsys):
    code, out, _ = run(capsys, "show", ROBER)
    assert code == 0
    assert "3 states, 3 parameters, 1 observed quantity" in out
    assert "Jacobian: 7 of 9 entries" in out
    assert "∂(y2')/∂y2" in out and "-2*k2*y2 - k3*y3" in out
    assert "1/s" in out and "total" in out


def test_show_tells_what_is_solved_of_implicit_equations(capsys, tmp_path):
    path = tmp_path / "loop.symde"
    path.write_text("state x = 1, z = 1, w = 0\nx' = w\n0 = z - 3*x\n0 = w^3 + w - x*z\n")
    _, out, _ = run(capsys, "show", str(path))
    solved = out[out.index("what is solved") :].split("\n\n")[0].split("\n")
    assert [line.split() for line in solved[1:]] == [["unknowns", "x,", "w"], ["z", "=", "3*x"]]
    path.write_text(
        "state x = 1, y = 0, T = 0\nx'(0) = 0; y'(0) = 0\nx'' = -T*x\ny'' = -T*y - 9\nx^2 + y^2 = 1\n"
    )
    assert "x^2 + y^2 = 1  differentiated 2 times" in run(capsys, "show", str(path))[1]


def test_show_latex_prints_latex_alone(capsys):
    code, out, _ = run(capsys, "show", ROBER, "--latex")
    assert code == 0
    assert out.strip() == symde.load(ROBER).latex()


def test_check_reports_warnings_and_derivatives(capsys, tmp_path):
    path = tmp_path / "odd.symde"
    path.write_text("param k = 1, unused = 2\nstate x = 1\nx' = -k*x\n", encoding="utf-8")
    code, out, _ = run(capsys, "check", str(path))
    assert code == 0
    assert "W101" in out and "`unused`" in out and "1 warning" in out
    assert "agree with sympy" in out


def test_check_knows_what_constraints_determine(capsys, tmp_path):
    path = tmp_path / "pendulum.symde"
    text = "state x = 0.6, y, T = 0\nx'(0) = 1\nx'' = -T*x\ny'' = -T*y - 1\nx^2 + y^2 = 1\n"
    path.write_text(text, encoding="utf-8")
    code, out, _ = run(capsys, "check", str(path))
    assert code == 0 and "0 warnings" in out
    path.write_text(text.replace("x'(0) = 1\n", ""), encoding="utf-8")  # either velocity is needed
    code, out, _ = run(capsys, "check", str(path))
    assert "W107" in out and "1 warning" in out


def test_check_fails_where_no_point_is_finite(capsys, tmp_path):
    path = tmp_path / "nowhere.symde"
    path.write_text("state x = 1\nx' = log(-x^2)\n", encoding="utf-8")
    code, out, _ = run(capsys, "check", str(path))
    assert code == 1 and "no point found" in out


@pytest.mark.parametrize("target", ["numba", "numpy", "c", "llvm", "latex"])
def test_export_prints_or_writes_the_same(capsys, tmp_path, target):
    file = tmp_path / "out"
    assert run(capsys, "export", ROBER, "--target", target, "-o", str(file))[0] == 0
    code, out, _ = run(capsys, "export", ROBER, "--target", target)
    assert code == 0
    assert out.strip() == file.read_text(encoding="utf-8").strip() != ""


def test_methods_lists_those_for_noise(capsys):
    _, out, _ = run(capsys, "methods")
    table = out[out.index("equations with noise") :]
    for one in noise_registry.methods():
        assert f"\n{one.name} " in table
    assert "additive, diagonal, scalar" not in table and "  any  " in table


def test_methods_lists_those_that_count_molecules(capsys):
    _, out, _ = run(capsys, "methods")
    names = [
        line.split()[0]
        for line in out[out.index("paths that count molecules") :].splitlines()[1:]
        if line[0] != " "
    ]
    assert names == [one.name for one in jump_registry.methods()]


def test_methods_lists_the_registry(capsys):
    code, out, _ = run(capsys, "methods")
    assert code == 0
    for name in ("Euler", "RK4", "BS3", "DP5", "Tsit5", "Vern7", "Rosenbrock23", "Rodas4", "Rodas5P"):
        assert f"\n{name} " in out


@pytest.mark.parametrize("columns", [40, 100, 200])
def test_every_method_stands_under_its_kind_with_its_whole_sentence(capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    _, out, _ = run(capsys, "methods")
    for one in registry.methods():
        section = out.split(f"\n{one.kind}\n")[1].split("\n\n")[0]
        entry = re.search(rf"^{one.name} .*(\n .*)*", section, re.MULTILINE)
        assert entry and " ".join(entry[0].split()).endswith(one.when_to_use)
    if columns > 100:
        assert max(map(len, out.splitlines())) <= columns


def test_doctor_tells_versions_and_cache(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("SYMDE_CACHE_DIR", str(tmp_path / "cache"))
    code, out, _ = run(capsys, "doctor")
    assert code == 0
    assert symde.__version__ in out and "llvmlite" in out and "cache" in out and "empty" in out


def test_version_is_that_of_the_package(capsys):
    code, out, _ = run(capsys, "--version")
    assert code == 0 and out == f"symde {symde.__version__}\n"


def test_a_model_comes_from_standard_input(capsys, monkeypatch):
    import io

    monkeypatch.setattr(sys, "stdin", io.StringIO(DECAY))
    code, out, _ = run(capsys, "show", "-")
    assert code == 0 and "model Decay" in out


def test_a_file_with_several_models_needs_a_choice_to_be_solved(capsys, tmp_path):
    path = tmp_path / "two.symde"
    path.write_text(DECAY + DECAY.replace("Decay", "Again"), encoding="utf-8")
    code, _, err = run(capsys, "solve", str(path))
    assert code == 2 and "--model" in err and "Again" in err
    assert run(capsys, "solve", str(path), "--model", "Again")[0] == 0
    assert run(capsys, "show", str(path))[1].count("model ") == 2


def test_a_reader_that_leaves_early_is_no_error():
    program = [sys.executable, "-m", "symde.cli", "show", ROBER]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_the_first_solve_of_a_machine_says_once_that_it_compiles(decay, tmp_path):
    program = [sys.executable, "-m", "symde.cli", "solve", decay, "--method", "RK4", "--dt0", "0.1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SYMDE_CACHE_DIR": str(tmp_path / "cache")}
    first, second = (
        subprocess.run(program, capture_output=True, text=True, env=environment) for _ in range(2)
    )
    assert first.returncode == second.returncode == 0
    assert first.stderr.count("\n") == 1 and "compiling the engine" in first.stderr
    assert second.stderr == ""


def test_a_file_that_is_no_text_is_named(capsys, tmp_path):
    path = tmp_path / "binary.symde"
    path.write_bytes(b"\xff\xfe\x00")
    code, out, err = run(capsys, "show", str(path))
    assert code == 1 and not out and f"{path} is no UTF-8 text" in err
    assert run(capsys, "show", "")[0] == 1


def test_a_file_without_end_is_refused_when_it_is_longer_than_any_model(capsys):
    code, out, err = run(capsys, "show", "/dev/zero")
    assert code == 1 and not out and "E403" in err


def test_a_terminal_without_the_letters_of_a_model_shows_their_codes(tmp_path):
    path = tmp_path / "subscripts.symde"
    path.write_text("state y₁ = 1\ntime 0 .. 1\ny₁' = -y₁\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    for command in ("show", "solve"):
        program = [sys.executable, "-m", "symde.cli", command, str(path)]
        done = subprocess.run(program, capture_output=True, text=True, env=environment)
        assert done.returncode == 0 and "y\\u2081" in done.stdout


def test_a_closed_output_is_no_error():
    program = f"exec {sys.executable} -m symde.cli methods >&-"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["sh", "-c", program], capture_output=True, text=True, env=environment)
    assert done.returncode == 0 and done.stderr == ""


def test_options_of_solve_reach_it(capsys, decay):
    code, out, _ = run(
        capsys, "solve", decay, "--method", "QNDF", "--dtmax", "0.01", "--linear-solver", "dense"
    )
    assert code == 0 and "QNDF" in out
    steps = int(re.search(r"(\d+) steps", out)[1])
    assert steps >= 100
    code, _, err = run(capsys, "solve", decay, "--method", "QNDF", "--linear-solver", "wrong")
    assert code != 0 and "wrong" in err
    assert run(capsys, "solve", decay, "--progress")[0] == 0


NETWORK = """model Pair
  param k = 0.1, g = 1
  state A = 40, B = 0
  time 0 .. 5
  (k, g), 2A <--> B
end
"""


def test_a_network_is_shown_with_its_reactions_and_what_they_keep(capsys, tmp_path):
    path = tmp_path / "pair.symde"
    path.write_text(NETWORK, encoding="utf-8")
    code, out, _ = run(capsys, "show", str(path))
    assert code == 0 and "2 reactions" in out
    assert "reactions and jumps\n  k, 2A --> B\n  g, B --> 2A\n" in out
    assert "A + 2*B  stays what it is" in out


def test_a_path_of_a_network_is_followed_from_its_seed(capsys, tmp_path):
    path = tmp_path / "pair.symde"
    path.write_text(NETWORK, encoding="utf-8")
    code, out, _ = run(capsys, "solve", str(path), "--kind", "jump", "--seed", "3")
    assert code == 0 and "SortingDirect: " in out and " events, " in out
    first, again = (result(capsys, str(path), "--kind", "jump", "--seed", "3") for _ in range(2))
    assert first["end"] == again["end"] and first["end"]["A"] + 2 * first["end"]["B"] == 40
    assert first["stats"]["events"] == again["stats"]["events"] > 0
    code, _, err = run(capsys, "solve", str(path), "--kind", "jump", "--rtol", "1e-3")
    assert code == 1 and "rtol=0.001 belongs to differential equations" in err


def test_a_network_is_shown_with_all_that_stands_beside_it(capsys, tmp_path):
    path = tmp_path / "doses.symde"
    path.write_text(
        "state G = 1, C = 0\ndiscrete m = 1\nm, G --> C\ndom G >= 0\nconserved G + C + m - m\n"
        "at t = 1: m = 2\n",
        encoding="utf-8",
    )
    code, out, _ = run(capsys, "show", str(path))
    assert code == 0 and "1 reaction, 1 event" in out
    for section in (
        "reactions and jumps\n  m, G --> C\n",
        "domains\n  dom G >= 0\n",
        "events\n  at t = 1: m = 2\n",
        "conserved\n  G + C          stays what it is\n  G + C + m - m  as the model says\n",
        "m  = 1  discrete\n",
    ):
        assert section in out
    code, out, _ = run(capsys, "check", str(path))
    assert code == 0 and "agree" in out


def test_a_path_with_noise_tells_its_seed(capsys, tmp_path):
    path = tmp_path / "growth.symde"
    path.write_text("param a = 1\nstate x = 1\ntime 0 .. 1\ndx = a*x*dt + x*dW\n", encoding="utf-8")
    code, out, _ = run(capsys, "solve", str(path), "--dt0", "0.1")
    seed = out.partition("10 steps, seed ")[2].partition(",")[0]
    first = result(capsys, str(path), "--dt0", "0.1", "--seed", seed)
    assert code == 0 and first["seed"] == int(seed) and f"{first['end']['x']:.10g}" in out


def test_a_model_of_jumps_is_checked_without_derivatives(capsys, tmp_path):
    path = tmp_path / "walk.symde"
    path.write_text("state x = 0\njump 1: x += 1\n", encoding="utf-8")
    assert run(capsys, "check", str(path))[:2] == (0, "model: 0 warnings\n")
    code, out, _ = run(capsys, "show", str(path))
    assert code == 0 and "jump 1: x += 1" in out and "equations" not in out and "Jacobian" not in out
