"""Decorated functions mean what the text forms mean; what Python alone knows is refused where it stands."""

from __future__ import annotations

import importlib.util
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symde.diagnostics import Diagnostic, ModelError
from symde.language import parse, parse_expression
from symde.language.function import parse_function
from symde.language.syntax import (
    Assignment,
    Derivative,
    Expr,
    Implicit,
    ModelBlock,
    Name,
    Negate,
    Number,
    ParameterDeclaration,
    StateDeclaration,
)


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def define(tmp_path: Path) -> Callable[[str], Callable[..., object]]:
    """Makes the function `f` of a text, written to a file of its own."""
    count = iter(range(10**6))

    def make(text: str) -> Callable[..., object]:
        path = tmp_path / f"model{next(count)}.py"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return load(path).f

    return make


def mistakes(function: Callable[..., object]) -> tuple[Diagnostic, ...]:
    with pytest.raises(ModelError) as caught:
        parse_function(function)
    return caught.value.diagnostics


# fmt: off
def rober(y1=1.0, y2=0.0, y3=0.0, *, k1=0.04, k2=3e7, k3=1e4):
    dy1 = -k1*y1 + k3*y2*y3  # noqa: F841
    dy2 = k1*y1 - k2*y2**2 - k3*y2*y3  # noqa: F841
    dy3 = k2*y2**2  # noqa: F841
# fmt: on


LONG = """
model rober
  state y1 = 1.0, y2 = 0.0, y3 = 0.0
  param k1 = 0.04
  param k2 = 3e7, k3 = 1e4

  dy1 = -k1*y1 + k3*y2*y3
  dy2 =  k1*y1 - k2*y2^2 - k3*y2*y3
  dy3 =  k2*y2^2
end
"""


def test_a_function_has_the_statements_of_the_long_form() -> None:
    block = parse_function(rober)
    (text,) = parse(LONG)
    assert block.statements == text.statements
    assert (block.name, block.form, block.parameters) == (text.name, "function", None)


def test_spans_lie_in_the_real_file() -> None:
    block = parse_function(rober)
    assert block.span is not None and block.name is not None and block.name.span is not None
    source = block.span.source
    assert source.name == __file__
    assert source.text == Path(__file__).read_text(encoding="utf-8")
    assert block.span.text.startswith("def rober(y1=1.0") and block.span.text.endswith("dy3 = k2*y2**2")
    assert source.position(block.name.span.start) == (rober.__code__.co_firstlineno, 5)
    texts = [one.span.text for one in block.statements if one.span is not None]
    assert texts[0] == "y1=1.0"
    assert texts[-1] == "dy3 = k2*y2**2"


def body(function: Callable[..., object]) -> list[object]:
    kinds = (StateDeclaration, ParameterDeclaration)
    return [one for one in parse_function(function).statements if not isinstance(one, kinds)]


def test_every_equation_has_its_statement(define) -> None:
    function = define(
        """
        def f(x, y):
            dx = 1
            z = x
            w: float = 2
            D(y) == -y
            D(D(q)) == 3
            0 == x + z
            x - y == 2
            "a remark"
            pass
        """
    )
    x, y = Name("x"), Name("y")
    assert body(function) == [
        Assignment(Name("dx"), Number(1, "1")),
        Assignment(Name("z"), x),
        Assignment(Name("w"), Number(2, "2")),
        Derivative(y, 1, Negate(y)),
        Derivative(Name("q"), 2, Number(3, "3")),
        Implicit(Number(0, "0"), parse_expression("x + z")),
        Implicit(parse_expression("x - y"), Number(2, "2")),
    ]


def test_the_signature_declares_states_and_parameters(define) -> None:
    function = define(
        """
        T, k = 1, 2
        def f(x: "mol", y: "m/s" = 2*k, /, z: float = -1, w: "float" = 0, *, a, b: "1/s" = 3, c: "" = 1/T):
            '''A model.

            Of two lines.
            '''
            dx = 0
        """
    )
    block = parse_function(function)
    assert block.doc == "A model.\n\nOf two lines."
    assert block.statements[:-1] == (
        StateDeclaration(Name("x"), None, "mol"),
        StateDeclaration(Name("y"), parse_expression("2*k"), "m/s"),
        StateDeclaration(Name("z"), parse_expression("-1")),
        StateDeclaration(Name("w"), Number(0, "0")),
        ParameterDeclaration(Name("a")),
        ParameterDeclaration(Name("b"), Number(3, "3"), "1/s"),
        ParameterDeclaration(Name("c"), parse_expression("1/T")),
    )


