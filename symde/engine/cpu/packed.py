"""The engine as LLVM IR beside its sources, so that a user's machine need not wait for numba.

numba takes two thirds of the time of the first solve of a machine, and what it makes is the same everywhere:
wheels bring it along (`python -m symde.engine.cpu.packed`, called by `make wheel`), LLVM does the rest. An
entry counts only for the very sources it was made of; a checkout, which has no pack, is translated where it
runs.
"""

from __future__ import annotations

import importlib
import logging
import sys
import zipfile
from functools import cache
from importlib.metadata import version
from pathlib import Path

log = logging.getLogger("symde.engine")

PACK = Path(__file__).with_name("packed.zip")
_LITTLE_64 = sys.maxsize > 2**32 and sys.byteorder == "little"


def read(module: str, entry: str, text_hash: str, pack: Path = PACK) -> str | None:
    """The IR of an entry; None where the pack has none of these sources and this LLVM.

    Args:
        module, entry: As in `library.function_address`.
        text_hash: Hash of the sources of the module.
        pack: The file.
    """
    if not _LITTLE_64 or not pack.exists():
        return None
    try:
        with zipfile.ZipFile(pack) as archive:
            return archive.read(_member(module, entry, text_hash)).decode()
    except KeyError:
        return None
    except zipfile.BadZipFile as problem:
        log.warning("%s cannot be read (%s): the engine is translated anew", pack, problem)
        return None


@cache
def _llvm() -> str:
    return version("llvmlite")


def _member(module: str, entry: str, text_hash: str) -> str:
    return f"{module}.{entry}.{text_hash[:32]}.llvmlite-{_llvm()}.ll"


def write(pack: Path = PACK, only: frozenset[str] | None = None) -> int:
    """Translate all entries of the engine, or those of some modules, and pack them; their number."""
    from symde.engine.cpu.build import entry_ir
    from symde.engine.cpu.library import text_hash

    modules = sorted(path.stem for path in (Path(__file__).parent / "compiled").glob("*.py"))
    count = 0
    with zipfile.ZipFile(pack, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in modules:
            if only is not None and name not in only:
                continue
            source = importlib.import_module(f"symde.engine.cpu.compiled.{name}")
            for entry in getattr(source, "ENTRIES", ()):
                archive.writestr(_member(name, entry, text_hash(name)), entry_ir(name, entry))
                count += 1
    return count


if __name__ == "__main__":
    write()
