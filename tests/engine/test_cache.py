"""The engine's object code: loaded without numba, never stale, right with any cache."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from symde.engine.cpu import library

ROOT = Path(__file__).resolve().parents[2]
SOLVE = """
import sys
import symde
model = symde.ode_def("@ode_def begin\\n dx = -2*x\\nend")
solution = symde.solve(symde.Problem(model, [1.0], (0, 1)), "Tsit5", rtol=1e-8, saveat=[1.0])
print(repr(float(solution.u[-1, 0])), "numba" in sys.modules, "sympy" in sys.modules)
"""


def run(code, cache, cwd=ROOT, **environment):
    variables = {**os.environ, "SYMDE_CACHE_DIR": str(cache), "PYTHONPATH": str(cwd), **environment}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=variables, check=True
    )


def test_a_warm_process_needs_neither_numba_nor_sympy(tmp_path):
    cold, numba_cold, _ = run(SOLVE, tmp_path).stdout.split()
    warm, numba_warm, sympy_warm = run(SOLVE, tmp_path).stdout.split()
    assert cold == warm == cold and numba_cold == "True"
    assert numba_warm == "False" and sympy_warm == "False"


def test_two_cold_processes_at_once_both_solve(tmp_path):
    variables = {**os.environ, "SYMDE_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    pair = [
        subprocess.Popen([sys.executable, "-c", SOLVE], stdout=subprocess.PIPE, text=True, env=variables)
        for _ in range(2)
    ]
    first, second = (process.communicate(timeout=300)[0].split()[0] for process in pair)
    assert first == second
    assert all(process.returncode == 0 for process in pair)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind the super-user")
def test_a_read_only_cache_is_no_obstacle(tmp_path):
    tmp_path.chmod(0o500)
    assert run(SOLVE, tmp_path).stdout.split()[0] == run(SOLVE, tmp_path / "none").stdout.split()[0]


def test_a_cache_that_cannot_be_a_folder_is_no_obstacle(tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = run(SOLVE, tmp_path / "file" / "cache")
    assert float(result.stdout.split()[0]) == pytest.approx(0.1353352832, rel=1e-6)
    assert "cannot be written" in result.stderr


def test_an_edited_engine_source_is_another_engine(tmp_path, monkeypatch):
    """The key of a module covers every source it is made of, and no other."""
    copy = tmp_path / "cpu"
    shutil.copytree(library._FOLDER, copy)
    hashed = library.source_hash.__wrapped__
    monkeypatch.setattr(library, "text_hash", library.text_hash.__wrapped__)
    before = {name: hashed(name) for name in ("loop", "rosenbrock")}
    monkeypatch.setattr(library, "_FOLDER", copy)
    assert {name: hashed(name) for name in before} == before
    shared = ["layout", "build", "compiled/pointers", "compiled/kernels"]
    own = {"loop": ["compiled/loop"], "rosenbrock": ["compiled/rosenbrock", "compiled/vectors"]}
    for name, others in own.items():
        for path in (copy / f"{one}.py" for one in [*shared, *others]):
            original = path.read_bytes()
            path.write_bytes(original + b"\n# edited\n")
            assert hashed(name) != before[name], path.name
            path.write_bytes(original)
    (copy / "compiled" / "rosenbrock.py").write_text("# edited")
    assert hashed("loop") == before["loop"]
