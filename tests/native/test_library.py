"""Laws of compiling and loading: addresses work, faulty code is an error and never the end of the process."""

from __future__ import annotations

import ctypes
import math

import pytest

from symde import native

SQUARE = """
define double @square(double %x) {
  %y = fmul double %x, %x
  ret double %y
}
"""

CALLS = """
declare double @NAME(double)
define double @apply(double %x) {
  %y = call double @NAME(double %x)
  ret double %y
}
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SYMDE_CACHE_DIR", str(tmp_path / "cache"))


def function(library: native.Library, name: str):
    return ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(library.address(name))


def test_compiled_text_runs():
    assert function(native.load_ir(SQUARE), "square")(3.0) == 9.0


@pytest.mark.parametrize("optimise", [0, 1, 2, 3])
@pytest.mark.parametrize("codegen_level", [0, 1, 2, 3])
def test_every_level_gives_the_same_result(optimise, codegen_level):
    library = native.load_ir(SQUARE, optimise=optimise, codegen_level=codegen_level, slp=True)
    assert function(library, "square")(1.5) == 2.25


@pytest.mark.parametrize("name", ["exp", "log", "sin", "tgamma", "erf", "log2"])
def test_the_mathematical_library_is_there(name):
    expected = {"tgamma": math.gamma}.get(name) or getattr(math, name)
    computed = function(native.load_ir(CALLS.replace("NAME", name)), "apply")(1.25)
    assert computed == pytest.approx(expected(1.25), rel=1e-15)


def test_same_text_is_loaded_once():
    assert native.load_ir(SQUARE) is native.load_ir(SQUARE)


def test_two_libraries_may_define_the_same_name():
    cube = native.load_ir(SQUARE.replace("fmul double %x, %x", "fadd double %x, %x"))
    assert function(cube, "square")(3.0) == 6.0
    assert function(native.load_ir(SQUARE), "square")(3.0) == 9.0


def test_undefined_symbol_is_named():
    with pytest.raises(native.NativeError, match="no_such_function"):
        native.load_ir(CALLS.replace("NAME", "no_such_function"))


def test_undefined_symbol_in_an_object_is_an_error():
    text = CALLS.replace("NAME", "no_such_function")
    data = native.compile_ir(text, known=frozenset({"no_such_function"}))
    with pytest.raises(native.NativeError, match="linked"):
        native.load_object("object with an undefined symbol", lambda: data, exports=["apply"])


def test_given_symbols_are_used():
    exp = ctypes.cast(ctypes.CDLL(None).exp, ctypes.c_void_p).value
    library = native.load_ir(CALLS.replace("NAME", "my_function"), symbols={"my_function": exp})
    assert function(library, "apply")(1.0) == math.e


def test_unknown_name_is_an_error():
    with pytest.raises(native.NativeError, match="cube"):
        native.load_ir(SQUARE).address("cube")


@pytest.mark.parametrize("text", ["blah", "define double @f( {", "define double @f() {\n  ret i32 0\n}"])
def test_faulty_text_is_an_error(text):
    with pytest.raises(native.NativeError):
        native.compile_ir(text)


def test_bytes_that_are_no_object_are_an_error():
    with pytest.raises(native.NativeError, match="linked"):
        native.load_object("no object", lambda: b"\x00" * 64, exports=["f"])


def test_object_code_depends_on_processor_and_versions():
    host = native.host()
    assert host.cpu in host.identity()
    assert host.features in host.identity()
    assert host.llvm in host.identity()
    assert str(native.ABI_VERSION) in host.identity().split("\0")
