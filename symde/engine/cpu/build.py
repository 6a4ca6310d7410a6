"""Compiles an entry point of the engine: numba's front end, our object code.

numba translates and optimises; from its LLVM module we take the function itself, wrap it in the C calling
convention and drop everything else (numba's wrappers raise Python exceptions and tie the code to numba's
runtime). What is left needs nothing but libm, so a process that finds the object code in the cache never
imports numba.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from symde import native

SOLVING = ("solve", "substitute", "substitute_transposed", "accept", "apply")
"""Entries with the signature int32 (State *, right side, solution)."""

KERNELS = ("rhs", "rhs_jacobian", "jacobian_vector", "whole_step", "whole_interpolant")
"""Entries that are kernels: int32 (double t, inputs, outputs); all others are int32 (State *)."""


_TARGET = re.compile(r"^target .*\n", re.MULTILINE)


def object_code(ir: str) -> bytes:
    """Object code of an entry's module for this machine."""
    return native.compile_ir(ir, codegen_level=2, optimise=3, slp=True)


def entry_ir(module: str, entry: str) -> str:
    """LLVM IR in which `entry` of `symde.engine.cpu.compiled.<module>` is the only public symbol.

    It knows nothing of this machine but that its addresses have 64 bits."""
    numba = _numba()
    types = numba.types
    source = importlib.import_module(f"symde.engine.cpu.compiled.{module}")
    pointers = importlib.import_module("symde.engine.cpu.compiled.pointers")
    arguments = (types.int64,) * (3 if entry in SOLVING else 1)
    if entry in KERNELS:
        arguments = (types.float64, types.int64, types.int64)
    with _front_end_only():
        dispatcher = numba.njit(types.int32(*arguments), **pointers.OPTIONS)(source.ENTRIES[entry])
        compiled = dispatcher.overloads[dispatcher.signatures[0]]
        compiled.library.finalize()  # links in what it calls
    text = _with_wrapper(compiled.library.get_llvm_str(), compiled.fndesc.llvm_func_name, entry, arguments)
    return _internalised(text, entry)


def _numba() -> Any:
    """The module numba, whole. Ctrl-C in its import would leave parts that spoil the next one."""
    known = set(sys.modules)
    try:
        return importlib.import_module("numba")
    except BaseException:
        for name in sys.modules.keys() - known:
            if name.partition(".")[0] == "numba":
                del sys.modules[name]
        raise


@contextmanager
def _front_end_only() -> Iterator[None]:
    """numba without its optimisation passes and without machine code of its own: ours follow anyway (the
    first solve of a machine takes a quarter less). What is set here is put back for the user's own functions;
    a function compiled here is never called from Python."""
    from numba.core import config
    from numba.core.codegen import JITCodeLibrary
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.registry import cpu_target
    from numba.core.types import Record

    settings: Any = config
    with global_compiler_lock:
        context: Any = cpu_target.target_context  # made with the user's setting
        library: Any = JITCodeLibrary
        record: Any = Record
        level, finish, shown = settings.OPT, library._finalize_final_module, record.__repr__
        settings.OPT = type(level)(0)
        library._finalize_final_module = _keep_as_text
        # numba wants a built-in function that is no other's
        context.get_executable = lambda code, function, environment: [].append
        record.__repr__ = lambda self: self.name  # written anew a thousand times, field by field
        try:
            yield
        finally:
            settings.OPT = level
            record.__repr__ = shown
            library._finalize_final_module = finish
            del context.get_executable


def _keep_as_text(library: Any) -> None:
    """What is left of numba's last step: the library may be linked into others."""
    library._finalized = True


def _with_wrapper(ir: str, function: str, symbol: str, arguments: tuple[Any, ...]) -> str:
    """numba's functions return through a pointer and have an exception slot: wrap one as a plain C
    function."""
    kinds = ["double" if "float" in kind.name else "i64" for kind in arguments]
    parameters = ", ".join(f"{kind} %a{i}" for i, kind in enumerate(kinds))
    return f"""{ir}
define i32 @{symbol}({parameters}) {{
  %result = alloca i32
  %exception = alloca ptr
  %status = call i32 @"{function}"(ptr %result, ptr %exception, {parameters})
  %code = load i32, ptr %result
  ret i32 %code
}}
"""


def _internalised(ir: str, symbol: str) -> str:
    """The module with `symbol` as its only exported function, so that the rest is inlined or dropped."""
    from llvmlite import binding

    module = binding.parse_assembly(ir)
    for function in module.functions:
        if not function.is_declaration and function.name != symbol:
            function.linkage = "internal"
    for variable in module.global_variables:
        if not variable.is_declaration:
            variable.linkage = "internal"
    return _TARGET.sub("", str(module))
