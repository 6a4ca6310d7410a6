"""The floors of the architecture hold, and what is heavy is imported only when it is used."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
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


def test_no_module_runs_text_as_code():
    forbidden = ("eval(", "exec(", "sympify(", "parse_expr(")
    allowed = {("symde/model/sympy_view.py", "sympify(")}  # of numbers that are sympy's already
    found = set()
    for path in sorted((ROOT / "symde").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for word in forbidden:
            for line in text.splitlines():
                before = line.partition(word)[0]
                if word in line and (not before or not (before[-1].isalnum() or before[-1] == "_")):
                    found.add((path.relative_to(ROOT).as_posix(), word))
    assert found <= allowed


def test_library_modules_print_nothing():
    quiet = [path for path in (ROOT / "symde").rglob("*.py") if "cli" not in path.parts]
    assert quiet
    for path in quiet:
        assert "print(" not in path.read_text(encoding="utf-8").replace("pprint(", ""), path
