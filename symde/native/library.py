"""Loaded object code: addresses of functions that live as long as the process."""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import llvmlite.binding as llvm

from symde import store
from symde.native.compiler import NativeError, compile_ir, host, machine


class Library:
    """Object code linked into this process. It stays for good: addresses never dangle.

    Attributes:
        name: Name of the library within the process.
    """

    __slots__ = ("name", "_addresses")

    def __init__(
        self, data: bytes, name: str, symbols: Mapping[str, int] | None = None, exports: Sequence[str] = ()
    ) -> None:
        """Links object code.

        Args:
            data: The object file.
            name: A name no other library has.
            symbols: Addresses of symbols that the process itself does not define.
            exports: Symbols to look up at once; without any, faults show when the first address is asked for.

        Raises:
            NativeError: The data is no object code for this machine, or reads a symbol that nothing defines.
        """
        self.name = name
        builder = llvm.JITLibraryBuilder().add_object_img(data).add_current_process()
        for symbol, address in (symbols or {}).items():
            builder.import_symbol(symbol, address)
        for symbol in exports:
            builder.export_symbol(symbol)
        try:
            tracker = builder.link(_linker(), name)
        except RuntimeError as error:
            raise NativeError(f"object code cannot be linked: {error}") from error
        self._addresses: dict[str, int] = {symbol: tracker[symbol] for symbol in exports}
        tracker.detach()  # else its end would unload the code

    def address(self, symbol: str) -> int:
        """The address of a function or variable of the library.

        Raises:
            NativeError: There is none of that name, or the library reads a symbol that nothing defines.
        """
        address = self._addresses.get(symbol)
        if address is None:
            try:
                tracker = _linker().lookup(self.name, symbol)
            except RuntimeError as error:
                raise NativeError(f"no usable symbol `{symbol}`: {error}") from error
            address = self._addresses[symbol] = tracker[symbol]
            tracker.detach()
        return address


@cache
def _linker() -> llvm.LLJIT:
    # Unlike MCJIT this answers an undefined symbol with an error where that ends the process.
    return llvm.create_lljit_compiler(machine(1), use_jit_link=os.name != "nt", suppress_errors=True)


_DEFINED = re.compile(r'^define (?!internal|private|linkonce|available)[^@\n]*@"?([\w.$]+)"?\(', re.MULTILINE)
_libraries: dict[str, Library] = {}
_lock = threading.RLock()
_count = 0
if hasattr(os, "register_at_fork"):
    # a fork while another thread compiles would hand the child a lock that nobody releases
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


def load_object(
    key: str,
    build: Callable[[], bytes],
    symbols: Mapping[str, int] | None = None,
    exports: Sequence[str] = (),
) -> Library:
    """The library of a key: from this process, else from the cache folder, else built and stored.

    Args:
        key: Names everything the object code depends on, except for the machine, which is added here.
        build: Makes the object code.
        symbols: Addresses of symbols that the process itself does not define.
        exports: Symbols to look up at once. An object from the cache that lacks one is built anew.

    Raises:
        NativeError: What `build` made cannot be linked.
    """
    imported = ",".join(sorted(symbols or ()))
    name = hashlib.sha256(f"{key}\0{imported}\0{host().identity()}".encode()).hexdigest()
    with _lock:
        library = _libraries.get(name)
        if library is None:
            library = _libraries[name] = _from_store(name, symbols, exports) or _built(
                name, build, symbols, exports
            )
        return library


def load_ir(
    ir_text: str,
    *,
    codegen_level: int = 1,
    optimise: int = 0,
    slp: bool = False,
    symbols: Mapping[str, int] | None = None,
) -> Library:
    """The library of a module of LLVM IR; options as in `compile_ir`, `symbols` as in `load_object`."""
    text = hashlib.sha256(ir_text.encode()).hexdigest()
    key = f"ir\0{codegen_level}\0{optimise}\0{slp}\0{text}"

    def build() -> bytes:
        return compile_ir(
            ir_text, codegen_level=codegen_level, optimise=optimise, slp=slp, known=frozenset(symbols or ())
        )

    return load_object(key, build, symbols, _DEFINED.findall(ir_text))


def _from_store(name: str, symbols: Mapping[str, int] | None, exports: Sequence[str]) -> Library | None:
    data = store.read(name)
    if data is None:
        return None
    try:
        return Library(data, _unique(name), symbols, exports)
    except NativeError:
        return None  # whole, and yet not loadable here: built anew


def _built(
    name: str, build: Callable[[], bytes], symbols: Mapping[str, int] | None, exports: Sequence[str]
) -> Library:
    data = build()
    library = Library(data, _unique(name), symbols, exports)
    store.write(name, data)
    return library


def _unique(name: str) -> str:
    # The linker never takes a library's name twice, not even after a failure.
    global _count
    _count += 1
    return f"symde_{_count}_{name[:16]}"
