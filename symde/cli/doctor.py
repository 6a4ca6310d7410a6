"""`symde doctor`: what a report of a problem should say about the machine."""

from __future__ import annotations

import argparse
import os
import platform
from importlib import metadata
from pathlib import Path

from symde import __version__, store
from symde.cli.table import table
from symde.native import host

_PACKAGES = (
    "numpy",
    "scipy",
    "sympy",
    "lark",
    "numba",
    "llvmlite",
    "matplotlib",
    "pandas",
    "xarray",
    "torch",
    "nbklu",
)


def run(options: argparse.Namespace) -> int:
    """Print versions, processor and cache."""
    here = host()
    rows = [
        ["symde", __version__],
        ["python", f"{platform.python_version()} ({platform.python_implementation()})"],
        ["system", platform.platform()],
        ["processor", f"{here.cpu}, {os.cpu_count()} cores"],
        ["cache", _cache()],
        *([name, _version(name)] for name in _PACKAGES),
    ]
    print(table(rows))
    return 0


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _cache() -> str:
    """The cache folder and what it holds."""
    folder = store.folder()
    if folder is None:
        return "none (no home folder): compiled code is kept in memory"
    try:
        files = [entry for entry in folder.iterdir() if entry.is_file()]
    except FileNotFoundError:
        return f"{folder} (empty)"
    except OSError as error:
        return f"{folder} ({error.strerror}): compiled code is kept in memory"
    size = sum(entry.stat().st_size for entry in files)
    writable = "" if os.access(folder, os.W_OK) else ", not writable"
    return f"{_short(folder)} ({len(files)} files, {size / 1e6:.1f} MB{writable})"


def _short(path: Path) -> str:
    home = str(Path.home())
    return str(path).replace(home, "~", 1) if str(path).startswith(home) else str(path)
