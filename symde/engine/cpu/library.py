"""Addresses of the engine's compiled functions, from the cache or compiled now."""

from __future__ import annotations

import functools
import hashlib
import logging
import re
from importlib.util import find_spec
from pathlib import Path

from symde import native

log = logging.getLogger("symde.engine")


_IMPORT = re.compile(
    rb"^from symde\.engine\.cpu\.([\w.]+) import|^from symde\.engine\.cpu import (\w+)$", re.MULTILINE
)
_FOLDER = Path(__file__).parent


def _sources(module: str) -> dict[str, bytes]:
    """The engine's sources that a compiled module is made of: itself and all it imports, by name."""
    found: dict[str, bytes] = {}
    pending = [f"compiled.{module}", "compiled.pointers", "layout", "build"]
    while pending:
        name = pending.pop()
        path = _FOLDER.joinpath(*name.split(".")).with_suffix(".py")
        if name not in found and path.exists():
            found[name] = path.read_bytes()
            pending += [(one or other).decode() for one, other in _IMPORT.findall(found[name])]
    return found


@functools.cache
def _compilers() -> bytes:
    """The files with the versions of numba and llvmlite: to ask for their metadata takes 20 ms."""
    folders = (spec.origin for spec in map(find_spec, ("numba", "llvmlite")) if spec and spec.origin)
    return b"\0".join(Path(origin).with_name("_version.py").read_bytes() for origin in folders)


@functools.cache
def text_hash(module: str) -> str:
    """Hash of the sources of a module."""
    digest = hashlib.sha256()
    for name, text in sorted(_sources(module).items()):
        digest.update(name.encode() + b"\0" + text + b"\0")
    return digest.hexdigest()


@functools.cache
def source_hash(module: str) -> str:
    """Hash of everything a module's object code depends on: its sources and its compilers' versions."""
    return hashlib.sha256(text_hash(module).encode() + _compilers()).hexdigest()


@functools.cache
def function_address(module: str, entry: str) -> int:
    """Address of an engine function, such as ("explicit", "attempt")."""
    key = f"engine\0{source_hash(module)}\0{module}.{entry}"
    return native.load_object(key, lambda: _build(module, entry), exports=[entry]).address(entry)


def _build(module: str, entry: str) -> bytes:
    log.info("compiling the engine for this machine (once): %s.%s", module, entry)
    from symde.engine.cpu import build, packed

    ir = packed.read(module, entry, text_hash(module))
    return build.object_code(build.entry_ir(module, entry) if ir is None else ir)
