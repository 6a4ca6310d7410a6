"""Object code: compiled from LLVM IR text, kept in a cache folder, loaded into the process."""

from symde.native.compiler import ABI_VERSION, Host, NativeError, compile_ir, host
from symde.native.library import Library, load_ir, load_object

__all__ = ["ABI_VERSION", "Host", "Library", "NativeError", "compile_ir", "host", "load_ir", "load_object"]