def test_defaults_are_read_not_evaluated(define) -> None:
    function = define("k = 3\ndef f(x=k + 1):\n    dx = 1\n")
    state = parse_function(function).statements[0]
    assert isinstance(state, StateDeclaration) and state.initial == parse_expression("k + 1")


def test_the_function_is_never_called(define) -> None:
    function = define("def f(x=1):\n    dx = exp(nobody_knows(x))\n")
    assert body(function) == [Assignment(Name("dx"), parse_expression("exp(nobody_knows(x))"))]


# What Python and the language write alike; what they write differently stands beside it.
SAME = [
    ("a - b + c", None),
    ("a - (b - c)", None),
    ("(a - b) - c", None),
    ("((a + b) + c) + d", None),
    ("-a*b", None),
    ("-(a*b)", None),
    ("a*b/c*d", None),
    ("(a*b)*c", None),
    ("a/(b/c)", None),
    ("-x**2", "-x^2"),
    ("x**-y**z", "x^-y^z"),
    ("(x**y)**z", "(x^y)^z"),
    ("+a", "a"),
    ("a + (-b)", None),
    ("f()", None),
    ("max(x, 1, x(t - tau))", None),
    ("a if x < 1 else b if x < 2 else c", None),
    ("(a if x < 1 <= y else b) + 1", None),
    ("a if not x < 1 and (y == 2 or z != 3) and w >= 4 else b", None),
    ("a if (x < 1 and y < 1) and z > 1 else b", None),
    ("1_000 + 0x10", "1000 + 16"),
    (".5 + 1. + 1E-3", None),
    ("(a +  # why\n     b)", "a + b"),
    ("a + \\\n        b", "a + b"),
]


@pytest.mark.parametrize(("python", "text"), SAME)
def test_expressions_give_the_tree_of_the_text(define, python: str, text: str | None) -> None:
    (statement,) = body(define(f"def f(x):\n    dx = {python}\n"))
    assert isinstance(statement, Assignment)
    assert statement.value == parse_expression(python if text is None else text)


def _trees() -> st.SearchStrategy[str]:
    """Expressions written the same in Python and in the language, but for `**`."""

    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        pair = st.sampled_from(
            ["{}+{}", "{} - {}", "{}*{}", "{}/{}", "{}**{}", "f({}, {})", "({} if {} < 1 else 2)"]
        )
        one = st.sampled_from(["({})", "-{}", "exp({})"])
        return st.one_of(st.builds(str.format, pair, inner, inner), st.builds(str.format, one, inner))

    return st.recursive(st.sampled_from(["x", "y", "2", "1.5"]), larger, max_leaves=12)


@settings(max_examples=5, deadline=None)
@given(st.lists(_trees(), min_size=40, max_size=40))
def test_any_expression_gives_the_tree_of_the_text(tmp_path_factory, written: list[str]) -> None:
    path = tmp_path_factory.mktemp("trees") / "model.py"
    path.write_text("def f(x):\n" + "".join(f"    a = {one}\n" for one in written), encoding="utf-8")
    values = [one.value for one in body(load(path).f) if isinstance(one, Assignment)]
    expected: list[Expr] = [parse_expression(one) for one in written]
    assert values == expected


def test_names_are_read_as_written(define) -> None:
    # Python reads the micro sign as the Greek letter (NFKC); the language composes alone (NFC).
    function = define(
        "def f(\u00b5=1, *, \u03b1=2, cafe\u0301=3):\n    d\u00b5 = \u03b1*cafe\u0301  # noqa\n"
    )
    block = parse_function(function)
    assert [one.name.id for one in block.statements[:3]] == ["\u00b5", "\u03b1", "caf\u00e9"]
    statement = block.statements[3]
    assert isinstance(statement, Assignment) and statement.span is not None
    assert statement.target.id == "d\u00b5"
    assert statement.span.text == "d\u00b5 = \u03b1*cafe\u0301"
    assert [name.span.text for _, name in statement.value.factors] == ["\u03b1", "cafe\u0301"]


