"""A modeller's words (names, units, documentation, equations) stay words in printed source."""

from __future__ import annotations

import ctypes
import keyword

import numpy as np
import pytest

from symde.codegen.c_printer import c_source
from symde.codegen.c_words import RESERVED as RESERVED_IN_C
from symde.codegen.comments import c_block, c_comment, c_string, one_line
from symde.codegen.llvm_source import llvm_source
from symde.codegen.naming import LONGEST, Names, ascii_identifier
from symde.codegen.numba_printer import numba_source
from symde.codegen.numpy_printer import numpy_source
from symde.codegen.python_source import RESERVED as RESERVED_IN_PYTHON
from symde.diagnostics import Source, Span
from symde.language.syntax import Name, Number, Product
from symde.model.definition import Definition, Observable, Parameter, State
from symde.native import load_ir
from tests.export.tools import called, compiled_c, imported

HOSTILE = (
    "*/ int broken = 1; /*",
    "/* open",
    "/*/",
    "ends in a backslash \\",
    "trigraph ??/",
    "??/\nint broken",
    '"""\nraise SystemExit\n"""',
    "'''\nraise SystemExit",
    "first\nraise SystemExit",
    "first\rraise SystemExit",
    "first\r\nraise SystemExit",
    "first\x0craise SystemExit",
    "first\x85raise SystemExit",
    "first\u2028raise SystemExit",
    "first\u2029raise SystemExit",
    "\x00",
    "\x1b[31m",
    "\u202eright to left\u2066",
    "\ufeff\u200b",
    "\ud800",
    "%s {0} {x!r} %d",
    "-*- coding: utf-7 -*-",
    "\\end{align*}",
    "# define broken",
    "é∑☃𝛼",
    "a" * 5000,
)


def words_everywhere(words: str) -> Definition:
    """A model dx/dt = -k*x that has the words wherever words can stand."""
    span = Span(Source(words, words), 0, len(words))
    x, k = words, words + "k"

    def name(one: str) -> Name:
        return Name(one, span=span)

    product = Product((("*", name(k)), ("*", name(x))), span=span)
    return Definition(
        name=words,
        doc=words,
        states=(State(x, product, Number(2, "2", span=span), words, None, words, span, span),),
        parameters=(Parameter(k, Number(3, "3", span=span), words, None, None, words, span),),
        observables=(Observable(words + "o", product, span),),
        constants=(),
        functions=(),
        tspan=None,
        source=span.source,
    )


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_words_break_out_of_no_comment_and_no_string_in_c(words, tmp_path):
    definition = words_everywhere(words)
    text = c_source(definition)
    options = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")
    for standard in ("-std=c99", "-std=gnu99"):  # with trigraphs and without
        library = compiled_c(text, tmp_path, standard, *options)
    prefix = ascii_identifier(words)
    value = called(library[f"{prefix}_rhs"], 0.0, np.array([2.0]), np.array([3.0]), length=1)
    assert value.tolist() == [6.0]
    names = (ctypes.c_char_p * 1).in_dll(library, f"{prefix}_state_names")
    assert names[0] == words.encode("utf-8", "replace").partition(b"\0")[0][:4095]


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_words_break_out_of_no_comment_and_no_string_in_python(words, tmp_path):
    definition = words_everywhere(words)
    module = imported(numpy_source(definition), tmp_path)
    assert module.rhs(0.0, [2.0], [3.0]).tolist() == [6.0]
    assert module.STATES == (words,)
    out = np.zeros(1)
    imported(numba_source(definition), tmp_path, "compiled").rhs.py_func(0.0, [2.0], [3.0], out)
    assert out.tolist() == [6.0]


def test_words_break_out_of_no_comment_in_llvm():
    for words in HOSTILE:
        assert load_ir(llvm_source(words_everywhere(words))).address("rhs")


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_printed_shows_as_it_is(words):
    for line in (one_line(words), c_comment(words), c_string(words), *c_block([one_line(words)])):
        assert len(line.splitlines()) <= 1
        assert line == "" or line.isprintable()
    inner = c_comment(words)[2:-2]
    assert "*/" not in inner and "/*" not in inner


READABLE = {
    "y₁": "y1",
    "k₁₂": "k12",
    "α": "alpha",
    "Ω": "Omega",
    "Ω_0": "Omega_0",
    "ς": "sigma",
    "Δx": "Deltax",
    "x'": "x_prime",
    "x''": "x_prime_prime",
    "é": "e",
    "naïve": "naive",
    "ά": "alpha",
    "ж": "zhe",
    "𝛼": "alpha",
    "ℓ": "l",
    "速": "u901f",
    "_x": "v_x",
    "__init__": "v__init__",
    "p1.x": "p1_x",
}


@pytest.mark.parametrize("name", READABLE)
def test_unicode_names_get_readable_ascii_ones(name):
    assert ascii_identifier(name) == READABLE[name]


def test_every_identifier_is_legal_and_given_once():
    names = [*HOSTILE, *READABLE, "y1", "y₁", "y_1", "alpha", "α", "class", "lambda", "λ", "v1", "1", ""]
    names += [f"{'long' * 20}{tail}" for tail in ("a", "b", "c")]
    names = list(dict.fromkeys(names))
    for reserved in (RESERVED_IN_PYTHON, RESERVED_IN_C, frozenset()):
        given = Names(reserved).identifiers(names)
        assert len(set(given)) == len(names)
        assert not reserved & set(given)
        for identifier in given:
            assert identifier.isascii() and identifier.isidentifier() and not identifier.startswith("_")
            assert len(identifier) <= LONGEST + 3


def test_plain_names_keep_themselves_and_the_others_are_numbered_in_order():
    assert Names().identifiers(["y₁", "y1", "ý1", "y₁'"]) == ("y1_", "y1", "y1_2", "y1_prime")
    assert Names({"y1_"}).identifiers(["y₁", "y1"]) == ("y1_2", "y1")


@pytest.mark.parametrize("name", ["lambda", "class", "import", "None", "np", "max", "u", "t", "du", "match"])
def test_names_that_mean_something_in_python_are_not_used(name):
    assert name in RESERVED_IN_PYTHON
    assert Names(RESERVED_IN_PYTHON).identifiers([name]) == (f"{name}_",)
    assert not keyword.iskeyword(f"{name}_")


@pytest.mark.parametrize(
    "name", ["int", "double", "class", "I", "E", "gamma", "exp", "unix", "NAN", "u", "t", "restrict"]
)
def test_names_that_mean_something_in_c_are_not_used(name):
    assert Names(RESERVED_IN_C).identifiers([name]) == (f"{name}_",)
