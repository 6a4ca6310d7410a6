"""Addresses of the engine's compiled functions, from the cache or compiled now."""

from __future__ import annotations

import functools
import hashlib
import logging
from importlib import metadata
from pathlib import Path

from symde import native

log = logging.getLogger("symde.engine")


@functools.cache
def source_hash() -> str:
    """Hash of everything the engine's object code depends on: its sources and its compilers' versions."""
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for path in [folder / "layout.py", folder / "build.py", *sorted((folder / "compiled").glob("*.py"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    for package in ("numba", "llvmlite"):
        digest.update(f"{package} {metadata.version(package)}\0".encode())
    return digest.hexdigest()


@functools.cache
def function_address(module: str, entry: str) -> int:
    """Address of an engine function, such as ("explicit", "attempt")."""
    key = f"engine\0{source_hash()}\0{module}.{entry}"
    return native.load_object(key, lambda: _build(module, entry), exports=[entry]).address(entry)


def _build(module: str, entry: str) -> bytes:
    log.info("compiling the engine for this machine (once): %s.%s", module, entry)
    from symde.engine.cpu.build import compile_entry

    return compile_entry(module, entry)
