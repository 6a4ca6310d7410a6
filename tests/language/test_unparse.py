"""Text of trees: as few brackets as keep the tree, and the parser gives back what was written."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symde.language import parse, parse_expression, unparse
from symde.language.event_syntax import (
    AtClause,
    DiscreteDeclaration,
    DomainDeclaration,
    EventStatement,
    EveryClause,
    Reset,
    WhenClause,
)
from symde.language.reaction_syntax import Change, JumpStatement, ReactionStatement, Term
from symde.language.syntax import (
    Assignment,
    Call,
    Compare,
    Conditional,
    Conserved,
    ConstantDeclaration,
    Derivative,
    Expr,
    FunctionDefinition,
    Hamiltonian,
    Implicit,
    InitialValue,
    Later,
    Logic,
    ModelBlock,
    Name,
    Negate,
    Not,
    Number,
    ParameterDeclaration,
    Power,
    Product,
    StateDeclaration,
    Statement,
    Sum,
    TimeSpan,
)

# Each is its own shortest text: brackets stand where LANGUAGE.md's precedence needs them, and nowhere else.
EXPRESSIONS = [
    "x",
    "x'",
    "1.50",
    "2e-3",
    "a - b + c",
    "a - (b - c)",
    "(a - b) - c",
    "-a + b",
    "a - (-b)",
    "a + (-b*c)",
    "-(a + b)",
    "a*b/c*d",
    "a/(b*c)",
    "a/(b/c)",
    "(a*b)*c",
    "-a*b",
    "-(a*b)",
    "a*(-b)",
    "(a + b)*c",
    "-x^2",
    "(-x)^2",
    "x^-1",
    "x^-y^2",
    "x^y^z",
    "(x^y)^z",
    "x^(-2y)",
    "x^(a + b)",
    "2x",
    "2x^2",
    "(2x)^2",
    "1/2x",
    "2(x + 1)",
    "2(x + 1)^2",
    "2(3)",
    "2(-x)",
    "2(e3)",
    "2exp(x)",
    "-2x",
    "x^(2y)",
    "f()",
    "f(x, a if c < 1 else b)",
    "a < b <= c",
    "(a < b) < c",
    "a + 1 == -b",
    "not a < b",
    "not (not a)",
    "not a and b",
    "not (a and b)",
    "a and b or c and d",
    "a and (b or c)",
    "a and (b and c)",
    "a if c else b",
    "a if c else b if d else e",
    "(a if c else b) if d else e",
    "a if (b if c else d) else e",
    "(a if c else b) + 1",
    "-(a if c else b)",
]


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_expressions_need_no_more_brackets_than_these(text: str) -> None:
    assert unparse(parse_expression(text)) == text


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("((a) + (b*c))", "a + b*c"),
        ("(a^(b^c))", "a^b^c"),
        ("a**b", "a^b"),
        ("c ? a : b", "a if c else b"),
        ("+a", "a"),
        ("((1)/(2x))", "1/2x"),
        ("x^(-1)", "x^-1"),
        ("a - --b", "a - (-(-b))"),
    ],
)
def test_other_spellings_become_the_shortest(written: str, text: str) -> None:
    assert unparse(parse_expression(written)) == text


X, ONE = Name("x"), Number(1, "1")


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (Number(-2, "-2"), "-2"),
        (Power(Number(-2, "-2"), X), "(-2)^x"),
        (Power(X, Number(-2, "-2")), "x^-2"),
        (Sum((("+", X), ("+", Number(-2, "-2")))), "x + (-2)"),
        (Sum((("-", X), ("+", ONE))), "-x + 1"),
        (Product((("/", X), ("*", ONE))), "1/x*1"),
        (Product((("*", X), ("*", ONE)), implicit=True), "x*1"),
        (Product((("*", Number(-2, "-2")), ("*", X)), implicit=True), "-2*x"),
        (Product((("*", Number(2, "2")), ("*", Number(3, "3"))), implicit=True), "2(3)"),
        (Number(7, ""), "7"),
    ],
)
def test_trees_no_text_makes_keep_their_meaning(tree: Expr, text: str) -> None:
    assert unparse(tree) == text


def test_depth_is_no_limit() -> None:
    # 100,000 levels: far beyond what Python recurses.
    tree: Expr = X
    for _ in range(100_000):
        tree = Sum((("+", ONE), ("-", tree)))
    text = unparse(tree)
    assert text.startswith("1 - (1 - (1 - ") and text.endswith("x" + ")" * 99_999)


@pytest.mark.parametrize(
    "text",
    [
        "x = 2*y",
        "x' = -x",
        "x'' = -x - x'",
        "x(t0) = 1",
        "x'(0) = 2*k",
        "time 0 .. 10*T",
        "const c = 2e-3",
        'const c = 2 [m/s] "speed"',
        "f(a, b) = a*b",
        "f() = 1",
        "param k",
        'param k = 2*a [1/s] in (0, inf) nominal 5 "the \\"rate\\" \\\\ of\\nit"',
        "param k [1/s] in (-1, 1)",
        "state x",
        'state x = c*k [mol] nominal 0.1 "amount"',
        "0 = x + y - 1",
        "C*(x' - y') = i",
        "(x) = y",
        "(f(x)) = y",
        "(dx/dt) = y",
        "(time + x) = y",
        "state = 2",
        "end' = -end",
        "when x > 1 and not y < 2: x = 0",
        "when rising x == k: x' = -x', y = 0, stop",
        "when (rising > 1): stop",
        "when (-x == 0) after 2*d persistent priority -1: x = 0",
        "dose: at t = 1, 2*T, 3: x = x + 1",
        "every 24 from t0 until 240 priority 2: x = 0.5*x",
        "every every from from until until: every = every",
        "every (-x): stop",
        "when when > 1 after after priority priority: stop = 2, stop",
        'discrete m = k [mV] nominal 2 "mode"',
        "discrete m",
        "when rising (after): stop",
        "dom x >= 0",
        "dom x' <= -1",
        "dom -1 <= x <= high",
    ],
)
def test_statements_are_written_as_they_are_read(text: str) -> None:
    (block,) = parse(text)
    (statement,) = block.statements
    assert unparse(statement) == text


def test_blocks_are_written_in_their_form() -> None:
    short = "@ode_def Rober begin\n  dy₁ = -k₁*y₁\nend k₁ k₂\n"
    long = 'model M "documented"\n  param k = 1\n  state x = 1\n  x\' = -k*x\nend\n'
    anonymous = "x' = -k*x\nx(0) = 1\n"
    for text in (short, long, anonymous):
        (block,) = parse(text)
        assert unparse(block) == text


def test_functions_are_written_in_the_long_form() -> None:
    k, x, y = Name("k"), Name("x"), Name("y")
    statements: tuple[Statement, ...] = (
        StateDeclaration(x, Number(1.0, "1.0"), "mol"),
        ParameterDeclaration(k, Number(2, "2")),
        Assignment(Name("dx"), Product((("*", k), ("*", y)))),
        Assignment(Name("dose"), Negate(Name("dx"))),
        Assignment(y, x),
    )
    # `dx` is a derivative because x is an argument; in the long form the read `dx` would make it doubtful.
    assert unparse(ModelBlock(Name("M"), None, "function", statements)) == (
        "model M\n  state x = 1.0 [mol]\n  param k = 2\n  x' = k*y\n  dose = -dx\n  y = x\nend\n"
    )


def test_later_statements_are_written_as_they_were() -> None:
    (block,) = parse("use Pump as p1(k=2)")
    (statement,) = block.statements
    assert isinstance(statement, Later)
    assert unparse(statement) == "use Pump as p1(k=2)"


WORDS = (
    "x",
    "y₁",
    "α",
    "x'",
    "t",
    "E",
    "e3",
    "_a",
    "time",
    "end",
    "state",
    "model",
    "gamma",
    "param",
    "at",
    "when",
    "rising",
    "stop",
    "after",
    "discrete",
)
PLAIN = tuple(word for word in WORDS if "'" not in word)


def _numbers() -> st.SearchStrategy[Expr]:
    whole = st.integers(0, 10**6).map(lambda value: Number(value, str(value)))
    texts = st.from_regex(r"[0-9]{1,3}(\.[0-9]{0,3}([eE][+-]?[0-9])?|[eE][+-]?[0-9])", fullmatch=True)
    return st.one_of(whole, texts.map(lambda text: Number(float(text), text)))


def _larger(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    several = st.lists(inner, min_size=2, max_size=4).map(tuple)

    def chain(kind: type[Sum] | type[Product], signs: str) -> st.SearchStrategy[Expr]:
        rest = st.lists(st.tuples(st.sampled_from(signs), inner), min_size=1, max_size=3)
        return st.builds(lambda first, more: kind(((signs[0], first), *more)), inner, rest)

    comparisons = st.lists(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), min_size=3, max_size=3)
    return st.one_of(
        chain(Sum, "+-"),
        chain(Product, "*/"),
        st.builds(lambda n, x: Product((("*", n), ("*", x)), implicit=True), _numbers(), inner),
        inner.map(Negate),
        st.builds(Power, inner, inner),
        st.builds(lambda ops, signs: Compare(ops, tuple(signs[: len(ops) - 1])), several, comparisons),
        st.builds(Logic, st.sampled_from(["and", "or"]), several),
        inner.map(Not),
        st.builds(Conditional, inner, inner, inner),
        st.builds(Call, st.sampled_from(PLAIN), st.lists(inner, max_size=3).map(tuple)),
    )


NAMES = st.sampled_from(WORDS).map(Name)
PLAIN_NAMES = st.sampled_from(PLAIN).map(Name)
TREES = st.recursive(st.one_of(_numbers(), NAMES), _larger, max_leaves=20)
SMALL = st.recursive(st.one_of(_numbers(), NAMES), _larger, max_leaves=5)
UNITS = st.none() | st.sampled_from(["1/s", "mol m^-3", "µm", "%"])
DOCS = st.none() | st.text(st.sampled_from('aé"\\\n\t#;[]()= '), max_size=8)
TIMES = st.one_of(_numbers(), st.just(Name("t0")), st.builds(Power, NAMES, NAMES))


BOUNDS = st.tuples(SMALL, SMALL)
ARGUMENTS = st.lists(PLAIN_NAMES, max_size=3).map(tuple)
PAIRS = st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=3).map(tuple)
# A second `end` after `end` ends nothing.
LISTED = st.lists(PLAIN_NAMES.filter(lambda name: name.id != "end"), max_size=3).map(tuple)


SIDES = st.lists(st.builds(Term, st.integers(1, 12), PLAIN_NAMES), max_size=3).map(tuple)
CHANGES = st.lists(
    st.builds(Change, NAMES, st.sampled_from(["=", "+=", "-=", "*=", "/="]), SMALL),
    min_size=1,
    max_size=3,
    unique_by=lambda change: change.target,
).map(tuple)  # fmt: skip


def _reaction(
    rate: Expr, back: Expr, arrow: str, left: tuple[Term, ...], right: tuple[Term, ...], last: Term
):
    rates = (rate, back) if arrow[0] == "<" else (rate,)
    return ReactionStatement(rates, arrow, left, (*right, last))


def _maybe(inner: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | inner


TRIGGERS = st.one_of(
    st.builds(WhenClause, SMALL, st.sampled_from([None, "rising", "falling"])),
    st.builds(AtClause, st.lists(SMALL, min_size=1, max_size=3).map(tuple)),
    st.builds(EveryClause, SMALL, _maybe(SMALL), _maybe(SMALL)),
)
RESETS = st.lists(st.builds(Reset, NAMES, SMALL), max_size=3).map(tuple)


@st.composite
def events(draw: st.DrawFn) -> EventStatement:
    """Events that the language has: delays only with conditions, something to do."""
    trigger, resets = draw(TRIGGERS), draw(RESETS)
    after = draw(_maybe(SMALL)) if isinstance(trigger, WhenClause) else None
    persistent = after is not None and draw(st.booleans())
    stop = not resets or draw(st.booleans())
    name = draw(_maybe(PLAIN_NAMES.filter(lambda one: one.id not in ("stiff", "nonstiff"))))
    return EventStatement(name, trigger, resets, stop, after, draw(_maybe(SMALL)), persistent)


STATEMENTS: st.SearchStrategy[Statement] = st.one_of(
    st.builds(Assignment, PLAIN_NAMES, TREES),
    st.builds(Derivative, PLAIN_NAMES, st.integers(1, 3), TREES),
    st.builds(Implicit, SMALL, SMALL),
    st.builds(InitialValue, PLAIN_NAMES, st.integers(0, 2), TIMES, SMALL),
    st.builds(TimeSpan, SMALL, SMALL),
    st.builds(ConstantDeclaration, PLAIN_NAMES, SMALL, UNITS, DOCS),
    st.builds(FunctionDefinition, PLAIN_NAMES, ARGUMENTS, SMALL),
    st.builds(Conserved, SMALL),
    st.builds(Hamiltonian, PLAIN_NAMES, SMALL, PAIRS),
    st.builds(
        ParameterDeclaration, PLAIN_NAMES, _maybe(SMALL), UNITS, _maybe(BOUNDS), _maybe(SMALL), DOCS
    ),
    st.builds(StateDeclaration, NAMES, _maybe(SMALL), UNITS, _maybe(SMALL), DOCS),
    events(),
    st.builds(DiscreteDeclaration, PLAIN_NAMES, _maybe(SMALL), UNITS, _maybe(SMALL), DOCS),
    st.builds(DomainDeclaration, NAMES, SMALL, SMALL),
    st.builds(DomainDeclaration, NAMES, SMALL, st.none()),
    st.builds(DomainDeclaration, NAMES, st.none(), SMALL),
    st.builds(
        _reaction,
        SMALL,
        SMALL,
        st.sampled_from(["-->", "<-->", "=>", "<=>"]),
        SIDES,
        SIDES,
        st.builds(Term, st.integers(1, 12), PLAIN_NAMES),
    ),
    st.builds(JumpStatement, SMALL, CHANGES),
)  # fmt: skip
BODIES = st.lists(STATEMENTS, min_size=1, max_size=4).map(tuple)
BLOCKS = st.one_of(
    st.builds(ModelBlock, st.none(), st.none(), st.just("anonymous"), BODIES),
    st.builds(ModelBlock, PLAIN_NAMES, DOCS, st.just("long"), BODIES),
    st.builds(ModelBlock, PLAIN_NAMES, st.none(), st.just("short"), BODIES, LISTED),
)  # fmt: skip

QUICK = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@QUICK
@given(TREES)
def test_the_parser_gives_every_expression_back(tree: Expr) -> None:
    text = unparse(tree)
    assert parse_expression(text) == tree, text


@QUICK
@given(BLOCKS)
def test_the_parser_gives_every_model_back(block: ModelBlock) -> None:
    text = unparse(block)
    assert parse(text) == (block,), text
