"""Laws of the cache folder: never wrong code, never a failure, at most one warning."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from symde import store

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import ctypes, os, sys, warnings
from symde import native
from symde.native import library
text = '''
define double @square(double %x) {
  %y = fmul double %x, %x
  ret double %y
}
'''
built = []
compile_ir = library.compile_ir
library.compile_ir = lambda *args, **options: built.append(1) or compile_ir(*args, **options)
if sys.argv[1:] == ["as nobody"] and os.getuid() == 0:
    os.setuid(65534)  # root may write everywhere
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    address = native.load_ir(text).address("square")
    native.load_ir(text.replace("square", "other"))
value = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(address)(3.0)
print(value, len(built), len(told))
"""


def run(folder: Path, *arguments: str) -> str:
    """What the program prints: the value of square(3), the numbers of compilations and of warnings."""
    environment = {**os.environ, "SYMDE_CACHE_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    place = tmp_path / "cache"
    monkeypatch.setenv("SYMDE_CACHE_DIR", str(place))
    monkeypatch.setattr(store, "_told", set())
    return place


posix = pytest.mark.skipif(not hasattr(os, "getuid"), reason="ownership is a matter of POSIX systems")


def test_what_is_written_is_read(folder):
    store.write("name", b"code")
    assert store.read("name") == b"code"
    assert store.read("another") is None


@posix
def test_folder_and_files_are_private(folder):
    store.write("name", b"code")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in folder.iterdir())


def test_a_second_process_compiles_nothing(folder):
    assert run(folder) == "9.0 2 0"
    assert run(folder) == "9.0 0 0"


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: b"", lambda data: data[:40] + b"!" + data[41:]]
)
def test_damaged_files_are_built_anew(folder, damage):
    run(folder)
    for file in folder.iterdir():
        file.write_bytes(damage(file.read_bytes()))
    assert run(folder) == "9.0 2 0"
    assert run(folder) == "9.0 0 0"


def test_whole_files_that_are_no_objects_are_built_anew(folder):
    run(folder)
    for file in folder.iterdir():
        store.write(file.stem, b"not an object file")
    assert run(folder) == "9.0 2 0"


@posix
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_files_others_may_write_are_refused_with_one_warning(folder, mode):
    store.write("name", b"code")
    (folder / "name.o").chmod(mode)
    with pytest.warns(RuntimeWarning, match="others may write it"):
        assert store.read("name") is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert store.read("name") is None


@posix
@pytest.mark.parametrize("mode", [0o770, 0o777])
def test_a_folder_others_may_write_is_refused(folder, mode):
    store.write("name", b"code")
    folder.chmod(mode)
    with pytest.warns(RuntimeWarning, match="others may write it"):
        assert store.read("name") is None
    store.write("new", b"code")
    assert not (folder / "new.o").exists()


@posix
def test_links_are_refused(folder, tmp_path):
    store.write("name", b"code")
    (folder / "link.o").symlink_to(folder / "name.o")
    assert store.read("link") is None


@posix
def test_files_and_folders_of_another_user_are_refused(folder, monkeypatch):
    store.write("name", b"code")
    stranger = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: stranger)
    with pytest.warns(RuntimeWarning, match="another user"):
        assert store.read("name") is None


@posix
def test_a_file_of_another_user_in_our_folder_is_refused(folder, monkeypatch):
    store.write("name", b"code")
    monkeypatch.setattr(store, "_trusted_folder", lambda place: True)
    stranger = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: stranger)
    with pytest.warns(RuntimeWarning, match="name.o"):
        assert store.read("name") is None


@posix
def test_a_folder_that_may_not_be_written_costs_one_warning(tmp_path):
    # Where root runs the tests it becomes another user, who may not even enter the test's folder.
    place = tmp_path / "cache"
    place.mkdir(mode=0o500)
    assert run(place, "as nobody") == "9.0 2 1"


def test_no_folder_at_all_costs_one_warning(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert run(blocked / "cache") == "9.0 2 1"


def test_two_cold_processes_at_once_are_right(folder):
    with ThreadPoolExecutor(2) as pool:
        assert {told.split()[0] for told in pool.map(lambda _: run(folder), range(4))} == {"9.0"}
    assert run(folder) == "9.0 0 0"
    assert sorted(file.suffix for file in folder.iterdir()) == [".o", ".o"]


def test_pruning_removes_what_was_used_longest_ago(folder):
    for age, name in enumerate(["new", "old", "oldest"]):
        store.write(name, bytes(1000))
        os.utime(folder / f"{name}.o", (1e9 - age, 1e9 - age))
    store.prune(folder, 2500)
    assert sorted(file.stem for file in folder.iterdir()) == ["new", "old"]


def test_use_makes_a_file_new(folder):
    store.write("name", b"code")
    os.utime(folder / "name.o", (1e9, 1e9))
    store.read("name")
    assert (folder / "name.o").stat().st_mtime > 1.5e9


def test_without_ownership_the_folder_is_trusted(folder, monkeypatch):
    # As under Windows, where there are neither user numbers nor these modes.
    monkeypatch.delattr(os, "getuid", raising=False)
    store.write("name", b"code")
    folder.chmod(0o777)
    assert store.read("name") == b"code"


def test_the_folder_follows_the_platform(monkeypatch, tmp_path):
    monkeypatch.delenv("SYMDE_CACHE_DIR", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert store.folder() == tmp_path / "symde"
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert store.folder() == tmp_path / "Library" / "Caches" / "symde"


def test_loading_imports_no_compiler_and_no_solver():
    program = "import sys, symde.native; print({'numba', 'scipy', 'sympy'} & set(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