def test_functions_may_stand_anywhere(define) -> None:
    function = define(
        """
        def keep(function):
            return function

        class Models:
            if True:
                @keep
                @keep
                def f(
                    x=1,
                    *,
                    k=2,
                ):
                    '''Not
        indented.'''
        # neither is this
                    dx = (
                        -k*x
                    )

        f = Models.f
        """
    )
    block = parse_function(function)
    statement = block.statements[-1]
    assert statement == Assignment(Name("dx"), parse_expression("-k*x"))
    assert statement.span.text.startswith("dx = (")
    assert block.name.span.source.position(block.name.span.start) == (9, 13)


def test_wrapped_functions_are_read_themselves(define) -> None:
    function = define(
        """
        import functools
        def inner(x=1):
            dx = -x
        @functools.wraps(inner)
        def f(*anything, **more):
            return inner(*anything, **more)
        """
    )
    assert parse_function(function).name == Name("inner")


MISTAKES = [
    ("if x > 1:\n        dx = 1", "E151", "if x > 1:", "a if c else b"),
    ("for i in x:\n        dx = 1", "E151", "for i in x:", "every equation"),
    ("while x:\n        dx = 1", "E151", "while x:", "every equation"),
    ("return -x", "E151", "return -x", "leave it out"),
    ("x += 1", "E151", "x += 1", "x = ..."),
    ("dx = dy = 1", "E151", "dx = dy", "for each"),
    ("dx, dy = 1, 2", "E151", "dx, dy", "for each"),
    ("x[0] = 1", "E151", "x[0]", "for each"),
    ("y: float", "E151", "y: float", "argument"),
    ("def g(a): pass", "E151", "def g(a): pass", "f(a, b) = ..."),
    ("import math", "E151", "import math", "leave it out"),
    ("global k", "E151", "global k", "keyword-only"),
    ("with x: pass", "E151", "with x: pass", "text"),
    ("match x:\n        case 1: pass", "E151", "match x:", "a if c else b"),
    ("print(x)", "E151", "print(x)", "D(x) == ..."),
    ("x == 1", "E151", "x", "write `x = ...`"),
    ("x(0) == 1", "E151", "x(0)", "defaults of arguments"),
    ("0 < x", "E151", "0 < x", "0 == ..."),
    ("0 == x == y", "E151", "0 == x == y", "0 == ..."),
    ("D(x) == 1 if x > 1 else 2", "E151", "D(x) == 1 if x > 1 else 2", "brackets"),
    ("dx = x[0]", "E152", "x[0]", "name of its own"),
    ("dx = x.real", "E152", "x.real", "`real`"),
    ("dx = np.exp(x)", "E152", "np.exp", "`exp(...)`"),
    ("dx = f(x)(2)", "E152", "f(x)", "to multiply"),
    ("dx = f(x, k=2)", "E152", "k=2", "position"),
    ("dx = f(*x)", "E152", "*x", "every argument"),
    ("dx = x^2", "E152", "^", "x**n"),
    ("dx = (x + 1) % (2)", "E152", "%", "mod(a, b)"),
    ("dx = x // 2", "E152", "//", "floor(a/b)"),
    ("dx = x @ x", "E152", "@", "sums"),
    ("dx = (x < 1) & (x > 0)", "E152", "&", "`and`"),
    ("dx = ~x", "E152", "~x", "`not`"),
    ("dx = 1 if x is 0.5 else 2", "E152", "x is 0.5", "`==`"),
    ("dx = 1 if x in y else 2", "E152", "x in y", "a <= x"),
    ("dx = (y := x)", "E152", "y := x", "line of its own"),
    ("dx = lambda: x", "E152", "lambda: x", "f(a, b) = ..."),
    ("dx = f'{x}'", "E152", "f'{x}'", "number"),
    ("dx = [x, 1]", "E152", "[x, 1]", "each element"),
    ("dx = 1, 2", "E152", "1, 2", "each"),
    ("dx = sum(k for k in x)", "E152", "(k for k in x)", "terms"),
    ("dx = {x}", "E152", "{x}", "text"),
    ("dx = True", "E152", "True", "write `1`"),
    ("dx = None", "E152", "None", "number"),
    ("dx = 'x'", "E152", "'x'", "number"),
    ("dx = 2j", "E152", "2j", "two parts"),
    ("dx = (yield)", "E152", "yield", "text"),
    ("dx = 1e999", "E401", "1e999", ""),
    ("dx = 1" + "0" * 400, "E401", "1" + "0" * 400, ""),
    ("dx = 1e-999", "E401", "1e-999", ""),
]


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize(("text", "code", "caret", "remedy"), MISTAKES, ids=[one[0][:30] for one in MISTAKES])
def test_what_python_alone_knows_is_refused_where_it_stands(define, text, code, caret, remedy) -> None:
    (mistake,) = mistakes(define(f"def f(x=1):\n    {text}\n"))
    assert (mistake.code, mistake.span.text) == (code, caret)
    assert remedy in (mistake.help or "")
    assert mistake.span.source.position(mistake.span.start)[0] == 2


