"""The floors of the architecture hold, and what is heavy is imported only when it is used."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "symde").rglob("*.py"))
HEAVY = ("torch", "matplotlib", "pandas", "xarray", "sympy", "numba", "llvmlite", "scipy", "lark", "numpy")


def loaded_after(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after running some code."""
    script = f"{code}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )
    return set(result.stdout.split("\n")[-2].split())


def test_importing_symde_imports_nothing_heavy():
    assert not loaded_after("import symde") & set(HEAVY)


def test_importing_the_layers_imports_no_torch():
    assert not loaded_after("import symde.layers, symde.sensitivity.gradient") & {"torch"}


def test_reading_a_model_needs_no_sympy_and_no_compiler():
    code = "import symde; symde.ode_def('param k = 1\\nstate x = 1\\nx\\' = -k*x')"
    assert not loaded_after(code) & {"sympy", "numba", "llvmlite", "scipy", "torch", "matplotlib", "pandas"}


def test_solving_needs_no_sympy_once_the_engine_is_compiled(tmp_path):
    code = "import symde; symde.solve(symde.Problem('state x = 1\\nx\\' = -x', tspan=(0, 1)))"
    loaded_after(code)  # compiles the engine, where no run before did
    assert not loaded_after(code) & {"sympy", "torch", "matplotlib", "pandas", "xarray"}


@pytest.mark.parametrize("command", ["--version", "--help", "methods"])
def test_quick_commands_import_neither_compilers_nor_sympy(command):
    code = (
        "import contextlib, io, symde.cli\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        f"    symde.cli.main([{command!r}])"
    )
    assert not loaded_after(code) & {"sympy", "numba", "llvmlite", "matplotlib", "torch", "scipy"}


def test_modules_import_only_from_the_floors_below():
    command = Path(sys.executable).with_name("lint-imports")
    program = str(command) if command.exists() else shutil.which("lint-imports")
    assert program, "import-linter belongs to the test extra"
    result = subprocess.run(
        [program, "--no-cache"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    assert result.returncode == 0, result.stdout + result.stderr


def calls(path: Path) -> Iterator[ast.Call]:
    """Every call in a source file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def called(call: ast.Call) -> str:
    """The name of what is called: `f` of `f(x)` and of `module.f(x)`."""
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_module_runs_text_as_code(path):
    for call in calls(path):
        name = called(call)
        assert name not in ("eval", "exec", "parse_expr", "lambdify"), f"line {call.lineno}"
        # Only strict: else sympify hands a string to eval.
        strict = any(
            one.arg == "strict" and getattr(one.value, "value", None) is True for one in call.keywords
        )
        assert name != "sympify" or strict, f"line {call.lineno}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_only_the_command_prints(path):
    if "cli" not in path.relative_to(ROOT).parts:
        assert not [call.lineno for call in calls(path) if called(call) == "print"]
