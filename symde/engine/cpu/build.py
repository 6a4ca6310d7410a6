"""Compiles an entry point of the engine: numba's front end, our object code.

numba translates and optimises; from its LLVM module we take the function itself, wrap it in the C calling
convention and drop everything else (numba's wrappers raise Python exceptions and tie the code to numba's
runtime). What is left needs nothing but libm, so a process that finds the object code in the cache never
imports numba.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from symde import native

SOLVING = ("solve", "substitute", "accept")
"""Entries with the signature int32 (State *, right side, solution); all others are int32 (State *)."""


def compile_entry(module: str, entry: str) -> bytes:
    """Object code in which `entry` of `symde.engine.cpu.compiled.<module>` is the only public symbol."""
    import numba
    from numba import types

    source = importlib.import_module(f"symde.engine.cpu.compiled.{module}")
    pointers = importlib.import_module("symde.engine.cpu.compiled.pointers")
    arguments = (types.int64,) * (3 if entry in SOLVING else 1)
    with _front_end_only():
        dispatcher = numba.njit(types.int32(*arguments), **pointers.OPTIONS)(source.ENTRIES[entry])
    compiled = dispatcher.overloads[dispatcher.signatures[0]]
    text = _with_wrapper(
        compiled.library.get_llvm_str(), compiled.fndesc.llvm_func_name, entry, len(arguments)
    )
    return native.compile_ir(_internalised(text, entry), codegen_level=2, optimise=3, slp=True)


@contextmanager
def _front_end_only() -> Iterator[None]:
    """numba without its optimisation passes: ours follow anyway, and twice costs a third of the time (7.3
    against 11.3 s of CPU for the whole engine). Its setting is put back for the user's own functions."""
    from numba.core import config
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.registry import cpu_target

    settings: Any = config
    with global_compiler_lock:
        _ = cpu_target.target_context  # made with the user's setting
        level = settings.OPT
        settings.OPT = type(level)(0)
        try:
            yield
        finally:
            settings.OPT = level


def _with_wrapper(ir: str, function: str, symbol: str, n_arguments: int) -> str:
    """numba's functions return through a pointer and have an exception slot: wrap one as a plain C
    function."""
    parameters = ", ".join(f"i64 %a{i}" for i in range(n_arguments))
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
    return str(module)
