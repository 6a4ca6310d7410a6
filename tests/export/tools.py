"""Printed source brought to life: C through gcc and ctypes, Python by importing the written file."""

from __future__ import annotations

import ctypes
import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType

import numpy as np

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")


def compiled_c(text: str, folder: Path, *options: str) -> ctypes.CDLL:
    """The shared library of a C file that compiles without a single warning."""
    source, library = folder / "source.c", folder / "source.so"
    source.write_text(text, encoding="utf-8", newline="\n")
    command = ["gcc", "-O1", *(options or STRICT), "-shared", "-fPIC", "-o", library, source, "-lm"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:4000]
    return ctypes.CDLL(str(library))


def called(function, *args: float | np.ndarray, length: int) -> np.ndarray:
    """What a C function writes through its last argument, a vector of this length."""
    out = np.full(length, np.nan)
    pointer = ctypes.POINTER(ctypes.c_double)
    given = [
        ctypes.c_double(one) if np.isscalar(one) else np.ascontiguousarray(one, dtype=float) for one in args
    ]
    raw = [one.ctypes.data_as(pointer) if isinstance(one, np.ndarray) else one for one in given]
    function.restype = None
    function(*raw, out.ctypes.data_as(pointer))
    return out


def imported(text: str, folder: Path, name: str = "printed") -> ModuleType:
    """The module that a file of this text is."""
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8", newline="\n")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