@pytest.mark.parametrize(
    ("signature", "caret"), [("*x", "x"), ("**x", "x"), ('*, k: "1/[s]" = 1', '"1/[s]"')]
)
def test_signatures_without_meaning_are_refused(define, signature: str, caret: str) -> None:
    (mistake,) = mistakes(define(f"def f({signature}):\n    dx = 1\n"))
    assert (mistake.code, mistake.span.text) == ("E153", caret)


def test_all_mistakes_are_reported_in_order(define) -> None:
    function = define("def f(*x, k=True):\n    dx = x[0] + x % (y.z)\n    return 1\n    dy = 1j\n")
    found = [(one.code, one.span.text) for one in mistakes(function)]
    assert found == [
        ("E153", "x"),
        ("E152", "True"),
        ("E152", "x[0]"),
        ("E152", "%"),
        ("E152", "y.z"),
        ("E151", "return 1"),
        ("E152", "1j"),
    ]


def test_errors_show_the_line_of_the_file(define) -> None:
    function = define("\n\ndef f(x):\n\tdx = 2*x[0]\n")
    with pytest.raises(ModelError, match=r"model0\.py:4:9") as caught:
        parse_function(function)
    assert " 4 | \tdx = 2*x[0]" in str(caught.value)


def test_lambdas_and_coroutines_hold_no_model(define) -> None:
    (mistake,) = mistakes(define("f = lambda x: x\n"))
    assert (mistake.code, mistake.span.text) == ("E153", "f = lambda x: x")
    assert "plain `def`" in mistake.help
    (mistake,) = mistakes(define("async def f(x):\n    dx = 1\n"))
    assert (mistake.code, mistake.span.text) == ("E153", "async def f(x):")


def test_functions_without_source_are_refused() -> None:
    scope: dict[str, Callable[..., object]] = {}
    exec("def f(x):\n    dx = 1\n", scope)
    (mistake,) = mistakes(scope["f"])
    assert (mistake.code, mistake.span) == ("E154", None)
    assert "<string>, line 1" in mistake.message
    assert "as text" in mistake.help


@pytest.mark.parametrize("text", ["", "x = (\n", "x = 1\ny = 2\n", "def g(x):\n    dx = 2\n", "def f(x\n"])
def test_files_that_changed_since_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "changed.py"
    path.write_text("def f(x):\n    dx = 1\n", encoding="utf-8")
    function = load(path).f
    path.write_text(text, encoding="utf-8")
    (mistake,) = mistakes(function)
    assert mistake.code == "E154"


@pytest.mark.parametrize("thing", [len, int, ModelBlock, 3, None])
def test_other_things_are_a_type_error(thing: object) -> None:
    with pytest.raises(TypeError, match="plain function"):
        parse_function(thing)  # type: ignore[arg-type]


def test_operators_nest_no_deeper_than_in_text(define) -> None:
    chain = "".join(f"{i} if x < {i} else " for i in range(201)) + "x"
    (mistake,) = mistakes(define(f"def f(x):\n    dx = {chain}\n"))
    assert mistake.code == "E402"
    assert body(define(f"def f(x):\n    dx = {chain[chain.index('else') + 5 :]}\n"))


def test_long_sums_are_no_nesting(define) -> None:
    function = define("def f(x):\n    dx = " + " + ".join(["x"] * 500) + "\n")
    (statement,) = body(function)
    assert statement.value == parse_expression(" + ".join(["x"] * 500))
